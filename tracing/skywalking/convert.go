package skywalking

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/SkyAPM/go2sky"
	common "skywalking.apache.org/repo/goapi/collect/common/v3"
	agent "skywalking.apache.org/repo/goapi/collect/language/agent/v3"
)

// segment writes the spans of a segment, the first of which comes last, as the server takes them.
func (r *Reporter) segment(spans []go2sky.ReportedSpan) *agent.SegmentObject {
	root := spans[len(spans)-1].Context()
	g := &agent.SegmentObject{
		TraceId: clean(root.TraceID), TraceSegmentId: root.SegmentID, Service: clean(r.service), ServiceInstance: clean(r.instance),
		Spans: make([]*agent.SpanObject, len(spans)),
	}
	for i, s := range spans {
		c := s.Context()
		o := &agent.SpanObject{
			SpanId: c.SpanID, ParentSpanId: c.ParentSpanID, StartTime: s.StartTime(), EndTime: s.EndTime(),
			OperationName: clean(s.OperationName()), Peer: clean(s.Peer()), SpanType: s.SpanType(), SpanLayer: s.SpanLayer(), ComponentId: s.ComponentID(),
			IsError: s.IsError(), Tags: cleaned(s.Tags()), Logs: cleanedLogs(s.Logs()),
		}
		if i == len(spans)-1 {
			o.ParentSpanId = -1
			if c.ParentSegmentID != "" && c.ParentSegmentID != c.SegmentID {
				o.Refs = append(o.Refs, r.crossThread(c))
			}
		}
		for _, from := range s.Refs() {
			o.Refs = append(o.Refs, &agent.SegmentReference{
				RefType: agent.RefType_CrossProcess, TraceId: clean(from.TraceID),
				ParentTraceSegmentId: clean(from.ParentSegmentID), ParentSpanId: from.ParentSpanID,
				ParentService: clean(from.ParentService), ParentServiceInstance: clean(from.ParentServiceInstance),
				ParentEndpoint: clean(from.ParentEndpoint), NetworkAddressUsedAtPeer: clean(from.AddressUsedAtClient),
			})
		}
		g.Spans[i] = o
	}
	return g
}

// crossThread refers to a span of this process in another segment. go2sky loses which of the segment's it was, and gives -1: then it is the first.
func (r *Reporter) crossThread(c *go2sky.SegmentContext) *agent.SegmentReference {
	ref := &agent.SegmentReference{
		RefType: agent.RefType_CrossThread, TraceId: clean(c.TraceID), ParentTraceSegmentId: c.ParentSegmentID, ParentSpanId: max(c.ParentSpanID, 0),
		ParentService: clean(r.service), ParentServiceInstance: clean(r.instance),
	}
	if c.FirstSpan != nil {
		ref.ParentEndpoint = clean(c.FirstSpan.GetOperationName())
	}
	return ref
}

// clean makes text of what may be anything: one byte that is no UTF-8 would cost the whole batch.
func clean(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// cleaned gives pairs that can be sent; those that can't be are copied.
func cleaned(pairs []*common.KeyStringValuePair) []*common.KeyStringValuePair {
	for i, p := range pairs {
		if !utf8.ValidString(p.GetKey()) || !utf8.ValidString(p.GetValue()) {
			pairs = slices.Clone(pairs)
			for j := i; j < len(pairs); j++ {
				pairs[j] = &common.KeyStringValuePair{Key: clean(pairs[j].GetKey()), Value: clean(pairs[j].GetValue())}
			}
			return pairs
		}
	}
	return pairs
}

func cleanedLogs(logs []*agent.Log) []*agent.Log {
	all := make([]*agent.Log, len(logs))
	for i, l := range logs {
		all[i] = &agent.Log{Time: l.GetTime(), Data: cleaned(l.GetData())}
	}
	return all
}

// weigh counts a segment's spans, and about what they take in memory.
func weigh(spans []go2sky.ReportedSpan) (n, bytes int) {
	for _, s := range spans {
		if ours, ok := s.(*span); ok {
			bytes += ours.weight()
			continue
		}
		bytes += 400 + len(s.OperationName()) + len(s.Peer())
		for _, t := range s.Tags() {
			bytes += 64 + len(t.GetKey()) + len(t.GetValue())
		}
		for _, l := range s.Logs() {
			for _, d := range l.GetData() {
				bytes += 64 + len(d.GetKey()) + len(d.GetValue())
			}
		}
	}
	return len(spans), bytes
}
