package activator

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/dubbofn/dubbofn/tracing"
)

// Why calls are refused here: values of the label "reason".
const (
	refusedFull    = "full"    // too much waits already
	refusedLate    = "late"    // its time ran out
	refusedBroken  = "broken"  // the connection failed after it was sent
	refusedRubbish = "rubbish" // the function's answer can't be read
	refusedProxy   = "proxy"   // something on the way answered
	refusedRefused = "refused" // the function's handler said no
	refusedUnknown = "unknown" // no function offers it
)

// metrics are the Activator's own, in a registry of their own.
type metrics struct {
	registry *prometheus.Registry

	calls     *prometheus.CounterVec // app, lane
	refused   *prometheus.CounterVec // app, reason
	left      *prometheus.CounterVec // app
	knocks    *prometheus.CounterVec // app, outcome
	wakes     *prometheus.CounterVec // app, lane
	wakeTime  *prometheus.HistogramVec
	lanes     *prometheus.CounterVec // app
	strangers prometheus.Counter
	unknown   prometheus.Counter
	faults    *prometheus.CounterVec // function
	standins  *prometheus.CounterVec // registry, outcome
}

// measures are those of one app, found once.
type measures struct {
	all                 *metrics
	app                 string
	early, posted, left prometheus.Counter
	knocks              prometheus.Counter
	knocksFailed        prometheus.Counter
	lanes               prometheus.Counter
	wakeTime            prometheus.Observer
}

func newMetrics(a *Activator) *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "dubbofn", Subsystem: "activator", Name: name, Help: help}, labels)
	}
	m := &metrics{
		registry: prometheus.NewRegistry(),
		calls:    counter("calls_total", "Calls sent to a function, by lane: early or http; one that is sent again counts again.", "app", "lane"),
		refused:  counter("refused_total", "Calls that were answered with an error here, by reason.", "app", "reason"),
		left:     counter("left_total", "Calls whose consumer left before they were answered.", "app"),
		knocks:   counter("knocks_total", "Knocks, sent and failed.", "app", "outcome"),
		wakes:    counter("wakes_total", "Cold starts, by the lane of the first reply.", "app", "lane"),
		lanes:    counter("lanes_total", "Early lanes that were opened.", "app"),
		faults:   counter("function_faults_total", "Functions that were refused, by the source's name of them.", "function"),
		standins: counter("registrations_total", "Attempts to write a stand-in, by outcome: ok, unreachable or refused.", "registry", "outcome"),
		wakeTime: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "dubbofn", Subsystem: "activator", Name: "wake_seconds",
			Help:    "From the first parked call until a lane was open.",
			Buckets: []float64{.005, .01, .025, .05, .1, .2, .3, .5, .75, 1, 1.5, 2, 3, 5, 10, 30},
		}, []string{"app"}),
		strangers: prometheus.NewCounter(prometheus.CounterOpts{Namespace: "dubbofn", Subsystem: "activator", Name: "lanes_refused_total", Help: "Connections on the early lanes' port that were refused."}),
		unknown:   prometheus.NewCounter(prometheus.CounterOpts{Namespace: "dubbofn", Subsystem: "activator", Name: "unknown_total", Help: "Calls of services that no function offers."}),
	}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.registry.MustRegister(m.calls, m.refused, m.left, m.knocks, m.wakes, m.wakeTime, m.lanes, m.strangers, m.unknown, m.faults, m.standins, &gauges{a: a})
	return m
}

func (m *metrics) of(app string) *measures {
	return &measures{
		all: m, app: app,
		early: m.calls.WithLabelValues(app, "early"), posted: m.calls.WithLabelValues(app, "http"), left: m.left.WithLabelValues(app),
		knocks: m.knocks.WithLabelValues(app, "sent"), knocksFailed: m.knocks.WithLabelValues(app, "failed"),
		lanes: m.lanes.WithLabelValues(app), wakeTime: m.wakeTime.WithLabelValues(app),
	}
}

func (m *measures) refused(reason string) prometheus.Counter {
	return m.all.refused.WithLabelValues(m.app, reason)
}

func (m *measures) wakes(lane string) prometheus.Counter {
	return m.all.wakes.WithLabelValues(m.app, lane)
}

// forget takes an app's series away.
func (m *metrics) forget(app string) {
	label := prometheus.Labels{"app": app}
	for _, v := range []*prometheus.CounterVec{m.calls, m.refused, m.left, m.knocks, m.wakes, m.lanes} {
		v.DeletePartialMatch(label)
	}
	m.wakeTime.DeletePartialMatch(label)
}

// gauges are looked up when they are asked for; so are the spans, which the tracer counts.
type gauges struct{ a *Activator }

func gauge(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("dubbofn_activator_"+name, help, labels, nil)
}

// The gauges.
var (
	gaugeParked      = gauge("parked_calls", "Calls that wait for a function.", "app")
	gaugeParkedBytes = gauge("parked_bytes", "Bytes of calls that wait for a function.", "app")
	gaugeWith        = gauge("forwarded_calls", "Calls that are with a function, by lane.", "app", "lane")
	gaugeLanes       = gauge("open_lanes", "Early lanes that are open.", "app")
	gaugeFunctions   = gauge("functions", "Functions that are served.")
	gaugeRefused     = gauge("functions_refused", "Functions that are refused.")
	gaugeConns       = gauge("connections", "Connections of consumers.")
	gaugeInFlight    = gauge("calls_in_flight", "Calls that are not answered yet.")
	gaugeBytes       = gauge("held_bytes", "Bytes of calls that are held.")
	gaugeQueued      = gauge("spans_queued", "Spans that wait to be sent.")
	countSpans       = gauge("spans_total", "Spans, sent and dropped.", "outcome")
)

// Describe implements [prometheus.Collector].
func (*gauges) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{gaugeParked, gaugeParkedBytes, gaugeWith, gaugeLanes, gaugeFunctions, gaugeRefused, gaugeConns, gaugeInFlight, gaugeBytes, gaugeQueued, countSpans} {
		ch <- d
	}
}

// Collect implements [prometheus.Collector].
func (g *gauges) Collect(ch chan<- prometheus.Metric) {
	put := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	for _, s := range g.a.sleepers() {
		s.mu.Lock()
		n, bytes, posting, early, open := s.parked.n, s.parked.bytes, s.posting, s.early, len(s.lanes)
		s.mu.Unlock()
		put(gaugeParked, float64(n), s.name)
		put(gaugeParkedBytes, float64(bytes), s.name)
		put(gaugeWith, float64(posting), s.name, "http")
		put(gaugeWith, float64(early), s.name, "early")
		put(gaugeLanes, float64(open), s.name)
	}
	served, refused := g.a.counts()
	put(gaugeFunctions, float64(served))
	put(gaugeRefused, float64(refused))
	st := g.a.stats()
	put(gaugeConns, float64(st.Conns))
	put(gaugeInFlight, float64(st.InFlight))
	put(gaugeBytes, float64(st.Bytes))
	if t, ok := g.a.cfg.Tracer.(tracing.Counted); ok {
		n := t.Stats()
		put(gaugeQueued, float64(n.Queued))
		ch <- prometheus.MustNewConstMetric(countSpans, prometheus.CounterValue, float64(n.Sent), "sent")
		ch <- prometheus.MustNewConstMetric(countSpans, prometheus.CounterValue, float64(n.Dropped), "dropped")
	}
}
