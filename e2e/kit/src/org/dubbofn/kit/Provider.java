package org.dubbofn.kit;

import org.apache.dubbo.config.ApplicationConfig;
import org.apache.dubbo.config.MetadataReportConfig;
import org.apache.dubbo.config.ProtocolConfig;
import org.apache.dubbo.config.RegistryConfig;
import org.apache.dubbo.config.ServiceConfig;
import org.apache.dubbo.config.bootstrap.DubboBootstrap;
import org.fixture.dubbo.PingService;
import org.fixture.dubbo.RowsService;
import org.fixture.dubbo.TokenService;
import org.fixture.dubbo.TypesService;

import java.util.HashMap;
import java.util.Map;

/**
 * A Java provider, the control: TypesService (plain, and group g1 version 2.0.0), RowsService, TokenService with a token; or
 * PingService alone with --ping. Prints PROVIDER-READY. Options:
 *   --registry URL --app NAME --name NAME --port N --metadata-port N (2.7) --tag T --parameters k=v,k=v --protocol dubbo|tri
 *   --register-mode instance|interface|all --metadata-type local|remote --metadata-report URL --ping
 */
public final class Provider {
    public static void main(String[] argv) throws Exception {
        Args a = new Args(argv);
        String name = a.get("name", "java" + Line.NAME), tag = a.get("tag", "");
        DubboBootstrap b = DubboBootstrap.getInstance().application(application(a, tag)).registry(registry(a)).protocol(protocol(a));
        if (a.has("metadata-report")) {
            b.metadataReport(new MetadataReportConfig(a.get("metadata-report", "")));
        }
        if (a.is("ping")) {
            b.service(export(PingService.class, s -> s, tag));
        } else {
            b.service(export(TypesService.class, new TypesImpl(name), tag));
            ServiceConfig<TypesService> g1 = export(TypesService.class, new TypesImpl(name + "/g1"), tag);
            g1.setId("TypesService-g1");
            g1.setGroup("g1");
            g1.setVersion("2.0.0");
            b.service(g1);
            b.service(export(RowsService.class, new RowsImpl(), tag));
            ServiceConfig<TokenService> token = export(TokenService.class, n -> "hello " + n, tag);
            token.setToken("s3cret");
            b.service(token);
        }
        b.start();
        System.out.println("PROVIDER-READY " + name);
        Thread.currentThread().join();
    }

    private static ApplicationConfig application(Args a, String tag) {
        ApplicationConfig app = new ApplicationConfig(a.get("app", "java" + Line.NAME.replace(".", "") + "-provider"));
        Line.tune(app);
        Line.registerMode(app, a.get("register-mode", "instance"));
        Line.metadataPort(app, a.number("metadata-port", a.number("port", 18880) + 100));
        if (a.has("metadata-type")) {
            app.setMetadataType(a.get("metadata-type", ""));
        }
        Map<String, String> parameters = new HashMap<>();
        if (!tag.isEmpty()) {
            parameters.put("dubbo.tag", tag);
        }
        for (String pair : a.get("parameters", "").split(",")) {
            if (!pair.isEmpty()) {
                parameters.put(pair.substring(0, pair.indexOf('=')), pair.substring(pair.indexOf('=') + 1));
            }
        }
        app.setParameters(parameters);
        return app;
    }

    private static RegistryConfig registry(Args a) {
        RegistryConfig r = new RegistryConfig(a.get("registry", "nacos://127.0.0.1:8848"));
        r.setId("registry1"); // without an id, 2.7.23 publishes no metadata revision, and nobody finds the app
        if (!Line.IS_3 && a.get("register-mode", "instance").equals("instance")) {
            Map<String, String> parameters = new HashMap<>();
            parameters.put("registry-type", "service");
            r.setParameters(parameters);
        }
        return r;
    }

    private static ProtocolConfig protocol(Args a) {
        ProtocolConfig p = new ProtocolConfig(a.get("protocol", "dubbo"), a.number("port", 18880));
        p.setSerialization("hessian2");
        p.setThreads(200);
        p.setHost("127.0.0.1");
        return p;
    }

    private static <T> ServiceConfig<T> export(Class<T> type, T impl, String tag) {
        ServiceConfig<T> s = new ServiceConfig<>();
        s.setInterface(type);
        s.setId(type.getSimpleName()); // 2.7 wants one for each service
        s.setRef(impl);
        if (!tag.isEmpty()) {
            s.setTag(tag);
        }
        return s;
    }
}
