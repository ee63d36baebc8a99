package daemon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dubbofn/dubbofn/auth"
	"github.com/dubbofn/dubbofn/cold/activator"
	"github.com/dubbofn/dubbofn/cold/activator/knative"
	"github.com/dubbofn/dubbofn/fn/serve"
	"github.com/dubbofn/dubbofn/internal/environ"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/invoker/dubbo"
	"github.com/dubbofn/dubbofn/registry"
	"github.com/dubbofn/dubbofn/tracing"
)

// Activator is everything that the environment decides of an activator, one field a variable; docs/configuration.md is made from the tags.
type Activator struct {
	Functions      string   `envconfig:"DUBBOFN_FUNCTIONS" default:"knative" desc:"Where functions are found: among the Knative Services that are labelled dubbofn.dev/function=true, of all namespaces or of those named, or in a directory with a file NAME.json for each." want:"knative[:NAMESPACE,…], or a directory with a / in its name"`
	Registry       []string `envconfig:"DUBBOFN_REGISTRY" default:"embedded://" desc:"Where consumers look: one or more URLs, separated by commas or blanks. Each function is registered there under its own application name, at the activator's address." want:"as of a function"`
	MetadataCenter string   `envconfig:"DUBBOFN_METADATA_CENTER" desc:"Where metadata and the interface-to-application mapping are published. Default: each registry." want:"a URL as for DUBBOFN_REGISTRY"`
	RegisterMode   string   `envconfig:"DUBBOFN_REGISTER_MODE" default:"all" desc:"What is registered: applications (instance), interfaces for old consumers (interface), or both (all)." want:"all, instance, interface"`

	Host           string `envconfig:"DUBBOFN_HOST" desc:"The address to register. Default: 127.0.0.1 with the embedded registry, else this machine's first address that is not loopback." want:"an IP address or a host name"`
	AdvertisedPort int    `envconfig:"DUBBOFN_ADVERTISED_PORT" desc:"The port to register where it isn't the one listened on." want:"1 to 65535"`
	Bind           string `envconfig:"DUBBOFN_BIND" desc:"The address that listeners bind to. Default: all of them." want:"an IP address"`
	Port           int    `envconfig:"DUBBOFN_PORT" default:"20880" desc:"Where consumers connect (Dubbo TCP); 0 picks a free port." want:"0 to 65535"`
	LanePort       int    `envconfig:"DUBBOFN_LANE_PORT" default:"20881" desc:"Where functions dial when they start (DUBBOFN_ACTIVATOR); 0 picks a free port." want:"0 to 65535, or -1: none, calls come later after a wake"`
	LaneTLS        bool   `envconfig:"DUBBOFN_LANE_TLS" desc:"Functions that dial are spoken to in TLS, with the certificate of DUBBOFN_TLS_CERT; they dial tls://…, and trust it by their DUBBOFN_TLS_CA." want:"1 or 0"`
	AdminPort      int    `envconfig:"DUBBOFN_ADMIN_PORT" default:"9090" desc:"HTTP for operators: /metrics, /health/ready, /health/live, /api/functions, /api/ledger; 0 picks a free port." want:"0 to 65535"`
	Ports          string `envconfig:"DUBBOFN_PORTS" desc:"Ports for functions that offer the same interface, version and group as another one, which a call can't tell apart. Default: none, such a function is refused." want:"a range, as 20900-20919"`

	Token        string `envconfig:"DUBBOFN_TOKEN" desc:"What the activator and functions show each other. Without it there is no early lane, and functions on Knative refuse its calls." want:"any text" secret:"yes"`
	FunctionsCA  string `envconfig:"DUBBOFN_FUNCTIONS_CA" desc:"Whose certificates functions with an https URL have, a PEM file. Default: the system's." want:"a file"`
	FunctionCert string `envconfig:"DUBBOFN_FUNCTIONS_CERT" desc:"The certificate that such functions are shown, a PEM file." want:"a file"`
	FunctionKey  string `envconfig:"DUBBOFN_FUNCTIONS_KEY" desc:"Its private key." want:"a file"`

	TLSCert       string `envconfig:"DUBBOFN_TLS_CERT" desc:"The certificate that consumers are shown, a PEM file with its chain. With it the Dubbo port speaks TLS. The file may be replaced." want:"a file"`
	TLSKey        string `envconfig:"DUBBOFN_TLS_KEY" desc:"Its private key, a PEM file without a password." want:"a file"`
	TLSCA         string `envconfig:"DUBBOFN_TLS_CA" desc:"Whose certificates consumers must show, a PEM file." want:"a file"`
	TLSClientAuth string `envconfig:"DUBBOFN_TLS_CLIENT_AUTH" desc:"Whether consumers must show one. Default: required where DUBBOFN_TLS_CA is set, else none." want:"required, optional, none"`
	TLSPlain      bool   `envconfig:"DUBBOFN_TLS_PLAIN" desc:"Take plain connections beside TLS, while consumers move." want:"1 or 0"`

	MaxBytes       serve.ByteSize `envconfig:"DUBBOFN_MAX_BYTES" default:"512MiB" desc:"Bytes of calls that are held, in the whole process. What finds none left is answered with status 100." want:"a number of bytes, or with KiB, MiB, GiB; at least the payload limit"`
	MaxPayload     serve.ByteSize `envconfig:"DUBBOFN_MAX_PAYLOAD" default:"8MiB" desc:"The largest request or response body, as Java's payload." want:"1KiB to 1GiB"`
	MaxCalls       int            `envconfig:"DUBBOFN_MAX_CALLS" default:"65536" desc:"Calls that are held at once. Over it, status 100." want:"1 or more"`
	MaxConnections int            `envconfig:"DUBBOFN_MAX_CONNECTIONS" default:"20000" desc:"Connections of consumers. Over it, a connection is closed at accept and counted." want:"1 or more"`
	ParkedCalls    int            `envconfig:"DUBBOFN_PARKED_CALLS" default:"20000" desc:"Calls that wait for one function while it wakes. Over it, status 100." want:"1 or more"`
	ParkedBytes    serve.ByteSize `envconfig:"DUBBOFN_PARKED_BYTES" default:"64MiB" desc:"Their bytes." want:"as DUBBOFN_MAX_BYTES"`
	Forwards       int            `envconfig:"DUBBOFN_FORWARDS" default:"1000" desc:"Calls that are with one function at once over HTTP; more wait." want:"1 or more"`
	Fresh          time.Duration  `envconfig:"DUBBOFN_FRESH" default:"2s" desc:"How long after an answer a function is taken to be awake. Later, a call waits for the answer to a knock. Keep it below the shortest time to zero." want:"1ms or more"`
	Heartbeat      time.Duration  `envconfig:"DUBBOFN_HEARTBEAT" default:"60s" desc:"How long a consumer may be silent before it is asked for a sign of life; after three times as long its connection is closed." want:"1s or more"`
	ReadTimeout    time.Duration  `envconfig:"DUBBOFN_READ_TIMEOUT" default:"30s" desc:"How long the rest of a frame may take once its first byte came." want:"100ms or more"`
	DrainTimeout   time.Duration  `envconfig:"DUBBOFN_DRAIN_TIMEOUT" default:"20s" desc:"After SIGTERM: how long consumers may take to turn away and calls to end." want:"1ms or more"`

	Tracing        string  `envconfig:"DUBBOFN_TRACING" desc:"Where spans of calls are sent. Default: none are made; what consumers send of a trace goes on to the function unchanged." want:"skywalking://[token@]host:11800[?tls=true], otlp://host:4317[?tls=true]"`
	TracingSample  float64 `envconfig:"DUBBOFN_TRACING_SAMPLE" default:"1" desc:"The share of traces that are sent, of those that begin here; a consumer's trace is always gone on with." want:"0 to 1"`
	TracingService string  `envconfig:"DUBBOFN_TRACING_SERVICE" default:"dubbofn-activator" desc:"What the activator is called there." want:"a word"`

	Console      string `envconfig:"DUBBOFN_CONSOLE" desc:"The web page at /console/ on the port for operators: none, one that shows, or one that calls methods too. Default: off; read with dubbofn run." want:"off, read, call"`
	ConsoleToken string `envconfig:"DUBBOFN_CONSOLE_TOKEN" desc:"What whoever opens the page must know. Default with dubbofn run: a new one, which it prints." want:"12 bytes or more" secret:"yes"`

	LogLevel  string `envconfig:"DUBBOFN_LOG_LEVEL" default:"info" desc:"The least important log line to print." want:"debug, info, warn, error"`
	LogFormat string `envconfig:"DUBBOFN_LOG_FORMAT" default:"text" desc:"How log lines look, on standard error." want:"text, json"`

	// Backends are where DUBBOFN_TRACING may lead. Default: SkyWalking and OTLP.
	Backends []tracing.Backend

	tracing    invoker.URL
	places     []place
	ports      []int
	namespaces []string
	directory  string // instead of Knative
	private    bool   // see Private
}

