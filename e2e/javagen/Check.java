import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.lang.reflect.Array;
import java.lang.reflect.Field;
import java.lang.reflect.GenericArrayType;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.*;
import java.util.*;
import java.util.stream.Collectors;
import org.apache.dubbo.config.ApplicationConfig;
import org.apache.dubbo.config.ReferenceConfig;
import org.apache.dubbo.config.RegistryConfig;
import org.apache.dubbo.config.bootstrap.DubboBootstrap;

/**
 * Check MANIFEST [nacos|direct HOST:PORT 27|3]   compares the interfaces and classes that were generated with their manifest; with an address, every method that gives
 * back what it gets is called with values of its types, and what comes is compared. A line for each fault, then "N checks passed, M failed".
 */
public final class Check {
    private static int passed, failed;

    public static void main(String[] args) throws Exception {
        JsonNode manifest = new ObjectMapper().readTree(new File(args[0]));
        for (JsonNode service : manifest.get("services")) {
            signatures(service);
        }
        for (JsonNode type : manifest.get("types")) {
            fields(type);
        }
        if (args.length == 4) {
            System.setProperty("dubbo.application.service-discovery.migration", "FORCE_APPLICATION");
            ApplicationConfig application = new ApplicationConfig("check-consumer");
            application.setQosEnable(false);
            String nacos = "nacos://" + args[2] + "?enable-empty-protection=true" + (args[3].equals("27") ? "&registry-type=service" : "");
            RegistryConfig registry = new RegistryConfig(args[1].equals("nacos") ? nacos : "N/A");
            DubboBootstrap.getInstance().application(application).registry(registry).start();
            for (JsonNode service : manifest.get("services")) {
                Class<?> type = Class.forName(service.get("interface").asText());
                echoes(type, refer(type, service, registry, args[1].equals("direct") ? "dubbo://" + args[2] : null));
            }
        }
        System.out.println(passed + " checks passed, " + failed + " failed");
        System.exit(failed);
    }

    private static void check(String what, boolean ok, Object detail) {
        if (ok) {
            passed++;
        } else {
            failed++;
            System.out.println("FAILED " + what + ": " + detail);
        }
    }

    private static <T> T refer(Class<T> type, JsonNode service, RegistryConfig registry, String url) {
        ReferenceConfig<T> r = new ReferenceConfig<>();
        r.setInterface(type);
        r.setRegistry(registry);
        r.setUrl(url);
        r.setVersion(service.path("version").asText(null));
        r.setGroup(service.path("group").asText(null));
        return r.get();
    }

    // what a manifest says of a method, and what Java does
    private static void signatures(JsonNode service) throws Exception {
        Class<?> type = Class.forName(service.get("interface").asText());
        Set<String> want = new TreeSet<>(), have = new TreeSet<>();
        for (JsonNode m : service.get("methods")) {
            List<String> parameters = texts(m.get("parameters"));
            want.add(m.get("result").asText() + " " + m.get("name").asText() + parameters + " (" + m.get("descriptor").asText() + ") " + texts(m.path("throws")));
        }
        for (Method m : type.getMethods()) {
            List<String> parameters = Arrays.stream(m.getGenericParameterTypes()).map(Check::name).collect(Collectors.toList());
            List<String> thrown = Arrays.stream(m.getExceptionTypes()).map(Class::getName).collect(Collectors.toList());
            have.add(name(m.getGenericReturnType()) + " " + m.getName() + parameters + " (" + descriptor(m) + ") " + thrown);
        }
        for (String w : want) {
            check(type.getName(), have.contains(w), "no " + w);
        }
        for (String h : have) {
            check(type.getName(), want.contains(h), "too much: " + h);
        }
    }

    private static List<String> texts(JsonNode list) {
        List<String> all = new ArrayList<>();
        list.forEach(n -> all.add(n.asText()));
        return all;
    }

    private static String name(Type t) {
        return t.getTypeName().replace(" ", "");
    }

    private static String descriptor(Method m) {
        StringBuilder all = new StringBuilder();
        for (Class<?> p : m.getParameterTypes()) {
            String array = Array.newInstance(p, 0).getClass().getName(); // [I or [Ljava.lang.String;
            all.append(array.substring(1).replace('.', '/'));
        }
        return all.toString();
    }

    private static void fields(JsonNode info) throws Exception {
        Class<?> type = Class.forName(info.get("class").asText());
        if (type.isEnum()) {
            List<String> names = Arrays.stream(type.getEnumConstants()).map(Object::toString).collect(Collectors.toList());
            check(type.getName(), names.equals(texts(info.get("constants"))), names);
            return;
        }
        for (JsonNode f : info.path("fields")) {
            Field field = type.getDeclaredField(f.get("name").asText());
            String want = f.get("type").asText().equals("float") ? "java.lang.Float" : f.get("type").asText();
            check(type.getName() + "." + field.getName(), name(field.getGenericType()).equals(want), field.getGenericType());
        }
        String parent = info.path("super").asText("");
        check(type.getName(), parent.isEmpty() || type.getSuperclass().getName().equals(parent), type.getSuperclass());
        if (!type.isInterface()) {
            Object value = type.getConstructor().newInstance();
            check(type.getName(), value.equals(value) && value.hashCode() == value.hashCode() && value.toString() != null, value);
            check(type.getName(), Throwable.class.isAssignableFrom(type) || value.equals(type.getConstructor().newInstance()), "two that are new differ");
        }
    }

