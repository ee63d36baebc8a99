package serve

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/dubbofn/dubbofn/cold"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/tracing"
)

// Monitor is a part that counts what the process does, as metrics.Prometheus is.
type Monitor interface {
	Name() string
	// Monitor begins to count for an application. calls goes around every method, within the spans; events is told of each event that was answered; scrape
	// answers on DUBBOFN_METRICS_PORT. read hands what the process itself counts to put, by the names of package metrics, whenever it is called.
	Monitor(app string, read func(put func(name string, value float64, labels ...string))) (
		calls invoker.Filter, events func(rule, outcome string, took time.Duration), scrape http.Handler,
	)
}

// monitor is a [Monitor] at work. The zero value counts nothing.
type monitor struct {
	calls    invoker.Filter // nil: none
	events   func(rule, outcome string, took time.Duration)
	web      *http.Server
	listener net.Listener
	serving  sync.WaitGroup
}

// begin has a part count for the function, where there is one.
func (m *monitor) begin(p Monitor, f *function) {
	if p == nil {
		return
	}
	var scrape http.Handler
	m.calls, m.events, scrape = p.Monitor(f.config.App, f.measure)
	m.web = &http.Server{Handler: scrape, ReadHeaderTimeout: f.config.ReadTimeout, ErrorLog: slog.NewLogLogger(f.log.Handler(), slog.LevelDebug)}
}

func (m *monitor) listen(ctx context.Context, address string) (err error) {
	if m.web == nil {
		return nil
	}
	if m.listener, err = listenTCP(ctx, address); err != nil {
		return fmt.Errorf("listen for scrapes of metrics: %w; DUBBOFN_METRICS_PORT chooses another port, 0 a free one", err)
	}
	return nil
}

// serve answers scrapes until close.
func (m *monitor) serve() {
	if m.listener != nil {
		m.serving.Go(func() { _ = m.web.Serve(m.listener) }) // until close: a port that nobody scrapes keeps no call from being answered
	}
}

func (m *monitor) close() {
	if m.listener != nil {
		_ = m.listener.Close() // where it was not served
		_ = m.web.Close()      // whoever still reads is cut off
	}
	m.serving.Wait()
}

func (m *monitor) addr() net.Addr {
	if m.listener == nil {
		return nil
	}
	return m.listener.Addr()
}

// measure hands over what the process counts itself.
func (f *function) measure(put func(name string, value float64, labels ...string)) {
	for op, n := range f.set.Refused() {
		put("dubbofn_limit_refused_total", float64(n), op)
	}
	s := f.server.Stats()
	put("dubbofn_server_connections", float64(s.Conns))
	put("dubbofn_server_connections_accepted_total", float64(s.Accepted))
	put("dubbofn_server_connections_refused_total", float64(s.Refused))
	put("dubbofn_server_calls_in_flight", float64(s.InFlight))
	put("dubbofn_server_requests_total", float64(s.Calls), "called")
	put("dubbofn_server_requests_total", float64(s.Exhausted), "exhausted")
	put("dubbofn_server_requests_total", float64(s.Bad), "bad")
	put("dubbofn_server_requests_total", float64(s.Late), "late")
	put("dubbofn_server_oneway_requests_total", float64(s.OneWay))
	put("dubbofn_server_request_bytes", float64(s.Bytes))
	for i, p := range f.parts.outbound {
		if p, ok := p.(interface{ Stat() cold.Stat }); ok {
			measurePool(put, f.parts.sectionOf(i), p.Stat())
		}
	}
	f.measureStart(put)
	if f.traces != nil {
		if t, ok := f.traces.Tracer.(tracing.Counted); ok {
			n := t.Stats()
			put("dubbofn_spans_total", float64(n.Sent), "sent")
			put("dubbofn_spans_total", float64(n.Dropped), "dropped")
			put("dubbofn_spans_queued", float64(n.Queued))
		}
	}
}

func measurePool(put func(name string, value float64, labels ...string), client string, s cold.Stat) {
	put("dubbofn_pool_addresses", float64(s.Targets), client)
	put("dubbofn_pool_addresses_ready", float64(s.Ready), client)
	put("dubbofn_pool_connections", float64(s.Open), client, "open")
	put("dubbofn_pool_connections", float64(s.Dialling), client, "dialling")
	put("dubbofn_pool_dials_total", float64(s.Dials), client)
	put("dubbofn_pool_dial_failures_total", float64(s.Failures), client)
	put("dubbofn_pool_connections_lost_total", float64(s.Ended), client)
	put("dubbofn_pool_connections_renewed_total", float64(s.Renewed), client)
}

func (f *function) measureStart(put func(name string, value float64, labels ...string)) {
	r := f.ledger.Record()
	for _, e := range r.Entries {
		put("dubbofn_start_phase_seconds", e.Took.Seconds(), string(e.Name))
		put("dubbofn_start_phase_begin_seconds", e.At.Seconds(), string(e.Name))
	}
	select {
	case <-f.ledger.Done():
		put("dubbofn_start_seconds", r.Total().Seconds())
	default: // no call was answered so far
	}
}