// ActivatorFromEnvironment reads the process's environment. The error joins every fault, each with the variable's name, its value
// (unless it is a secret) and the values that would do.
func ActivatorFromEnvironment() (Activator, error) {
	var c Activator
	faults := environ.Read(&c)
	return c, errors.Join(append(faults, c.resolve())...)
}

// resolve checks what was read.
func (c *Activator) resolve() error {
	var faults []error
	bad := func(field string, value any, why string) {
		faults = append(faults, environ.Fault[Activator](field, value, why))
	}
	for field, n := range map[string]int{"Port": c.Port, "LanePort": max(c.LanePort, 0), "AdminPort": c.AdminPort, "AdvertisedPort": c.AdvertisedPort} {
		if n < 0 || n > 65535 {
			bad(field, n, "is out of range")
		}
	}
	for field, n := range map[string]int{
		"MaxCalls": c.MaxCalls, "MaxConnections": c.MaxConnections, "ParkedCalls": c.ParkedCalls, "Forwards": c.Forwards, "ParkedBytes": int(c.ParkedBytes),
		"Fresh": int(c.Fresh / time.Millisecond), "Heartbeat": int(c.Heartbeat / time.Second), "ReadTimeout": int(c.ReadTimeout / (100 * time.Millisecond)), "DrainTimeout": int(c.DrainTimeout / time.Millisecond),
	} {
		if n < 1 {
			bad(field, n, "is too little")
		}
	}
	if c.MaxPayload < 1<<10 || c.MaxPayload > 1<<30 {
		bad("MaxPayload", c.MaxPayload, "is out of range")
	}
	if c.MaxBytes < c.MaxPayload {
		bad("MaxBytes", c.MaxBytes, "is less than the payload limit")
	}
	if c.Bind != "" && net.ParseIP(c.Bind) == nil {
		bad("Bind", c.Bind, "is not an address")
	}
	for field, v := range map[string][2]string{"TLSKey": {c.TLSCert, c.TLSKey}, "FunctionKey": {c.FunctionCert, c.FunctionKey}} {
		if (v[0] == "") != (v[1] == "") {
			bad(field, v[1], "and its certificate are set together, or neither")
		}
	}
	if c.LaneTLS && c.TLSCert == "" {
		bad("LaneTLS", "1", "needs DUBBOFN_TLS_CERT")
	}
	checkLog(c.LogLevel, c.LogFormat, bad)
	c.resolveConsole(bad)
	c.resolveFunctions(bad)
	if err := c.resolveTracing(bad); err != nil {
		faults = append(faults, err)
	}
	if ports, ok := portRange(c.Ports); ok {
		c.ports = ports
	} else {
		bad("Ports", c.Ports, "is no range")
	}
	var err error
	if c.places, err = places(c.Registry, c.MetadataCenter, c.RegisterMode, bad); err != nil {
		faults = append(faults, err)
	}
	return errors.Join(faults...)
}

