import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ThreadLocalRandom;

import org.apache.dubbo.common.Version;
import org.apache.dubbo.common.utils.JsonUtils;
import org.apache.dubbo.rpc.Invocation;
import org.apache.dubbo.rpc.Invoker;
import org.apache.dubbo.rpc.RpcInvocation;
import org.apache.dubbo.rpc.RpcStatus;
import org.apache.dubbo.rpc.cluster.LoadBalance;
import org.apache.dubbo.rpc.cluster.loadbalance.AbstractLoadBalance;
import org.apache.dubbo.rpc.cluster.loadbalance.ConsistentHashLoadBalance;
import org.apache.dubbo.rpc.cluster.loadbalance.LeastActiveLoadBalance;
import org.apache.dubbo.rpc.cluster.loadbalance.RandomLoadBalance;
import org.apache.dubbo.rpc.cluster.loadbalance.RoundRobinLoadBalance;
import org.apache.dubbo.rpc.cluster.loadbalance.ShortestResponseLoadBalance;

/**
 * Prints, as JSON, what Dubbo's own load balancers choose for many inputs. Chance is what ThreadLocalRandom gave after a known seed: the raw
 * numbers are printed, so that another program can draw the same. Every run prints the same.
 */
public class Balancers {
    private static final Random INPUT = new Random(20880);
    private static int services;

    public static void main(String[] args) throws Exception {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("by", "Dubbo Java " + Version.getVersion(RandomLoadBalance.class, "?"));
        all.put("weights", weights());
        all.put("warmups", warmups());
        all.put("draws", draws());
        all.put("turns", turns());
        all.put("rings", rings());
        System.out.println(JsonUtils.toJson(all));
    }

    // weights: what a provider publishes, and its weight for method get
    private static List<Object> weights() throws Exception {
        Method weight = AbstractLoadBalance.class.getDeclaredMethod("getWeight", Invoker.class, Invocation.class);
        weight.setAccessible(true);
        List<Object> out = new ArrayList<>();
        String[] own = {null, "0", "1", "7", "100", "250", "-5"};
        for (String service : own) {
            for (String method : own) {
                for (String stamp : new String[] {null, "0", "1000"}) {
                    Map<String, String> p = new LinkedHashMap<>();
                    Given.put(p, "weight", service);
                    Given.put(p, "get.weight", method);
                    Given.put(p, "timestamp", stamp);
                    Invoker<Object> invoker = invoker("10.0.0.1:20880", "org.example.Weights", p);
                    out.add(Given.row("params", p, "weight", weight.invoke(new RandomLoadBalance(), invoker, call())));
                }
            }
        }
        return out;
    }

    // warmups: [uptime ms, warmup ms, weight, what counts]
    private static List<Object> warmups() throws Exception {
        Method warm = AbstractLoadBalance.class.getDeclaredMethod("calculateWarmupWeight", int.class, int.class, int.class);
        warm.setAccessible(true);
        List<Object> out = new ArrayList<>();
        int[] times = {1, 999, 60_000, 300_001, 599_999, 600_000};
        for (int warmup : new int[] {1, 7, 1000, 600_000, 3_600_000}) {
            for (int weight : new int[] {1, 3, 100, 101, 1000, 16_777_217}) {
                for (int up : times) {
                    out.add(Arrays.asList(up, warmup, weight, warm.invoke(null, up, warmup, weight)));
                }
                for (int i = 0; i < 10; i++) {
                    int up = 1 + INPUT.nextInt(warmup);
                    out.add(Arrays.asList(up, warmup, weight, warm.invoke(null, up, warmup, weight)));
                }
            }
        }
        return out;
    }

    // draws: weights, calls under way, ms of the calls that were answered; then for many seeds the raw numbers and the choice
    private static List<Object> draws() throws Exception {
        List<Object> out = new ArrayList<>();
        for (String name : new String[] {"random", "leastactive", "shortestresponse"}) {
            for (int n : new int[] {2, 3, 4, 5, 8, 13, 31}) {
                for (int kind = 0; kind < 4; kind++) {
                    out.add(drawsOf(name, n, kind));
                }
            }
        }
        return out;
    }

    private static Object drawsOf(String name, int n, int kind) throws Exception {
        String service = "org.example.Draws" + services++;
        List<Invoker<Object>> invokers = new ArrayList<>();
        List<Integer> weights = new ArrayList<>();
        List<Integer> active = new ArrayList<>();
        List<List<Integer>> took = new ArrayList<>();
        for (int i = 0; i < n; i++) {
            int weight = kind == 0 ? 100 : kind == 1 ? 1 + INPUT.nextInt(300) : kind == 2 ? INPUT.nextInt(3) * 50 : 0;
            Invoker<Object> invoker = invoker("10.0.0." + (100 + i) + ":20880", service, Map.of("weight", "" + weight));
            List<Integer> times = new ArrayList<>();
            int busy = name.equals("random") ? 0 : INPUT.nextInt(3);
            if (name.equals("shortestresponse")) {
                for (int c = INPUT.nextInt(4); c > 0; c--) {
                    int ms = INPUT.nextInt(5);
                    times.add(ms);
                    RpcStatus.beginCount(invoker.getUrl(), "get");
                    RpcStatus.endCount(invoker.getUrl(), "get", ms, true);
                }
            }
            for (int c = 0; c < busy; c++) {
                RpcStatus.beginCount(invoker.getUrl(), "get");
            }
            weights.add(weight);
            active.add(busy);
            took.add(times);
            invokers.add(invoker);
        }
        LoadBalance balance = switch (name) {
            case "random" -> new RandomLoadBalance();
            case "leastactive" -> new LeastActiveLoadBalance();
            default -> new ShortestResponseLoadBalance();
        };
        List<Object> choices = new ArrayList<>();
        for (int i = 0; i < 30; i++) {
            long seed = INPUT.nextLong();
            Given.seed(seed);
            List<Long> raw = new ArrayList<>();
            for (int k = 0; k < 3; k++) {
                raw.add(ThreadLocalRandom.current().nextInt() & 0xffffffffL);
            }
            Given.seed(seed);
            choices.add(Given.row("raw", raw, "choice", invokers.indexOf(balance.select(invokers, invokers.get(0).getUrl(), call()))));
        }
        return Given.row("balance", name, "weights", weights, "active", active, "took", took, "choices", choices);
    }

