package daemon

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/dubbofn/dubbofn/auth"
	"github.com/dubbofn/dubbofn/cold/keeper"
	"github.com/dubbofn/dubbofn/internal/environ"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/registry"
	"github.com/dubbofn/dubbofn/registry/hint"
)

// Keeper is everything that the environment decides of a keeper, one field a variable; docs/configuration.md is made from the tags.
type Keeper struct {
	Registry       []string `envconfig:"DUBBOFN_REGISTRY" default:"embedded://" desc:"The registries that functions look others up in: they are followed here, so that a function that wakes need not ask them first. Written as the functions have it." want:"as of a function"`
	MetadataCenter string   `envconfig:"DUBBOFN_METADATA_CENTER" desc:"Where metadata and the interface-to-application mapping are read. Default: each registry." want:"a URL as for DUBBOFN_REGISTRY"`
	ConfigCenter   string   `envconfig:"DUBBOFN_CONFIG_CENTER" desc:"Where governance rules are. Default: each registry." want:"a URL as for DUBBOFN_REGISTRY"`

	Bind      string `envconfig:"DUBBOFN_BIND" desc:"The address that listeners bind to. Default: all of them." want:"an IP address"`
	Port      int    `envconfig:"DUBBOFN_KEEPER_PORT" default:"20882" desc:"Where functions connect by TCP (DUBBOFN_KEEPER=host:port): calls are passed on for them. 0 picks a free port." want:"0 to 65535, or -1: the socket only"`
	Socket    string `envconfig:"DUBBOFN_KEEPER_SOCKET" desc:"Where functions of this machine connect (DUBBOFN_KEEPER=unix://…): they are given the connections themselves. Default: none." want:"an absolute path"`
	AdminPort int    `envconfig:"DUBBOFN_ADMIN_PORT" default:"9090" desc:"HTTP for operators: /metrics, /health/ready, /health/live; 0 picks a free port." want:"0 to 65535"`

	Apps    string   `envconfig:"DUBBOFN_KEEPER_APPS" desc:"The applications that may use the keeper: a line for each, with its name, its token and the targets that it may have, separated by commas. The file may be replaced. Needed, or DUBBOFN_TOKEN." want:"a file"`
	Token   string   `envconfig:"DUBBOFN_TOKEN" desc:"Instead, one token for every application." want:"any text" secret:"yes"`
	Targets []string `envconfig:"DUBBOFN_KEEPER_TARGETS" desc:"What those with DUBBOFN_TOKEN may have connections to; they leave from the keeper's network, past a function's own NetworkPolicy. Default: nothing, then only what registries say is kept." want:"HOST:PORT, separated by commas; HOST is a network, an address, a name, *.NAME or *, PORT a number or *"`

	TLSCert       string `envconfig:"DUBBOFN_TLS_CERT" desc:"The certificate for providers that ask for one, a PEM file with its chain. The file may be replaced." want:"a file"`
	TLSKey        string `envconfig:"DUBBOFN_TLS_KEY" desc:"Its private key, a PEM file without a password." want:"a file"`
	TLSCA         string `envconfig:"DUBBOFN_TLS_CA" desc:"Whose certificates are trusted, a PEM file. Default: the system's." want:"a file"`
	TLSServerName string `envconfig:"DUBBOFN_TLS_SERVER_NAME" desc:"The name that providers' certificates must have; *: any, of those that DUBBOFN_TLS_CA signed. Default: the registered address." want:"a host name, or *"`

	Heartbeat time.Duration `envconfig:"DUBBOFN_HEARTBEAT" default:"60s" desc:"How long a connection may be silent before it is asked for a sign of life; after three times as long it is replaced." want:"1s or more"`
	Forget    time.Duration `envconfig:"DUBBOFN_KEEPER_FORGET" default:"24h" desc:"What no function wanted for so long is kept no more." want:"1s or more"`

	LogLevel  string `envconfig:"DUBBOFN_LOG_LEVEL" default:"info" desc:"The least important log line to print." want:"debug, info, warn, error"`
	LogFormat string `envconfig:"DUBBOFN_LOG_FORMAT" default:"text" desc:"How log lines look, on standard error." want:"text, json"`

	registries       []invoker.URL
	metadata, config *invoker.URL
}

