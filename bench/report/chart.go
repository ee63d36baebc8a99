package report

import (
	"fmt"
	"html"
	"math"
	"os"
	"slices"
	"strings"
)

// The chart's measures, in px.
const (
	chartWidth  = 960
	labelWidth  = 270
	valueWidth  = 190
	barHeight   = 18
	barGap      = 6
	groupGap    = 26
	titleHeight = 64
)

const (
	green = "#1a7f64"
	red   = "#cf222e"
)

// Chart draws the first figure of every table as bars, or, where the cases grow, the one that is compared; the thin line on a bar goes from the
// least to the largest round. Each group has a scale of its own.
func (p *Part) Chart(path string) error {
	var b strings.Builder
	y := titleHeight
	var names []string // so that a peer has the same color in every group
	for _, t := range p.tables() {
		for _, l := range t.lines {
			if !slices.Contains(names, l.name) {
				names = append(names, l.name)
			}
		}
		y = p.group(&b, t, names, y)
	}
	c := p.Conditions
	return writeChart(path, y, p.Title, c.Pinning+" · median, line from least to largest · "+c.Started, b.String())
}

func writeChart(path string, height int, title, below, content string) error {
	head := fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="system-ui, sans-serif" font-size="13">
<rect width="100%%" height="100%%" fill="#ffffff"/>
<text x="16" y="26" font-size="17" font-weight="600" fill="#1f2328">%s</text>
<text x="16" y="46" font-size="11" fill="#59636e">%s</text>
`, chartWidth, height, chartWidth, height, html.EscapeString(title), html.EscapeString(below))
	if err := os.WriteFile(path, []byte(head+content+"</svg>\n"), 0o644); err != nil {
		return fmt.Errorf("write chart: %w", err)
	}
	return nil
}

func (p *Part) group(b *strings.Builder, t table, names []string, y int) int {
	figure := t.figures[0]
	if p.Grows {
		figure = p.Compared[0]
	}
	spreads := make([]Spread, len(t.lines))
	top := 0.0
	for i, l := range t.lines {
		spreads[i] = SpreadOf(p.Of(l.c, l.peer, figure))
		top = math.Max(top, spreads[i].Max)
	}
	y += 14
	fmt.Fprintf(b, `<text x="16" y="%d" font-weight="600" fill="#1f2328">%s: %s</text>`+"\n", y, html.EscapeString(t.title), html.EscapeString(figure))
	y += 10
	scale := float64(chartWidth-labelWidth-valueWidth) / max(top, 1e-9)
	for i, l := range t.lines {
		s := spreads[i]
		middle := y + barHeight/2
		text := Number(s.Median)
		if p99 := SpreadOf(p.Of(l.c, l.peer, "p99 µs")).Median; p99 > 0 {
			text += fmt.Sprintf(" · p99 %.2f ms", p99/1000)
		}
		fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="end" fill="#1f2328">%s</text>`+"\n", labelWidth-8, middle+4, html.EscapeString(l.name))
		fmt.Fprintf(b, `<rect x="%d" y="%d" width="%.1f" height="%d" rx="2" fill="%s"/>`+"\n", labelWidth, y, s.Median*scale, barHeight, color(l, p, names))
		fmt.Fprintf(b, `<path d="M%.1f %dH%.1f" stroke="#1f2328" stroke-width="1.5"/>`+"\n", labelWidth+s.Min*scale, middle, labelWidth+s.Max*scale)
		fmt.Fprintf(b, `<text x="%.1f" y="%d" font-size="11" fill="#59636e">%s</text>`+"\n", labelWidth+s.Max*scale+8, middle+4, html.EscapeString(text))
		y += barHeight + barGap
	}
	return y + groupGap - barGap
}

// ours are drawn in a color of their own wherever they are.
func ours(peer string) bool {
	return slices.Contains([]string{"dubbofn", "greet", "activator", "by activator", "relay"}, peer)
}

func color(l line, p *Part, names []string) string {
	if ours(l.peer) {
		return green
	}
	colors := []string{"#d0d7de", "#54aeff", "#e0823d", "#8250df", "#bf3989"}
	if p.Grows {
		return colors[0]
	}
	return colors[slices.Index(names, l.name)%len(colors)]
}

// The chart of goals, in px: a bar begins where the goal is just met, and goes to the right as far as it is surpassed.
const (
	goalLabel = 600
	goalZero  = 720
	goalFold  = 28 // for a factor of two
	goalFolds = 4  // at most
)

// GoalsChart draws by what factor the median of every goal that was measured is better or worse than the bound.
func GoalsChart(path string, all []Judged) error {
	var b strings.Builder
	y := titleHeight
	for _, j := range all {
		if j.Verdict != Met && j.Verdict != Missed {
			continue
		}
		fill, folds := green, goalFolds*1.0
		if j.Verdict == Missed {
			fill = red
		}
		if j.Median > 0 && j.Bound > 0 {
			folds = math.Log2(j.Median / j.Bound)
			if j.Is == AtMost {
				folds = -folds
			}
		}
		folds = min(max(folds, -goalFolds), goalFolds)
		middle := y + barHeight/2
		fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end" font-size="12" fill="#1f2328">%s</text>`+"\n", goalLabel, middle+4, html.EscapeString(j.Measure))
		fmt.Fprintf(&b, `<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="%s"/>`+"\n", goalZero+min(folds, 0)*goalFold, y+3, max(math.Abs(folds)*goalFold, 1), barHeight-6, fill)
		fmt.Fprintf(&b, `<text x="%d" y="%d" font-size="11" fill="#59636e">%s, %s %s</text>`+"\n", goalZero+goalFolds*goalFold+8, middle+4, number(j.Median), j.Is, number(j.Bound))
		y += barHeight
	}
	fmt.Fprintf(&b, `<path d="M%d %dV%d" stroke="#1f2328" stroke-width="1"/>`+"\n", goalZero, titleHeight-6, y)
	return writeChart(path, y+16, "Goals", "the line is the goal, to the right is better, on a logarithmic scale of a sixteenth to sixteen times; at the right the median, and the goal", b.String())
}
