package org.dubbofn.kit;

import static org.dubbofn.kit.Cases.*;
import static org.dubbofn.kit.Samples.*;

import org.apache.dubbo.rpc.RpcException;
import org.fixture.dubbo.*;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.*;
import java.util.*;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;

/**
 * The rows of docs/types.md and the rules for errors, one case each, named as the documents name them. A row of a type that is a
 * field of Everything has three parts: values go there and back, the provider's own value arrives, and ours is what it expects.
 * Options: those of {@link Peer}, and --only REGEX --skip REGEX --deadlines (the provider tells a method its deadline)
 */
public final class Rows {
    private final Cases c;
    private final Peer peer;
    private final RowsService s;
    private final TypesService t;
    private Everything made;
    private List<String> differences;
    private String fault = "";

    private Rows(Cases c, Peer peer, RowsService s, TypesService t) {
        this.c = c;
        this.peer = peer;
        this.s = s;
        this.t = t;
    }

    public static void main(String[] argv) throws Throwable {
        Args args = new Args(argv);
        Peer peer = new Peer(args);
        Cases c = new Cases(args);
        RowsService s = peer.discover(RowsService.class, r -> { }, r -> r.count(""));
        TypesService t = s == null ? null : peer.discover(TypesService.class, r -> { }, r -> r.echoInt(1));
        if (t == null) {
            System.exit(1);
        }
        Rows rows = new Rows(c, peer, s, t);
        rows.exchange();
        rows.scalars();
        rows.times();
        rows.classes();
        rows.collections();
        rows.arrays();
        rows.dynamic();
        rows.errors();
        rows.retries();
        rows.context(args.is("deadlines"));
        System.exit(c.summary());
    }

    private void exchange() {
        try {
            made = s.made();
        } catch (Throwable e) {
            fault = "made: " + text(e);
        }
        try {
            differences = s.differences(everything());
        } catch (Throwable e) {
            fault += " differences: " + text(e);
        }
    }

    /** The provider's value in these fields of Everything, and what it thinks of ours. */
    private void exchanged(String... fields) {
        if (!fault.isEmpty()) {
            throw new AssertionError(fault);
        }
        List<String> wrong = Value.differences(everything(), made);
        for (String f : fields) {
            if (wrong.contains(f)) {
                throw new AssertionError("the provider made another " + f + ": " + field(made, f) + ", want " + field(everything(), f));
            }
            if (differences.contains(f)) {
                throw new AssertionError("the provider read another " + f + " than " + field(everything(), f));
            }
        }
    }

    private static String field(Everything e, String name) {
        try { return show(Everything.class.getField(name).get(e)); } catch (ReflectiveOperationException x) { return name + "?"; }
    }

    @SafeVarargs private final <T> void row(String id, String field, UnaryOperator<T> echo, T... values) {
        c.check(id, () -> {
            for (T v : values) {
                deepEqual(v, echo.apply(v));
            }
            if (field.isEmpty()) {
                return values.length + " values";
            }
            exchanged(field.split(","));
            return values.length + " values, made, read";
        });
    }

    private void scalars() {
        row("boolean", "bool", t::echoBoolean, true, false);
        row("byte", "int8", t::echoByte, Byte.MIN_VALUE, Byte.MAX_VALUE);
        row("short", "int16", t::echoShort, Short.MIN_VALUE, Short.MAX_VALUE);
        row("char", "letter", t::echoChar, 'a', '世', '\u0000', '\ud83d', '\uffff');
        row("int", "int32", t::echoInt, 0, Integer.MIN_VALUE, Integer.MAX_VALUE);
        row("long", "int64", t::echoLong, 0L, Long.MIN_VALUE, Long.MAX_VALUE);
        row("float", "float32", t::echoFloat, 0.1f, Float.MIN_VALUE, Float.MAX_VALUE, Float.NEGATIVE_INFINITY);
        row("double", "float64", t::echoDouble, 0.1, Double.MIN_VALUE, Double.MAX_VALUE, Double.NaN);
        row("Boolean", "boxedBool", t::boxBoolean, true, false, null);
        row("Byte", "", t::boxByte, Byte.MIN_VALUE, null);
        row("Short", "", t::boxShort, Short.MIN_VALUE, null);
        row("Character", "", t::boxChar, '世', null);
        row("Integer", "boxedInt", t::boxInt, 0, 70000, null);
        row("Long", "boxedNull", t::boxLong, 0L, 1L << 40, null);
        row("Float", "", t::boxFloat, 0f, 2.5f, null);
        row("Double", "", t::boxDouble, 0d, 2.5, null);
        row("String", "text", s::echoText, "", "a", "héllo 世界");
        row("String-emoji", "emoji", s::echoText, "😀", "a😀b", "👩‍👩‍👧‍👦");
        row("String-lone-surrogate", "loneSurrogate", s::echoText, "x\ud83dy", "\ude00", "\ud83d\ud83d\ude00", "end\ud83d");
        row("String-1MB", "", s::echoText, repeat("0123456789abcdef", 65_536), repeat("世", 1 << 20), repeat("😀", 1 << 19), "x" + repeat("😀", 1 << 19));
        row("String-null", "nullText", s::echoText, new String[]{null});
        c.check("String-null-as-empty", () -> equal("", s.plainText(null)) + equal("x", s.plainText("x")));
        row("bytes", "bytes", v -> t.echoBytes(v), new byte[0], new byte[]{1}, bytes(70_000), null);
        row("BigDecimal", "decimal", t::echoBigDecimal, new BigDecimal("1.00"), new BigDecimal("-1E+10"), new BigDecimal("0E-10"), new BigDecimal("1E-400"), new BigDecimal(repeat("9", 500) + ".5"), null);
        row("BigInteger", "integer", t::echoBigInteger, BigInteger.ZERO, BigInteger.valueOf(-1), BigInteger.valueOf(-128), BigInteger.valueOf(255), BigInteger.TEN.pow(1000).negate(), null);
    }

