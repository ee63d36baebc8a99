package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/dubbofn/dubbofn/bench/peer"
	"github.com/dubbofn/dubbofn/bench/report"
	"github.com/dubbofn/dubbofn/bench/service"
	"github.com/dubbofn/dubbofn/bench/service/measure"
)

// The ways of a call that are compared.
const (
	posted  = "bare POST"           // net/http at both ends, nothing decoded
	through = "by activator"        // a consumer, the activator, a function; the consumer on the activator's core
	apart   = "by activator, apart" // the same, the consumer on the function's core
	direct  = "straight to it"      // a consumer, the same function's Dubbo port
	laneTok = "bench-token-of-no-use-elsewhere"
)

// What a call through the activator may cost, beside the bare POST, and beside the direct call.
const (
	mostFront = 1.5 // the activator's CPU time, over the bare client's
	mostBack  = 1.3 // the function's, over the bare server's
	mostAdded = 200 // µs to the median, one call at a time
)

// crossing is one round of one way: the CPU time of a call at either end, in µs.
type crossing struct {
	Cell      report.Cell `json:"cell"`
	Way       string      `json:"way"`
	Round     int         `json:"round"`
	PerSecond float64     `json:"per_second"`
	P50       float64     `json:"p50_us"`
	P99       float64     `json:"p99_us"`
	Front     float64     `json:"front_cpu_us"` // of the activator, the bare client, the consumer
	Back      float64     `json:"back_cpu_us"`  // of the function, the bare server
}

// footprint is what the activator holds.
type footprint struct {
	What       string
	Count      int
	Resident   int64
	Heap       int64
	Stacks     int64
	Goroutines int
}

// front is the processes that take part.
type front struct {
	m                               peer.Machine
	s                               settings
	function, activator, bare       *piped
	functionAt, activatorAt, bareAt string
	functions                       string // the activator's directory
}

// measureActivator compares a call through the activator with a bare POST, and counts what consumers and functions take of its memory.
func measureActivator(ctx context.Context, m peer.Machine, s settings) (err error) {
	shapes, err := parseShapes(s.shapes)
	if err != nil {
		return err
	}
	if err := buildFront(ctx, m); err != nil {
		return err
	}
	c := conditions(ctx, m, s, nil)
	f := &front{m: m, s: s}
	defer func() { err = errors.Join(err, f.stop()) }()
	if err := f.start(ctx); err != nil {
		return err
	}
	var all []crossing
	for _, sh := range shapes {
		found, err := f.rounds(ctx, report.Cell{Case: "user", Connections: sh.connections, InFlight: sh.inFlight})
		if err != nil {
			return err
		}
		all = append(all, found...)
	}
	prints, err := f.memory(ctx)
	if err != nil {
		return err
	}
	c.LoadAfter = loadAverage()
	text, err := json.MarshalIndent(map[string]any{"conditions": c, "runs": all, "memory": prints}, "", " ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(m.Root, "out", "activator.json"), append(text, '\n'), 0o644); err != nil {
		return err
	}
	fmt.Printf("a call through the activator\n%s · %s, %d cores, Linux %s · %s · commit %s\n%s · load average %s before, %s after\n",
		c.Started, c.CPU, c.Cores, c.Kernel, c.Go, c.Commit, c.Pinning, c.LoadBefore, c.LoadAfter)
	return errors.Join(printCrossings(os.Stdout, all), printFootprints(os.Stdout, prints), checkCrossings(all))
}

func buildFront(ctx context.Context, m peer.Machine) error {
	for _, b := range [][3]string{{".", "load", "./cmd/load"}, {".", "dubbofn", "./peers/dubbofn"}, {".", "lane", "./peers/lane"}, {"peers/activator", "activator", "."}} {
		progress("build %s", b[1])
		if err := m.Build(ctx, b[0], "go", "build", "-o", "{bin}/"+b[1], b[2]); err != nil {
			return err
		}
	}
	return nil
}

func (f *front) bin(name string) string { return filepath.Join(f.m.Root, "out", "bin", name) }

