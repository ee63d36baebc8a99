package skywalking_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/SkyAPM/go2sky"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	agent "skywalking.apache.org/repo/goapi/collect/language/agent/v3"

	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/tracing"
	"github.com/dubbofn/dubbofn/tracing/skywalking"
)

// logged is a log that tests read.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) lines() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Split(strings.TrimSpace(l.b.String()), "\n")
}

func TestNoSpanIsLostAtTheEnd(t *testing.T) {
	t.Parallel()
	var s sink
	at, _ := s.listen(t, "127.0.0.1:0")
	tr := open(t, "skywalking://"+at, tracing.Config{})
	for range 5000 {
		call(context.Background(), tr, "x", carrier{})
	}
	if err := closeWithin(tr, 2*time.Second); err != nil {
		t.Error(err)
	}
	if st := tr.(tracing.Counted).Stats(); s.len() != 5000 || st != (tracing.Stats{Sent: 10000}) {
		t.Errorf("%d segments came of 5000: %+v", s.len(), st)
	}
	call(context.Background(), tr, "after the end", carrier{})
	if err := closeWithin(tr, time.Second); err != nil {
		t.Error(err)
	}
	if st := tr.(tracing.Counted).Stats(); st.Dropped != 2 {
		t.Errorf("%+v", st)
	}
}

func TestAServerThatGoesAndComesBackLosesNothing(t *testing.T) {
	t.Parallel()
	var s sink
	at, stop := s.listen(t, "127.0.0.1:0")
	log := &logged{}
	tr := open(t, "skywalking://"+at, tracing.Config{Log: slog.New(slog.NewTextHandler(log, nil))})
	var made int
	phase := func(d time.Duration) {
		for end := time.Now().Add(d); time.Now().Before(end); made++ {
			begun := time.Now()
			call(t.Context(), tr, "x", carrier{})
			if took := time.Since(begun); took > 250*time.Millisecond {
				t.Errorf("a call took %v", took)
			}
			time.Sleep(time.Millisecond)
		}
	}
	phase(300 * time.Millisecond)
	stop()
	phase(time.Second)
	s.listen(t, at)
	phase(300 * time.Millisecond)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := tr.Flush(ctx); err != nil {
		t.Error(err)
	}
	if st := tr.(tracing.Counted).Stats(); s.len() != made || st.Dropped != 0 {
		t.Errorf("%d segments came of %d: %+v", s.len(), made, st)
	}
	if lines := log.lines(); len(lines) > 2 {
		t.Errorf("%d lines of it:\n%s", len(lines), strings.Join(lines, "\n"))
	}
}

func TestAServerThatIsAwayCostsBoundedMemoryAndFewLines(t *testing.T) {
	t.Parallel()
	log := &logged{}
	tr := open(t, "skywalking://127.0.0.1:1?queue=1000", tracing.Config{Log: slog.New(slog.NewTextHandler(log, nil))})
	for range 50 {
		for range 200 {
			call(t.Context(), tr, "x", carrier{})
		}
		time.Sleep(10 * time.Millisecond)
	}
	st := tr.(tracing.Counted).Stats()
	if st.Queued != 2000 || st.Dropped != 18000 || st.Sent != 0 {
		t.Errorf("%+v", st)
	}
	begun := time.Now()
	if err := closeWithin(tr, 100*time.Millisecond); err == nil || !strings.Contains(err.Error(), "2000 spans") {
		t.Error(err)
	}
	if took := time.Since(begun); took > time.Second {
		t.Errorf("Close took %v", took)
	}
	if lines := log.lines(); len(lines) > 3 {
		t.Errorf("%d lines:\n%s", len(lines), strings.Join(lines, "\n"))
	}
	if st = tr.(tracing.Counted).Stats(); st.Dropped != 20000 || st.Queued != 0 {
		t.Errorf("%+v", st)
	}
}

func TestASlowOrRefusingServerBlocksNoCall(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]*sink{
		"slow":                {slow: time.Minute},
		"refuses us":          {token: "another"},
		"is overloaded":       {fail: status.Error(codes.Unavailable, "later")},
		"refuses the batches": {fail: status.Error(codes.InvalidArgument, "what is this")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at, _ := s.listen(t, "127.0.0.1:0")
			tr := open(t, "skywalking://"+at, tracing.Config{})
			begun := time.Now()
			for range 3000 {
				call(t.Context(), tr, "x", carrier{})
			}
			if took := time.Since(begun); took > 2*time.Second {
				t.Errorf("3000 calls took %v", took)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			err := tr.Flush(ctx)
			if final := name == "refuses the batches"; (err == nil) != final {
				t.Error("flush:", err)
			}
			if st := tr.(tracing.Counted).Stats(); st.Sent != 0 || int(st.Dropped)+st.Queued != 6000 {
				t.Errorf("%+v", st)
			}
		})
	}
}

