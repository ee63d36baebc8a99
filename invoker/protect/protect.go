package protect

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/failsafe-go/failsafe-go/bulkhead"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/failsafe-go/failsafe-go/ratelimiter"

	"github.com/dubbofn/dubbofn/invoker"
)

// Config is what protects the calls of one service.
type Config struct {
	Limits                    // of each method by itself, where Methods says nothing else
	Methods map[string]Limits // by the Java method's name; what is zero there Limits says
	Log     *slog.Logger      // Default: nothing is logged
}

// Validate reports every setting that makes no sense.
func (c Config) Validate() error {
	faults := []error{c.Limits.validate()}
	for _, name := range slices.Sorted(maps.Keys(c.Methods)) {
		if err := c.Methods[name].validate(); err != nil {
			faults = append(faults, fmt.Errorf("method %s: %w", name, err))
		}
	}
	return errors.Join(faults...)
}

// Protection holds the limits and what they have seen. Safe for concurrent use.
//
// A call passes, in this order: the fallback, the concurrency limit, the rate limit, the breaker. What a limit refuses is an
// [invoker.Error] that says which, with code CodeExhausted, or CodeUnavailable from the breaker; the call did not run.
type Protection struct {
	cfg    Config
	mu     sync.Mutex
	guards atomic.Pointer[map[string]*guard]
	others *guard // of all methods beyond those that are remembered
}

// New makes the limits. The error names every setting that makes no sense.
func New(c Config) (*Protection, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("protection: %w", err)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	p := &Protection{cfg: c}
	p.others = p.guard(invoker.ServiceKey{}, "(other)", c.Limits.filled())
	p.guards.Store(&map[string]*guard{})
	return p, nil
}

// maxMethods are remembered each by itself: callers without types may make up names.
const maxMethods = 1024

// guard is what stands before a method.
type guard struct {
	op       string
	limits   Limits
	room     bulkhead.Bulkhead[any]       // nil: no limit
	limiter  ratelimiter.RateLimiter[any] // nil: no limit
	circuit  *circuit                     // nil: none
	calls    atomic.Int64
	full     atomic.Int64
	tooFast  atomic.Int64
	broken   atomic.Int64
	fallback atomic.Int64
	opened   atomic.Int64
}

func (p *Protection) guard(key invoker.ServiceKey, method string, l Limits) *guard {
	g := &guard{op: "call " + key.String() + "." + method, limits: l, room: l.bulkhead(), limiter: l.limiter()}
	if l.Breaker.Percent > 0 {
		g.circuit = l.Breaker.circuit(func(e circuitbreaker.StateChangedEvent) {
			if e.NewState == circuitbreaker.OpenState {
				g.opened.Add(1)
			}
			p.cfg.Log.Warn("protect: circuit breaker", "service", key, "method", method, "from", e.OldState, "to", e.NewState,
				"failed", e.Metrics().Failures(), "of", e.Metrics().Executions())
		})
	}
	return g
}

