package org.dubbofn.kit;

import static org.dubbofn.kit.Cases.*;
import static org.dubbofn.kit.Samples.*;

import org.apache.dubbo.config.MethodConfig;
import org.apache.dubbo.rpc.RpcContext;
import org.apache.dubbo.rpc.RpcException;
import org.apache.dubbo.rpc.service.EchoService;
import org.apache.dubbo.rpc.service.GenericService;
import org.fixture.dubbo.BizException;
import org.fixture.dubbo.Person;
import org.fixture.dubbo.TokenService;
import org.fixture.dubbo.TypesService;

import java.util.*;
import java.util.concurrent.*;

/** The ways in which a consumer calls: overloads, exceptions, futures, one-way, attachments, $echo, generic calls, groups, timeouts. */
final class Calls {
    interface Each { void run(int i) throws Throwable; }

    private final Cases c;
    private final Peer peer;
    private final TypesService s;
    private GenericService generic;

    Calls(Cases c, Peer peer, TypesService s) {
        this.c = c;
        this.peer = peer;
        this.s = s;
    }

    /** Forgets the generic reference, which may have lost its connection. */
    void renew() { generic = null; }

    void run() {
        plain();
        exceptions();
        futures();
        attachments();
        generic();
        groups();
        c.check("timeout", this::timeout);
        c.check("concurrent-mixed", () -> parallel(64, i -> {
            for (int k = 0; k < 10; k++) {
                equal(i * k, s.echoInt(i * k));
                equal("s" + i, s.echoString("s" + i));
                equal(person(i), s.echoPerson(person(i)));
            }
        }));
        c.check("token-accepted", () -> equal("hello t", peer.refer(TokenService.class, r -> {
            if (peer.mode.equals("direct")) {
                r.setUrl(peer.url(peer.direct, TokenService.class, "token=s3cret"));
            }
        }).hello("t")));
    }

    private void plain() {
        c.check("void", () -> { String k = key(); s.nothing(k); return equal(k, s.lastKey()); });
        c.check("overload-string", () -> equal("string:v", s.over("v")));
        c.check("overload-int", () -> equal("int:7", s.over(7)));
        c.check("overload-string-int", () -> equal("string,int:v,7", s.over("v", 7)));
        c.check("overload-pojo", () -> equal("person:p1", s.over(person(1))));
        c.check("overload-list", () -> equal("list:2", s.over(Arrays.asList("a", "b"))));
    }

    private void exceptions() {
        c.check("exception-checked", () -> {
            try {
                s.failChecked(42, "no such order 😀");
            } catch (BizException e) {
                return equal(42, e.getCode()) + equal("no such order 😀", e.getMessage());
            }
            return fault("nothing thrown");
        });
        c.check("exception-runtime", () -> {
            try {
                s.failRuntime("boom-77");
            } catch (RuntimeException e) {
                if (e instanceof RpcException && ((RpcException) e).isTimeout()) {
                    throw e;
                }
                return String.valueOf(e.getMessage()).contains("boom-77") ? e.getClass().getName() : fault("message lost: " + text(e));
            }
            return fault("nothing thrown");
        });
        c.check("exception-then-call", () -> equal(5, s.echoInt(5)));
    }

    private void futures() {
        c.check("async-future", () -> equal("async:x", s.async("x").get(5, TimeUnit.SECONDS)));
        c.check("async-future-32", () -> {
            List<CompletableFuture<String>> l = new ArrayList<>();
            for (int i = 0; i < 32; i++) {
                l.add(s.async("x" + i));
            }
            for (int i = 0; i < 32; i++) {
                equal("async:x" + i, l.get(i).get(5, TimeUnit.SECONDS));
            }
            return "";
        });
        c.check("async-call", () -> {
            CompletableFuture<String> f = RpcContext.getContext().asyncCall(() -> s.echoString("later"));
            return equal("later", f.get(5, TimeUnit.SECONDS));
        });
        c.check("oneway", () -> {
            TypesService o = peer.refer(TypesService.class, r -> {
                MethodConfig m = new MethodConfig();
                m.setName("oneWay");
                m.setReturn(false);
                r.setMethods(new ArrayList<>(Collections.singletonList(m)));
            });
            String k = key();
            o.oneWay(k);
            for (long end = System.currentTimeMillis() + 3000; System.currentTimeMillis() < end; Thread.sleep(20)) {
                if (k.equals(s.lastKey())) {
                    return "";
                }
            }
            return fault("never arrived");
        });
    }

