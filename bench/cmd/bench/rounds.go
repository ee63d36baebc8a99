package main

import (
	"context"
	"encoding/json"
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

// bench is one measurement on its way.
type bench struct {
	machine  peer.Machine
	settings settings
	runners  []runner
	results  *report.Results
}

// runner is a peer whose turn comes in every round: a provider under the load client, or a consumer.
type runner struct {
	name   string
	warmUp time.Duration // load before its first round of a case
	run    func(ctx context.Context, c report.Cell, p measure.Plan) (measure.Outcome, error)

	process *peer.Process // whose memory and profiles count; nil where it has none of its own
	memory  report.Memory
}

// measureProviders builds and starts the providers, runs every case and shape, and ends them.
func measureProviders(ctx context.Context, m peer.Machine, s settings) (*report.Results, error) {
	shapes, err := parseShapes(s.shapes)
	if err != nil {
		return nil, err
	}
	cases, err := parseCases(s.cases)
	if err != nil {
		return nil, err
	}
	peers, err := peer.Choose(strings.Split(s.peers, ","), s.warmUp, s.javaWarmUp)
	if err != nil {
		return nil, err
	}
	if err := buildAll(ctx, m, peers); err != nil {
		return nil, err
	}
	b := &bench{machine: m, settings: s, results: &report.Results{Conditions: conditions(ctx, m, s, peers)}}
	defer b.stop()
	for _, p := range peers {
		if err := b.start(ctx, p); err != nil {
			return nil, err
		}
	}
	for _, c := range cases {
		for _, sh := range shapes {
			cell := report.Cell{Case: c, Connections: sh.connections, InFlight: sh.inFlight}
			if err := b.warm(ctx, cell); err != nil {
				return nil, err
			}
			if err := b.rounds(ctx, cell); err != nil {
				return nil, err
			}
		}
	}
	if err := b.keepMemory(); err != nil {
		return nil, err
	}
	b.results.Conditions.LoadAfter = loadAverage()
	return b.results, b.profiles(ctx, cases, report.Cell{Connections: shapes[0].connections, InFlight: shapes[0].inFlight})
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
	return b.add(runner{name: p.Name, warmUp: p.WarmUp, process: process, memory: report.Memory{Peer: p.Name},
		run: func(ctx context.Context, c report.Cell, plan measure.Plan) (measure.Outcome, error) {
			return b.load(ctx, process, c.Connections, plan)
		}})
}

// add has the runner take its turns; its process is ended by stop.
func (b *bench) add(r runner) (err error) {
	if r.process != nil {
		r.memory.Idle, _, err = measure.Memory(r.process.PID)
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
func (b *bench) warm(ctx context.Context, cell report.Cell) error {
	for _, r := range b.runners {
		progress("%s: warm up %s for %v", cell, r.name, r.warmUp)
		if _, err := r.run(ctx, cell, b.plan(cell, r.warmUp, 200*time.Millisecond)); err != nil {
			return err
		}
	}
	return nil
}

// rounds measures the runners in turn; each round begins with the next.
func (b *bench) rounds(ctx context.Context, cell report.Cell) error {
	order := slices.Clone(b.runners)
	for round := range b.settings.rounds {
		for _, r := range order {
			outcome, err := r.run(ctx, cell, b.plan(cell, b.settings.roundWarmUp, b.settings.measure))
			if err != nil {
				return err
			}
			progress("%s, round %d: %s %.0f/s", cell, round+1, r.name, outcome.PerSecond)
			b.results.Runs = append(b.results.Runs, report.Run{Peer: r.name, Cell: cell, Round: round + 1, Outcome: outcome})
		}
		order = append(order[1:], order[0])
	}
	return nil
}

// maxCalls bounds a plan that time bounds already.
const maxCalls = 100_000_000

func (b *bench) plan(cell report.Cell, warmUp, counted time.Duration) measure.Plan {
	return measure.Plan{Case: cell.Case, InFlight: cell.InFlight, WarmUp: warmUp, Measure: counted, MaxCalls: maxCalls, CheckEvery: b.settings.checkEvery}
}

// load has the load client, in a process of its own, call a provider.
func (b *bench) load(ctx context.Context, p *peer.Process, connections int, plan measure.Plan) (measure.Outcome, error) {
	var outcome measure.Outcome
	cmd := b.machine.Command(ctx, b.machine.ClientCore, filepath.Join(b.machine.Root, "out", "bin", "load"),
		"-address", p.Address, "-case", plan.Case, "-connections", strconv.Itoa(connections), "-in-flight", strconv.Itoa(plan.InFlight),
		"-warm-up", plan.WarmUp.String(), "-measure", plan.Measure.String(), "-max-calls", strconv.Itoa(plan.MaxCalls),
		"-check-every", strconv.Itoa(plan.CheckEvery), "-pid", strconv.Itoa(p.PID))
	text, err := cmd.Output()
	if err == nil {
		err = json.Unmarshal(text, &outcome)
	}
	if err != nil {
		return outcome, fmt.Errorf("load %s, case %s: %w", p.Peer.Name, plan.Case, err)
	}
	return outcome, nil
}

// keepMemory notes what the runners' processes hold now.
func (b *bench) keepMemory() (err error) {
	for _, r := range b.runners {
		if r.process == nil {
			continue
		}
		if r.memory.Last, r.memory.Peak, err = measure.Memory(r.process.PID); err != nil {
			return err
		}
		b.results.Memory = append(b.results.Memory, r.memory)
	}
	return nil
}

func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%s "+format+"\n", append([]any{time.Now().Format("15:04:05")}, args...)...)
}
