// Command promql has Prometheus's own parser read what templates/grafana holds: every expression of the dashboard, and the alerts as a file of
// rules, their texts included.
//
//	promql DASHBOARD.json ALERTS.yaml
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: promql DASHBOARD.json ALERTS.yaml")
		os.Exit(2)
	}
	panels, err := dashboard(os.Args[1])
	rules, faults := alerts(os.Args[2])
	if err := errors.Join(err, faults); err != nil {
		fmt.Fprintln(os.Stderr, "promql:", err)
		os.Exit(1)
	}
	fmt.Printf("%d expressions and %d alerts are Prometheus's\n", panels, rules)
}

// dashboard gives how many expressions it has.
func dashboard(name string) (n int, err error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return 0, err
	}
	var board struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &board); err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	grafana := strings.NewReplacer("$__rate_interval", "1m", "$app", ".*") // what Grafana puts in
	p := parser.NewParser(parser.Options{})
	var faults []error
	for _, panel := range board.Panels {
		for _, t := range panel.Targets {
			n++
			if _, err := p.ParseExpr(grafana.Replace(t.Expr)); err != nil {
				faults = append(faults, fmt.Errorf("panel %q: %s: %w", panel.Title, t.Expr, err))
			}
		}
	}
	if n == 0 {
		faults = append(faults, fmt.Errorf("%s: no expression", name))
	}
	return n, errors.Join(faults...)
}

// alerts gives how many there are.
func alerts(name string) (n int, err error) {
	groups, faults := rulefmt.ParseFile(name, false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.Default())
	if len(faults) > 0 {
		return 0, errors.Join(faults...)
	}
	for _, g := range groups.Groups {
		n += len(g.Rules)
	}
	return n, nil
}
