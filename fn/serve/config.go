package serve

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dubbofn/dubbofn/cold"
	"github.com/dubbofn/dubbofn/internal/environ"
	"github.com/dubbofn/dubbofn/invoker"
)

// Config is everything that the environment decides, one field a variable. The tags name the variable, its default, what it
// means and which values it takes; docs/configuration.md is made from them.
type Config struct {
	App             string   `envconfig:"DUBBOFN_APP" desc:"The Dubbo application name. Default: K_SERVICE, else the name of the binary." want:"letters, digits, '-', '_', '.'"`
	Registry        []string `envconfig:"DUBBOFN_REGISTRY" default:"embedded://" desc:"Where to register: one or more URLs, separated by commas or blanks." want:"embedded://[/directory], nacos://[user:password@]host:8848[,host2:8848][?namespace=…&group=…], zookeeper://[user:password@]host:2181[,host2:2181][?group=…]"`
	MetadataCenter  string   `envconfig:"DUBBOFN_METADATA_CENTER" desc:"Where metadata and the interface-to-application mapping are published. Default: each registry." want:"a URL as for DUBBOFN_REGISTRY"`
	ConfigCenter    string   `envconfig:"DUBBOFN_CONFIG_CENTER" desc:"Where governance rules are. A function that only serves reads none. Default: the first registry." want:"a URL as for DUBBOFN_REGISTRY"`
	Register        string   `envconfig:"DUBBOFN_REGISTER" default:"auto" desc:"Whether to register. auto: yes, unless K_SERVICE is set: on Knative the Dubbo port is not opened either." want:"auto, yes, no"`
	RegisterMode    string   `envconfig:"DUBBOFN_REGISTER_MODE" default:"all" desc:"What to register: the application (instance), each interface for old consumers (interface), or both (all)." want:"all, instance, interface"`
	MetadataType    string   `envconfig:"DUBBOFN_METADATA_TYPE" default:"remote" desc:"Where consumers read metadata: in the metadata center (remote), or from this process. A local form suits one Dubbo line only." want:"remote, local (Dubbo 3.x), local-2.7, local-v2 (Dubbo 3.3's MetadataServiceV2 on the HTTP port)"`
	Mapping         string   `envconfig:"DUBBOFN_MAPPING" default:"all" desc:"Which interface-to-application mappings to write: for Dubbo 3.x, for 2.7, both (all), or none." want:"all, 3, 2.7, none"`
	Tag             string   `envconfig:"DUBBOFN_TAG" desc:"The tag that Dubbo's tag router knows this instance by." want:"a word"`
	TagFromRevision bool     `envconfig:"DUBBOFN_TAG_FROM_REVISION" desc:"On Knative: let the tag be the Knative revision's name (K_REVISION), so that calls with dubbo.tag=hello-00002 reach it, and calls without a tag don't. Elsewhere it does nothing." want:"1 or 0, not beside DUBBOFN_TAG"`

	Host           string `envconfig:"DUBBOFN_HOST" desc:"The address to register. Default: DUBBO_IP_TO_REGISTRY, else 127.0.0.1 with the embedded registry, else this machine's first address that is not loopback." want:"an IP address or a host name"`
	AdvertisedPort int    `envconfig:"DUBBOFN_ADVERTISED_PORT" desc:"The port to register where it isn't the one listened on. Default: DUBBO_PORT_TO_REGISTRY, else the port listened on." want:"1 to 65535"`
	Bind           string `envconfig:"DUBBOFN_BIND" desc:"The address that both listeners bind to. Default: all of them." want:"an IP address"`
	Port           int    `envconfig:"DUBBOFN_PORT" default:"20880" desc:"The Dubbo TCP port; 0 picks a free one." want:"0 to 65535"`
	HTTPPort       int    `envconfig:"PORT" default:"8080" desc:"The HTTP port (HTTP/1.1 and h2c): health and the lane POST /dubbo; 0 picks a free one." want:"0 to 65535"`
	Token          string `envconfig:"DUBBOFN_TOKEN" desc:"What callers of POST /dubbo must show in the header Dubbofn-Token; without it they get 401. On Knative, and where consumers must show a certificate, the lane stays closed until there is one." want:"any text" secret:"yes"`

	TLSCert       string `envconfig:"DUBBOFN_TLS_CERT" desc:"This process's certificate, a PEM file with its chain. With it the Dubbo port speaks TLS. The file may be replaced: new connections use it within a second." want:"a file"`
	TLSKey        string `envconfig:"DUBBOFN_TLS_KEY" desc:"The certificate's private key, a PEM file without a password." want:"a file"`
	TLSCA         string `envconfig:"DUBBOFN_TLS_CA" desc:"Whose certificates are trusted, a PEM file." want:"a file"`
	TLSClientAuth string `envconfig:"DUBBOFN_TLS_CLIENT_AUTH" desc:"Whether consumers must show a certificate that DUBBOFN_TLS_CA signed. Default: required where that is set, else none." want:"required, optional, none"`
	TLSPlain      bool   `envconfig:"DUBBOFN_TLS_PLAIN" desc:"Take plain Dubbo connections beside TLS, while consumers move." want:"1 or 0"`

	AuthKeys       string        `envconfig:"DUBBOFN_AUTH_KEYS" desc:"The access keys that calls must be signed with (Java: auth, accesskey): a file with a line for each, its id and its secret. It may be replaced, as the certificate." want:"a file"`
	AuthWindow     time.Duration `envconfig:"DUBBOFN_AUTH_WINDOW" default:"1m" desc:"How far a signed call's time may be off, either way." want:"1s or more"`
	AuthParameters bool          `envconfig:"DUBBOFN_AUTH_PARAMETERS" desc:"Signatures are over the arguments too (Java: param.sign, up to Dubbo 3.2)." want:"1 or 0"`

	MaxBytes       ByteSize      `envconfig:"DUBBOFN_MAX_BYTES" default:"256MiB" desc:"Bytes of requests being read or decoded, in the whole process. What finds none left is answered with status 100." want:"a number of bytes, or with KiB, MiB, GiB; at least the payload limit"`
	MaxPayload     ByteSize      `envconfig:"DUBBOFN_MAX_PAYLOAD" default:"8MiB" desc:"The largest request body, as Java's payload." want:"1KiB to 1GiB"`
	HeapFloor      ByteSize      `envconfig:"DUBBOFN_HEAP_FLOOR" default:"16MiB" desc:"How much the heap may hold before the garbage collector looks through it: Go's own 4 MiB are soon used up by calls with large values. An idle process does not grow by it; under load it takes as much more. Without effect where GOGC or GOMEMLIMIT is set." want:"0 for Go's own floor, to 1GiB"`
	MaxCalls       int           `envconfig:"DUBBOFN_MAX_CALLS" default:"1000" desc:"Calls in flight. Over it, status 100 at once." want:"1 or more"`
	MaxConnections int           `envconfig:"DUBBOFN_MAX_CONNECTIONS" default:"10000" desc:"Open Dubbo connections. Over it, a connection is closed at accept and counted." want:"1 or more"`
	Heartbeat      time.Duration `envconfig:"DUBBOFN_HEARTBEAT" default:"60s" desc:"How long a Dubbo connection may be silent before it is asked for a sign of life; after three times as long it is closed." want:"1s or more"`
	ReadTimeout    time.Duration `envconfig:"DUBBOFN_READ_TIMEOUT" default:"30s" desc:"How long the rest of a frame may take once its first byte came." want:"100ms or more"`
	DrainTimeout   time.Duration `envconfig:"DUBBOFN_DRAIN_TIMEOUT" default:"10s" desc:"After SIGTERM: how long consumers may take to turn away and calls in flight to end." want:"0s or more"`
	DrainQuiet     time.Duration `envconfig:"DUBBOFN_DRAIN_QUIET" default:"1s" desc:"After deregistering: how long no call may arrive before consumers are taken to have turned away." want:"1ms or more"`

	Activator  string        `envconfig:"DUBBOFN_ACTIVATOR" desc:"Where the activator takes early lanes: every address behind the name is dialled as soon as the process starts, so that calls that wait there need not wait for the platform to find it. Needs DUBBOFN_TOKEN. Default: none." want:"host or host:port (20881 where it is left out), or several with commas between; tls:// before it where the activator has DUBBOFN_LANE_TLS; on Kubernetes a headless Service, its full name with a dot at the end"`
	Hold       time.Duration `envconfig:"DUBBOFN_HOLD" default:"240s" desc:"How long a knock of the activator is held at most while calls of the early lane run. Keep it below Knative's timeoutSeconds." want:"1s or more"`
	Snapshot   string        `envconfig:"DUBBOFN_SNAPSHOT" desc:"The file in which this process leaves to the next what it knows of the services that it calls. Default: none; the activator and the keeper need no file." want:"a file"`
	Warm       []string      `envconfig:"DUBBOFN_WARM" desc:"What the first call needs: connected to before the function is ready, within the budget. With a ! at its end one is required: the function isn't ready without it. What the last process used comes in addition." want:"applications, interfaces or host:port, separated by commas"`
	WarmBudget time.Duration `envconfig:"DUBBOFN_WARM_BUDGET" default:"300ms" desc:"How long readiness waits for what is warmed and isn't required." want:"1ms or more"`
	Ledger     bool          `envconfig:"DUBBOFN_LEDGER" default:"true" desc:"Log how the process started, phase by phase, once the first call was answered." want:"1 or 0"`

	Tracing       string  `envconfig:"DUBBOFN_TRACING" desc:"Where spans of calls are sent, by a part of the program: skywalking.Tracer, otlp.Tracer. Default: none are made; what callers send of a trace goes on with the function's own calls." want:"skywalking://[token@]host:11800[?tls=true], otlp://host:4317[?tls=true]"`
	TracingSample float64 `envconfig:"DUBBOFN_TRACING_SAMPLE" default:"1" desc:"The share of traces that are sent, of those that begin here; a caller's trace is always gone on with." want:"0 to 1"`
	MetricsPort   int     `envconfig:"DUBBOFN_METRICS_PORT" default:"9464" desc:"Where a program with metrics.Prometheus answers scrapes, GET /metrics; 0 picks a free port. Not 9090 or 9091 on Knative, whose own proxy has them in every pod." want:"0 to 65535"`
	Events        string  `envconfig:"DUBBOFN_EVENTS"`      // the part that takes events reads it; here it is only known whether one is wanted
	EventsFrom    string  `envconfig:"DUBBOFN_EVENTS_FROM"` // as Events

	LogLevel  string `envconfig:"DUBBOFN_LOG_LEVEL" default:"info" desc:"The least important log line to print." want:"debug, info, warn, error"`
	LogFormat string `envconfig:"DUBBOFN_LOG_FORMAT" default:"text" desc:"How log lines look, on standard error." want:"text, json"`

	Describe bool `envconfig:"DUBBOFN_DESCRIBE" desc:"Print the manifest as JSON instead of serving." want:"1 or 0"`

	KService         string `envconfig:"K_SERVICE" desc:"Set by Knative: the name of the Knative Service."`
	KRevision        string `envconfig:"K_REVISION" desc:"Set by Knative: the name of the Knative revision."`
	DubboIPToReg     string `envconfig:"DUBBO_IP_TO_REGISTRY" desc:"Java Dubbo's name for DUBBOFN_HOST, honoured."`
	DubboPortToReg   int    `envconfig:"DUBBO_PORT_TO_REGISTRY" desc:"Java Dubbo's name for DUBBOFN_ADVERTISED_PORT, honoured." want:"1 to 65535"`
	registries       []invoker.URL
	metadata, config invoker.URL
	targets          []cold.WarmTarget
}

