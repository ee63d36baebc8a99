package archtest

// layers is docs/design.md's table of packages as the compiler sees it, tests left out.
func layers() map[string]layer {
	const (
		decimal  = "github.com/cockroachdb/apd/v3"
		env      = "github.com/kelseyhightower/envconfig"
		getty    = "github.com/apache/dubbo-getty"
		gost     = "github.com/dubbogo/gost"
		hessian2 = "github.com/apache/dubbo-go-hessian2"
		nacos    = "github.com/nacos-group/nacos-sdk-go/v2"
		cobra    = "github.com/spf13/cobra"
		yaml     = "github.com/goccy/go-yaml"
		failsafe = "github.com/failsafe-go/failsafe-go"
		zk       = "github.com/go-zookeeper/zk"
		metrics  = "github.com/prometheus/client_golang"
		clientgo = "k8s.io/client-go"
		machine  = "k8s.io/apimachinery"
		events   = "github.com/cloudevents/sdk-go/v2"
		cesql    = "github.com/cloudevents/sdk-go/sql/v2"
		natsgo   = "github.com/nats-io/nats.go"
		goredis  = "github.com/redis/go-redis/v9"
		franz    = "github.com/twmb/franz-go"
		kmsg     = "github.com/twmb/franz-go/pkg/kmsg"
		go2sky   = "github.com/SkyAPM/go2sky"
		otel     = "go.opentelemetry.io/otel"
		goapi    = "skywalking.apache.org/repo/goapi"
		grpc     = "google.golang.org/grpc"
		tea      = "github.com/charmbracelet/bubbletea"
		lipgloss = "github.com/charmbracelet/lipgloss"
		termenv  = "github.com/muesli/termenv"
		bar      = "github.com/schollz/progressbar/v3"
		xterm    = "golang.org/x/term"
		notify   = "github.com/fsnotify/fsnotify"
		ggcr     = "github.com/google/go-containerregistry"
	)
	return map[string]layer{
		"java":             {},
		"java/decimal":     {uses: []string{"java"}, modules: map[string]string{decimal: "what BigDecimal is turned into for arithmetic"}},
		"invoker":          {},
		"internal/hessian": {uses: []string{"java"}},
		"internal/hessian/oracle": {
			uses:    []string{"internal/hessian", "java"},
			modules: map[string]string{hessian2: "the codec that ours is compared with, and the second one behind the seam"},
		},
		"internal/hessian/golden":   {uses: []string{"internal/hessian", "java"}},
		"invoker/dubbo/dubbotest":   {uses: []string{"invoker", "invoker/dubbo", "internal/hessian", "java"}},
		"invoker/dubbo/hessian2lib": {uses: []string{"internal/hessian/oracle"}},
		"invoker/dubbo":             {uses: []string{"invoker", "internal/hessian", "internal/javatype", "java"}},
		"invoker/dubbo/getty": {
			uses: []string{"invoker", "invoker/dubbo"},
			modules: map[string]string{
				getty: "the second transport: TCP and WebSocket",
				gost:  "getty's own types for its task pool and its logger",
			},
		},
		"internal/javatype":        {},
		"internal/javadecl":        {},
		"internal/classfile":       {uses: []string{"internal/javadecl"}},
		"internal/javasource":      {uses: []string{"internal/javadecl"}},
		"internal/javaimport":      {uses: []string{"internal/classfile", "internal/javadecl", "internal/javasource", "internal/javatype"}},
		"internal/gocomment":       {uses: []string{"fn", "internal/javagen", "internal/javatype"}},
		"internal/javagen":         {uses: []string{"fn", "internal/javatype"}},
		"internal/metadatainfo":    {uses: []string{"registry"}},
		"internal/metadataservice": {uses: []string{"fn", "invoker", "registry", "internal/metadatainfo"}},
		"internal/environ": {
			uses:    []string{"invoker"},
			modules: map[string]string{env: "what the tests compare it with"},
		},
		"invoker/cluster/rule": {
			uses:    []string{"invoker", "invoker/cluster", "registry"},
			modules: map[string]string{yaml: "rules are YAML; it reports faults with their lines"},
		},
		"invoker/protect": {
			uses:    []string{"invoker", "invoker/cluster"},
			modules: map[string]string{failsafe: "limits, circuit breakers: docs/decisions/protection.md"},
		},
		"client": {uses: []string{
			"auth", "invoker", "invoker/cluster", "invoker/cluster/directory", "invoker/cluster/rule", "invoker/dubbo", "invoker/protect", "cold", "cold/keeper/lent",
			"registry", "registry/hint", "tracing", "java", "internal/hessian", "internal/javatype", "internal/metadatainfo", "internal/environ",
		}},
		"cold":    {},
		"tracing": {uses: []string{"invoker"}},
		"tracing/skywalking": {
			uses: []string{"invoker", "tracing", "internal/eventurl", "internal/fault", "internal/spool"},
			modules: map[string]string{
				go2sky: "what a reporter and its spans are, sw8's fields",
				goapi:  "the messages of SkyWalking's OAP server",
				grpc:   "the protocol of the OAP server, and of OpenTelemetry's collector",
			},
		},
		"tracing/otlp": {
			uses: []string{"invoker", "tracing", "internal/eventurl", "internal/fault", "internal/spool"},
			modules: map[string]string{
				otel:                               "attributes, W3C trace context",
				otel + "/trace":                    "spans",
				otel + "/sdk":                      "how spans are made",
				otel + "/exporters/otlp/otlptrace": "spans as OTLP has them",
				otel + "/exporters/otlp/otlptrace/otlptracegrpc": "how they are sent",
				"go.opentelemetry.io/proto/otlp":                 "a collector, for tests",
				grpc:                                             "its settings: what becomes of a lost connection",
			},
		},
		"internal/spool": {},
		"internal/fault": {uses: []string{"invoker"}},
		"metrics": {
			uses:    []string{"invoker"},
			modules: map[string]string{metrics: "counters and histograms in the form that Prometheus scrapes"},
		},
		"cold/activator": {
			uses:    []string{"auth", "fn", "invoker", "invoker/dubbo", "registry", "tracing", "internal/earlylane", "internal/metadataservice"},
			modules: map[string]string{metrics: "counters and histograms in the form that Prometheus scrapes"},
		},
		"cold/activator/knative": {
			uses: []string{"cold/activator"},
			modules: map[string]string{
				clientgo: "watches of the Kubernetes API, kept in a cache and renewed",
				machine:  "the types that client-go speaks in",
			},
		},
		"invoker/cluster":           {uses: []string{"invoker", "cold"}},
		"invoker/cluster/directory": {uses: []string{"invoker", "invoker/cluster", "cold", "registry"}},
		"fn/event":                  {uses: []string{"invoker", "tracing"}},
		"fn":                        {uses: []string{"fn/event", "invoker", "internal/hessian", "internal/javatype", "java"}},
		"registry":                  {},
		"registry/nacos": {
			uses:    []string{"registry"},
			modules: map[string]string{nacos: "the protocol of Nacos, as its own client speaks it"},
		},
		"registry/zookeeper": {
			uses:    []string{"registry"},
			modules: map[string]string{zk: "the protocol of ZooKeeper, with its sessions and watches"},
		},
		"registry/registrytest": {uses: []string{"registry"}},
		"internal/fresh":        {},
		"internal/rights":       {},
		"internal/keeperwire":   {uses: []string{"internal/rights"}},
		"registry/hint":         {uses: []string{"registry"}},
		"cold/keeper/lent":      {uses: []string{"internal/keeperwire", "internal/rights"}},
		"cold/keeper":           {uses: []string{"internal/fresh", "internal/keeperwire", "internal/rights", "invoker", "invoker/dubbo", "registry/hint"}},
		"internal/h2conn":       {},
		"internal/earlylane":    {uses: []string{"internal/h2conn"}},
		"internal/lanes":        {},
		"internal/leases":       {},
		"internal/eventurl":     {uses: []string{"auth", "invoker"}},
		"internal/cebind":       {modules: map[string]string{events: "events, and their JSON format"}},
		"internal/deliver":      {uses: []string{"internal/lanes", "tracing"}, modules: map[string]string{events: "events"}},
		"fn/cloudevent": {
			uses: []string{"fn/event", "internal/cebind", "internal/deliver", "internal/environ", "invoker", "java", "tracing"},
			modules: map[string]string{
				events: "events, their attributes' types, their JSON format",
				cesql:  "rules may match by CloudEvents SQL",
				yaml:   "rules are YAML",
			},
		},
		"fn/cloudevent/seentest": {uses: []string{"fn/cloudevent"}},
		"fn/cloudevent/redis": {
			uses:    []string{"fn/cloudevent", "invoker", "internal/eventurl", "internal/leases"},
			modules: map[string]string{goredis: "the protocol of Redis, its clusters and sentinels"},
		},
		"fn/cloudevent/nats": {
			uses: []string{"auth", "fn/cloudevent", "invoker", "tracing", "internal/cebind", "internal/deliver", "internal/eventurl", "internal/leases"},
			modules: map[string]string{
				events: "events",
				natsgo: "the protocol of NATS and JetStream; what is acknowledged, and when, is ours",
			},
		},
		"fn/cloudevent/kafka": {
			uses: []string{"auth", "fn/cloudevent", "invoker", "tracing", "internal/cebind", "internal/deliver", "internal/eventurl"},
			modules: map[string]string{
				events: "events",
				franz:  "the protocol of Kafka and its groups; what is committed, and when, is ours",
				kmsg:   "franz-go's messages, to ask which topics there are",
			},
		},
		"internal/tracetest": {uses: []string{"tracing"}},
		"internal/certtest":  {},
		"internal/supervise": {},
		"image": {
			uses:    []string{"internal/local"},
			modules: map[string]string{ggcr: "images, layers and manifests, and the protocol of their registries"},
		},
		"internal/scaffold": {uses: []string{"internal/javatype", "templates"}},
		"internal/terminal": {modules: map[string]string{
			lipgloss: "colours and tables that know what the terminal can",
			termenv:  "lipgloss's own types for what that is",
			bar:      "bars of long work",
			xterm:    "whether it is a terminal, and how wide",
		}},
		"internal/daemon": {uses: []string{
			"auth", "cold/activator", "cold/activator/knative", "cold/keeper", "fn/serve", "invoker", "invoker/dubbo", "registry", "registry/hint", "tracing", "tracing/otlp", "tracing/skywalking",
			"internal/console", "internal/doctor", "internal/environ",
		}},
		"internal/local":      {uses: []string{"cold/activator", "invoker", "registry", "internal/daemon", "internal/environ", "internal/supervise"}, modules: map[string]string{notify: "when a function's sources change"}},
		"internal/javaserial": {},
		"auth":                {uses: []string{"invoker", "internal/fresh", "internal/javaserial", "internal/javatype"}},
		"fn/serve": {
			uses: []string{
				"auth", "cold", "fn", "fn/event", "invoker", "invoker/dubbo", "registry", "tracing",
				"internal/earlylane", "internal/h2conn", "internal/hessian", "internal/javatype", "internal/metadatainfo", "internal/metadataservice", "internal/environ", "java",
			},
		},
		"cmd/dubbofn": {
			uses: []string{
				"auth", "client", "cold", "cold/keeper", "deploy", "deploy/cluster", "fn", "fn/serve", "invoker", "invoker/cluster", "registry", "registry/nacos", "registry/zookeeper",
				"image", "internal/cebind", "internal/daemon", "internal/doctor", "internal/gocomment", "internal/hessian", "internal/javagen", "internal/javaimport", "internal/javajson", "internal/javatype", "internal/local", "internal/scaffold", "internal/terminal", "internal/top", "java",
			},
			modules: map[string]string{
				cobra:  "commands, flags and their help",
				events: "the sink prints events",
			},
		},
		"examples/functions/board":      {uses: []string{"client", "fn", "fn/serve", "registry/nacos"}},
		"examples/functions/aggregator": {uses: []string{"client", "fn", "fn/serve", "registry/nacos"}},
		"examples/functions/inventory":  {uses: []string{"cold", "fn", "fn/serve", "registry/nacos"}, modules: map[string]string{goredis: "where its state is"}},
		"examples/functions/order":      {uses: []string{"client", "fn", "fn/cloudevent", "fn/event", "fn/serve", "registry/nacos"}},
		"examples/functions/greet":      {uses: []string{"fn", "fn/serve", "registry/nacos"}},
		"internal/archtest":             {},
		"internal/metricdoc":            {},
		"templates":                     {},
		"deploy":                        {uses: []string{"templates"}},
		"deploy/cluster": {
			uses: []string{"cold/activator/knative", "deploy"},
			modules: map[string]string{
				clientgo: "the Kubernetes API, and kubeconfigs as kubectl reads them",
				machine:  "the types that client-go speaks in, and its YAML",
			},
		},
		"internal/doctor":  {uses: []string{"auth", "fn", "invoker", "invoker/dubbo", "registry", "internal/environ", "internal/metadatainfo", "internal/metadataservice"}},
		"internal/console": {uses: []string{"invoker", "invoker/dubbo", "internal/javajson"}},
		"internal/top": {
			uses:    []string{"internal/terminal"},
			modules: map[string]string{tea: "a screen that is drawn anew, and its keys"},
		},
		"internal/javajson": {uses: []string{"java"}},
		"internal/docgen":   {uses: []string{"client", "fn/cloudevent", "fn/serve", "internal/daemon", "invoker"}},
	}
}

