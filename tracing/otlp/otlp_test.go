package otlp_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	proto "go.opentelemetry.io/proto/otlp/trace/v1"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/tracing"
	"github.com/dubbofn/dubbofn/tracing/otlp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sink is a collector that remembers.
type sink struct {
	collector.UnimplementedTraceServiceServer
	token string

	mu       sync.Mutex
	spans    map[string]*proto.Span // by name
	ids      map[string]bool
	resource map[string]string
}

func (s *sink) Export(ctx context.Context, r *collector.ExportTraceServiceRequest) (*collector.ExportTraceServiceResponse, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	if got := strings.Join(md.Get("authorization"), ","); got != s.token {
		return nil, status.Error(codes.Unauthenticated, got)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, rs := range r.GetResourceSpans() {
		s.resource = map[string]string{}
		for _, a := range rs.GetResource().GetAttributes() {
			s.resource[a.GetKey()] = a.GetValue().GetStringValue()
		}
		for _, ss := range rs.GetScopeSpans() {
			for _, x := range ss.GetSpans() {
				if s.spans == nil {
					s.spans, s.ids = map[string]*proto.Span{}, map[string]bool{}
				}
				s.spans[x.GetName()] = x
				s.ids[string(x.GetSpanId())] = true
			}
		}
	}
	return &collector.ExportTraceServiceResponse{}, nil
}

func (s *sink) listen(t *testing.T, address string) (at string, stop func()) {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	g := grpc.NewServer()
	collector.RegisterTraceServiceServer(g, s)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = g.Serve(l)
	}()
	stop = sync.OnceFunc(func() {
		g.Stop()
		<-done
	})
	t.Cleanup(stop)
	return l.Addr().String(), stop
}

func open(t *testing.T, url string, c tracing.Config) tracing.Tracer {
	t.Helper()
	u, err := invoker.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	c.Service, c.Instance = "shop", "shop@1"
	tr, err := otlp.Tracer.Open(u, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeWithin(tr, 100*time.Millisecond) })
	return tr
}

func closeWithin(tr tracing.Tracer, d time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	return tr.Close(ctx)
}

type carrier map[string]string

func (c carrier) Get(key string) string { return c[key] }
func (c carrier) Set(key, value string) { c[key] = value }

func attributes(x *proto.Span) map[string]string {
	all := map[string]string{}
	for _, a := range x.GetAttributes() {
		v := a.GetValue().GetStringValue()
		if v == "" {
			v = strings.TrimPrefix(a.GetValue().String(), "int_value:")
		}
		all[a.GetKey()] = v
	}
	return all
}

const (
	callersTrace  = "0af7651916cd43dd8448eb211c80319c"
	callersParent = "00-" + callersTrace + "-b7ad6b7169203331-01"
)

