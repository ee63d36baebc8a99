package activator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/internal/earlylane"
	"github.com/dubbofn/dubbofn/internal/metadataservice"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/invoker/dubbo"
	"github.com/dubbofn/dubbofn/registry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	greetService = "org.example.GreetService"
	token        = "a token of the test"
	patience     = 20 * time.Second
)

// runs counts how often each call ran, by the id that its consumer gave it.
type runs struct {
	mu    sync.Mutex
	count map[string]int
}

func (r *runs) add(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.count == nil {
		r.count = map[string]int{}
	}
	r.count[id]++
}

func (r *runs) of(id string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.count[id]
}

// platform is Knative's place in these tests: one HTTP address, behind which processes come and go.
type platform struct {
	t        testing.TB
	n        *network
	name     string
	wake     time.Duration // from the first request to a process that is ready
	notice   time.Duration // from then to the platform's noticing
	lanes    []string      // where a process dials
	front    http.Handler  // answers in place of everything, where it isn't nil
	ran      runs
	limit    int
	hold     int    // seconds
	snapshot string // what a process hands over
	service  *fn.Service

	mu        sync.Mutex
	starts    int
	process   *process
	starting  chan struct{} // closed when the process is noticed
	requests  int           // that have come in
	inside    int           // that are there now
	knocks    int
	revisions string
	broken    bool // starts fail
}

// process is one process of a function.
type process struct {
	p        *platform
	instance string
	server   *dubbo.Server
	ctx      context.Context
	kill     context.CancelFunc
	early    atomic.Int64
	served   atomic.Int64
	lanes    sync.WaitGroup
	drained  atomic.Bool
	changed  chan struct{}
	greeted  string // with this snapshot
}

func newPlatform(t testing.TB, n *network, name string) *platform {
	t.Helper()
	p := &platform{t: t, n: n, name: name, wake: 300 * time.Millisecond, notice: 600 * time.Millisecond}
	p.offer()
	l := n.listen(name + ":80")
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	web := &http.Server{Handler: p, Protocols: &protocols, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug), HTTP2: &http.HTTP2Config{MaxConcurrentStreams: 250}}
	served := make(chan struct{})
	go func() { defer close(served); _ = web.Serve(l) }()
	t.Cleanup(func() {
		p.stop()
		_ = web.Close()
		<-served
	})
	return p
}

// offer makes the service, with more methods than it has.
func (p *platform) offer(more ...string) {
	parts := []fn.Option{fn.Version("1.0.0"),
		fn.Method("hello", func(_ context.Context, id string) (string, error) {
			p.ran.add(id)
			return "hello " + id, nil
		}),
		fn.Method("slow", func(ctx context.Context, id string, ms int32) (string, error) {
			p.ran.add(id)
			select {
			case <-time.After(time.Duration(ms) * time.Millisecond):
				return "slow " + id, nil
			case <-ctx.Done():
				return "", ctx.Err()
			}
		}),
		fn.Method("quick", func(_ context.Context, id string) (string, error) { p.ran.add(id); return id, nil }, fn.Timeout(time.Second)),
	}
	for _, name := range more {
		parts = append(parts, fn.Method(name, func() error { return nil }))
	}
	service := fn.NewService(greetService, parts...)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.service = service
}

func (p *platform) set() *fn.Set {
	set, err := fn.NewSet("greet", p.service)
	if err != nil {
		p.t.Fatal(err)
	}
	return set
}

// function is what a source says of it.
func (p *platform) function() Function {
	manifest, err := p.set().Describe().JSON()
	if err != nil {
		p.t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return Function{Name: p.name, App: "greet", URL: "http://" + p.name, KnativeRevision: p.revisions, Manifest: manifest}
}

func (p *platform) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if p.front != nil {
		p.front.ServeHTTP(w, r)
		return
	}
	p.mu.Lock()
	p.requests++
	p.inside++
	if r.Header.Get(headerKnock) != "" {
		p.knocks++
	}
	if p.starting == nil {
		p.starting = make(chan struct{})
		go p.start(p.starting)
	}
	starting := p.starting
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		p.inside--
		p.mu.Unlock()
	}()
	select {
	case <-starting:
	case <-r.Context().Done():
		return
	}
	p.mu.Lock()
	x := p.process
	p.mu.Unlock()
	if x == nil {
		http.Error(w, "no process", http.StatusServiceUnavailable)
		return
	}
	x.ServeHTTP(w, r)
}

