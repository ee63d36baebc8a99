package client

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/dubbofn/dubbofn/cold"
	"github.com/dubbofn/dubbofn/cold/keeper/lent"
	"github.com/dubbofn/dubbofn/internal/environ"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/invoker/cluster"
	"github.com/dubbofn/dubbofn/invoker/cluster/directory"
	"github.com/dubbofn/dubbofn/tracing"
)

// Config is everything that the environment decides of a [Client], one field a variable. The tags name the variable, its default,
// what it means and which values it takes. A function that calls other services reads the same variables for both.
type Config struct {
	App            string        `envconfig:"DUBBOFN_APP" desc:"The name that providers know this consumer by. Default: K_SERVICE, else the name of the binary." want:"letters, digits, '-', '_', '.'"`
	Registry       []string      `envconfig:"DUBBOFN_REGISTRY" default:"embedded://" desc:"Where providers are looked up: one or more URLs, separated by commas or blanks. Of several, a preferred one goes first, then one of the call's zone, then by weight." want:"embedded://[/directory], nacos://[user:password@]host:8848[,host2:8848][?namespace=…&group=…&preferred=true&zone=…&weight=…], zookeeper://[user:password@]host:2181[,host2:2181][?group=…]"`
	MetadataCenter string        `envconfig:"DUBBOFN_METADATA_CENTER" desc:"Where metadata and the interface-to-application mapping are read. Default: each registry." want:"a URL as for DUBBOFN_REGISTRY"`
	ConfigCenter   string        `envconfig:"DUBBOFN_CONFIG_CENTER" desc:"Where governance rules are. Default: the first registry." want:"a URL as for DUBBOFN_REGISTRY"`
	Migration      string        `envconfig:"DUBBOFN_MIGRATION" default:"APPLICATION_FIRST" desc:"Which of Dubbo's two ways of registration counts: applications, interfaces, or interfaces only while no application offers the service." want:"APPLICATION_FIRST, FORCE_APPLICATION, FORCE_INTERFACE"`
	EmptyGrace     time.Duration `envconfig:"DUBBOFN_EMPTY_GRACE" default:"1m" desc:"How long a list of providers that is empty, or of which nobody takes calls, is not believed: the last ones that do are kept meanwhile." want:"a duration; negative: believe it at once"`
	Timeout        time.Duration `envconfig:"DUBBOFN_CALL_TIMEOUT" desc:"How long a call may take, with all its tries. Default: what the provider publishes, else 1 s." want:"1ms or more"`
	TryTimeout     time.Duration `envconfig:"DUBBOFN_TRY_TIMEOUT" desc:"After so long without an answer another provider is tried, of idempotent methods, while there is one and the retry budget allows it. Default: never." want:"1ms or more"`
	Retries        *int          `envconfig:"DUBBOFN_RETRIES" desc:"Tries after the first, where the call did not run or its method is idempotent. Default: 2, or what the provider publishes if that is more; fewer hold of calls that may have run." want:"0 to 100"`
	Cluster        string        `envconfig:"DUBBOFN_CLUSTER" desc:"What is done when a call fails. Default: what the provider publishes, else failover." want:"failover, failfast, failsafe, failback, forking, broadcast, available"`
	LoadBalance    string        `envconfig:"DUBBOFN_LOADBALANCE" desc:"How a provider is chosen. Default: what the provider publishes, else random." want:"random, roundrobin, leastactive, shortestresponse, consistenthash, p2c"`
	Countdown      *bool         `envconfig:"DUBBOFN_TIMEOUT_COUNTDOWN" desc:"Tell providers how much of a call's time is left, for the calls that they make meanwhile (Java: enable-timeout-countdown). Default: what the provider publishes, else within a call that came so." want:"1 or 0"`
	CallLimit      int           `envconfig:"DUBBOFN_CALL_LIMIT" desc:"Calls of one method that run at the same time. Over it, a call is refused at once. Default: no limit." want:"0 to 1048576"`
	CallRate       int           `envconfig:"DUBBOFN_CALL_RATE" desc:"Calls of one method that begin in a second. Over it, a call is refused at once. Default: no limit." want:"0 or more"`
	Breaker        int           `envconfig:"DUBBOFN_BREAKER" desc:"A provider gets no calls for 5 s when so many per cent of its calls failed, of at least 20 within 10 s; then 5 of them try it. Default: no circuit breaker." want:"1 to 100, or 0"`
	RetryBudget    int           `envconfig:"DUBBOFN_RETRY_BUDGET" default:"20" desc:"Retries of a service in a hundred calls, beside 10 a second and up to 1000 that were not used before." want:"1 to 1000; negative: no bound"`
	Lazy           bool          `envconfig:"DUBBOFN_LAZY" desc:"Connect to a provider at its first call. Default: to all at once, a few at a time." want:"1 or 0"`
	Connections    int           `envconfig:"DUBBOFN_CONNECTIONS" default:"1" desc:"Connections to each address." want:"1 to 64"`
	ConnectTimeout time.Duration `envconfig:"DUBBOFN_CONNECT_TIMEOUT" default:"3s" desc:"How long one attempt to connect may take." want:"1ms or more"`
	Lifetime       time.Duration `envconfig:"DUBBOFN_CONNECTION_LIFETIME" desc:"A connection this old, up to a tenth less by chance, is replaced once the new one is there; what is in flight ends on the old one. Default: never." want:"1s or more"`
	PingAfter      time.Duration `envconfig:"DUBBOFN_PING_AFTER" desc:"A connection that nobody used for so long is asked for a sign of life, and replaced if it gives none within DUBBOFN_CONNECT_TIMEOUT. Default: after a minute of silence it is asked, and has three minutes." want:"1ms or more"`
	Tag            string        `envconfig:"DUBBOFN_CALL_TAG" desc:"The dubbo.tag of calls that have none: providers with that tag are preferred." want:"a word"`
	PassOn         []string      `envconfig:"DUBBOFN_PASS_ON" default:"dubbo.tag,dubbo.force.tag,TX_XID,SEATA_XID,TX_BRANCH_TYPE,sw8,sw8-correlation,sw8-x,traceparent,tracestate,baggage,b3,X-B3-TraceId,X-B3-SpanId,X-B3-ParentSpanId,X-B3-Sampled,X-B3-Flags" desc:"Attachments of the call that a function runs for that go on with its own calls, in whatever case." want:"names, separated by commas; empty: none"`

	TLS             string `envconfig:"DUBBOFN_TLS" default:"auto" desc:"When TLS is spoken: to providers that publish ssl-enabled=true (auto), to all, or never. Dubbo Java 3.x publishes nothing where only its ssl files are set: use always." want:"auto, always, never"`
	TLSCert         string `envconfig:"DUBBOFN_TLS_CERT" desc:"This process's certificate, a PEM file with its chain, for providers that ask for one. The file may be replaced." want:"a file"`
	TLSKey          string `envconfig:"DUBBOFN_TLS_KEY" desc:"The certificate's private key, a PEM file without a password." want:"a file"`
	TLSCA           string `envconfig:"DUBBOFN_TLS_CA" desc:"Whose certificates are trusted, a PEM file. Default: the system's." want:"a file"`
	TLSServerName   string `envconfig:"DUBBOFN_TLS_SERVER_NAME" desc:"The name that providers' certificates must have; *: any, of those that DUBBOFN_TLS_CA signed. Default: the registered address." want:"a host name, or *"`
	AccessKeyID     string `envconfig:"DUBBOFN_ACCESS_KEY_ID" desc:"Sign calls with this access key (Java: accessKeyId)." want:"a word"`
	SecretAccessKey string `envconfig:"DUBBOFN_SECRET_ACCESS_KEY" desc:"The access key's secret (Java: secretAccessKey)." want:"any text" secret:"yes"`
	AuthParameters  bool   `envconfig:"DUBBOFN_AUTH_PARAMETERS" desc:"Sign the arguments too (Java: param.sign, up to Dubbo 3.2)." want:"1 or 0"`

	Keeper     string        `envconfig:"DUBBOFN_KEEPER" desc:"The keeper of this machine or node, which holds connections and what registries say while no process of the application runs. Where it is absent or late nothing is lost but the time that it would save. It wants DUBBOFN_TOKEN." want:"unix:///run/dubbofn/keeper.sock, or host:port"`
	KeeperWait time.Duration `envconfig:"DUBBOFN_KEEPER_WAIT" default:"5ms" desc:"How long the keeper is waited for." want:"1ms or more"`
	Token      string        `envconfig:"DUBBOFN_TOKEN" desc:"What the application shows the keeper." want:"any text" secret:"yes"`

	KService string `envconfig:"K_SERVICE" desc:"Set by Knative: the name of the Knative Service."`

	Log *slog.Logger // Default: slog.Default()

	// Tracer has a span made of each try of a call, under the span in the call's context. Who made it closes it, after the client. Default: none, but
	// for a function's own where the client is a part of it (serve.Outbound).
	Tracer tracing.Tracer

	registries []invoker.URL
	metadata   *invoker.URL
	config     *invoker.URL
}

