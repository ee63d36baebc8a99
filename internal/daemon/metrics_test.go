package daemon

import (
	"regexp"
	"testing"

	"github.com/dubbofn/dubbofn/cold/keeper"
	"github.com/dubbofn/dubbofn/internal/metricdoc"
)

func TestPageListsEveryMetricOfAKeeper(t *testing.T) {
	t.Parallel()
	var rows []metricdoc.Row
	for _, m := range regexp.MustCompile(`# HELP (\S+) (.*)\n# TYPE \S+ (\S+)\n`).FindAllStringSubmatch(metricsText(keeper.Stats{}), -1) {
		rows = append(rows, metricdoc.Row{Name: m[1], Help: m[2], Type: m[3]})
	}
	metricdoc.Check(t, "../../docs/metrics.md", "dubbofn_keeper_", nil, rows)
}