// start is a cold start.
func (p *platform) start(noticed chan struct{}) {
	time.Sleep(p.wake)
	p.mu.Lock()
	if p.broken {
		p.starting = nil
		p.mu.Unlock()
		close(noticed)
		return
	}
	p.starts++
	x := &process{p: p, instance: fmt.Sprintf("%s-%d", p.name, p.starts), changed: make(chan struct{}, 1)}
	set := p.set()
	x.server = dubbo.NewServer(set, dubbo.ServerConfig{Types: set.Types(), Token: token})
	x.ctx, x.kill = context.WithCancel(context.Background())
	revision := p.revisions
	p.process = x
	p.mu.Unlock()
	for _, address := range p.lanes {
		x.lanes.Go(func() { x.dialLane(address, revision) })
	}
	time.Sleep(p.notice)
	close(noticed)
}

// stop is scale to zero, or a crash: what is there is cut.
func (p *platform) stop() {
	p.mu.Lock()
	x, starting := p.process, p.starting
	p.mu.Unlock()
	if starting != nil {
		<-starting
		p.mu.Lock()
		x = p.process
		p.mu.Unlock()
	}
	p.mu.Lock()
	p.process, p.starting = nil, nil
	p.mu.Unlock()
	if x != nil {
		x.kill()
		x.lanes.Wait()
	}
}

func (x *process) dialLane(address, revision string) {
	nc, err := x.p.n.dial(x.ctx, address)
	if err != nil {
		return
	}
	o, err := earlylane.Offer(x.ctx, nc, earlylane.Hello{App: "greet", Revision: revision, Instance: x.instance, Limit: x.p.limit}, token)
	if err != nil {
		return
	}
	x.p.mu.Lock()
	x.greeted = string(o.Snapshot)
	x.p.mu.Unlock()
	if err := o.Open(x.ctx, []byte(`{"app":"greet"}`)); err != nil {
		return
	}
	_ = earlylane.Serve(x.ctx, nc, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x.early.Add(1)
		if r.Header.Get(headerSnapshot) == "" {
			x.served.Add(1)
		}
		defer func() {
			if x.early.Add(-1) == 0 {
				select {
				case x.changed <- struct{}{}:
				default:
				}
			}
		}()
		x.ServeHTTP(w, r)
	}), earlylane.ServeConfig{})
}

func (x *process) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	stop := context.AfterFunc(x.ctx, cancel)
	defer stop()
	if x.ctx.Err() != nil {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set(headerInstance, x.instance)
	switch {
	case x.drained.Load():
		w.Header().Set(headerRefused, "drained")
		http.Error(w, "the server was drained", http.StatusServiceUnavailable)
		return
	case r.Header.Get(headerToken) != token:
		w.Header().Set(headerRefused, "token")
		http.Error(w, "the token is wrong", http.StatusUnauthorized)
		return
	case r.Header.Get(headerSnapshot) != "":
		if x.p.snapshot == "" {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		_, _ = w.Write([]byte(x.p.snapshot))
		return
	case r.Header.Get(headerKnock) != "":
		hold := 240
		if x.p.hold > 0 {
			hold = x.p.hold
		}
		var ends context.CancelFunc
		ctx, ends = context.WithTimeout(ctx, time.Duration(hold)*time.Second)
		defer ends()
		w.Header().Set(headerHold, strconv.Itoa(hold))
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		if x.early.Load() == 0 {
			select {
			case <-time.After(200 * time.Millisecond):
			case <-ctx.Done():
			}
		}
		for x.early.Load() > 0 {
			select {
			case <-x.changed:
			case <-ctx.Done():
				return
			}
		}
		return
	}
	x.server.Handler().ServeHTTP(w, r.WithContext(ctx))
	if x.ctx.Err() != nil {
		panic(http.ErrAbortHandler) // killed in the middle: nothing is answered
	}
}

// listed is a Source whose functions the test sets.
type listed struct {
	mu   sync.Mutex
	each func([]Function)
	all  []Function
}

func (l *listed) Watch(ctx context.Context, each func([]Function)) error {
	l.mu.Lock()
	l.each = each
	each(l.all)
	l.mu.Unlock()
	<-ctx.Done()
	l.mu.Lock()
	l.each = nil
	l.mu.Unlock()
	return nil
}

func (l *listed) set(all ...Function) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = all
	if l.each != nil {
		l.each(all)
	}
}

