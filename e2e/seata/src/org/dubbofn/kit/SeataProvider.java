package org.dubbofn.kit;

import io.seata.core.context.RootContext;
import org.apache.dubbo.config.ApplicationConfig;
import org.apache.dubbo.config.ProtocolConfig;
import org.apache.dubbo.config.RegistryConfig;
import org.apache.dubbo.config.ServiceConfig;
import org.apache.dubbo.config.bootstrap.DubboBootstrap;
import org.fixture.dubbo.XidService;

/** Tells what Seata's own filter has bound. Prints PROVIDER-READY. Options: --port N */
public final class SeataProvider {
    public static void main(String[] argv) throws Exception {
        Args a = new Args(argv);
        int port = a.number("port", 18880);
        ApplicationConfig app = new ApplicationConfig("seata-provider-" + Line.NAME);
        Line.tune(app);
        Line.metadataPort(app, port + 100);
        ProtocolConfig protocol = new ProtocolConfig("dubbo", port);
        protocol.setSerialization("hessian2");
        protocol.setHost("127.0.0.1");
        XidService bound = new XidService() {
            @Override public String xid() { return RootContext.getXID(); }
            @Override public String branch() { return String.valueOf(RootContext.getBranchType()); }
            @Override public String attachment(String key) { return text(Line.received(key)); }
            @Override public String here(String key) { return attachment(key); }
        };
        DubboBootstrap b = DubboBootstrap.getInstance().application(app).registry(new RegistryConfig("N/A")).protocol(protocol);
        b.service(service("", bound)).service(service("go", bound)).start(); // the latter for the control, without Go between
        System.out.println("PROVIDER-READY " + Line.NAME);
        Thread.currentThread().join();
    }

    private static ServiceConfig<XidService> service(String group, XidService bound) {
        ServiceConfig<XidService> s = new ServiceConfig<>();
        s.setInterface(XidService.class);
        s.setId("XidService-" + group);
        s.setRef(bound);
        if (!group.isEmpty()) {
            s.setGroup(group);
        }
        return s;
    }

    private static String text(Object v) { return v == null ? null : v.toString(); }
}
