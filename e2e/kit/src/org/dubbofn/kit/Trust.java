package org.dubbofn.kit;

import org.apache.dubbo.config.ApplicationConfig;
import org.apache.dubbo.config.ProtocolConfig;
import org.apache.dubbo.config.ReferenceConfig;
import org.apache.dubbo.config.RegistryConfig;
import org.apache.dubbo.config.ServiceConfig;
import org.apache.dubbo.config.SslConfig;
import org.apache.dubbo.config.bootstrap.DubboBootstrap;
import org.fixture.dubbo.TokenService;

import java.util.HashMap;
import java.util.Map;

/**
 * TokenService between ends that want to know each other, without a registry. Options:
 *   --cert FILE --key FILE --ca FILE   this end's certificate, its private key, whom it trusts
 *   --access-key ID:SECRET             the key that calls are signed with (3.x)
 *   --port N                           a provider; it prints PROVIDER-READY. Its token is s3cret
 *   --cases NAME:PORT[:KEY=VALUE…],…   a consumer; for each it calls 127.0.0.1:PORT with these parameters (access-key=ID/SECRET signs) and prints
 *                                      "CASE NAME OK answer" or "CASE NAME REFUSED why"
 */
public final class Trust {
    public static void main(String[] argv) throws Exception {
        Args a = new Args(argv);
        ApplicationConfig app = new ApplicationConfig("trust-" + Line.NAME);
        Line.tune(app);
        DubboBootstrap b = DubboBootstrap.getInstance().application(app).registry(new RegistryConfig("N/A"));
        if (a.has("cert")) {
            b.ssl(ssl(a, a.has("port")));
        }
        if (a.has("port")) {
            provide(a, b);
            return;
        }
        b.start();
        for (String c : a.get("cases", "").split(",")) {
            call(app, c.split(":"));
        }
        System.exit(0);
    }

    private static SslConfig ssl(Args a, boolean provider) {
        SslConfig s = new SslConfig();
        String ca = a.has("ca") ? a.get("ca", "") : null;
        if (provider) {
            s.setServerKeyCertChainPath(a.get("cert", ""));
            s.setServerPrivateKeyPath(a.get("key", ""));
            s.setServerTrustCertCollectionPath(ca);
        } else {
            s.setClientKeyCertChainPath(a.get("cert", ""));
            s.setClientPrivateKeyPath(a.get("key", ""));
            s.setClientTrustCertCollectionPath(ca);
        }
        return s;
    }

    private static void provide(Args a, DubboBootstrap b) throws Exception {
        ProtocolConfig p = new ProtocolConfig("dubbo", a.number("port", 0));
        p.setSerialization("hessian2");
        p.setHost("127.0.0.1");
        if (a.has("cert")) {
            p.setSslEnabled(true);
        }
        ServiceConfig<TokenService> s = new ServiceConfig<>();
        s.setInterface(TokenService.class);
        s.setId("TokenService");
        s.setRef(n -> "hello " + n);
        s.setToken("s3cret");
        if (a.has("access-key")) {
            s.setParameters(signing(a.get("access-key", "").split(":")));
        }
        b.protocol(p).service(s).start();
        System.out.println("PROVIDER-READY " + a.get("port", ""));
        Thread.currentThread().join();
    }

    private static Map<String, String> signing(String[] key) {
        Map<String, String> p = new HashMap<>();
        p.put("auth", "true");
        p.put("authenticator", "accesskey");
        p.put(".accessKeyId", key[0]);
        p.put(".secretAccessKey", key[1]);
        return p;
    }

    private static void call(ApplicationConfig app, String[] parts) {
        try {
            ReferenceConfig<TokenService> r = new ReferenceConfig<>();
            r.setInterface(TokenService.class);
            r.setApplication(app);
            r.setTimeout(3000);
            r.setRetries(0);
            r.setCheck(false);
            StringBuilder url = new StringBuilder("dubbo://127.0.0.1:" + parts[1] + "/" + TokenService.class.getName() + "?serialization=hessian2&connect.timeout=3000");
            for (int i = 2; i < parts.length; i++) {
                if (parts[i].startsWith("access-key=")) {
                    r.setParameters(signing(parts[i].substring("access-key=".length()).split("/")));
                } else {
                    url.append('&').append(parts[i]);
                }
            }
            r.setUrl(url.toString());
            TokenService s = r.get();
            System.out.println("CASE " + parts[0] + " OK " + s.hello("Ada"));
        } catch (Throwable e) {
            System.out.println("CASE " + parts[0] + " REFUSED " + Cases.text(e));
        }
    }

    private Trust() { }
}
