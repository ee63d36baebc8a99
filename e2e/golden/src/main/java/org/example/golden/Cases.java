package org.example.golden;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Calendar;
import java.util.Collections;
import java.util.Currency;
import java.util.Date;
import java.util.GregorianCalendar;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.LinkedList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TimeZone;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;

/** The golden values: scalars, text and containers here, classes in Classes. */
final class Cases {
    private final List<Case> all = new ArrayList<>();

    static List<Case> all() {
        Cases c = new Cases();
        c.numbers();
        c.strings();
        c.bytes();
        c.big();
        c.dates();
        c.lists();
        c.maps();
        c.arrays();
        Classes.addTo(c);
        return c.all;
    }

    void add(String name, String java, Class<?> type, Object value) {
        all.add(new Case(name, java, type, value, false));
    }

    void add(String name, String java, Object value) {
        add(name, java, value == null ? Object.class : value.getClass(), value);
    }

    void several(String name, String java, Object... values) {
        all.add(new Case(name, java, Object[].class, values, true));
    }

    private void numbers() {
        add("null", "null", null);
        add("true", "true", true);
        add("false", "false", false);
        for (int v : new int[] {0, 1, -1, -16, 47, -17, 48, -2048, 2047, -2049, 2048, -262144, 262143, -262145, 262144, Integer.MIN_VALUE, Integer.MAX_VALUE}) {
            add("int-" + v, "" + v, v);
        }
        for (long v : new long[] {0, -8, 15, -9, 16, -2048, 2047, -2049, 2048, -262144, 262143, -262145, 262144, Integer.MIN_VALUE, Integer.MAX_VALUE,
                Integer.MIN_VALUE - 1L, Integer.MAX_VALUE + 1L, Long.MIN_VALUE, Long.MAX_VALUE}) {
            add("long-" + v, v + "L", v);
        }
        for (double v : new double[] {0, -0.0, 1, -1, -128, 127, -129, 128, -32768, 32767, -32769, 32768, 12.25, 0.001, -12.345, 0.1, 1.0 / 3, 1e300, Double.MIN_VALUE,
                Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, 2147483.647, 2147483.648}) {
            add("double-" + v, v + "d", v);
        }
        for (float v : new float[] {0, 1.5f, 1.1f, -3.4028235e38f, Float.MIN_VALUE}) {
            add("float-" + v, v + "f", v);
        }
        add("byte-min", "(byte) -128", (byte) -128);
        add("short-max", "(short) 32767", (short) 32767);
        add("char-A", "'A'", 'A');
        add("char-euro", "'\\u20ac'", '\u20ac');
        add("char-surrogate", "'\\ud83d'", '\ud83d');
    }

    private void strings() {
        add("string-empty", "\"\"", "");
        add("string-hello", "\"hello\"", "hello");
        add("string-31", "\"x\".repeat(31)", "x".repeat(31));
        add("string-32", "\"x\".repeat(32)", "x".repeat(32));
        add("string-255", "\"x\".repeat(255)", "x".repeat(255));
        add("string-1023", "\"\\u00e9\".repeat(1023)", "\u00e9".repeat(1023));
        add("string-1024", "\"x\".repeat(1024)", "x".repeat(1024));
        add("string-two-three-bytes", "\"\\u00f1\\u20ac\\u4e2d\"", "\u00f1\u20ac\u4e2d");
        add("string-emoji", "\"a\\ud83d\\ude00b\"", "a\ud83d\ude00b");
        add("string-lone-high", "\"a\\ud83db\"", "a\ud83db");
        add("string-lone-low", "\"\\ude00\"", "\ude00");
        add("string-swapped", "\"\\ude00\\ud83d\"", "\ude00\ud83d");
        add("string-nul", "\"a\\u0000b\"", "a\u0000b");
        add("rule-string-32768", "\"x\".repeat(32768)", "x".repeat(32768));
        add("rule-string-32769", "\"x\".repeat(32769)", "x".repeat(32769));
        add("rule-string-emoji-at-chunk", "\"x\".repeat(32767) + \"\\ud83d\\ude00\".repeat(20000)", "x".repeat(32767) + "\ud83d\ude00".repeat(20000));
        add("rule-string-1mb", "\"0123456789abcdef\".repeat(65536)", "0123456789abcdef".repeat(65536));
        add("string-builder", "new StringBuilder(\"built\")", new StringBuilder("built"));
    }

