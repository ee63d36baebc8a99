package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/dubbofn/dubbofn/cold"
	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/internal/h2conn"
	"github.com/dubbofn/dubbofn/internal/metadataservice"
	"github.com/dubbofn/dubbofn/invoker/dubbo"
	"github.com/dubbofn/dubbofn/registry"
)

// Main serves until SIGTERM or SIGINT and returns after the drain. A fault is printed on standard error, and the process exits with
// status 1. With DUBBOFN_DESCRIBE=1 it prints the manifest as JSON and returns. It is the whole main of a function.
//
// Until the function is ready a signal may end the process at once, as it does while the program is loaded.
func Main(parts ...Part) {
	ctx, stop := context.WithCancel(context.Background())
	err := run(ctx, parts, stop)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "dubbofn: can't serve:")
		for line := range strings.Lines(err.Error()) {
			fmt.Fprintln(os.Stderr, "  "+strings.TrimRight(line, "\n"))
		}
		os.Exit(1) // Main is main: nothing runs after it
	}
}

// endWith calls stop at the first signal to end, from now on.
func endWith(stop func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, os.Interrupt)
	go func() {
		<-signals
		stop()
	}()
}

func run(ctx context.Context, parts []Part, stop func()) error {
	c, err := FromEnvironment()
	if err != nil {
		return err
	}
	if c.Describe {
		return describe(os.Stdout, c, parts)
	}
	return serve(ctx, c, parts, stages{
		listening: useLogger,
		settled:   func() { endWith(stop) },
	})
}

// Run serves under a configuration until ctx ends, then drains; it returns when nothing of it is left. The configuration is what
// [FromEnvironment] gave, with whatever fields the caller changed.
// Every fault of the configuration, the parts and the services is reported before anything is answered.
func Run(ctx context.Context, c Config, parts ...Part) error {
	if err := errors.Join(c.resolve()...); err != nil { // again: the caller may have changed what the environment said
		return err
	}
	return serve(ctx, c, parts, stages{listening: func(*slog.Logger) {}, settled: func() {}})
}

// stages is what Main does besides, as late as can be.
type stages struct {
	listening func(*slog.Logger) // the ports are open, and nothing is answered yet
	settled   func()             // nobody waits for the first reply, and the function is not ready yet
}

// serve is Run.
func serve(ctx context.Context, c Config, parts []Part, at stages) error {
	f, err := newFunction(c, parts)
	if err != nil {
		return err
	}
	// Before the services are put together: whoever connects meanwhile waits, instead of being turned away and trying again some time later.
	unheard := f.listen(ctx)
	f.log = newLogger(os.Stderr, c)
	at.listening(f.log)
	faulty := f.build()
	defer f.traces.close(context.WithoutCancel(ctx), f.log)
	if faulty == nil && unheard == nil {
		unheard = f.secure(ctx)
	}
	if err := errors.Join(faulty, unheard); err != nil {
		f.closeListeners()
		return err
	}
	f.ledger.Begin(cold.PhaseInit)()
	return f.serve(ctx, at.settled)
}

// function is a process's worth of services while it runs.
type function struct {
	config   Config
	log      *slog.Logger
	parts    *assembly
	trust    trust
	set      *fn.Set
	metadata func() registry.Metadata // made when it is first needed: a call isn't what needs it
	server   *dubbo.Server
	ready    readiness
	dubbo    net.Listener // nil where the Dubbo port is not opened
	http     net.Listener
	web      *http.Server
	registry *registrar

	instance string
	ledger   *cold.Ledger
	traces   *traces // nil: nothing is traced
	events   events
	monitor  monitor
	calls    *laneCalls
	early    *early        // nil: no early lane
	settled  chan struct{} // closed when nobody waits for the first reply
	isReady  chan struct{} // closed when calls are taken
	leaving  chan struct{} // closed when no more are
	cool     func()        // ends what warming up began
}

// newFunction makes one, which has to be built.
func newFunction(c Config, parts []Part) (*function, error) {
	a, err := assemble(parts)
	if err != nil {
		return nil, err
	}
	f := &function{
		config: c, parts: a,
		instance: instanceName(), calls: newLaneCalls(), settled: make(chan struct{}), isReady: make(chan struct{}), leaving: make(chan struct{}),
	}
	f.events.leaving = f.leaving
	f.ledger = cold.NewLedger(c.App, f.instance)
	return f, nil
}

