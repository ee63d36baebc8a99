package org.example.golden;

import java.math.BigDecimal;
import java.time.*;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Date;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;

/** The golden values that are instances of classes: java.time, enums, plain objects, graphs, exceptions. */
final class Classes {
    private Classes() {}

    static void addTo(Cases c) {
        times(c);
        enums(c);
        objects(c);
        graphs(c);
        exceptions(c);
        several(c);
    }

    private static void times(Cases c) {
        c.add("time-localdate", "LocalDate.of(2024, 2, 29)", LocalDate.of(2024, 2, 29));
        c.add("time-localtime", "LocalTime.of(23, 59, 58, 123456789)", LocalTime.of(23, 59, 58, 123456789));
        c.add("time-localdatetime", "LocalDateTime.of(2024, 2, 29, 1, 2, 3, 4)", LocalDateTime.of(2024, 2, 29, 1, 2, 3, 4));
        c.add("time-instant", "Instant.ofEpochSecond(1700000012L, 345678901)", Instant.ofEpochSecond(1700000012L, 345678901));
        c.add("time-instant-before-epoch", "Instant.ofEpochSecond(-1, 999999999)", Instant.ofEpochSecond(-1, 999999999));
        c.add("time-duration", "Duration.ofSeconds(90, 5)", Duration.ofSeconds(90, 5));
        c.add("time-duration-negative", "Duration.ofNanos(-1)", Duration.ofNanos(-1));
        c.add("time-zoneddatetime", "LocalDateTime.of(2024, 7, 1, 12, 0).atZone(ZoneId.of(\"Europe/Paris\"))", LocalDateTime.of(2024, 7, 1, 12, 0).atZone(ZoneId.of("Europe/Paris")));
        c.add("time-zoneddatetime-offset", "LocalDateTime.of(2024, 7, 1, 12, 0).atZone(ZoneOffset.ofHours(8))", LocalDateTime.of(2024, 7, 1, 12, 0).atZone(ZoneOffset.ofHours(8)));
        c.add("time-offsetdatetime", "LocalDateTime.of(2024, 7, 1, 12, 0).atOffset(ZoneOffset.ofHoursMinutes(-3, -30))", LocalDateTime.of(2024, 7, 1, 12, 0).atOffset(ZoneOffset.ofHoursMinutes(-3, -30)));
        c.add("time-offsettime", "LocalTime.of(1, 2, 3).atOffset(ZoneOffset.UTC)", LocalTime.of(1, 2, 3).atOffset(ZoneOffset.UTC));
        c.add("time-year", "Year.of(-5)", Year.of(-5));
        c.add("time-yearmonth", "YearMonth.of(2024, 12)", YearMonth.of(2024, 12));
        c.add("time-monthday", "MonthDay.of(2, 29)", MonthDay.of(2, 29));
        c.add("time-period", "Period.of(1, -2, 30)", Period.of(1, -2, 30));
        c.add("time-zoneoffset", "ZoneOffset.ofHours(8)", ZoneOffset.ofHours(8));
        c.add("time-zoneid", "ZoneId.of(\"Europe/Paris\")", ZoneId.class, ZoneId.of("Europe/Paris"));
        c.add("time-all-fields", "a Times with every field set", times());
        c.add("time-no-fields", "new Times()", new Times());
    }

    private static Times times() {
        Times t = new Times();
        t.date = new Date(1700000012345L);
        t.localDate = LocalDate.of(2024, 2, 29);
        t.localTime = LocalTime.of(23, 59, 58, 123456789);
        t.localDateTime = LocalDateTime.of(2024, 2, 29, 1, 2, 3, 4);
        t.instant = Instant.ofEpochSecond(1700000012L, 345678901);
        t.duration = Duration.ofSeconds(90, 5);
        t.zonedDateTime = LocalDateTime.of(2024, 7, 1, 12, 0).atZone(ZoneId.of("Europe/Paris"));
        t.offsetDateTime = LocalDateTime.of(2024, 7, 1, 12, 0).atOffset(ZoneOffset.ofHoursMinutes(-3, -30));
        t.offsetTime = LocalTime.of(1, 2, 3).atOffset(ZoneOffset.UTC);
        t.year = Year.of(2024);
        t.yearMonth = YearMonth.of(2024, 12);
        t.monthDay = MonthDay.of(2, 29);
        t.period = Period.of(1, -2, 30);
        t.locale = Locale.US;
        t.uuid = UUID.fromString("123e4567-e89b-12d3-a456-426614174000");
        return t;
    }

