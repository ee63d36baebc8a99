package org.dubbofn.kit;

import org.fixture.dubbo.PingService;
import org.fixture.dubbo.TypesService;

import java.io.File;
import java.time.LocalTime;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Calls without pause, with Dubbo's own timeout and retries, until a file appears. Prints CALLER-READY when every target has
 * answered, "SERVED-BY name" at the first answer of each provider, "FAILED target time error" for every failed call, and at the end
 * "CALLS target N ok, N failed, slowest N ms" for each target. Options: those of {@link Peer}, and
 *   --targets types,ping      what to call: TypesService.whoami, PingService.ping
 *   --threads N               for each target (2)
 *   --ping-by APP             the application that offers PingService, where the consumer can't learn it
 *   --until FILE
 *   --relay PORT:NACOS-PORT   stands between this process and Nacos (HTTP, and gRPC 1000 above), so that it can tell at the end
 *                             "CONFIG-READ N group dataId" for each config that it read; --registry is then nacos://127.0.0.1:PORT
 */
public final class Caller {
    private interface Call { String run() throws Exception; }

    private static volatile boolean done;

    /** One thing that is called, and what came of it. */
    private static final class Target {
        final String name;
        final Call call;
        final AtomicLong ok = new AtomicLong(), failed = new AtomicLong(), slowest = new AtomicLong();
        final Set<String> seen = ConcurrentHashMap.newKeySet();

        Target(String name, Call call) {
            this.name = name;
            this.call = call;
        }

        void loop() {
            while (!done) {
                long start = System.nanoTime();
                try {
                    String by = call.run();
                    ok.incrementAndGet();
                    if (seen.add(by)) {
                        say("SERVED-BY " + by);
                    }
                } catch (Throwable e) {
                    failed.incrementAndGet();
                    say("FAILED " + name + " " + LocalTime.now().truncatedTo(ChronoUnit.MILLIS) + " " + Cases.text(e));
                    pause(100); // what fails at once would fail ten thousand times a second
                }
                slowest.accumulateAndGet((System.nanoTime() - start) / 1_000_000, Math::max);
            }
        }
    }

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
        List<Target> targets = new ArrayList<>();
        for (String t : args.get("targets", "types").split(",")) {
            targets.add(t.equals("ping") ? ping(peer, args.get("ping-by", "")) : types(peer));
        }
        for (Target t : targets) {
            ready(t);
        }
        say("CALLER-READY");
        List<Thread> threads = new ArrayList<>();
        for (Target t : targets) {
            for (int i = 0; i < args.number("threads", 2); i++) {
                threads.add(new Thread(t::loop, t.name + "-" + i));
            }
        }
        threads.forEach(Thread::start);
        for (File f = new File(args.get("until", "/nowhere")); !f.exists(); ) {
            pause(50);
        }
        done = true;
        for (Thread t : threads) {
            t.join(20_000);
        }
        for (Target t : targets) {
            say("CALLS " + t.name + " " + t.ok + " ok, " + t.failed + " failed, slowest " + t.slowest + " ms");
        }
        for (Map.Entry<String, Integer> e : reads.configs.entrySet()) {
            say("CONFIG-READ " + e.getValue() + " " + e.getKey());
        }
        System.exit(0);
    }

    private static Target types(Peer peer) throws Exception {
        TypesService s = peer.referByDefault(TypesService.class, "");
        return new Target("types", s::whoami);
    }

    private static Target ping(Peer peer, String app) throws Exception {
        PingService s = peer.referByDefault(PingService.class, app);
        return new Target("ping", () -> s.ping("control"));
    }

    private static void ready(Target t) throws Exception {
        for (long end = System.currentTimeMillis() + 60_000; ; pause(200)) {
            try {
                t.call.run();
                return;
            } catch (Exception e) {
                if (System.currentTimeMillis() > end) {
                    throw e;
                }
            }
        }
    }

    private static void say(String s) { System.out.println(s); }

    private static void pause(long ms) {
        try { Thread.sleep(ms); } catch (InterruptedException e) { Thread.currentThread().interrupt(); }
    }
}