// build puts the function together, whose listeners are open.
func (f *function) build() (err error) {
	c := &f.config
	if err := f.compose(); err != nil {
		return err
	}
	f.metadata = sync.OnceValue(func() registry.Metadata { return metadataOf(*c, f.set) })
	f.server = dubbo.NewServer(newProvider(f.set, f.metadata), dubbo.ServerConfig{
		Types:       f.set.Types(),
		Codec:       f.parts.codec,
		Log:         f.log,
		Budget:      dubbo.NewBudget(int64(c.MaxBytes)),
		MaxBytes:    int(c.MaxPayload),
		MaxInFlight: c.MaxCalls,
		MaxConns:    c.MaxConnections,
		ReadTimeout: c.ReadTimeout,
		Heartbeat:   c.Heartbeat,
		Quiet:       c.DrainQuiet,
		Token:       c.Token,
		Instance:    f.instance,
		Aside:       f.aside,
		Ledger:      f.ledgerJSON,
		First:       f.first,
	})
	f.web = &http.Server{ReadHeaderTimeout: c.ReadTimeout, ErrorLog: slog.NewLogLogger(f.log.Handler(), slog.LevelDebug)}
	if f.early, err = f.newEarly(); err != nil {
		return err
	}
	f.registry = &registrar{config: *c, adapters: f.parts.adapters, log: f.log, open: map[string]registry.Registry{}}
	return nil
}

func (f *function) listen(ctx context.Context) (err error) {
	defer f.ledger.Begin(cold.PhaseListen)()
	if f.opensDubbo() {
		if f.dubbo, err = f.listenDubbo(ctx, f.address(f.config.Port)); err != nil {
			return fmt.Errorf("listen on the Dubbo port: %w; DUBBOFN_PORT chooses another, 0 a free one", err)
		}
	}
	if f.http, err = listenTCP(ctx, f.address(f.config.HTTPPort)); err != nil {
		return fmt.Errorf("listen on the HTTP port: %w; PORT chooses another, 0 a free one", err)
	}
	return nil
}

// secure has the Dubbo port speak TLS where that is wanted, and opens the port for metrics.
func (f *function) secure(ctx context.Context) error {
	if f.dubbo != nil {
		l, err := f.trust.listen(f.dubbo)
		if err != nil {
			return err
		}
		f.dubbo = l
	}
	return f.monitor.listen(ctx, f.address(f.config.MetricsPort))
}

func (f *function) address(port int) string {
	return net.JoinHostPort(f.config.Bind, strconv.Itoa(port))
}

func (f *function) listenDubbo(ctx context.Context, address string) (net.Listener, error) {
	if f.parts.transport != nil {
		return f.parts.transport.Listen(address)
	}
	return listenTCP(ctx, address)
}

// listenTCP opens a port for plain TCP: no peer of ours speaks Multipath TCP, and only to ask the kernel whether it does takes 0.1 ms of each start.
func listenTCP(ctx context.Context, address string) (net.Listener, error) {
	var c net.ListenConfig
	c.SetMultipathTCP(false)
	return c.Listen(ctx, "tcp", address)
}

// opensDubbo tells whether Dubbo TCP is listened on: everywhere but on Knative, which has room for one port.
func (f *function) opensDubbo() bool { return !f.config.onKnative() || f.config.Register == "yes" }

func (f *function) closeListeners() {
	for _, l := range []net.Listener{f.dubbo, f.http} {
		if l != nil {
			// It was never served; there is nothing to lose.
			_ = l.Close()
		}
	}
	f.monitor.close()
}

// serve runs until ctx ends or a listener fails, then drains.
func (f *function) serve(ctx context.Context, settled func()) error {
	serving, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	defer stop(nil)
	f.ready.set("starting")
	f.monitor.serve()
	defer f.monitor.close()
	ended := make(chan error, 2)
	running := 1
	if f.dubbo != nil {
		running++
		go func() { ended <- f.server.Serve(serving, f.dubbo) }()
		runtime.Gosched() // where there is one core a call that waits is answered now, and not between all else that begins here
	}
	go func() { ended <- f.serveHTTP() }()
	starting, giveUp := context.WithCancel(ctx)
	defer giveUp()
	var beside sync.WaitGroup // the early lanes, and who looks after the start
	beside.Go(func() { f.settle(starting, settled) })
	beside.Go(func() {
		<-f.settled
		raiseFloor(starting, f.config.HeapFloor)
	})
	if f.early != nil {
		beside.Go(func() { f.early.run(starting) })
	}
	if f.config.Ledger {
		beside.Go(func() { f.tell(starting) })
	}
	started := make(chan error, 1)
	go func() { started <- f.start(starting) }()

	left, fault := f.until(ctx, ended, started)
	running -= left
	f.leave()
	giveUp()
	if err := <-started; ctx.Err() == nil {
		fault = errors.Join(fault, err)
	}
	f.cool()
	f.drain(context.WithoutCancel(ctx))
	// The last answers are still being written: cutting the connections is for those who don't read them.
	cut := time.AfterFunc(flushTimeout, func() { stop(nil) })
	defer cut.Stop()
	for range running {
		fault = errors.Join(fault, <-ended)
	}
	beside.Wait()
	f.closeEvents(context.WithoutCancel(ctx))
	f.save()
	f.registry.close()
	return fault
}

