package activator

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/internal/earlylane"
	"github.com/dubbofn/dubbofn/invoker/dubbo"
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

// alone is a platform for one function, "greet", in a network of its own.
func alone(t testing.TB) *platform {
	t.Helper()
	return newPlatform(t, newNetwork(), "greet")
}

// activate puts an activator in front of the function, and connects a consumer.
func (p *platform) activate() (*Activator, *dubbo.Conn) {
	p.t.Helper()
	a, _ := activate(p.t, p.n, &listed{all: []Function{p.function()}}, nil)
	return a, consume(p.t, p.n, "activator:20880")
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
	p.route(w, r)
}

// route leads a request to the process.
func (p *platform) route(w http.ResponseWriter, r *http.Request) {
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
		if r.Header.Get(headerKnock) == knockHold {
			<-ctx.Done()
			return
		}
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
