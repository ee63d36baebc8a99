package activator

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dubbofn/dubbofn/registry"
)

const (
	standinTimeout = 10 * time.Second       // one attempt to connect or to write
	standinRetry   = 500 * time.Millisecond // the first pause between attempts; doubles up to standinPause
	standinPause   = 15 * time.Second
	refusalPause   = 30 * time.Second // a registry that says no is asked again, since somebody may mend it
	leaveTimeout   = 5 * time.Second
	// standinsAtOnce is how many are written to one place at once.
	standinsAtOnce = 8
)

// standins are what consumers find in the registries: an instance of each app, with the function's own revision and metadata, at this
// activator's address. Safe for concurrent use.
type standins struct {
	places  []*place
	log     *slog.Logger
	metrics *metrics

	mu      sync.Mutex
	all     map[string]*standin
	leaving bool
	pending int // that were never written, nor refused
	news    chan struct{}
	ctx     context.Context
	stop    context.CancelFunc
	running sync.WaitGroup

	stale    stale
	sweeping sync.WaitGroup
}

// place is a [Place] once it is open.
type place struct {
	Place
	room chan struct{}

	mu     sync.Mutex
	reg    registry.Registry
	failed time.Time // the last attempt to open it
	err    error
}

// standin is one app's, in all places.
type standin struct {
	app     string
	want    atomic.Pointer[registry.Registration] // nil: none
	stands  atomic.Pointer[registry.Registration] // the last that all places have
	changed chan struct{}
	leases  []written // by place; whoever keeps it has them

	// Guarded by standins.mu.
	first bool // it was written once, or refused
	kept  bool // a goroutine keeps it: only while it isn't as it is wanted
}

// written is what stands in one place.
type written struct {
	lease registry.Lease
	what  *registry.Registration
}

func newStandins(places []Place, log *slog.Logger, m *metrics) *standins {
	x := &standins{log: log, metrics: m, all: map[string]*standin{}, news: make(chan struct{}, 1)}
	for _, p := range places {
		if p.Levels == 0 {
			p.Levels = registry.AppLevel | registry.InterfaceLevel
		}
		x.places = append(x.places, &place{Place: p, room: make(chan struct{}, standinsAtOnce)})
	}
	return x
}

// begin makes ready for set. What is written ends with close.
func (x *standins) begin(base context.Context) {
	x.ctx, x.stop = context.WithCancel(base)
	x.sweeping.Go(func() { x.sweep(x.ctx) })
}

// set has an app stand in the registries as want says; nil ends that.
func (x *standins) set(app string, want *registry.Registration) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.leaving {
		return
	}
	n := x.all[app]
	if n == nil {
		if want == nil {
			return
		}
		n = &standin{app: app, changed: make(chan struct{}, 1), leases: make([]written, len(x.places))}
		x.all[app] = n
		x.pending++
	}
	x.change(n, want)
}

// change has a stand-in become what is wanted. It is called with the lock held.
func (x *standins) change(n *standin, want *registry.Registration) {
	n.want.Store(want)
	if !n.kept {
		n.kept = true
		x.running.Go(func() { x.keep(n) })
		return
	}
	select {
	case n.changed <- struct{}{}:
	default:
	}
}

// keep goes on until a stand-in is as it is wanted.
func (x *standins) keep(n *standin) {
	pause := standinRetry
	for {
		want := n.want.Load()
		again := x.write(n, want)
		x.once(n, again == 0 || again == refusalPause)
		if again == 0 {
			n.stands.Store(want)
			if x.rest(n, want) {
				return
			}
			pause = standinRetry
			continue
		}
		wait := max(again, pause/2+rand.N(pause/2))
		pause = min(2*pause, standinPause)
		select {
		case <-n.changed:
			pause = standinRetry
		case <-time.After(wait):
		case <-x.ctx.Done():
			return
		}
	}
}

// once counts a stand-in that has been tried.
func (x *standins) once(n *standin, done bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if n.first || !done {
		return
	}
	n.first = true
	x.pending--
	select {
	case x.news <- struct{}{}:
	default:
	}
}

// rest leaves a stand-in alone that is as it is wanted, and forgets one of which nothing is left. It tells whether nothing else is wanted meanwhile.
func (x *standins) rest(n *standin, is *registry.Registration) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if n.want.Load() != is {
		return false
	}
	n.kept = false
	if is == nil && x.all[n.app] == n {
		delete(x.all, n.app)
	}
	return true
}

// written waits until every stand-in that is wanted now was written or refused once. It tells whether that came before ctx ended.
func (x *standins) written(ctx context.Context) bool {
	for {
		x.mu.Lock()
		done := x.pending == 0
		x.mu.Unlock()
		if done {
			return true
		}
		select {
		case <-x.news:
		case <-ctx.Done():
			return false
		}
	}
}

