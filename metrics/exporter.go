package metrics

import (
	"net/http"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/dubbofn/dubbofn/invoker"
)

// Prometheus is the part of a program that counts, and answers Prometheus's scrapes.
var Prometheus = Exporter{}

// Exporter is a part for serve.Main. It keeps nothing itself: each [Exporter.Monitor] counts on its own. Safe for concurrent use.
type Exporter struct{ own []prometheus.Collector }

// Name gives "prometheus".
func (Exporter) Name() string { return "prometheus" }

// With gives an exporter that also shows collectors of the program's own. They are shown as they are, without the label app. The first
// scrape tells of one that can't be registered.
func (e Exporter) With(own ...prometheus.Collector) Exporter {
	return Exporter{own: append(slices.Clip(e.own), own...)}
}

// scrapesAtOnce bounds what scrapers can make a process do.
const scrapesAtOnce = 4

// Monitor begins to count for the application app. calls goes around every method; events is told of each event that was answered (rule is
// empty where none fitted it); scrape answers GET /metrics. read is called for each scrape, at the same time as anything else: it hands
// what the process counts to put, by names and labels of [All].
func (e Exporter) Monitor(app string, read func(put func(name string, value float64, labels ...string))) (
	calls invoker.Filter, events func(rule, outcome string, took time.Duration), scrape http.Handler,
) {
	registry := prometheus.NewRegistry()
	named := prometheus.WrapRegistererWith(prometheus.Labels{"app": app}, registry)
	c, ev := newCalls(), newEvents()
	named.MustRegister(
		c.total, c.duration, c.inFlight, ev.total, ev.duration, newProcess(read),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	var faults failing
	for _, own := range e.own {
		if own == nil {
			continue
		}
		if err := registry.Register(own); err != nil {
			faults = append(faults, err)
		}
	}
	if len(faults) > 0 {
		registry.MustRegister(faults)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		EnableOpenMetrics: true, MaxRequestsInFlight: scrapesAtOnce, ErrorHandling: promhttp.HTTPErrorOnError, Timeout: 10 * time.Second,
	}))
	return c.filter, ev.observe, mux
}

// failing makes scrapes fail, with the reasons.
type failing []error

// Describe implements [prometheus.Collector]: it is one of those whose metrics are not known beforehand.
func (failing) Describe(chan<- *prometheus.Desc) {}

// Collect implements [prometheus.Collector].
func (f failing) Collect(ch chan<- prometheus.Metric) {
	for _, err := range f {
		ch <- prometheus.NewInvalidMetric(prometheus.NewInvalidDesc(err), err)
	}
}
