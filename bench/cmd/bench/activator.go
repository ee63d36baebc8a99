package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
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
	lane    = "POST to its lane"    // the bare client, the same function's HTTP port: no activator
	laneTok = "bench-token-of-no-use-elsewhere"
)

// The figures of a way, CPU a call.
const (
	frontFigure = "CPU µs in front" // of the activator, the bare client, the consumer
	backFigure  = "behind"          // of the function, the bare server
)

// footprint is what the activator holds.
type footprint struct {
	Resident   int64
	Heap       int64
	Stacks     int64
	Goroutines int
}

// front is the processes that take part.
type front struct {
	m                          peer.Machine
	s                          settings
	function, bare             *piped
	functionAt, bareAt, laneAt string
	activator                  *activator
	part                       *report.Part
}

// measureActivator compares a call through the activator with a bare POST, and counts what consumers and functions take of its memory.
func measureActivator(ctx context.Context, m peer.Machine, s settings) (_ []*report.Part, err error) {
	shapes, err := parseShapes(s.shapes)
	if err != nil {
		return nil, err
	}
	if err := buildFront(ctx, m); err != nil {
		return nil, err
	}
	f := &front{m: m, s: s, part: &report.Part{Name: "activator", Title: "a call through the activator", Bar: posted, Compared: []string{frontFigure, backFigure},
		Conditions: conditions(ctx, m, s, nil)}}
	f.part.Conditions.Method = fmt.Sprintf("%d interleaved rounds of %v, after one that does not count; every answer checked", s.rounds, s.measure)
	defer func() { err = errors.Join(err, f.stop()) }()
	if err := f.start(ctx); err != nil {
		return nil, err
	}
	for _, sh := range shapes {
		if err := f.rounds(ctx, cell{name: "user", connections: sh.connections, inFlight: sh.inFlight}); err != nil {
			return nil, err
		}
	}
	if err := f.memory(ctx); err != nil {
		return nil, err
	}
	f.part.Conditions.LoadAfter = loadAverage()
	return []*report.Part{f.part}, nil
}

// timeOfActivator is that of measureActivator.
func timeOfActivator(s settings) time.Duration {
	return time.Duration(count(s.shapes)*len(ways())*(s.rounds+1))*(s.measure+100*time.Millisecond) + 30*time.Second
}

func ways() []string { return []string{posted, lane, through, apart, direct} }

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
	f.functionAt, f.bareAt, f.laneAt = at[0], at[1], at[2]
	if f.function, err = startFunction(ctx, f.m, f.functionAt, f.laneAt); err != nil {
		return err
	}
	if f.bare, err = startPiped(f.m.Command(ctx, f.m.ProviderCore, f.bin("lane"), "server", "-address", f.bareAt)); err != nil {
		return err
	}
	if err := until(ctx, "all listen", func() bool { return listens(f.functionAt) && listens(f.bareAt) && listens(f.laneAt) }); err != nil {
		return err
	}
	f.activator, err = startActivator(ctx, f.m, f.laneAt)
	if err != nil {
		return err
	}
	return f.activator.offer(ctx, service.Interface)
}

func (f *front) stop() error {
	var faults []error
	for _, p := range []*piped{f.bare, f.function} {
		if p != nil {
			faults = append(faults, p.stop())
		}
	}
	if f.activator != nil {
		faults = append(faults, f.activator.stop())
	}
	return errors.Join(faults...)
}

// rounds measures the ways in turn; each round begins with the next. The first does not count.
func (f *front) rounds(ctx context.Context, c cell) error {
	for round := range f.s.rounds + 1 {
		for _, way := range inTurn(ways(), round) {
			o, err := f.cross(ctx, c, way)
			if err != nil {
				return fmt.Errorf("%s: %w", way, err)
			}
			progress("%s, round %d: %s %.0f/s, %.1f and %.1f µs of CPU a call", c, round, way, o.PerSecond, o.ClientCPU, o.ProviderCPU)
			if round > 0 {
				add := func(figure string, v float64) { f.part.Add(c.String(), way, figure, v) }
				add(rateFigure, o.PerSecond)
				add(medianFigure, o.P50)
				add(tailFigure, o.P99)
				add("p999 µs", o.P999)
				add(frontFigure, o.ClientCPU)
				add(backFigure, o.ProviderCPU)
			}
		}
	}
	return nil
}