    private static void enums(Cases c) {
        c.add("enum-red", "Color.RED", Color.RED);
        c.add("enum-with-body", "Color.GREEN, whose class is Color$1", Color.class, Color.GREEN);
        c.add("enum-list", "a List of RED, RED, BLUE", List.class, new ArrayList<>(List.of(Color.RED, Color.RED, Color.BLUE)));
        c.add("enum-array", "new Color[] {RED, null, RED}", new Color[] {Color.RED, null, Color.RED});
        c.add("enum-map", "a HashMap of Color.RED=1", Map.class, new HashMap<>(Map.of(Color.RED, 1)));
        c.add("other-enumset", "EnumSet.of(RED, BLUE)", Object.class, EnumSet.of(Color.RED, Color.BLUE));
    }

    static Person person() {
        Person p = new Person();
        p.id = 4294967296L;
        p.createdBy = "me";
        p.name = "Ada \ud83d\ude00";
        p.age = 36;
        p.active = true;
        p.score = 99.5;
        p.favourite = Color.BLUE;
        p.home = new Address("Main", 12345);
        p.others = new ArrayList<>(List.of(p.home, new Address(null, -1)));
        p.tags = new HashMap<>(Map.of("k", "v"));
        p.born = new Date(-4233600000L);
        p.balance = new BigDecimal("10.00");
        p.blob = new byte[] {1, 2, 3};
        return p;
    }

    private static void objects(Cases c) {
        c.add("object-address", "new Address(\"Main\", 12345)", new Address("Main", 12345));
        c.add("object-person", "a Person with every field set, home shared with others.get(0)", person());
        c.add("object-person-empty", "new Person()", new Person());
        c.add("object-generic", "new Pair<>(\"a\", new Pair<>(1L, null))", new Pair<>("a", new Pair<>(1L, null)));
        c.add("object-scalars", "a Scalars with the values of the scalar cases, half of the boxed ones null", scalars());
        c.add("object-containers", "an Arrays2D with every field set", containers());
        c.add("object-list", "an ArrayList of 3 Addresses", List.class, new ArrayList<>(List.of(new Address("a", 1), new Address("b", 2), new Address("c", 3))));
        c.add("object-array", "new Address[] {new Address(\"a\", 1), null}", new Address[] {new Address("a", 1), null});
        c.add("object-array-2d", "new Address[][] {{new Address(\"a\", 1)}}", new Address[][] {{new Address("a", 1)}});
        c.add("object-map", "a HashMap of \"home\" to an Address", Map.class, new HashMap<>(Map.of("home", new Address("a", 1))));
        c.add("object-17-classes", "a List of instances of 19 classes, then two more of the last one", List.class, manyClasses());
        c.add("object-with-any", "new Pair<>(new int[] {1}, new Object[] {Color.RED, new Date(0)})", new Pair<>(new int[] {1}, new Object[] {Color.RED, new Date(0)}));
    }

    private static Scalars scalars() {
        Scalars s = new Scalars();
        s.z = true;
        s.b = -128;
        s.s = 32767;
        s.c = '\u20ac';
        s.i = -2147483648;
        s.j = Long.MAX_VALUE;
        s.f = 1.1f;
        s.d = 0.1;
        s.boxedBoolean = false;
        s.boxedShort = -1;
        s.boxedInt = 0;
        s.boxedFloat = 0.5f;
        return s;
    }

    private static Arrays2D containers() {
        Arrays2D a = new Arrays2D();
        a.matrix = new int[][] {{1, 2}, {3}};
        a.words = new String[] {"a", "b"};
        a.homes = new Address[] {new Address("a", 1)};
        a.names = new HashSet<>(List.of("n"));
        a.colors = new HashSet<>(List.of(Color.RED));
        a.byZip = new HashMap<>(Map.of(1, a.homes[0]));
        a.groups = new HashMap<>(Map.of("g", new ArrayList<>(List.of(a.homes[0]))));
        a.longs = new ArrayList<>(List.of(1L, 4294967296L));
        a.shorts = new ArrayList<>(List.of((short) 7));
        return a;
    }

