package tracing

import (
	"context"
	"time"

	"github.com/dubbofn/dubbofn/invoker"
)

// Call begins the Exit span of one try of a call to the provider at address ("host:port"). It gives the call to go on with: a copy whose attachments tell the
// provider of the span, since other tries of the same call may be under way. end is called once, with the try's error. A zero begun is now.
func Call(ctx context.Context, t Tracer, address string, inv *invoker.Invocation, begun time.Time) (inside context.Context, try *invoker.Invocation, end func(error)) {
	mine := *inv
	mine.Attachments = invoker.Attachments{}
	mine.Attachments.Grow(inv.Attachments.Len() + 2) // of a trace: sw8 and its correlation
	for key, value := range inv.Attachments.All() {
		mine.Attachments.Set(key, value)
	}
	name := endpoint(inv)
	ctx, span := t.Start(ctx, Start{
		Kind: Exit, Name: name, Peer: address, Layer: LayerRPC, Component: ComponentDubbo, Carrier: Attachments(&mine.Attachments), Begun: begun,
	})
	span.Tag("url", "dubbo://"+address+"/"+name)
	return ctx, &mine, func(err error) {
		span.Fail(err)
		span.End()
	}
}