// start starts the function and the bare server on the provider's core, and the activator on the client's.
func (f *front) start(ctx context.Context) error {
	at, err := peer.FreeAddresses(3)
	if err != nil {
		return err
	}
	f.functionAt, f.bareAt = at[0], at[1]
	token := "DUBBOFN_TOKEN=" + laneTok
	args := []string{f.bin("dubbofn"), "-address", f.functionAt, "-http", port(at[2])}
	manifest, err := f.describe(ctx, args)
	if err != nil {
		return err
	}
	if f.functions, err = os.MkdirTemp(filepath.Join(f.m.Root, "out"), "functions"); err != nil {
		return err
	}
	if err := f.offer("bench", "http://"+at[2], manifest); err != nil {
		return err
	}
	if f.function, err = startPiped(f.m.Command(ctx, f.m.ProviderCore, args...), token); err != nil {
		return err
	}
	if f.bare, err = startPiped(f.m.Command(ctx, f.m.ProviderCore, f.bin("lane"), "server", "-address", f.bareAt)); err != nil {
		return err
	}
	f.activator, err = startPiped(f.m.Command(ctx, f.m.ClientCore, f.bin("activator")), token, "DUBBOFN_FUNCTIONS="+f.functions, "DUBBOFN_LOG_LEVEL=error",
		"DUBBOFN_REGISTRY=embedded://"+filepath.Join(f.functions, "registry"), "DUBBOFN_BIND=127.0.0.1", "DUBBOFN_PORT=0", "DUBBOFN_LANE_PORT=0", "DUBBOFN_ADMIN_PORT=0")
	if err != nil {
		return err
	}
	var said struct{ Address string }
	if err := f.activator.read(&said); err != nil {
		return err
	}
	f.activatorAt = said.Address
	return until(ctx, "all listen, and the function is registered", func() bool { return listens(f.functionAt) && listens(f.bareAt) && f.registered() == 1 })
}

// listens tells whether an address takes connections.
func listens(address string) bool {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return false
	}
	return c.Close() == nil
}

// registered counts the functions that the activator has registered.
func (f *front) registered() int {
	found, _ := filepath.Glob(filepath.Join(f.functions, "registry", "metadata", "bench*")) // the pattern is sound
	return len(found)
}

// until waits until something is so.
func until(ctx context.Context, what string, is func() bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 2*time.Minute, fmt.Errorf("it took too long until %s", what))
	defer cancel()
	for !is() {
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// describe gives what the function prints of itself, without the revision: it is the same function under other names later.
func (f *front) describe(ctx context.Context, args []string) (map[string]any, error) {
	cmd := f.m.Command(ctx, f.m.ProviderCore, args...)
	cmd.Env = append(cmd.Env, "BENCH_DESCRIBE=1")
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("describe the function: %w", err)
	}
	var manifest map[string]any
	if err := json.Unmarshal(out, &manifest); err != nil {
		return nil, fmt.Errorf("describe the function: %w", err)
	}
	return manifest, nil
}

// offer writes a file of the activator's directory.
func (f *front) offer(app, url string, manifest map[string]any) error {
	text, err := json.Marshal(map[string]any{"app": app, "url": url, "manifest": manifest})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(f.functions, app+".json"), text, 0o644)
}

func (f *front) stop() error {
	var faults []error
	for _, p := range []*piped{f.activator, f.bare, f.function} {
		if p != nil {
			faults = append(faults, p.stop())
		}
	}
	if f.functions != "" {
		faults = append(faults, os.RemoveAll(f.functions))
	}
	return errors.Join(faults...)
}

// rounds measures the three ways in turn; each round begins with the next. The first does not count.
func (f *front) rounds(ctx context.Context, cell report.Cell) (all []crossing, err error) {
	order := []string{posted, through, apart, direct}
	for round := range f.s.rounds + 1 {
		for _, way := range order {
			x, err := f.cross(ctx, cell, way)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", way, err)
			}
			progress("%s, round %d: %s %.0f/s, %.1f and %.1f µs of CPU a call", cell, round, way, x.PerSecond, x.Front, x.Back)
			if x.Round = round; round > 0 {
				all = append(all, x)
			}
		}
		order = append(order[1:], order[0])
	}
	return all, nil
}