    private void times() {
        row("Date", "date", t::echoDate, new Date(0), new Date(-1), new Date(1_700_000_040_000L), new Date(Long.MAX_VALUE), new Date(Long.MIN_VALUE), null);
        row("LocalDate", "localDate", t::echoLocalDate, LocalDate.MIN, LocalDate.MAX, LocalDate.of(-44, 3, 15), null);
        row("LocalTime", "localTime", t::echoLocalTime, LocalTime.MIN, LocalTime.MAX, null);
        row("LocalDateTime", "localDateTime", t::echoLocalDateTime, LocalDateTime.MIN, LocalDateTime.MAX, null);
        row("Instant", "instant", t::echoInstant, Instant.EPOCH, Instant.ofEpochSecond(-1, 999_999_999), Instant.MIN, Instant.MAX, null);
        row("Duration", "duration", t::echoDuration, Duration.ZERO, Duration.ofNanos(-1), Duration.ofDays(100_000), null);
        row("OffsetDateTime", "offsetDateTime", s::echoOffsetDateTime, OffsetDateTime.of(2024, 2, 29, 1, 2, 3, 4, ZoneOffset.UTC), OffsetDateTime.of(1, 1, 1, 0, 0, 0, 0, ZoneOffset.ofTotalSeconds(-3601)), null);
        row("OffsetTime", "offsetTime", s::echoOffsetTime, OffsetTime.MIN, OffsetTime.MAX, null);
        row("ZonedDateTime", "zonedDateTime", t::echoZonedDateTime, ZonedDateTime.of(2024, 10, 27, 2, 30, 0, 0, ZoneId.of("Europe/Paris")), ZonedDateTime.of(2024, 1, 1, 0, 0, 0, 5, ZoneId.of("UTC")), ZonedDateTime.of(2024, 1, 1, 0, 0, 0, 0, ZoneOffset.ofHours(2)),
                ZonedDateTime.of(2024, 10, 27, 2, 30, 0, 0, ZoneId.of("Europe/Paris")).withLaterOffsetAtOverlap(), null);
        row("Year", "year", s::echoYear, Year.of(0), Year.of(Year.MAX_VALUE), Year.of(Year.MIN_VALUE), null);
        row("YearMonth", "yearMonth", s::echoYearMonth, YearMonth.of(1999, 12), YearMonth.of(-1, 1), null);
        row("MonthDay", "monthDay", s::echoMonthDay, MonthDay.of(12, 31), null);
        row("Period", "period", s::echoPeriod, Period.ZERO, Period.of(-1, 20, -300), null);
    }

    private void classes() {
        row("UUID", "uuid", s::echoUuid, new UUID(0, 0), new UUID(-1, Long.MIN_VALUE), UUID.randomUUID(), null);
        row("Locale", "locale", s::echoLocale, Locale.ENGLISH, Locale.CHINA, Locale.ROOT, null);
        row("enum", "color,nullColor", t::echoEnum, Color.RED, Color.GREEN, Color.BLUE, null);
        row("POJO", "person", t::echoPerson, person(1), jose(), new Person(), null);
        row("POJO-generic", "page", s::echoPage, page(), new Page<>(), null);
        row("POJO-interface", "shape", s::echoShape, new Circle(1.5), new Square(2, Color.RED), null);
        row("POJO-nulls", "", s::echoNulls, new Nulls(), null);
        c.check("POJO-shared", () -> { Person p = jose(); List<Person> l = t.echoPersons(Arrays.asList(p, p)); return equal(p, l.get(0)) + equal(true, l.get(0) == l.get(1)); });
        c.check("POJO-cyclic", () -> { Node n = t.echoNode(ring("a", "b")); return equal("a", n.getLabel()) + equal(true, n.getNext().getNext() == n); });
    }

