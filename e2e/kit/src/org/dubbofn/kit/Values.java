package org.dubbofn.kit;

import static org.dubbofn.kit.Cases.*;
import static org.dubbofn.kit.Samples.*;

import org.fixture.dubbo.Color;
import org.fixture.dubbo.Node;
import org.fixture.dubbo.Person;
import org.fixture.dubbo.TypesService;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.*;
import java.util.*;

/** Every type of value there and back, and what a provider reads of it and changes in it. */
final class Values {
    static void run(Cases c, TypesService s) {
        c.echo("boolean", s::echoBoolean, true, false);
        c.echo("byte", s::echoByte, (byte) 0, (byte) 1, (byte) -1, Byte.MIN_VALUE, Byte.MAX_VALUE);
        c.echo("short", s::echoShort, (short) 0, (short) -1, Short.MIN_VALUE, Short.MAX_VALUE);
        c.echo("char", s::echoChar, 'a', 'é', '世');
        c.echo("int", s::echoInt, 0, 1, -1, 47, 48, -16, -17, 2047, 2048, -2048, -2049, 262143, 262144, -262144, -262145, Integer.MIN_VALUE, Integer.MAX_VALUE);
        c.echo("long", s::echoLong, 0L, 15L, 16L, -8L, -9L, 2047L, 2048L, -2049L, 262143L, 262144L, 1L << 31, -(1L << 31) - 1, 1L << 53, Long.MIN_VALUE, Long.MAX_VALUE);
        c.echo("float", s::echoFloat, 0f, 1f, -1.5f, 3.4028235e38f, Float.MIN_VALUE, Float.NaN, Float.POSITIVE_INFINITY);
        c.echo("double", s::echoDouble, 0d, 1d, -1d, 127d, 128d, 32767d, 32768d, 0.001, 12.25, 1e300, Double.MIN_VALUE, Double.NaN, Double.NEGATIVE_INFINITY);
        c.echo("boxed-boolean", s::boxBoolean, true, null);
        c.echo("boxed-byte", s::boxByte, (byte) -5, null);
        c.echo("boxed-short", s::boxShort, (short) 300, null);
        c.echo("boxed-char", s::boxChar, 'z', null);
        c.echo("boxed-int", s::boxInt, 70000, null);
        c.echo("boxed-long", s::boxLong, 5_000_000_000L, null);
        c.echo("boxed-float", s::boxFloat, 2.5f, null);
        c.echo("boxed-double", s::boxDouble, 2.5d, null);
        c.echo("string", s::echoString, "", "a", "plain text", "tab\tnewline\nquote\"\u0001");
        c.echo("string-null", s::echoString, new String[]{null});
        c.echo("string-unicode", s::echoString, "héllo wörld", "世界", "\u07ff\u0800\uffff");
        c.echo("string-emoji", s::echoString, "😀", "a😀b🚀c", "👩‍👩‍👧‍👦 family");
        c.echo("string-lone-surrogate", s::echoString, "x\ud83dy");
        c.echo("string-100k", s::echoString, repeat("0123456789", 10_240));
        c.echo("string-100k-unicode", s::echoString, repeat("世界é", 34_000));
        c.echo("string-100k-emoji", s::echoString, "x" + repeat("😀", 51_200), repeat("😀", 51_200));
        c.check("string-utf16-length", () -> equal(4 + 2, s.utf16Length("aé世b😀")));
        c.same("bytes", v -> s.echoBytes(v), new byte[0], new byte[]{0, 1, -1, 127, -128}, bytes(100_000));
        c.same("bytes-1m", v -> s.echoBytes(v), bytes(1 << 20));
        c.same("bytes-null", v -> s.echoBytes(v), new byte[][]{null});
        c.echo("bigdecimal", s::echoBigDecimal, new BigDecimal("0"), new BigDecimal("123456789.123456789"), new BigDecimal("-1E+10"), new BigDecimal("1.00"), new BigDecimal("99999999999999999999999999999999.99"));
        c.check("bigdecimal-twice", () -> equal(new BigDecimal("2.50"), s.twice(new BigDecimal("1.25"))));
        c.echo("biginteger", s::echoBigInteger, BigInteger.ZERO, BigInteger.valueOf(-255), BigInteger.TEN.pow(60), BigInteger.TEN.pow(60).negate());
        c.echo("date", s::echoDate, new Date(0), new Date(1_700_000_000_123L), new Date(-1), new Date(1_700_000_040_000L));
        c.check("date-nextday", () -> equal(new Date(1_700_086_400_123L), s.nextDay(new Date(1_700_000_000_123L))));
        c.echo("localdate", s::echoLocalDate, LocalDate.of(2024, 2, 29), LocalDate.of(1900, 1, 1), null);
        c.echo("localtime", s::echoLocalTime, LocalTime.of(23, 59, 59, 123_456_789), LocalTime.MIDNIGHT);
        c.echo("localdatetime", s::echoLocalDateTime, LocalDateTime.of(2024, 2, 29, 12, 30, 45, 987_654_321), null);
        c.echo("instant", s::echoInstant, Instant.ofEpochSecond(1_700_000_000L, 123_456_789), Instant.EPOCH);
        c.echo("duration", s::echoDuration, Duration.ofSeconds(3661, 5), Duration.ZERO);
        c.echo("zoneddatetime", s::echoZonedDateTime, ZonedDateTime.of(2024, 2, 29, 12, 0, 0, 0, ZoneId.of("Asia/Shanghai")));
        c.echo("enum", s::echoEnum, Color.RED, Color.BLUE, null);
        c.echo("pojo", s::echoPerson, person(1), new Person());
        c.echo("pojo-null", s::echoPerson, new Person[]{null});
        c.check("pojo-read", () -> equal("José😀:31:Main St#12345:GREEN:9000000001", s.describe(jose())));
        c.check("pojo-change", () -> { Person p = s.birthday(jose()); return equal(32, p.getAge()) + equal(9000000002L, p.getId()) + equal("José😀!", p.getName()) + equal("creator", p.getCreatedBy()) + equal(jose().getHome(), p.getHome()) + equal(jose().getTags(), p.getTags()) + equal(jose().getBorn(), p.getBorn()) + equal(jose().getBalance(), p.getBalance()); });
        c.check("pojo-cyclic", () -> { Node n = ring("a", "b", "c"); Node r = s.echoNode(n); return equal("a", r.getLabel()) + equal("c", r.getNext().getNext().getLabel()) + equal(true, r.getNext().getNext().getNext() == r); });
        c.check("pojo-self-ref", () -> { Node n = ring("self"); Node r = s.echoNode(n); return equal(true, r.getNext() == r); });
        c.check("pojo-cyclic-read", () -> equal("a>b>c>a>b", s.walk(ring("a", "b", "c"), 5)));
        c.echo("list-pojo", s::echoPersons, Arrays.asList(person(1), person(2), jose()), new ArrayList<>(), null);
        c.check("list-pojo-1000", () -> { List<Person> l = new ArrayList<>(); for (int i = 0; i < 1000; i++) l.add(person(i)); return equal(l, s.echoPersons(l)); });
        c.check("list-shared-ref", () -> { Person p = person(7); List<Person> r = s.echoPersons(Arrays.asList(p, p)); return equal(p, r.get(0)) + equal(true, r.get(0) == r.get(1)); });
        c.check("map-pojo", () -> { Map<String, Person> m = new LinkedHashMap<>(); m.put("a", person(1)); m.put("世", jose()); m.put("null", null); return equal(m, s.echoPersonMap(m)); });
        c.check("map-int-key", () -> { Map<Integer, String> m = new HashMap<>(); for (int i = -5; i < 500; i++) m.put(i * 1000, "v" + i); return equal(m, s.echoIntMap(m)); });
        c.check("map-empty", () -> equal(new HashMap<>(), s.echoPersonMap(new HashMap<>())));
        c.check("set", () -> { Set<String> x = new HashSet<>(Arrays.asList("a", "b", "世😀")); return equal(x, s.echoSet(x)); });
        c.check("list-mixed", () -> { List<Object> l = new ArrayList<>(Arrays.asList(1, 2L, "x", true, null, 1.5d, new Date(5), person(3), Arrays.asList("n", 1))); return equal(l, s.echoMixed(l)); });
        c.same("array-int", v -> s.echoInts(v), new int[0], new int[]{1, -1, Integer.MAX_VALUE}, new int[20]);
        c.check("array-int-sum", () -> equal(6L + Integer.MAX_VALUE, s.sum(new int[]{1, 2, 3, Integer.MAX_VALUE})));
        c.same("array-long", v -> s.echoLongs(v), new long[]{1, -1, Long.MIN_VALUE});
        c.same("array-short", v -> s.echoShorts(v), new short[]{1, -1, Short.MIN_VALUE});
        c.same("array-boolean", v -> s.echoBooleans(v), new boolean[]{true, false});
        c.same("array-float", v -> s.echoFloats(v), new float[]{1.5f, -0.25f});
        c.same("array-double", v -> s.echoDoubles(v), new double[]{1.5, 1e300});
        c.same("array-char", v -> s.echoChars(v), new char[]{'a', 'é', '世'});
        c.same("array-string", v -> s.echoStrings(v), new String[][]{{"a", null, "世😀"}});
        c.same("array-pojo", v -> s.echoPersonArray(v), new Person[]{person(1), jose()}, new Person[0]);
        c.same("array-2d", v -> s.echoMatrix(v), new int[][][]{{{1, 2}, {3}}});
        c.check("object-string", () -> equal("x", s.echoObject("x")));
        c.check("object-int", () -> equal(5, s.echoObject(5)));
        c.check("object-long", () -> equal(5L, s.echoObject(5L)));
        c.check("object-pojo", () -> equal(jose(), s.echoObject(jose())));
        c.check("object-map", () -> { Map<String, Object> m = new HashMap<>(); m.put("k", 1); m.put("p", person(1)); return equal(m, s.echoObject(m)); });
        c.check("many-args", () -> equal("a|1|2|true|2.5|BLUE|x,y", s.join("a", 1, 2L, true, 2.5, Color.BLUE, Arrays.asList("x", "y"))));
    }
    private Values() { }
}
