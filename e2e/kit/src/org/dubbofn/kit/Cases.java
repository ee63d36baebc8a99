package org.dubbofn.kit;

import java.util.Arrays;
import java.util.Objects;
import java.util.function.UnaryOperator;

/** Runs cases and prints one line for each: "CASE name PASS|FAIL|SKIP detail". */
final class Cases {
    interface Body { String run() throws Throwable; }
    /** After a failure: makes sure that the next case starts with a working connection; says what was wrong with it, or "". */
    interface Recovery { String recover(); }

    private final Args args;
    private Recovery recovery = () -> "";
    int passed, failed, skipped;

    Cases(Args args) { this.args = args; }

    void recoverWith(Recovery r) { recovery = r; }

    void check(String name, Body body) {
        if (!name.matches(args.get("only", ".*")) || name.matches(args.get("skip", ""))) {
            return;
        }
        try {
            String detail = body.run();
            passed++;
            line(name, "PASS", detail == null ? "" : detail);
        } catch (Throwable e) {
            failed++;
            line(name, "FAIL", text(e) + recovery.recover());
        }
    }

    /** Every value comes back equal. */
    @SafeVarargs final <T> void echo(String name, UnaryOperator<T> call, T... values) {
        check(name, () -> {
            for (T v : values) {
                equal(v, call.apply(v));
            }
            return values.length + " values";
        });
    }

    /** Every array comes back equal, element by element. */
    @SafeVarargs final <T> void same(String name, UnaryOperator<T> call, T... values) {
        check(name, () -> {
            for (T v : values) {
                deepEqual(v, call.apply(v));
            }
            return values.length + " values";
        });
    }

    void skip(String name, String why) {
        skipped++;
        line(name, "SKIP", why);
    }

    /** Prints the totals; the exit code. */
    int summary() {
        System.out.println(skipped + " skipped");
        System.out.println(passed + " passed, " + failed + " failed");
        return failed == 0 ? 0 : 1;
    }

    static void line(String name, String result, String detail) { System.out.println("CASE " + name + " " + result + " " + detail); }

    static String equal(Object want, Object got) {
        if (!Objects.equals(want, got)) {
            throw new AssertionError("want " + show(want) + " got " + show(got));
        }
        return "";
    }

    static String deepEqual(Object want, Object got) {
        if (!Objects.deepEquals(want, got)) {
            throw new AssertionError("want " + show(want) + " got " + show(got));
        }
        return "";
    }

    static String fault(String message) { throw new AssertionError(message); }

    static String show(Object o) {
        if (o == null) {
            return "null";
        }
        String s = o.getClass().isArray() ? Arrays.deepToString(new Object[]{o}) : String.valueOf(o);
        return o.getClass().getSimpleName() + " " + (s.length() > 200 ? s.substring(0, 200) + "…(" + s.length() + ")" : s);
    }

    /** The error and its causes on one line. */
    static String text(Throwable e) {
        StringBuilder b = new StringBuilder();
        for (Throwable t = e; t != null && b.length() < 700; t = t.getCause() == t ? null : t.getCause()) {
            b.append(b.length() == 0 ? "" : " <- ").append(t.getClass().getSimpleName()).append(": ").append(t.getMessage());
        }
        String s = b.toString().replaceAll("\\s+", " ").replaceAll("Tried \\d+ times.*?Last error is: ", "")
                .replaceAll("Failed to invoke remote method: \\S+ provider: .*?cause: ", "");
        return s.length() > 500 ? s.substring(0, 500) + "…" : s;
    }
}
