package cloudevent

import (
	"context"
	"net/http"

	sdk "github.com/cloudevents/sdk-go/v2/event"

	"github.com/dubbofn/dubbofn/internal/deliver"
	"github.com/dubbofn/dubbofn/tracing"
)

// carried are the keys of what continues a trace: headers and attachments; extensions have no dash.
var carried = [...]string{tracing.KeySW8, tracing.KeySW8Correlation, tracing.KeyTraceparent, tracing.KeyTracestate}

// arrived reads a trace from the request's headers, which are this hop's, else from the event's extensions, which brokers leave alone.
type arrived struct {
	headers http.Header
	extensions
}

func (c arrived) Get(key string) string {
	if v := c.headers.Get(key); v != "" && len(v) <= maxCarried {
		return v
	}
	return c.extensions.Get(key)
}

func (c arrived) Set(string, string) {}

// trace begins the span of an event. The name is bounded: by the types that rules name.
func (e *events) trace(ctx context.Context, ev *sdk.Event, how arrival, c arrived) (context.Context, tracing.Span) {
	if e.host.Tracer == nil {
		return ctx, nil
	}
	name := "CloudEvents/other"
	if e.types[ev.Type()] {
		name = "CloudEvents/" + ev.Type()
	}
	component := tracing.ComponentHTTPServer
	from := deliver.OriginOf(ctx)
	if how.layer == tracing.LayerMQ {
		component = from.Component
	}
	ctx, span := e.host.Tracer.Start(ctx, tracing.Start{Kind: tracing.Entry, Name: name, Peer: how.peer, Layer: how.layer, Component: component, Carrier: c})
	span.Tag("cloudevents.id", ev.ID())
	span.Tag("cloudevents.source", ev.Source())
	span.Tag("cloudevents.type", ev.Type())
	if how.layer == tracing.LayerMQ {
		span.Tag("mq.broker", from.Broker)
		span.Tag("mq.topic", from.Queue)
	}
	if how.headers != nil {
		span.Tag("http.method", http.MethodPost)
		if h, x := how.headers.Get(tracing.KeySW8), c.extensions.Get(tracing.KeySW8); h != "" && x != "" && h != x {
			span.Tag("cloudevents.sw8", x)
		}
	}
	if v := c.Get(tracing.KeyTraceparent); v != "" {
		span.Tag("traceparent", v)
	}
	return ctx, span
}

// traceReply has a reply event continue the trace. traceparent is a delivery's first, which hops leave alone (distributed tracing extension 1.0).
func (e *events) traceReply(ctx context.Context, ev, reply *sdk.Event) {
	for _, key := range carried {
		if v := (extensions{ev}).Get(key); v != "" {
			(extensions{reply}).Set(key, v)
		}
	}
	if e.host.Tracer == nil {
		return
	}
	name := "CloudEvents/" + reply.Type()
	_, span := e.host.Tracer.Start(ctx, tracing.Start{Kind: tracing.Exit, Name: name, Peer: "event:" + reply.Type(), Layer: tracing.LayerMQ, Carrier: extensions{reply}})
	span.Tag("cloudevents.id", reply.ID())
	span.End()
}
