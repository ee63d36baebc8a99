package activator

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/dubbofn/dubbofn/internal/metricdoc"
)

func TestPageListsEveryMetric(t *testing.T) {
	t.Parallel()
	described := make(chan *prometheus.Desc)
	go func() {
		newMetrics(nil).registry.Describe(described)
		close(described)
	}()
	var rows []metricdoc.Row
	for d := range described {
		if r, ok := metricdoc.Described(t, d.String(), "dubbofn_"); ok {
			rows = append(rows, r)
		}
	}
	metricdoc.Check(t, "../../docs/metrics.md", "dubbofn_activator_", nil, rows)
}
