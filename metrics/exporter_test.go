package metrics_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/metrics"
)

func nothing(func(name string, value float64, labels ...string)) {}

func call(service, method string) *invoker.Invocation {
	return &invoker.Invocation{Service: invoker.ServiceKey{Interface: service}, Method: method}
}

// scraped gives what a scrape shows, without comments.
func scraped(t *testing.T, h http.Handler) string {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody))
	body, err := io.ReadAll(w.Result().Body)
	if err != nil || w.Code != http.StatusOK {
		t.Fatalf("GET /metrics: %d %v: %s", w.Code, err, body)
	}
	return regexp.MustCompile(`(?m)^#.*\n`).ReplaceAllString(string(body), "")
}

func wantLines(t *testing.T, text string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains("\n"+text, "\n"+line+"\n") {
			t.Errorf("no line %s in\n%s", line, text)
		}
	}
}

// panicked is what package fn makes of a method's panic.
type panicked struct{}

func (panicked) Error() string { return "method failed" }
func (panicked) Panicked()     {}

func TestScrapeShowsCallsByWhatBecameOfThem(t *testing.T) {
	t.Parallel()
	filter, _, scrape := metrics.Prometheus.Monitor("shop", nothing)
	ended, end := context.WithTimeout(t.Context(), time.Nanosecond)
	defer end()
	<-ended.Done()
	for _, c := range []struct {
		ctx  context.Context
		err  error
		code string
	}{
		{t.Context(), nil, "ok"},
		{t.Context(), errors.New("sold out"), "exception"},
		{t.Context(), &invoker.Exception{Class: "org.example.SoldOut"}, "exception"},
		{t.Context(), fmt.Errorf("stock: %w", &invoker.Error{Code: invoker.CodeUnavailable, Remote: true}), "exception"},
		{t.Context(), invoker.Errorf(invoker.CodeBadRequest, "call", "no"), "bad_request"},
		{t.Context(), invoker.Errorf(invoker.CodeExhausted, "call", "no"), "exhausted"},
		{t.Context(), fmt.Errorf("price: %w", invoker.Errorf(invoker.CodeTimeout, "call", "no")), "exception"},
		{t.Context(), context.DeadlineExceeded, "exception"},
		{t.Context(), panicked{}, "panic"},
		{ended, context.DeadlineExceeded, "timeout"},
	} {
		inv := call("org.example.Shop", c.code)
		_, err := filter(invoker.Func(func(context.Context, *invoker.Invocation) (invoker.Result, error) {
			return invoker.Result{}, c.err
		})).Invoke(c.ctx, inv)
		if !errors.Is(err, c.err) {
			t.Errorf("the filter turned %v into %v", c.err, err)
		}
	}
	wantLines(t, scraped(t, scrape),
		`dubbofn_calls_total{app="shop",code="ok",method="ok",service="org.example.Shop"} 1`,
		`dubbofn_calls_total{app="shop",code="exception",method="exception",service="org.example.Shop"} 5`,
		`dubbofn_calls_total{app="shop",code="bad_request",method="bad_request",service="org.example.Shop"} 1`,
		`dubbofn_calls_total{app="shop",code="exhausted",method="exhausted",service="org.example.Shop"} 1`,
		`dubbofn_calls_total{app="shop",code="timeout",method="timeout",service="org.example.Shop"} 1`,
		`dubbofn_calls_total{app="shop",code="panic",method="panic",service="org.example.Shop"} 1`,
		`dubbofn_call_duration_seconds_count{app="shop",method="exception",service="org.example.Shop"} 5`,
		`dubbofn_calls_in_flight{app="shop",method="ok",service="org.example.Shop"} 0`,
	)
}

func TestPanicOfAFilterIsCountedAndGoesOn(t *testing.T) {
	t.Parallel()
	filter, _, scrape := metrics.Prometheus.Monitor("shop", nothing)
	func() {
		defer func() {
			if p := recover(); p != "oops" {
				t.Errorf("panic: %v", p)
			}
		}()
		_, _ = filter(invoker.Func(func(context.Context, *invoker.Invocation) (invoker.Result, error) { panic("oops") })).Invoke(t.Context(), call("S", "m"))
	}()
	wantLines(t, scraped(t, scrape), `dubbofn_calls_total{app="shop",code="panic",method="m",service="S"} 1`, `dubbofn_calls_in_flight{app="shop",method="m",service="S"} 0`)
}

func TestCallsInFlightAndLatencyShowWhileAndAfterTheyRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		filter, _, scrape := metrics.Prometheus.Monitor("shop", nothing)
		slow := filter(invoker.Func(func(context.Context, *invoker.Invocation) (invoker.Result, error) {
			time.Sleep(3 * time.Millisecond)
			return invoker.Result{}, nil
		}))
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() { _, _ = slow.Invoke(t.Context(), call("S", "m")) })
		}
		synctest.Wait()
		wantLines(t, scraped(t, scrape), `dubbofn_calls_in_flight{app="shop",method="m",service="S"} 3`)
		all.Wait()
		wantLines(t, scraped(t, scrape),
			`dubbofn_calls_in_flight{app="shop",method="m",service="S"} 0`,
			`dubbofn_call_duration_seconds_bucket{app="shop",method="m",service="S",le="0.0025"} 0`,
			`dubbofn_call_duration_seconds_bucket{app="shop",method="m",service="S",le="0.005"} 3`,
		)
	})
}

