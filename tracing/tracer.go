package tracing

import (
	"context"
	"log/slog"
	"time"

	"github.com/dubbofn/dubbofn/invoker"
)

// Tracer makes spans and sends them to its backend. It never blocks a call and never fails one: what it can't send it drops and counts. Safe for
// concurrent use.
type Tracer interface {
	// Start begins a span under the one in ctx, or, of an Entry, under the one that its carrier tells of. The context goes to what happens within. Neither
	// result is ever nil.
	Start(ctx context.Context, s Start) (context.Context, Span)
	// Flush returns once every span that had ended was sent, or with ctx's error.
	Flush(ctx context.Context) error
	// Close flushes as long as ctx lasts and ends everything that the tracer started. It is idempotent; spans that end later are dropped.
	Close(ctx context.Context) error
}

// Span is one part of a call's way. Safe for concurrent use; after End all is without effect.
type Span interface {
	Tag(key, value string)
	// Fail marks the span as failed. A nil error does nothing.
	Fail(err error)
	End()
}

// Start says what span begins.
type Start struct {
	Kind      Kind
	Name      string // what backends list as the endpoint: bounded in number
	Peer      string // the other side, "host:port"; of an Exit, what the backend knows the provider by
	Layer     Layer
	Component Component
	Carrier   Carrier   // Entry: read from; Exit: written to; nil: none
	Begun     time.Time // zero: now
}

// Kind says which end of a hop a span is.
type Kind uint8

// The kinds.
const (
	Local Kind = iota // within a process
	Entry             // a call or an event arrives
	Exit              // a call or an event leaves
)

// Layer is what SkyWalking files a span under (language-agent/Tracing.proto, SpanLayer).
type Layer int32

// The layers.
const (
	LayerUnknown  Layer = 0
	LayerDatabase Layer = 1
	LayerRPC      Layer = 2
	LayerHTTP     Layer = 3
	LayerMQ       Layer = 4
	LayerCache    Layer = 5
	LayerFaaS     Layer = 6
)

// Component is SkyWalking's number of a technology (component-libraries.yml, 10.1.0).
type Component int32

// The components.
const (
	ComponentUnknown       Component = 0
	ComponentDubbo         Component = 3
	ComponentKafkaProducer Component = 40
	ComponentKafkaConsumer Component = 41
	ComponentHTTPServer    Component = 5004
	ComponentHTTPClient    Component = 5005
)

// Carrier is what brings a trace from one process to the next: attachments, headers, an event's extensions.
type Carrier interface {
	Get(key string) string
	Set(key, value string)
}

// Backend is where spans are sent: a part of a program, as skywalking.Tracer is.
type Backend interface {
	// Name is the scheme of its URLs: "skywalking", "otlp".
	Name() string
	// Open makes a tracer. It doesn't wait for the backend, which may be away. The error is of what u and c say.
	Open(u invoker.URL, c Config) (Tracer, error)
}

// Config is what a tracer is told of its process. Zero fields mean the defaults.
type Config struct {
	Service  string   // the application
	Instance string   // the process among those of its application
	Function bool     // it is a function: backends that have a layer for them list it there
	Sample   *float64 // the share of new traces that is sent, 0 to 1; nil: all
	Log      *slog.Logger
}

// Stats counts spans since the start.
type Stats struct {
	Sent, Dropped int64
	Queued        int
}

// Counted is what a [Tracer] may be besides.
type Counted interface {
	Stats() Stats
}

type contextKey struct{}

// Within returns a context that is within s. Tracers call it in Start. A span that also has the method IDs() (trace, span string) tells logs who it is.
func Within(ctx context.Context, s Span) context.Context {
	return context.WithValue(ctx, contextKey{}, s)
}

// Current gives the span that ctx is within, to tag it, say. Outside of any it gives one that does nothing.
func Current(ctx context.Context) Span {
	if s, ok := ctx.Value(contextKey{}).(Span); ok {
		return s
	}
	return nothing{}
}

// IDs gives the trace and the span that ctx is within, empty outside of any and where the trace is not kept.
func IDs(ctx context.Context) (trace, span string) {
	if s, ok := ctx.Value(contextKey{}).(interface{ IDs() (trace, span string) }); ok {
		return s.IDs()
	}
	return "", ""
}

// nothing is the span of what is not traced.
type nothing struct{}

func (nothing) Tag(string, string) {}
func (nothing) Fail(error)         {}
func (nothing) End()               {}