    private void collections() {
        row("List", "persons", t::echoPersons, Arrays.asList(person(1), null, person(1)), new ArrayList<>(), null);
        row("List-Integer", "", s::echoIntegerList, Arrays.asList(1, null, Integer.MIN_VALUE), new ArrayList<>());
        row("List-String", "", s::echoTextList, Arrays.asList("a", null, "", "😀"), new LinkedList<>(Arrays.asList("x")));
        row("List-enum", "", s::echoColorList, Arrays.asList(Color.RED, null, Color.RED));
        row("List-BigDecimal", "", s::echoDecimals, Arrays.asList(new BigDecimal("1.0"), null, new BigDecimal("1.00")));
        row("List-List", "", s::echoGroups, Arrays.asList(Arrays.asList(person(1), null), null, new ArrayList<>()));
        row("List-interface", "", s::echoShapes, Arrays.asList(new Circle(1), new Square(2, null), null));
        row("List-Map", "", s::echoRecords, Arrays.asList(record(), null, new HashMap<>()));
        row("Collection", "", v -> new ArrayList<>(s.echoCollection(v)), new ArrayList<>(Arrays.asList("a", null)));
        row("Set", "strings", t::echoSet, new HashSet<>(Arrays.asList("a", "b")), new HashSet<>(), new LinkedHashSet<>(Arrays.asList("z", "y")), null);
        row("Set-POJO", "personSet", s::echoPersonSet, new HashSet<>(Arrays.asList(person(1), jose())), new HashSet<>());
        row("Map", "", t::echoPersonMap, map("a", person(1), "世", null), map("", jose()), new HashMap<>(), null);
        row("Map-nested", "nested", s::echoNested, map("a", map("b", Arrays.asList(1, null), "n", null), "m", null), new HashMap<>());
        row("Map-enum-key", "byColor", s::echoByColor, map(Color.RED, 1, Color.BLUE, null), new EnumMap<>(Collections.singletonMap(Color.RED, 5)));
        row("Map-Long-key", "", s::echoPersonLists, map(1L << 40, Arrays.asList(person(1)), -1L, new ArrayList<>()));
        c.check("Map-int-key", () -> equal(map(1, "a", -5, "b"), t.echoIntMap(map(1, "a", -5, "b"))));
        c.check("Map-TreeMap", () -> equal(new TreeMap<>(map("b", person(1), "a", person(2))), t.echoPersonMap(new TreeMap<>(map("b", person(1), "a", person(2))))));
    }

    private void arrays() {
        row("int[]", "ints", v -> t.echoInts(v), new int[0], new int[]{1, -1}, null);
        row("long[]", "", v -> t.echoLongs(v), new long[0], new long[]{1, Long.MIN_VALUE}, null);
        row("short[]", "", v -> t.echoShorts(v), new short[]{1, Short.MIN_VALUE}, null);
        row("boolean[]", "", v -> t.echoBooleans(v), new boolean[]{true, false}, null);
        row("float[]", "", v -> t.echoFloats(v), new float[]{0.1f}, null);
        row("double[]", "", v -> t.echoDoubles(v), new double[]{0.1}, null);
        row("char[]", "", v -> t.echoChars(v), new char[]{'a', '世', '\ud83d', '\ude00'}, new char[0], null);
        row("int[][]", "matrix", v -> t.echoMatrix(v), new int[][]{{1}, {}, null}, new int[0][]);
        row("byte[][]", "", v -> s.echoByteMatrix(v), new byte[][]{{1, 2}, {}, null}, new byte[0][]);
        row("String[]", "names", v -> t.echoStrings(v), new String[]{"a", null}, new String[0], null);
        row("String[][]", "", v -> s.echoTextMatrix(v), new String[][]{{"a", null}, {}, null}, new String[0][]);
        row("Integer[]", "integers", v -> s.echoIntegers(v), new Integer[]{1, null}, new Integer[0]);
        row("enum[]", "colors", v -> s.echoColors(v), new Color[]{Color.RED, null}, new Color[0]);
        row("Date[]", "", v -> s.echoDates(v), new Date[]{new Date(5), null}, new Date[0]);
        row("POJO[]", "team", v -> s.echoTeam(v), new Person[]{person(1), null, jose()}, new Person[0], null);
        row("Object[]", "", v -> s.echoObjects(v), new Object[]{1, "a", null, person(1), 2.5, new Date(5)}, new Object[0]);
        c.check("varargs", () -> equal("a+b+c", s.join("a", "b", "c")) + equal("", s.join()));
    }