// FromEnvironment reads the process's environment. The error joins every fault, each with the variable's name, its value (unless it
// is a secret) and the values that would do.
func FromEnvironment() (Config, error) {
	var c Config
	faults := environ.Read(&c)
	if c.App == "" {
		c.App = c.KService
	}
	if c.App == "" {
		c.App = strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe")
	}
	return c, errors.Join(append(faults, c.resolve())...)
}

// resolve checks what was set, by whomever, and parses the URLs.
func (c *Config) resolve() error {
	var faults []error
	bad := func(field string, value any, why string) {
		faults = append(faults, environ.Fault[Config](field, value, why))
	}
	oneOf := func(field, value string, of ...string) {
		if value != "" && !slices.Contains(of, value) {
			bad(field, value, "is not offered")
		}
	}
	if c.Keeper != "" && lent.CheckAddress(c.Keeper) != nil {
		bad("Keeper", c.Keeper, "is no address of a keeper")
	}
	if c.KeeperWait < 0 {
		bad("KeeperWait", c.KeeperWait, "is too short")
	}
	oneOf("Migration", c.Migration, string(directory.ApplicationFirst), string(directory.ForceApplication), string(directory.ForceInterface))
	c.checkTrust(bad)
	c.checkTimes(bad)
	if c.Retries != nil && (*c.Retries < 0 || *c.Retries > 100) {
		bad("Retries", *c.Retries, "is out of range")
	}
	if c.PassOn == nil {
		c.PassOn = defaultList("PassOn")
	}
	for field, check := range map[string]cluster.Config{"Cluster": {Cluster: c.Cluster}, "LoadBalance": {LoadBalance: c.LoadBalance}} {
		if check.Validate() != nil {
			bad(field, check.Cluster+check.LoadBalance, "is not offered")
		}
	}
	for _, n := range []struct {
		field      string
		value, max int
	}{{"CallLimit", c.CallLimit, 1 << 20}, {"CallRate", c.CallRate, 1 << 30}, {"Breaker", c.Breaker, 100}, {"RetryBudget", max(0, c.RetryBudget), 1000}, {"Connections", c.Connections, 64}} {
		if n.value < 0 || n.value > n.max {
			bad(n.field, n.value, "is out of range")
		}
	}
	url := func(field, s string) *invoker.URL {
		if s == "" {
			return nil
		}
		u, err := environ.URL[Config](field, s)
		if err != nil {
			faults = append(faults, err)
		}
		return &u
	}
	c.registries = nil
	for _, s := range environ.SplitURLs(c.Registry) {
		c.registries = append(c.registries, *url("Registry", s))
	}
	if len(c.registries) == 0 {
		c.registries = []invoker.URL{{Protocol: "embedded"}}
	}
	c.metadata, c.config = url("MetadataCenter", c.MetadataCenter), url("ConfigCenter", c.ConfigCenter)
	return errors.Join(faults...)
}

func (c *Config) checkTimes(bad func(field string, value any, why string)) {
	for _, t := range []struct {
		field      string
		value, min time.Duration
	}{
		{"Timeout", c.Timeout, 0}, {"TryTimeout", c.TryTimeout, 0}, {"ConnectTimeout", c.ConnectTimeout, 0}, {"PingAfter", c.PingAfter, 0},
		{"Lifetime", c.Lifetime, time.Second},
	} {
		if t.value < 0 || t.value > 0 && t.value < t.min {
			bad(t.field, t.value, "is too short")
		}
	}
}

// defaultList gives what a list is where nobody set it: the tag says so, for the environment too.
func defaultList(field string) []string {
	f, _ := reflect.TypeFor[Config]().FieldByName(field)
	return strings.Split(f.Tag.Get("default"), ",")
}

// pool gives the settings of connections.
func (c *Config) pool() cold.PoolConfig {
	return cold.PoolConfig{PerAddress: c.Connections, DialTimeout: c.ConnectTimeout, PingAfter: c.PingAfter, Lifetime: c.Lifetime}
}
