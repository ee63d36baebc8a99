package report

import (
	"fmt"
	"html"
	"math"
	"os"
	"strings"
)

// The chart's measures, in px.
const (
	chartWidth  = 860
	labelWidth  = 150
	valueWidth  = 190
	barHeight   = 18
	barGap      = 6
	cellGap     = 26
	titleHeight = 64
)

// Chart draws calls a second as bars, a group a cell; the thin line on a bar goes from the least to the largest round.
// Each group has a scale of its own. names are all peers in order.
func (r *Results) Chart(path string, names []string) error {
	var b strings.Builder
	y := titleHeight
	for _, cell := range r.Cells() {
		y = r.chartCell(&b, cell, r.PeersOf(cell, names), names, y)
	}
	c := r.Conditions
	title := "Calls per second on one provider"
	if r.Outbound {
		title = "Calls per second of one consumer"
	}
	head := fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="system-ui, sans-serif" font-size="13">
<rect width="100%%" height="100%%" fill="#ffffff"/>
<text x="16" y="26" font-size="17" font-weight="600" fill="#1f2328">%s</text>
<text x="16" y="46" font-size="11" fill="#59636e">%s · %d interleaved rounds of %s, median, line from least to largest · %s</text>
`, chartWidth, y, chartWidth, y, title, html.EscapeString(c.Pinning), c.Rounds, html.EscapeString(c.Measure), html.EscapeString(c.Started))
	if err := os.WriteFile(path, []byte(head+b.String()+"</svg>\n"), 0o644); err != nil {
		return fmt.Errorf("write chart: %w", err)
	}
	return nil
}

func (r *Results) chartCell(b *strings.Builder, cell Cell, peers, names []string, y int) int {
	rates := make([]Spread, len(peers))
	top := 0.0
	for i, p := range peers {
		rates[i] = r.Of(cell, p, func(x Run) float64 { return x.PerSecond })
		top = math.Max(top, rates[i].Max)
	}
	y += 14
	fmt.Fprintf(b, `<text x="16" y="%d" font-weight="600" fill="#1f2328">%s</text>`+"\n", y, html.EscapeString(cell.String()))
	y += 10
	scale := float64(chartWidth-labelWidth-valueWidth) / top
	for i, p := range peers {
		s := rates[i]
		middle := y + barHeight/2
		p99 := r.Of(cell, p, func(x Run) float64 { return x.P99 }).Median
		fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="end" fill="#1f2328">%s</text>`+"\n", labelWidth-8, middle+4, html.EscapeString(p))
		fmt.Fprintf(b, `<rect x="%d" y="%d" width="%.1f" height="%d" rx="2" fill="%s"/>`+"\n", labelWidth, y, s.Median*scale, barHeight, color(p, names))
		fmt.Fprintf(b, `<path d="M%.1f %dH%.1f" stroke="#1f2328" stroke-width="1.5"/>`+"\n", labelWidth+s.Min*scale, middle, labelWidth+s.Max*scale)
		fmt.Fprintf(b, `<text x="%.1f" y="%d" font-size="11" fill="#59636e">%s /s · p99 %.2f ms</text>`+"\n", labelWidth+s.Max*scale+8, middle+4, thousands(s.Median), p99/1000)
		y += barHeight + barGap
	}
	return y + cellGap - barGap
}

// color gives a peer the same color in every group.
func color(peer string, names []string) string {
	colors := []string{"#d0d7de", "#1a7f64", "#54aeff", "#e0823d", "#8250df", "#bf3989"}
	for i, n := range names {
		if n == peer {
			return colors[i%len(colors)]
		}
	}
	return colors[0]
}

func thousands(v float64) string {
	if v < 0 {
		return "-" + thousands(-v)
	}
	s := fmt.Sprintf("%.0f", v)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
