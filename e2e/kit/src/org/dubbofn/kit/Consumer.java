package org.dubbofn.kit;

import static org.dubbofn.kit.Cases.*;

import org.apache.dubbo.rpc.RpcException;
import org.apache.dubbo.rpc.service.EchoService;
import org.fixture.dubbo.TypesService;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;

/**
 * Runs every case against the provider that it finds and prints a line for each, then "N skipped" and "N passed, N failed".
 * 109 cases; 112 with --tagged (a second provider with the tag gray runs); 107 by address on 2.7.
 * Options: those of {@link Peer}, and --only REGEX --skip REGEX --tagged
 */
public final class Consumer {
    private static volatile TypesService current; // renewed when a failed case has cost the connection

    public static void main(String[] argv) throws Throwable {
        Args args = new Args(argv);
        Peer peer = new Peer(args);
        Cases c = new Cases(args);
        current = peer.discover(TypesService.class, r -> { }, s -> s.echoInt(1));
        if (current == null) {
            System.exit(1);
        }
        TypesService s = (TypesService) Proxy.newProxyInstance(Consumer.class.getClassLoader(), new Class<?>[]{TypesService.class, EchoService.class}, (p, m, x) -> {
            try { return m.invoke(current, x); } catch (InvocationTargetException e) { throw e.getCause(); }
        });
        Calls calls = new Calls(c, peer, s);
        c.recoverWith(() -> recover(peer, calls));
        Values.run(c, s);
        calls.run();
        new Wire(c, peer).run();
        tags(c, s, args.is("tagged"));
        System.exit(c.summary());
    }

    private static void tags(Cases c, TypesService s, boolean tagged) {
        if (!tagged) {
            for (String n : new String[]{"tag-gray", "tag-none", "tag-force-missing"}) {
                c.skip(n, "no --tagged");
            }
            return;
        }
        c.check("tag-gray", () -> {
            for (int i = 0; i < 20; i++) {
                Line.send("dubbo.tag", "gray");
                String who = s.whoami();
                equal(true, who.contains("gray"));
            }
            return "";
        });
        c.check("tag-none", () -> {
            for (int i = 0; i < 20; i++) {
                String who = s.whoami();
                equal(false, who.contains("gray"));
            }
            return "";
        });
        c.check("tag-force-missing", () -> {
            Line.send("dubbo.tag", "nobody");
            Line.send("dubbo.force.tag", "true");
            try { return fault(s.whoami()); } catch (RpcException e) { return "no provider"; }
        });
    }

    /** Waits until calls work again; a connection about to close still answers for a moment, so they must for 1.5 s. */
    private static String recover(Peer peer, Calls calls) {
        Throwable why = null;
        long start = System.currentTimeMillis();
        for (int good = 0; System.currentTimeMillis() - start < 20_000; ) {
            try {
                current.echoInt(1);
                if (++good >= 6) {
                    if (why == null) {
                        return "";
                    }
                    calls.renew();
                    return " [lost the connection: " + why.getClass().getSimpleName() + "]";
                }
            } catch (Throwable e) {
                why = e;
                good = 0;
            }
            try {
                Thread.sleep(250);
                if (good == 0 && System.currentTimeMillis() - start > 5_000) {
                    current = peer.refer(TypesService.class, r -> { });
                }
            } catch (Throwable e) {
                why = e;
            }
        }
        return " [lost the provider for good]";
    }
}