// activate runs an activator until the test ends, on the network.
func activate(t testing.TB, n *network, src Source, change func(*Config), places ...Place) (*Activator, func() error) {
	t.Helper()
	return activateAs(t, n, "activator", src, change, places...)
}

func activateAs(t testing.TB, n *network, name string, src Source, change func(*Config), places ...Place) (*Activator, func() error) {
	t.Helper()
	c := Config{Host: "127.0.0.1", Dubbo: n.listen(name + ":20880"), Lane: n.listen(name + ":20881"), Token: token, Drain: 10 * time.Second,
		Listen: func(port int) (net.Listener, error) { return n.listen(name + ":" + strconv.Itoa(port)), nil }}
	c.Server.Quiet = 20 * time.Millisecond
	if testing.Verbose() {
		c.Log = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	if change != nil {
		change(&c)
	}
	a, err := New(c, src, places...)
	if err != nil {
		t.Fatal(err)
	}
	a.dial = n.dial
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	end := sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() {
		if err := end(); err != nil {
			t.Errorf("Run: %v", err)
		}
		if st := a.stats(); st.InFlight != 0 || st.Bytes != 0 {
			t.Errorf("left behind: %+v", st)
		}
	})
	for a.phase.Load() != nil {
		time.Sleep(time.Millisecond)
	}
	return a, end
}

// consume connects a consumer.
func consume(t testing.TB, n *network, address string) *dubbo.Conn {
	t.Helper()
	nc, err := n.dial(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	c := dubbo.NewConn(nc, dubbo.ConnConfig{})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func invocation(method string, args ...any) *invoker.Invocation {
	return &invoker.Invocation{Service: invoker.ServiceKey{Interface: greetService, Version: "1.0.0"}, Method: method, Args: args}
}

// call calls and gives the answer.
func callWith(ctx context.Context, c *dubbo.Conn, inv *invoker.Invocation) (string, error) {
	res, err := c.Invoke(ctx, inv)
	if err != nil {
		return "", err
	}
	s, _ := res.Value.(string)
	return s, nil
}

func mustHello(t testing.TB, c *dubbo.Conn, id string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if got, err := callWith(ctx, c, invocation("hello", id)); err != nil || got != "hello "+id {
		t.Fatalf("hello %s: %q, %v", id, got, err)
	}
}

// until waits for something that happens elsewhere.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	end := time.After(patience)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("waited %v: %s", patience, what)
		}
	}
}

// embedded is a place in the embedded registry of a directory, and what looks there.
func embedded(t testing.TB, dir string) (Place, registry.Registry) {
	t.Helper()
	open := func(ctx context.Context) (registry.Registry, error) {
		return registry.Embedded.Open(ctx, registry.Config{Params: map[string]string{"dir": dir}})
	}
	r, err := open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return Place{Name: "embedded", Open: open}, r
}

func revisionOf(t testing.TB, p *platform) string {
	t.Helper()
	return metadataservice.Metadata(p.set().Describe()).Revision()
}

func codeOf(err error) (invoker.Code, bool) {
	var e *invoker.Error
	if !errors.As(err, &e) {
		return 0, false
	}
	return e.Code, true
}

func instances(t testing.TB, r registry.Registry, app string) []registry.Instance {
	t.Helper()
	all, err := r.(registry.Lookup).Instances(t.Context(), registry.Name{App: app})
	if err != nil {
		t.Error(err)
	}
	return all
}

func metadataOf(t testing.TB, r registry.Registry, app, revision string) (registry.Metadata, error) {
	t.Helper()
	return r.(registry.Lookup).Metadata(t.Context(), app, revision)
}

// watchInstances follows an app; what it gives says how few instances were there at any time.
func watchInstances(t testing.TB, r registry.Registry, app string) (fewest func() int) {
	t.Helper()
	least := 1 << 30
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = r.(registry.Watcher).WatchInstances(ctx, registry.Name{App: app}, func(all []registry.Instance) { least = min(least, len(all)) })
	}()
	return func() int {
		cancel()
		<-done
		return least
	}
}
