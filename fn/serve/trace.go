package serve

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dubbofn/dubbofn/cold"
	"github.com/dubbofn/dubbofn/internal/environ"
	"github.com/dubbofn/dubbofn/tracing"
)

// spansTimeout is how long the spans that are left may take to be sent at the end.
const spansTimeout = 2 * time.Second

// checkTracing looks at the settings.
func (c *Config) checkTracing(bad func(field string, value any, why string)) {
	if !(c.TracingSample >= 0 && c.TracingSample <= 1) { // NaN is neither
		bad("TracingSample", c.TracingSample, "is out of range")
	}
}

// traces is the function's tracer. It is opened beside the rest of the start, and nothing waits for what it sends to. The first call's span tells how
// the process started.
type traces struct {
	tracing.Tracer
	ledger *cold.Ledger
	told   atomic.Bool
}

// within marks the context of calls that this process makes of itself.
type within struct{}

// openTraces begins to open what DUBBOFN_TRACING names. wait, which must be called before a call comes, gives nil where nothing is traced.
func openTraces(c Config, a *assembly, instance string, ledger *cold.Ledger, log *slog.Logger) (t *traces, wait func() error) {
	if c.Tracing == "" {
		return nil, func() error { return nil }
	}
	u, err := environ.URL[Config]("Tracing", c.Tracing)
	b := a.backends[u.Protocol]
	if err == nil && b == nil {
		err = fmt.Errorf("DUBBOFN_TRACING: this program has no tracing backend %q%s", u.Protocol, a.backendToAdd(u.Protocol))
	}
	if err != nil {
		return nil, func() error { return err }
	}
	t = &traces{ledger: ledger}
	opening := make(chan error, 1)
	go func() {
		var err error
		t.Tracer, err = b.Open(u, tracing.Config{Service: c.App, Instance: instance, Function: true, Sample: &c.TracingSample, Log: log})
		opening <- err
	}()
	return t, sync.OnceValue(func() error {
		if err := <-opening; err != nil {
			return fmt.Errorf("DUBBOFN_TRACING: %w", err)
		}
		return nil
	})
}

func (a *assembly) backendToAdd(scheme string) string {
	text := ""
	if len(a.backends) > 0 {
		text = ", only " + strings.Join(slices.Sorted(maps.Keys(a.backends)), ", ")
	}
	if scheme == "skywalking" || scheme == "otlp" {
		text += fmt.Sprintf(`; add it: import "github.com/dubbofn/dubbofn/tracing/%s" and serve.Main(…, %[1]s.Tracer)`, scheme)
	}
	return text
}

// Start implements [tracing.Tracer]. A method that an event calls here is no arrival: its span is within the event's, whatever trace the event came with.
func (t *traces) Start(ctx context.Context, s tracing.Start) (context.Context, tracing.Span) {
	if s.Kind == tracing.Entry && ctx.Value(within{}) != nil {
		s.Kind, s.Peer, s.Carrier = tracing.Local, "", nil
	}
	ctx, span := t.Tracer.Start(ctx, s)
	if s.Kind == tracing.Entry && !t.told.Load() && t.told.CompareAndSwap(false, true) {
		span.Tag("faas.coldstart", "true") // OpenTelemetry's name for it
		for _, e := range t.ledger.Record().Entries {
			span.Tag("dubbofn.start."+string(e.Name), fmt.Sprintf("%v+%v", e.At.Round(time.Microsecond), e.Took.Round(time.Microsecond)))
		}
	}
	return ctx, span
}

// handTo has parts that call others make spans too.
func (t *traces) handTo(parts []Outbound) {
	if t == nil {
		return
	}
	for _, p := range parts {
		if p, ok := p.(interface{ Trace(t tracing.Tracer) }); ok {
			p.Trace(t)
		}
	}
}

// close sends what is left of spans, for a while.
func (t *traces) close(ctx context.Context, log *slog.Logger) {
	if t == nil || t.Tracer == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, spansTimeout)
	defer cancel()
	if err := t.Tracer.Close(ctx); err != nil {
		log.Warn("spans were lost at the end", "error", err)
	}
}
