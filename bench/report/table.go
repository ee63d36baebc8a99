package report

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Table prints everything as text. names are all peers in order, subject the one that the others are compared with.
func (r *Results) Table(out io.Writer, names []string, subject string) error {
	c := r.Conditions
	fmt.Fprintf(out, "%s · %s · %d cores · Linux %s · %s · %s · commit %s\n", c.Started, c.CPU, c.Cores, c.Kernel, c.Go, c.Java, c.Commit)
	fmt.Fprintf(out, "%s · GOGC %s · load average %s before, %s after\n", c.Pinning, c.GOGC, c.LoadBefore, c.LoadAfter)
	fmt.Fprintf(out, "%d interleaved rounds of %s, %s; every answer checked, one in %d in full\n", c.Rounds, c.Measure, c.WarmUp, c.CheckEvery)
	for _, p := range c.Peers {
		fmt.Fprintln(out, "  "+p)
	}
	for _, cell := range r.Cells() {
		fmt.Fprintf(out, "\n%s\n", cell)
		if err := r.cell(out, cell, r.PeersOf(cell, names), subject); err != nil {
			return err
		}
	}
	if err := r.memory(out); err != nil {
		return err
	}
	for _, s := range r.Shares {
		fmt.Fprintf(out, "\nwhere the CPU time of %s goes, case %s (%.1f s of samples)\n", s.Peer, s.Case, s.Seconds)
		fmt.Fprintf(out, "  %s\n", parts(s.Parts, " · "))
		if s.Peer == subject {
			fmt.Fprintf(out, "  functions by their own time: %s\n", parts(s.Tops, ", "))
		}
	}
	return nil
}

func parts(ps []Piece, separator string) string {
	var texts []string
	for _, p := range ps {
		texts = append(texts, fmt.Sprintf("%s %.1f %%", p.Name, 100*p.Share))
	}
	return strings.Join(texts, separator)
}

// column is a figure in the table, of which the median of the rounds is shown.
type column struct {
	head, format string
	figure       func(Run) float64
}

func perSecond(x Run) float64 { return x.PerSecond }

// clientCPU and providerCPU are a call's.
func clientCPU(x Run) float64   { return x.ClientCPU }
func providerCPU(x Run) float64 { return x.ProviderCPU }

func (r *Results) columns() []column {
	times := []column{
		{"p50 µs", "%.0f", func(x Run) float64 { return x.P50 }},
		{"p99 µs", "%.0f", func(x Run) float64 { return x.P99 }},
		{"p999 µs", "%.0f", func(x Run) float64 { return x.P999 }},
	}
	if r.Outbound {
		return append(times,
			column{"CPU µs a call", "%.1f", clientCPU},
			column{"cores", "%.2f", func(x Run) float64 { return x.ClientCores }},
			column{"provider CPU µs", "%.1f", providerCPU},
			column{"provider cores", "%.2f", func(x Run) float64 { return x.ProviderCores }},
			column{"allocations a call", "%.1f", func(x Run) float64 { return x.ClientAllocs }},
			column{"bytes", "%.0f", func(x Run) float64 { return x.ClientBytes }})
	}
	return append(times,
		column{"CPU µs a call", "%.1f", providerCPU},
		column{"cores", "%.2f", func(x Run) float64 { return x.ProviderCores }},
		column{"client cores", "%.2f", func(x Run) float64 { return x.ClientCores }},
		column{"request B", "%.0f", func(x Run) float64 { return float64(x.RequestBytes) }},
		column{"reply B", "%.0f", func(x Run) float64 { return float64(x.ReplyBytes) }})
}

// cell prints a line for each peer: the columns, then the subject's calls a second over its, then its CPU time a call over the subject's.
func (r *Results) cell(out io.Writer, cell Cell, peers []string, subject string) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	cpu := providerCPU
	if r.Outbound {
		cpu = clientCPU
	}
	fmt.Fprint(w, "peer\tcalls/s min\tmedian\tmax\t")
	for _, c := range r.columns() {
		fmt.Fprint(w, c.head, "\t")
	}
	fmt.Fprintf(w, "%s ÷ it: min\tmedian\tmax\tits CPU ÷ %s's: min\tmedian\tmax\t\n", subject, subject)
	for _, p := range peers {
		rate := r.Of(cell, p, perSecond)
		fmt.Fprintf(w, "%s\t%.0f\t%.0f\t%.0f\t", p, rate.Min, rate.Median, rate.Max)
		for _, c := range r.columns() {
			if v := r.Of(cell, p, c.figure).Median; v == 0 {
				fmt.Fprint(w, "-\t")
			} else {
				fmt.Fprintf(w, c.format+"\t", v)
			}
		}
		for _, ratio := range []Spread{r.Ratio(cell, subject, p, perSecond), r.Ratio(cell, p, subject, cpu)} {
			if p == subject || ratio.Max == 0 {
				fmt.Fprint(w, "\t\t\t")
			} else {
				fmt.Fprintf(w, "%.2f\t%.2f\t%.2f\t", ratio.Min, ratio.Median, ratio.Max)
			}
		}
		fmt.Fprintln(w)
	}
	return w.Flush()
}

func (r *Results) memory(out io.Writer) error {
	fmt.Fprintln(out, "\nresident memory, MiB")
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "peer\tidle\tafter the last round\tpeak\t")
	for _, m := range r.Memory {
		fmt.Fprintf(w, "%s\t%.1f\t%.1f\t%.1f\t\n", m.Peer, float64(m.Idle)/(1<<20), float64(m.Last)/(1<<20), float64(m.Peak)/(1<<20))
	}
	return w.Flush()
}
