package org.dubbofn.kit;

import org.apache.dubbo.config.MethodConfig;
import org.apache.dubbo.config.ReferenceConfig;
import org.fixture.dubbo.WorkService;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * A consumer of WorkService in several groups that calls when its input says so, all at the same time, at the timeout that the provider publishes. Its lines:
 *   ID GROUP add|look N MILLIS   answered by "DONE ID ok VALUE" or "DONE ID failed ERROR"
 *   reads                        "CONFIG-READ N group dataId" for each config that was read so far, then "READS-END"
 * It ends with its input. add is called without retries, as a method that must not run twice is; look with Dubbo's own. Options: those of {@link Peer}, and
 *   --groups GROUP=APP,…         what it calls, and who offers it
 *   --relay PORT:NACOS-PORT      as of {@link Caller}
 */
public final class OnDemand {
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
        Map<String, WorkService> services = new HashMap<>();
        for (String g : args.get("groups", "").split(",")) {
            String[] at = g.split("=");
            services.put(at[0], peer.refer(WorkService.class, r -> prepare(r, at[0], at[1])));
        }
        ExecutorService callers = Executors.newCachedThreadPool();
        say("ON-DEMAND-READY");
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = in.readLine()) != null; ) {
            if (line.equals("reads")) {
                for (Map.Entry<String, Integer> e : reads.configs.entrySet()) {
                    say("CONFIG-READ " + e.getValue() + " " + e.getKey());
                }
                say("READS-END");
                continue;
            }
            String[] w = line.split(" ");
            callers.execute(() -> {
                try {
                    say("DONE " + w[0] + " ok " + call(services.get(w[1]), w));
                } catch (Throwable e) {
                    if (e instanceof NullPointerException) {
                        e.printStackTrace(); // Dubbo's own, where it comes from says its trace alone
                    }
                    say("DONE " + w[0] + " failed " + text(e));
                }
            });
        }
        System.exit(0);
    }

    private static void prepare(ReferenceConfig<WorkService> r, String group, String app) {
        r.setTimeout(null);
        r.setRetries(null);
        r.setGroup(group);
        r.setProvidedBy(app);
        MethodConfig once = new MethodConfig();
        once.setName("add");
        once.setRetries(0);
        r.setMethods(Collections.singletonList(once));
    }

    private static long call(WorkService s, String[] w) {
        return w[2].equals("add") ? s.add(w[0], Long.parseLong(w[3]), Integer.parseInt(w[4])) : s.look(w[0], Long.parseLong(w[3]));
    }

    /** The first cause's text comes first: the others repeat it, behind a lot. */
    private static String text(Throwable e) {
        Throwable first = e;
        while (first.getCause() != null && first.getCause() != first) {
            first = first.getCause();
        }
        return first.getClass().getSimpleName() + ": " + first.getMessage() + (first == e ? "" : " <- " + Cases.text(e));
    }

    private static synchronized void say(String s) { System.out.println(s.replace('\n', ' ')); }

    private OnDemand() { }
}
