import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ThreadLocalRandom;

import org.apache.dubbo.common.URL;
import org.apache.dubbo.common.Version;
import org.apache.dubbo.common.config.configcenter.ConfigChangedEvent;
import org.apache.dubbo.common.utils.JsonUtils;
import org.apache.dubbo.common.utils.NetUtils;
import org.apache.dubbo.rpc.Invoker;
import org.apache.dubbo.rpc.RpcInvocation;
import org.apache.dubbo.rpc.cluster.Configurator;
import org.apache.dubbo.rpc.cluster.configurator.parser.ConfigParser;
import org.apache.dubbo.rpc.cluster.router.condition.config.ServiceStateRouter;
import org.apache.dubbo.rpc.cluster.router.state.AbstractStateRouter;
import org.apache.dubbo.rpc.cluster.router.state.BitList;
import org.apache.dubbo.rpc.cluster.router.state.TailStateRouter;
import org.apache.dubbo.rpc.cluster.router.tag.TagStateRouter;
import org.apache.dubbo.rpc.model.ApplicationModel;

/**
 * Prints, as JSON, which providers Dubbo's own routers leave for many rules and calls, and what its configurators change of them. Every run
 * prints the same.
 */
public class Routers {
    private static final Random INPUT = new Random(20881);
    private static final String SERVICE = "org.example.Users";
    private static final String CONSUMER = "consumer://10.0.0.2/" + SERVICE + "?application=orders&side=consumer&version=1.0&group=g&interface=" + SERVICE;
    private static final List<String> PROVIDERS = List.of(
            "dubbo://10.0.0.1:20881?region=hangzhou&zone=hz",
            "dubbo://10.0.0.2:20882?region=hangzhou&zone=hz&env=gray&dubbo.tag=gray",
            "dubbo://10.0.0.3:20883?region=beijing&zone=bj",
            "dubbo://10.0.0.4:20884?region=beijing&zone=bj&dubbo.tag=blue",
            "dubbo://10.0.1.5:20881?region=shanghai&level=5",
            "dubbo://10.0.1.6:20882?region=shanghai&env=gray&level=60&dubbo.tag=gray",
            "dubbo://10.1.0.7:20883?env=test&level=7",
            "dubbo://10.1.0.8:20884?level=x&dubbo.tag=blue");
    private static final List<Invoker<Object>> INVOKERS = new ArrayList<>();
    private static final List<Map<String, Object>> CALLS = new ArrayList<>();

    public static void main(String[] args) throws ReflectiveOperationException {
        for (String p : PROVIDERS) {
            INVOKERS.add(Given.invoker(p.replace("?", "/" + SERVICE + "?interface=" + SERVICE + "&version=1.0&group=g&remote.application=shop&")));
        }
        for (int i = 0; i < 40; i++) {
            CALLS.add(newCall(i));
        }
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("by", "Dubbo Java " + Version.getVersion(TagStateRouter.class, "?"));
        all.put("consumer", CONSUMER);
        all.put("host", NetUtils.getLocalHost());
        all.put("providers", PROVIDERS);
        all.put("calls", CALLS);
        all.put("tags", decide(tagRules(), true));
        all.put("conditions", decide(conditionRules(), false));
        all.put("destinations", part());
        all.put("configurators", configure());
        System.out.println(JsonUtils.toJson(all));
        System.exit(0);
    }

    private static Map<String, Object> newCall(int i) {
        Map<String, String> attachments = new LinkedHashMap<>();
        Given.put(attachments, "dubbo.tag", pick(null, null, "gray", "blue", "red", "empty", "near", "gray|a|b", "far|x"));
        Given.put(attachments, "dubbo.force.tag", pick(null, null, null, "true", "false"));
        Given.put(attachments, "user", pick(null, "ada", "bob", "12"));
        List<Object> args = new ArrayList<>();
        for (int n = INPUT.nextInt(3); n > 0; n--) {
            args.add(pick("a", "b", "7", "10", "", "-3", null, "é"));
        }
        Map<String, Object> call = new LinkedHashMap<>();
        call.put("method", pick("get", "set", "findAll", "findOne"));
        call.put("args", args);
        call.put("attachments", attachments);
        return call;
    }