    static byte[] pattern(int n) {
        byte[] b = new byte[n];
        for (int i = 0; i < n; i++) {
            b[i] = (byte) (i * 7);
        }
        return b;
    }

    private void bytes() {
        for (int n : new int[] {0, 1, 15, 16, 255, 1023, 1024, 9000}) {
            add("bytes-" + n, n + " bytes, the i-th is (byte) (i * 7)", pattern(n));
        }
        add("rule-bytes-300000", "300000 bytes, the i-th is (byte) (i * 7)", pattern(300000));
    }

    private void big() {
        for (String s : new String[] {"0", "12.50", "-0.001", "1E+3", "1E-20", "123456789012345678901234567890.1230", "0.00"}) {
            add("decimal-" + s, "new BigDecimal(\"" + s + "\")", new BigDecimal(s));
        }
        for (String s : new String[] {"0", "1", "-1", "18446744073709551616", "-1606938044258990275541962092341162602522202993782792835301376"}) {
            add("bigint-" + s, "new BigInteger(\"" + s + "\")", new BigInteger(s));
        }
    }

    private void dates() {
        add("date-epoch", "new Date(0)", new Date(0));
        add("date-minute", "new Date(1700000040000L)", new Date(1700000040000L));
        add("date-milli", "new Date(1700000012345L)", new Date(1700000012345L));
        add("date-negative", "new Date(-1L)", new Date(-1L));
        add("date-min", "new Date(Long.MIN_VALUE)", new Date(Long.MIN_VALUE));
        add("uuid", "UUID.fromString(\"123e4567-e89b-12d3-a456-426614174000\")", UUID.fromString("123e4567-e89b-12d3-a456-426614174000"));
        add("locale-en_US", "Locale.US", Locale.US);
        add("locale-fr", "Locale.FRENCH", Locale.FRENCH);
        add("locale-root", "Locale.ROOT", Locale.ROOT);
        add("locale-variant", "new Locale(\"es\", \"ES\", \"Traditional\")", new Locale("es", "ES", "Traditional"));
        add("other-currency", "Currency.getInstance(\"EUR\")", Currency.getInstance("EUR"));
        GregorianCalendar calendar = new GregorianCalendar(TimeZone.getTimeZone("UTC"), Locale.US);
        calendar.setTimeInMillis(1700000012345L);
        add("other-calendar", "a GregorianCalendar at 1700000012345L", Calendar.class, calendar);
        add("other-class", "String.class", Class.class, String.class);
    }

    private void lists() {
        add("list-empty", "new ArrayList<>()", List.class, new ArrayList<>());
        add("list-strings", "new ArrayList<>(List.of(\"a\", \"b\", \"c\"))", List.class, new ArrayList<>(List.of("a", "b", "c")));
        add("list-nulls", "a List of \"a\", null, \"\"", List.class, new ArrayList<>(Arrays.asList("a", null, "")));
        add("list-7", "a List of 7 ints", List.class, ints(7));
        add("list-8", "a List of 8 ints", List.class, ints(8));
        add("list-300", "a List of 300 ints", List.class, ints(300));
        add("list-mixed", "a List of null, true, 1, 2L, 1.5, \"x\", bytes, a Date, a List, a Map", List.class, new ArrayList<>(Arrays.asList(
                null, true, 1, 2L, 1.5, "x", new byte[] {1, 2}, new Date(0), new ArrayList<>(List.of(1)), new HashMap<>(Map.of("k", "v")))));
        add("list-linked", "new LinkedList<>(List.of(\"a\", \"b\"))", new LinkedList<>(List.of("a", "b")));
        add("list-as-list", "Arrays.asList(\"a\", \"b\")", List.class, Arrays.asList("a", "b"));
        add("list-immutable", "List.of(\"a\", \"b\", \"c\")", List.class, List.of("a", "b", "c"));
        add("list-unmodifiable", "Collections.unmodifiableList(new LinkedList<>(List.of(\"a\")))", List.class, Collections.unmodifiableList(new LinkedList<>(List.of("a"))));
        add("list-emptyList", "Collections.emptyList()", List.class, Collections.emptyList());
        add("list-nested", "a List of 3 Lists, the last of them shared with the second", List.class, nested());
        add("list-type-refs", "a List of two LinkedLists and two TreeMaps", List.class, new ArrayList<>(List.of(
                new LinkedList<>(List.of(1)), new LinkedList<>(List.of(2)), new TreeMap<>(Map.of("a", 1)), new TreeMap<>(Map.of("b", 2)))));
        List<Object> self = new ArrayList<>();
        self.add(self);
        add("list-self", "a List that holds itself", List.class, self);
        add("list-iterator", "List.of(1, 2, 3).iterator(), written without a length", Object.class, new ArrayList<>(List.of(1, 2, 3)).iterator());
        add("set-hash", "new HashSet<>(List.of(\"a\"))", Set.class, new HashSet<>(List.of("a")));
        add("set-linked", "a LinkedHashSet of \"b\", \"a\"", Set.class, new LinkedHashSet<>(List.of("b", "a")));
        add("set-tree", "a TreeSet of 3, 1, 2", Set.class, new TreeSet<>(List.of(3, 1, 2)));
        add("set-empty", "new HashSet<>()", Set.class, new HashSet<>());
        add("set-immutable", "Set.of(\"a\")", Set.class, Set.of("a"));
    }