// until waits for the end: that of ctx, a listener's (then one has left), or a start that failed. What the start gives can be received once more.
func (f *function) until(ctx context.Context, ended <-chan error, started chan error) (left int, fault error) {
	for waiting := started; ; {
		select {
		case <-ctx.Done():
			return 0, nil
		case err := <-ended:
			return 1, err
		case err := <-waiting:
			started <- nil
			if err != nil {
				return 0, err
			}
			waiting = nil
		}
	}
}

// flushTimeout is how long consumers may take to read their last answers after the drain.
const flushTimeout = 3 * time.Second

// start makes the function warm, then visible, then ready.
func (f *function) start(ctx context.Context) error {
	ready := f.ledger.Begin(cold.PhaseReady)
	at := Addresses{HTTP: f.http.Addr(), Metrics: f.monitor.addr()}
	if f.dubbo != nil {
		at.Dubbo = f.dubbo.Addr()
	}
	opening, giveUp := context.WithCancel(ctx)
	defer giveUp()
	opened := f.openEvents(opening)
	err := f.prepare(ctx)
	if err != nil {
		giveUp()
	}
	if err := errors.Join(err, opened()); err != nil {
		return err
	}
	<-f.settled
	ready()
	f.ready.set("")
	close(f.isReady)
	log := f.log
	if at.Metrics != nil {
		log = log.With("metrics", at.Metrics)
	}
	log.Info("serving", "app", f.config.App, "dubbo", addr(at.Dubbo), "http", at.HTTP.String(), "revision", f.metadata().Revision())
	for _, h := range f.parts.hooks {
		h(ctx, at)
	}
	return nil
}

// prepare warms what the first call needs, and registers.
func (f *function) prepare(ctx context.Context) (err error) {
	if f.cool, err = f.warmUp(ctx); err != nil || !f.config.registers() {
		return err
	}
	<-f.settled
	r, err := f.registration()
	if err != nil {
		return err
	}
	registered := f.ledger.Begin(cold.PhaseRegistry)
	if err := f.registry.register(ctx, r, f.ready.set); err != nil {
		return err
	}
	registered()
	return nil
}

func addr(a net.Addr) string {
	if a == nil {
		return "closed"
	}
	return a.String()
}

func (f *function) serveHTTP() error {
	mux := http.NewServeMux()
	mux.Handle("GET /health/ready", &f.ready)
	mux.HandleFunc("GET /health/live", live)
	lane := f.lane()
	mux.Handle("POST "+metadataV2Path, metadataV2(f.metadata))
	if f.parts.receiver != nil {
		mux.Handle("/{$}", &f.events)
	}
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	f.web.Handler, f.web.Protocols = lanePath{lane, mux}, &protocols
	if err := f.web.Serve(h2conn.Listener(f.http)); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve HTTP: %w", err)
	}
	return nil
}

// lanePath finds the lane without a mux, whose look costs as much as reading a small call's head.
type lanePath struct{ lane, others http.Handler }

func (p lanePath) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/dubbo" {
		p.lane.ServeHTTP(w, r)
		return
	}
	p.others.ServeHTTP(w, r)
}

// lane is POST /dubbo; on Knative, and where the Dubbo port takes only consumers with a certificate, it stays closed for as long as no
// token says who may use it.
func (f *function) lane() http.Handler {
	if f.config.Token == "" && (f.config.onKnative() || f.config.wantsCertificates()) {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set(headerRefused, "token")
			http.Error(w, "no token is configured: set DUBBOFN_TOKEN to open POST /dubbo", http.StatusUnauthorized)
		})
	}
	return f.server.Handler()
}

// leave says that no more calls are wanted.
func (f *function) leave() {
	f.ready.set("draining")
	close(f.leaving)
}

// drain is the way out, once the function isn't ready any more: deregister, READONLY, let calls end, close.
func (f *function) drain(ctx context.Context) {
	begin := time.Now()
	eventsEnd := f.drainEvents(ctx)
	defer eventsEnd()
	f.registry.leave(ctx)
	ctx, cancel := context.WithTimeout(ctx, f.config.DrainTimeout)
	defer cancel()
	if err := f.server.Drain(ctx); err != nil {
		f.log.Warn("drain: calls were cut off", "error", err, "limit", f.config.DrainTimeout)
	}
	if err := f.web.Shutdown(ctx); err != nil {
		f.log.Warn("drain: HTTP requests were cut off", "error", err)
		// Shutdown has told why already.
		_ = f.web.Close()
	}
	f.log.Info("drained", "took", time.Since(begin).Round(time.Millisecond))
}

func describe(w *os.File, c Config, parts []Part) error {
	a, err := assemble(parts)
	if err != nil {
		return err
	}
	set, err := fn.NewSet(c.App, a.services...)
	if err != nil {
		return err
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false) // type arguments are written with < and >
	m := set.Describe()
	return enc.Encode(struct {
		Revision string `json:"revision"`
		fn.Manifest
	}{metadataservice.Metadata(m).Revision(), m}) // of what is printed: what a port of this process asks for besides (TLS, signatures) isn't
}
