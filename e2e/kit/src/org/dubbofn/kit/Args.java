package org.dubbofn.kit;

import java.util.HashMap;
import java.util.Map;

/** A command line of "--key value" pairs; a key without a value is "true". */
final class Args {
    private final Map<String, String> values = new HashMap<>();

    Args(String[] argv) {
        for (int i = 0; i < argv.length; i++) {
            if (!argv[i].startsWith("--")) {
                throw new IllegalArgumentException(argv[i] + ": want --key value");
            }
            boolean flag = i + 1 == argv.length || argv[i + 1].startsWith("--");
            values.put(argv[i].substring(2), flag ? "true" : argv[++i]);
        }
    }

    String get(String key, String otherwise) { return values.getOrDefault(key, otherwise); }
    int number(String key, int otherwise) { return values.containsKey(key) ? Integer.parseInt(values.get(key)) : otherwise; }
    boolean is(String key) { return "true".equals(values.get(key)); }
    boolean has(String key) { return !get(key, "").isEmpty(); }
}
