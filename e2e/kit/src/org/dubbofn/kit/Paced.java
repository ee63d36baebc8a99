package org.dubbofn.kit;

import org.example.GreetReply;
import org.example.GreetRequest;
import org.example.GreetService;
import org.fixture.dubbo.PingService;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A consumer that calls when its input says so, with Dubbo's own timeout and retries, or what the provider publishes. Its lines:
 *   call TEXT    one call: "CALL ok MICROSECONDS by", or "CALL failed MICROSECONDS error"
 *   rate N       from now on so many calls a second, whether answers come or not; 0: none. Every second in which calls ended:
 *                "SECOND ok failed slowest-ms by=calls by=calls…", and "FAILED error" for each that failed
 *   stop         waits for what is under way, then "CONFIG-READ N group dataId" for each config that was read, and "TOTAL N ok, N failed"
 * Options: those of {@link Peer}, and
 *   --service greet|ping      GreetService.greet, or PingService.ping
 *   --relay PORT:NACOS-PORT   as of {@link Caller}
 */
public final class Paced {
    private interface Call { String run(String text) throws Exception; }

    /** What ended in the present second. */
    private static final class Second {
        long ok, failed, slowest;
        final Map<String, Integer> by = new TreeMap<>();
    }

    private final Call call;
    private final ExecutorService callers = Executors.newCachedThreadPool();
    private final AtomicLong ok = new AtomicLong(), failed = new AtomicLong(), number = new AtomicLong();
    private volatile int rate;
    private Second second = new Second();

    private Paced(Call call) { this.call = call; }

    public static void main(String[] argv) throws Exception {
        Args args = new Args(argv);
        Http2 reads = new Http2();
        if (args.has("relay")) {
            String[] ports = args.get("relay", "").split(":");
            int here = Integer.parseInt(ports[0]), there = Integer.parseInt(ports[1]);
            new Relay(here, "127.0.0.1", there, () -> (b, n) -> { }, () -> (b, n) -> { });
            new Relay(here + 1000, "127.0.0.1", there + 1000, reads::connection, () -> (b, n) -> { });
        }
        Peer peer = new Peer(args);
        Paced paced = new Paced(args.get("service", "greet").equals("ping") ? ping(peer) : greet(peer));
        say("PACED-READY");
        daemon(paced::pace);
        daemon(paced::report);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = in.readLine()) != null && !line.equals("stop"); ) {
            String[] words = line.split(" ", 2);
            if (words[0].equals("rate")) {
                paced.rate = Integer.parseInt(words[1]);
            } else {
                paced.once(words[1]);
            }
        }
        paced.rate = 0;
        paced.callers.shutdown();
        paced.callers.awaitTermination(60, TimeUnit.SECONDS);
        paced.flush();
        for (Map.Entry<String, Integer> e : reads.configs.entrySet()) {
            say("CONFIG-READ " + e.getValue() + " " + e.getKey());
        }
        say("TOTAL " + paced.ok + " ok, " + paced.failed + " failed");
        System.exit(0);
    }

    private static Call greet(Peer peer) throws Exception {
        GreetService s = peer.referByDefault(GreetService.class, "");
        return text -> {
            GreetReply r = s.greet(new GreetRequest(text, "en"));
            if (!r.message.equals("Hello, " + text + "!")) {
                throw new IllegalStateException("a wrong answer: " + r.message);
            }
            return r.servedBy;
        };
    }

    /** The function answers with what it was given, and its name behind an @. */
    private static Call ping(Peer peer) throws Exception {
        PingService s = peer.referByDefault(PingService.class, "");
        return text -> {
            String r = s.ping(text);
            if (!r.startsWith(text + "@")) {
                throw new IllegalStateException("a wrong answer: " + r);
            }
            return r.substring(text.length() + 1);
        };
    }

    private void once(String text) {
        long start = System.nanoTime();
        String what;
        try {
            String by = call.run(text);
            what = "ok " + (System.nanoTime() - start) / 1000 + " " + by;
            ok.incrementAndGet();
        } catch (Throwable e) {
            what = "failed " + (System.nanoTime() - start) / 1000 + " " + Cases.text(e);
            failed.incrementAndGet();
        }
        say("CALL " + what);
    }

    /** Calls begin on time, 100 beats a second, also where earlier ones are not answered yet. */
    private void pace() {
        double due = 0;
        for (long beat = System.nanoTime(); ; beat += 10_000_000) {
            long wait = beat - System.nanoTime();
            if (wait > 0) {
                pause(wait / 1_000_000);
            }
            for (due = rate == 0 ? 0 : due + rate / 100.0; due >= 1; due--) {
                callers.execute(this::one);
            }
        }
    }

    private void one() {
        long start = System.nanoTime();
        String by = null, why = "";
        try {
            by = call.run("n" + number.incrementAndGet());
            ok.incrementAndGet();
        } catch (Throwable e) {
            why = Cases.text(e);
            failed.incrementAndGet();
            say("FAILED " + why);
        }
        long took = (System.nanoTime() - start) / 1_000_000;
        synchronized (this) {
            second.slowest = Math.max(second.slowest, took);
            if (by == null) {
                second.failed++;
            } else {
                second.ok++;
                second.by.merge(by, 1, Integer::sum);
            }
        }
    }

    private void report() {
        for (;;) {
            pause(1000);
            flush();
        }
    }

    private synchronized void flush() {
        if (second.ok + second.failed == 0) {
            return;
        }
        StringBuilder s = new StringBuilder("SECOND " + second.ok + " " + second.failed + " " + second.slowest);
        second.by.forEach((by, n) -> s.append(' ').append(by).append('=').append(n));
        say(s.toString());
        second = new Second();
    }

    private static void daemon(Runnable r) {
        Thread t = new Thread(r, "paced");
        t.setDaemon(true);
        t.start();
    }

    private static void say(String s) { System.out.println(s); }

    private static void pause(long ms) {
        try { Thread.sleep(ms); } catch (InterruptedException e) { Thread.currentThread().interrupt(); }
    }
}
