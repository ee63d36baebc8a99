package org.dubbofn.kit;

import static org.dubbofn.kit.Cases.*;

import org.apache.dubbo.rpc.RpcException;
import org.fixture.dubbo.TokenService;
import org.fixture.dubbo.TypesService;

import java.util.concurrent.atomic.AtomicInteger;

/** What shows on the wire only: always by the provider's address, in the dubbo protocol. */
final class Wire {
    private final Cases c;
    private final Peer peer;

    Wire(Cases c, Peer peer) {
        this.c = c;
        this.peer = peer;
    }

    void run() {
        if (!peer.protocol.equals("dubbo")) {
            for (String n : new String[]{"token-refused", "unknown-service", "inflight-64-one-connection", "heartbeat-idle"}) {
                c.skip(n, "dubbo protocol only");
            }
            return;
        }
        c.check("token-refused", () -> {
            TokenService t = peer.refer(TokenService.class, r -> r.setUrl(peer.url(peer.direct, TokenService.class, "")));
            try {
                t.hello("x");
            } catch (RpcException e) {
                return e.isTimeout() ? fault("timed out") : "refused";
            }
            return fault("a call without the token was served");
        });
        c.check("unknown-service", () -> {
            TypesService t = peer.refer(TypesService.class, r -> { r.setVersion("9.9.9"); r.setUrl(peer.url(peer.direct, TypesService.class, "")); });
            long start = System.nanoTime();
            try {
                t.echoInt(1);
            } catch (RpcException e) {
                return e.isTimeout() ? fault("timed out instead of an answer") : Calls.millis(start) + "ms";
            }
            return fault("version 9.9.9 was served");
        });
        c.check("inflight-64-one-connection", () -> relayed("", (relay, t) -> {
            long start = System.nanoTime();
            Calls.parallel(64, i -> equal("slept:" + (500 - i), t.sleep(500 - i)));
            long took = Calls.millis(start);
            return took > 4000 ? fault("took " + took + "ms, so they queued") : equal(1, relay.connections.get()) + took + "ms";
        }));
        c.check("heartbeat-idle", this::heartbeat);
    }

    private String heartbeat() throws Throwable {
        AtomicInteger up = new AtomicInteger(), down = new AtomicInteger();
        return relayed("heartbeat=1000", up, down, (relay, t) -> {
            Thread.sleep(7000);
            equal(3, t.echoInt(3));
            String seen = "connections=" + relay.connections + " heartbeats up=" + up + " down=" + down;
            if (relay.connections.get() != 1) {
                return fault("reconnected: " + seen);
            }
            return up.get() < 2 || down.get() < up.get() - 1 ? fault("heartbeats unanswered: " + seen) : seen;
        });
    }

    private interface Body { String run(Relay relay, TypesService t) throws Throwable; }

    private String relayed(String query, Body body) throws Throwable { return relayed(query, new AtomicInteger(), new AtomicInteger(), body); }

    /** Calls through a relay, on one connection. */
    private String relayed(String query, AtomicInteger up, AtomicInteger down, Body body) throws Throwable {
        String[] at = peer.direct.split(":");
        try (Relay relay = new Relay(0, at[0], Integer.parseInt(at[1]), () -> new Relay.Events(up), () -> new Relay.Events(down))) {
            TypesService t = peer.refer(TypesService.class, r -> {
                r.setUrl(peer.url("127.0.0.1:" + relay.port(), TypesService.class, query));
                r.setConnections(1);
            });
            t.echoInt(1);
            return body.run(relay, t);
        }
    }
}