func (c *Activator) resolveFunctions(bad func(field string, value any, why string)) {
	kind, names, several := strings.Cut(c.Functions, ":")
	switch {
	case strings.ContainsRune(c.Functions, filepath.Separator):
		c.directory = c.Functions
	case kind != "knative" || several && names == "":
		bad("Functions", c.Functions, "is neither")
	case several:
		c.namespaces = strings.Split(names, ",")
	}
}

// portRange reads "20900-20919", which may be one number; empty means none.
func portRange(s string) (ports []int, ok bool) {
	if s == "" {
		return nil, true
	}
	from, to, _ := strings.Cut(s, "-")
	first, err := strconv.Atoi(strings.TrimSpace(from))
	last, err2 := strconv.Atoi(strings.TrimSpace(cmp.Or(to, from)))
	if err != nil || err2 != nil || first < 1 || last < first || last > 65535 {
		return nil, false
	}
	for p := first; p <= last; p++ {
		ports = append(ports, p)
	}
	return ports, true
}

// Private keeps the ports of functions and of operators to this machine, wherever consumers may come from.
func (c *Activator) Private() { c.private = true }

// Front is an activator that listens, and does not serve yet.
type Front struct {
	// Dubbo, Lane and Admin are what it listens on; Lane is nil without early lanes.
	Dubbo, Lane, Admin net.Addr
	// Handler is what operators are answered by, on Admin.
	Handler http.Handler

	activator *activator.Activator
	admin     net.Listener
	tracer    tracing.Tracer // nil: nothing is traced
	log       *slog.Logger
}