// cross measures one way once. Of three processes two share a core: the consumer is beside the activator, then beside the function.
func (f *front) cross(ctx context.Context, cell report.Cell, way string) (x crossing, err error) {
	core, server := f.m.ClientCore, f.function
	times := []string{"-case", cell.Case, "-in-flight", strconv.Itoa(cell.InFlight), "-warm-up", "0s", "-measure", f.s.measure.String()}
	args := append([]string{f.bin("load"), "-address", f.functionAt, "-connections", strconv.Itoa(cell.Connections), "-check-every", strconv.Itoa(f.s.checkEvery)}, times...)
	switch way {
	case posted:
		server, args = f.bare, append([]string{f.bin("lane"), "client", "-address", f.bareAt}, times...)
	case through:
		args[2] = f.activatorAt
	case apart:
		core, args[2] = f.m.ProviderCore, f.activatorAt
	}
	before, err := cpuOf(server, f.activator)
	if err != nil {
		return x, err
	}
	out, err := f.m.Command(ctx, core, args...).Output()
	if err != nil {
		return x, err
	}
	var o measure.Outcome
	if err := json.Unmarshal(out, &o); err != nil {
		return x, err
	}
	after, err := cpuOf(server, f.activator)
	if err != nil {
		return x, err
	}
	a := func(i int) float64 { return float64((after[i] - before[i]).Nanoseconds()) / 1000 / float64(o.Calls) }
	x = crossing{Cell: cell, Way: way, PerSecond: o.PerSecond, P50: o.P50, P99: o.P99, Front: o.ClientCPU, Back: a(0)}
	if way == through || way == apart {
		x.Front = a(1)
	}
	return x, nil
}

func cpuOf(all ...*piped) (times []time.Duration, err error) {
	for _, p := range all {
		t, err := measure.CPU(p.cmd.Process.Pid)
		if err != nil {
			return nil, err
		}
		times = append(times, t)
	}
	return times, nil
}

func printCrossings(out io.Writer, all []crossing) error {
	for _, cell := range cellsOf(all) {
		fmt.Fprintf(out, "\n%s\n", cell)
		w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintln(w, "way\tcalls/s min\tmedian\tmax\tp50 µs\tp99 µs\tCPU µs in front\tbehind\t")
		for _, way := range []string{posted, through, apart, direct} {
			get := func(figure func(crossing) float64) []float64 { return of(all, cell, way, figure) }
			rate := get(func(x crossing) float64 { return x.PerSecond })
			fmt.Fprintf(w, "%s\t%.0f\t%.0f\t%.0f\t%.0f\t%.0f\t%.1f\t%.1f\t\n", way, slices.Min(rate), report.Median(rate), slices.Max(rate), report.Median(get(p50)),
				report.Median(get(func(x crossing) float64 { return x.P99 })), report.Median(get(inFront)), report.Median(get(behind)))
		}
		if err := w.Flush(); err != nil {
			return err
		}
		for _, r := range ratiosOf(all, cell) {
			fmt.Fprintf(out, "%s: %s / %s / %s\n", r.name, r.text(slices.Min(r.values)), r.text(report.Median(r.values)), r.text(slices.Max(r.values)))
		}
	}
	return nil
}

func p50(x crossing) float64     { return x.P50 }
func inFront(x crossing) float64 { return x.Front }
func behind(x crossing) float64  { return x.Back }

func cellsOf(all []crossing) (cells []report.Cell) {
	for _, x := range all {
		if !slices.Contains(cells, x.Cell) {
			cells = append(cells, x.Cell)
		}
	}
	return cells
}

// of gives a figure of each round, in their order.
func of(all []crossing, cell report.Cell, way string, figure func(crossing) float64) (values []float64) {
	byRound := map[int]float64{}
	for _, x := range all {
		if x.Cell == cell && x.Way == way {
			byRound[x.Round] = figure(x)
		}
	}
	for round := 1; round <= len(byRound); round++ {
		values = append(values, byRound[round])
	}
	return values
}

// comparison is a figure that has a limit, round by round.
type comparison struct {
	name   string
	values []float64
	most   float64
	format string
}

func (c comparison) text(v float64) string { return fmt.Sprintf(c.format, v) }

