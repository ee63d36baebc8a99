package protect

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/failsafe-go/failsafe-go/bulkhead"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"

	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/invoker/cluster"
)

// Providers makes what stands before each provider of a service: a breaker, where one is configured, and Dubbo's parameter actives,
// where an operator's rule or the provider says it. Safe for concurrent use.
type Providers struct {
	service invoker.ServiceKey
	breaker Breaker
	log     *slog.Logger
	waits   atomic.Int64
	full    atomic.Int64
	broken  atomic.Int64
	opened  atomic.Int64
}

// NewProviders makes one for a service. With a zero Breaker there is none; log may be nil.
func NewProviders(service invoker.ServiceKey, b Breaker, log *slog.Logger) (*Providers, error) {
	if err := b.Validate(); err != nil {
		return nil, err
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Providers{service: service, breaker: b.filled(), log: log}, nil
}

// ProviderStats is what stood before a service's providers, all together.
type ProviderStats struct {
	Waits  int64 // calls that waited because of actives
	Full   int64 // of them, that waited in vain
	Broken int64 // calls refused by a breaker
	Opened int64 // times that one opened
}

// Stats gives the counters.
func (s *Providers) Stats() ProviderStats {
	return ProviderStats{Waits: s.waits.Load(), Full: s.full.Load(), Broken: s.broken.Load(), Opened: s.opened.Load()}
}

// Guard is a cluster.Config's Guard: nil where nothing limits the provider. A breaker goes on from version to version, and so do calls that are
// counted while actives stays what it is.
func (s *Providers) Guard(p *cluster.Provider, before cluster.Guard) cluster.Guard {
	actives := activesOf(p)
	old, _ := before.(*provider)
	if len(actives) == 0 && s.breaker.Percent == 0 {
		return nil
	}
	if old != nil && maps.Equal(old.actives, actives) {
		return old
	}
	g := &provider{all: s, address: p.Address, actives: actives}
	if len(actives) > 0 {
		g.rooms.Store(&map[string]*room{})
		g.others = newRoom(actives[""])
	}
	switch {
	case old != nil:
		g.trip = old.trip
	case s.breaker.Percent > 0:
		g.trip = &trip{}
	}
	return g
}

// activesOf reads Dubbo's limit of the calls of one method that a consumer has running at one provider: "" is for methods without one of
// their own.
func activesOf(p *cluster.Provider) map[string]int {
	var all map[string]int
	for _, m := range []map[string]string{p.Service, p.Instance, p.Override} {
		for key := range m {
			method, found := strings.CutSuffix(key, ".actives")
			if key == "actives" {
				method, found = "", true
			}
			if !found {
				continue
			}
			if all == nil {
				all = map[string]int{}
			}
			n, err := strconv.Atoi(strings.TrimSpace(p.Param(key)))
			if err != nil || n < 0 || n > maxLimit {
				n = 0
			}
			all[method] = n
		}
	}
	return all
}

// provider is a cluster.Guard.
type provider struct {
	all     *Providers
	address string
	actives map[string]int
	trip    *trip // nil: no breaker
	others  *room // of methods beyond those that are remembered
	mu      sync.Mutex
	rooms   atomic.Pointer[map[string]*room] // by method; nil where there is no actives
}

// trip is a provider's breaker. It is made when the first call fails: who has 10,000 providers has few that do.
type trip struct {
	mu      sync.Mutex
	circuit atomic.Pointer[circuit]
	open    atomic.Bool
}

// room is what actives leaves to one method; nil: all it wants.
type room struct {
	bulkhead.Bulkhead[any]
	n int
}

func newRoom(n int) *room {
	if n == 0 {
		return nil
	}
	return &room{bulkhead.New[any](uint(n)), n}
}

// Ready implements cluster.Guard.
func (g *provider) Ready() bool {
	return g.trip == nil || !g.trip.open.Load() || g.trip.circuit.Load().RemainingDelay() == 0
}

// Enter implements cluster.Guard.
func (g *provider) Enter(ctx context.Context, method string) (pass uint64, err error) {
	r := g.room(method)
	if r != nil {
		if err := g.wait(ctx, r, method); err != nil {
			return 0, err
		}
	}
	if g.trip == nil {
		return 0, nil
	}
	c := g.trip.circuit.Load()
	if c == nil {
		return 0, nil // as the first turn of one that this or another call may make
	}
	pass, ok := c.enter()
	if !ok {
		if r != nil {
			r.ReleasePermit()
		}
		g.all.broken.Add(1)
		b := g.all.breaker
		return 0, invoker.Errorf(invoker.CodeUnavailable, g.op(method), "the circuit breaker of %s is open%s: %d %% or more of the calls there failed within %v (DUBBOFN_BREAKER)",
			g.address, left(c), b.Percent, b.Window)
	}
	return pass, nil
}

// Leave implements cluster.Guard.
func (g *provider) Leave(method string, pass uint64, err error) {
	if r := g.room(method); r != nil {
		r.ReleasePermit()
	}
	if g.trip == nil {
		return
	}
	o := outcomeOf(err)
	c := g.trip.circuit.Load()
	if c == nil {
		if o != bad {
			return
		}
		c = g.first()
	}
	c.leave(pass, o)
}

// first makes the breaker.
func (g *provider) first() *circuit {
	t := g.trip
	t.mu.Lock()
	defer t.mu.Unlock()
	if c := t.circuit.Load(); c != nil {
		return c
	}
	c := g.all.breaker.circuit(func(e circuitbreaker.StateChangedEvent) {
		open := e.NewState == circuitbreaker.OpenState
		t.open.Store(open)
		if open {
			g.all.opened.Add(1)
		}
		g.all.log.Warn("protect: circuit breaker of a provider", "service", g.all.service, "provider", g.address, "from", e.OldState, "to", e.NewState,
			"failed", e.Metrics().Failures(), "of", e.Metrics().Executions())
	})
	t.circuit.Store(c)
	return c
}

// room gives what a method has; nil where there is no limit.
func (g *provider) room(method string) *room {
	known := g.rooms.Load()
	if known == nil {
		return nil
	}
	if r, ok := (*known)[method]; ok {
		return r
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	known = g.rooms.Load()
	if r, ok := (*known)[method]; ok {
		return r
	}
	n, own := g.actives[method]
	if !own {
		if len(*known) >= maxMethods {
			return g.others
		}
		n = g.actives[""]
	}
	next := maps.Clone(*known)
	next[method] = newRoom(n)
	g.rooms.Store(&next)
	return next[method]
}

func (g *provider) op(method string) string { return "call " + g.all.service.String() + "." + method }

// wait waits for room, as Java does (ActiveLimitFilter, 3.3.6): until the call's time is over.
func (g *provider) wait(ctx context.Context, r *room, method string) error {
	if r.TryAcquirePermit() {
		return nil
	}
	g.all.waits.Add(1)
	err := r.AcquirePermit(ctx)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled):
		return invoker.Errorf(invoker.CodeCanceled, g.op(method), "while it waited for one of %d calls to %s to end: %w", r.n, g.address, err)
	}
	g.all.full.Add(1)
	return invoker.Errorf(invoker.CodeExhausted, g.op(method), "all its time went by while %d calls to %s ran: the limit that Dubbo's parameter actives sets", r.n, g.address)
}