// Listen opens the ports; Run must follow.
func (c Activator) Listen(log *slog.Logger, adapters ...registry.Adapter) (*Front, error) {
	if err := c.resolve(); err != nil { // again: the caller may have changed what the environment said
		return nil, err
	}
	var source activator.Source
	var err error
	if c.directory != "" {
		source = activator.Dir(c.directory)
	} else if source, err = knative.InCluster(knative.Config{Namespaces: c.namespaces, Log: log}); err != nil {
		return nil, fmt.Errorf("%w; DUBBOFN_FUNCTIONS may name a directory instead", err)
	}
	cfg, err := c.config(log)
	if err != nil {
		return nil, err
	}
	registries, err := open(c.places, log, adapters)
	if err != nil {
		return nil, err
	}
	f := &Front{log: log}
	if f.admin, err = c.listen(&cfg); err != nil {
		return nil, err
	}
	if err = cfg.Validate(); err == nil { // first: a tracer that is open is Run's to close
		f.tracer, err = c.openTracer(log)
	}
	if err == nil {
		cfg.Tracer = f.tracer
		f.activator, err = activator.New(cfg, source, registries...)
	}
	if err != nil {
		return nil, errors.Join(err, closeAll(cfg.Dubbo, cfg.Lane, f.admin))
	}
	f.Dubbo, f.Admin, f.Handler = cfg.Dubbo.Addr(), f.admin.Addr(), f.activator.Handler()
	if cfg.Lane != nil {
		f.Lane = cfg.Lane.Addr()
	}
	if err := f.withConsole(&c, adapters); err != nil { // of settings that were checked before
		return nil, errors.Join(err, closeAll(cfg.Dubbo, cfg.Lane, f.admin))
	}
	return f, nil
}

// Run serves until ctx ends, then drains; it returns when nothing of it is left. It may be called once.
func (f *Front) Run(ctx context.Context) error {
	defer f.closeTracer(context.WithoutCancel(ctx))
	return beside(ctx, f.admin, f.Handler, f.activator.Run)
}

// config says everything but the listeners.
func (c *Activator) config(log *slog.Logger) (activator.Config, error) {
	cfg := activator.Config{
		Port: c.AdvertisedPort, Ports: c.ports, Token: c.Token,
		Server: dubbo.ServerConfig{
			Log: log, Budget: dubbo.NewBudget(int64(c.MaxBytes)), MaxBytes: int(c.MaxPayload), MaxInFlight: c.MaxCalls, MaxConns: c.MaxConnections,
			ReadTimeout: c.ReadTimeout, Heartbeat: c.Heartbeat,
		},
		ParkedCalls: c.ParkedCalls, ParkedBytes: int(c.ParkedBytes), Forwards: c.Forwards, Fresh: c.Fresh, Drain: c.DrainTimeout, Log: log,
	}
	var err error
	faults := make([]error, 3)
	if cfg.Host, faults[0] = advertised(c.Host, c.places); faults[0] != nil {
		faults[0] = fmt.Errorf("%w; set DUBBOFN_HOST", faults[0])
	}
	if c.TLSCert != "" {
		cfg.ServerTLS, err = auth.NewTLS(auth.TLSConfig{
			CertFile: c.TLSCert, KeyFile: c.TLSKey, CAFile: c.TLSCA, ClientAuth: c.TLSClientAuth, AllowPlain: c.TLSPlain, HandshakeTimeout: c.ReadTimeout, Log: log,
		})
		faults[1] = err
	}
	if c.FunctionsCA != "" || c.FunctionCert != "" {
		cfg.ClientTLS, err = auth.NewTLS(auth.TLSConfig{CertFile: c.FunctionCert, KeyFile: c.FunctionKey, CAFile: c.FunctionsCA, Log: log})
		faults[2] = err
	}
	return cfg, errors.Join(faults...)
}

