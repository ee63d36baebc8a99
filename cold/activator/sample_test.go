package activator

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/invoker/dubbo"
)

func TestHistogramIsOffByAnEighthAtMost(t *testing.T) {
	t.Parallel()
	for _, us := range []int{0, 1, 3, 4, 5, 7, 8, 100, 1234, 56_789, 1_000_000, 10_000_000, 100_000_000} {
		d := time.Duration(us) * time.Microsecond
		got := time.Duration(middleOf(bucketOf(d))) * time.Microsecond
		if off := (got - d).Abs(); off > d/8+time.Microsecond {
			t.Errorf("%v is shown as %v", d, got)
		}
	}
	if i := bucketOf(1000 * time.Hour); i != buckets-1 {
		t.Errorf("the longest is in bucket %d of %d", i, buckets)
	}
	if i := bucketOf(-time.Second); i != 0 {
		t.Errorf("a time before its beginning is in bucket %d", i)
	}
	last := -1
	for us := range 10_000 {
		i := bucketOf(time.Duration(us) * time.Microsecond)
		if i < last || i > last+1 {
			t.Fatalf("%d µs are in bucket %d, after %d", us, i, last)
		}
		last = i
	}
}

func TestQuantilesAreOfTheCalls(t *testing.T) {
	t.Parallel()
	var h histogram
	if h.quantile(.99) != 0 {
		t.Error("no calls have a quantile")
	}
	for range 98 {
		h.add(time.Millisecond)
	}
	h.add(time.Second)
	h.add(time.Second)
	for share, want := range map[float64]uint32{.5: 1000, .98: 1000, .99: 1_000_000, 1: 1_000_000} {
		if got := h.quantile(share); got < want*7/8 || got > want*9/8 {
			t.Errorf("quantile %v: %d µs, want about %d", share, got, want)
		}
	}
}

func TestSamplesAreBoundedAndInOrder(t *testing.T) {
	t.Parallel()
	var r samples
	for i := range int64(keptSamples + 20) {
		r.add(sample{At: i})
	}
	all := r.since(-1)
	if len(all) != keptSamples || all[0].At != 20 || all[len(all)-1].At != keptSamples+19 {
		t.Errorf("%d samples from %d to %d", len(all), all[0].At, all[len(all)-1].At)
	}
	if all := r.since(keptSamples + 17); len(all) != 2 {
		t.Errorf("%d after the last but two", len(all))
	}
}

func TestCallersAreBoundedAndForgotten(t *testing.T) {
	t.Parallel()
	now := time.Now()
	ta := tally{callers: map[string]*caller{}}
	for i := range maxHeard + 10 {
		ta.answered(now, time.Millisecond, outcome{instance: strings.Repeat("x", i+1)})
	}
	if len(ta.heard) != maxHeard {
		t.Errorf("%d processes are remembered", len(ta.heard))
	}
	ta.callers["10.0.0.1:1"] = &caller{last: now}
	ta.forget(now.Add(heardForgotten + 1))
	if len(ta.heard) != 0 || len(ta.callers) != 1 {
		t.Errorf("%d processes and %d callers are left", len(ta.heard), len(ta.callers))
	}
	if ta.forget(now.Add(callerForgotten + 1)); len(ta.callers) != 0 {
		t.Errorf("%d callers are left", len(ta.callers))
	}
	if got := printable([]byte("sh\x1bop\n")); got != "shop" {
		t.Errorf("a consumer is called %q", got)
	}
	if got := printable([]byte("\xff")); got != "" {
		t.Errorf("a consumer is called %q", got)
	}
}

// asked reads JSON of the admin port.
func asked(t *testing.T, a *Activator, path string, into any) int {
	t.Helper()
	w := httptest.NewRecorder()
	a.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	if w.Code == http.StatusOK {
		if err := json.Unmarshal(w.Body.Bytes(), into); err != nil {
			t.Fatalf("%s: %v in %s", path, err, w.Body)
		}
	}
	return w.Code
}

