package report

import (
	"fmt"
	"io"
	"math"
	"text/tabwriter"
)

// Goal is what a figure, or a ratio of two, is to be. Its median over the rounds decides.
type Goal struct {
	Measure string // for people: "provider, POJO, 16 × 64: calls/s ÷ dubbo-go's"
	Part    string
	Values  func(p *Part) []float64 // by rounds; nil where it was not measured
	Is      string                  // AtLeast, AtMost; empty: it is only stated
	Bound   float64
}

// What a figure is to be of a bound.
const (
	AtLeast = "≥"
	AtMost  = "≤"
)

// Judged is what came of a goal.
type Judged struct {
	Measure string  `json:"measure"`
	Part    string  `json:"part"`
	Is      string  `json:"is,omitempty"` // as the goal's
	Bound   float64 `json:"bound"`
	Spread
	Rounds  int    `json:"rounds"`
	Verdict string `json:"verdict"` // Met, Missed, Stated, Unmeasured
}

// The verdicts.
const (
	Met        = "met"
	Missed     = "MISSED"
	Stated     = "stated"
	Unmeasured = "not measured"
)

// Judge compares the results with the goals.
func (r *Results) Judge(goals []Goal) (all []Judged) {
	for _, g := range goals {
		values := g.Values(r.Part(g.Part))
		j := Judged{Measure: g.Measure, Part: g.Part, Is: g.Is, Bound: g.Bound, Spread: SpreadOf(values), Rounds: len(values), Verdict: Stated}
		fits := j.Median >= g.Bound
		if g.Is == AtMost {
			fits = j.Median <= g.Bound
		}
		switch {
		case j.Rounds == 0 || math.IsNaN(j.Max-j.Min) || math.IsInf(j.Max-j.Min, 0): // a ratio to nothing
			j.Spread, j.Verdict = Spread{}, Unmeasured
		case g.Is != "" && fits:
			j.Verdict = Met
		case g.Is != "":
			j.Verdict = Missed
		}
		all = append(all, j)
	}
	return all
}

// GoalsTable prints what came of goals, and tells how many were missed.
func GoalsTable(out io.Writer, all []Judged) (missed int, err error) {
	counts := map[string]int{}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\n== goals\nmeasure\tgoal\tmin\tmedian\tmax\trounds\t")
	for _, j := range all {
		counts[j.Verdict]++
		goal, n := "", func(float64) string { return "-" }
		if j.Is != "" {
			goal = j.Is + " " + number(j.Bound)
		}
		if j.Rounds > 0 {
			n = number
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%d\t%s\n", j.Measure, goal, n(j.Min), n(j.Median), n(j.Max), j.Rounds, j.Verdict)
	}
	if err := w.Flush(); err != nil {
		return 0, err
	}
	fmt.Fprintf(out, "\n%d met, %d missed, %d not measured\n", counts[Met], counts[Missed], counts[Unmeasured])
	return counts[Missed], nil
}
