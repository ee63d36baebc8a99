package serve

import (
	"strings"
	"testing"

	"github.com/dubbofn/dubbofn/cold"
	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/metrics"
)

// pooled is an outbound part with connections.
type pooled struct{ outbound }

func (*pooled) Stat() cold.Stat { return cold.Stat{Targets: 3, Ready: 2, Open: 4, Dialling: 1} }

func TestPrometheusReadsWhatTheProcessCounts(t *testing.T) {
	t.Parallel()
	at, _ := start(t, tracedConfig(t), metrics.Prometheus, &backend{name: "sky"}, &pooled{}, greeter(fn.Limit(1, 0)))
	scrape := func() string {
		code, text := get(t, "http://"+at.Metrics.String()+"/metrics")
		if code != 200 {
			t.Fatalf("%d %s", code, text)
		}
		return text
	}
	if text := scrape(); strings.Contains(text, "dubbofn_start_seconds") {
		t.Error("a first reply is told of that was not given")
	}
	if _, err := ask(t, at, &invoker.Invocation{Service: invoker.ServiceKey{Interface: greetService}, Method: "hello", Args: []any{"Ada"}}); err != nil {
		t.Fatal(err)
	}
	text := scrape()
	for _, want := range []string{
		`dubbofn_calls_total{app="greet",code="ok",method="hello",service="` + greetService + `"} 1`, `dubbofn_limit_refused_total{app="greet",limit="` + greetService + `.hello"} 0`,
		`dubbofn_server_requests_total{app="greet",outcome="called"} 1`, `dubbofn_pool_connections{app="greet",client="client",state="open"} 4`, `dubbofn_pool_addresses_ready{app="greet",client="client"} 2`,
		`dubbofn_start_phase_seconds{app="greet",phase="init"}`, `dubbofn_start_seconds{app="greet"}`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is not in\n%s", want, text)
		}
	}
}
