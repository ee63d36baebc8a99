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
)

// shape is connections x calls in flight.
type shape struct{ connections, inFlight int }

func parseShapes(s string) (shapes []shape, err error) {
	for one := range strings.SplitSeq(s, ",") {
		c, k, ok := strings.Cut(one, "x")
		connections, err1 := strconv.Atoi(c)
		inFlight, err2 := strconv.Atoi(k)
		if !ok || err1 != nil || err2 != nil || connections < 1 || inFlight < connections {
			return nil, fmt.Errorf("check flags: -shapes %q: want connections x calls in flight (one a connection at least), like 1x64", one)
		}
		shapes = append(shapes, shape{connections, inFlight})
	}
	return shapes, nil
}

// bench is one measurement on its way.
type bench struct {
	machine  peer.Machine
	settings settings
	running  []*peer.Process
	results  *report.Results
}

// measure builds and starts the peers, runs every case and shape, and ends the peers.
func measure(ctx context.Context, m peer.Machine, s settings) (*report.Results, error) {
	shapes, err := parseShapes(s.shapes)
	if err != nil {
		return nil, err
	}
	cases := strings.Split(s.cases, ",")
	for _, c := range cases {
		if _, err := load.NewCase(c); err != nil {
			return nil, err
		}
	}
	peers, err := peer.Choose(strings.Split(s.peers, ","), s.warmUp, s.javaWarmUp)
	if err != nil {
		return nil, err
	}
	if err := m.Build(ctx, ".", "go", "build", "-o", "{bin}/load", "./cmd/load"); err != nil {
		return nil, err
	}
	for _, p := range peers {
		progress("build %s", p.Name)
		if err := p.Build(ctx, m); err != nil {
			return nil, err
		}
	}
	b := &bench{machine: m, settings: s, results: &report.Results{Conditions: conditions(ctx, m, s, peers)}}
	defer b.stop()
	if err := b.start(ctx, peers); err != nil {
		return nil, err
	}
	for _, c := range cases {
		for _, sh := range shapes {
			if err := b.rounds(ctx, c, sh); err != nil {
				return nil, err
			}
		}
	}
	if err := b.memory(); err != nil {
		return nil, err
	}
	b.results.Conditions.LoadAfter = loadAverage()
	if s.profile > 0 {
		err = b.profiles(ctx, cases, shapes[0])
	}
	return b.results, err
}

func (b *bench) start(ctx context.Context, peers []peer.Peer) error {
	for _, p := range peers {
		progress("start %s", p.Name)
		process, err := p.Start(ctx, b.machine)
		if err != nil {
			return err
		}
		b.running = append(b.running, process)
	}
	for _, p := range b.running {
		idle, _, err := load.Memory(p.PID)
		if err != nil {
			return err
		}
		b.results.Memory = append(b.results.Memory, report.Memory{Peer: p.Peer.Name, Idle: idle})
	}
	return nil
}

func (b *bench) stop() {
	for _, p := range b.running {
		p.Stop()
	}
}

// rounds warms every peer up for a case and then measures them in turn; each round begins with the next peer.
func (b *bench) rounds(ctx context.Context, name string, sh shape) error {
	for _, p := range b.running {
		progress("%s %dx%d: warm up %s for %v", name, sh.connections, sh.inFlight, p.Peer.Name, p.Peer.WarmUp)
		if _, err := b.load(ctx, p, name, sh, p.Peer.WarmUp, 200*time.Millisecond); err != nil {
			return err
		}
	}
	order := slices.Clone(b.running)
	for round := range b.settings.rounds {
		for _, p := range order {
			outcome, err := b.load(ctx, p, name, sh, b.settings.roundWarmUp, b.settings.measure)
			if err != nil {
				return err
			}
			progress("%s %dx%d round %d: %s %.0f/s", name, sh.connections, sh.inFlight, round+1, p.Peer.Name, outcome.PerSecond)
			b.results.Runs = append(b.results.Runs, report.Run{Peer: p.Peer.Name, Case: name,
				Connections: sh.connections, InFlight: sh.inFlight, Round: round + 1, Outcome: outcome})
		}
		order = append(order[1:], order[0])
	}
	return nil
}

// load runs the load client in a process of its own.
func (b *bench) load(ctx context.Context, p *peer.Process, name string, sh shape, warmUp, measure time.Duration) (load.Outcome, error) {
	var outcome load.Outcome
	cmd := b.machine.Command(ctx, b.machine.ClientCore, filepath.Join(b.machine.Root, "out", "bin", "load"),
		"-address", p.Address, "-case", name, "-connections", strconv.Itoa(sh.connections), "-in-flight", strconv.Itoa(sh.inFlight),
		"-warm-up", warmUp.String(), "-measure", measure.String(), "-decode-every", strconv.Itoa(b.settings.decodeEvery), "-pid", strconv.Itoa(p.PID))
	text, err := cmd.Output()
	if err != nil {
		return outcome, fmt.Errorf("load %s, case %s: %w", p.Peer.Name, name, err)
	}
	if err := json.Unmarshal(text, &outcome); err != nil {
		return outcome, fmt.Errorf("load %s, case %s: %w", p.Peer.Name, name, err)
	}
	return outcome, nil
}

func (b *bench) memory() error {
	for i, p := range b.running {
		last, peak, err := load.Memory(p.PID)
		if err != nil {
			return err
		}
		b.results.Memory[i].Last, b.results.Memory[i].Peak = last, peak
	}
	return nil
}

func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%s "+format+"\n", append([]any{time.Now().Format("15:04:05")}, args...)...)
}
