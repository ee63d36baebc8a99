package skywalking_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/SkyAPM/go2sky/propagation"
	"github.com/google/go-cmp/cmp"
	agent "skywalking.apache.org/repo/goapi/collect/language/agent/v3"

	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/tracing"
)

// line shows a span as tests compare it.
func line(o *agent.SpanObject) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d<%d %s %s %s peer=%s component=%d", o.GetSpanId(), o.GetParentSpanId(), o.GetSpanType(), o.GetSpanLayer(), o.GetOperationName(), o.GetPeer(), o.GetComponentId())
	for _, t := range o.GetTags() {
		fmt.Fprintf(&b, " %s=%s", t.GetKey(), t.GetValue())
	}
	if o.GetIsError() {
		for _, d := range o.GetLogs()[0].GetData() {
			fmt.Fprintf(&b, " %s=%s", d.GetKey(), d.GetValue())
		}
	}
	return b.String()
}

func lines(g *agent.SegmentObject) (all []string) {
	for _, o := range g.GetSpans() {
		all = append(all, line(o))
	}
	return all
}

func TestASegmentHasWhatTheJavaAgentsHas(t *testing.T) {
	t.Parallel()
	var s sink
	at, _ := s.listen(t, "127.0.0.1:0")
	tr := open(t, "skywalking://"+at, tracing.Config{Function: true})
	from := propagation.SpanContext{
		Sample: 1, TraceID: "t1", ParentSegmentID: "s1", ParentSpanID: 3, ParentService: "java", ParentServiceInstance: "java@1", ParentEndpoint: "GET:/", AddressUsedAtClient: "10.0.0.1:20880",
	}
	in := carrier{"sw8": from.EncodeSW8(), "sw8-correlation": "YQ==:Yg==", "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
	ctx, entry := tr.Start(t.Context(), tracing.Start{Kind: tracing.Entry, Name: "demo.Greeter.greet(String)", Peer: "10.0.0.9:1", Layer: tracing.LayerRPC, Component: tracing.ComponentDubbo, Carrier: in})
	trace, id := tracing.IDs(ctx)
	out := carrier{}
	_, exit := tr.Start(ctx, tracing.Start{Kind: tracing.Exit, Name: "demo.Stock.take(int)", Peer: "10.0.0.2:20880", Layer: tracing.LayerRPC, Component: tracing.ComponentDubbo, Carrier: out})
	exit.Fail(fmt.Errorf("try: %w", &invoker.Exception{Class: "demo.OutOfStock", Message: "none left"}))
	exit.End()
	exit.End()
	exit.Tag("late", "x")
	local, in3 := tr.Start(ctx, tracing.Start{Name: "dubbofn/parked", Layer: tracing.LayerFaaS})
	tracing.Current(local).Tag("why", "cold")
	in3.End()
	entry.End()
	if err := tr.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	g := s.all()["demo.Greeter.greet(String)"]
	want := []string{
		"1<0 Exit RPCFramework demo.Stock.take(int) peer=10.0.0.2:20880 component=3 event=error error.kind=demo.OutOfStock message=none left",
		"2<0 Local FAAS dubbofn/parked peer= component=0 why=cold",
		"0<-1 Entry RPCFramework demo.Greeter.greet(String) peer=10.0.0.9:1 component=3 traceparent=" + in["traceparent"],
	}
	if d := cmp.Diff(want, lines(g)); d != "" {
		t.Error(d)
	}
	if trace != "t1" || g.GetTraceId() != "t1" || id != g.GetTraceSegmentId()+".0" || g.GetService() != "shop" || g.GetServiceInstance() != "shop@1" {
		t.Errorf("within %s %s: %v", trace, id, g)
	}
	ref := g.GetSpans()[2].GetRefs()[0]
	if ref.GetRefType() != agent.RefType_CrossProcess || ref.GetParentTraceSegmentId() != "s1" || ref.GetParentSpanId() != 3 || ref.GetParentService() != "java" ||
		ref.GetParentServiceInstance() != "java@1" || ref.GetParentEndpoint() != "GET:/" || ref.GetNetworkAddressUsedAtPeer() != "10.0.0.1:20880" || ref.GetTraceId() != "t1" {
		t.Errorf("%v", ref)
	}
	var sent propagation.SpanContext
	if err := sent.DecodeSW8(out["sw8"]); err != nil {
		t.Fatal(err)
	}
	wantSent := propagation.SpanContext{
		Sample: 1, Valid: true, TraceID: "t1", ParentSegmentID: g.GetTraceSegmentId(), ParentSpanID: 1, ParentService: "shop", ParentServiceInstance: "shop@1",
		ParentEndpoint: "demo.Greeter.greet(String)", AddressUsedAtClient: "10.0.0.2:20880",
	}
	if d := cmp.Diff(wantSent, sent); d != "" || out["sw8-correlation"] != "YQ==:Yg==" {
		t.Errorf("%s%v", d, out)
	}
}

func TestMalformedHeadersBeginANewTrace(t *testing.T) {
	t.Parallel()
	var s sink
	at, _ := s.listen(t, "127.0.0.1:0")
	tr := open(t, "skywalking://"+at, tracing.Config{})
	bad := []string{
		"1-x", "garbage", "1-!!-!!-1-a-b-c-d", "9999-a", strings.Repeat("-", 9), "1-MQ-MQ-0-MQ-MQ-MQ-MQ", "2-MQ==-MQ==-0-MQ==-MQ==-MQ==-MQ==", "1-MQ==-MQ==--1-MQ==-MQ==-MQ==-MQ==",
		"1--MQ==-0-MQ==-MQ==-MQ==-MQ==", "1-/w==-MQ==-0-MQ==-MQ==-MQ==-MQ==", "1-MQ==-MQ==-0-MQ==-MQ==-MQ==-MQ==-MQ==", "1-MQ==-MQ==-99999999999-MQ==-MQ==-MQ==-MQ==", strings.Repeat("A", 1<<20),
	}
	for i, h := range bad {
		call(t.Context(), tr, fmt.Sprint(i), carrier{"sw8": h})
	}
	if err := tr.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	all := s.all()
	for i, h := range bad {
		g := all[fmt.Sprint(i)]
		root := g.GetSpans()[len(g.GetSpans())-1]
		if len(g.GetTraceId()) != 32 || len(root.GetRefs()) != 0 || root.GetTags()[0].GetKey() != "dubbofn.malformed" {
			t.Errorf("%.40q: %v", h, g)
		}
	}
}

func TestATraceIsWholeOrAbsent(t *testing.T) {
	t.Parallel()
	var s sink
	at, _ := s.listen(t, "127.0.0.1:0")
	none := 0.0
	first := open(t, "skywalking://"+at, tracing.Config{Sample: &none})
	second := open(t, "skywalking://"+at, tracing.Config{})
	var traces []string
	for range 2 {
		told := call(t.Context(), first, "a", carrier{})
		if !strings.HasPrefix(told["sw8"], "0-") {
			t.Errorf("the next is told %q", told)
		}
		told = call(t.Context(), second, "b", told)
		var c propagation.SpanContext
		if err := c.DecodeSW8(told["sw8"]); err != nil || c.Sample != 0 || c.ParentEndpoint != "" || c.ParentService != "shop" || c.AddressUsedAtClient != "10.0.0.2:20880" {
			t.Errorf("%v: %+v", err, c)
		}
		traces = append(traces, c.TraceID)
	}
	if traces[0] == traces[1] || len(traces[0]) != 16 {
		t.Error(traces)
	}
	for _, tr := range []tracing.Tracer{first, second} {
		if err := tr.Flush(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if s.len() != 0 {
		t.Errorf("%d segments", s.len())
	}
	call(t.Context(), first, "sampled by its caller", call(t.Context(), second, "begins", carrier{}))
	for _, tr := range []tracing.Tracer{first, second} {
		if err := tr.Flush(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if s.len() != 2 {
		t.Errorf("%d segments, want 2", s.len())
	}
}

func TestASpanThatOutlivesItsSegmentsFirstIsInIt(t *testing.T) {
	t.Parallel()
	var s sink
	at, _ := s.listen(t, "127.0.0.1:0")
	tr := open(t, "skywalking://"+at, tracing.Config{})
	ctx, entry := tr.Start(t.Context(), tracing.Start{Kind: tracing.Entry, Name: "root"})
	within, late := tr.Start(ctx, tracing.Start{Kind: tracing.Exit, Name: "late", Peer: "p:1"})
	_, never := tr.Start(ctx, tracing.Start{Name: "never"})
	entry.End()
	_, more := tr.Start(within, tracing.Start{Name: "began late"})
	more.End()
	late.End()
	if err := tr.Flush(t.Context()); err != nil { // which waits for nobody
		t.Fatal(err)
	}
	want := []string{
		"1<0 Exit Unknown late peer=p:1 component=0", "2<0 Local Unknown never peer= component=0 dubbofn.unfinished=true",
		"3<1 Local Unknown began late peer= component=0", "0<-1 Entry Unknown root peer= component=0",
	}
	root := s.all()["root"]
	if d := cmp.Diff(want, lines(root)); d != "" {
		t.Error(d)
	}
	never.End()
	_, after := tr.Start(within, tracing.Start{Name: "after"})
	after.End()
	if err := tr.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	g := s.all()["after"]
	ref := g.GetSpans()[0].GetRefs()[0]
	if g.GetTraceId() != root.GetTraceId() || ref.GetRefType() != agent.RefType_CrossThread || ref.GetParentTraceSegmentId() != root.GetTraceSegmentId() || ref.GetParentSpanId() != 1 {
		t.Errorf("what began after the segment went is no part of the trace: %v", g)
	}
	if s.len() != 2 {
		t.Errorf("%d segments", s.len())
	}
}

func TestASegmentIsBounded(t *testing.T) {
	t.Parallel()
	var s sink
	at, _ := s.listen(t, "127.0.0.1:0")
	tr := open(t, "skywalking://"+at, tracing.Config{})
	ctx, entry := tr.Start(t.Context(), tracing.Start{Kind: tracing.Entry, Name: "root"})
	long := strings.Repeat("v", 1<<16)
	for range 1000 {
		_, x := tr.Start(ctx, tracing.Start{Name: "x"})
		for i := range 100 {
			x.Tag(fmt.Sprint(i), long)
		}
		x.End()
	}
	entry.End()
	if err := tr.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	st := tr.(tracing.Counted).Stats()
	if st.Sent+st.Dropped != 1001 || st.Dropped == 0 {
		t.Errorf("%+v: 1001 spans of 128 KiB", st)
	}
}

func TestUnendedSpansLeaveNothingBehind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tr := open(t, "skywalking://127.0.0.1:1", tracing.Config{})
		for range 1000 {
			ctx, entry := tr.Start(context.Background(), tracing.Start{Kind: tracing.Entry, Name: "root"})
			tr.Start(ctx, tracing.Start{Name: "never ended"})
			entry.End()
			tr.Start(context.Background(), tracing.Start{Kind: tracing.Entry, Name: "never ended either"})
		}
		if st := tr.(tracing.Counted).Stats(); st.Queued != 0 {
			t.Errorf("before their time: %+v", st)
		}
		if n := runtime.NumGoroutine(); n > 100 {
			t.Errorf("%d goroutines", n)
		}
		time.Sleep(6 * time.Second)
		if st := tr.(tracing.Counted).Stats(); st.Queued != 2000 {
			t.Errorf("after their time: %+v", st)
		}
		if err := closeWithin(tr, time.Millisecond); err == nil || !strings.Contains(err.Error(), "2000 spans") {
			t.Error(err)
		}
	})
}

func TestSpansAreSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	var s sink
	at, _ := s.listen(t, "127.0.0.1:0")
	tr := open(t, "skywalking://"+at, tracing.Config{})
	ctx, entry := tr.Start(t.Context(), tracing.Start{Kind: tracing.Entry, Name: "root"})
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			for range 20 {
				call(ctx, tr, "inner", carrier{})
				entry.Tag(fmt.Sprint(i), "x")
				entry.Fail(errors.New("one of them"))
				if i == 25 {
					entry.End()
				}
			}
		})
		all.Go(func() { _ = tr.Flush(t.Context()) })
	}
	all.Wait()
	if err := tr.Flush(t.Context()); err != nil {
		t.Error(err)
	}
	if st := tr.(tracing.Counted).Stats(); st.Sent != 2001 || st.Dropped != 0 {
		t.Errorf("%+v", st)
	}
}

