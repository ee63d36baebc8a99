package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// Table prints a part: a table a case with a line a peer, or, where the cases grow, a table a peer with a line a case.
func (p *Part) Table(out io.Writer) error {
	c := p.Conditions
	fmt.Fprintf(out, "\n== %s\n%s · %s · %d cores · Linux %s · %s · %s · commit %s\n", p.Title, c.Started, c.CPU, c.Cores, c.Kernel, c.Go, c.Java, c.Commit)
	fmt.Fprintf(out, "%s · GOGC %s · load average %s before, %s after\n", c.Pinning, c.GOGC, c.LoadBefore, c.LoadAfter)
	fmt.Fprintf(out, "%d interleaved rounds of %s, %s; every answer checked, one in %d in full\n", c.Rounds, c.Measure, c.WarmUp, c.CheckEvery)
	for _, peer := range c.Peers {
		fmt.Fprintln(out, "  "+peer)
	}
	if p.Grows {
		return p.grown(out)
	}
	for _, c := range p.Cases() {
		var lines []line
		for _, peer := range p.Peers(c) {
			lines = append(lines, line{peer, c, peer, c, p.Bar})
		}
		if err := p.lines(out, c, p.Figures(c), lines); err != nil {
			return err
		}
	}
	return nil
}

func (p *Part) grown(out io.Writer) error {
	cases := p.Cases()
	for _, peer := range p.distinct(func(m Measurement) (string, bool) { return m.Peer, true }) {
		var lines []line
		for _, c := range cases {
			lines = append(lines, line{c, c, peer, cases[0], peer})
		}
		if err := p.lines(out, peer, p.Figures(cases[0]), lines); err != nil {
			return err
		}
	}
	return nil
}

// line is one of a table: a case and a peer, and what they are compared with.
type line struct{ name, c, peer, overCase, overPeer string }

func (p *Part) lines(out io.Writer, title string, figures []string, lines []line) error {
	fmt.Fprintf(out, "\n%s\n", title)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "\t")
	for i, f := range figures {
		fmt.Fprint(w, f, map[bool]string{true: ": min\tmedian\tmax\t", false: "\t"}[i == 0])
	}
	for _, f := range p.compared(figures) {
		fmt.Fprintf(w, "%s\tmin\tmax\t", f)
	}
	fmt.Fprintln(w)
	for _, l := range lines {
		fmt.Fprint(w, l.name, "\t")
		for i, f := range figures {
			s := spread(p.Of(l.c, l.peer, f))
			if i == 0 {
				fmt.Fprintf(w, "%s\t%s\t%s\t", Number(s.Min), Number(s.Median), Number(s.Max))
			} else {
				fmt.Fprintf(w, "%s\t", Number(s.Median))
			}
		}
		for _, f := range figures {
			if !slices.Contains(p.Compared, f) {
				continue
			}
			a, b := p.Of(l.c, l.peer, f), p.Of(l.overCase, l.overPeer, f)
			if Rate(f) {
				a, b = b, a
			}
			if s := spread(Ratios(a, b)); s.Max == 0 || l.c == l.overCase && l.peer == l.overPeer {
				fmt.Fprint(w, "\t\t\t")
			} else {
				fmt.Fprintf(w, "%.2f\t%.2f\t%.2f\t", s.Median, s.Min, s.Max)
			}
		}
		fmt.Fprintln(w)
	}
	return w.Flush()
}

// compared gives the heads of the columns of ratios.
func (p *Part) compared(figures []string) (heads []string) {
	bar := p.Bar
	if p.Grows {
		bar = "the first"
	}
	for _, f := range figures {
		switch {
		case !slices.Contains(p.Compared, f):
		case Rate(f):
			heads = append(heads, fmt.Sprintf("%s: %s ÷ it", f, bar))
		default:
			heads = append(heads, fmt.Sprintf("%s ÷ %s", f, bar))
		}
	}
	return heads
}

// Rate tells whether more of a figure is better.
func Rate(figure string) bool { return strings.HasSuffix(figure, "/s") }

// Number writes a figure with three digits at least; "-" for none.
func Number(v float64) string {
	switch {
	case v == 0:
		return "-"
	case v >= 1000 || v <= -1000:
		return thousands(v)
	case v >= 100 || v <= -100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10 || v <= -10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}
