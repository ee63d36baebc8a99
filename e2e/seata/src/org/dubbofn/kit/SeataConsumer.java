package org.dubbofn.kit;

import io.seata.core.context.RootContext;
import io.seata.core.model.BranchType;
import org.apache.dubbo.rpc.RpcContext;
import org.fixture.dubbo.XidService;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Calls XidService in group "go", which calls on to a Java provider, and checks what has arrived there. Seata's own filter sends the XID.
 * Options: those of {@link Peer}; ends with the totals.
 */
public final class SeataConsumer {
    private static final String XID = "192.168.0.1:8091:4611686018427387904";
    private static final String[] TRACE = {"sw8", "sw8-correlation", "sw8-x", "traceparent", "tracestate", "baggage", "b3"};

    public static void main(String[] argv) throws Exception {
        Args args = new Args(argv);
        Cases c = new Cases(args);
        Peer peer = new Peer(args);
        XidService s = peer.discover(XidService.class, r -> r.setGroup("go"), XidService::xid);
        if (s == null) {
            System.exit(1);
        }
        c.passed++; // "discover"
        c.check("no-transaction", () -> Cases.equal(null, s.xid()));
        c.check("xid", () -> within(XID, BranchType.AT, () -> {
            Cases.equal(XID, s.here("TX_XID"));
            return Cases.equal(XID, s.xid());
        }));
        c.check("branch-tcc", () -> within(XID, BranchType.TCC, () -> Cases.equal("TCC", s.branch())));
        c.check("after-it", () -> Cases.equal(null, s.xid()));
        c.check("many-at-once", () -> many(s));
        for (String key : new String[] {"tx_xid", "TX_XID"}) {
            c.check("by-hand-" + key, () -> {
                Line.send(key, XID);
                return Cases.equal(XID, s.xid());
            });
        }
        for (String key : new String[] {"SEATA_XID", "seata_xid", "TX_BRANCH_TYPE", "tx_branch_type"}) {
            c.check("attachment-" + key, () -> arrives(s, key));
        }
        for (String key : TRACE) {
            c.check("trace-" + key, () -> arrives(s, key));
        }
        c.check("tag", () -> { // a Java provider's filters hide it from the service
            Line.send("dubbo.tag", "gray");
            return Cases.equal("gray", s.here("dubbo.tag"));
        });
        c.check("nothing-else", () -> {
            Line.send("user-password", "s3cret");
            return Cases.equal(null, s.attachment("user-password"));
        });
        System.exit(c.summary());
    }

    private static String arrives(XidService s, String key) {
        Line.send(key, "value of " + key);
        return Cases.equal("value of " + key, s.attachment(key));
    }

    private static String within(String xid, BranchType type, Cases.Body body) throws Throwable {
        RootContext.bind(xid);
        RootContext.bindBranchType(type);
        try {
            return body.run();
        } finally {
            RootContext.unbind();
            RootContext.unbindBranchType();
            forget();
        }
    }

    /** On 2.7.23 what Seata's filter has sent stays in the thread's context and goes with its next call, also to a Java provider. */
    private static void forget() {
        if (!Line.IS_3) {
            RpcContext.getContext().clearAttachments();
        }
    }

    /** 8 threads, 100 transactions each: every call ends with its own. */
    private static String many(XidService s) throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(8);
        List<Future<?>> all = new ArrayList<>();
        for (int t = 0; t < 8; t++) {
            int thread = t;
            all.add(pool.submit(() -> {
                for (int i = 0; i < 100; i++) {
                    String xid = "10.0.0." + thread + ":8091:" + i;
                    RootContext.bind(xid);
                    try {
                        Cases.equal(xid, s.xid());
                    } finally {
                        RootContext.unbind();
                        forget();
                    }
                    Cases.equal(null, s.xid());
                }
            }));
        }
        for (Future<?> f : all) {
            f.get();
        }
        pool.shutdown();
        return "800 transactions";
    }
}
