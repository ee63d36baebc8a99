package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dubbofn/dubbofn/bench/peer"
	"github.com/dubbofn/dubbofn/bench/report"
)

// The figures of a codec.
const (
	codecFigure  = "µs"
	allocsFigure = "allocations"
	wireFigure   = "wire bytes"
	hessianLite  = "hessian-lite (Java)"
)

// measureCodecs runs the Go benchmarks of codec/ and the Java program in turn. The lines of both go to out/codec.txt, for benchstat.
func measureCodecs(ctx context.Context, m peer.Machine, s settings) ([]*report.Part, error) {
	if err := m.Build(ctx, ".", "go", "test", "-c", "-o", "{bin}/codec.test", "./codec"); err != nil {
		return nil, err
	}
	if err := m.Build(ctx, "java", peer.MavenBuild()...); err != nil {
		return nil, err
	}
	raw, err := os.Create(codecLines(m))
	if err != nil {
		return nil, fmt.Errorf("measure codecs: %w", err)
	}
	defer raw.Close()
	measured, warmUp := s.measure/4, s.javaWarmUp/4
	p := &report.Part{Name: "codec", Title: "codecs alone", Bar: subject, Compared: []string{codecFigure}, Conditions: conditions(ctx, m, s, nil)}
	p.Conditions.Method = fmt.Sprintf("%d interleaved rounds of %v a benchmark, in one process on one core; Java: %v of warm-up each", s.rounds, measured, warmUp)
	for round := range s.rounds {
		progress("codecs, round %d: Go", round+1)
		text, err := m.Command(ctx, m.ProviderCore, filepath.Join(m.Root, "out", "bin", "codec.test"), "-test.run", "^$", "-test.bench", ".",
			"-test.benchmem", "-test.benchtime", measured.String()).Output()
		if err != nil {
			return nil, fmt.Errorf("measure codecs: %w", err)
		}
		if _, err := raw.Write(text); err != nil {
			return nil, fmt.Errorf("measure codecs: %w", err)
		}
		if err := addGo(p, string(text)); err != nil {
			return nil, err
		}
		progress("codecs, round %d: Java", round+1)
		java := append(peer.Java(m.Root), "org.bench.Codec", strconv.FormatInt(warmUp.Milliseconds(), 10), strconv.FormatInt(measured.Milliseconds(), 10))
		if text, err = m.Command(ctx, m.ProviderCore, java...).Output(); err != nil {
			return nil, fmt.Errorf("measure codecs: java: %w", err)
		}
		if err := addJava(p, string(text)); err != nil {
			return nil, err
		}
		if _, err := raw.WriteString(asBenchmarks(string(text))); err != nil {
			return nil, fmt.Errorf("measure codecs: %w", err)
		}
	}
	slices.SortStableFunc(p.Measurements, func(a, b report.Measurement) int { return strings.Compare(a.Case, b.Case) })
	p.Conditions.LoadAfter = loadAverage()
	return []*report.Part{p}, benchstat(ctx, m)
}

// timeOfCodecs is that of measureCodecs: twelve benchmarks of Go, four of Java.
func timeOfCodecs(s settings) time.Duration {
	return time.Duration(s.rounds) * (12*(s.measure/4+300*time.Millisecond) + 4*(s.measure/4+s.javaWarmUp/4) + time.Second)
}

// addGo reads what go test -bench printed of BenchmarkEncode/value=user/codec=dubbofn and its like.
func addGo(p *report.Part, text string) error {
	for line := range strings.Lines(text) {
		path, values := benchmarkLine(line)
		if len(path) != 3 {
			continue
		}
		ns, err1 := strconv.ParseFloat(values["ns/op"], 64)
		allocs, err2 := strconv.ParseFloat(values["allocs/op"], 64)
		wire, err3 := strconv.ParseFloat(values["wire-B"], 64)
		if err := errors.Join(err1, err2, err3); err != nil {
			return fmt.Errorf("read benchmark: %q: %w", line, err)
		}
		operation, codec := strings.ToLower(path[0])+"/"+strings.TrimPrefix(path[1], "value="), strings.TrimPrefix(path[2], "codec=")
		p.Add(operation, codec, codecFigure, ns/1000)
		p.Add(operation, codec, allocsFigure, allocs)
		p.Add(operation, codec, wireFigure, wire)
	}
	return nil
}

// addJava reads lines "encode/user 123.4 231": nanoseconds and bytes.
func addJava(p *report.Part, text string) error {
	for line := range strings.Lines(text) {
		var operation string
		var ns, wire float64
		if n, err := fmt.Sscan(line, &operation, &ns, &wire); err != nil || n != 3 {
			return fmt.Errorf("read java's figures: %q: want 3 fields: %w", line, err)
		}
		p.Add(operation, hessianLite, codecFigure, ns/1000)
		p.Add(operation, hessianLite, wireFigure, wire)
	}
	return nil
}
