package main

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dubbofn/dubbofn/bench/report"
)

// fill gives a part figures of several rounds.
func fill(p *report.Part, at point, values ...float64) {
	for _, v := range values {
		p.Add(at.c, at.peer, at.figure, v)
	}
}

// verdict judges the goal of that name, of one part alone.
func verdict(t *testing.T, p *report.Part, measure string) report.Judged {
	t.Helper()
	for _, j := range (&report.Results{Parts: []*report.Part{p}}).Judge(goals()) {
		if j.Measure == measure {
			return j
		}
	}
	t.Fatalf("there is no goal %q", measure)
	return report.Judged{}
}

func TestGoalsCompareRoundByRound(t *testing.T) {
	t.Parallel()
	p := &report.Part{Name: "activator"}
	c := "user, 1 connection, 1 in flight"
	fill(p, point{c, posted, frontFigure}, 50, 100, 150)
	fill(p, point{c, through, frontFigure}, 60, 130, 165)
	fill(p, point{c, direct, medianFigure}, 60, 60, 70)
	fill(p, point{c, through, medianFigure}, 245, 250, 240)
	if diff := cmp.Diff(report.Judged{Measure: "activator, 1 × 1: its CPU a call ÷ the bare client's", Part: "activator", Is: report.AtMost, Bound: 1.2, Spread: report.Spread{Min: 1.1, Median: 1.2, Max: 1.3}, Rounds: 3, Verdict: report.Met},
		verdict(t, p, "activator, 1 × 1: its CPU a call ÷ the bare client's")); diff != "" {
		t.Error(diff)
	}
	if j := verdict(t, p, "activator, 1 × 1: added to p50, µs"); j.Median != 185 || j.Verdict != report.Missed {
		t.Errorf("added to p50: %+v", j)
	}
	if j := verdict(t, p, "activator, 16 × 64: its CPU a call ÷ the bare client's"); j.Verdict != report.Unmeasured {
		t.Errorf("what was not measured: %+v", j)
	}
}

func TestGrowthIsOfTheDearestCaseInEveryRound(t *testing.T) {
	t.Parallel()
	p := &report.Part{Name: "scale shared"}
	for c, costs := range map[int][]float64{1: {2, 4}, 100: {4, 6}, 10_000: {5, 12}, 1000: {6, 6}} {
		fill(p, point{cell{name: "user", connections: c, inFlight: 64}.String(), subject, cpuFigure}, costs...)
	}
	slices.SortFunc(p.Measurements, func(a, b report.Measurement) int { return len(a.Case) - len(b.Case) })
	if got := growth(subject, "")(p); !slices.Equal(got, []float64{3, 3}) {
		t.Errorf("from the first: %v", got)
	}
	if got := growth(subject, "user, 100 connections, 64 in flight")(p); !slices.Equal(got, []float64{1.5, 2}) {
		t.Errorf("from 100 connections: %v", got)
	}
	if got := growth("nobody", "")(p); len(got) != 0 {
		t.Errorf("of nobody: %v", got)
	}
	if got := growth(subject, "")(&report.Part{}); len(got) != 0 {
		t.Errorf("of nothing: %v", got)
	}
}

// TestEveryGoalIsOfAPartThatIsMeasured compares names, which are all that joins a goal to what is measured.
func TestEveryGoalIsOfAPartThatIsMeasured(t *testing.T) {
	t.Parallel()
	names := []string{"codec", "providers", "consumers", "activator", "start", "footprint", "events", "tracing", "warm", "choice"}
	for _, s := range seriesNames() {
		names = append(names, "scale "+s)
	}
	seen := map[string]bool{}
	for _, g := range goals() {
		if !slices.Contains(names, g.Part) || seen[g.Measure] {
			t.Errorf("goal %q is of %q, or comes twice", g.Measure, g.Part)
		}
		seen[g.Measure] = true
	}
}
