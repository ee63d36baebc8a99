package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/dubbofn/dubbofn/bench/peer"
)

// figure is one codec's time for one operation, by round.
type figure struct {
	operation, codec string
	nanoseconds      []float64
	bytes, allocs    string
}

// codecFigures keep the order in which they came.
type codecFigures []*figure

func (f *codecFigures) of(operation, codec string) *figure {
	for _, x := range *f {
		if x.operation == operation && x.codec == codec {
			return x
		}
	}
	x := &figure{operation: operation, codec: codec, allocs: "-"}
	*f = append(*f, x)
	return x
}

// measureCodecs runs the Go benchmarks of codec/ and the Java program in turn, and prints medians.
// The raw lines of the Go benchmarks go to out/codec.txt, for benchstat.
func measureCodecs(ctx context.Context, m peer.Machine, s settings) error {
	if err := m.Build(ctx, ".", "go", "test", "-c", "-o", "{bin}/codec.test", "./codec"); err != nil {
		return err
	}
	if err := m.Build(ctx, "java", peer.MavenBuild()...); err != nil {
		return err
	}
	raw, err := os.Create(filepath.Join(m.Root, "out", "codec.txt"))
	if err != nil {
		return fmt.Errorf("measure codecs: %w", err)
	}
	defer raw.Close()
	var figures codecFigures
	for round := range s.rounds {
		progress("codecs, round %d: Go", round+1)
		text, err := m.Command(ctx, m.ProviderCore, filepath.Join(m.Root, "out", "bin", "codec.test"), "-test.run", "^$", "-test.bench", ".",
			"-test.benchmem", "-test.benchtime", s.measure.String()).Output()
		if err != nil {
			return fmt.Errorf("measure codecs: %w", err)
		}
		if _, err := raw.Write(text); err != nil {
			return fmt.Errorf("measure codecs: %w", err)
		}
		if err := figures.addGo(string(text)); err != nil {
			return err
		}
		progress("codecs, round %d: Java", round+1)
		java := append(peer.Java(m.Root), "org.bench.Codec", strconv.FormatInt(s.javaWarmUp.Milliseconds()/4, 10), strconv.FormatInt(s.measure.Milliseconds(), 10))
		if text, err = m.Command(ctx, m.ProviderCore, java...).Output(); err != nil {
			return fmt.Errorf("measure codecs: java: %w", err)
		}
		if err := figures.addJava(string(text)); err != nil {
			return err
		}
	}
	return figures.print(os.Stdout)
}

// addGo reads what go test -bench printed of BenchmarkEncode/user/dubbofn and its like.
func (f *codecFigures) addGo(text string) error {
	for line := range strings.Lines(text) {
		path, values := benchmarkLine(line)
		if len(path) != 3 {
			continue
		}
		ns, err := strconv.ParseFloat(values["ns/op"], 64)
		if err != nil {
			return fmt.Errorf("read benchmark: %q: %w", line, err)
		}
		x := f.of(strings.ToLower(path[0])+"/"+path[1], path[2])
		x.nanoseconds, x.bytes, x.allocs = append(x.nanoseconds, ns), values["wire-B"], values["allocs/op"]
	}
	return nil
}

// addJava reads lines "encode/user 123.4 231": nanoseconds and bytes.
func (f *codecFigures) addJava(text string) error {
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) != 3 {
			return fmt.Errorf("read java's figures: %q: want 3 fields", line)
		}
		ns, err := strconv.ParseFloat(fields[1], 64)
		if err != nil {
			return fmt.Errorf("read java's figures: %q: %w", line, err)
		}
		x := f.of(fields[0], "hessian-lite (Java)")
		x.nanoseconds, x.bytes = append(x.nanoseconds, ns), fields[2]
	}
	return nil
}

func (f *codecFigures) print(out io.Writer) error {
	slices.SortStableFunc(*f, func(a, b *figure) int { return strings.Compare(a.operation, b.operation) })
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "operation\tcodec\tµs min\tmedian\tmax\twire bytes\tallocations\tdubbofn is faster: min\tmedian\tmax\t")
	for _, x := range *f {
		v := slices.Sorted(slices.Values(x.nanoseconds))
		fmt.Fprintf(w, "%s\t%s\t%.2f\t%.2f\t%.2f\t%s\t%s\t", x.operation, x.codec, v[0]/1e3, v[len(v)/2]/1e3, v[len(v)-1]/1e3, x.bytes, x.allocs)
		ours := f.of(x.operation, subject)
		if ours == x || len(ours.nanoseconds) != len(x.nanoseconds) {
			fmt.Fprint(w, "\t\t\t\n")
			continue
		}
		ratios := make([]float64, len(x.nanoseconds))
		for i := range ratios {
			ratios[i] = x.nanoseconds[i] / ours.nanoseconds[i]
		}
		slices.Sort(ratios)
		fmt.Fprintf(w, "%.2f\t%.2f\t%.2f\t\n", ratios[0], ratios[len(ratios)/2], ratios[len(ratios)-1])
	}
	return w.Flush()
}
