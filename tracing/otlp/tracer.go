package otlp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"

	"github.com/dubbofn/dubbofn/internal/eventurl"
	"github.com/dubbofn/dubbofn/internal/spool"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/tracing"
)

// Tracer is the part of a program that sends spans by OTLP over gRPC: serve.Main(service, otlp.Tracer), DUBBOFN_TRACING=otlp://[token@]host:4317[?parameters].
// The parameters are tls=true, ca, cert, key and servername for TLS, and queue, the spans that may wait (16384; they weigh 16 MiB at most). The token
// is sent as "Authorization: Bearer". What OTEL_EXPORTER_OTLP_HEADERS and OTEL_RESOURCE_ATTRIBUTES say is added.
var Tracer tracing.Backend = backend{}

const (
	defaultPort = 4317
	timeout     = 15 * time.Second // of one request
)

type backend struct{}

// Name implements [tracing.Backend].
func (backend) Name() string { return "otlp" }

// Open implements [tracing.Backend].
func (backend) Open(u invoker.URL, c tracing.Config) (tracing.Tracer, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	token, password := u.User, u.Password
	u.User, u.Password = "", "" // faults quote the URL
	s := eventurl.New(u)
	if password != "" {
		s.Fault("there is a password: want a token alone, token@host")
	}
	secure := s.TLS(c.Log)
	room := s.Int("queue", 16<<10, 1, 1<<20)
	if u.Host == "" {
		s.Fault("there is no host")
	}
	if u.Path != "" || u.Param("backup") != "" {
		s.Fault("path %q, further hosts %q: want one host and no path", u.Path, u.Param("backup"))
	}
	if c.Service == "" {
		s.Fault("the service has no name")
	}
	if err := s.Err(); err != nil {
		return nil, fmt.Errorf("otlp: %w", err)
	}
	options := []otlptracegrpc.Option{
		otlptracegrpc.WithEndpoint(u.Addresses(defaultPort)[0]), otlptracegrpc.WithTimeout(timeout),
		otlptracegrpc.WithRetry(otlptracegrpc.RetryConfig{}), // the spool tries again
		otlptracegrpc.WithDialOption(dialOptions()...),
	}
	if secure != nil {
		options = append(options, otlptracegrpc.WithTLSCredentials(credentials.NewTLS(secure)))
	} else {
		options = append(options, otlptracegrpc.WithInsecure())
	}
	if token != "" {
		options = append(options, otlptracegrpc.WithHeaders(map[string]string{"authorization": "Bearer " + token}))
	}
	return open(c, room, options)
}

// dialOptions make a lost server be noticed and tried again soon.
func dialOptions() []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 200 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 3 * time.Second},
			MinConnectTimeout: 3 * time.Second,
		}),
		// Servers allow a ping every 5 minutes. What matters is the timeout: gRPC sets TCP_USER_TIMEOUT to it.
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 5 * time.Minute, Timeout: 20 * time.Second}),
	}
}

func open(c tracing.Config, room int, options []otlptracegrpc.Option) (tracing.Tracer, error) {
	base, cancel := context.WithCancel(context.Background()) // of the tracer, not of whoever opens it: Close ends it
	exporter, err := otlptracegrpc.New(base, options...)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("otlp: %w", err)
	}
	t := &tracer{exporter: exporter, function: c.Function, cancel: cancel}
	t.spool = spool.New(base, spool.Config[sdk.ReadOnlySpan]{
		Name: "otlp", Send: exporter.ExportSpans, Refused: refused, Weigh: weigh, Log: c.Log, Max: room, Timeout: timeout,
	})
	sample := 1.0
	if c.Sample != nil {
		sample = *c.Sample
	}
	t.provider = sdk.NewTracerProvider(sdk.WithSpanProcessor(processor{t.spool}), sdk.WithResource(described(c)),
		sdk.WithSampler(sdk.ParentBased(sdk.TraceIDRatioBased(sample))))
	t.sdk = t.provider.Tracer("github.com/dubbofn/dubbofn/tracing/otlp")
	return t, nil
}