// KeeperFromEnvironment reads the process's environment. The error joins every fault, each with the variable's name, its value (unless it
// is a secret) and the values that would do.
func KeeperFromEnvironment() (Keeper, error) {
	var c Keeper
	faults := environ.Read(&c)
	return c, errors.Join(append(faults, c.resolve())...)
}

// LocalKeeper reads the process's environment for a keeper of functions on this machine alone, at a socket: everyone who knows token may use
// it, for any target.
func LocalKeeper(socket, token string) (Keeper, error) {
	var c Keeper
	faults := environ.Read(&c)
	c.Socket, c.Port, c.AdminPort, c.Bind = socket, -1, 0, "127.0.0.1"
	c.Apps, c.Token, c.Targets = "", token, []string{"*:*"}
	return c, errors.Join(append(faults, c.resolve())...)
}

// resolve checks what was read.
func (c *Keeper) resolve() error {
	var faults []error
	bad := func(field string, value any, why string) {
		faults = append(faults, environ.Fault[Keeper](field, value, why))
	}
	for field, n := range map[string]int{"Port": max(c.Port, 0), "AdminPort": c.AdminPort} {
		if n < 0 || n > 65535 {
			bad(field, n, "is out of range")
		}
	}
	if c.Bind != "" && net.ParseIP(c.Bind) == nil {
		bad("Bind", c.Bind, "is not an address")
	}
	if c.Socket != "" && (!filepath.IsAbs(c.Socket) || len(c.Socket) > 100) { // sockaddr_un has room for 107
		bad("Socket", c.Socket, "is not a path of up to 100 bytes")
	}
	if c.Port < 0 && c.Socket == "" {
		bad("Port", c.Port, "leaves no way to the keeper")
	}
	if c.Apps == "" && c.Token == "" {
		bad("Apps", c.Apps, "and DUBBOFN_TOKEN are empty: nobody could use the keeper")
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		bad("TLSKey", c.TLSKey, "and DUBBOFN_TLS_CERT are set together, or neither")
	}
	for field, d := range map[string]time.Duration{"Heartbeat": c.Heartbeat, "Forget": c.Forget} {
		if d < time.Second {
			bad(field, d, "is too short")
		}
	}
	checkLog(c.LogLevel, c.LogFormat, bad)
	url := func(field, s string) *invoker.URL {
		if s == "" {
			return nil
		}
		u, err := environ.URL[Keeper](field, s)
		if err != nil {
			faults = append(faults, err)
		}
		return &u
	}
	c.registries = nil
	for _, s := range environ.SplitURLs(c.Registry) {
		c.registries = append(c.registries, *url("Registry", s))
	}
	c.metadata, c.config = url("MetadataCenter", c.MetadataCenter), url("ConfigCenter", c.ConfigCenter)
	return errors.Join(faults...)
}

// Store is a keeper that listens, and does not serve yet.
type Store struct {
	// Lent is where functions are given connections (unix), Relay where calls are passed on (TCP), Admin what operators are answered on; nil
	// where there is none.
	Lent, Relay, Admin net.Addr

	keeper     *keeper.Keeper
	registries []*opener
	listeners  []net.Listener
	admin      net.Listener
	log        *slog.Logger
}

// Listen opens the ports; Run must follow.
func (c Keeper) Listen(ctx context.Context, log *slog.Logger, adapters ...registry.Adapter) (*Store, error) {
	if err := c.resolve(); err != nil { // again: the caller may have changed what the environment said
		return nil, err
	}
	s := &Store{log: log}
	cfg := keeper.Config{Log: log, Heartbeat: c.Heartbeat, Forget: c.Forget, Registries: map[string]hint.Source{}}
	var err error
	if cfg.Apps, err = c.apps(log); err != nil {
		return nil, err
	}
	if err := errors.Join(c.trust(&cfg, log), s.follow(c, &cfg, log, adapters)); err != nil {
		return nil, err
	}
	if err := s.listen(ctx, c); err != nil {
		return nil, errors.Join(err, closeAll(append(s.listeners, s.admin)...))
	}
	if s.keeper, err = keeper.New(ctx, cfg); err != nil {
		return nil, errors.Join(err, closeAll(append(s.listeners, s.admin)...))
	}
	return s, nil
}

