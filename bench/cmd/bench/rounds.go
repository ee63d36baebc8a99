package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dubbofn/dubbofn/bench/load"
	"github.com/dubbofn/dubbofn/bench/peer"
	"github.com/dubbofn/dubbofn/bench/report"
	"github.com/dubbofn/dubbofn/bench/service/measure"
)

// shape is connections x calls in flight.
type shape struct{ connections, inFlight int }

func parseShapes(s string) (shapes []shape, err error) {
	for one := range strings.SplitSeq(s, ",") {
		c, k, ok := strings.Cut(one, "x")
		connections, err1 := strconv.Atoi(c)
		inFlight, err2 := strconv.Atoi(k)
		if !ok || err1 != nil || err2 != nil || connections < 1 || inFlight < 1 {
			return nil, fmt.Errorf("check flags: -shapes %q: want connections x calls in flight, like 1x64", one)
		}
		shapes = append(shapes, shape{connections, inFlight})
	}
	return shapes, nil
}

// cell is what all peers are compared within.
type cell struct {
	provider    string // that all consumers call; empty where providers are compared
	name        string // of the case
	connections int    // 0 where each consumer has as many as it makes
	inFlight    int
}

// String gives "user, 1 connection, 64 in flight", or "user, 32 in flight at provider java".
func (c cell) String() string {
	switch {
	case c.provider != "":
		return fmt.Sprintf("%s, %d in flight at provider %s", c.name, c.inFlight, c.provider)
	case c.connections == 1:
		return fmt.Sprintf("%s, 1 connection, %d in flight", c.name, c.inFlight)
	}
	return fmt.Sprintf("%s, %d connections, %d in flight", c.name, c.connections, c.inFlight)
}

// bench is one measurement on its way.
type bench struct {
	machine  peer.Machine
	settings settings
	runners  []runner
	part     *report.Part
}

// runner is a peer whose turn comes in every round: a provider under the load client, or a consumer.
type runner struct {
	name   string
	warmUp time.Duration // load before its first round of a case
	run    func(ctx context.Context, c cell, p measure.Plan) (measure.Outcome, error)

	process *peer.Process // whose memory and profiles count; nil where it has none of its own
	idle    int64         // bytes, before its first call
}

// The figures of a plan's outcome.
const (
	rateFigure   = "calls/s"
	medianFigure = "p50 µs"
	tailFigure   = "p99 µs"
	cpuFigure    = "CPU µs a call"
)

// add notes what came of a plan; outbound: it is the client whose costs count.
func (b *bench) add(c, name string, o measure.Outcome, outbound bool) {
	add := func(figure string, v float64) { b.part.Add(c, name, figure, v) }
	add(rateFigure, o.PerSecond)
	add(medianFigure, o.P50)
	add(tailFigure, o.P99)
	add("p999 µs", o.P999)
	if outbound {
		add(cpuFigure, o.ClientCPU)
		add("cores", o.ClientCores)
		add("provider CPU µs", o.ProviderCPU)
		add("provider cores", o.ProviderCores)
		add("allocations a call", o.ClientAllocs)
		add("bytes a call", o.ClientBytes)
		return
	}
	add(cpuFigure, o.ProviderCPU)
	add("cores", o.ProviderCores)
	add("client cores", o.ClientCores)
	add("request B", float64(o.RequestBytes))
	add("reply B", float64(o.ReplyBytes))
}

// measureProviders builds and starts the providers, runs every case and shape, and ends them.
func measureProviders(ctx context.Context, m peer.Machine, s settings) ([]*report.Part, error) {
	shapes, err1 := parseShapes(s.shapes)
	cases, err2 := parseCases(s.cases)
	peers, err3 := peer.Choose(strings.Split(s.peers, ","), s.warmUp, s.javaWarmUp)
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, err
	}
	if err := buildAll(ctx, m, peers); err != nil {
		return nil, err
	}
	b := &bench{machine: m, settings: s, part: &report.Part{Name: "providers", Title: "calls a second on one provider", Bar: subject, Compared: []string{rateFigure, cpuFigure},
		Conditions: conditions(ctx, m, s, peers)}}
	defer b.stop()
	for _, p := range peers {
		if err := b.start(ctx, p); err != nil {
			return nil, err
		}
	}
	for _, c := range cases {
		last := shapes[len(shapes)-1]
		if err := b.warm(ctx, cell{name: c, connections: last.connections, inFlight: last.inFlight}); err != nil {
			return nil, err
		}
		for _, sh := range shapes {
			if err := b.rounds(ctx, cell{name: c, connections: sh.connections, inFlight: sh.inFlight}, false); err != nil {
				return nil, err
			}
		}
	}
	if err := b.keepMemory("resident memory"); err != nil {
		return nil, err
	}
	last := shapes[len(shapes)-1]
	err := b.profiles(ctx, cases, cell{connections: last.connections, inFlight: last.inFlight})
	return b.done(), err
}

// timeOfProviders is that of measureProviders.
func timeOfProviders(s settings) time.Duration {
	cases, peers := count(s.cases), count(s.peers)
	turns := cases * peers * count(s.shapes) * s.rounds
	return s.turns(turns) + time.Duration(cases)*(s.javaWarmUp+time.Duration(peers-1)*s.warmUp) + s.profiling(2*cases) + 5*time.Second
}

// count is that of the items of a list with commas.
func count(list string) int { return strings.Count(list, ",") + 1 }

// turns is what so many turns take.
func (s settings) turns(n int) time.Duration {
	return time.Duration(n) * (s.measure + s.roundWarmUp + 100*time.Millisecond)
}

