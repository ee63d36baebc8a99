package cluster

import (
	"context"
	"time"

	"github.com/dubbofn/dubbofn/invoker"
)

// Try is one attempt at a call: each retry is another, and so is each provider that forking or broadcast calls.
type Try struct {
	Service invoker.ServiceKey
	Method  string // the one that is meant, behind $invoke too
	Address string // of the provider
	App     string // the provider's application, where the registry tells
	Begin   time.Time
	Took    time.Duration
	Err     error // nil, what the method threw, or an [invoker.Error]
}

// deliver sends one call to a provider on a connection.
func (c *Cluster) deliver(ctx context.Context, p *Provider, conn Conn, inv *invoker.Invocation) (invoker.Result, error) {
	traced := inv
	var end func(error)
	if c.cfg.Trace != nil {
		ctx, traced, end = c.cfg.Trace(ctx, p, inv, time.Time{})
	}
	if c.cfg.OnTry == nil && end == nil {
		return p.send(ctx, conn, traced)
	}
	begin := time.Now()
	res, err := p.send(ctx, conn, traced)
	if end != nil {
		end(err)
	}
	c.tried(p, inv, begin, err)
	return res, err
}

// connect gives a connection to a provider, which may have to be made, while wait lasts. Without one the call did not run.
func (c *Cluster) connect(ctx, wait context.Context, p *Provider, inv *invoker.Invocation) (Conn, error) {
	begin := time.Now()
	conn, err := p.connect(wait)
	if err == nil {
		return conn, nil
	}
	err = unreachable(ctx, err)
	if c.cfg.Trace != nil {
		if _, _, end := c.cfg.Trace(ctx, p, inv, begin); end != nil {
			end(err)
		}
	}
	c.tried(p, inv, begin, err)
	return nil, err
}

func (c *Cluster) tried(p *Provider, inv *invoker.Invocation, begin time.Time, err error) {
	if c.cfg.OnTry == nil {
		return
	}
	c.cfg.OnTry(Try{Service: inv.Service, Method: methodOf(inv), Address: p.Address, App: p.App, Begin: begin, Took: time.Since(begin), Err: err})
}
