package skywalking

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/SkyAPM/go2sky"
	"github.com/SkyAPM/go2sky/propagation"

	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/tracing"
)

// Tracer is the part of a program that sends spans to SkyWalking's OAP server: serve.Main(service, skywalking.Tracer), DUBBOFN_TRACING=skywalking://oap:11800.
// See [NewReporter] for what the URL may say.
var Tracer tracing.Backend = backend{}

type backend struct{}

// Name implements [tracing.Backend].
func (backend) Name() string { return "skywalking" }

// Open implements [tracing.Backend].
func (backend) Open(u invoker.URL, c tracing.Config) (tracing.Tracer, error) {
	r, err := NewReporter(u, c)
	if err != nil {
		return nil, err
	}
	r.Boot(c.Service, r.instance, nil)
	return newTracer(r, c), nil
}

// tracer makes spans for a reporter.
type tracer struct {
	r      *Reporter
	origin origin
	sample float64
	quiet  *mute // of every trace that begins here and is not sent

	mu      sync.Mutex
	waiting map[*segment]struct{} // whose first span has ended, and others have not
	closed  bool                  // nothing waits any more
}

func newTracer(r *Reporter, c tracing.Config) *tracer {
	t := &tracer{r: r, origin: newOrigin(c.Service, r.instance), sample: 1, waiting: map[*segment]struct{}{}}
	t.quiet = &mute{t: t}
	if c.Sample != nil {
		t.sample = *c.Sample
	}
	return t
}

// Start implements [tracing.Tracer].
func (t *tracer) Start(ctx context.Context, s tracing.Start) (context.Context, tracing.Span) {
	var from *propagation.SpanContext
	malformed := false
	if s.Kind == tracing.Entry && s.Carrier != nil {
		if header := s.Carrier.Get(tracing.KeySW8); header != "" {
			var err error
			from, err = decode(header)
			malformed = err != nil
		}
	}
	parent, quiet := t.above(ctx)
	switch {
	case from != nil && from.Sample == 0:
		quiet = &mute{t: t, trace: from.TraceID}
	case from != nil:
		parent, quiet = nil, nil
	case parent == nil && quiet == nil && !(t.sample >= 1 || t.sample > rand.Float64()):
		quiet = t.quiet
	}
	if quiet != nil {
		if s.Kind == tracing.Exit && s.Carrier != nil {
			quiet.tell(s.Carrier, s.Peer)
		}
		if tracing.Current(ctx) == tracing.Span(quiet) {
			return ctx, quiet
		}
		return tracing.Within(ctx, quiet), quiet
	}
	x := t.begin(s, from, parent)
	if malformed {
		x.Tag("dubbofn.malformed", tracing.KeySW8)
	}
	return tracing.Within(ctx, x), x
}

// above gives the span of this tracer that ctx is within: one that is sent, or a mute one.
func (t *tracer) above(ctx context.Context) (*span, *mute) {
	switch p := tracing.Current(ctx).(type) {
	case *span:
		if p.seg.t == t {
			return p, nil
		}
	case *mute:
		if p.t == t {
			return nil, p
		}
	}
	return nil, nil
}

// begin makes a span that is sent: in its parent's segment where that takes it, else in one of its own.
func (t *tracer) begin(s tracing.Start, from *propagation.SpanContext, parent *span) *span {
	carrier := s.Carrier
	s.Carrier = nil // the caller's, which is not kept
	s.Name, s.Peer = bounded(s.Name, maxName), bounded(s.Peer, maxPeer)
	if s.Kind == tracing.Exit && s.Peer == "" {
		s.Peer = "unknown" // an Exit without one is refused
	}
	x := &span{start: s, begun: s.Begun}
	if x.begun.IsZero() {
		x.begun = time.Now()
	}
	x.tags = x.few[:0]
	if parent != nil {
		x.parent = parent.id
	}
	if parent == nil || !parent.seg.join(x) {
		t.newSegment(x, from, parent, carrier)
	}
	switch {
	case carrier == nil:
	case s.Kind == tracing.Exit:
		g := x.seg
		carrier.Set(tracing.KeySW8, t.origin.encode(g.trace, g.id, x.id, g.endpoint, s.Peer))
		if g.correlation != "" {
			carrier.Set(tracing.KeySW8Correlation, g.correlation)
		}
	case s.Kind == tracing.Entry:
		if v := carrier.Get(tracing.KeyTraceparent); v != "" {
			x.Tag(tracing.KeyTraceparent, bounded(v, maxKey))
		}
	}
	return x
}

func bounded(s string, most int) string { return s[:min(len(s), most)] }

// put hands a sealed segment over.
func (t *tracer) put(g *segment, reported []go2sky.ReportedSpan) {
	if g.waits {
		t.forget(g)
	}
	t.r.Send(reported)
}

func (t *tracer) forget(g *segment) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.waiting, g)
}

// await has a segment wait for those of its spans that have not ended.
func (t *tracer) await(g *segment) {
	t.mu.Lock()
	now := t.closed || len(t.waiting) >= maxWaiting
	if !now {
		t.waiting[g] = struct{}{}
	}
	t.mu.Unlock()
	if now {
		g.giveUp()
		return
	}
	g.mu.Lock()
	sealed := g.sealed
	if !sealed {
		g.timer = time.AfterFunc(patience, g.giveUp)
	}
	g.mu.Unlock()
	if sealed { // meanwhile, by the last of its spans
		t.forget(g)
	}
}

// hurry sends what waits.
func (t *tracer) hurry() {
	t.mu.Lock()
	all := make([]*segment, 0, len(t.waiting))
	for g := range t.waiting {
		all = append(all, g)
	}
	t.mu.Unlock()
	for _, g := range all {
		g.giveUp()
	}
}

// Flush implements [tracing.Tracer].
func (t *tracer) Flush(ctx context.Context) error {
	t.hurry()
	return t.r.Flush(ctx)
}

// Close implements [tracing.Tracer].
func (t *tracer) Close(ctx context.Context) error {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.hurry()
	return t.r.Shutdown(ctx)
}

// Stats implements [tracing.Counted].
func (t *tracer) Stats() tracing.Stats { return t.r.Stats() }