    private static List<Object> manyClasses() {
        Times t = times();
        return new ArrayList<>(List.of(t.localDate, t.localTime, t.localDateTime, t.instant, t.duration, t.zonedDateTime, t.offsetDateTime, t.offsetTime,
                t.year, t.yearMonth, t.monthDay, t.period, t.locale, t.uuid, new BigDecimal("1.0"), Color.RED, new Address("a", 1), new Node("n", null),
                new Pair<>(1, 2), new Pair<>(3, 4), new Address("b", 2)));
    }

    private static void graphs(Cases c) {
        Address shared = new Address("shared", 1);
        c.add("graph-shared", "a List of one Address twice", List.class, new ArrayList<>(List.of(shared, shared)));
        Node loop = new Node("loop", null);
        loop.next = loop;
        c.add("graph-self", "a Node whose next is itself", loop);
        Node a = new Node("a", null);
        a.next = new Node("b", new Node("c", a));
        c.add("graph-cycle", "Nodes a → b → c → a", a);
        Node chain = null;
        for (int i = 40; i > 0; i--) {
            chain = new Node("n" + i, chain);
        }
        c.add("graph-chain", "Nodes n1 → n2 … → n40 → null", chain);
        Map<String, Object> m = new LinkedHashMap<>();
        List<Object> l = new ArrayList<>(List.of("x"));
        m.put("one", l);
        m.put("two", l);
        m.put("map", m);
        c.add("graph-map", "a LinkedHashMap of one=l, two=l, map=itself", Map.class, m);
        Pair<Object, Object> byValue = new Pair<>(Color.RED, Color.RED);
        c.add("graph-enum-shared", "new Pair<>(RED, RED)", byValue);
        LocalDate d = LocalDate.of(2024, 2, 29);
        c.add("graph-handle-shared", "new Pair<>(d, d) of one LocalDate, then refs after it", List.class, new ArrayList<>(Arrays.asList(new Pair<>(d, d), shared, shared)));
        BigDecimal b = new BigDecimal("1.50");
        c.add("graph-decimal-shared", "a List of one BigDecimal twice, then one Address twice", List.class, new ArrayList<>(List.of(b, b, shared, shared)));
        Locale us = Locale.US;
        c.add("graph-locale-shared", "a List of one Locale twice, then one Address twice", List.class, new ArrayList<>(List.of(us, us, shared, shared)));
        UUID u = UUID.fromString("123e4567-e89b-12d3-a456-426614174000");
        c.add("graph-uuid-shared", "a List of one UUID twice, then one Address twice", List.class, new ArrayList<>(List.of(u, u, shared, shared)));
        Date date = new Date(0);
        byte[] bytes = {1};
        c.add("graph-unshared", "a List of one Date twice, one byte[] twice, one Address twice", List.class, new ArrayList<>(List.of(date, date, bytes, bytes, shared, shared)));
    }

    private static void exceptions(Cases c) {
        c.add("exception-runtime", "new RuntimeException(\"boom\")", cut(new RuntimeException("boom")));
        c.add("exception-no-message", "new IllegalStateException()", cut(new IllegalStateException()));
        c.add("exception-cause", "new RuntimeException(\"outer\", new IllegalArgumentException(\"inner\"))",
                cut(new RuntimeException("outer", cut(new IllegalArgumentException("inner")))));
        c.add("exception-checked", "new BizException(42, \"no stock\", new IllegalStateException(\"cause\"))",
                cut(new BizException(42, "no stock", cut(new IllegalStateException("cause")))));
        RuntimeException suppressing = cut(new RuntimeException("main"));
        suppressing.addSuppressed(cut(new RuntimeException("suppressed")));
        c.add("exception-suppressed", "new RuntimeException(\"main\") with one suppressed", suppressing);
    }

    /** The stack must be the same wherever the program is built and run. */
    private static <T extends Throwable> T cut(T t) {
        t.setStackTrace(new StackTraceElement[] {
            new StackTraceElement("org.example.golden.Classes", "exceptions", "Classes.java", 7), new StackTraceElement("org.example.golden.Main", "main", null, -2)});
        return t;
    }

    private static void several(Cases c) {
        Address shared = new Address("shared", 1);
        c.several("several-arguments", "the arguments (\"a\", 1, shared, shared, List.of(shared)) in one body", "a", 1, shared, shared, new ArrayList<>(List.of(shared)));
        c.several("several-classes", "the arguments (new Address(\"a\", 1), Color.RED, new Address(\"b\", 2), Color.BLUE)", new Address("a", 1), Color.RED, new Address("b", 2), Color.BLUE);
    }
}