// profiling is what so many profiles take.
func (s settings) profiling(n int) time.Duration {
	if s.profile <= 0 {
		return 0
	}
	return time.Duration(n) * (s.profile + s.roundWarmUp + 2*time.Second)
}

// done is what was measured.
func (b *bench) done() []*report.Part {
	b.part.Conditions.LoadAfter = loadAverage()
	return []*report.Part{b.part}
}

func parseCases(s string) ([]string, error) {
	cases := strings.Split(s, ",")
	for _, c := range cases {
		if _, err := load.NewCase(c); err != nil {
			return nil, err
		}
	}
	return cases, nil
}

// buildAll builds the load client and the peers.
func buildAll(ctx context.Context, m peer.Machine, peers []peer.Peer) error {
	if err := m.Build(ctx, ".", "go", "build", "-o", "{bin}/load", "./cmd/load"); err != nil {
		return err
	}
	for _, p := range peers {
		progress("build %s", p.Name)
		if err := p.Build(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

// start starts a provider.
func (b *bench) start(ctx context.Context, p peer.Peer) error {
	progress("start %s", p.Name)
	process, err := p.Start(ctx, b.machine)
	if err != nil {
		return err
	}
	return b.take(runner{name: p.Name, warmUp: p.WarmUp, process: process, run: func(ctx context.Context, c cell, plan measure.Plan) (measure.Outcome, error) {
		return b.load(ctx, process, c.connections, plan)
	}})
}

// take has the runner take its turns; its process is ended by stop.
func (b *bench) take(r runner) (err error) {
	if r.process != nil {
		r.idle, _, err = measure.Memory(r.process.PID)
	}
	b.runners = append(b.runners, r)
	return err
}

// stop ends the runners.
func (b *bench) stop() {
	for _, r := range b.runners {
		if r.process != nil {
			r.process.Stop()
		}
	}
	b.runners = nil
}

// warm has every runner work at a case before it counts.
func (b *bench) warm(ctx context.Context, c cell) error {
	for _, r := range b.runners {
		progress("%s: warm up %s for %v", c, r.name, r.warmUp)
		if _, err := r.run(ctx, c, b.plan(c, r.warmUp, 200*time.Millisecond)); err != nil {
			return err
		}
	}
	return nil
}

// rounds measures the runners in turn; each round begins with the next.
func (b *bench) rounds(ctx context.Context, c cell, outbound bool) error {
	for round := range b.settings.rounds {
		for _, r := range inTurn(b.runners, round+1) {
			outcome, err := r.run(ctx, c, b.plan(c, b.settings.roundWarmUp, b.settings.measure))
			if err != nil {
				return err
			}
			progress("%s, round %d: %s %.0f/s", c, round+1, r.name, outcome.PerSecond)
			b.add(c.String(), r.name, outcome, outbound)
		}
	}
	return nil
}

// inTurn gives all in the order of a round: the first round begins with the first, each with the next.
func inTurn[T any](all []T, round int) []T {
	k := (round - 1 + len(all)) % len(all)
	return slices.Concat(all[k:], all[:k])
}

// maxCalls bounds a plan that time bounds already.
const maxCalls = 100_000_000

func (b *bench) plan(c cell, warmUp, counted time.Duration) measure.Plan {
	return measure.Plan{Case: c.name, InFlight: c.inFlight, WarmUp: warmUp, Measure: counted, MaxCalls: maxCalls, CheckEvery: b.settings.checkEvery}
}

// load has the load client, in a process of its own, call a provider.
func (b *bench) load(ctx context.Context, p *peer.Process, connections int, plan measure.Plan) (measure.Outcome, error) {
	plan.PID = p.PID
	outcome, err := runLoad(ctx, b.machine, b.machine.ClientCore, p.Address, connections, plan)
	if err != nil {
		return outcome, fmt.Errorf("load %s, case %s: %w", p.Peer.Name, plan.Case, err)
	}
	return outcome, nil
}

// runLoad runs the load client on a core; more are flags of its own.
func runLoad(ctx context.Context, m peer.Machine, core int, address string, connections int, plan measure.Plan, more ...string) (outcome measure.Outcome, err error) {
	args := []string{filepath.Join(m.Root, "out", "bin", "load"), "-address", address, "-case", plan.Case, "-connections", strconv.Itoa(connections),
		"-in-flight", strconv.Itoa(plan.InFlight), "-warm-up", plan.WarmUp.String(), "-measure", plan.Measure.String(), "-max-calls", strconv.Itoa(plan.MaxCalls),
		"-check-every", strconv.Itoa(plan.CheckEvery), "-pid", strconv.Itoa(plan.PID)}
	text, err := m.Command(ctx, core, append(args, more...)...).Output()
	if err != nil {
		return outcome, err
	}
	return outcome, json.Unmarshal(text, &outcome)
}

// keepMemory notes what the runners' processes hold now.
func (b *bench) keepMemory(title string) error {
	for _, r := range b.runners {
		if r.process == nil {
			continue
		}
		last, peak, err := measure.Memory(r.process.PID)
		if err != nil {
			return err
		}
		b.part.Add(title, r.name, "idle MiB", mib(r.idle))
		b.part.Add(title, r.name, "after the last round", mib(last))
		b.part.Add(title, r.name, "peak", mib(peak))
	}
	return nil
}

func mib(bytes int64) float64 { return float64(bytes) / (1 << 20) }

func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%s "+format+"\n", append([]any{time.Now().Format("15:04:05")}, args...)...)
}