// apps says who may use the keeper.
func (c *Keeper) apps(log *slog.Logger) (func() []keeper.App, error) {
	var all []keeper.App
	if c.Token != "" {
		a, err := keeper.NewApp("*", c.Token, c.Targets...)
		if err != nil {
			return nil, fmt.Errorf("DUBBOFN_KEEPER_TARGETS: %w", err)
		}
		all = append(all, a)
	}
	if c.Apps == "" {
		return func() []keeper.App { return all }, nil
	}
	read, err := keeper.ReadApps(c.Apps, log)
	if err != nil {
		return nil, fmt.Errorf("DUBBOFN_KEEPER_APPS: %w", err)
	}
	return func() []keeper.App { return append(read(), all...) }, nil
}

func (c *Keeper) trust(cfg *keeper.Config, log *slog.Logger) error {
	t, err := auth.NewTLS(auth.TLSConfig{CertFile: c.TLSCert, KeyFile: c.TLSKey, CAFile: c.TLSCA, ServerName: c.TLSServerName, Log: log})
	if err != nil {
		return err
	}
	cfg.TLS = func(string) (*tls.Config, error) { return t.Client(), nil }
	return nil
}

// follow says which registries are followed. They are opened when somebody needs them.
func (s *Store) follow(c Keeper, cfg *keeper.Config, log *slog.Logger, adapters []registry.Adapter) error {
	byName := map[string]registry.Adapter{registry.Embedded.Name(): registry.Embedded}
	for _, a := range adapters {
		byName[a.Name()] = a
	}
	var faults []error
	known := map[string]registry.Registry{}
	lazy := func(u *invoker.URL) registry.Registry {
		if u == nil {
			return nil
		}
		name := u.String()
		if r := known[name]; r != nil {
			return r
		}
		adapter := byName[u.Protocol]
		if adapter == nil {
			faults = append(faults, fmt.Errorf("registry %q: there is no adapter for %q", name, u.Protocol))
			return nil
		}
		o := &opener{adapter: adapter, config: registryConfig(*u, log)}
		s.registries = append(s.registries, o)
		known[name] = hint.NewRegistry(name, hint.Memory{}, o.open)
		return known[name]
	}
	for i := range c.registries {
		u := &c.registries[i]
		source := hint.Source{Registry: lazy(u), Metadata: lazy(c.metadata), Rules: lazy(c.config)}
		cfg.Registries[u.String()] = source
	}
	return errors.Join(faults...)
}

// opener opens a registry for the first who needs it, and for the next where that failed.
type opener struct {
	adapter registry.Adapter
	config  registry.Config

	mu     sync.Mutex
	opened registry.Registry
}

func (o *opener) open(ctx context.Context) (registry.Registry, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.opened != nil {
		return o.opened, nil
	}
	r, err := o.adapter.Open(ctx, o.config)
	if err == nil {
		o.opened = r
	}
	return r, err
}

func (o *opener) close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.opened == nil {
		return nil
	}
	return o.opened.Close()
}

func (s *Store) listen(ctx context.Context, c Keeper) error {
	if c.Socket != "" {
		if err := removeSocket(ctx, c.Socket); err != nil {
			return err
		}
		l, err := net.Listen("unix", c.Socket)
		if err != nil {
			return fmt.Errorf("DUBBOFN_KEEPER_SOCKET: %w", err)
		}
		s.Lent, s.listeners = l.Addr(), append(s.listeners, l)
	}
	tcp := func(port int, variable string) (net.Listener, error) {
		l, err := net.Listen("tcp", net.JoinHostPort(c.Bind, strconv.Itoa(port)))
		if err != nil {
			return nil, fmt.Errorf("%w; %s chooses another port, 0 a free one", err, variable)
		}
		return l, nil
	}
	if c.Port >= 0 {
		l, err := tcp(c.Port, "DUBBOFN_KEEPER_PORT")
		if err != nil {
			return err
		}
		s.Relay, s.listeners = l.Addr(), append(s.listeners, l)
	}
	l, err := tcp(c.AdminPort, "DUBBOFN_ADMIN_PORT")
	if err != nil {
		return err
	}
	s.admin, s.Admin = l, l.Addr()
	return nil
}