func FuzzHeaders(f *testing.F) {
	good := propagation.SpanContext{Sample: 1, TraceID: "t", ParentSegmentID: "s", ParentService: "a", ParentServiceInstance: "b", ParentEndpoint: "c", AddressUsedAtClient: "d:1"}
	f.Add(good.EncodeSW8(), "YQ==:Yg==", "00-a-b-01")
	f.Add("0-MQ==-MQ==-0-MQ==-MQ==-MQ==-MQ==", ",:", "")
	f.Add("1-MQ-MQ-0-MQ-MQ-MQ-MQ", "\xff", "\xff")
	tr := open(f, "skywalking://127.0.0.1:1?queue=1", tracing.Config{})
	f.Fuzz(func(t *testing.T, sw8, correlation, traceparent string) {
		out := call(t.Context(), tr, "x", carrier{"sw8": sw8, "sw8-correlation": correlation, "traceparent": traceparent})
		var ours, theirs propagation.SpanContext
		if err := ours.DecodeSW8(out["sw8"]); err != nil {
			t.Fatalf("%q goes on as %q: %v", sw8, out["sw8"], err)
		}
		fresh := len(ours.TraceID) == 32
		if err := theirs.DecodeSW8(sw8); err != nil && !fresh {
			t.Fatalf("%q, which go2sky refuses, goes on as trace %q", sw8, ours.TraceID)
		} else if err == nil && ours.TraceID != theirs.TraceID && !fresh {
			t.Fatalf("%q: trace %q, want %q", sw8, ours.TraceID, theirs.TraceID)
		}
	})
}
