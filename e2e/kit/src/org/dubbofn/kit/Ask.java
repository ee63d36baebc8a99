package org.dubbofn.kit;

import org.apache.dubbo.rpc.RpcException;
import org.fixture.dubbo.TypesService;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;

/**
 * A consumer that does what the lines of its input say, and prints a line for each. Options: those of {@link Peer}.
 *   who N key=value…    N calls of whoami with these attachments: "name=calls …", with "none=calls" for those that found no provider
 *   sleep MS            a call that takes so long: "ok", or "timeout"
 */
public final class Ask {
    public static void main(String[] argv) throws Exception {
        Args args = new Args(argv);
        TypesService service = new Peer(args).referByDefault(TypesService.class, args.get("provided-by", ""));
        System.out.println("ASK-READY");
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = in.readLine()) != null; ) {
            String[] words = line.split(" ");
            System.out.println(words[0].equals("sleep") ? sleep(service, Long.parseLong(words[1])) : who(service, words));
        }
        System.exit(0);
    }

    private static String who(TypesService service, String[] words) {
        Map<String, Integer> counts = new TreeMap<>();
        for (int n = Integer.parseInt(words[1]); n > 0; n--) {
            for (int i = 2; i < words.length; i++) {
                int at = words[i].indexOf('=');
                Line.send(words[i].substring(0, at), words[i].substring(at + 1));
            }
            String by;
            try {
                by = service.whoami();
            } catch (RpcException e) {
                by = e.isNoInvokerAvailableAfterFilter() || e.isForbidden() ? "none" : "error";
                System.err.println(e);
            }
            counts.merge(by, 1, Integer::sum);
        }
        StringBuilder s = new StringBuilder("who");
        counts.forEach((by, n) -> s.append(' ').append(by).append('=').append(n));
        return s.toString();
    }

    private static String sleep(TypesService service, long ms) {
        try {
            service.sleep(ms);
            return "ok";
        } catch (RpcException e) {
            return e.isTimeout() ? "timeout" : "error " + e;
        }
    }

    private Ask() { }
}
