package org.example.golden;

import java.lang.reflect.Array;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A value as text that tells everything that a reader could notice: kinds, fields, order, sharing.
 * Exact also tells the classes of collections, which a typed Go value does not keep.
 */
final class Describe {
    private final boolean exact;
    private final IdentityHashMap<Object, Integer> seen = new IdentityHashMap<>();

    Describe(boolean exact) {
        this.exact = exact;
    }

    String of(Object v) throws IllegalAccessException {
        if (v == null) {
            return "null";
        }
        if (v instanceof String s) {
            return "\"" + escape(s) + "\"";
        }
        if (v instanceof Character || v instanceof Number && v.getClass().getName().startsWith("java.") || v instanceof Boolean) {
            return v.getClass().getSimpleName() + " " + (v instanceof Character ch ? "" + (int) ch : v);
        }
        if (v instanceof Enum<?> e) {
            return e.getDeclaringClass().getName() + "." + e.name();
        }
        boolean container = v instanceof Collection || v instanceof Map || v.getClass().isArray();
        if (!container && v.getClass().getName().startsWith("java") && !(v instanceof Throwable)) {
            return v instanceof java.util.Date d ? v.getClass().getName() + " " + d.getTime()
                    : v instanceof java.util.Calendar c ? "Calendar " + c.getTimeInMillis() : v.getClass().getName() + " " + v;
        }
        if (exact || !container) {
            Integer ref = seen.putIfAbsent(v, seen.size());
            if (ref != null) {
                return "#" + ref;
            }
        }
        return container ? container(v) : fields(v);
    }

    private String container(Object v) throws IllegalAccessException {
        if (v instanceof Map<?, ?> m) {
            List<String> entries = new ArrayList<>();
            for (Map.Entry<?, ?> e : m.entrySet()) {
                entries.add(of(e.getKey()) + "=" + of(e.getValue()));
            }
            if (!exact) {
                Collections.sort(entries);
            }
            return (exact ? v.getClass().getName() : "Map") + entries;
        }
        List<String> items = new ArrayList<>();
        if (v instanceof Collection<?> c) {
            for (Object item : c) {
                items.add(of(item));
            }
            if (!exact && v instanceof Set) {
                Collections.sort(items);
            }
            return (exact ? v.getClass().getName() : v instanceof Set ? "Set" : "List") + items;
        }
        for (int i = 0; i < Array.getLength(v); i++) {
            items.add(of(Array.get(v, i)));
        }
        return v.getClass().getTypeName() + items;
    }

    private String fields(Object v) throws IllegalAccessException {
        if (v instanceof Throwable t) {
            String code = t instanceof BizException b ? " code " + b.getCode() : "";
            return t.getClass().getName() + "(" + t.getMessage() + code + " cause " + of(t.getCause()) + " suppressed " + t.getSuppressed().length + " at "
                    + List.of(t.getStackTrace()) + ")";
        }
        StringBuilder s = new StringBuilder(v.getClass().getName()).append('{');
        for (Class<?> c = v.getClass(); c != Object.class; c = c.getSuperclass()) {
            for (Field f : c.getDeclaredFields()) {
                if (!Modifier.isStatic(f.getModifiers())) {
                    f.setAccessible(true);
                    s.append(f.getName()).append('=').append(of(f.get(v))).append(' ');
                }
            }
        }
        return s.append('}').toString();
    }

    private static String escape(String s) {
        StringBuilder b = new StringBuilder();
        for (char c : s.toCharArray()) {
            b.append(c < 0x20 || c > 0x7e ? String.format("\\u%04x", (int) c) : "" + c);
        }
        return b.toString();
    }
}
