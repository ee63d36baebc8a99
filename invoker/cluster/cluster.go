package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dubbofn/dubbofn/invoker"
)

// Cluster is an [invoker.Invoker] that sends each call to one of a directory's providers, and tries others as its strategy
// says. The directory is its maker's. Safe for concurrent use.
//
// All tries of a call share one deadline: the context's, or the timeout that is set, whichever is sooner. A call is tried again
// only where the error says that it did not run, or where the method is declared idempotent.
type Cluster struct {
	dir     Directory
	cfg     Config
	plan    atomic.Pointer[plan]
	mu      sync.Mutex // of making plans, and of closed
	closed  bool
	sticky  atomic.Pointer[Provider]
	ready   atomic.Pointer[Provider] // one that was available when it was last looked for
	queue   failbackQueue
	running sync.WaitGroup // tries that their call did not wait for
	counts  counts
	rand    random
	keys    sync.Pool // *[]byte: room for routes' keys
}

type counts struct{ calls, retries, failures, noProvider, failsafe, spared, refused, mocked atomic.Int64 }

// Stats is what a Cluster has done since it was made.
type Stats struct {
	Providers  int   // there are now
	Ready      int   // of them, that take calls at once
	Calls      int64 // begun
	Retries    int64 // tries after the first
	Spared     int64 // retries that the budget did not allow
	Refused    int64 // times that a provider's guard let no call pass
	Mocked     int64 // calls that a mock answered
	Failures   int64 // calls that ended with an error that is not the method's own
	NoProvider int64 // of them, for want of a provider
	Failsafe   int64 // failures that failsafe and failback kept from the caller
	Queued     int   // calls that failback will try again
}

// New makes a Cluster. The error names every setting that makes no sense.
func New(d Directory, c Config) (*Cluster, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("cluster of %s: %w", c.Service, err)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	cl := &Cluster{dir: d, cfg: c, rand: draw}
	cl.queue.start()
	return cl, nil
}

// Close ends failback's retries: what is queued is dropped and logged. It waits for what runs. Calling it again does nothing.
func (c *Cluster) Close() error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	defer c.running.Wait()
	if n := c.queue.close(); n > 0 {
		c.cfg.Log.Warn("cluster: failback dropped calls at the end", "service", c.cfg.Service, "calls", n)
	}
	return nil
}

// begin runs f in a goroutine that Close waits for. A closed cluster begins nothing.
func (c *Cluster) begin(f func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.running.Go(f)
	}
	return !c.closed
}

// Stats gives the counters.
func (c *Cluster) Stats() Stats {
	s := Stats{
		Calls: c.counts.calls.Load(), Retries: c.counts.retries.Load(), Failures: c.counts.failures.Load(), Spared: c.counts.spared.Load(),
		Refused: c.counts.refused.Load(), Mocked: c.counts.mocked.Load(),
		NoProvider: c.counts.noProvider.Load(), Failsafe: c.counts.failsafe.Load(), Queued: c.queue.len(),
	}
	for _, p := range c.dir.Snapshot().Providers {
		s.Providers++
		if p.Ready() {
			s.Ready++
		}
	}
	return s
}

// Available tells whether a call could be sent to some provider at once, or to one that nobody has connected to yet.
func (c *Cluster) Available() bool {
	all := c.dir.Snapshot().Providers
	if p := c.ready.Load(); p != nil && p.available() && find(all, p) >= 0 {
		return true
	}
	for _, p := range all {
		if p.available() {
			c.ready.Store(p)
			return true
		}
	}
	return false
}

// Invoke implements [invoker.Invoker].
func (c *Cluster) Invoke(ctx context.Context, inv *invoker.Invocation) (invoker.Result, error) {
	c.counts.calls.Add(1)
	if c.cfg.Budget != nil {
		c.cfg.Budget.Call()
	}
	snap := c.dir.Snapshot()
	m := c.method(snap, methodOf(inv))
	if m.settings.mock != nil && m.settings.mock.force {
		return c.mock(m, inv, nil)
	}
	v := m.view(inv)
	if len(v.providers) == 0 {
		c.counts.failures.Add(1)
		c.counts.noProvider.Add(1)
		return c.mock(m, inv, c.none(snap, inv))
	}
	ctx, cancel := withDeadline(ctx, m.settings.timeout)
	defer cancel()
	inv.Countdown = m.settings.countdown
	res, err := m.settings.run(ctx, &attempt{c: c, m: m, v: v, inv: inv})
	if err != nil && isError(err) {
		c.counts.failures.Add(1)
		return c.mock(m, inv, err)
	}
	return res, err
}

