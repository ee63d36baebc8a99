package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/dubbofn/dubbofn/bench/peer"
	"github.com/dubbofn/dubbofn/bench/report"
)

// What the choice of a provider may cost, whatever the balancer and the weights.
const (
	maxChoice = 2000. // ns, with rules and the look at the connection too
	maxGrowth = 3.    // times what it costs among 100, among 10,000
)

// selection is what the benchmarks of invoker/cluster say, by their names without "Benchmark".
type selection struct {
	names  []string // of the choices: "Select/random/equal", in the order in which they came
	times  map[string][]float64
	allocs map[string]float64
	memory map[string]float64 // bytes a provider, by package
}

// measureSelection runs the benchmarks round by round and prints medians. The error says what is over the limits.
func measureSelection(ctx context.Context, m peer.Machine, s settings) error {
	f := selection{times: map[string][]float64{}, allocs: map[string]float64{}, memory: map[string]float64{}}
	runs := []struct{ pkg, benchmarks, times string }{
		{"invoker/cluster", "Select|Routed", "500000x"},
		{"invoker/cluster", "Memory", "1x"},
		{"invoker/cluster/directory", "Memory", "1x"},
	}
	program := func(pkg string) string { return filepath.Join(m.Root, "out", "bin", filepath.Base(pkg)+".test") }
	for _, r := range runs[1:] {
		if err := m.Build(ctx, "..", "go", "test", "-c", "-o", program(r.pkg), "./"+r.pkg); err != nil {
			return err
		}
	}
	for round := range s.rounds {
		progress("choice, round %d", round+1)
		for _, r := range runs {
			text, err := m.Command(ctx, m.ClientCore, program(r.pkg), "-test.run", "^$", "-test.bench", r.benchmarks, "-test.benchmem", "-test.benchtime", r.times).Output()
			if err != nil {
				return fmt.Errorf("measure choice: %s: %w", r.pkg, err)
			}
			if err := f.add(r.pkg, string(text)); err != nil {
				return err
			}
		}
	}
	return f.print(os.Stdout)
}

// add reads what go test -bench printed of a package.
func (f *selection) add(pkg, text string) error {
	for line := range strings.Lines(text) {
		path, values := benchmarkLine(line)
		switch {
		case len(path) == 4:
			name := strings.Join(path, "/")
			ns, err1 := strconv.ParseFloat(values["ns/op"], 64)
			allocs, err2 := strconv.ParseFloat(values["allocs/op"], 64)
			if err := errors.Join(err1, err2); err != nil {
				return fmt.Errorf("read benchmark: %q: %w", line, err)
			}
			if choice, few := strings.CutSuffix(name, "/100"); few && f.times[name] == nil {
				f.names = append(f.names, choice)
			}
			f.times[name] = append(f.times[name], ns)
			f.allocs[name] = max(f.allocs[name], allocs)
		case len(path) == 1 && path[0] == "Memory":
			bytes, err := strconv.ParseFloat(values["bytes/provider"], 64)
			if err != nil {
				return fmt.Errorf("read benchmark: %q: %w", line, err)
			}
			f.memory[pkg] = bytes
		}
	}
	return nil
}

func (f *selection) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\tbalancer\tweights\tns among 100\tamong 10,000\tratio\tallocations\t")
	var faults []error
	over := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	for _, name := range f.names {
		what, choice, _ := strings.Cut(name, "/")
		balancer, weights, _ := strings.Cut(choice, "/")
		few, many := report.Median(f.times[name+"/100"]), report.Median(f.times[name+"/10000"])
		allocs := max(f.allocs[name+"/100"], f.allocs[name+"/10000"])
		fmt.Fprintf(w, "%s\t%s\t%s\t%.0f\t%.0f\t%.1f\t%.0f\t\n", strings.ToLower(what), balancer, weights, few, many, many/few, allocs)
		if many > maxChoice {
			over("%s: %.0f ns (limit %.0f)", name, many, maxChoice)
		}
		if what == "Select" && many > maxGrowth*few {
			over("%s: %.1f times among 10,000 (limit %.0f)", name, many/few, maxGrowth)
		}
		if allocs > 0 {
			over("%s: %.0f allocations (limit 0)", name, allocs)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(out, "\nselect: the balancer's choice. routed: with a rule's route, and the look at the connection.")
	fmt.Fprintf(out, "bytes a provider: %.0f with what choosing needs, %.0f in a directory with what the registry told; connections apart\n",
		f.memory["invoker/cluster"], f.memory["invoker/cluster/directory"])
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("choice: over the limits: %w", err)
	}
	fmt.Fprintf(out, "no choice takes over %.0f ns, select grows by no more than %.0f from 100 to 10,000, nothing allocates\n", maxChoice, maxGrowth)
	return nil
}

// benchmarkLine reads a line like "BenchmarkEncode/user/dubbofn-2  123  456 ns/op  244 wire-B": the names, without "Benchmark" and the number of
// cores, and the values by their units. A line of another kind has no path.
func benchmarkLine(line string) (path []string, values map[string]string) {
	fields := strings.Fields(line)
	if len(fields) < 3 || !strings.HasPrefix(fields[0], "Benchmark") {
		return nil, nil
	}
	name := strings.TrimPrefix(fields[0], "Benchmark")
	if i := strings.LastIndexByte(name, '-'); i >= 0 {
		if _, err := strconv.Atoi(name[i+1:]); err == nil {
			name = name[:i]
		}
	}
	values = map[string]string{}
	for i := 2; i+1 < len(fields); i += 2 {
		values[fields[i+1]] = fields[i]
	}
	return strings.Split(name, "/"), values
}
