import java.lang.reflect.Field;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;

import org.apache.dubbo.common.URL;
import org.apache.dubbo.rpc.Invocation;
import org.apache.dubbo.rpc.Invoker;
import org.apache.dubbo.rpc.Result;

/** What both programs give to Dubbo's classes, and how they print. */
final class Given {
    private Given() {}

    /** A provider that is never called. */
    static Invoker<Object> invoker(String address) {
        URL url = URL.valueOf(address);
        return new Invoker<>() {
            @Override
            public Class<Object> getInterface() {
                return Object.class;
            }

            @Override
            public Result invoke(Invocation invocation) {
                throw new UnsupportedOperationException();
            }

            @Override
            public URL getUrl() {
                return url;
            }

            @Override
            public boolean isAvailable() {
                return true;
            }

            @Override
            public void destroy() {}
        };
    }

    /** Makes ThreadLocalRandom go on from a seed, in this thread. */
    static void seed(long seed) throws ReflectiveOperationException {
        ThreadLocalRandom.current(); // gives the thread its probe, once
        Field f = Thread.class.getDeclaredField("threadLocalRandomSeed");
        f.setAccessible(true);
        f.setLong(Thread.currentThread(), seed);
    }

    static void put(Map<String, String> p, String key, String value) {
        if (value != null) {
            p.put(key, value);
        }
    }

    static Map<String, Object> row(Object... pairs) {
        Map<String, Object> row = new LinkedHashMap<>();
        for (int i = 0; i < pairs.length; i += 2) {
            row.put((String) pairs[i], pairs[i + 1]);
        }
        return row;
    }
}
