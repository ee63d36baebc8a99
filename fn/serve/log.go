package serve

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"

	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/tracing"
)

// newLogger makes the process's logger from DUBBOFN_LOG_LEVEL and DUBBOFN_LOG_FORMAT.
func newLogger(w io.Writer, c Config) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		level = slog.LevelInfo
	}
	options := &slog.HandlerOptions{Level: level}
	var h slog.Handler = slog.NewTextHandler(w, options)
	if c.LogFormat == "json" {
		h = slog.NewJSONHandler(w, options)
	}
	return slog.New(correlated{handler: h})
}

// useLogger makes l what [slog.InfoContext] and the like use, and, as [slog.SetDefault] has it, package log. A program that has chosen its own
// handler before keeps it: its lines only get to know their call.
func useLogger(l *slog.Logger) {
	h := slog.Default().Handler()
	switch _, already := h.(correlated); {
	case already:
	case fmt.Sprintf("%T", h) == "*slog.defaultHandler": // of package slog, where nobody has chosen; it may not be wrapped
		slog.SetDefault(l)
	default:
		slog.SetDefault(slog.New(correlated{handler: h}))
	}
}

// correlated adds to each line what call it belongs to: trace_id and span_id, where spans are made, service and method. A line that says one of these
// itself keeps what it says.
type correlated struct {
	handler slog.Handler
	// grouped is what was asked for since a group was opened: what is added goes outside of groups, so it must come before them.
	grouped []func(slog.Handler) slog.Handler
	inside  slog.Handler // handler with grouped applied; nil without a group
}

// Enabled implements [slog.Handler].
func (c correlated) Enabled(ctx context.Context, level slog.Level) bool {
	return c.handler.Enabled(ctx, level)
}

// Handle implements [slog.Handler].
func (c correlated) Handle(ctx context.Context, r slog.Record) error {
	var room [4]slog.Attr
	attrs := room[:0]
	add := func(key, value string) {
		if value != "" {
			attrs = append(attrs, slog.String(key, value))
		}
	}
	trace, span := tracing.IDs(ctx)
	add("trace_id", trace)
	add("span_id", span)
	if inv := invoker.FromContext(ctx); inv != nil {
		add("service", inv.Service.Interface)
		add("method", inv.Method)
	}
	switch {
	case c.inside == nil && len(attrs) == 0:
		return c.handler.Handle(ctx, r)
	case c.inside == nil:
		r = r.Clone()
		r.AddAttrs(missing(r, attrs)...)
		return c.handler.Handle(ctx, r)
	case len(attrs) == 0:
		return c.inside.Handle(ctx, r)
	}
	h := c.handler.WithAttrs(append([]slog.Attr(nil), attrs...))
	for _, again := range c.grouped {
		h = again(h)
	}
	return h.Handle(ctx, r)
}

// missing gives those that r does not have.
func missing(r slog.Record, attrs []slog.Attr) []slog.Attr {
	r.Attrs(func(a slog.Attr) bool {
		for i := range attrs {
			if attrs[i].Key == a.Key {
				attrs[i] = slog.Attr{} // which handlers leave out
			}
		}
		return true
	})
	return attrs
}

// WithAttrs implements [slog.Handler].
func (c correlated) WithAttrs(attrs []slog.Attr) slog.Handler {
	if c.inside == nil {
		return correlated{handler: c.handler.WithAttrs(attrs)}
	}
	return c.within(func(h slog.Handler) slog.Handler { return h.WithAttrs(attrs) })
}

// WithGroup implements [slog.Handler].
func (c correlated) WithGroup(name string) slog.Handler {
	if name == "" {
		return c
	}
	return c.within(func(h slog.Handler) slog.Handler { return h.WithGroup(name) })
}

func (c correlated) within(apply func(slog.Handler) slog.Handler) correlated {
	inside := c.inside
	if inside == nil {
		inside = c.handler
	}
	return correlated{handler: c.handler, grouped: append(slices.Clip(c.grouped), apply), inside: apply(inside)}
}