    // decide gives, for each rule, who is left for each call, by number
    private static List<Object> decide(List<String> rules, boolean tags) {
        List<Object> out = new ArrayList<>();
        for (String rule : rules) {
            URL consumer = URL.valueOf(CONSUMER).setScopeModel(ApplicationModel.defaultModel().getDefaultModule());
            AbstractStateRouter<Object> router = tags ? new TagStateRouter<>(consumer) : new ServiceStateRouter<>(consumer);
            router.setNextRouter(TailStateRouter.getInstance());
            BitList<Invoker<Object>> all = new BitList<>(INVOKERS);
            router.notify(all);
            ConfigChangedEvent event = new ConfigChangedEvent("rule", "dubbo", rule);
            if (!rule.isEmpty() && tags) {
                ((TagStateRouter<Object>) router).process(event);
            } else if (!rule.isEmpty()) {
                ((ServiceStateRouter<Object>) router).process(event);
            }
            if (tags && !rule.isEmpty() && refused(router)) {
                out.add(Given.row("rule", rule, "refused", true));
                continue;
            }
            List<Object> left = new ArrayList<>();
            for (Map<String, Object> call : CALLS) {
                List<Integer> who = new ArrayList<>();
                for (Invoker<Object> i : router.route(all.clone(), consumer, invocation(call), false, null)) {
                    who.add(INVOKERS.indexOf(i));
                }
                left.add(who);
            }
            out.add(Given.row("rule", rule, "left", left));
        }
        return out;
    }

