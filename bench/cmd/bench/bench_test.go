package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
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

func TestCodecFiguresAreReadFromBothLanguages(t *testing.T) {
	t.Parallel()
	var f codecFigures
	goText := "goos: linux\nBenchmarkEncode/user/dubbofn-2   635040   500 ns/op   231.0 wire-B   8 B/op   1 allocs/op\nPASS\n"
	if err := f.addGo(goText); err != nil {
		t.Fatal(err)
	}
	if err := f.addJava("encode/user 1500.0 231\n"); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := f.print(&out); err != nil {
		t.Fatal(err)
	}
	var rows []string
	for line := range strings.Lines(out.String()) {
		rows = append(rows, strings.Join(strings.Fields(line), " "))
	}
	want := []string{"encode/user dubbofn 0.50 0.50 0.50 231.0 1", "encode/user hessian-lite (Java) 1.50 1.50 1.50 231 - 3.00 3.00 3.00"}
	if diff := cmp.Diff(want, rows[1:]); diff != "" {
		t.Errorf("table differs (-want +got):\n%s", diff)
	}
	if err := f.addJava("what is this line\n"); err == nil {
		t.Error("a line that is no figure is taken")
	}
}

func TestChoicesAreHeldToTheirLimits(t *testing.T) {
	t.Parallel()
	good := "BenchmarkSelect/random/equal/100-2  500000  40.0 ns/op  0 B/op  0 allocs/op\nBenchmarkSelect/random/equal/10000-2  500000  100.0 ns/op  0 B/op  0 allocs/op\n"
	for _, test := range []struct{ name, more, fault string }{
		{"within", "", ""},
		{"slower once", "BenchmarkSelect/random/equal/10000-2  500000  900.0 ns/op  0 B/op  0 allocs/op\n" + good, ""},
		{"an allocation once", "BenchmarkSelect/random/equal/10000  500000  100.0 ns/op  8 B/op  1 allocs/op\n", "1 allocations"},
		{"growing", "BenchmarkSelect/p2c/equal/100-2  5  100 ns/op  0 B/op  0 allocs/op\nBenchmarkSelect/p2c/equal/10000-2  5  310 ns/op  0 B/op  0 allocs/op\n", "Select/p2c/equal: 3.1 times"},
		{"routed may grow", "BenchmarkRouted/p2c/equal/100-2  5  100 ns/op  0 B/op  0 allocs/op\nBenchmarkRouted/p2c/equal/10000-2  5  1900 ns/op  0 B/op  0 allocs/op\n", ""},
		{"slow", "BenchmarkRouted/p2c/equal/100-2  5  1000 ns/op  0 B/op  0 allocs/op\nBenchmarkRouted/p2c/equal/10000-2  5  2100 ns/op  0 B/op  0 allocs/op\n", "Routed/p2c/equal: 2100 ns"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := selection{times: map[string][]float64{}, allocs: map[string]float64{}, memory: map[string]float64{}}
			err := errors.Join(f.add("invoker/cluster", good+test.more), f.add("invoker/cluster", "BenchmarkMemory-2  5  12 ns/op  944.5 bytes/provider\n"))
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			err = f.print(&out)
			if (err == nil) != (test.fault == "") || err != nil && !strings.Contains(err.Error(), test.fault) {
				t.Errorf("error %v; want %q", err, test.fault)
			}
			for _, want := range []string{"random equal 40 ", "bytes a provider: 944"} {
				if !strings.Contains(strings.Join(strings.Fields(out.String()), " "), want) {
					t.Errorf("the table lacks %q:\n%s", want, out.String())
				}
			}
		})
	}
}
