package report

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// Table prints a part: a table a case with a line a peer, or, where the cases grow, a table a peer with a line a case.
func (p *Part) Table(out io.Writer) error {
	c := p.Conditions
	fmt.Fprintf(out, "\n== %s\n%s · %s · %d cores · Linux %s · %s · %s · commit %s\n", p.Title, c.Started, c.CPU, c.Cores, c.Kernel, c.Go, c.Java, c.Commit)
	fmt.Fprintf(out, "%s · GOGC %s · load average %s before, %s after\n%s\n", c.Pinning, c.GOGC, c.LoadBefore, c.LoadAfter, c.Method)
	for _, peer := range c.Peers {
		fmt.Fprintln(out, "  "+peer)
	}
	for _, t := range p.tables() {
		if err := p.table(out, t); err != nil {
			return err
		}
	}
	for _, s := range p.Shares {
		fmt.Fprintf(out, "\nwhere the CPU time of %s goes, case %s (%.1f s of samples)\n", s.Peer, s.Case, s.Seconds)
		fmt.Fprintf(out, "  %s\n", pieces(s.Pieces, " · "))
		if s.Peer == p.Bar {
			fmt.Fprintf(out, "  functions by their own time: %s\n", pieces(s.Tops, ", "))
		}
	}
	return nil
}

func pieces(all []Piece, separator string) string {
	var texts []string
	for _, p := range all {
		texts = append(texts, fmt.Sprintf("%s %.1f %%", p.Name, 100*p.Share))
	}
	return strings.Join(texts, separator)
}

// table is one of a part: of a case or, where the cases grow, of a peer.
type table struct {
	title   string
	figures []string
	lines   []line
}

// line is a case and a peer, and what they are compared with.
type line struct{ name, c, peer, overCase, overPeer string }

func (p *Part) tables() (all []table) {
	cases := p.Cases()
	if !p.Grows {
		for _, c := range cases {
			t := table{title: c, figures: p.figures(c)}
			for _, peer := range p.Peers(c) {
				t.lines = append(t.lines, line{peer, c, peer, c, p.Bar})
			}
			all = append(all, t)
		}
		return all
	}
	for _, peer := range p.Peers(cases...) {
		t := table{title: peer, figures: p.figures(cases[0])}
		for _, c := range cases {
			t.lines = append(t.lines, line{c, c, peer, cases[0], peer})
		}
		all = append(all, t)
	}
	return all
}

func (p *Part) table(out io.Writer, t table) error {
	fmt.Fprintf(out, "\n%s\n", t.title)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	rounds := len(p.Of(t.lines[0].c, t.lines[0].peer, t.figures[0])) > 1
	fmt.Fprint(w, "\t")
	for i, f := range t.figures {
		fmt.Fprint(w, f, map[bool]string{true: ": min\tmedian\tmax\t", false: "\t"}[i == 0 && rounds])
	}
	compared := slices.DeleteFunc(slices.Clone(t.figures), func(f string) bool { return !slices.Contains(p.Compared, f) })
	for _, f := range compared {
		fmt.Fprintf(w, "%s: min\tmedian\tmax\t", p.head(f))
	}
	fmt.Fprintln(w)
	for _, l := range t.lines {
		fmt.Fprint(w, l.name, "\t")
		for i, f := range t.figures {
			if s := SpreadOf(p.Of(l.c, l.peer, f)); i == 0 && rounds {
				fmt.Fprintf(w, "%s\t%s\t%s\t", Number(s.Min), Number(s.Median), Number(s.Max))
			} else {
				fmt.Fprintf(w, "%s\t", Number(s.Median))
			}
		}
		for _, f := range compared {
			fmt.Fprint(w, p.ratio(l, f))
		}
		fmt.Fprintln(w)
	}
	return w.Flush()
}

// head is that of the columns of a ratio, which is above 1 where it is in favour of what is compared with.
func (p *Part) head(figure string) string {
	bar := p.Bar
	if p.Grows {
		bar = "the first"
	}
	if Rate(figure) {
		return figure + ", " + bar + " ÷ it"
	}
	return figure + ", ÷ " + bar
}

// ratio gives the columns of a ratio.
func (p *Part) ratio(l line, figure string) string {
	a, b := p.Of(l.c, l.peer, figure), p.Of(l.overCase, l.overPeer, figure)
	if Rate(figure) {
		a, b = b, a
	}
	s := SpreadOf(Join(a, b, Ratio))
	if s.Max == 0 || math.IsInf(s.Max, 0) || l.c == l.overCase && l.peer == l.overPeer {
		return "\t\t\t"
	}
	return fmt.Sprintf("%.2f\t%.2f\t%.2f\t", s.Min, s.Median, s.Max)
}

// Rate tells whether more of a figure is better.
func Rate(figure string) bool { return strings.HasSuffix(figure, "/s") }

// Number writes a figure with three digits at least; "-" for 0.
func Number(v float64) string {
	if v == 0 {
		return "-"
	}
	return number(v)
}

func number(v float64) string {
	switch size := max(v, -v); {
	case v == math.Trunc(v) && size < 1000:
		return strconv.Itoa(int(v))
	case size >= 1000:
		return thousands(v)
	case size >= 100:
		return fmt.Sprintf("%.0f", v)
	case size >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
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
