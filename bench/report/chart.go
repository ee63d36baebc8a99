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
	chartWidth  = 900
	labelWidth  = 210
	valueWidth  = 190
	barHeight   = 18
	barGap      = 6
	groupGap    = 26
	titleHeight = 64
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
	head := fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="system-ui, sans-serif" font-size="13">
<rect width="100%%" height="100%%" fill="#ffffff"/>
<text x="16" y="26" font-size="17" font-weight="600" fill="#1f2328">%s</text>
<text x="16" y="46" font-size="11" fill="#59636e">%s · median, line from least to largest · %s</text>
`, chartWidth, y, chartWidth, y, html.EscapeString(p.Title), html.EscapeString(c.Pinning), html.EscapeString(c.Started))
	if err := os.WriteFile(path, []byte(head+b.String()+"</svg>\n"), 0o644); err != nil {
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

// subject is drawn in a color of its own wherever it is.
const subject = "dubbofn"

func color(l line, p *Part, names []string) string {
	if l.peer == subject || p.Bar != subject && l.peer == "greet" {
		return "#1a7f64"
	}
	colors := []string{"#d0d7de", "#54aeff", "#e0823d", "#8250df", "#bf3989"}
	if p.Grows {
		return colors[0]
	}
	return colors[slices.Index(names, l.name)%len(colors)]
}