func TestTenThousandUnknownNamesMakeABoundedNumberOfSeries(t *testing.T) {
	t.Parallel()
	filter, event, scrape := metrics.Prometheus.Monitor("shop", nothing)
	done := filter(invoker.Func(func(context.Context, *invoker.Invocation) (invoker.Result, error) { return invoker.Result{}, nil }))
	for i := range 10_000 {
		_, _ = done.Invoke(t.Context(), call("S", fmt.Sprint("m", i)))
		event(fmt.Sprint("r", i), "handled", time.Millisecond)
	}
	text := scraped(t, scrape)
	if n := strings.Count(text, "dubbofn_calls_in_flight{"); n > 1001 {
		t.Errorf("%d methods are labels", n)
	}
	if n := strings.Count(text, "dubbofn_events_total{"); n > 4*1002 {
		t.Errorf("%d rules are labels", n)
	}
	wantLines(t, text, `dubbofn_calls_total{app="shop",code="ok",method="other",service="other"} 9000`)
}

func TestScrapeShowsEventsAndWhatTheProcessCounts(t *testing.T) {
	t.Parallel()
	dropped := 0.0
	_, event, scrape := metrics.Prometheus.Monitor("shop", func(put func(name string, value float64, labels ...string)) {
		dropped++
		put("dubbofn_spans_total", dropped, "dropped")
		put("dubbofn_server_connections", 7)
	})
	event("placed", "handled", 20*time.Millisecond)
	event("", "unmatched", 0)
	wantLines(t, scraped(t, scrape),
		`dubbofn_events_total{app="shop",outcome="handled",rule="placed"} 1`,
		`dubbofn_events_total{app="shop",outcome="unmatched",rule="none"} 1`,
		`dubbofn_event_duration_seconds_bucket{app="shop",rule="placed",le="0.025"} 1`,
		`dubbofn_spans_total{app="shop",outcome="dropped"} 1`,
		`dubbofn_server_connections{app="shop"} 7`,
	)
	wantLines(t, scraped(t, scrape), `dubbofn_spans_total{app="shop",outcome="dropped"} 2`)
	if !strings.Contains(scraped(t, scrape), `go_goroutines{app="shop"} `) {
		t.Error("nothing is said of Go's runtime")
	}
}

func TestScrapeFailsWithTheReasonWhereItCannotBeRight(t *testing.T) {
	t.Parallel()
	twice := prometheus.NewCounter(prometheus.CounterOpts{Name: "orders_total"})
	_, _, own := metrics.Prometheus.With(twice, twice, nil).Monitor("shop", nothing)
	_, _, unknown := metrics.Prometheus.Monitor("shop", func(put func(name string, value float64, labels ...string)) { put("dubbofn_spans_totl", 1, "sent") })
	_, _, labels := metrics.Prometheus.Monitor("shop", func(put func(name string, value float64, labels ...string)) { put("dubbofn_spans_total", 1) })
	for want, h := range map[string]http.Handler{"duplicate": own, "dubbofn_spans_totl": unknown, "with 0 labels": labels} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody))
		if w.Code != http.StatusInternalServerError || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%d %s, want %q", w.Code, w.Body, want)
		}
	}
}

func TestCollectorsOfTheProgramsOwnAreShown(t *testing.T) {
	t.Parallel()
	orders := prometheus.NewCounter(prometheus.CounterOpts{Name: "orders_total", Help: "Orders."})
	_, _, scrape := metrics.Prometheus.With(orders).Monitor("shop", nothing)
	orders.Add(3)
	wantLines(t, scraped(t, scrape), "orders_total 3")
}

func TestOneExporterMonitorsTwiceApart(t *testing.T) {
	t.Parallel()
	one, _, first := metrics.Prometheus.Monitor("one", nothing)
	_, _, second := metrics.Prometheus.Monitor("two", nothing)
	_, _ = one(invoker.Func(func(context.Context, *invoker.Invocation) (invoker.Result, error) { return invoker.Result{}, nil })).Invoke(t.Context(), call("S", "m"))
	wantLines(t, scraped(t, first), `dubbofn_calls_total{app="one",code="ok",method="m",service="S"} 1`)
	if strings.Contains(scraped(t, second), "dubbofn_calls_total") {
		t.Error("the second shows the first one's calls")
	}
}

func BenchmarkFilter(b *testing.B) {
	inner := invoker.Func(func(context.Context, *invoker.Invocation) (invoker.Result, error) { return invoker.Result{}, nil })
	filter, _, _ := metrics.Prometheus.Monitor("shop", nothing)
	for name, next := range map[string]invoker.Invoker{"without": inner, "with": filter(inner)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			inv := call("org.example.Shop", "order")
			for b.Loop() {
				_, _ = next.Invoke(b.Context(), inv)
			}
		})
	}
}
