package cloudevent

import (
	"context"
	"net/http"
	"strings"

	"github.com/dubbofn/dubbofn/internal/deliver"
	"github.com/dubbofn/dubbofn/tracing"
)

// carried are the keys of what continues a trace: headers and attachments; extensions have no dash.
var carried = [...]carrying{
	{tracing.KeySW8, "Sw8", "sw8"}, {tracing.KeySW8Correlation, "Sw8-Correlation", "sw8correlation"},
	{tracing.KeyTraceparent, "Traceparent", "traceparent"}, {tracing.KeyTracestate, "Tracestate", "tracestate"},
}

// carrying is one such key, as headers and extensions have it.
type carrying struct{ key, header, extension string }

// arrived reads a trace from the request's headers, which are this hop's, else from the event's extensions, which brokers leave alone.
type arrived struct {
	headers http.Header
	event   *incoming
}

func (c arrived) Get(key string) string {
	for i := range carried {
		if carried[i].key == key {
			return c.get(&carried[i])
		}
	}
	return c.get(&carrying{key, http.CanonicalHeaderKey(key), strings.ReplaceAll(key, "-", "")})
}

func (c arrived) get(k *carrying) string {
	if values := c.headers[k.header]; len(values) > 0 && values[0] != "" && len(values[0]) <= maxCarried {
		return values[0]
	}
	return c.extension(k.extension)
}

func (c arrived) extension(name string) string {
	v, _ := c.event.attribute(name)
	if len(v) > maxCarried {
		return ""
	}
	return v
}

func (c arrived) Set(string, string) {}

// trace begins the span of an event. The name is bounded: by the types that rules name.
func (e *events) trace(ctx context.Context, ev *incoming, how arrival, c arrived) (context.Context, tracing.Span) {
	if e.host.Tracer == nil {
		return ctx, nil
	}
	name := "CloudEvents/other"
	if e.types[ev.typ] {
		name = "CloudEvents/" + ev.typ
	}
	component := tracing.ComponentHTTPServer
	from := deliver.OriginOf(ctx)
	if how.layer == tracing.LayerMQ {
		component = from.Component
	}
	ctx, span := e.host.Tracer.Start(ctx, tracing.Start{Kind: tracing.Entry, Name: name, Peer: how.peer, Layer: how.layer, Component: component, Carrier: c})
	span.Tag("cloudevents.id", ev.id)
	span.Tag("cloudevents.source", ev.source)
	span.Tag("cloudevents.type", ev.typ)
	if how.layer == tracing.LayerMQ {
		span.Tag("mq.broker", from.Broker)
		span.Tag("mq.topic", from.Queue)
	}
	if how.headers != nil {
		span.Tag("http.method", http.MethodPost)
		if h, x := how.headers.Get(tracing.KeySW8), c.extension(tracing.KeySW8); h != "" && x != "" && h != x {
			span.Tag("cloudevents.sw8", x)
		}
	}
	if v := c.Get(tracing.KeyTraceparent); v != "" {
		span.Tag("traceparent", v)
	}
	return ctx, span
}
