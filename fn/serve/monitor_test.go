package serve

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/tracing"
)

// counting is a part that counts, by hand.
type counting struct {
	app    string
	calls  []string // the trace that each was within
	events []string
	read   func(put func(name string, value float64, labels ...string))
}

func (*counting) Name() string { return "counting" }

func (c *counting) Monitor(app string, read func(put func(name string, value float64, labels ...string))) (
	invoker.Filter, func(rule, outcome string, took time.Duration), http.Handler,
) {
	c.app, c.read = app, read
	return func(next invoker.Invoker) invoker.Invoker {
			return invoker.Func(func(ctx context.Context, inv *invoker.Invocation) (invoker.Result, error) {
				trace, _ := tracing.IDs(ctx)
				c.calls = append(c.calls, trace)
				return next.Invoke(ctx, inv)
			})
		}, func(rule, outcome string, _ time.Duration) { c.events = append(c.events, rule+" "+outcome) },
		http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("counted")) })
}

func TestAPartThatCountsSeesCallsWithinTheirSpansAndIsScraped(t *testing.T) {
	t.Parallel()
	c, r := &counting{}, &receiver{}
	at, stop := start(t, tracedConfig(t), c, r, &backend{name: "sky"}, greeter())
	inv := &invoker.Invocation{Service: invoker.ServiceKey{Interface: greetService}, Method: "hello", Args: []any{"Ada"}}
	inv.Attachments.Set("sw8", "one/1")
	if _, err := ask(t, at, inv); err != nil {
		t.Fatal(err)
	}
	r.host.Observe("rule", "handled", time.Second)
	if code, text := get(t, "http://"+at.Metrics.String()+"/metrics"); code != 200 || text != "counted" {
		t.Errorf("scrape: %d %q", code, text)
	}
	if err := stop(); err != nil || c.app != "greet" || len(c.calls) != 1 || c.calls[0] != "one" || len(c.events) != 1 {
		t.Errorf("%v: %+v", err, c)
	}
	if conn, err := net.Dial("tcp", at.Metrics.String()); err == nil {
		_ = conn.Close()
		t.Error("scrapes are still answered")
	}
}

func TestAPortForScrapesThatIsTakenIsTold(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := testConfig(t)
	c.MetricsPort = portOf(l.Addr())
	if err := Run(t.Context(), c, &counting{}, greeter()); err == nil || !strings.Contains(err.Error(), "DUBBOFN_METRICS_PORT chooses another") {
		t.Error(err)
	}
	_, stop := start(t, c, greeter()) // without a part that counts nobody listens
	if err := stop(); err != nil {
		t.Error(err)
	}
	if err := Run(t.Context(), testConfig(t), &counting{}, &counting{}, greeter()); err == nil || !strings.Contains(err.Error(), "two parts that count") {
		t.Error(err)
	}
}
