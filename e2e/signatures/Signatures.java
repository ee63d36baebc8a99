import java.io.ByteArrayOutputStream;
import java.io.ObjectOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Date;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import org.apache.dubbo.auth.utils.SignatureUtils;
import org.apache.dubbo.common.Version;

/** Prints what Dubbo's own SignatureUtils signs, for the Go one to be compared with: name, tab, serialized arguments in hexadecimal, tab, signature. */
public class Signatures {
    private static final String TEXT = "org.example.UserService:1.0:blue#getUser#s3cret#1700000000000";

    public static void main(String[] args) throws Exception {
        System.out.println("# SignatureUtils of Dubbo Java " + Version.getVersion(SignatureUtils.class, "?") + ", secret s3cret, text " + TEXT);
        System.out.println("text\t\t" + SignatureUtils.sign(TEXT, "s3cret"));
        Map<String, Object[]> cases = new LinkedHashMap<>();
        cases.put("none", new Object[] {});
        cases.put("null", new Object[] {null});
        cases.put("string", new Object[] {"größe 😀 \u0000"});
        cases.put("long string", new Object[] {"x".repeat(70000)});
        cases.put("two strings", new Object[] {new String("a"), new String("a")});
        cases.put("one string twice", new Object[] {"a", "a"});
        cases.put("int", new Object[] {42});
        cases.put("small ints", new Object[] {42, 42, 43});
        cases.put("large ints", new Object[] {4200, Integer.valueOf(4200)});
        cases.put("long", new Object[] {42L, 42L, -5_000_000_000L});
        cases.put("short byte char", new Object[] {(short) 7, (byte) -7, 'ß', (short) 7, (byte) -7, 'a', 'a'});
        cases.put("float double", new Object[] {1.5f, -2.25, 1.5f});
        cases.put("boolean", new Object[] {true, false, true});
        cases.put("mixed", new Object[] {1L, "a", 1, 2L, true});
        cases.put("bytes", new Object[] {new byte[] {1, 2, -1}});
        cases.put("primitive arrays", new Object[] {new int[] {1, -2}, new long[] {3}, new short[] {4}, new char[] {'x'}, new float[] {1f}, new double[] {2},
            new boolean[] {true, false}, new int[] {5}});
        cases.put("strings", new Object[] {new String[] {"a", null, "b"}});
        cases.put("list", new Object[] {list(1, "a", null, 2L)});
        cases.put("empty list", new Object[] {new ArrayList<>()});
        cases.put("list of lists", new Object[] {list(list("a"), list(new String("a")))});
        cases.put("date", new Object[] {new Date(1700000000123L)});
        for (Map.Entry<String, Object[]> e : cases.entrySet()) {
            Object[] all = Arrays.copyOf(e.getValue(), e.getValue().length + 1);
            all[all.length - 1] = TEXT;
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            new ObjectOutputStream(out).writeObject(all);
            String bytes = e.getKey().startsWith("long") && out.size() > 10000 ? "" : HexFormat.of().formatHex(out.toByteArray());
            System.out.println(e.getKey() + "\t" + bytes + "\t" + signature(e.getValue()));
        }
    }

    private static String signature(Object[] arguments) {
        try {
            return SignatureUtils.sign(arguments, TEXT, "s3cret");
        } catch (IllegalArgumentException e) {
            return "refused";
        }
    }

    private static List<Object> list(Object... of) {
        return new ArrayList<>(Arrays.asList(of));
    }
}
