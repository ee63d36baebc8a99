package main

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dubbofn/dubbofn/bench/report"
)

func TestShapesAreConnectionsTimesCallsInFlight(t *testing.T) {
	t.Parallel()
	got, err := parseShapes("1x64,16x64")
	if err != nil || len(got) != 2 || got[0] != (shape{1, 64}) || got[1] != (shape{16, 64}) {
		t.Errorf("got %v, %v", got, err)
	}
	for _, wrong := range []string{"", "64", "0x1", "16x0", "1x", "1x64,"} {
		if _, err := parseShapes(wrong); err == nil || !strings.Contains(err.Error(), "1x64") {
			t.Errorf("%q: error %v does not say what would do", wrong, err)
		}
	}
}

func TestSamplesBelongToTheInnermostLayer(t *testing.T) {
	t.Parallel()
	const hessian, wire = "github.com/dubbofn/dubbofn/internal/hessian.(*Decoder).str", "github.com/dubbofn/dubbofn/invoker/dubbo.(*request).read"
	for _, test := range []struct {
		stack []string // from the leaf outwards
		want  string
	}{
		{[]string{"runtime.mallocgc", "runtime.slicebytetostring", hessian, wire}, "codec"},
		{[]string{"runtime.mapaccess1_faststr", wire, "runtime.goexit"}, "wire"},
		{[]string{"reflect.Value.call", "github.com/dubbofn/dubbofn/fn.(*method).call", wire}, "fn"},
		{[]string{"internal/runtime/syscall/linux.Syscall6", "net.(*conn).Write", wire}, "system calls"},
		{[]string{"runtime.scanobject", "runtime.gcBgMarkWorker.func2", "runtime.systemstack", "runtime.gcBgMarkWorker"}, "collector"},
		{[]string{"runtime.findRunnable", "runtime.schedule", "runtime.park_m", "runtime.mcall"}, "scheduler"},
		{[]string{"main.main"}, "other"},
		{nil, "other"},
	} {
		if got := layerOf(test.stack); got != test.want {
			t.Errorf("%v is %s; want %s", test.stack, got, test.want)
		}
	}
}

func printed(t *testing.T, p *report.Part) string {
	t.Helper()
	var out bytes.Buffer
	if err := p.Table(&out); err != nil {
		t.Fatal(err)
	}
	return strings.Join(strings.Fields(out.String()), " ")
}

func TestCodecFiguresAreReadFromBothLanguages(t *testing.T) {
	t.Parallel()
	p := &report.Part{Name: "codec", Bar: subject, Compared: []string{codecFigure}}
	goText := "goos: linux\nBenchmarkEncode/value=user/codec=dubbofn-2   635040   500 ns/op   231.0 wire-B   8 B/op   1 allocs/op\nPASS\n"
	for range 2 {
		if err := errors.Join(addGo(p, goText), addJava(p, "encode/user 1500.0 231\n")); err != nil {
			t.Fatal(err)
		}
	}
	text := printed(t, p)
	for _, want := range []string{"encode/user µs: min", "dubbofn 0.50 0.50 0.50 1 231", "hessian-lite (Java) 1.50 1.50 1.50 - 231 3.00 3.00 3.00"} {
		if !strings.Contains(text, want) {
			t.Errorf("the table lacks %q:\n%s", want, text)
		}
	}
	if j := verdict(t, p, "codec, encode a POJO: µs ÷ hessian-lite's"); j.Verdict != report.Met || j.Rounds != 2 {
		t.Errorf("judged %+v", j)
	}
	if err := addJava(p, "what is this line\n"); err == nil {
		t.Error("a line that is no figure is taken")
	}
	if got, want := asBenchmarks("encode/user 1500.0 231\n"), "BenchmarkEncode/value=user/codec=hessian-lite 1 1500.0 ns/op 231 wire-B\n"; got != want {
		t.Errorf("as a line for benchstat: %q, want %q", got, want)
	}
}

func TestChoicesAreHeldToTheirLimits(t *testing.T) {
	t.Parallel()
	line := func(name string, ns, allocs int) string {
		return fmt.Sprintf("Benchmark%s-2  500000  %d.0 ns/op  0 B/op  %d allocs/op\n", name, ns, allocs)
	}
	good := line("Select/random/equal/100", 40, 0) + line("Select/random/equal/10000", 100, 0)
	slow, growing, allocating := "choice among 10,000 providers, dearest of all balancers: ns", "choice, dearest growth from 100 to 10,000 providers", "choice, most allocations"
	for _, test := range []struct {
		name, more string
		missed     []string
	}{
		{"within", "", nil},
		{"slower once", line("Select/random/equal/10000", 900, 0) + good, nil},
		{"an allocation", line("Select/p2c/equal/100", 40, 1) + line("Select/p2c/equal/10000", 40, 1), []string{allocating}},
		{"growing", line("Select/p2c/equal/100", 100, 0) + line("Select/p2c/equal/10000", 310, 0), []string{growing}},
		{"routed may grow", line("Routed/p2c/equal/100", 100, 0) + line("Routed/p2c/equal/10000", 1900, 0), nil},
		{"slow", line("Routed/p2c/equal/100", 1000, 0) + line("Routed/p2c/equal/10000", 2100, 0), []string{slow}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := &report.Part{Name: "choice"}
			if err := errors.Join(addChoices(p, "invoker/cluster", good+test.more), addChoices(p, "invoker/cluster", "BenchmarkMemory-2  5  12 ns/op  944.5 bytes/provider\n")); err != nil {
				t.Fatal(err)
			}
			var missed []string
			for _, goal := range []string{slow, growing, allocating} {
				switch verdict(t, p, goal).Verdict {
				case report.Missed:
					missed = append(missed, goal)
				case report.Unmeasured:
					t.Errorf("%s: not measured", goal)
				}
			}
			if diff := cmp.Diff(test.missed, missed); diff != "" {
				t.Errorf("missed differs (-want +got):\n%s", diff)
			}
			if text := printed(t, p); !strings.Contains(text, "invoker/cluster 94") {
				t.Errorf("the table lacks bytes a provider:\n%s", text)
			}
		})
	}
}

func TestFlagsChooseParts(t *testing.T) {
	t.Parallel()
	names := func(args ...string) (names []string) {
		s, err := parseFlags(args)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range s.parts {
			names = append(names, p.flag)
			if p.takes(s) <= 0 {
				t.Errorf("%v: %s takes no time", args, p.flag)
			}
		}
		return names
	}
	if got := names(); !slices.Equal(got, []string{"inbound"}) {
		t.Errorf("by default %v", got)
	}
	if got := names("-codec", "-scale"); !slices.Equal(got, []string{"scale", "codec"}) {
		t.Errorf("chose %v", got)
	}
	if got := names("-all", "-quick"); len(got) != len(parts()) {
		t.Errorf("of all there are %v", got)
	}
	s, err := parseFlags([]string{"-quick", "-rounds", "7"})
	if err != nil || s.rounds != 7 || s.javaWarmUp != 4*time.Second {
		t.Errorf("quick, but 7 rounds: %d rounds, %v of warm-up, %v", s.rounds, s.javaWarmUp, err)
	}
	for _, wrong := range [][]string{{"-rounds", "0"}, {"codec"}} {
		if _, err := parseFlags(wrong); err == nil {
			t.Errorf("%v is taken", wrong)
		}
	}
}
