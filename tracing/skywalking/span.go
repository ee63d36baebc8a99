package skywalking

import (
	"strconv"
	"time"

	"github.com/SkyAPM/go2sky"
	"github.com/SkyAPM/go2sky/propagation"
	common "skywalking.apache.org/repo/goapi/collect/common/v3"
	agent "skywalking.apache.org/repo/goapi/collect/language/agent/v3"

	"github.com/dubbofn/dubbofn/internal/fault"
	"github.com/dubbofn/dubbofn/tracing"
)

// What a span holds at most; more of it is left out.
const (
	maxTags  = 64
	maxName  = 512
	maxPeer  = 256
	maxKey   = 128
	maxValue = 2 << 10
)

// span implements [tracing.Span], and go2sky.ReportedSpan for the reporter. Everything below seg is guarded by the segment's lock until the segment is
// sealed, and does not change afterwards.
type span struct {
	seg    *segment
	id     int32
	parent int32 // -1: it is the segment's first
	start  tracing.Start

	begun, ended time.Time
	tags         []tag
	few          [3]tag // room for the usual ones
	failure      *failure
}

type tag struct{ key, value string }

type failure struct {
	at                   time.Time
	kind, message, stack string
}

// Tag implements [tracing.Span]. A tag that there is already is replaced.
func (s *span) Tag(key, value string) {
	if len(value) > maxValue {
		value = value[:maxValue]
	}
	s.seg.mu.Lock()
	defer s.seg.mu.Unlock()
	if !s.ended.IsZero() {
		return
	}
	for i := range s.tags {
		if s.tags[i].key == key {
			s.tags[i].value = value
			return
		}
	}
	if len(s.tags) < maxTags && len(key) <= maxKey {
		s.tags = append(s.tags, tag{key, value})
	}
}

// Fail implements [tracing.Span]. The first failure is told.
func (s *span) Fail(err error) {
	if err == nil {
		return
	}
	kind, message, stack := fault.Of(err)
	s.seg.mu.Lock()
	defer s.seg.mu.Unlock()
	if s.ended.IsZero() && s.failure == nil {
		s.failure = &failure{time.Now(), kind, message, stack}
	}
}

// End implements [tracing.Span].
func (s *span) End() { s.seg.end(s) }

// IDs gives the trace, and the span as "segment.number".
func (s *span) IDs() (trace, id string) {
	return s.seg.trace, s.seg.id + "." + strconv.Itoa(int(s.id))
}

// Context implements go2sky.ReportedSpan. A segment that another one of this process caused has that one's as its parent, other than in go2sky, which
// says nothing of it.
func (s *span) Context() *go2sky.SegmentContext {
	c := &go2sky.SegmentContext{TraceID: s.seg.trace, SegmentID: s.seg.id, SpanID: s.id, ParentSpanID: s.parent, ParentSegmentID: s.seg.id}
	if s.parent < 0 {
		c.ParentSegmentID, c.ParentSpanID = s.seg.causeSegment, s.seg.causeSpan
	}
	return c
}

// Refs implements go2sky.ReportedSpan.
func (s *span) Refs() []*propagation.SpanContext {
	if s.parent >= 0 || s.seg.from == nil {
		return nil
	}
	return []*propagation.SpanContext{s.seg.from}
}

// StartTime implements go2sky.ReportedSpan.
func (s *span) StartTime() int64 { return s.begun.UnixMilli() }

// EndTime implements go2sky.ReportedSpan.
func (s *span) EndTime() int64 { return s.ended.UnixMilli() }

// OperationName implements go2sky.ReportedSpan.
func (s *span) OperationName() string { return s.start.Name }

// Peer implements go2sky.ReportedSpan.
func (s *span) Peer() string { return s.start.Peer }

// SpanType implements go2sky.ReportedSpan.
func (s *span) SpanType() agent.SpanType {
	switch s.start.Kind {
	case tracing.Entry:
		return agent.SpanType_Entry
	case tracing.Exit:
		return agent.SpanType_Exit
	default:
		return agent.SpanType_Local
	}
}

// SpanLayer implements go2sky.ReportedSpan.
func (s *span) SpanLayer() agent.SpanLayer { return agent.SpanLayer(s.start.Layer) }

// IsError implements go2sky.ReportedSpan.
func (s *span) IsError() bool { return s.failure != nil }

// ComponentID implements go2sky.ReportedSpan.
func (s *span) ComponentID() int32 { return int32(s.start.Component) }

// Tags implements go2sky.ReportedSpan.
func (s *span) Tags() []*common.KeyStringValuePair {
	all := make([]*common.KeyStringValuePair, len(s.tags))
	for i, t := range s.tags {
		all[i] = &common.KeyStringValuePair{Key: t.key, Value: t.value}
	}
	return all
}

// Logs implements go2sky.ReportedSpan: what the Java agent logs of an exception (AbstractTracingSpan.log(Throwable), 9.4.0).
func (s *span) Logs() []*agent.Log {
	f := s.failure
	if f == nil {
		return nil
	}
	data := []*common.KeyStringValuePair{{Key: "event", Value: "error"}, {Key: "error.kind", Value: f.kind}, {Key: "message", Value: f.message}}
	if f.stack != "" {
		data = append(data, &common.KeyStringValuePair{Key: "stack", Value: f.stack})
	}
	return []*agent.Log{{Time: f.at.UnixMilli(), Data: data}}
}

// weight is about what the span takes in memory.
func (s *span) weight() int {
	n := 400 + len(s.start.Name) + len(s.start.Peer)
	for _, t := range s.tags {
		n += len(t.key) + len(t.value)
	}
	if f := s.failure; f != nil {
		n += 200 + len(f.message) + len(f.stack)
	}
	return n
}

// mute is the span of a trace that is not sent, and of all below it.
type mute struct {
	t     *tracer
	trace string // the caller's; empty: this process began it
}

// Tag implements [tracing.Span].
func (*mute) Tag(string, string) {}

// Fail implements [tracing.Span].
func (*mute) Fail(error) {}

// End implements [tracing.Span].
func (*mute) End() {}

// IDs gives the caller's trace: one that begins here has no name before it goes on.
func (m *mute) IDs() (trace, id string) { return m.trace, "" }

// tell has the peer leave the trace out as well.
func (m *mute) tell(c tracing.Carrier, peer string) {
	c.Set(tracing.KeySW8, m.t.origin.encodeMute(m.trace, bounded(peer, maxPeer)))
}
