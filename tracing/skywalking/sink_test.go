package skywalking_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	common "skywalking.apache.org/repo/goapi/collect/common/v3"
	agent "skywalking.apache.org/repo/goapi/collect/language/agent/v3"
	management "skywalking.apache.org/repo/goapi/collect/management/v3"

	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/tracing"
	"github.com/dubbofn/dubbofn/tracing/skywalking"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sink is an OAP server that remembers.
type sink struct {
	agent.UnimplementedTraceSegmentReportServiceServer
	management.UnimplementedManagementServiceServer

	token  string        // what it wants to see
	slow   time.Duration // before it answers
	fail   error         // what it answers
	forget bool          // what comes

	came       atomic.Int64
	mu         sync.Mutex
	segments   map[string]*agent.SegmentObject
	again      int // segments that came more than once
	properties []*management.InstanceProperties
	beats      int
}

func (s *sink) allowed(ctx context.Context) error {
	md, _ := metadata.FromIncomingContext(ctx)
	if got := strings.Join(md.Get("authentication"), ","); got != s.token {
		return status.Errorf(codes.PermissionDenied, "token %q", got)
	}
	return s.fail
}

func (s *sink) CollectInSync(ctx context.Context, c *agent.SegmentCollection) (*common.Commands, error) {
	if s.slow > 0 {
		select {
		case <-time.After(s.slow):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if err := s.allowed(ctx); err != nil {
		return nil, err
	}
	for _, g := range c.GetSegments() {
		s.take(g)
	}
	return &common.Commands{}, nil
}

// Collect is how go2sky's own reporter sends.
func (s *sink) Collect(stream agent.TraceSegmentReportService_CollectServer) error {
	for {
		g, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return stream.SendAndClose(&common.Commands{})
		}
		if err != nil {
			return err
		}
		s.take(g)
	}
}

func (s *sink) take(g *agent.SegmentObject) {
	s.came.Add(1)
	if s.forget {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.segments == nil {
		s.segments = map[string]*agent.SegmentObject{}
	}
	if s.segments[g.GetTraceSegmentId()] != nil {
		s.again++
	}
	s.segments[g.GetTraceSegmentId()] = g
}

func (s *sink) ReportInstanceProperties(ctx context.Context, p *management.InstanceProperties) (*common.Commands, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.properties = append(s.properties, p)
	return &common.Commands{}, s.allowed(ctx)
}

func (s *sink) KeepAlive(ctx context.Context, _ *management.InstancePingPkg) (*common.Commands, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.beats++
	return &common.Commands{}, s.allowed(ctx)
}

// all gives what came, by the name of each segment's first span.
func (s *sink) all() map[string]*agent.SegmentObject {
	s.mu.Lock()
	defer s.mu.Unlock()
	by := map[string]*agent.SegmentObject{}
	for _, g := range s.segments {
		by[g.GetSpans()[len(g.GetSpans())-1].GetOperationName()] = g
	}
	return by
}

func (s *sink) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.segments)
}

// listen serves a sink at address, "127.0.0.1:0" for any.
func (s *sink) listen(t testing.TB, address string) (at string, stop func()) {
	t.Helper()
	l, err := net.Listen("tcp", address)
	for end := time.Now().Add(5 * time.Second); err != nil && time.Now().Before(end); l, err = net.Listen("tcp", address) {
		time.Sleep(10 * time.Millisecond)
	}
	if err != nil {
		t.Fatal(err)
	}
	g := grpc.NewServer(grpc.MaxRecvMsgSize(16 << 20))
	agent.RegisterTraceSegmentReportServiceServer(g, s)
	management.RegisterManagementServiceServer(g, s)
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

func open(t testing.TB, url string, c tracing.Config) tracing.Tracer {
	t.Helper()
	u, err := invoker.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	if c.Service == "" {
		c.Service, c.Instance = "shop", "shop@1"
	}
	tr, err := skywalking.Tracer.Open(u, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeWithin(tr, 100*time.Millisecond) })
	return tr
}

func closeWithin(tr interface{ Close(context.Context) error }, d time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	return tr.Close(ctx)
}

// carrier is a map that carries.
type carrier map[string]string

func (c carrier) Get(key string) string { return c[key] }
func (c carrier) Set(key, value string) { c[key] = value }

// call makes an Entry with an Exit in it, and gives what the Exit carries.
func call(ctx context.Context, tr tracing.Tracer, name string, from carrier) carrier {
	ctx, entry := tr.Start(ctx, tracing.Start{Kind: tracing.Entry, Name: name, Peer: "10.0.0.9:4000", Layer: tracing.LayerRPC, Component: tracing.ComponentDubbo, Carrier: from})
	entry.Tag("url", "dubbo://10.0.0.1:20880/"+name)
	to := carrier{}
	_, exit := tr.Start(ctx, tracing.Start{Kind: tracing.Exit, Name: "demo.Stock.take(String)", Peer: "10.0.0.2:20880", Layer: tracing.LayerRPC, Component: tracing.ComponentDubbo, Carrier: to})
	exit.Tag("url", "dubbo://10.0.0.2:20880/demo.Stock.take(String)")
	exit.End()
	entry.End()
	return to
}