func TestSamplesAndTopologyTellOfCalls(t *testing.T) {
	t.Parallel()
	f := offering(t, "greet", "greet", "http://"+serveH2C(t, warm(t), nil), fn.Version("1.0.0"))
	a, at := overTCP(t, f, nil)
	c := dialDubbo(t, at, dubbo.ConnConfig{})
	mustHello(t, c, "one")
	inv := invocation("hello", "two")
	inv.Attachments.Set("remote.application", "shop")
	other := dialDubbo(t, at, dubbo.ConnConfig{})
	if _, err := callWith(t.Context(), other, inv); err != nil {
		t.Fatal(err)
	}
	if _, err := callWith(t.Context(), other, invocation("nothing", "three")); err == nil {
		t.Fatal("a method that isn't there answers")
	}
	var s sampled
	var calls, failed, wakes uint32
	until(t, "samples of three calls", func() bool {
		s = sampled{}
		asked(t, a, "/api/samples", &s)
		calls, failed, wakes = 0, 0, 0
		for _, x := range s.Functions["greet"] {
			calls, failed, wakes = calls+x.Calls, failed+x.Errors, wakes+x.Wakes
		}
		return calls == 3
	})
	if failed != 1 || wakes != 1 || s.Functions["greet"][0].P99 == 0 {
		t.Errorf("%d calls, %d failed, %d wakes: %+v", calls, failed, wakes, s)
	}
	if code := asked(t, a, "/api/samples?since=x", nil); code != http.StatusBadRequest {
		t.Errorf("since=x: %d", code)
	}
	s = sampled{}
	if asked(t, a, "/api/samples?app=none", &s); len(s.Functions) != 0 {
		t.Errorf("samples of no function: %+v", s)
	}
	var top topology
	asked(t, a, "/api/topology", &top)
	if len(top.Consumers) != 2 || top.Consumers[0].ID != "@127.0.0.1" || top.Consumers[1].App != "shop" || len(top.Edges) != 2 || top.Edges[1].Calls != 2 || len(top.Functions) != 1 {
		t.Errorf("topology: %+v", top)
	}
	var m fn.Manifest
	if code := asked(t, a, "/api/functions/greet/manifest", &m); code != http.StatusOK || m.App != "greet" || len(m.Services) != 1 {
		t.Errorf("manifest: %d %+v", code, m)
	}
	if code := asked(t, a, "/api/functions/none/manifest", nil); code != http.StatusNotFound {
		t.Errorf("a manifest of no function: %d", code)
	}
}

func TestDialServesThisProcessItself(t *testing.T) {
	t.Parallel()
	f := offering(t, "greet", "greet", "http://"+serveH2C(t, warm(t), nil), fn.Version("1.0.0"))
	a, _ := overTCP(t, f, nil)
	nc, err := a.Dial(t.Context(), "greet")
	if err != nil {
		t.Fatal(err)
	}
	c := dubbo.NewConn(nc, dubbo.ConnConfig{})
	t.Cleanup(func() { _ = c.Close() })
	mustHello(t, c, "one")
	var top topology
	if asked(t, a, "/api/topology", &top); len(top.Consumers) != 1 || top.Consumers[0].Kind != "console" {
		t.Errorf("topology: %+v", top)
	}
	if _, err := a.Dial(t.Context(), "none"); !errors.Is(err, errNotServed) {
		t.Errorf("an application that there is not: %v", err)
	}
}

func TestTallyingAllocatesNothing(t *testing.T) {
	var ta tally
	now := time.Now()
	o := outcome{answered: true, instance: "greet-1"}
	ta.answered(now, time.Millisecond, o)
	if n := testing.AllocsPerRun(100, func() { ta.answered(now, time.Millisecond, o) }); n != 0 {
		t.Errorf("%v allocations a call", n)
	}
}