    private static List<Integer> ints(int n) {
        List<Integer> l = new ArrayList<>();
        for (int i = 0; i < n; i++) {
            l.add(i);
        }
        return l;
    }

    private static List<Object> nested() {
        List<Object> shared = new ArrayList<>(List.of("s"));
        return new ArrayList<>(List.of(new ArrayList<>(), shared, shared));
    }

    private void maps() {
        add("map-empty", "new HashMap<>()", Map.class, new HashMap<>());
        add("map-one", "new HashMap<>(Map.of(\"k\", 1))", Map.class, new HashMap<>(Map.of("k", 1)));
        Map<String, Object> linked = new LinkedHashMap<>();
        linked.put("z", 1L);
        linked.put("a", null);
        linked.put("m", "v");
        add("map-linked", "a LinkedHashMap of z=1L, a=null, m=\"v\"", Map.class, linked);
        Map<String, Object> nullKey = new HashMap<>();
        nullKey.put(null, "v");
        add("map-null-key", "a HashMap of null=\"v\"", Map.class, nullKey);
        add("map-int-keys", "new TreeMap<>(Map.of(1, \"a\", 2, \"b\"))", Map.class, new TreeMap<>(Map.of(1, "a", 2, "b")));
        add("map-concurrent", "new ConcurrentHashMap<>(Map.of(\"k\", \"v\"))", Map.class, new ConcurrentHashMap<>(Map.of("k", "v")));
        add("map-immutable", "Map.of(\"k\", \"v\")", Map.class, Map.of("k", "v"));
        add("map-list-key", "a HashMap whose key is a List", Map.class, new HashMap<>(Map.of(new ArrayList<>(List.of(1)), "v")));
        Map<String, Object> self = new HashMap<>();
        self.put("self", self);
        add("map-self", "a HashMap that holds itself", Map.class, self);
    }

    private void arrays() {
        add("array-boolean", "new boolean[] {true, false}", new boolean[] {true, false});
        add("array-short", "new short[] {1, -32768}", new short[] {1, -32768});
        add("array-char", "new char[] {'a', '\\u20ac'}", new char[] {'a', '\u20ac'});
        add("array-int", "new int[] {0, -1, 2147483647}", new int[] {0, -1, 2147483647});
        add("array-int-empty", "new int[0]", new int[0]);
        add("array-long", "new long[] {0, Long.MIN_VALUE}", new long[] {0, Long.MIN_VALUE});
        add("array-float", "new float[] {1.5f, 1.1f}", new float[] {1.5f, 1.1f});
        add("array-double", "new double[] {0, 0.1}", new double[] {0, 0.1});
        add("array-string", "new String[] {\"a\", null, \"\"}", new String[] {"a", null, ""});
        add("array-object", "new Object[] {1, \"a\", null}", new Object[] {1, "a", null});
        add("array-integer", "new Integer[] {1, null}", new Integer[] {1, null});
        add("array-decimal", "new BigDecimal[] {new BigDecimal(\"1.0\"), null}", new BigDecimal[] {new BigDecimal("1.0"), null});
        add("array-date", "new Date[] {new Date(0)}", new Date[] {new Date(0)});
        add("array-int-2d", "new int[][] {{1, 2}, {}, null}", new int[][] {{1, 2}, {}, null});
        add("array-string-2d", "new String[][] {{\"a\"}, {\"b\", null}}", new String[][] {{"a"}, {"b", null}});
        add("array-byte-2d", "new byte[][] {{1}, {}}", new byte[][] {{1}, {}});
        add("array-int-9", "new int[] {1, … 9}", new int[] {1, 2, 3, 4, 5, 6, 7, 8, 9});
    }
}
