package metrics

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/dubbofn/dubbofn/invoker"
)

// Values of the label "code" beside the names of [invoker.Code].
const (
	codeOK        = "ok"
	codeException = "exception" // what the method throws
	codePanic     = "panic"     // it panicked; the consumer is told of an exception
)

// The label of what there is too much of.
const (
	other      = "other"
	maxMethods = 1000
)

// buckets go from what a method takes that only computes to Dubbo's longest usual timeout. They are classic ones: each scraper and each
// text form knows them, and a method's series are bounded beforehand.
func buckets() []float64 {
	return []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}
}

// calls counts what goes through its filter.
type calls struct {
	total    *prometheus.CounterVec
	duration *prometheus.HistogramVec
	inFlight *prometheus.GaugeVec

	mu     sync.Mutex
	series map[method]*series
}

// method is what a call is to.
type method struct{ service, name string }

// series are one method's, looked up once.
type series struct {
	method
	ok, exception prometheus.Counter
	duration      prometheus.Observer
	inFlight      prometheus.Gauge
	total         *prometheus.CounterVec // of this method, by code
}

func newCalls() *calls {
	return &calls{
		total:    prometheus.NewCounterVec(prometheus.CounterOpts(opts(callsTotal)), []string{"service", "method", "code"}),
		duration: prometheus.NewHistogramVec(histogram(callDuration), []string{"service", "method"}),
		inFlight: prometheus.NewGaugeVec(prometheus.GaugeOpts(opts(callsInFlight)), []string{"service", "method"}),
		series:   map[method]*series{},
	}
}

// filter is applied to each method when its service is made. Which one that is shows with the first call; after that nothing is looked up.
func (c *calls) filter(next invoker.Invoker) invoker.Invoker {
	var known atomic.Pointer[series]
	return invoker.Func(func(ctx context.Context, inv *invoker.Invocation) (res invoker.Result, err error) {
		s := known.Load()
		if s == nil || s.name != inv.Method || s.service != inv.Service.Interface {
			s = c.of(inv)
			known.Store(s)
		}
		begun, ended := time.Now(), false
		s.inFlight.Inc()
		defer func() { // after a panic too
			s.inFlight.Dec()
			s.duration.Observe(time.Since(begun).Seconds())
			switch {
			case !ended:
				s.total.WithLabelValues(codePanic).Inc()
			case err == nil:
				s.ok.Inc()
			default:
				s.failed(ctx, err)
			}
		}()
		res, err = next.Invoke(ctx, inv)
		ended = true
		return res, err
	})
}

// failed counts by what the consumer is told, as package fn decides it: an error that came from another provider is one of the method's.
func (s *series) failed(ctx context.Context, err error) {
	var code string
	switch e := err.(type) { //nolint:errorlint // a wrapped one is the method's own
	case *invoker.Error:
		if !e.Remote {
			code = labelOf(e.Code)
		}
	case interface{ Panicked() }:
		code = codePanic
	default:
		if errors.Is(err, context.DeadlineExceeded) && errors.Is(ctx.Err(), context.DeadlineExceeded) {
			code = labelOf(invoker.CodeTimeout)
		}
	}
	if code == "" {
		s.exception.Inc()
		return
	}
	s.total.WithLabelValues(code).Inc()
}

// labelOf gives a code's name as a label has it: "bad_request".
func labelOf(c invoker.Code) string { return strings.ReplaceAll(c.String(), " ", "_") }

// of gives the series of what inv is to, as long as there is room for more.
func (c *calls) of(inv *invoker.Invocation) *series {
	m := method{inv.Service.Interface, inv.Method}
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.series[m]; s != nil {
		return s
	}
	if len(c.series) >= maxMethods {
		m = method{other, other}
		if s := c.series[m]; s != nil {
			return s
		}
	}
	m = method{strings.Clone(m.service), strings.Clone(m.name)} // the invocation belongs to the call
	total := c.total.MustCurryWith(prometheus.Labels{"service": m.service, "method": m.name})
	s := &series{
		method: m, total: total, ok: total.WithLabelValues(codeOK), exception: total.WithLabelValues(codeException),
		duration: c.duration.WithLabelValues(m.service, m.name), inFlight: c.inFlight.WithLabelValues(m.service, m.name),
	}
	c.series[m] = s
	return s
}