func TestTheServerHearsWhoSends(t *testing.T) {
	t.Parallel()
	s := sink{token: "t0ken"}
	at, _ := s.listen(t, "127.0.0.1:0")
	tr := open(t, "skywalking://t0ken@"+at, tracing.Config{Function: true, Service: "shop", Instance: "shop@9"})
	call(t.Context(), tr, "x", carrier{})
	if err := tr.Flush(t.Context()); err != nil || s.len() != 1 {
		t.Error(err, s.len())
	}
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		s.mu.Lock()
		told := s.properties
		s.mu.Unlock()
		if len(told) > 0 {
			p := told[0]
			if p.GetService() != "shop" || p.GetServiceInstance() != "shop@9" || p.GetLayer() != "FAAS" || len(p.GetProperties()) < 4 {
				t.Errorf("%v", p)
			}
			return
		}
		if time.Now().After(end) {
			t.Fatal("it never heard")
		}
	}
}

func TestOfSeveralServersOneThatIsUpIsFound(t *testing.T) {
	t.Parallel()
	var s sink
	at, _ := s.listen(t, "127.0.0.1:0")
	tr := open(t, "skywalking://127.0.0.1:1,"+at, tracing.Config{})
	call(t.Context(), tr, "x", carrier{})
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := tr.Flush(ctx); err != nil || s.len() != 1 {
		t.Error(err, s.len())
	}
}

func TestFaultsOfTheURLAreToldAtOnce(t *testing.T) {
	t.Parallel()
	u, err := invoker.ParseURL("skywalking://geheim:noch@a:1/path?queue=0&tls=maybe&x=1")
	if err != nil {
		t.Fatal(err)
	}
	_, err = skywalking.Tracer.Open(u, tracing.Config{})
	for _, want := range []string{"queue", "tls", `"x"`, "path", "no name", "a token alone"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is missing in %v", want, err)
		}
	}
	if err != nil && (strings.Contains(err.Error(), "geheim") || strings.Contains(err.Error(), "noch")) {
		t.Error("the token is told:", err)
	}
}

// A program that has go2sky's tracer sends through the reporter too, and then loses nothing at the end either.
func TestGo2skysTracerSendsThroughTheReporter(t *testing.T) {
	t.Parallel()
	var s sink
	at, _ := s.listen(t, "127.0.0.1:0")
	u, err := invoker.ParseURL("skywalking://" + at)
	if err != nil {
		t.Fatal(err)
	}
	r, err := skywalking.NewReporter(u, tracing.Config{Service: "shop"})
	if err != nil {
		t.Fatal(err)
	}
	tr, err := go2sky.NewTracer("shop", go2sky.WithReporter(r), go2sky.WithInstance("i"))
	if err != nil {
		t.Fatal(err)
	}
	nothing := func(string) (string, error) { return "", nil }
	var within context.Context
	for range 100 {
		root, ctx, err := tr.CreateEntrySpan(t.Context(), "root", nothing)
		if err != nil {
			t.Fatal(err)
		}
		root.Tag("bad", "\xff")
		root.Error(time.Now(), "text", "\xff")
		root.End()
		within = ctx
	}
	for end := time.Now().Add(5 * time.Second); r.Stats().Queued+int(r.Stats().Sent) < 100 && time.Now().Before(end); {
		time.Sleep(time.Millisecond) // go2sky hands over behind one's back
	}
	late, _, err := tr.CreateLocalSpan(within, go2sky.WithOperationName("late"))
	if err != nil {
		t.Fatal(err)
	}
	late.End()
	for end := time.Now().Add(5 * time.Second); r.Stats().Queued+int(r.Stats().Sent) < 101 && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	r.Close()
	r.Close()
	if s.len() != 101 {
		t.Fatalf("%d segments came of 101", s.len())
	}
	g := s.all()["late"]
	if refs := g.GetSpans()[0].GetRefs(); len(refs) != 1 || refs[0].GetRefType() != agent.RefType_CrossThread || refs[0].GetParentTraceSegmentId() == g.GetTraceSegmentId() {
		t.Errorf("%v", g)
	}
}

func TestMemoryIsBoundedByWhatWaits(t *testing.T) {
	var before, after runtime.MemStats
	tr := open(t, "skywalking://127.0.0.1:1", tracing.Config{})
	runtime.GC()
	runtime.ReadMemStats(&before)
	var made atomic.Int64
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 20000 {
				call(t.Context(), tr, fmt.Sprint("x", made.Add(1)%10), carrier{})
			}
		})
	}
	all.Wait()
	runtime.GC()
	runtime.ReadMemStats(&after)
	if kept := int64(after.HeapAlloc) - int64(before.HeapAlloc); kept > 40<<20 {
		t.Errorf("%d bytes kept: %+v", kept, tr.(tracing.Counted).Stats())
	} else {
		t.Logf("%d bytes kept: %+v", kept, tr.(tracing.Counted).Stats())
	}
}
