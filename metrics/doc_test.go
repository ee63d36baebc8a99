package metrics_test

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/dubbofn/dubbofn/internal/metricdoc"
	"github.com/dubbofn/dubbofn/metrics"
	"github.com/dubbofn/dubbofn/templates"
)

func TestPageListsEveryMetricOfAFunction(t *testing.T) {
	t.Parallel()
	var rows []metricdoc.Row
	for _, m := range metrics.All() {
		rows = append(rows, metricdoc.Row{Name: m.Name, Type: m.Type, Labels: m.Labels, Help: m.Help})
	}
	metricdoc.Check(t, "../docs/metrics.md", "dubbofn_", []string{"dubbofn_activator_", "dubbofn_keeper_"}, rows)
}

// The tests of the activator and of the keeper hold the page to what they show.
func TestDashboardAndAlertsNameOnlyMetricsOfThePage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	name := regexp.MustCompile(`\b(?:dubbofn|go|process)_[a-z_]+`)
	for _, file := range []string{"grafana/dashboard.json", "grafana/alerts.yaml"} {
		text, err := fs.ReadFile(templates.Files(), file)
		if err != nil {
			t.Fatal(err)
		}
		found := name.FindAllString(string(text), -1)
		if len(found) < 5 {
			t.Errorf("%s names %q only", file, found)
		}
		for _, n := range found {
			for _, suffix := range []string{"_bucket", "_count", "_sum"} {
				n = strings.TrimSuffix(n, suffix)
			}
			if !strings.Contains(string(page), "`"+n+"`") {
				t.Errorf("%s names %s, which docs/metrics.md does not", file, n)
			}
		}
	}
}

func TestEveryMetricOfTheListIsShown(t *testing.T) {
	t.Parallel()
	_, event, scrape := metrics.Prometheus.Monitor("shop", func(put func(name string, value float64, labels ...string)) {
		for _, m := range metrics.All() {
			if !strings.HasPrefix(m.Name, "dubbofn_call") && !strings.HasPrefix(m.Name, "dubbofn_event") {
				put(m.Name, 1, m.Labels...)
			}
		}
	})
	event("placed", "handled", time.Millisecond)
	text := scraped(t, scrape)
	for _, m := range metrics.All() {
		if !strings.HasPrefix(m.Name, "dubbofn_call") && !strings.Contains("\n"+text, "\n"+m.Name) {
			t.Errorf("%s is not shown", m.Name)
		}
	}
}
