// Package metricdoc is for tests: docs/metrics.md has a row for each metric that a program shows, and for no other.
package metricdoc

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Row is a metric as the page has it.
type Row struct {
	Name, Type string
	Labels     []string
	Help       string
}

// String gives the line of the table.
func (r Row) String() string {
	labels := "–"
	if len(r.Labels) > 0 {
		labels = "`" + strings.Join(r.Labels, "`, `") + "`"
	}
	return "| `" + r.Name + "` | " + r.Type + " | " + labels + " | " + strings.ReplaceAll(r.Help, "|", `\|`) + " |"
}

// described is what prometheus.Desc.String gives, which has no other way to tell what it says.
var described = regexp.MustCompile(`^Desc\{fqName: "([a-z_]+)", help: "(.*?)"(?:, unit: ".*")?, constLabels: \{.*\}, variableLabels: \{(.*)\}\}$`)

// Described reads a prometheus.Desc's text. The type follows from the name, by Prometheus's conventions; ok is false for a name that doesn't begin with prefix.
func Described(tb testing.TB, desc, prefix string) (r Row, ok bool) {
	tb.Helper()
	m := described.FindStringSubmatch(desc)
	if m == nil {
		tb.Fatalf("not a description: %s", desc)
	}
	r = Row{Name: m[1], Type: "gauge", Help: m[2]}
	switch {
	case strings.HasSuffix(r.Name, "_total"):
		r.Type = "counter"
	case strings.HasSuffix(r.Name, "wake_seconds"):
		r.Type = "histogram"
	}
	if m[3] != "" {
		r.Labels = strings.Split(m[3], ",")
	}
	return r, strings.HasPrefix(r.Name, prefix)
}

var row = regexp.MustCompile("(?m)^\\| `(dubbofn_[a-z_]+)` \\|.*$")

// Check compares a program's metrics with the rows of the page at path whose names begin with prefix and with none of others.
func Check(tb testing.TB, path, prefix string, others []string, want []Row) {
	tb.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	there := map[string]string{}
	for _, m := range row.FindAllStringSubmatch(string(text), -1) {
		foreign := slices.ContainsFunc(others, func(o string) bool { return strings.HasPrefix(m[1], o) })
		if strings.HasPrefix(m[1], prefix) && !foreign {
			there[m[1]] = m[0]
		}
	}
	for _, r := range want {
		if there[r.Name] != r.String() {
			tb.Errorf("%s wants the row\n%s", path, r)
		}
		delete(there, r.Name)
	}
	for name := range there {
		tb.Errorf("%s has %s, which the program does not show", path, name)
	}
}