// described is what the process is.
func described(c tracing.Config) *resource.Resource {
	all := []attribute.KeyValue{attribute.String("service.name", clean(c.Service))}
	if c.Instance != "" {
		all = append(all, attribute.String("service.instance.id", clean(c.Instance)))
	}
	if c.Function {
		all = append(all, attribute.String("faas.name", clean(c.Service)), attribute.String("faas.instance", clean(c.Instance)))
	}
	mine := resource.NewSchemaless(all...)
	if r, err := resource.Merge(resource.Default(), mine); err == nil {
		return r
	}
	return mine // the default one has no schema either
}

// refused tells whether a batch may itself be why it was not taken.
func refused(err error) bool {
	switch status.Code(err) {
	case codes.Unavailable, codes.DeadlineExceeded, codes.Canceled, codes.Unauthenticated, codes.PermissionDenied, codes.Unimplemented:
		return false
	default:
		return !errors.Is(err, context.DeadlineExceeded)
	}
}

// processor puts spans that have ended in the spool.
type processor struct {
	spool *spool.Spool[sdk.ReadOnlySpan]
}

// OnStart implements sdk.SpanProcessor.
func (processor) OnStart(context.Context, sdk.ReadWriteSpan) {}

// OnEnd implements sdk.SpanProcessor.
func (p processor) OnEnd(s sdk.ReadOnlySpan) {
	if s.SpanContext().IsSampled() {
		p.spool.Put(s)
	}
}

// Shutdown implements sdk.SpanProcessor; the tracer's Close does it.
func (processor) Shutdown(context.Context) error { return nil }

// ForceFlush implements sdk.SpanProcessor.
func (p processor) ForceFlush(ctx context.Context) error { return p.spool.Flush(ctx) }

type tracer struct {
	exporter *otlptrace.Exporter
	provider *sdk.TracerProvider
	sdk      trace.Tracer
	spool    *spool.Spool[sdk.ReadOnlySpan]
	function bool
	cancel   context.CancelFunc
}

// carrier is ours as OpenTelemetry has it.
type carrier struct{ tracing.Carrier }

// Keys implements propagation.TextMapCarrier; nothing that we read by asks for it.
func (carrier) Keys() []string { return nil }

// Start implements [tracing.Tracer].
func (t *tracer) Start(ctx context.Context, s tracing.Start) (context.Context, tracing.Span) {
	malformed := false
	if s.Kind == tracing.Entry && s.Carrier != nil {
		if s.Carrier.Get(tracing.KeyTraceparent) != "" {
			caller := trace.SpanContextFromContext(propagation.TraceContext{}.Extract(trace.ContextWithSpan(ctx, nil), carrier{s.Carrier}))
			if malformed = !caller.IsValid(); !malformed {
				ctx = trace.ContextWithRemoteSpanContext(ctx, caller)
			}
		}
	}
	options := []trace.SpanStartOption{trace.WithSpanKind(kind(s))}
	if !s.Begun.IsZero() {
		options = append(options, trace.WithTimestamp(s.Begun))
	}
	ctx, of := t.sdk.Start(ctx, name(s), options...)
	x := span{of}
	if of.IsRecording() {
		of.SetAttributes(t.attributes(s)...)
		if malformed {
			x.Tag("dubbofn.malformed", tracing.KeyTraceparent)
		}
	}
	if s.Kind == tracing.Exit && s.Carrier != nil {
		propagation.TraceContext{}.Inject(ctx, carrier{s.Carrier})
	}
	return tracing.Within(ctx, x), x
}

// Flush implements [tracing.Tracer].
func (t *tracer) Flush(ctx context.Context) error { return t.spool.Flush(ctx) }

// Close implements [tracing.Tracer].
func (t *tracer) Close(ctx context.Context) error {
	err := t.spool.Close(ctx)
	t.cancel()
	// What is left to do is quick: the connection is closed whatever they answer.
	_ = t.provider.Shutdown(ctx)
	_ = t.exporter.Shutdown(ctx)
	return err
}

// Stats implements [tracing.Counted].
func (t *tracer) Stats() tracing.Stats {
	st := t.spool.Stats()
	return tracing.Stats{Sent: st.Sent, Dropped: st.Dropped, Queued: st.Queued}
}