// testModules may be imported by every package's tests.
func testModules() map[string]string {
	return map[string]string{
		"github.com/google/go-cmp": "differences that can be read",
		"go.uber.org/goleak":       "no goroutine outlives its test",
		"golang.org/x/sys":         "a terminal of a test's own",
	}
}

// lightModules is all that a function may link beside the standard library.
func lightModules() map[string]string {
	return map[string]string{}
}

// exceptions are the places where a rule would make the code worse: "rule at" → why.
func exceptions() map[string]string {
	return map[string]string{
		"no-os.lookupenv internal/environ/environ.go:Read":                 "the one file that reads the environment, for whoever has settings",
		"no-os.getenv cmd/dubbofn/reference.go:defaultRegistry":            "the one place of the command that reads the environment",
		"no-os.environ cmd/dubbofn/reference.go:environment":               "handed on whole to the functions that are asked or run",
		"no-os.getenv cmd/dubbofn/reference.go:adminAddress":               "as defaultRegistry",
		"no-context.background fn/serve/main.go:Main":                      "Main is main",
		"no-context.background client/client.go:New":                       "what it keeps outlives the references that it is kept for; Close ends it",
		"no-context.background cold/pool.go:NewPool":                       "connections outlive the calls that they are made for; Close ends them",
		"exported-names client":                                            "one option for each thing that can be said of a reference: 20 of the names",
		"no-context.background tracing/otlp/tracer.go:open":                "what sends outlives whoever opened it; Close ends it",
		"no-context.background tracing/skywalking/reporter.go:newReporter": "what sends outlives whoever opened it; Shutdown ends it",
		"no-context.background tracing/skywalking/reporter.go:Close":       "go2sky gives it no time",
		"no-os.getenv examples/functions/inventory/main.go:main":           "a setting of the example's own",
		"no-os.exit fn/serve/main.go:Main":                                 "Main is main",
	}
}