// of finds what stands before a method, or makes it.
func (p *Protection) of(inv *invoker.Invocation) *guard {
	name := methodOf(inv)
	if g := (*p.guards.Load())[name]; g != nil {
		return g
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	known := *p.guards.Load()
	if g := known[name]; g != nil {
		return g
	}
	l, own := p.cfg.Methods[name]
	if len(known) >= maxMethods && !own {
		return p.others
	}
	g := p.guard(inv.Service, name, l.over(p.cfg.Limits).filled())
	next := maps.Clone(known)
	next[strings.Clone(name)] = g
	p.guards.Store(&next)
	return g
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

// Filter is the [invoker.Filter]; one Protection protects one service.
func (p *Protection) Filter(next invoker.Invoker) invoker.Invoker {
	if p.cfg.Limits.none() && len(p.cfg.Methods) == 0 {
		return next
	}
	return invoker.Func(func(ctx context.Context, inv *invoker.Invocation) (invoker.Result, error) {
		g := p.of(inv)
		g.calls.Add(1)
		res, err := g.invoke(ctx, inv, next)
		if err == nil || g.limits.Fallback == nil {
			return res, err
		}
		var e *invoker.Error
		if !errors.As(err, &e) {
			return res, err
		}
		g.fallback.Add(1)
		return g.limits.Fallback(ctx, inv, err)
	})
}

func (g *guard) invoke(ctx context.Context, inv *invoker.Invocation, next invoker.Invoker) (invoker.Result, error) {
	if g.room != nil {
		if err := g.enter(ctx); err != nil {
			return invoker.Result{}, err
		}
		defer g.room.ReleasePermit()
	}
	if g.limiter != nil && !g.limiter.TryAcquirePermit() {
		g.tooFast.Add(1)
		return invoker.Result{}, invoker.Errorf(invoker.CodeExhausted, g.op, "more than %d calls in %v: the consumer's rate limit (protect.Limits.Rate, DUBBOFN_CALL_RATE)", g.limits.Rate, g.limits.Per)
	}
	if g.circuit == nil {
		return next.Invoke(ctx, inv)
	}
	turn, ok := g.circuit.enter()
	if !ok {
		g.broken.Add(1)
		return invoker.Result{}, invoker.Errorf(invoker.CodeUnavailable, g.op, "the method's circuit breaker is open%s: %d %% or more of its calls failed within %v (protect.Limits.Breaker)",
			left(g.circuit), g.limits.Breaker.Percent, g.limits.Breaker.Window)
	}
	done := false
	defer func() { // a panic that passes here is a failure too, and leaves no trial without an end
		if !done {
			g.circuit.leave(turn, bad)
		}
	}()
	res, err := next.Invoke(ctx, inv)
	done = true
	g.circuit.leave(turn, outcomeOf(err))
	return res, err
}

// left says how much longer a breaker stays open.
func left(c *circuit) string {
	if d := c.RemainingDelay(); d > 0 {
		return fmt.Sprintf(" for %v more", d.Round(time.Millisecond))
	}
	return " and its trial calls are on their way"
}

// enter takes a place among the calls that may run at the same time.
func (g *guard) enter(ctx context.Context) error {
	if g.room.TryAcquirePermit() {
		return nil
	}
	begin, err := time.Now(), bulkhead.ErrFull
	if g.limits.Wait > 0 {
		err = g.room.AcquirePermitWithMaxWait(ctx, g.limits.Wait)
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled):
		return invoker.Errorf(invoker.CodeCanceled, g.op, "while it waited for one of %d calls to end: %w", g.limits.Concurrency, err)
	}
	g.full.Add(1)
	if g.limits.Wait == 0 {
		return invoker.Errorf(invoker.CodeExhausted, g.op, "%d calls run already: the consumer's limit (protect.Limits.Concurrency, DUBBOFN_CALL_LIMIT)", g.limits.Concurrency)
	}
	return invoker.Errorf(invoker.CodeExhausted, g.op, "none of %d calls ended in the %v that there were: the consumer's limit (protect.Limits.Concurrency and Wait)", g.limits.Concurrency, time.Since(begin).Round(time.Millisecond))
}

// Stats is what the limits of one method have seen.
type Stats struct {
	Calls     int64  // begun
	Full      int64  // refused for want of room
	TooFast   int64  // refused by the rate limit
	Broken    int64  // refused by the breaker
	Fallbacks int64  // answered by the fallback
	Opened    int64  // times that the breaker opened
	Breaker   string // closed, open, half-open; empty: none
}

// Stats gives the counters of each method that was called.
func (p *Protection) Stats() map[string]Stats {
	all := map[string]Stats{}
	for name, g := range *p.guards.Load() {
		s := Stats{Calls: g.calls.Load(), Full: g.full.Load(), TooFast: g.tooFast.Load(), Broken: g.broken.Load(), Fallbacks: g.fallback.Load(), Opened: g.opened.Load()}
		if g.circuit != nil {
			s.Breaker = g.circuit.State().String()
		}
		all[name] = s
	}
	return all
}