// listen opens everything, or nothing.
func (c *Activator) listen(cfg *activator.Config) (admin net.Listener, err error) {
	tcp := func(bind string, port int, variable string) (l net.Listener) {
		if err != nil {
			return nil
		}
		if l, err = net.Listen("tcp", net.JoinHostPort(bind, strconv.Itoa(port))); err != nil {
			err = fmt.Errorf("%w; %s chooses another port, 0 a free one", err, variable)
			return nil
		}
		return l
	}
	inner := c.Bind
	if c.private {
		inner = "127.0.0.1"
	}
	if d := tcp(c.Bind, c.Port, "DUBBOFN_PORT"); d != nil {
		cfg.Dubbo = d
		cfg.Listen = func(port int) (net.Listener, error) {
			return net.Listen("tcp", net.JoinHostPort(c.Bind, strconv.Itoa(port)))
		}
	}
	if c.LanePort >= 0 {
		if l := tcp(inner, c.LanePort, "DUBBOFN_LANE_PORT"); l != nil {
			if cfg.Lane, err = c.secure(l); err != nil {
				cfg.Lane = l
			}
		}
	}
	if admin = tcp(inner, c.AdminPort, "DUBBOFN_ADMIN_PORT"); admin == nil {
		return nil, errors.Join(err, closeAll(cfg.Dubbo, cfg.Lane))
	}
	return admin, nil
}

// secure gives the listener of early lanes that speaks TLS, where it should. Certificates aren't asked for: the token tells functions from
// strangers.
func (c *Activator) secure(l net.Listener) (net.Listener, error) {
	if !c.LaneTLS {
		return l, nil
	}
	t, err := auth.NewTLS(auth.TLSConfig{CertFile: c.TLSCert, KeyFile: c.TLSKey, ClientAuth: auth.ClientAuthNone, HandshakeTimeout: c.ReadTimeout})
	if err != nil {
		return l, err
	}
	return t.Listen(l)
}

func closeAll(all ...net.Listener) error {
	var faults []error
	for _, l := range all {
		if l != nil {
			faults = append(faults, l.Close())
		}
	}
	return errors.Join(faults...)
}

func checkLog(level, format string, bad func(field string, value any, why string)) {
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, level) {
		bad("LogLevel", level, "is not offered")
	}
	if !slices.Contains([]string{"text", "json"}, format) {
		bad("LogFormat", format, "is not offered")
	}
}

// place is a registry before it is opened.
type place struct {
	url    invoker.URL
	levels registry.Level
}

// places says what is written where: as a function that registers itself has it.
func places(urls []string, center, mode string, bad func(field string, value any, why string)) (all []place, err error) {
	var faults []error
	parse := func(field, s string) invoker.URL {
		u, err := environ.URL[Activator](field, s)
		if err != nil {
			faults = append(faults, err)
		}
		return u
	}
	var meta, instance registry.Level
	switch mode {
	case "all":
		meta, instance = registry.AppMetadata|registry.Mapping|registry.LegacyMapping, registry.AppInstance|registry.InterfaceLevel
	case "instance":
		meta, instance = registry.AppMetadata|registry.Mapping|registry.LegacyMapping, registry.AppInstance
	case "interface":
		instance = registry.InterfaceLevel
	default:
		bad("RegisterMode", mode, "is not offered")
	}
	apart := center != "" && meta != 0
	if apart {
		all = append(all, place{parse("MetadataCenter", center), meta})
		meta = 0
	}
	split := environ.SplitURLs(urls)
	if len(split) == 0 {
		split = []string{"embedded://"}
	}
	for _, s := range split {
		all = append(all, place{parse("Registry", s), meta | instance})
	}
	return all, errors.Join(faults...)
}
