package org.dubbofn.kit;

import org.fixture.dubbo.*;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.*;
import java.util.*;
import java.util.concurrent.CompletableFuture;

/** The Java provider of the control runs. */
final class TypesImpl implements TypesService {
    private final String name;
    private static volatile String last = "";

    TypesImpl(String name) { this.name = name; }

    public boolean echoBoolean(boolean v) { return v; }
    public byte echoByte(byte v) { return v; }
    public short echoShort(short v) { return v; }
    public char echoChar(char v) { return v; }
    public int echoInt(int v) { return v; }
    public long echoLong(long v) { return v; }
    public float echoFloat(float v) { return v; }
    public double echoDouble(double v) { return v; }
    public Boolean boxBoolean(Boolean v) { return v; }
    public Byte boxByte(Byte v) { return v; }
    public Short boxShort(Short v) { return v; }
    public Character boxChar(Character v) { return v; }
    public Integer boxInt(Integer v) { return v; }
    public Long boxLong(Long v) { return v; }
    public Float boxFloat(Float v) { return v; }
    public Double boxDouble(Double v) { return v; }
    public String echoString(String v) { return v; }
    public byte[] echoBytes(byte[] v) { return v; }
    public BigDecimal echoBigDecimal(BigDecimal v) { return v; }
    public BigInteger echoBigInteger(BigInteger v) { return v; }
    public Date echoDate(Date v) { return v; }
    public LocalDate echoLocalDate(LocalDate v) { return v; }
    public LocalTime echoLocalTime(LocalTime v) { return v; }
    public LocalDateTime echoLocalDateTime(LocalDateTime v) { return v; }
    public Instant echoInstant(Instant v) { return v; }
    public Duration echoDuration(Duration v) { return v; }
    public ZonedDateTime echoZonedDateTime(ZonedDateTime v) { return v; }
    public Color echoEnum(Color v) { return v; }
    public Person echoPerson(Person v) { return v; }
    public Node echoNode(Node v) { return v; }
    public List<Person> echoPersons(List<Person> v) { return v; }
    public Map<String, Person> echoPersonMap(Map<String, Person> v) { return v; }
    public Map<Integer, String> echoIntMap(Map<Integer, String> v) { return v; }
    public Set<String> echoSet(Set<String> v) { return v; }
    public List<Object> echoMixed(List<Object> v) { return v; }
    public int[] echoInts(int[] v) { return v; }
    public long[] echoLongs(long[] v) { return v; }
    public short[] echoShorts(short[] v) { return v; }
    public boolean[] echoBooleans(boolean[] v) { return v; }
    public float[] echoFloats(float[] v) { return v; }
    public double[] echoDoubles(double[] v) { return v; }
    public char[] echoChars(char[] v) { return v; }
    public String[] echoStrings(String[] v) { return v; }
    public Person[] echoPersonArray(Person[] v) { return v; }
    public int[][] echoMatrix(int[][] v) { return v; }
    public Object echoObject(Object v) { return v; }

    public String describe(Person v) { return v.getName() + ":" + v.getAge() + ":" + v.getHome() + ":" + v.getFavourite() + ":" + v.getId(); }
    public Person birthday(Person v) { v.setAge(v.getAge() + 1); v.setId(v.getId() + 1); v.setName(v.getName() + "!"); return v; }
    public Date nextDay(Date v) { return new Date(v.getTime() + 86_400_000L); }
    public BigDecimal twice(BigDecimal v) { return v.add(v); }
    public int utf16Length(String v) { return v.length(); }
    public long sum(int[] v) { long s = 0; for (int i : v) s += i; return s; }
    public String walk(Node v, int n) { StringBuilder b = new StringBuilder(); for (int i = 0; i < n && v != null; i++, v = v.getNext()) b.append(i == 0 ? "" : ">").append(v.getLabel()); return b.toString(); }
    public String join(String a, int b, long c, boolean d, double e, Color f, List<String> g) { return a + "|" + b + "|" + c + "|" + d + "|" + e + "|" + f + "|" + String.join(",", g); }

    public void nothing(String key) { last = key; }
    public String lastKey() { return last; }
    public void oneWay(String key) { last = key; }

    public String over(String v) { return "string:" + v; }
    public String over(int v) { return "int:" + v; }
    public String over(String v, int n) { return "string,int:" + v + "," + n; }
    public String over(Person v) { return "person:" + v.getName(); }
    public String over(List<String> v) { return "list:" + v.size(); }

    public String failChecked(int code, String message) throws BizException { throw new BizException(code, message); }
    public String failRuntime(String message) { throw new IllegalStateException(message); }
    public CompletableFuture<String> async(String v) { return CompletableFuture.supplyAsync(() -> { pause(50); return "async:" + v; }); }
    public String sleep(long millis) { pause(millis); return "slept:" + millis; }

    public String attach(String key) {
        Object v = Line.received(key);
        Line.reply("resp-" + key, "pong-" + v);
        Line.reply("provider", name);
        return String.valueOf(v);
    }
    public String attachObject(String key) {
        Object v = Line.received(key);
        return v == null ? "null" : v.getClass().getSimpleName() + ":" + v;
    }
    public String whoami() { return name; }

    private static void pause(long ms) { try { Thread.sleep(ms); } catch (InterruptedException e) { Thread.currentThread().interrupt(); } }
}