    // refused tells whether a tag router could make nothing of its rule, which it only logs
    private static boolean refused(Object router) {
        try {
            Field rule = TagStateRouter.class.getDeclaredField("tagRouterRule");
            rule.setAccessible(true);
            return rule.get(router) == null;
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    private static List<String> tagRules() {
        List<String> out = new ArrayList<>();
        out.add("");
        String[] tags = {
            "- name: gray\n  addresses: [\"10.0.0.3:20883\"]\n",
            "- name: gray\n  addresses: [\"10.0.0.3:20883\", \"10.0.1.5:20881\"]\n",
            "- name: gray|a\n  addresses: [\"10.0.0.1:20881\"]\n",
            "- name: gray\n  addresses: []\n",
            "- name: red\n  addresses: [\"10.0.*.*:20881\"]\n",
            "- name: red\n  addresses: [\"10.0.0.1-3\"]\n",
            "- name: blue\n  addresses: [\"10.1.0.0/16\"]\n",
            "- name: blue\n  addresses: [\"0.0.0.0:20884\"]\n",
            "- name: empty\n  addresses: [\"10.9.9.9\", \"10.9.9.9:1\"]\n",
            "- name: far\n  addresses: [\"10.1.0.7:20883\"]\n",
            "- name: near\n  match:\n  - key: zone\n    value: {exact: hz}\n",
            "- name: near\n  match:\n  - key: region\n    value: {prefix: shang}\n  - key: env\n    value: {noempty: \"1\"}\n",
            "- name: near\n  match:\n  - key: env\n    value: {empty: \"1\"}\n",
            "- name: near\n  match:\n  - key: level\n    value: {regex: \"[0-9]+\"}\n",
            "- name: red\n  match:\n  - key: region\n    value: {wildcard: \"*\"}\n",
            "- name: red\n  match:\n  - key: region\n    value: {wildcard: \"hang*\"}\n",
            "- name: empty\n  match:\n  - key: zone\n    value: {exact: mars}\n",
        };
        for (String version : new String[] {"v3.0", "v2.7", null}) {
            for (int i = 0; i < 60; i++) {
                StringBuilder s = new StringBuilder();
                if (version != null) {
                    s.append("configVersion: ").append(version).append('\n');
                }
                s.append("key: shop\n").append(INPUT.nextInt(3) == 0 ? "force: true\n" : "").append(INPUT.nextInt(12) == 0 ? "enabled: false\n" : "").append("tags:\n");
                if (i < tags.length) {
                    s.append(tags[i]);
                } else {
                    for (int n = 1 + INPUT.nextInt(3); n > 0; n--) {
                        s.append(pick(tags));
                    }
                }
                out.add(s.toString());
            }
        }
        return out;
    }

    private static List<String> conditionRules() {
        List<String> out = new ArrayList<>();
        for (String line : List.of("=> region=beijing", "region=beijing", "method=get =>", "method=get => false", "true => env=gray", "=> ", "host=10.0.0.2 => ",
                "method=get,set=>region=hangzhou", "method = find* => address=*:20881", "=> host=$host", "=> region=$application", "consumer.application=orders => provider.region=beijing",
                "=> address=10.0.0.1:20881", "=> port=20882", "=> level=1~10", "=> level=~10", "=> level=6~", "=> level!=1~10", "arguments[0]=1~10 => env=gray",
                "arguments[0]!=1~10 => env=gray", "arguments[1]=a => env=gray", "arguments[0]=null => region=beijing", "attachments[user]=1~20 => region=beijing",
                "attachments[user]!=ada => region=beijing", "method!=get&method!=set => region=shanghai", "interface=org.example.Users => zone=hz",
                "path=org.example.Users => zone=hz", "version=1.0 => zone=hz", "group=g => zone=hz", "side=consumer => zone=hz", "protocol=consumer => zone=hz",
                "address=10.0.0.2 => zone=hz", "=> protocol=dubbo", "methods=get => zone=hz", "=> interface=org.example.Users", "=> version=1.0", "=> method=get", "=> group=g", "=> application=shop",
                "=> zone=hz*", "=> zone=*z", "=> zone=h*z", "=> zone=*", "=> zone!=*", "=> zone=h*,b*&env!=gray")) {
            out.add("configVersion: v3.0\nkey: " + SERVICE + "\nconditions:\n- '" + line + "'\n");
            out.add("configVersion: v3.0\nforce: true\nkey: " + SERVICE + "\nconditions:\n- '" + line + "'\n");
        }
        for (int i = 0; i < 250; i++) {
            StringBuilder s = new StringBuilder("configVersion: " + pick("v3.0", "v2.7") + "\nscope: service\n");
            s.append(INPUT.nextInt(2) == 0 ? "force: true\n" : "").append(INPUT.nextInt(20) == 0 ? "enabled: false\n" : "").append("key: ").append(SERVICE).append("\nconditions:\n");
            for (int n = 1 + INPUT.nextInt(2); n > 0; n--) {
                s.append("- '").append(terms(true)).append(" => ").append(terms(false)).append("'\n");
            }
            out.add(s.toString());
        }
        return out;
    }

    // part gives, for rules with several destinations, who is left for each call after which random numbers
    private static List<Object> part() throws ReflectiveOperationException {
        List<Object> out = new ArrayList<>();
        for (String rule : destinationRules()) {
            URL consumer = URL.valueOf(CONSUMER).setScopeModel(ApplicationModel.defaultModel().getDefaultModule());
            ServiceStateRouter<Object> router = new ServiceStateRouter<>(consumer);
            router.setNextRouter(TailStateRouter.getInstance());
            router.process(new ConfigChangedEvent("rule", "dubbo", rule));
            BitList<Invoker<Object>> all = new BitList<>(INVOKERS);
            List<Object> left = new ArrayList<>();
            List<Object> raw = new ArrayList<>();
            for (Map<String, Object> call : CALLS) {
                long seed = INPUT.nextLong();
                Given.seed(seed);
                List<Long> drawn = new ArrayList<>();
                for (int i = 0; i < 2; i++) {
                    drawn.add(ThreadLocalRandom.current().nextLong());
                }
                Given.seed(seed);
                List<Integer> who = new ArrayList<>();
                for (Invoker<Object> i : router.route(all.clone(), consumer, invocation(call), false, null)) {
                    who.add(INVOKERS.indexOf(i));
                }
                left.add(who);
                raw.add(drawn);
            }
            out.add(Given.row("rule", rule, "left", left, "raw", raw));
        }
        return out;
    }

    private static List<String> destinationRules() {
        List<String> out = new ArrayList<>();
        String head = "configVersion: v3.1\nscope: service\nkey: " + SERVICE + "\n";
        out.add(head + "conditions:\n- from: {match: ''}\n  to: []\n");
        out.add(head + "conditions:\n- from: {match: 'method=get'}\n  to: []\n");
        out.add(head + "conditions:\n- to: [{match: 'region=hangzhou'}]\n");
        out.add(head + "conditions:\n- from: {match: 'true'}\n  to: [{match: 'false'}, {match: 'region=beijing', weight: 1}]\n");
        out.add(head + "force: true\nconditions:\n- from: {match: 'method=get'}\n  to: [{match: 'region=mars'}]\n");
        for (int i = 0; i < 60; i++) {
            StringBuilder s = new StringBuilder(head).append(INPUT.nextInt(2) == 0 ? "force: true\n" : "").append(INPUT.nextInt(20) == 0 ? "enabled: false\n" : "").append("conditions:\n");
            for (int n = 1 + INPUT.nextInt(2); n > 0; n--) {
                s.append("- from:\n    match: '").append(INPUT.nextInt(4) == 0 ? "" : terms(true)).append("'\n  to:\n");
                for (int to = 1 + INPUT.nextInt(3); to > 0; to--) {
                    s.append("  - match: '").append(INPUT.nextInt(6) == 0 ? "" : terms(false)).append("'\n");
                    s.append(INPUT.nextInt(3) == 0 ? "" : "    weight: " + (INPUT.nextInt(300) - 20) + "\n");
                }
            }
            out.add(s.toString());
        }
        return out;
    }

    // terms is one side of a condition
    private static String terms(boolean when) {
        List<String> out = new ArrayList<>();
        for (int n = INPUT.nextInt(4) == 0 ? 2 : 1; n > 0; n--) {
            String key = when
                    ? pick("method", "method", "arguments[0]", "arguments[1]", "attachments[user]", "application", "host", "version", "nothing")
                    : pick("region", "zone", "env", "host", "port", "address", "level", "nothing", "dubbo.tag");
            StringBuilder s = new StringBuilder(key).append(pick("=", "=", "!="));
            for (int v = 1 + INPUT.nextInt(2); v > 0; v--) {
                s.append(value(key)).append(v > 1 ? "," : "");
            }
            out.add(s.toString());
        }
        return String.join(pick("&", " & "), out);
    }

    private static String value(String key) {
        return switch (key) {
            case "method" -> pick("get", "set", "find*", "*", "*One");
            case "arguments[0]", "arguments[1]" -> pick("a", "b", "1~8", "~7", "8~", "null", "*");
            case "attachments[user]" -> pick("ada", "b*", "10~20", "*");
            case "application" -> pick("orders", "mall", "ord*");
            case "version" -> pick("1.0", "2.0", "1.*");
            case "region" -> pick("hangzhou", "beijing", "shang*", "*");
            case "zone" -> pick("hz", "bj", "$version", "*");
            case "env" -> pick("gray", "test", "g*y");
            case "host" -> pick("10.0.0.1", "10.0.0.*", "10.1.*", "$host", "*");
            case "port" -> pick("20881", "2088*", "20882~20883");
            case "address" -> pick("10.0.0.1:20881", "*:20882", "10.1.*");
            case "level" -> pick("5", "1~10", "50~", "*");
            case "dubbo.tag" -> pick("gray", "blue");
            default -> pick("x", "*");
        };
    }

    // configure gives, for each rule, what it changes of each provider
    private static List<Object> configure() {
        List<Object> out = new ArrayList<>();
        for (String rule : configuratorRules()) {
            List<Configurator> all = Configurator.toConfigurators(ConfigParser.parseConfigurators(rule)).orElse(List.of());
            List<Object> changed = new ArrayList<>();
            for (Invoker<Object> i : INVOKERS) {
                URL before = i.getUrl().addParameter("side", "consumer").addParameter("application", "orders");
                URL after = before;
                for (Configurator c : all) {
                    after = c.configure(after);
                }
                Map<String, String> diff = new java.util.TreeMap<>();
                for (Map.Entry<String, String> e : after.getParameters().entrySet()) {
                    if (!e.getValue().equals(before.getParameter(e.getKey())) && !e.getKey().equals("providerAddresses")) {
                        diff.put(e.getKey(), e.getValue());
                    }
                }
                changed.add(diff);
            }
            out.add(Given.row("rule", rule, "changed", changed));
        }
        return out;
    }

    private static List<String> configuratorRules() {
        List<String> out = new ArrayList<>();
        String host = NetUtils.getLocalHost();
        for (int i = 0; i < 250; i++) {
            boolean service = INPUT.nextInt(3) > 0;
            StringBuilder s = new StringBuilder("configVersion: " + pick("v3.0", "v3.0", "v2.7") + "\n").append(INPUT.nextInt(15) == 0 ? "enabled: false\n" : "");
            s.append(service ? "scope: service\nkey: " + pick("g/" + SERVICE + ":1.0", "g/" + SERVICE + ":1.0", "g/" + SERVICE + ":1.0", SERVICE, "g/" + SERVICE + ":2.0", "\"*\"")
                    : "scope: application\nkey: " + pick("orders", "orders", "mall", "\"*\""));
            s.append("\nconfigs:\n");
            for (int n = 1 + INPUT.nextInt(2); n > 0; n--) {
                s.append("- side: ").append(pick("consumer", "consumer", "consumer", "consumer", "provider")).append('\n');
                s.append(INPUT.nextInt(10) == 0 ? "  type: weight\n  enabled: " + pick("true", "false") + "\n" : "");
                s.append(pick("", "", "  addresses: [\"" + host + "\"]\n", "  addresses: [\"0.0.0.0\"]\n", "  addresses: [\"10.9.9.9\"]\n"));
                s.append(pick("", "", "  providerAddresses: [\"10.0.0.1:20881\", \"10.1.0.8:20884\"]\n", "  providerAddresses: [\"0.0.0.0:20882\"]\n", "  providerAddresses: [\"0.0.0.0:*\"]\n",
                        "  providerAddresses: [\"10.0.0.3\"]\n", "  providerAddresses: [\"10.0.0.4:1\"]\n"));
                if (service) {
                    s.append(pick("", "", "", "  applications: [orders]\n", "  applications: [mall]\n", "  applications: [mall, \"*\"]\n"));
                } else {
                    s.append(pick("", "", "  services: [\"g/" + SERVICE + ":1.0\"]\n", "  services: [\"org.example.Other\"]\n", "  services: [\"*\"]\n"));
                }
                s.append(match(host));
                s.append(pick("  parameters: {timeout: 900}\n", "  parameters: {weight: \"50\", retries: 0}\n", "  parameters: {disabled: true, zone: moon}\n", "  parameters: {get.timeout: 5}\n"));
            }
            out.add(s.toString());
        }
        return out;
    }

    private static String match(String host) {
        String[] conditions = {
            "    address: {exact: \"" + host + "\"}\n", "    address: {wildcard: \"*\"}\n", "    address: {cird: \"127.0.0.0/8\"}\n", "    address: {wildcard: \"10.*\"}\n",
            "    providerAddress: {exact: \"10.0.0.1:20881\"}\n", "    providerAddress: {exact: \"10.0.0.1\"}\n", "    providerAddress: {wildcard: \"10.0.*\"}\n",
            "    providerAddress: {wildcard: \"*:20882\"}\n", "    providerAddress: {wildcard: \"0.0.0.0\"}\n",
            "    service: {oneof: [{exact: \"g/" + SERVICE + ":1.0\"}, {exact: x}]}\n", "    service: {oneof: [{prefix: \"g/\"}]}\n", "    service: {oneof: [{regex: \".*Others.*\"}]}\n",
            "    app: {oneof: [{exact: orders}]}\n", "    app: {oneof: [{prefix: mal}]}\n", "    app: {oneof: [{wildcard: \"*\"}]}\n", "    app: {oneof: [{wildcard: \"ord*\"}]}\n",
            "    param: [{key: zone, value: {exact: hz}}]\n", "    param: [{key: level, value: {regex: \"[0-9]+\"}}, {key: env, value: {noempty: \"1\"}}]\n", "    param: [{key: env, value: {empty: \"1\"}}]\n",
        };
        if (INPUT.nextInt(2) == 0) {
            return "";
        }
        String first = pick(conditions);
        String second = pick(conditions);
        String key = second.substring(0, second.indexOf(':') + 1);
        return "  match:\n" + first + (first.startsWith(key) ? "" : second);
    }

    private static RpcInvocation invocation(Map<String, Object> call) {
        Object[] args = ((List<?>) call.get("args")).toArray();
        Class<?>[] types = new Class<?>[args.length];
        Arrays.fill(types, String.class);
        RpcInvocation inv = new RpcInvocation();
        inv.setMethodName((String) call.get("method"));
        inv.setParameterTypes(types);
        inv.setArguments(args);
        ((Map<?, ?>) call.get("attachments")).forEach((k, v) -> inv.setAttachment((String) k, (String) v));
        return inv;
    }

    private static String pick(String... from) {
        return from[INPUT.nextInt(from.length)];
    }
}
