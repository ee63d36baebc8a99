package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/dubbofn/dubbofn/internal/environ"
	"github.com/dubbofn/dubbofn/tracing"
	"github.com/dubbofn/dubbofn/tracing/otlp"
	"github.com/dubbofn/dubbofn/tracing/skywalking"
)

// spansTimeout is how long the spans that are left may take to be sent at the end.
const spansTimeout = 2 * time.Second

// linked are where an always-on part can send spans: it links them all, since it starts once.
func linked() []tracing.Backend { return []tracing.Backend{skywalking.Tracer, otlp.Tracer} }

// backends gives them by the schemes of their URLs.
func (c *Activator) backends() map[string]tracing.Backend {
	all := c.Backends
	if all == nil {
		all = linked()
	}
	by := map[string]tracing.Backend{}
	for _, b := range all {
		by[b.Name()] = b
	}
	return by
}

func (c *Activator) resolveTracing(bad func(field string, value any, why string)) error {
	if !(c.TracingSample >= 0 && c.TracingSample <= 1) { // NaN is neither
		bad("TracingSample", c.TracingSample, "is out of range")
	}
	if c.Tracing == "" {
		return nil
	}
	if c.TracingService == "" {
		bad("TracingService", "", "is empty")
	}
	var err error
	if c.tracing, err = environ.URL[Activator]("Tracing", c.Tracing); err != nil {
		return err
	}
	if all := c.backends(); all[c.tracing.Protocol] == nil {
		return fmt.Errorf("DUBBOFN_TRACING: there is no tracing backend %q, only %s", c.tracing.Protocol, strings.Join(slices.Sorted(maps.Keys(all)), ", "))
	}
	return nil
}

// openTracer gives nil where nothing is traced.
func (c *Activator) openTracer(log *slog.Logger) (tracing.Tracer, error) {
	if c.Tracing == "" {
		return nil, nil
	}
	instance, err := os.Hostname() // on Kubernetes the pod's name
	if err != nil {
		instance = "unknown"
	}
	t, err := c.backends()[c.tracing.Protocol].Open(c.tracing, tracing.Config{Service: c.TracingService, Instance: instance, Sample: &c.TracingSample, Log: log})
	if err != nil {
		return nil, fmt.Errorf("DUBBOFN_TRACING: %w", err)
	}
	return t, nil
}

// closeTracer sends what is left of spans, for a while.
func (f *Front) closeTracer(ctx context.Context) {
	if f.tracer == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, spansTimeout)
	defer cancel()
	if err := f.tracer.Close(ctx); err != nil {
		f.log.Warn("activator: spans were lost at the end", "error", err)
	}
}