    private void dynamic() {
        row("Object", "any", s::echoAny, "x", 5, 5L, 2.5, true, jose(), Color.RED, new Date(5), null);
        row("Object-collections", "", s::echoAny, Arrays.asList(1, "a", null), map("k", 1, 2, "v"), new TreeMap<>(map("a", 1)), new HashSet<>(Arrays.asList(1L)), new LinkedHashMap<>(record()), new ArrayDeque<>(Arrays.asList(1)).stream().collect(java.util.stream.Collectors.toCollection(LinkedList::new)));
        row("Object-arrays", "", s::echoAny, new int[]{1}, new String[]{"a"}, new Person[]{person(1)}, new byte[]{1}, new double[]{0.5}, new Object[]{1, "a"}, new long[][]{{1}});
        row("Object-values", "", s::echoAny, new BigDecimal("1.00"), BigInteger.TEN, LocalDate.of(2024, 1, 1), Instant.EPOCH, Duration.ofSeconds(5), new UUID(1, 2), Locale.FRANCE);
        row("Object-subclass", "", s::echoAny, page(), new Circle(1), new Nulls());
        c.check("future-POJO", () -> equal(jose(), s.later(jose()).get(5, TimeUnit.SECONDS)));
    }

    private void errors() {
        c.check("exception-fields-cause", () -> {
            try {
                s.failOrder(77);
            } catch (OrderException e) {
                Throwable cause = e.getCause();
                return equal("no stock 😀", e.getMessage()) + equal(77, e.getCode()) + equal(Arrays.asList("a", null, "世"), e.getReasons()) + equal(person(3), e.getCulprit())
                        + equal(IllegalStateException.class, cause.getClass()) + equal("stock -1", cause.getMessage())
                        + equal(IllegalArgumentException.class, cause.getCause().getClass()) + equal("negative", cause.getCause().getMessage());
            }
            return fault("nothing thrown");
        });
        c.check("exception-jdk", () -> {
            try {
                s.failArgument("bad 😀");
            } catch (IllegalArgumentException e) {
                return equal("bad 😀", e.getMessage());
            }
            return fault("nothing thrown");
        });
        c.check("exception-plain", () -> thrown(() -> t.failRuntime("plain-5"), "plain-5"));
        c.check("exception-crash", () -> thrown(() -> s.crash("crash-6"), "") + equal(1, t.echoInt(1)));
    }

    private interface Call { Object run() throws Throwable; }

    /** A RuntimeException that is the method's, not the framework's. */
    private static String thrown(Call call, String message) throws Throwable {
        try {
            call.run();
        } catch (RpcException e) {
            return fault("a failure of the call, which consumers retry: " + text(e));
        } catch (RuntimeException e) {
            return String.valueOf(e.getMessage()).contains(message) ? e.getClass().getName() + " " : fault("message lost: " + text(e));
        }
        return fault("nothing thrown");
    }

    private void retries() {
        for (String how : new String[]{"error", "business", "crash"}) {
            c.check("no-retry-" + how, () -> {
                RowsService r = peer.refer(RowsService.class, x -> x.setRetries(2));
                String key = Calls.key();
                try {
                    r.failCounted(key, how);
                } catch (BizException | RuntimeException e) {
                    return equal(1, s.count(key)) + e.getClass().getName();
                }
                return fault("nothing thrown");
            });
        }
    }

    private void context(boolean deadlines) {
        c.check("caller-application", () -> equal(peer.app, s.caller()));
        if (!deadlines) {
            c.skip("deadline", "this provider tells a method no deadline");
            return;
        }
        c.check("deadline", () -> { // the consumer's timeout is 10 s, and so is the published one that counts where a 2.7 frame tells none
            long left = s.timeLeft();
            return left > 0 && left <= 10_000 ? left + "ms left" : fault(left + "ms left");
        });
    }

    private static Map<String, Object> record() { return map("id", 1L, "name", "n", "tags", Arrays.asList("a", 1), "none", null, "person", person(1), "at", new Date(5)); }

    @SuppressWarnings("unchecked") private static <K, V> Map<K, V> map(Object... pairs) {
        Map<Object, Object> m = new HashMap<>();
        for (int i = 0; i < pairs.length; i += 2) {
            m.put(pairs[i], pairs[i + 1]);
        }
        return (Map<K, V>) m;
    }
}