// methodOf is the method that is meant, behind $invoke too.
func methodOf(inv *invoker.Invocation) string {
	if (inv.Method == "$invoke" || inv.Method == "$invokeAsync") && len(inv.Args) == 3 {
		if name, ok := inv.Args[0].(string); ok {
			return name
		}
	}
	return inv.Method
}

// none says why there is no provider, and what would mend it.
func (c *Cluster) none(snap *Snapshot, inv *invoker.Invocation) error {
	op := "call " + c.cfg.Service.String() + "." + methodOf(inv)
	switch {
	case len(snap.Providers) > 0:
		return invoker.Errorf(invoker.CodeUnavailable, op, "%w: the rules leave none of %d: look at the tag, condition and configurator rules of the service, and at the call's dubbo.tag (%q)",
			ErrNoProvider, len(snap.Providers), inv.Attachments.Get("dubbo.tag"))
	case snap.Err != nil:
		return invoker.Errorf(invoker.CodeUnavailable, op, "%w: %w", ErrNoProvider, snap.Err)
	}
	return invoker.Errorf(invoker.CodeUnavailable, op, "%w", ErrNoProvider)
}

// withDeadline bounds a call. A context that ends sooner is taken as it is.
func withDeadline(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	if d, ok := ctx.Deadline(); ok && time.Until(d) <= timeout {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, timeout)
}

func isDeadline(err error) bool { return errors.Is(err, context.DeadlineExceeded) }

// plan is what was worked out for one snapshot.
type plan struct {
	c       *Cluster
	snap    *Snapshot
	methods atomic.Pointer[map[string]*method]
	before  *plan // for its balancers' counters, until the methods are made
}

// method is what was worked out for one method.
type method struct {
	plan     *plan
	name     string
	settings settings
	whole    atomic.Pointer[view] // of all providers
	mu       sync.Mutex
	routed   atomic.Pointer[map[string]*route] // by the routers' keys
	past     atomic.Pointer[map[string]*route] // those before, where round robin is to go on from them
}

const (
	maxMethods = 4096 // methods that are remembered: generic callers may make them up
	maxRoutes  = 256  // that are remembered for a method
	maxKey     = 1024 // bytes of a route's key
)

// method finds what was worked out, or works it out.
func (c *Cluster) method(snap *Snapshot, name string) *method {
	p := c.plan.Load()
	if p == nil || p.snap != snap {
		p = c.newPlan(snap)
	}
	if known := p.methods.Load(); known != nil {
		if m := (*known)[name]; m != nil {
			return m
		}
	}
	return p.add(name)
}

func (c *Cluster) newPlan(snap *Snapshot) *plan {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.plan.Load()
	if before != nil && before.snap == snap {
		return before
	}
	p := &plan{c: c, snap: snap, before: before}
	if before != nil {
		if before.methods.Load() == nil { // nobody called meanwhile
			p.before = before.before
		}
		before.before = nil
	}
	c.plan.Store(p)
	return p
}

func (p *plan) add(name string) *method {
	p.c.mu.Lock()
	defer p.c.mu.Unlock()
	known := map[string]*method{}
	if now := p.methods.Load(); now != nil {
		if m := (*now)[name]; m != nil {
			return m
		}
		if len(*now) < maxMethods {
			maps.Copy(known, *now)
		}
	}
	name = strings.Clone(name)
	m := &method{plan: p, name: name, settings: p.c.cfg.settle(name, p.snap.Providers)}
	last := p.last(name)
	if last == nil {
		m.whole.Store(newView(name, &m.settings, p.snap.Providers, time.Now(), nil))
	} else {
		m.whole.Store(newView(name, &m.settings, p.snap.Providers, time.Now(), last.whole.Load()))
		m.keep(last.routed.Load())
	}
	known[name] = m
	p.methods.Store(&known)
	return m
}

// last is what was worked out for a method before.
func (p *plan) last(name string) *method {
	if p.before == nil {
		return nil
	}
	if known := p.before.methods.Load(); known != nil {
		return (*known)[name]
	}
	return nil
}

// keep remembers the routes before, where round robin is to go on from them.
func (m *method) keep(routed *map[string]*route) {
	if m.settings.inTurn && routed != nil {
		m.past.Store(routed)
	}
}

// current gives the view of all providers. Weights that grow are worked out again meanwhile: no call waits for that.
func (m *method) current() *view {
	v := m.whole.Load()
	if v.until != 0 && v.stale(time.Now().UnixNano()) && v.renewing.CompareAndSwap(false, true) {
		m.plan.c.begin(func() {
			next := newView(m.name, &m.settings, v.providers, time.Now(), v)
			m.mu.Lock()
			defer m.mu.Unlock()
			m.keep(m.routed.Load())
			m.whole.Store(next)
			m.routed.Store(nil)
		})
	}
	return v
}