// cross measures one way once. Of three processes two share a core: the consumer is beside the activator, then beside the function.
func (f *front) cross(ctx context.Context, c cell, way string) (o measure.Outcome, err error) {
	server := f.function
	if way == posted {
		server = f.bare
	}
	before, err := cpuOf(server, f.activator.piped)
	if err != nil {
		return o, err
	}
	plan := measure.Plan{Case: c.name, InFlight: c.inFlight, Measure: f.s.measure, MaxCalls: maxCalls, CheckEvery: f.s.checkEvery}
	switch way {
	case posted:
		o, err = f.post(ctx, f.bareAt, plan)
	case lane:
		o, err = f.post(ctx, f.laneAt, plan, "-token", laneTok)
	case through:
		o, err = runLoad(ctx, f.m, f.m.ClientCore, f.activator.at, c.connections, plan)
	case apart:
		o, err = runLoad(ctx, f.m, f.m.ProviderCore, f.activator.at, c.connections, plan)
	default:
		o, err = runLoad(ctx, f.m, f.m.ClientCore, f.functionAt, c.connections, plan)
	}
	if err != nil {
		return o, err
	}
	after, err := cpuOf(server, f.activator.piped)
	if err != nil {
		return o, err
	}
	each := func(i int) float64 { return float64((after[i] - before[i]).Nanoseconds()) / 1000 / float64(o.Calls) }
	if o.ProviderCPU = each(0); way == through || way == apart {
		o.ClientCPU = each(1)
	}
	return o, nil
}

// post has the bare client POST frames.
func (f *front) post(ctx context.Context, address string, plan measure.Plan, more ...string) (o measure.Outcome, err error) {
	args := []string{f.bin("lane"), "client", "-address", address, "-case", plan.Case, "-in-flight", strconv.Itoa(plan.InFlight), "-measure", plan.Measure.String()}
	out, err := f.m.Command(ctx, f.m.ClientCore, append(args, more...)...).Output()
	if err != nil {
		return o, err
	}
	return o, json.Unmarshal(out, &o)
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

// Idle consumers, and functions beside the one that is called.
const (
	idleConns     = 10_000
	moreFunctions = 1000
)

// What the activator's memory is told of.
const (
	memoryCase    = "memory of the activator, garbage collected"
	connectedWhat = "10,000 consumers that are connected"
	calledWhat    = "the same after a call each"
	eachFigure    = "bytes more, each"
)

// memory tells what the activator holds before and after functions and consumers are there.
func (f *front) memory(ctx context.Context) (err error) {
	var before int64
	note := func(what string, count int64) error {
		h, err := f.activator.held()
		if err != nil {
			return err
		}
		f.part.Add(memoryCase, what, "resident MiB", mib(h.Resident))
		f.part.Add(memoryCase, what, "heap MiB", mib(h.Heap))
		f.part.Add(memoryCase, what, "stacks MiB", mib(h.Stacks))
		f.part.Add(memoryCase, what, "goroutines", float64(h.Goroutines))
		if count > 0 {
			f.part.Add(memoryCase, what, eachFigure, float64((h.Resident-before)/count))
		}
		if what != connectedWhat { // what they take after a call includes what they took before
			before = h.Resident
		}
		return nil
	}
	if err := note("one function, no consumer", 0); err != nil {
		return err
	}
	progress("%d functions", moreFunctions)
	if err := f.activator.offer(ctx, numbered(moreFunctions)...); err != nil {
		return err
	}
	if err := note(strconv.Itoa(moreFunctions)+" functions more", moreFunctions); err != nil {
		return err
	}
	progress("%d consumers", idleConns)
	idle, err := startPiped(f.m.Command(ctx, f.m.ProviderCore, f.bin("lane"), "idle", "-address", f.activator.at, "-connections", strconv.Itoa(idleConns)))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, idle.stop()) }()
	for _, what := range []string{connectedWhat, calledWhat} {
		if _, err := idle.line(); err != nil {
			return err
		}
		if err := note(what, idleConns); err != nil {
			return err
		}
		if err := idle.say(); err != nil {
			return err
		}
	}
	return nil
}