    // turns: lists of providers that one round robin was given one after another; in each the providers by number, their weights, and who
    // was taken. Who has left does not come back: Java remembers those for a minute.
    private static List<Object> turns() {
        List<Object> out = new ArrayList<>();
        for (int i = 0; i < 60; i++) {
            String service = "org.example.Turns" + services++;
            LoadBalance balance = new RoundRobinLoadBalance();
            List<Object> phases = new ArrayList<>();
            int[] weights = new int[12];
            for (int k = 0; k < weights.length; k++) {
                weights[k] = weight(i);
            }
            boolean[] here = new boolean[weights.length];
            boolean[] gone = new boolean[weights.length];
            for (int phase = 0; phase < 4; phase++) {
                List<Integer> who = new ArrayList<>();
                List<Integer> theirs = new ArrayList<>();
                List<Invoker<Object>> invokers = new ArrayList<>();
                for (int k = 0; k < weights.length; k++) {
                    if (phase > 0 && INPUT.nextInt(8) == 0) {
                        weights[k] = weight(i);
                    }
                    boolean was = here[k];
                    here[k] = !gone[k] && (was ? INPUT.nextInt(4) > 0 : INPUT.nextInt(3) > 0);
                    gone[k] |= was && !here[k];
                    if (here[k]) {
                        who.add(k);
                        theirs.add(weights[k]);
                        invokers.add(invoker("10.0.0." + (100 + k) + ":20880", service, Map.of("weight", "" + weights[k])));
                    }
                }
                if (invokers.size() < 2) {
                    continue;
                }
                List<Integer> taken = new ArrayList<>();
                for (int c = 0; c < 60; c++) {
                    taken.add(who.get(invokers.indexOf(balance.select(invokers, invokers.get(0).getUrl(), call()))));
                }
                phases.add(Given.row("who", who, "weights", theirs, "taken", taken));
            }
            out.add(phases);
        }
        return out;
    }

    private static int weight(int kind) {
        return switch (kind % 4) {
            case 0 -> 100;
            case 1 -> 1 + INPUT.nextInt(5);
            case 2 -> INPUT.nextInt(4) * 50;
            default -> 1 + INPUT.nextInt(1000);
        };
    }

    // rings: the providers' addresses and settings, and the choice for many arguments
    private static List<Object> rings() {
        List<Object> out = new ArrayList<>();
        String[] nodes = {null, "4", "160", "320", "6"};
        String[] arguments = {null, "0", "1", "0,1", "2,0", "9"};
        for (int n : new int[] {2, 5, 17}) {
            for (String node : nodes) {
                for (String argument : arguments) {
                    String service = "org.example.Rings" + services++;
                    Map<String, String> p = new LinkedHashMap<>();
                    Given.put(p, "hash.nodes", node);
                    Given.put(p, "hash.arguments", argument);
                    List<Invoker<Object>> invokers = new ArrayList<>();
                    List<String> addresses = new ArrayList<>();
                    for (int i = 0; i < n; i++) {
                        addresses.add("10.0." + INPUT.nextInt(200) + "." + (100 + i) + ":" + (20000 + INPUT.nextInt(1000)));
                    }
                    java.util.Collections.sort(addresses);
                    for (String address : addresses) {
                        invokers.add(invoker(address, service, p));
                    }
                    LoadBalance balance = new ConsistentHashLoadBalance();
                    List<Object> choices = new ArrayList<>();
                    for (int i = 0; i < 20; i++) {
                        List<Object> with = Arrays.asList(text(i), INPUT.nextLong(), i % 3 == 0, i % 5 == 0 ? null : "k" + i);
                        choices.add(Given.row("args", with, "choice", invokers.indexOf(balance.select(invokers, invokers.get(0).getUrl(), call(with.toArray())))));
                    }
                    out.add(Given.row("params", p, "addresses", addresses, "choices", choices));
                }
            }
        }
        return out;
    }

    private static String text(int i) {
        return switch (i % 4) {
            case 0 -> "user-" + INPUT.nextInt(1_000_000);
            case 1 -> "größe 😀 " + INPUT.nextInt(100);
            case 2 -> "";
            default -> "" + INPUT.nextLong();
        };
    }

    private static RpcInvocation call(Object... args) {
        Class<?>[] types = new Class<?>[args.length];
        Arrays.fill(types, Object.class);
        RpcInvocation inv = new RpcInvocation();
        inv.setMethodName("get");
        inv.setParameterTypes(types);
        inv.setArguments(args);
        return inv;
    }

    private static Invoker<Object> invoker(String address, String service, Map<String, String> params) {
        StringBuilder query = new StringBuilder("?interface=").append(service);
        params.forEach((k, v) -> query.append('&').append(k).append('=').append(v));
        return Given.invoker("dubbo://" + address + "/" + service + query);
    }
}
