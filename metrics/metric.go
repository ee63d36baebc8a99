package metrics

import "github.com/prometheus/client_golang/prometheus"

// Metric is one that a function shows. Each also has the label app, the application.
type Metric struct {
	Name   string
	Type   string // "counter", "gauge" or "histogram"
	Labels []string
	Help   string

	counted bool // by the process: it comes by read
}

// The types.
const (
	counter       = "counter"
	gauge         = "gauge"
	histogramType = "histogram"
)

// Those that are counted here.
const (
	callsTotal    = "dubbofn_calls_total"
	callDuration  = "dubbofn_call_duration_seconds"
	callsInFlight = "dubbofn_calls_in_flight"
	eventsTotal   = "dubbofn_events_total"
	eventDuration = "dubbofn_event_duration_seconds"
)

// All lists every metric of a function, beside those of Go's runtime (go_…) and of the process (process_…).
func All() []Metric {
	return []Metric{
		{Name: callsTotal, Type: counter, Labels: []string{"service", "method", "code"}, Help: "Calls that were answered: code is ok, exception (the method threw one), panic, or how Dubbo failed: timeout, exhausted, unauthenticated and so on."},
		{Name: callDuration, Type: histogramType, Labels: []string{"service", "method"}, Help: "From when a call had been read until its result was there."},
		{Name: callsInFlight, Type: gauge, Labels: []string{"service", "method"}, Help: "Calls that run now."},
		{Name: "dubbofn_limit_refused_total", Type: counter, Labels: []string{"limit"}, Help: "Calls that a method's own limit (fn.Limit) refused.", counted: true},

		{Name: "dubbofn_server_connections", Type: gauge, Help: "Dubbo connections that are open.", counted: true},
		{Name: "dubbofn_server_connections_accepted_total", Type: counter, Help: "Dubbo connections that were accepted.", counted: true},
		{Name: "dubbofn_server_connections_refused_total", Type: counter, Help: "Dubbo connections that were closed at accept, over DUBBOFN_MAX_CONNECTIONS.", counted: true},
		{Name: "dubbofn_server_calls_in_flight", Type: gauge, Help: "Calls that count against DUBBOFN_MAX_CALLS now.", counted: true},
		{Name: "dubbofn_server_requests_total", Type: counter, Labels: []string{"outcome"}, Help: "Requests: called, exhausted (over DUBBOFN_MAX_CALLS or DUBBOFN_MAX_BYTES), bad (can't be read, or name nothing that exists), late (no time was left).", counted: true},
		{Name: "dubbofn_server_oneway_requests_total", Type: counter, Help: "Those of the called that nobody waits for.", counted: true},
		{Name: "dubbofn_server_request_bytes", Type: gauge, Help: "Bytes of requests that are being read or decoded, of DUBBOFN_MAX_BYTES.", counted: true},

		{Name: "dubbofn_pool_addresses", Type: gauge, Labels: []string{"client"}, Help: "Providers' addresses that connections are kept to.", counted: true},
		{Name: "dubbofn_pool_addresses_ready", Type: gauge, Labels: []string{"client"}, Help: "Those that take calls.", counted: true},
		{Name: "dubbofn_pool_connections", Type: gauge, Labels: []string{"client", "state"}, Help: "Connections to providers: open, or dialling.", counted: true},
		{Name: "dubbofn_pool_dials_total", Type: counter, Labels: []string{"client"}, Help: "Attempts to connect to a provider.", counted: true},
		{Name: "dubbofn_pool_dial_failures_total", Type: counter, Labels: []string{"client"}, Help: "Attempts that failed.", counted: true},
		{Name: "dubbofn_pool_connections_lost_total", Type: counter, Labels: []string{"client"}, Help: "Connections that ended by themselves.", counted: true},
		{Name: "dubbofn_pool_connections_renewed_total", Type: counter, Labels: []string{"client"}, Help: "Connections that were replaced for their age.", counted: true},

		{Name: "dubbofn_start_phase_seconds", Type: gauge, Labels: []string{"phase"}, Help: "How long each phase of this process's cold start took.", counted: true},
		{Name: "dubbofn_start_phase_begin_seconds", Type: gauge, Labels: []string{"phase"}, Help: "When it began, since the process did.", counted: true},
		{Name: "dubbofn_start_seconds", Type: gauge, Help: "From the start of the process to its first reply; not there before.", counted: true},

		{Name: eventsTotal, Type: counter, Labels: []string{"rule", "outcome"}, Help: "Events that were answered: handled, duplicate, running, unmatched (by no rule: rule is none), invalid, full, retry, failed, refused."},
		{Name: eventDuration, Type: histogramType, Labels: []string{"rule"}, Help: "From when an event had been read until it was answered."},

		{Name: "dubbofn_spans_total", Type: counter, Labels: []string{"outcome"}, Help: "Spans: sent or dropped.", counted: true},
		{Name: "dubbofn_spans_queued", Type: gauge, Help: "Spans that wait to be sent.", counted: true},
	}
}

func find(name string) Metric {
	for _, m := range All() {
		if m.Name == name {
			return m
		}
	}
	panic("metrics: no metric is called " + name)
}

func opts(name string) prometheus.Opts {
	m := find(name)
	return prometheus.Opts{Name: m.Name, Help: m.Help}
}

func histogram(name string) prometheus.HistogramOpts {
	m := find(name)
	return prometheus.HistogramOpts{Name: m.Name, Help: m.Help, Buckets: buckets()}
}
