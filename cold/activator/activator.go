package activator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/invoker/dubbo"
)

// Activator is the front of all functions that its Source knows. Make it with [New].
type Activator struct {
	cfg    Config
	log    *slog.Logger
	source Source

	metrics  *metrics
	starts   starts
	clock    *clock
	workers  *workers
	standins *standins
	posts    *posts
	lanes    lanes

	snapshots snapshots
	phase     atomic.Pointer[string] // why it isn't ready; nil: it is
	served    atomic.Pointer[map[string]*sleeper]

	dial    func(ctx context.Context, address string) (net.Conn, error) // to functions
	base    context.Context                                             // of everything that outlives the wish to stop; set by Run
	running sync.WaitGroup                                              // knocks, early lanes

	mu     sync.Mutex
	good   map[string]*app // the last that made sense, by the source's name
	faults map[string]string
	apps   map[string]*placed
	ports  []*port // the first is the main one
}

// placed is an app that is served.
type placed struct {
	app     *app
	sleeper *sleeper
	port    *port
}

// New makes an Activator; the places are where its stand-ins are written, in this order. Run starts it.
func New(c Config, src Source, places ...Place) (*Activator, error) {
	faults := []error{c.Validate()}
	if src == nil {
		faults = append(faults, errors.New("the source is nil: want activator.Dir(…)"))
	}
	for _, p := range places {
		if p.Open == nil {
			faults = append(faults, fmt.Errorf("place %q: Open is nil", p.Name))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, fmt.Errorf("activator: %w", err)
	}
	a := &Activator{cfg: c.withDefaults(), source: src, clock: newClock(), workers: newWorkers(), good: map[string]*app{}, faults: map[string]string{}, apps: map[string]*placed{}}
	a.log = a.cfg.Log
	var d net.Dialer
	a.dial = func(ctx context.Context, address string) (net.Conn, error) { return d.DialContext(ctx, "tcp", address) }
	a.lanes.a = a
	a.served.Store(&map[string]*sleeper{})
	a.metrics = newMetrics(a)
	a.standins = newStandins(places, a.log, a.metrics)
	a.is("starting")
	return a, nil
}

// is says why the activator isn't ready; "" says that it is.
func (a *Activator) is(why string) {
	if why == "" {
		a.phase.Store(nil)
		return
	}
	a.phase.Store(&why)
}

// Run serves until ctx ends; then it deregisters, tells consumers to turn elsewhere, goes on until the calls that are there have been answered
// (for [Config.Drain] at most), and returns when nothing of it is left. It may be called once. The error says that the source's first state
// couldn't be had or that a listener failed.
func (a *Activator) Run(ctx context.Context) error {
	base, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	a.base, a.posts = base, newPosts(base, a.dial, a.cfg.ClientTLS)
	a.standins.begin(base)
	r := run{Activator: a, failed: make(chan error, 4+len(a.cfg.Ports))}
	var clockwork sync.WaitGroup
	clockwork.Go(func() { a.clock.run(base, func(c *call) { c.to.expire(c) }) })
	clockwork.Go(func() { a.sample(base) })

	fault := r.start(ctx)
	if fault == nil {
		select {
		case <-ctx.Done():
		case fault = <-r.failed:
		}
	}
	r.drain(context.WithoutCancel(ctx))
	for _, s := range a.sleepers() {
		s.stop()
		s.refuseParked(invoker.CodeUnavailable, refusedLate, "the activator stops") // one-way calls, that nobody's going has ended
	}
	stop()
	a.running.Wait()
	a.workers.stop()
	clockwork.Wait()
	a.posts.close()
	a.standins.close()
	for len(r.failed) > 0 {
		fault = errors.Join(fault, <-r.failed)
	}
	return fault
}

// run is one Run.
type run struct {
	*Activator
	failed      chan error
	endWatch    context.CancelFunc
	watched     <-chan struct{} // closed by endWatch
	watching    sync.WaitGroup
	latest      []Function // what the source last said; guarded by mu
	again       bool       // a port is to be tried again; guarded by mu
	lanesServed bool
}

// start serves once the first functions are known.
func (r *run) start(ctx context.Context) error {
	if err := r.listen(); err != nil {
		return err
	}
	watch, cancel := context.WithCancel(ctx)
	r.endWatch, r.watched = cancel, watch.Done()
	first := make(chan struct{})
	known := sync.OnceFunc(func() { close(first) })
	r.is("waiting for the functions")
	r.watching.Go(func() {
		if err := r.source.Watch(watch, func(all []Function) { r.apply(all); known() }); err != nil && watch.Err() == nil {
			r.failed <- fmt.Errorf("activator: %w", err)
		}
	})
	select {
	case <-first:
	case err := <-r.failed:
		return err
	case <-ctx.Done():
		return nil
	}
	for _, p := range r.allPorts()[:1] {
		p.serve(r.base)
	}
	if r.cfg.Lane != nil {
		r.lanesServed = true
		r.running.Go(func() {
			if err := r.lanes.serve(r.base, r.cfg.Lane); err != nil {
				r.failed <- err
			}
		})
	}
	r.watching.Go(func() {
		if r.standins.written(watch) {
			r.is("")
		}
	})
	r.log.Info("activator: serving", "dubbo", r.cfg.Dubbo.Addr(), "registered_as", net.JoinHostPort(r.cfg.Host, fmt.Sprint(r.cfg.Port)), "functions", len(r.sleepers()))
	return nil
}

// listen makes the main port.
func (r *run) listen() error {
	p, err := r.newPort(r.cfg.Port, r.cfg.Dubbo, r.failed)
	if err != nil {
		return fmt.Errorf("activator: %w", err)
	}
	r.mu.Lock()
	r.ports = []*port{p}
	r.mu.Unlock()
	return nil
}

// drain is the way out: no news, deregister, READONLY, let calls end, close.
func (r *run) drain(ctx context.Context) {
	begin := time.Now()
	r.is("draining")
	if r.endWatch != nil {
		r.endWatch()
	}
	r.watching.Wait()
	r.standins.leave()
	ctx, cancel := context.WithTimeout(ctx, r.cfg.Drain)
	defer cancel()
	var all sync.WaitGroup
	for _, p := range r.allPorts() {
		all.Go(func() { p.drain(ctx) })
	}
	all.Wait()
	if r.cfg.Lane != nil && !r.lanesServed {
		_ = r.cfg.Lane.Close() // there is nothing to lose
	}
	if len(r.allPorts()) == 0 {
		_ = r.cfg.Dubbo.Close() // as above
	}
	r.log.Info("activator: drained", "took", time.Since(begin).Round(time.Millisecond))
}

// flushTimeout is how long consumers may take to read their last answers after the drain.
const flushTimeout = 3 * time.Second

func (a *Activator) allPorts() []*port {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.ports)
}

// sleeper gives the one of an app; nil where none is served.
func (a *Activator) sleeper(app string) *sleeper { return (*a.served.Load())[app] }

// sleepers gives all, by name.
func (a *Activator) sleepers() []*sleeper {
	var all []*sleeper
	for _, s := range *a.served.Load() {
		all = append(all, s)
	}
	slices.SortFunc(all, func(x, y *sleeper) int { return strings.Compare(x.name, y.name) })
	return all
}

// counts gives how many functions are served and refused.
func (a *Activator) counts() (served, refused int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.apps), len(a.faults)
}

// stats adds up those of all ports.
func (a *Activator) stats() (sum dubbo.Stats) {
	for _, p := range a.allPorts() {
		st := p.server.Stats()
		sum.Conns += st.Conns
		sum.InFlight += st.InFlight
		sum.Bytes = st.Bytes // of the budget that they share
	}
	return sum
}