// ByteSize is a number of bytes; its text form may end in KiB, MiB or GiB.
type ByteSize int64

// Decode reads the text form (envconfig.Decoder).
func (b *ByteSize) Decode(s string) error {
	shift := 0
	for i, unit := range []string{"KiB", "MiB", "GiB"} {
		if n, ok := strings.CutSuffix(s, unit); ok {
			s, shift = strings.TrimSpace(n), 10*(i+1)
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || n > 1<<(62-shift) {
		return errors.New("not a size")
	}
	*b = ByteSize(n << shift)
	return nil
}

// FromEnvironment reads the process's environment. The error joins every fault, each with the variable's name, its value
// (unless it is a secret) and the values that would do.
func FromEnvironment() (Config, error) {
	var c Config
	faults := environ.Read(&c)
	faults = append(faults, c.resolve()...)
	return c, errors.Join(faults...)
}

// resolve checks what was read and fills in the defaults that depend on other variables.
func (c *Config) resolve() (faults []error) {
	bad := func(field string, value any, why string) {
		faults = append(faults, environ.Fault[Config](field, value, why))
	}
	oneOf := func(field, value string, of ...string) {
		if slices.Contains(of, value) {
			return
		}
		bad(field, value, "is not offered")
	}
	inRange := func(field string, value, low, high int) {
		if value < low || value > high {
			bad(field, value, "is out of range")
		}
	}
	oneOf("Register", c.Register, "auto", "yes", "no")
	oneOf("RegisterMode", c.RegisterMode, "all", "instance", "interface")
	oneOf("MetadataType", c.MetadataType, "remote", "local", "local-2.7", "local-v2")
	oneOf("Mapping", c.Mapping, "all", "3", "2.7", "none")
	c.checkTrust(bad)
	c.checkTracing(bad)
	oneOf("LogLevel", c.LogLevel, "debug", "info", "warn", "error")
	oneOf("LogFormat", c.LogFormat, "text", "json")
	inRange("Port", c.Port, 0, 65535)
	inRange("HTTPPort", c.HTTPPort, 0, 65535)
	inRange("MetricsPort", c.MetricsPort, 0, 65535)
	inRange("AdvertisedPort", c.AdvertisedPort, 0, 65535)
	inRange("DubboPortToReg", c.DubboPortToReg, 0, 65535)
	inRange("MaxCalls", c.MaxCalls, 1, 1<<30)
	inRange("MaxConnections", c.MaxConnections, 1, 1<<30)
	inRange("MaxPayload", int(c.MaxPayload), 1<<10, 1<<30)
	inRange("HeapFloor", int(c.HeapFloor), 0, 1<<30)
	for field, d := range map[string][2]time.Duration{"Heartbeat": {c.Heartbeat, time.Second}, "ReadTimeout": {c.ReadTimeout, 100 * time.Millisecond}, "DrainTimeout": {c.DrainTimeout, 0}, "DrainQuiet": {c.DrainQuiet, time.Millisecond}} {
		if d[0] < d[1] {
			bad(field, d[0], "is too short")
		}
	}
	c.resolveStart(bad)
	if c.MaxBytes < c.MaxPayload {
		bad("MaxBytes", c.MaxBytes, "is less than the payload limit")
	}
	if c.Bind != "" && net.ParseIP(c.Bind) == nil {
		bad("Bind", c.Bind, "is not an address")
	}
	if c.TagFromRevision {
		if c.Tag != "" && c.Tag != c.KRevision {
			bad("TagFromRevision", "1", "is set beside DUBBOFN_TAG")
		} else {
			c.Tag = c.KRevision
		}
	}
	c.resolveApp()
	if strings.ContainsFunc(c.App, func(r rune) bool {
		return !strings.ContainsRune("-_.", r) && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}) {
		bad("App", c.App, "has a character that registries refuse")
	}
	return append(faults, c.resolveURLs()...)
}

// resolveStart checks what a cold start is made of. Durations of 0 mean the defaults.
func (c *Config) resolveStart(bad func(field string, value any, why string)) {
	setDefault(&c.Hold, 240*time.Second)
	setDefault(&c.WarmBudget, 300*time.Millisecond)
	if c.Hold < time.Second {
		bad("Hold", c.Hold, "is too short")
	}
	if c.WarmBudget < time.Millisecond {
		bad("WarmBudget", c.WarmBudget, "is too short")
	}
	if c.Activator != "" {
		if _, err := splitActivators(strings.TrimPrefix(c.Activator, tlsScheme)); err != nil {
			bad("Activator", c.Activator, "is no host and port")
		}
	}
	c.targets = nil
	for _, t := range c.Warm {
		name, required := strings.CutSuffix(strings.TrimSpace(t), "!")
		if name == "" || len(name) > maxTargetName {
			bad("Warm", t, "is no target")
			continue
		}
		c.targets = append(c.targets, cold.WarmTarget{Name: name, Required: required})
	}
}

const maxTargetName = 512

func setDefault(d *time.Duration, value time.Duration) {
	if *d == 0 {
		*d = value
	}
}

// tlsScheme before the activator's address says that TLS is spoken there.
const tlsScheme = "tls://"

// splitActivators gives the places of DUBBOFN_ACTIVATOR.
func splitActivators(s string) (all []place, err error) {
	for one := range strings.SplitSeq(s, ",") {
		host, port, err := splitActivator(one)
		if err != nil || host == "" || port == 0 {
			return nil, errors.Join(errors.New("not a host and a port: "+strconv.Quote(one)), err)
		}
		all = append(all, place{host, port})
	}
	return all, nil
}

// splitActivator gives the host and the port of one of them.
func splitActivator(s string) (host string, port uint16, err error) {
	if strings.Contains(s, "://") || strings.ContainsAny(s, " /@,") {
		return "", 0, errors.New("not a host and a port")
	}
	if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return a.String(), defaultLanePort, nil
	}
	if !strings.Contains(s, ":") {
		return s, defaultLanePort, nil
	}
	host, p, err := net.SplitHostPort(s)
	if err != nil {
		return "", 0, err
	}
	n, err := strconv.ParseUint(p, 10, 16)
	return host, uint16(n), err
}

func (c *Config) resolveApp() {
	if c.App == "" {
		c.App = c.KService
	}
	if c.App == "" {
		c.App = strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe")
	}
	if c.Host == "" {
		c.Host = c.DubboIPToReg
	}
	if c.AdvertisedPort == 0 {
		c.AdvertisedPort = c.DubboPortToReg
	}
}

func (c *Config) resolveURLs() (faults []error) {
	parse := func(field, s string) invoker.URL {
		u, err := environ.URL[Config](field, s)
		if err != nil {
			faults = append(faults, err)
		}
		return u
	}
	c.registries = nil
	for _, s := range environ.SplitURLs(c.Registry) {
		c.registries = append(c.registries, parse("Registry", s))
	}
	if len(c.registries) == 0 {
		c.registries = []invoker.URL{{Protocol: "embedded"}}
	}
	c.metadata, c.config = c.registries[0], c.registries[0]
	if c.MetadataCenter != "" {
		c.metadata = parse("MetadataCenter", c.MetadataCenter)
	}
	if c.ConfigCenter != "" {
		c.config = parse("ConfigCenter", c.ConfigCenter)
	}
	return faults
}

// onKnative tells whether Knative started this process.
func (c *Config) onKnative() bool { return c.KService != "" }

// registers tells whether the process registers itself and opens the Dubbo port.
func (c *Config) registers() bool {
	return c.Register == "yes" || c.Register == "auto" && !c.onKnative()
}
