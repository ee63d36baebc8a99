package cluster

import (
	"context"

	"github.com/dubbofn/dubbofn/invoker"
)

// Guard stands before one provider of a service: it may refuse calls there, and sees how those end that it let pass.
// Safe for concurrent use.
type Guard interface {
	// Enter asks for leave to send a call of a method; it may wait, until ctx ends at the latest. Its error, an
	// [invoker.Error], is why the call is not sent.
	Enter(ctx context.Context, method string) (pass uint64, err error)
	// Leave follows each Enter that gave no error, with the pass that it gave and the call's own error.
	Leave(method string, pass uint64, err error)
	// Ready tells whether the provider is to get calls now; otherwise others are preferred.
	Ready() bool
}

// guarded is a guard, and the version of the provider that it was made for.
type guarded struct {
	of    *Provider
	guard Guard // nil: calls are free
}

// guard gives what stands before a provider; nil where nothing does.
func (c *Cluster) guard(p *Provider) Guard {
	if c.cfg.Guard == nil {
		return nil
	}
	if g := p.state.guard.Load(); g != nil && g.of == p {
		return g.guard
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	g := p.state.guard.Load()
	if g != nil && g.of == p {
		return g.guard
	}
	var before Guard
	if g != nil {
		before = g.guard
	}
	g = &guarded{of: p, guard: c.cfg.Guard(p, before)}
	p.state.guard.Store(g)
	return g.guard
}

// admits tells whether the provider's guard wants calls to go there.
func (p *Provider) admits() bool {
	g := p.state.guard.Load()
	return g == nil || g.guard == nil || g.guard.Ready()
}

// send sends a call to a provider on a connection, past its guard. refused: that one did not let it pass.
func (c *Cluster) send(ctx context.Context, p *Provider, conn Conn, inv *invoker.Invocation) (res invoker.Result, refused bool, err error) {
	g := c.guard(p)
	if g == nil {
		res, err = c.deliver(ctx, p, conn, inv)
		return res, false, err
	}
	method := methodOf(inv)
	pass, err := g.Enter(ctx, method)
	if err != nil {
		c.counts.refused.Add(1)
		return invoker.Result{}, true, err
	}
	res, err = c.deliver(ctx, p, conn, inv)
	g.Leave(method, pass, err)
	return res, false, err
}

// call sends one call to a provider, connecting to it where that has to be.
func (c *Cluster) call(ctx context.Context, p *Provider, inv *invoker.Invocation) (invoker.Result, error) {
	conn, err := c.connect(ctx, ctx, p, inv)
	if err != nil {
		return invoker.Result{}, err
	}
	res, _, err := c.send(ctx, p, conn, inv)
	return res, err
}
