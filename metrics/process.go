package metrics

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// process shows what the process counts itself, when it is asked.
type process struct {
	read  func(put func(name string, value float64, labels ...string))
	known map[string]shown
}

type shown struct {
	desc   *prometheus.Desc
	kind   prometheus.ValueType
	labels int
}

func newProcess(read func(put func(name string, value float64, labels ...string))) *process {
	p := &process{read: read, known: map[string]shown{}}
	for _, m := range All() {
		if m.counted {
			kind := prometheus.GaugeValue
			if m.Type == counter {
				kind = prometheus.CounterValue
			}
			p.known[m.Name] = shown{prometheus.NewDesc(m.Name, m.Help, m.Labels, nil), kind, len(m.Labels)}
		}
	}
	return p
}

// Describe implements [prometheus.Collector].
func (p *process) Describe(ch chan<- *prometheus.Desc) {
	for _, k := range p.known {
		ch <- k.desc
	}
}

// Collect implements [prometheus.Collector].
func (p *process) Collect(ch chan<- prometheus.Metric) {
	if p.read == nil {
		return
	}
	p.read(func(name string, value float64, labels ...string) {
		k, ok := p.known[name]
		if !ok || len(labels) != k.labels {
			err := fmt.Errorf("metric %q with %d labels is none that the process counts: see metrics.All", name, len(labels))
			ch <- prometheus.NewInvalidMetric(prometheus.NewInvalidDesc(err), err)
			return
		}
		ch <- prometheus.MustNewConstMetric(k.desc, k.kind, value, labels...)
	})
}
