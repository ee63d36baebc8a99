package org.dubbofn.kit;

import org.apache.dubbo.rpc.RpcContext;
import org.example.CountedService;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/**
 * A consumer of CountedService that calls when its input says so, all at the same time, with Dubbo's own timeout and retries or what the provider publishes:
 * "ID add|look N MILLIS" or "ID note", answered by "DONE ID ok VALUE" or "DONE ID failed ERROR". It ends with its input. Options: those of {@link Peer}.
 */
public final class Counted {
    public static void main(String[] argv) throws Exception {
        CountedService s = new Peer(new Args(argv)).referByDefault(CountedService.class, "");
        ExecutorService callers = Executors.newCachedThreadPool();
        say("COUNTED-READY");
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = in.readLine()) != null; ) {
            String[] w = line.split(" ");
            callers.execute(() -> {
                try {
                    say("DONE " + w[0] + " ok " + call(s, w));
                } catch (Throwable e) {
                    say("DONE " + w[0] + " failed " + Cases.text(e));
                }
            });
        }
        callers.shutdown();
        callers.awaitTermination(60, TimeUnit.SECONDS);
        System.exit(0);
    }

    private static long call(CountedService s, String[] w) throws Exception {
        switch (w[1]) {
            case "add": return s.add(w[0], Long.parseLong(w[2]), Integer.parseInt(w[3]));
            case "look": return s.look(w[0], Long.parseLong(w[2]));
            default:
                RpcContext.getContext().asyncCall(() -> s.note(w[0])); // a Runnable: nobody waits for an answer
                return 0;
        }
    }

    private static synchronized void say(String s) { System.out.println(s.replace('\n', ' ')); }

    private Counted() { }
}
