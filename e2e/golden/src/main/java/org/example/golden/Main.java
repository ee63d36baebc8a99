package org.example.golden;

import com.alibaba.com.caucho.hessian.io.Hessian2Input;
import com.alibaba.com.caucho.hessian.io.Hessian2Output;
import com.alibaba.com.caucho.hessian.io.SerializerFactory;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.stream.Collectors;

/** write DIR VERSION: the golden files. read DIR LINE: what Go wrote, compared with what Java makes of its own bytes. */
public final class Main {
    private static final SerializerFactory FACTORY = new SerializerFactory();

    public static void main(String[] args) throws Exception {
        if (args[0].equals("write")) {
            write(Path.of(args[1]), args[2]);
            return;
        }
        System.exit(read(Path.of(args[1]), args[2]) == 0 ? 0 : 1);
    }

    private static void write(Path dir, String version) throws Exception {
        int n = 0;
        for (Case c : Cases.all()) {
            byte[] body = encode(c);
            String of = c.value() == null ? "null" : c.several() ? "several values" : c.value().getClass().getName();
            StringBuilder out = new StringBuilder();
            out.append("# ").append(version).append(": ").append(of).append('\n');
            out.append("# ").append(c.java()).append('\n');
            if (c.byRule()) {
                out.append("length ").append(body.length).append('\n');
                out.append("sha256 ").append(HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(body))).append('\n');
            } else {
                String hex = HexFormat.of().formatHex(body);
                for (int i = 0; i < hex.length(); i += 160) {
                    out.append(hex, i, Math.min(hex.length(), i + 160)).append('\n');
                }
            }
            Files.writeString(dir.resolve(c.name() + ".hex"), out.toString());
            n++;
        }
        System.out.println(version + ": " + n + " files in " + dir);
    }

    private static byte[] encode(Case c) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        Hessian2Output out = new Hessian2Output(bytes);
        out.setSerializerFactory(FACTORY);
        if (c.several()) {
            for (Object v : (Object[]) c.value()) {
                out.writeObject(v);
            }
        } else {
            out.writeObject(c.value());
        }
        out.flush();
        return bytes.toByteArray();
    }

    /** What Java reads from body: every value with no class asked for, or by the case's declared class. */
    private static String decode(Case c, byte[] body, boolean typed) {
        ByteArrayInputStream bytes = new ByteArrayInputStream(body);
        Hessian2Input in = new Hessian2Input(bytes);
        in.setSerializerFactory(FACTORY);
        Describe d = new Describe(!typed);
        try {
            if (c.several()) {
                StringBuilder s = new StringBuilder();
                for (Object v : (Object[]) c.value()) {
                    s.append(d.of(typed ? in.readObject(v.getClass()) : in.readObject())).append(" ; ");
                }
                return s.toString();
            }
            Object v = typed && c.type() != Object.class ? in.readObject(c.type()) : in.readObject();
            int rest = in.read();
            return d.of(v) + (rest < 0 ? "" : " and bytes after it");
        } catch (Throwable e) {
            return "unreadable: " + e;
        }
    }

    private static int read(Path dir, String line) throws Exception {
        int passed = 0;
        int failed = 0;
        for (Case c : Cases.all()) {
            for (boolean typed : new boolean[] {false, true}) {
                Path file = dir.resolve(c.name() + (typed ? ".typed.hex" : ".dynamic.hex"));
                if (!Files.exists(file)) {
                    continue;
                }
                String hex = Files.readAllLines(file).stream().filter(l -> !l.startsWith("#")).collect(Collectors.joining());
                String want = decode(c, encode(c), typed);
                String got = decode(c, HexFormat.of().parseHex(hex), typed);
                if (want.equals(got)) {
                    passed++;
                    continue;
                }
                failed++;
                System.out.println("CASE " + line + " " + file.getFileName() + " FAIL\n  want " + cut(want) + "\n  got  " + cut(got));
            }
        }
        System.out.println(line + ": " + passed + " passed, " + failed + " failed");
        return failed;
    }

    private static String cut(String s) {
        return s.length() > 400 ? s.substring(0, 400) + "…" : s;
    }
}
