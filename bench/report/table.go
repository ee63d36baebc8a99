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
	fmt.Fprintf(out, "%d interleaved rounds of %s, %s; every reply's id, status, length and leading bytes checked, one in %d decoded in full\n", c.Rounds, c.Measure, c.WarmUp, c.DecodeEvery)
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

func parts(ps []Part, separator string) string {
	var texts []string
	for _, p := range ps {
		texts = append(texts, fmt.Sprintf("%s %.1f %%", p.Name, 100*p.Share))
	}
	return strings.Join(texts, separator)
}

func (r *Results) cell(out io.Writer, cell Cell, peers []string, subject string) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "peer\tcalls/s min\tmedian\tmax\tp50 µs\tp99 µs\tp999 µs\tCPU µs a call\tcores\tclient cores\trequest B\treply B\t%s ÷ it: min\tmedian\tmax\t\n", subject)
	for _, p := range peers {
		of := func(figure func(Run) float64) Spread { return r.Of(cell, p, figure) }
		rate := of(func(x Run) float64 { return x.PerSecond })
		fmt.Fprintf(w, "%s\t%.0f\t%.0f\t%.0f\t%.0f\t%.0f\t%.0f\t%.1f\t%.2f\t%.2f\t%.0f\t%.0f\t", p, rate.Min, rate.Median, rate.Max,
			of(func(x Run) float64 { return x.P50 }).Median, of(func(x Run) float64 { return x.P99 }).Median, of(func(x Run) float64 { return x.P999 }).Median,
			of(func(x Run) float64 { return x.ProviderCPU }).Median, of(func(x Run) float64 { return x.ProviderCores }).Median,
			of(func(x Run) float64 { return x.ClientCores }).Median, of(func(x Run) float64 { return float64(x.RequestBytes) }).Median,
			of(func(x Run) float64 { return float64(x.ReplyBytes) }).Median)
		if ratio := r.Ratio(cell, subject, p); p != subject && ratio.Max > 0 {
			fmt.Fprintf(w, "%.2f\t%.2f\t%.2f\t\n", ratio.Min, ratio.Median, ratio.Max)
		} else {
			fmt.Fprint(w, "\t\t\t\n")
		}
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