func TestACallIsToldByTheConventions(t *testing.T) {
	t.Parallel()
	s := sink{token: "Bearer secret"}
	at, _ := s.listen(t, "127.0.0.1:0")
	tr := open(t, "otlp://secret@"+at, tracing.Config{Function: true})
	in := carrier{"traceparent": callersParent, "tracestate": "vendor=1", "sw8": "1-a"}
	ctx, entry := tr.Start(t.Context(), tracing.Start{Kind: tracing.Entry, Name: "blue/demo.Greeter.greet(String,int)", Peer: "10.0.0.9:4000", Layer: tracing.LayerRPC, Component: tracing.ComponentDubbo, Carrier: in})
	out := carrier{}
	_, exit := tr.Start(ctx, tracing.Start{Kind: tracing.Exit, Name: "demo.Stock.take(int)", Peer: "[::1]:20880", Layer: tracing.LayerRPC, Component: tracing.ComponentDubbo, Carrier: out})
	exit.Fail(&invoker.Exception{Class: "demo.OutOfStock", Message: "none left\xff"})
	exit.End()
	exit.Tag("late", "x")
	_, send := tr.Start(ctx, tracing.Start{Kind: tracing.Exit, Name: "NATS/orders.new/Producer", Peer: "n:4222", Layer: tracing.LayerMQ})
	send.Tag("cloudevents.id", "7")
	send.End()
	_, event := tr.Start(t.Context(), tracing.Start{Kind: tracing.Entry, Name: "CloudEvents/made", Layer: tracing.LayerHTTP, Carrier: carrier{}})
	event.Tag("http.method", "POST")
	event.Tag("status_code", "503")
	event.End()
	entry.End()
	if err := tr.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := map[string]map[string]string{
		"demo.Greeter/greet": {
			"rpc.system": "apache_dubbo", "rpc.service": "demo.Greeter", "rpc.method": "greet", "client.address": "10.0.0.9", "client.port": "4000", "faas.trigger": "other",
		},
		"demo.Stock/take": {
			"rpc.system": "apache_dubbo", "rpc.service": "demo.Stock", "rpc.method": "take", "server.address": "::1", "server.port": "20880", "error.type": "demo.OutOfStock",
		},
		"NATS/orders.new/Producer": {
			"messaging.system": "nats", "messaging.destination.name": "orders.new", "messaging.operation.type": "send", "server.address": "n", "server.port": "4222", "cloudevents.event_id": "7",
		},
		"CloudEvents/made": {"http.request.method": "POST", "http.response.status_code": "503", "faas.trigger": "pubsub"},
	}
	got := map[string]map[string]string{}
	for name, x := range s.spans {
		got[name] = attributes(x)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	e, x := s.spans["demo.Greeter/greet"], s.spans["demo.Stock/take"]
	if fmt.Sprintf("%x", e.GetTraceId()) != callersTrace || fmt.Sprintf("%x", e.GetParentSpanId()) != "b7ad6b7169203331" || string(x.GetParentSpanId()) != string(e.GetSpanId()) {
		t.Errorf("%v under %v", x, e)
	}
	trace, id := tracing.IDs(ctx)
	if trace != callersTrace || id != fmt.Sprintf("%x", e.GetSpanId()) || s.resource["service.name"] != "shop" || s.resource["faas.name"] != "shop" {
		t.Error(trace, id, s.resource)
	}
	if x.GetStatus().GetCode() != proto.Status_STATUS_CODE_ERROR || x.GetStatus().GetMessage() != "none left\uFFFD" || len(x.GetEvents()) != 1 {
		t.Errorf("%v", x)
	}
	if d := cmp.Diff(carrier{"traceparent": fmt.Sprintf("00-%s-%x-01", callersTrace, x.GetSpanId()), "tracestate": "vendor=1"}, out); d != "" {
		t.Error(d)
	}
}

func TestATraceThatItsCallerDoesNotSampleIsAbsent(t *testing.T) {
	t.Parallel()
	var s sink
	at, _ := s.listen(t, "127.0.0.1:0")
	tr := open(t, "otlp://"+at, tracing.Config{})
	out := carrier{}
	ctx, entry := tr.Start(t.Context(), tracing.Start{Kind: tracing.Entry, Name: "a", Carrier: carrier{"traceparent": callersParent[:len(callersParent)-1] + "0"}})
	_, exit := tr.Start(ctx, tracing.Start{Kind: tracing.Exit, Name: "b", Carrier: out})
	exit.End()
	entry.End()
	if err := tr.Flush(t.Context()); err != nil || len(s.spans) != 0 {
		t.Error(err, s.spans)
	}
	if tp := out["traceparent"]; !strings.HasPrefix(tp, "00-"+callersTrace) || !strings.HasSuffix(tp, "-00") {
		t.Error(tp)
	}
}

func TestMalformedTraceparentsBeginANewTrace(t *testing.T) {
	t.Parallel()
	var s sink
	at, _ := s.listen(t, "127.0.0.1:0")
	tr := open(t, "otlp://"+at, tracing.Config{})
	bad := []string{"x", "00-0-0-01", strings.Replace(callersParent, "00-", "ff-", 1), strings.ToUpper(callersParent), "00-00000000000000000000000000000000-b7ad6b7169203331-01", strings.Repeat("0", 1<<20), "\xff"}
	for i, h := range bad {
		_, entry := tr.Start(t.Context(), tracing.Start{Kind: tracing.Entry, Name: fmt.Sprint(i), Carrier: carrier{"traceparent": h}})
		entry.End()
	}
	if err := tr.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, h := range bad {
		x := s.spans[fmt.Sprint(i)]
		if fmt.Sprintf("%x", x.GetTraceId()) == callersTrace || len(x.GetParentSpanId()) != 0 || attributes(x)["dubbofn.malformed"] != "traceparent" {
			t.Errorf("%.60q: %v", h, x)
		}
	}
}

func TestNoSpanIsLostAtTheEnd(t *testing.T) {
	t.Parallel()
	var s sink
	at, _ := s.listen(t, "127.0.0.1:0")
	tr := open(t, "otlp://"+at, tracing.Config{})
	for range 5000 {
		_, x := tr.Start(context.Background(), tracing.Start{Kind: tracing.Entry, Name: "x"})
		x.End()
	}
	if err := closeWithin(tr, 2*time.Second); err != nil {
		t.Error(err)
	}
	if len(s.ids) != 5000 {
		t.Errorf("%d spans came of 5000", len(s.ids))
	}
	_, late := tr.Start(context.Background(), tracing.Start{Name: "late"})
	late.End()
	if err := closeWithin(tr, time.Second); err != nil {
		t.Error(err)
	}
}

func TestACollectorMayBeAway(t *testing.T) {
	t.Parallel()
	var s sink
	at, stop := s.listen(t, "127.0.0.1:0")
	stop()
	tr := open(t, "otlp://"+at+"?queue=100", tracing.Config{})
	for range 150 {
		_, x := tr.Start(t.Context(), tracing.Start{Kind: tracing.Exit, Name: "x"})
		x.End()
	}
	if st := tr.(tracing.Counted).Stats(); st.Queued != 100 || st.Dropped != 50 {
		t.Errorf("%+v", st)
	}
	s.listen(t, at)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := tr.Flush(ctx); err != nil {
		t.Error(err)
	}
	if st := tr.(tracing.Counted).Stats(); st.Sent != 100 || st.Queued != 0 || len(s.ids) != 100 {
		t.Errorf("%+v, %d came", st, len(s.ids))
	}
}

func TestFaultsOfTheURLAreToldAtOnce(t *testing.T) {
	t.Parallel()
	u, err := invoker.ParseURL("otlp://geheim@a:1,b:2/path?queue=0&tls=maybe&x=1")
	if err != nil {
		t.Fatal(err)
	}
	_, err = otlp.Tracer.Open(u, tracing.Config{})
	for _, want := range []string{"queue", "tls", `"x"`, "path", "no name"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is missing in %v", want, err)
		}
	}
	if err != nil && strings.Contains(err.Error(), "geheim") {
		t.Error("the token is told:", err)
	}
	if errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