// removeSocket takes away what a keeper left that was killed. Anything else that is there stays, and is in the way.
func removeSocket(ctx context.Context, path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Mode()&fs.ModeSocket == 0 {
		return nil
	}
	if err != nil {
		return fmt.Errorf("DUBBOFN_KEEPER_SOCKET: %w", err)
	}
	if conn, err := new(net.Dialer).DialContext(ctx, "unix", path); err == nil {
		return errors.Join(fmt.Errorf("DUBBOFN_KEEPER_SOCKET=%q: another keeper is there", path), conn.Close())
	}
	return os.Remove(path)
}

// Run serves until ctx ends; it returns when nothing of it is left. It may be called once.
func (s *Store) Run(ctx context.Context) error {
	return beside(ctx, s.admin, s.handler(), func(ctx context.Context) error {
		ended := make(chan error, len(s.listeners))
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		for _, l := range s.listeners {
			s.log.Info("keeper: serving", "network", l.Addr().Network(), "address", l.Addr())
			go func() {
				ended <- s.keeper.Serve(ctx, l)
				stop()
			}()
		}
		var faults []error
		for range s.listeners {
			faults = append(faults, <-ended)
		}
		faults = append(faults, s.keeper.Close())
		for _, o := range s.registries {
			faults = append(faults, o.close())
		}
		return errors.Join(faults...)
	})
}

// handler answers operators.
func (s *Store) handler() http.Handler {
	mux := http.NewServeMux()
	ok := func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") }
	mux.HandleFunc("GET /health/live", ok)
	mux.HandleFunc("GET /health/ready", ok)
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		fmt.Fprint(w, metricsText(s.keeper.Stats()))
	})
	return mux
}

// metricsText writes a keeper's counters in the form that Prometheus scrapes.
func metricsText(st keeper.Stats) string {
	var b strings.Builder
	put := func(kind, name, help string, v int64) {
		fmt.Fprintf(&b, "# HELP dubbofn_keeper_%[1]s %[2]s\n# TYPE dubbofn_keeper_%[1]s %[3]s\ndubbofn_keeper_%[1]s %[4]d\n", name, help, kind, v)
	}
	put("gauge", "applications", "Applications whose processes have been here.", int64(st.Apps))
	put("gauge", "borrowers", "Processes that are connected.", int64(st.Borrowers))
	put("gauge", "targets", "Providers that connections are kept to.", int64(st.Targets))
	put("gauge", "idle_connections", "Connections that can be given away.", int64(st.Idle))
	put("gauge", "relayed_connections", "Connections that calls are passed on over.", int64(st.Lines))
	put("gauge", "watches", "Things of registries that are followed.", int64(st.Watches))
	put("gauge", "unread_bytes", "Answers that processes have not read.", st.Unread)
	put("counter", "lent_total", "Connections given away.", st.Lent)
	put("counter", "channels_total", "Ways that were opened to pass calls on.", st.Opened)
	put("counter", "relayed_total", "Calls passed on.", st.Relayed)
	put("counter", "late_total", "Calls whose time went by without an answer.", st.Late)
	put("counter", "refused_total", "Calls and processes over a limit.", st.Refused)
	put("counter", "strangers_total", "Processes without proof, or of another user.", st.Strangers)
	put("counter", "forbidden_total", "Targets that an application may not have.", st.Forbidden)
	put("counter", "dials_total", "Attempts to connect.", st.Dials)
	put("counter", "dial_failures_total", "Attempts that failed.", st.Failures)
	put("counter", "lost_total", "Connections that ended by themselves.", st.Lost)
	put("counter", "cut_total", "Processes that broke a rule or did not read.", st.Cut)
	return b.String()
}
