// Package tracetest has a tracer for tests, which keeps what it is given.
package tracetest

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/dubbofn/dubbofn/tracing"
)

// Key is the attachment or header that a [Recorder] carries traces in: "trace/span".
const Key = tracing.KeySW8

// Recorder is a [tracing.Tracer] that remembers its spans. The zero value is ready. Safe for concurrent use.
type Recorder struct {
	// Prefix makes the spans' names in carriers differ from those of other recorders.
	Prefix string

	mu      sync.Mutex
	last    int
	spans   []*span
	flushed int
	closed  int
}

// Span is what became of one.
type Span struct {
	tracing.Start
	Trace, ID, Parent string // Parent is empty at the beginning of a trace
	Tags              map[string]string
	Err               error
	Ended             time.Time // zero: not yet
	Late              bool      // it ended after the span that it is within
}

type span struct {
	r *Recorder
	s Span
	// up is the parent in this process.
	up *span
}

// Start implements [tracing.Tracer].
func (r *Recorder) Start(ctx context.Context, s tracing.Start) (context.Context, tracing.Span) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last++
	x := &span{r: r, s: Span{Start: s, ID: r.Prefix + strconv.Itoa(r.last), Tags: map[string]string{}}}
	if s.Begun.IsZero() {
		x.s.Begun = time.Now()
	}
	x.up, _ = tracing.Current(ctx).(*span)
	x.s.Trace = "trace-of-" + x.s.ID
	if x.up != nil {
		x.s.Trace, x.s.Parent = x.up.s.Trace, x.up.s.ID
	} else if s.Kind == tracing.Entry && s.Carrier != nil {
		if trace, parent, ok := strings.Cut(s.Carrier.Get(Key), "/"); ok {
			x.s.Trace, x.s.Parent = trace, parent
		}
	}
	if s.Kind == tracing.Exit && s.Carrier != nil {
		s.Carrier.Set(Key, x.s.Trace+"/"+x.s.ID)
	}
	r.spans = append(r.spans, x)
	return tracing.Within(ctx, x), x
}

// IDs tells logs who the span is.
func (x *span) IDs() (trace, span string) { return x.s.Trace, x.s.ID }

// Tag implements [tracing.Span].
func (x *span) Tag(key, value string) {
	x.r.mu.Lock()
	defer x.r.mu.Unlock()
	if x.s.Ended.IsZero() {
		x.s.Tags[key] = value
	}
}

// Fail implements [tracing.Span].
func (x *span) Fail(err error) {
	x.r.mu.Lock()
	defer x.r.mu.Unlock()
	if x.s.Ended.IsZero() && err != nil {
		x.s.Err = err
	}
}

// End implements [tracing.Span].
func (x *span) End() {
	x.r.mu.Lock()
	defer x.r.mu.Unlock()
	if x.s.Ended.IsZero() {
		x.s.Ended = time.Now()
		x.s.Late = x.up != nil && !x.up.s.Ended.IsZero()
	}
}

// Flush counts.
func (r *Recorder) Flush(context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.flushed++
	return nil
}

// Close counts.
func (r *Recorder) Close(context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed++
	return nil
}

// Spans gives all, in the order in which they began.
func (r *Recorder) Spans() []Span {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]Span, 0, len(r.spans))
	for _, x := range r.spans {
		s := x.s
		s.Tags = maps.Clone(s.Tags)
		all = append(all, s)
	}
	return all
}

// Open tells how many have not ended.
func (r *Recorder) Open() (n int) {
	for _, s := range r.Spans() {
		if s.Ended.IsZero() {
			n++
		}
	}
	return n
}

// Closed tells how often the recorder was closed.
func (r *Recorder) Closed() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.closed
}

// Of gives the spans of one kind.
func (r *Recorder) Of(kind tracing.Kind) []Span {
	return slices.DeleteFunc(r.Spans(), func(s Span) bool { return s.Kind != kind })
}
