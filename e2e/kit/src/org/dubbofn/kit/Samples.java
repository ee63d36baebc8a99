package org.dubbofn.kit;

import org.fixture.dubbo.Address;
import org.fixture.dubbo.Circle;
import org.fixture.dubbo.Color;
import org.fixture.dubbo.Everything;
import org.fixture.dubbo.Node;
import org.fixture.dubbo.Page;
import org.fixture.dubbo.Person;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.*;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Date;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Locale;
import java.util.Random;
import java.util.UUID;

/** The values that the cases send. */
final class Samples {
    static String repeat(String s, int n) {
        StringBuilder b = new StringBuilder(s.length() * n);
        for (int i = 0; i < n; i++) {
            b.append(s);
        }
        return b.toString();
    }

    static byte[] bytes(int n) {
        byte[] b = new byte[n];
        new Random(n).nextBytes(b);
        return b;
    }

    static Person person(int i) {
        Person p = new Person(i, "p" + i, 20 + i % 50);
        p.setCreatedBy("kit");
        p.setFavourite(Color.values()[i % 3]);
        p.setScore(i * 0.5);
        p.setHome(new Address("S" + i, i));
        return p;
    }

    /** A person with every field set. */
    static Person jose() {
        Person p = new Person(9_000_000_001L, "José😀", 31);
        p.setCreatedBy("creator");
        p.setActive(true);
        p.setScore(99.5);
        p.setFavourite(Color.GREEN);
        p.setHome(new Address("Main St", 12345));
        p.setOthers(new ArrayList<>(Arrays.asList(new Address("A", 1), new Address("B", 2))));
        p.setTags(new HashMap<>(Collections.singletonMap("k", "v")));
        p.setBorn(new Date(1_700_000_000_123L));
        p.setBalance(new BigDecimal("12.30"));
        p.setBlob(new byte[]{1, 2, 3});
        return p;
    }

    /** What a generic caller sends for a person. */
    static Map<String, Object> joseMap() {
        Map<String, Object> home = new HashMap<>();
        home.put("class", Address.class.getName());
        home.put("street", "Main St");
        home.put("zip", 12345);
        Map<String, Object> m = new HashMap<>();
        m.put("class", Person.class.getName());
        m.put("id", 9_000_000_001L);
        m.put("name", "José😀");
        m.put("age", 31);
        m.put("favourite", "GREEN");
        m.put("home", home);
        return m;
    }

    /** Nodes of which the last points to the first. */
    static Node ring(String... labels) {
        Node first = new Node(labels[0]), at = first;
        for (int i = 1; i < labels.length; i++, at = at.getNext()) {
            at.setNext(new Node(labels[i]));
        }
        at.setNext(first);
        return first;
    }

    static Page<Person> page() {
        Page<Person> p = new Page<>();
        p.number = 2;
        p.total = 1L << 40;
        p.first = person(1);
        p.items = new ArrayList<>(Arrays.asList(person(1), null, jose()));
        p.named = new HashMap<>(Collections.singletonMap("jose", jose()));
        return p;
    }

    /** A provider's made() answers the same; RowsService.differences compares with it. */
    static Everything everything() {
        Everything e = new Everything();
        scalars(e);
        times(e);
        e.uuid = UUID.fromString("123e4567-e89b-12d3-a456-426614174000");
        e.locale = new Locale("pt", "BR");
        e.color = Color.BLUE;
        e.person = jose();
        e.page = page();
        e.shape = new Circle(2.5);
        e.persons = new ArrayList<>(Arrays.asList(person(1), null, person(2)));
        e.strings = new HashSet<>(Arrays.asList("a", "世😀"));
        e.personSet = new HashSet<>(Arrays.asList(person(1), person(2)));
        e.nested = new HashMap<>(Collections.singletonMap("a", new HashMap<>(Collections.singletonMap("b", new ArrayList<>(Arrays.asList(1, null, 3))))));
        e.byColor = new HashMap<>(Collections.singletonMap(Color.GREEN, 7));
        e.ints = new int[]{1, -1, Integer.MAX_VALUE};
        e.matrix = new int[][]{{1, 2}, {}, {3}};
        e.names = new String[]{"a", null, "世😀"};
        e.colors = new Color[]{Color.RED, null, Color.BLUE};
        e.integers = new Integer[]{1, null, -1};
        e.team = new Person[]{person(1), null};
        e.any = person(5);
        return e;
    }

    private static void scalars(Everything e) {
        e.bool = true;
        e.int8 = -128;
        e.int16 = 32767;
        e.letter = '世';
        e.int32 = Integer.MIN_VALUE;
        e.int64 = Long.MAX_VALUE;
        e.float32 = 1.25f;
        e.float64 = 0.1;
        e.boxedBool = false;
        e.boxedInt = 70000;
        e.text = "héllo";
        e.emoji = "a😀👩‍👩‍👧‍👦";
        e.loneSurrogate = "x\ud83dy";
        e.bytes = new byte[]{0, -1, 127, -128};
        e.decimal = new BigDecimal("-12.300");
        e.integer = BigInteger.TEN.pow(40);
    }

    private static void times(Everything e) {
        e.date = new Date(1_700_000_000_123L);
        e.localDate = LocalDate.of(2024, 2, 29);
        e.localTime = LocalTime.of(23, 59, 59, 123_456_789);
        e.localDateTime = LocalDateTime.of(2024, 2, 29, 12, 30, 45, 987_654_321);
        e.instant = Instant.ofEpochSecond(1_700_000_000L, 123_456_789);
        e.duration = Duration.ofSeconds(-3, 5);
        e.offsetDateTime = OffsetDateTime.of(2024, 2, 29, 12, 0, 0, 1, ZoneOffset.ofHoursMinutes(5, 30));
        e.offsetTime = OffsetTime.of(1, 2, 3, 4, ZoneOffset.ofHours(-8));
        e.zonedDateTime = ZonedDateTime.of(2024, 7, 1, 12, 0, 0, 0, ZoneId.of("Europe/Paris"));
        e.year = Year.of(-44);
        e.yearMonth = YearMonth.of(2024, 2);
        e.monthDay = MonthDay.of(2, 29);
        e.period = Period.of(1, -2, 3);
    }

    private Samples() { }
}
