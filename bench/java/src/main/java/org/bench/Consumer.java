package org.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

import com.alibaba.fastjson2.JSON;

import org.apache.dubbo.config.ApplicationConfig;
import org.apache.dubbo.config.ReferenceConfig;
import org.apache.dubbo.config.bootstrap.DubboBootstrap;

/**
 * The Java Dubbo consumer: what an interface with @DubboReference gets, with its defaults but for the timeout. Argument: the provider's
 * host:port. Prints {} when it is ready, answers each plan that it reads from standard input, a JSON object a line, by one, and ends with
 * standard input.
 */
public final class Consumer {
    private Consumer() { }

    /** What calls to make, as the harness writes it: see measure.Plan in Go. */
    record Plan(String name, int inFlight, long warmUp, long measure, long maxCalls, long checkEvery, long pid) {
        static Plan parse(String line) {
            var o = JSON.parseObject(line);
            return new Plan(o.getString("case"), o.getIntValue("in_flight"), o.getLongValue("warm_up_ns"), o.getLongValue("measure_ns"),
                o.getLongValue("max_calls"), o.getLongValue("check_every"), o.getLongValue("pid"));
        }
    }

    public static void main(String[] argv) throws IOException {
        BenchService bench = connect(argv[0]);
        var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        int status = 0;
        System.out.println("{}");
        for (String line; status == 0 && (line = in.readLine()) != null; ) {
            Map<String, Object> answer = new LinkedHashMap<>();
            try {
                new Calls(Plan.parse(line), bench).run(answer);
            } catch (Exception e) {
                answer.put("error", String.valueOf(e));
                status = 1;
            }
            System.out.println(JSON.toJSONString(answer));
        }
        Runtime.getRuntime().halt(status);
    }

    private static BenchService connect(String address) {
        ApplicationConfig app = new ApplicationConfig("bench-consumer");
        app.setQosEnable(false);
        ReferenceConfig<BenchService> reference = new ReferenceConfig<>();
        reference.setInterface(BenchService.class);
        reference.setUrl("dubbo://" + address);
        reference.setTimeout(3_000);
        DubboBootstrap.getInstance().application(app).reference(reference).start();
        return reference.get();
    }
}
