package org.bench;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

import org.apache.dubbo.config.ApplicationConfig;
import org.apache.dubbo.config.ProtocolConfig;
import org.apache.dubbo.config.RegistryConfig;
import org.apache.dubbo.config.ServiceConfig;
import org.apache.dubbo.config.bootstrap.DubboBootstrap;

/** The Java Dubbo provider: defaults throughout, no registry. Arguments: host:port, and threads if not the default. Ends when its standard input does. */
public final class Provider {
    private Provider() { }

    private static final class Impl implements BenchService {
        private final Map<Integer, List<User>> lists = new ConcurrentHashMap<>();

        @Override public String echo(String text) { return text; }

        @Override public User user(User user) {
            user.setId(user.getId() + 1);
            user.setAge(user.getAge() + 1);
            return user;
        }

        @Override public List<User> users(int count) { return lists.computeIfAbsent(count, User::sample); }

        @Override public byte[] bytes(byte[] data) { return data; }
    }

    public static void main(String[] argv) throws Exception {
        ApplicationConfig app = new ApplicationConfig("bench-java");
        app.setQosEnable(false);
        ProtocolConfig protocol = new ProtocolConfig("dubbo", Integer.parseInt(argv[0].substring(argv[0].lastIndexOf(':') + 1)));
        protocol.setSerialization("hessian2");
        protocol.setHost("127.0.0.1");
        if (argv.length > 1) {
            protocol.setThreads(Integer.parseInt(argv[1]));
        }
        ServiceConfig<BenchService> service = new ServiceConfig<>();
        service.setInterface(BenchService.class);
        service.setRef(new Impl());
        DubboBootstrap.getInstance().application(app).registry(new RegistryConfig("N/A")).protocol(protocol).service(service).start();
        while (System.in.read() >= 0) {
            continue;
        }
        Runtime.getRuntime().halt(0);
    }
}
