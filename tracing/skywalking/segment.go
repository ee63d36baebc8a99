package skywalking

import (
	"encoding/hex"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/SkyAPM/go2sky"
	"github.com/SkyAPM/go2sky/propagation"

	"github.com/dubbofn/dubbofn/tracing"
)

const (
	// maxSpans is what a segment holds (Java: agent.span_limit_per_segment). Further spans go into further segments of the same trace.
	maxSpans = 300
	// patience is how long a segment whose first span has ended waits for the others.
	patience = 5 * time.Second
	// maxWaiting bounds the segments that wait so.
	maxWaiting = 1 << 10
)

// segment is the spans of one arrival, which are sent together. go2sky has a goroutine for each; here nothing runs for one, so that a span that never
// ends costs nothing but itself.
type segment struct {
	t           *tracer
	trace, id   string
	endpoint    string                   // its first span's name
	correlation string                   // sw8-correlation, as it came
	from        *propagation.SpanContext // the caller in another process, or nil
	// causeSegment and causeSpan tell of the span in this process that the segment goes on from; "" and -1: none.
	causeSegment string
	causeSpan    int32

	mu     sync.Mutex
	spans  []*span // in the order in which they began
	open   int     // those that have not ended
	sealed bool    // handed over: nothing joins it or changes
	waits  bool    // for spans that have not ended, though the first has
	timer  *time.Timer
	first  [2]*span // room for an Entry and an Exit
}

// newIDs gives two names that are as good as unique: 128 random bits each, as go2sky's look.
func newIDs() (one, other string) {
	var b [32]byte
	for i := 0; i < len(b); i += 8 {
		r := rand.Uint64()
		for j := range 8 {
			b[i+j] = byte(r >> (8 * j))
		}
	}
	var h [64]byte
	hex.Encode(h[:], b[:])
	s := string(h[:])
	return s[:32], s[32:]
}

// join adds a span, unless the segment is sealed or full.
func (g *segment) join(s *span) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.sealed || len(g.spans) >= maxSpans {
		return false
	}
	s.seg, s.id = g, int32(len(g.spans))
	g.spans = append(g.spans, s)
	g.open++
	return true
}

// end ends a span, and the segment with the last one. A segment whose first span has ended waits a while for the others.
func (g *segment) end(s *span) {
	g.mu.Lock()
	if !s.ended.IsZero() {
		g.mu.Unlock()
		return
	}
	s.ended = time.Now()
	g.open--
	over := !g.spans[0].ended.IsZero()
	if !over || g.open > 0 {
		wait := over && !g.waits
		g.waits = g.waits || wait
		g.mu.Unlock()
		if wait {
			g.t.await(g)
		}
		return
	}
	reported := g.seal()
	g.mu.Unlock()
	g.t.put(g, reported)
}

// giveUp seals a segment as it is. What has not ended by then is marked, and ends now: the spans of other processes that refer to it find it.
func (g *segment) giveUp() {
	g.mu.Lock()
	if g.sealed {
		g.mu.Unlock()
		return
	}
	now := time.Now()
	for _, s := range g.spans {
		if s.ended.IsZero() {
			s.tags = append(s.tags, tag{"dubbofn.unfinished", "true"})
			s.ended = now
		}
	}
	reported := g.seal()
	g.mu.Unlock()
	g.t.put(g, reported)
}

// seal gives the spans as go2sky reports them: the first comes last.
func (g *segment) seal() []go2sky.ReportedSpan {
	g.sealed = true
	reported := make([]go2sky.ReportedSpan, len(g.spans))
	for i, s := range g.spans {
		if i > 0 {
			reported[i-1] = s
		}
	}
	reported[len(g.spans)-1] = g.spans[0]
	g.spans = nil
	if g.timer != nil {
		g.timer.Stop()
	}
	return reported
}

// newSegment begins one with its first span.
func (t *tracer) newSegment(s *span, from *propagation.SpanContext, cause *span, carrier tracing.Carrier) *segment {
	trace, id := newIDs()
	g := &segment{t: t, trace: trace, id: id, endpoint: s.start.Name, from: from, causeSpan: -1, open: 1}
	switch {
	case from != nil:
		g.trace = from.TraceID
		g.correlation = correlation(carrier.Get(tracing.KeySW8Correlation))
	case cause != nil:
		g.trace, g.correlation, g.endpoint = cause.seg.trace, cause.seg.correlation, cause.seg.endpoint
		g.causeSegment, g.causeSpan = cause.seg.id, cause.id
	}
	g.first[0] = s
	g.spans = g.first[:1]
	s.seg, s.id, s.parent = g, 0, -1
	return g
}
