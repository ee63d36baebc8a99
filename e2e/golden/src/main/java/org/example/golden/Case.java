package org.example.golden;

/**
 * One value of the golden set.
 *
 * @param name   the file's name, without .hex
 * @param java   the value as Java source, for readers
 * @param type   the declared class that a typed reader asks for
 * @param value  the value; for several values in one body an Object[], with several set
 */
record Case(String name, String java, Class<?> type, Object value, boolean several) {
    /** The bytes of a long value are told by rule: the file holds their number and SHA-256 only. */
    boolean byRule() {
        return name.startsWith("rule-");
    }
}