    private void attachments() {
        c.check("attachment-request", () -> { Line.send("k1", "value-世😀"); return equal("value-世😀", s.attach("k1")); });
        if (!Line.IS_3 && peer.mode.equals("direct")) {
            for (String n : new String[]{"attachment-response", "attachment-not-sticky"}) {
                c.skip(n, "a 2.7 consumer without a registry loses these, whatever the provider");
            }
        } else {
            c.check("attachment-response", () -> {
                Line.send("k2", "v2");
                s.attach("k2");
                return equal("pong-v2", Line.replied("resp-k2")) + "provider=" + Line.replied("provider");
            });
            c.check("attachment-not-sticky", () -> { Line.send("k3", "v3"); s.attach("k3"); return equal("null", s.attach("k3")); });
        }
        c.check("attachment-object", () -> { Line.send("k4", 77); return equal("Integer:77", s.attachObject("k4")); });
        c.check("attachment-case", () -> { Line.send("Mixed-Case.Key", "v5"); return equal("v5", s.attach("Mixed-Case.Key")); });
    }

    private Object invoke(String method, String type, Object arg) {
        return reference().$invoke(method, new String[]{type}, new Object[]{arg});
    }

    private GenericService reference() {
        if (generic == null) {
            generic = peer.generic(TypesService.class);
        }
        return generic;
    }

    private void generic() {
        String person = Person.class.getName();
        c.check("echo-service", () -> equal("ping", ((EchoService) s).$echo("ping")));
        c.check("echo-service-pojo", () -> equal(person(4), ((EchoService) s).$echo(person(4))));
        c.check("generic-primitive", () -> equal(8, invoke("echoInt", "int", 8)));
        c.check("generic-pojo-in", () -> equal("José😀:31:Main St#12345:GREEN:9000000001", invoke("describe", person, joseMap())));
        c.check("generic-pojo-out", () -> {
            Map<?, ?> m = (Map<?, ?>) invoke("birthday", person, joseMap());
            return equal("José😀!", m.get("name")) + equal(32, m.get("age")) + equal("Main St", ((Map<?, ?>) m.get("home")).get("street")) + equal(person, m.get("class"));
        });
        c.check("generic-list", () -> equal(2, ((List<?>) invoke("echoPersons", "java.util.List", Arrays.asList(joseMap(), joseMap()))).size()));
        c.check("generic-overload", () -> equal("int:5", invoke("over", "int", 5)));
        c.check("generic-exception", () -> {
            try {
                reference().$invoke("failChecked", new String[]{"int", "java.lang.String"}, new Object[]{7, "g-boom"});
            } catch (RuntimeException e) { // GenericException, in the package of either line
                if (!e.getClass().getSimpleName().equals("GenericException")) {
                    throw e;
                }
                return equal(BizException.class.getName(), e.getClass().getMethod("getExceptionClass").invoke(e))
                        + equal("g-boom", e.getClass().getMethod("getExceptionMessage").invoke(e)) + e.getClass().getName();
            }
            return fault("nothing thrown");
        });
        c.check("generic-async", () -> equal("x",
                reference().$invokeAsync("echoString", new String[]{"java.lang.String"}, new Object[]{"x"}).get(5, TimeUnit.SECONDS)));
        c.check("unknown-method", () -> {
            long start = System.nanoTime();
            try {
                invoke("noSuchMethod", "int", 5);
            } catch (RuntimeException e) {
                boolean late = e instanceof RpcException && ((RpcException) e).isTimeout();
                return late ? fault("timed out instead of an answer") : millis(start) + "ms " + e.getClass().getSimpleName();
            }
            return fault("nothing thrown");
        });
    }

    private void groups() {
        c.check("group-version", () -> {
            String who = peer.refer(TypesService.class, r -> { r.setGroup("g1"); r.setVersion("2.0.0"); }).whoami();
            return who.endsWith("/g1") ? who : fault(who);
        });
        c.check("group-version-separate", () -> { String who = s.whoami(); return who.contains("/") ? fault(who) : who; });
    }

    private String timeout() throws Throwable {
        TypesService q = peer.refer(TypesService.class, r -> r.setTimeout(300));
        q.echoInt(1);
        long start = System.nanoTime();
        Line.send("timeout", "300"); // 2.7's app-level mode gives every reference of one service the first one's timeout
        try {
            q.sleep(1500);
        } catch (RpcException e) {
            if (!e.isTimeout()) {
                throw e;
            }
            long took = millis(start);
            if (took > 1200) {
                return fault("took " + took + "ms");
            }
            Thread.sleep(1500);
            return equal(9, q.echoInt(9)) + took + "ms";
        }
        return fault("nothing thrown");
    }

    static long millis(long start) { return (System.nanoTime() - start) / 1_000_000; }

    static String key() { return "k" + System.nanoTime(); }

    /** Runs each on a thread of its own, all started together. */
    static String parallel(int n, Each each) throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(n);
        CountDownLatch go = new CountDownLatch(1);
        List<Future<?>> all = new ArrayList<>();
        for (int i = 0; i < n; i++) {
            int k = i;
            all.add(pool.submit(() -> {
                go.await();
                try { each.run(k); } catch (Throwable t) { throw new ExecutionException(t); }
                return null;
            }));
        }
        go.countDown();
        try {
            for (Future<?> f : all) {
                f.get(60, TimeUnit.SECONDS);
            }
        } finally {
            pool.shutdownNow();
        }
        return "";
    }
}
