package client

import (
	"context"
	"reflect"
	"strings"
	"time"

	"github.com/dubbofn/dubbofn/internal/javatype"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/invoker/cluster"
	"github.com/dubbofn/dubbofn/java"
	"github.com/dubbofn/dubbofn/tracing"
)

// Trace has the client make a span of each try of a call from now on, under the span that the call's context is within: a function hands its tracer to its
// parts so. Where [Config.Tracer] is set it does nothing.
func (c *Client) Trace(t tracing.Tracer) {
	if c.cfg.Tracer == nil && t != nil {
		c.tracer.Store(&t)
	}
}

// trace begins the span of a try (cluster.Config.Trace). With it the provider is told of this span; without, of the one that passes on from the call that
// a function runs for.
func (c *Client) trace(ctx context.Context, p *cluster.Provider, inv *invoker.Invocation, begun time.Time) (context.Context, *invoker.Invocation, func(error)) {
	t := c.tracer.Load()
	if t == nil {
		return ctx, inv, nil
	}
	mine := *inv
	if p.Key.Interface != "" {
		mine.Service = p.Key
	}
	if mine.Descriptor == "" {
		mine.Descriptor = c.descriptor(inv.Args) // spans are named by it
	}
	return tracing.Call(ctx, *t, p.Address, &mine, begun)
}

// descriptor gives the parameter types that the arguments' Go types tell; "" where they don't, which the call itself will report.
func (c *Client) descriptor(args []any) string {
	var b strings.Builder
	for _, a := range args {
		name := "java.lang.Object"
		switch a := a.(type) {
		case nil:
		case *java.Object:
			name = a.Class
		default:
			p, err := c.types.Plan(reflect.TypeOf(a))
			if err != nil {
				return ""
			}
			name = p.Java()
		}
		b.WriteString(javatype.Descriptor(name))
	}
	return b.String()
}