func ratiosOf(all []crossing, cell report.Cell) []comparison {
	over := func(way, other string, figure func(crossing) float64, join func(a, b float64) float64) (values []float64) {
		a, b := of(all, cell, way, figure), of(all, cell, other, figure)
		for i := range a {
			values = append(values, join(a[i], b[i]))
		}
		return values
	}
	divide, subtract := func(a, b float64) float64 { return a / b }, func(a, b float64) float64 { return a - b }
	found := []comparison{
		{"the activator's CPU time ÷ the bare client's", over(through, posted, inFront, divide), mostFront, "%.2f"},
		{"the function's CPU time ÷ the bare server's", over(through, posted, behind, divide), mostBack, "%.2f"},
		{"the same with the consumer on the function's core: the activator's", over(apart, posted, inFront, divide), math.Inf(1), "%.2f"},
		{"the function's", over(apart, posted, behind, divide), math.Inf(1), "%.2f"},
	}
	if cell.InFlight == 1 {
		found = append(found,
			comparison{"added to the median, µs", over(through, direct, p50, subtract), mostAdded, "%.0f"},
			comparison{"with the consumer on the function's core", over(apart, direct, p50, subtract), mostAdded, "%.0f"})
	}
	return found
}

// checkCrossings tells, as an error, what costs more than it may.
func checkCrossings(all []crossing) error {
	var faults []error
	for _, cell := range cellsOf(all) {
		for _, c := range ratiosOf(all, cell) {
			if v := report.Median(c.values); v > c.most {
				faults = append(faults, fmt.Errorf("%s: %s: %s (most %s)", cell, c.name, c.text(v), c.text(c.most)))
			}
		}
	}
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("activator: %w", err)
	}
	return nil
}

// Idle consumers, and functions beside the one that is called.
const (
	idleConns     = 10_000
	moreFunctions = 1000
)

// memory tells what the activator holds before and after functions and consumers are there.
func (f *front) memory(ctx context.Context) (all []footprint, err error) {
	note := func(what string, count int) error {
		h, err := f.activator.held()
		h.What, h.Count = what, count
		all = append(all, h)
		return err
	}
	if err := note("one function, no consumer", 1); err != nil {
		return nil, err
	}
	progress("%d functions", moreFunctions)
	if err := f.offerMore(ctx); err != nil {
		return nil, err
	}
	if err := note("functions", moreFunctions); err != nil {
		return nil, err
	}
	progress("%d consumers", idleConns)
	idle, err := startPiped(f.m.Command(ctx, f.m.ProviderCore, f.bin("lane"), "idle", "-address", f.activatorAt, "-connections", strconv.Itoa(idleConns)))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, idle.stop()) }()
	for _, what := range []string{"consumers that are connected", "the same after a call each"} {
		if _, err := idle.line(); err != nil {
			return nil, err
		}
		if err := note(what, idleConns); err != nil {
			return nil, err
		}
		if err := idle.say(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// offerMore adds functions, each with an interface of its own, and waits until the activator has registered all.
func (f *front) offerMore(ctx context.Context) error {
	text, err := os.ReadFile(filepath.Join(f.functions, "bench.json"))
	if err != nil {
		return err
	}
	for i := range moreFunctions {
		app := fmt.Sprintf("bench%04d", i)
		more := strings.NewReplacer(strconv.Quote(service.Interface), strconv.Quote(service.Interface+strconv.Itoa(i)), `"app":"bench"`, `"app":"`+app+`"`).Replace(string(text))
		if err := os.WriteFile(filepath.Join(f.functions, app+".json"), []byte(more), 0o644); err != nil {
			return err
		}
	}
	return until(ctx, "all functions are registered", func() bool { return f.registered() == moreFunctions+1 })
}

func printFootprints(out io.Writer, all []footprint) error {
	fmt.Fprintln(out, "\nmemory of the activator, garbage collected")
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "with\tcount\tresident MiB\theap MiB\tstacks MiB\tgoroutines\tresident bytes more, each\t")
	for i, p := range all {
		each := ""
		if i > 0 {
			before := all[i-1]
			if p.Count == before.Count {
				before = all[i-2] // the same ones
			}
			each = strconv.FormatInt((p.Resident-before.Resident)/int64(p.Count), 10)
		}
		mib := func(n int64) float64 { return float64(n) / (1 << 20) }
		fmt.Fprintf(w, "%s\t%d\t%.1f\t%.1f\t%.1f\t%d\t%s\t\n", p.What, p.Count, mib(p.Resident), mib(p.Heap), mib(p.Stacks), p.Goroutines, each)
	}
	return w.Flush()
}
