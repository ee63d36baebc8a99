package org.dubbofn.kit;

import org.apache.dubbo.config.ApplicationConfig;
import org.apache.dubbo.config.MetadataReportConfig;
import org.apache.dubbo.config.ReferenceConfig;
import org.apache.dubbo.config.RegistryConfig;
import org.apache.dubbo.config.bootstrap.DubboBootstrap;
import org.apache.dubbo.rpc.RpcException;
import org.apache.dubbo.rpc.service.GenericService;

import java.util.HashMap;

/**
 * The consumer's side of the connection to a provider: how it is found, and references to its services. Options:
 *   --mode app|iface|direct   --registry URL   --direct host:port   --protocol dubbo|tri   --app NAME   --provided-by APP
 *   --metadata-report URL     --empty-protection
 */
final class Peer {
    interface Setup<T> { void on(ReferenceConfig<T> r) throws Exception; }
    interface Probe<T> { void call(T service) throws Throwable; }

    final String mode, protocol, direct, app;
    private final Args args;
    private final ApplicationConfig application;
    private final RegistryConfig registry;

    Peer(Args args) {
        this.args = args;
        mode = args.get("mode", "app");
        protocol = args.get("protocol", "dubbo");
        direct = args.get("direct", "127.0.0.1:18880");
        app = args.get("app", "java" + Line.NAME.replace(".", "") + "-consumer");
        application = new ApplicationConfig(app);
        Line.tune(application);
        if (Line.IS_3) {
            System.setProperty("dubbo.application.service-discovery.migration", mode.equals("iface") ? "FORCE_INTERFACE" : "FORCE_APPLICATION");
        }
        registry = new RegistryConfig(mode.equals("direct") ? "N/A" : args.get("registry", "nacos://127.0.0.1:8848"));
        registry.setId("registry1");
        HashMap<String, String> parameters = new HashMap<>();
        if (!Line.IS_3 && mode.equals("app")) {
            parameters.put("registry-type", "service");
        }
        if (args.is("empty-protection")) {
            parameters.put("enable-empty-protection", "true");
        }
        if (!parameters.isEmpty()) {
            registry.setParameters(parameters);
        }
        DubboBootstrap b = DubboBootstrap.getInstance().application(application).registry(registry);
        if (args.has("metadata-report")) {
            b.metadataReport(new MetadataReportConfig(args.get("metadata-report", "")));
        }
        b.start();
    }

    /** A reference with a timeout of 10 s and no retries, unless setup says otherwise. */
    <T> T refer(Class<T> type, Setup<T> setup) throws Exception {
        ReferenceConfig<T> r = new ReferenceConfig<>();
        r.setInterface(type);
        r.setTimeout(10_000);
        r.setRetries(0);
        prepare(r, type);
        setup.on(r);
        return r.get();
    }

    /** A reference with Dubbo's own timeout and retries; providedBy may name the application, else "". */
    <T> T referByDefault(Class<T> type, String providedBy) throws Exception {
        ReferenceConfig<T> r = new ReferenceConfig<>();
        r.setInterface(type);
        prepare(r, type);
        if (!providedBy.isEmpty()) {
            r.setProvidedBy(providedBy);
        }
        return r.get();
    }

    GenericService generic(Class<?> type) {
        ReferenceConfig<GenericService> r = new ReferenceConfig<>();
        r.setInterface(type.getName());
        r.setGeneric("true");
        r.setTimeout(10_000);
        r.setRetries(0);
        prepare(r, type);
        return r.get();
    }

    private <T> void prepare(ReferenceConfig<T> r, Class<?> type) {
        r.setCheck(false);
        r.setProtocol(protocol);
        if (mode.equals("direct")) {
            r.setUrl(url(direct, type, ""));
        }
        if (args.has("provided-by")) {
            r.setProvidedBy(args.get("provided-by", ""));
        }
        r.setRegistry(registry);
        r.setApplication(application);
    }

    String url(String hostPort, Class<?> type, String query) {
        return protocol + "://" + hostPort + "/" + type.getName() + "?serialization=hessian2" + (query.isEmpty() ? "" : "&" + query);
    }

    /** A reference that has answered probe once, within 20 s; prints the case "discover". Null when nothing was found. */
    <T> T discover(Class<T> type, Setup<T> setup, Probe<T> probe) {
        long start = System.nanoTime(), end = start + 20_000_000_000L;
        Throwable why = null;
        while (System.nanoTime() < end) {
            try {
                T service = refer(type, setup);
                for (long until = System.nanoTime() + 10_000_000_000L; ; Thread.sleep(100)) {
                    try {
                        probe.call(service);
                        Cases.line("discover", "PASS", mode + " " + (System.nanoTime() - start) / 1_000_000 + "ms");
                        return service;
                    } catch (RpcException e) {
                        if (System.nanoTime() > until) {
                            throw e;
                        }
                    }
                }
            } catch (Throwable e) {
                why = e;
            }
            try { Thread.sleep(200); } catch (InterruptedException e) { break; }
        }
        Cases.line("discover", "FAIL", Cases.text(why));
        System.out.println("0 passed, 1 failed");
        return null;
    }
}
