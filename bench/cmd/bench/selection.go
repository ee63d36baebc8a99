package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/dubbofn/dubbofn/bench/peer"
	"github.com/dubbofn/dubbofn/bench/report"
)

// The figures of a choice.
const (
	fewFigure  = "ns among 100"
	manyFigure = "ns among 10,000"
)

// measureSelection runs the benchmarks of invoker/cluster round by round.
func measureSelection(ctx context.Context, m peer.Machine, s settings) ([]*report.Part, error) {
	p := &report.Part{Name: "choice", Title: "choosing a provider; select: the balancer's choice; routed: with a rule's route, and the look at the connection", Bar: subject,
		Conditions: conditions(ctx, m, s, nil)}
	p.Conditions.Method = fmt.Sprintf("%d rounds of 500,000 choices", s.rounds)
	runs := []struct{ pkg, benchmarks, times string }{
		{"invoker/cluster", "Select|Routed", "500000x"},
		{"invoker/cluster", "Memory", "1x"},
		{"invoker/cluster/directory", "Memory", "1x"},
	}
	program := func(pkg string) string { return filepath.Join(m.Root, "out", "bin", filepath.Base(pkg)+".test") }
	for _, r := range runs[1:] {
		if err := m.Build(ctx, "..", "go", "test", "-c", "-o", program(r.pkg), "./"+r.pkg); err != nil {
			return nil, err
		}
	}
	for round := range s.rounds {
		progress("choice, round %d", round+1)
		for _, r := range runs {
			text, err := m.Command(ctx, m.ClientCore, program(r.pkg), "-test.run", "^$", "-test.bench", r.benchmarks, "-test.benchmem", "-test.benchtime", r.times).Output()
			if err != nil {
				return nil, fmt.Errorf("measure choice: %s: %w", r.pkg, err)
			}
			if err := addChoices(p, r.pkg, string(text)); err != nil {
				return nil, err
			}
		}
	}
	p.Conditions.LoadAfter = loadAverage()
	return []*report.Part{p}, nil
}

// timeOfSelection is that of measureSelection.
func timeOfSelection(s settings) time.Duration { return time.Duration(s.rounds) * 20 * time.Second }

// addChoices reads what go test -bench printed of a package: BenchmarkSelect/random/equal/100 and its like, and bytes/provider.
func addChoices(p *report.Part, pkg, text string) error {
	for line := range strings.Lines(text) {
		path, values := benchmarkLine(line)
		switch {
		case len(path) == 4:
			ns, err1 := strconv.ParseFloat(values["ns/op"], 64)
			allocs, err2 := strconv.ParseFloat(values["allocs/op"], 64)
			if err := errors.Join(err1, err2); err != nil {
				return fmt.Errorf("read benchmark: %q: %w", line, err)
			}
			figure := map[string]string{"100": fewFigure, "10000": manyFigure}[path[3]]
			if figure == "" {
				return fmt.Errorf("read benchmark: %q: want among 100 or 10000", line)
			}
			p.Add(strings.ToLower(path[0]), path[1]+", "+path[2], figure, ns)
			p.Add(strings.ToLower(path[0]), path[1]+", "+path[2], allocsFigure, allocs)
		case len(path) == 1 && path[0] == "Memory":
			bytes, err := strconv.ParseFloat(values["bytes/provider"], 64)
			if err != nil {
				return fmt.Errorf("read benchmark: %q: %w", line, err)
			}
			p.Add("memory, connections apart", pkg, "bytes a provider", bytes)
		}
	}
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
