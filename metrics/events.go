package metrics

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// noRule is the label of events that no rule fitted.
const noRule = "none"

// maxRules bounds the label "rule". A process may have as many.
const maxRules = 1001

// events counts what became of events.
type events struct {
	total    *prometheus.CounterVec
	duration *prometheus.HistogramVec

	mu    sync.Mutex
	rules map[string]struct{}
}

func newEvents() *events {
	return &events{
		total:    prometheus.NewCounterVec(prometheus.CounterOpts(opts(eventsTotal)), []string{"rule", "outcome"}),
		duration: prometheus.NewHistogramVec(histogram(eventDuration), []string{"rule"}),
		rules:    map[string]struct{}{},
	}
}

func (e *events) observe(rule, outcome string, took time.Duration) {
	if rule == "" {
		rule = noRule
	}
	rule = e.bounded(rule)
	e.total.WithLabelValues(rule, outcome).Inc()
	e.duration.WithLabelValues(rule).Observe(took.Seconds())
}

// bounded gives the rule, or one for all for which there is no room.
func (e *events) bounded(rule string) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, ok := e.rules[rule]; ok {
		return rule
	}
	if len(e.rules) >= maxRules {
		return other
	}
	e.rules[rule] = struct{}{}
	for _, outcome := range []string{"handled", "retry", "failed", "refused"} { // increase() sees nothing of a series that begins with 1
		e.total.WithLabelValues(rule, outcome)
	}
	return rule
}
