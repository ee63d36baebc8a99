package org.dubbofn.kit;

import org.fixture.dubbo.*;

import java.math.BigDecimal;
import java.time.*;
import java.util.*;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;

/** The Java provider of the control runs. */
final class RowsImpl implements RowsService {
    private static final Map<String, Integer> counts = new ConcurrentHashMap<>();

    public Everything made() { return Samples.everything(); }
    public List<String> differences(Everything v) { return Value.differences(Samples.everything(), v); }

    public UUID echoUuid(UUID v) { return v; }
    public Locale echoLocale(Locale v) { return v; }
    public OffsetDateTime echoOffsetDateTime(OffsetDateTime v) { return v; }
    public OffsetTime echoOffsetTime(OffsetTime v) { return v; }
    public Year echoYear(Year v) { return v; }
    public YearMonth echoYearMonth(YearMonth v) { return v; }
    public MonthDay echoMonthDay(MonthDay v) { return v; }
    public Period echoPeriod(Period v) { return v; }

    public String echoText(String v) { return v; }
    public String plainText(String v) { return v == null ? "" : v; }
    public Nulls echoNulls(Nulls v) { return v; }
    public Page<Person> echoPage(Page<Person> v) { return v; }
    public Shape echoShape(Shape v) { return v; }
    public List<Shape> echoShapes(List<Shape> v) { return v; }
    public List<List<Person>> echoGroups(List<List<Person>> v) { return v; }
    public Set<Person> echoPersonSet(Set<Person> v) { return v; }
    public Collection<String> echoCollection(Collection<String> v) { return v; }
    public Map<String, Map<String, List<Integer>>> echoNested(Map<String, Map<String, List<Integer>>> v) { return v; }
    public Map<Color, Integer> echoByColor(Map<Color, Integer> v) { return v; }
    public Map<Long, List<Person>> echoPersonLists(Map<Long, List<Person>> v) { return v; }
    public List<Map<String, Object>> echoRecords(List<Map<String, Object>> v) { return v; }
    public List<Integer> echoIntegerList(List<Integer> v) { return v; }
    public List<String> echoTextList(List<String> v) { return v; }
    public List<Color> echoColorList(List<Color> v) { return v; }
    public List<BigDecimal> echoDecimals(List<BigDecimal> v) { return v; }
    public Color[] echoColors(Color[] v) { return v; }
    public Integer[] echoIntegers(Integer[] v) { return v; }
    public String[][] echoTextMatrix(String[][] v) { return v; }
    public byte[][] echoByteMatrix(byte[][] v) { return v; }
    public Date[] echoDates(Date[] v) { return v; }
    public Person[] echoTeam(Person[] v) { return v; }
    public Object[] echoObjects(Object[] v) { return v; }
    public Object echoAny(Object v) { return v; }
    public CompletableFuture<Person> later(Person v) { return CompletableFuture.supplyAsync(() -> v); }
    public String join(String... parts) { return String.join("+", parts); }

    public String failOrder(int code) throws OrderException {
        Throwable cause = new IllegalStateException("stock -1", new IllegalArgumentException("negative"));
        throw new OrderException("no stock 😀", cause, code, new ArrayList<>(Arrays.asList("a", null, "世")), Samples.person(3));
    }
    public String failArgument(String message) { throw new IllegalArgumentException(message); }
    public String crash(String message) { throw new NullPointerException(message); }
    public String failCounted(String key, String how) throws BizException {
        counts.merge(key, 1, Integer::sum);
        switch (how) {
            case "business": throw new BizException(1, how);
            case "crash": throw new NullPointerException(how);
            default: throw new RuntimeException(how);
        }
    }
    public int count(String key) { return counts.getOrDefault(key, 0); }

    public long timeLeft() { return -1; } // Dubbo Java tells a method nothing of it
    public String caller() { return Line.callerApplication(); }
}