    // every method that gives back what it gets
    private static void echoes(Class<?> type, Object proxy) throws Exception {
        for (Method m : type.getMethods()) {
            Type[] parameters = m.getGenericParameterTypes();
            String name = type.getSimpleName() + "." + m.getName();
            if (parameters.length == 1 && parameters[0].equals(m.getGenericReturnType()) && m.getName().matches("(echo|box).*")) {
                for (int depth = 0; depth < 4; depth++) {
                    Object sent = sample(parameters[0], depth);
                    Object got = call(m, proxy, sent);
                    check(name, same(sent, got), "sent " + sent + ", got " + got);
                }
            } else if (m.getName().equals("differences")) { // the other end says in which fields what it made is not what it gets back
                Object made = call(type.getMethod("made"), proxy);
                check(name, ((List<?>) call(m, proxy, made)).isEmpty(), call(m, proxy, made));
                check(name, ((List<?>) call(m, proxy, sample(parameters[0], 1))).size() > 0, "it sees no difference where there is one");
            } else if (m.getExceptionTypes().length > 0 && m.getName().startsWith("failOrder") || m.getName().equals("failChecked")) {
                Object[] arguments = Arrays.stream(parameters).map(p -> sample(p, 3)).toArray();
                Object got = call(m, proxy, arguments);
                check(name, Arrays.stream(m.getExceptionTypes()).anyMatch(e -> e.isInstance(got)), got);
            }
        }
    }

    private static Object call(Method m, Object proxy, Object... arguments) throws Exception {
        try {
            return m.invoke(proxy, arguments);
        } catch (InvocationTargetException e) {
            return e.getCause();
        }
    }

    // a value of a type; at depth 0 null where there may be one
    private static Object sample(Type type, int depth) {
        Class<?> c = type instanceof Class ? (Class<?>) type : type instanceof ParameterizedType ? (Class<?>) ((ParameterizedType) type).getRawType() : null;
        if (type instanceof GenericArrayType || c != null && c.isArray()) {
            Type element = c == null ? ((GenericArrayType) type).getGenericComponentType() : c.getComponentType();
            Class<?> raw = (Class<?>) (element instanceof ParameterizedType ? ((ParameterizedType) element).getRawType() : element);
            Object array = Array.newInstance(raw, 2);
            for (int i = 0; i < 2 && (depth > 0 || raw.isPrimitive()); i++) {
                Array.set(array, i, sample(element, depth - 1));
            }
            return depth == 0 ? null : array;
        }
        if (c.isPrimitive()) {
            return PRIMITIVES.get(c);
        }
        if (depth <= 0) {
            return null;
        }
        for (Object v : VALUES) {
            if (c.equals(v.getClass())) {
                return v;
            }
        }
        Type[] of = type instanceof ParameterizedType ? ((ParameterizedType) type).getActualTypeArguments() : new Type[0];
        if (c == Map.class) {
            Map<Object, Object> map = new LinkedHashMap<>();
            map.put(sample(of[0], Math.max(depth - 1, 1)), sample(of[1], Math.max(depth - 1, 1))); // Go's plain strings read null as ""
            return map;
        }
        if (Collection.class.isAssignableFrom(c)) {
            Collection<Object> all = c == Set.class ? new LinkedHashSet<>() : new ArrayList<>();
            all.add(sample(of[0], Math.max(depth - 1, 1)));
            return all;
        }
        if (c == Object.class) {
            return "text";
        }
        return c.isEnum() ? c.getEnumConstants()[c.getEnumConstants().length - 1] : object(c, depth);
    }

    private static Object object(Class<?> c, int depth) {
        try {
            Object value = c.getConstructor().newInstance();
            for (Class<?> s = c; s != Object.class; s = s.getSuperclass()) {
                for (Field f : s.getDeclaredFields()) {
                    if (!Modifier.isStatic(f.getModifiers())) {
                        f.setAccessible(true);
                        f.set(value, sample(f.getGenericType(), depth - 1));
                    }
                }
            }
            return value;
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    private static boolean same(Object a, Object b) {
        if (a == null || b == null) {
            return a == b;
        }
        if (a.getClass().isArray() && b.getClass().isArray()) {
            if (Array.getLength(a) != Array.getLength(b)) {
                return false;
            }
            for (int i = 0; i < Array.getLength(a); i++) {
                if (!same(Array.get(a, i), Array.get(b, i))) {
                    return false;
                }
            }
            return true;
        }
        if (a instanceof List && b instanceof List) {
            return same(((List<?>) a).toArray(), ((List<?>) b).toArray());
        }
        return a.equals(b) && a.hashCode() == b.hashCode();
    }

    private static final Map<Class<?>, Object> PRIMITIVES = new HashMap<>();
    private static final List<Object> VALUES = Arrays.asList(true, (byte) -7, (short) 777, 'ß', 123456789, 1L << 40, 1.5f, 2.25, "Ada \uD83D\uDE00 \u00e9",
            new BigDecimal("12.3400"), new BigInteger("123456789012345678901234567890"), new Date(1700000000123L), LocalDate.of(2024, 2, 29), LocalTime.of(1, 2, 3, 4),
            LocalDateTime.of(2024, 2, 29, 1, 2, 3), Instant.ofEpochSecond(1700000000, 5), Duration.ofMillis(1234567), OffsetDateTime.of(2024, 2, 29, 1, 2, 3, 4, ZoneOffset.ofHours(2)),
            OffsetTime.of(1, 2, 3, 4, ZoneOffset.ofHours(-3)), ZonedDateTime.of(2024, 2, 29, 1, 2, 3, 4, ZoneId.of("Europe/Berlin")), Year.of(2024), YearMonth.of(2024, 2),
            MonthDay.of(2, 29), Period.of(1, 2, 3), new UUID(1, 2), Locale.CANADA_FRENCH);

    static {
        for (Object v : VALUES) {
            try {
                PRIMITIVES.put((Class<?>) v.getClass().getField("TYPE").get(null), v);
            } catch (ReflectiveOperationException e) {
                continue; // it is no box
            }
        }
    }
}
