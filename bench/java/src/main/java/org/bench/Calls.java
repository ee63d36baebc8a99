package org.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

import org.HdrHistogram.Histogram;

/** A plan's calls: a closed loop in each of its threads. The first call that fails, or whose answer is wrong, ends all. */
final class Calls {
    private final Consumer.Plan plan;
    private final Call call;
    private volatile Exception failure;

    Calls(Consumer.Plan plan, BenchService bench) {
        this.plan = plan;
        this.call = of(plan.name(), bench);
    }

    /** One call, and whether its answer is right: in full, or what tells most mistakes. */
    private interface Call { boolean right(boolean full); }

    private static Call of(String name, BenchService bench) {
        switch (name) {
            case "echo":
                return full -> "sixteen bytes ok".equals(bench.echo("sixteen bytes ok"));
            case "user":
                User ada = User.sample(0, "Augusta Ada King Countess of Lovelace");
                User next = User.sample(0, ada.getName());
                next.setId(ada.getId() + 1);
                next.setAge(ada.getAge() + 1);
                return full -> {
                    User got = bench.user(ada);
                    return got.getId() == next.getId() && got.getAge() == next.getAge() && (!full || got.equals(next));
                };
            case "users100":
                List<User> users = User.sample(100);
                return full -> {
                    List<User> got = bench.users(100);
                    return got.size() == 100 && got.get(99).getId() == users.get(99).getId() && (!full || got.equals(users));
                };
            case "bytes1k":
                return bytes(bench, 1 << 10);
            case "bytes64k":
                return bytes(bench, 64 << 10);
            default:
                throw new IllegalArgumentException("case \"" + name + "\" is none of echo, user, users100, bytes1k, bytes64k");
        }
    }

    private static Call bytes(BenchService bench, int n) {
        byte[] data = new byte[n];
        for (int i = 0; i < n; i++) {
            data[i] = (byte) (i * 31 >> 3);
        }
        return full -> {
            byte[] got = bench.bytes(data);
            return got.length == n && (!full || Arrays.equals(got, data));
        };
    }

    /** Makes the calls and puts what came of them into the answer: see measure.Outcome in Go. */
    void run(Map<String, Object> answer) throws Exception {
        long start = System.nanoTime();
        List<Loop> loops = new ArrayList<>();
        for (int i = 0; i < plan.inFlight(); i++) {
            Loop l = new Loop(start);
            loops.add(l);
            l.start();
        }
        Usage before = Usage.at(start + plan.warmUp(), plan.pid());
        Usage after = Usage.at(start + plan.warmUp() + plan.measure(), plan.pid());
        Histogram all = new Histogram(DIGITS);
        long checked = 0;
        for (Loop l : loops) {
            l.join();
            all.add(l.times);
            checked += l.checked;
        }
        if (failure != null) {
            throw failure;
        }
        if (all.getTotalCount() == 0) {
            throw new IllegalStateException("no call ended in the measured span");
        }
        double seconds = plan.measure() / 1e9;
        double rate = all.getTotalCount() / seconds;
        double took = (after.at - before.at) / 1e9;
        answer.put("calls", all.getTotalCount());
        answer.put("checked", checked);
        answer.put("seconds", seconds);
        answer.put("per_second", rate);
        answer.put("p50_us", all.getValueAtPercentile(50) / 1e3);
        answer.put("p99_us", all.getValueAtPercentile(99) / 1e3);
        answer.put("p999_us", all.getValueAtPercentile(99.9) / 1e3);
        answer.put("max_us", all.getMaxValue() / 1e3);
        answer.put("provider_cores", (after.provider - before.provider) / took);
        answer.put("provider_cpu_us", (after.provider - before.provider) / took * 1e6 / rate);
        answer.put("client_cores", (after.own - before.own) / took);
        answer.put("client_cpu_us", (after.own - before.own) / took * 1e6 / rate);
    }

    private static final int DIGITS = 2; // values are known to 1/128 of themselves

    /** One loop: a call begins when another ends. */
    private final class Loop extends Thread {
        private final long start;
        private final Histogram times = new Histogram(DIGITS);
        private long checked;

        Loop(long start) { this.start = start; }

        @Override public void run() {
            try {
                calls();
            } catch (Exception e) {
                failure = e;
            }
        }

        private void calls() {
            long end = plan.warmUp() + plan.measure();
            long begun = System.nanoTime() - start;
            for (long n = 0; n < plan.maxCalls() && begun < end && failure == null; n++) {
                boolean full = n % plan.checkEvery() == 0;
                if (!call.right(full)) {
                    throw new IllegalStateException("the answer to " + plan.name() + " is wrong");
                }
                checked += full ? 1 : 0;
                long now = System.nanoTime() - start;
                if (now >= plan.warmUp() && now < end) {
                    times.recordValue(now - begun);
                }
                begun = now;
            }
        }
    }

    /** CPU time in seconds up to a moment, in steps of 10 ms as /proc has it. */
    private record Usage(long at, double own, double provider) {
        static Usage at(long moment, long pid) throws IOException, InterruptedException {
            long wait = moment - System.nanoTime();
            if (wait > 0) {
                Thread.sleep(wait / 1_000_000, (int) (wait % 1_000_000));
            }
            double own = cpu(ProcessHandle.current().pid());
            return new Usage(System.nanoTime(), own, pid == 0 ? 0 : cpu(pid));
        }

        /** User and system time: fields 14 and 15 of proc(5), the second of which is a name in parentheses. */
        private static double cpu(long pid) throws IOException {
            String stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
            String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
            return (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) / 100.0;
        }
    }
}