// visible tells whether consumers find an app as it is now.
func (x *standins) visible(app string) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	n := x.all[app]
	return n != nil && n.stands.Load() != nil && n.stands.Load() == n.want.Load()
}

// unwritten tells how many were neither written nor refused.
func (x *standins) unwritten() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.pending
}

// write makes the places as they should be, in their order, and tells after how long to try again; 0: they are.
func (x *standins) write(n *standin, want *registry.Registration) (again time.Duration) {
	for i, p := range x.places {
		err := x.writeTo(p, &n.leases[i], want)
		if err == nil {
			continue
		}
		if x.ctx.Err() != nil {
			return 1
		}
		pause, outcome := time.Duration(1), "unreachable"
		if !errors.Is(err, registry.ErrUnreachable) && !errors.Is(err, context.DeadlineExceeded) {
			pause, outcome = refusalPause, "refused"
		}
		x.metrics.standins.WithLabelValues(p.Name, outcome).Inc()
		x.log.Warn("activator: a stand-in is not as it should be", "app", n.app, "registry", p.Name, "outcome", outcome, "error", err)
		if again == 0 || pause < again {
			again = pause
		}
		if !p.Levels.Has(registry.AppInstance) && want != nil {
			return again // metadata comes before instances
		}
	}
	return again
}

func (x *standins) writeTo(p *place, w *written, want *registry.Registration) error {
	if w.what == want {
		return nil
	}
	select {
	case p.room <- struct{}{}:
	case <-x.ctx.Done():
		return x.ctx.Err()
	}
	defer func() { <-p.room }()
	ctx, cancel := context.WithTimeout(x.ctx, standinTimeout)
	defer cancel()
	if want == nil {
		x.replaced(p, w.what, nil)
		err := w.lease.End(ctx)
		*w = written{} // it is over even so
		return err
	}
	reg, err := p.open(ctx)
	if err != nil {
		return err
	}
	r := *want
	r.Levels = p.Levels
	if w.lease != nil && w.what.CanBecome(r) == nil {
		if err := w.lease.Update(ctx, r); err != nil {
			return err
		}
		x.replaced(p, w.what, want)
		w.what = want
	} else {
		lease, err := reg.Register(ctx, r)
		if err != nil {
			return err
		}
		last := w.lease
		x.replaced(p, w.what, want)
		*w = written{lease, want}
		if last != nil { // at another port: never leaving first
			if err := last.End(ctx); err != nil {
				x.log.Warn("activator: an old stand-in was not taken away; the registry will notice by itself", "registry", p.Name, "error", err)
			}
		}
	}
	x.metrics.standins.WithLabelValues(p.Name, "ok").Inc()
	x.log.Info("activator: a stand-in is written", "app", r.Instance.App, "registry", p.Name, "address", r.Instance.Address(), "revision", r.Metadata.Revision())
	return nil
}

// replaced notes what stays behind in a place when something else, or nothing, is written there.
func (x *standins) replaced(p *place, was, is *registry.Registration) {
	if !p.Levels.Has(registry.AppMetadata) {
		return
	}
	if was != nil && (is == nil || was.Metadata.Revision() != is.Metadata.Revision()) {
		x.stale.add(was)
	}
	if is != nil {
		x.stale.drop(is)
	}
}

// open connects, once for all; what has just failed is not tried again by everybody who waits.
func (p *place) open(ctx context.Context) (registry.Registry, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reg != nil {
		return p.reg, nil
	}
	if p.err != nil && time.Since(p.failed) < standinRetry/2 {
		return nil, p.err
	}
	reg, err := p.Open(ctx)
	if err != nil {
		p.failed, p.err = time.Now(), err
		return nil, err
	}
	p.reg = reg
	return reg, nil
}

// leave takes every instance away; metadata and mapping stay.
func (x *standins) leave() {
	x.mu.Lock()
	x.leaving = true
	for _, n := range x.all {
		x.change(n, nil)
	}
	x.mu.Unlock()
	cut := time.AfterFunc(leaveTimeout, x.stop)
	defer cut.Stop()
	x.running.Wait()
}

// close disconnects.
func (x *standins) close() {
	x.stop()
	x.running.Wait()
	x.sweeping.Wait()
	for _, p := range x.places {
		p.mu.Lock()
		reg := p.reg
		p.reg = nil
		p.mu.Unlock()
		if reg == nil {
			continue
		}
		if err := reg.Close(); err != nil {
			x.log.Warn("activator: closing a registry failed", "registry", p.Name, "error", err)
		}
	}
}
