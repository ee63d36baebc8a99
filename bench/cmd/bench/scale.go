package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dubbofn/dubbofn/bench/load"
	"github.com/dubbofn/dubbofn/bench/peer"
	"github.com/dubbofn/dubbofn/bench/report"
	"github.com/dubbofn/dubbofn/bench/service/measure"
)

// series is one thing that grows while the others stay: its cells, the least first.
type series struct {
	name, title string
	cells       []report.Cell
}

// providerSeries are those of providers. A call's cost in a cell is compared with that in the first.
func providerSeries() []series {
	cells := func(c string, shapes ...shape) (all []report.Cell) {
		for _, s := range shapes {
			all = append(all, report.Cell{Case: c, Connections: s.connections, InFlight: s.inFlight})
		}
		return all
	}
	var payloads []report.Cell
	for _, c := range load.Sizes() {
		payloads = append(payloads, cells(c, shape{16, 16})...)
	}
	return []series{
		{"connections", "connections, a call in flight on each", cells("user", shape{1, 1}, shape{16, 16}, shape{100, 100}, shape{1000, 1000}, shape{10_000, 10_000})},
		{"shared", "connections, 64 calls in flight over all of them", cells("user", shape{1, 64}, shape{16, 64}, shape{100, 64}, shape{1000, 64}, shape{10_000, 64})},
		{"in-flight", "calls in flight over 16 connections", cells("user", shape{16, 1}, shape{16, 16}, shape{16, 64}, shape{16, 256}, shape{16, 1024}, shape{16, 10_000})},
		{"payload", "payload, 16 calls in flight over 16 connections", payloads},
	}
}

func seriesNames() (names []string) {
	for _, s := range providerSeries() {
		names = append(names, s.name)
	}
	return names
}

// measureScale measures how a call's cost grows.
func measureScale(ctx context.Context, m peer.Machine, s settings) error {
	chosen := strings.Split(s.series, ",")
	for _, name := range chosen {
		if !slices.Contains(seriesNames(), name) {
			return fmt.Errorf("check flags: -series %q: %q is none of %s", s.series, name, strings.Join(seriesNames(), ", "))
		}
	}
	peers, err := peer.Choose(strings.Split(s.scalePeers, ","), s.warmUp, s.javaWarmUp)
	if err != nil {
		return err
	}
	if err := buildAll(ctx, m, peers); err != nil {
		return err
	}
	var parts []*report.Part
	for _, one := range providerSeries() {
		if !slices.Contains(chosen, one.name) {
			continue
		}
		p, err := grow(ctx, m, s, peers, one)
		if err != nil {
			return err
		}
		parts = append(parts, p)
	}
	text, err := json.MarshalIndent(parts, "", " ")
	if err == nil {
		err = os.WriteFile(filepath.Join(m.Root, "out", "scale.json"), append(text, '\n'), 0o644)
	}
	for _, p := range parts {
		err = errors.Join(err, p.Table(os.Stdout))
	}
	return err
}

// grow starts the providers and goes through the cells of a series in every round, so that a ratio's two ends are near one another.
func grow(ctx context.Context, m peer.Machine, s settings, peers []peer.Peer, one series) (*report.Part, error) {
	b := &bench{machine: m, settings: s}
	defer b.stop()
	for _, p := range peers {
		if p.Name == subject {
			p = p.With("-max-calls", "20000") // it refuses more than 1000 by default
		}
		if err := b.start(ctx, p); err != nil {
			return nil, err
		}
	}
	p := &report.Part{Name: "scale " + one.name, Title: "a call's cost, growing: " + one.title, Grows: true, Compared: []string{cpuFigure}, Conditions: conditions(ctx, m, s, peers)}
	for round := range s.rounds + 1 { // the first does not count
		for _, r := range b.runners {
			for _, cell := range one.cells {
				o, err := r.run(ctx, cell, b.growPlan(cell))
				if err != nil {
					return nil, err
				}
				progress("%s, round %d: %s %.0f/s, %.2f µs of CPU a call", cell, round, r.name, o.PerSecond, o.ProviderCPU)
				if round > 0 {
					addOutcome(p, cell.String(), r.name, o, false)
				}
			}
		}
		b.runners = append(b.runners[1:], b.runners[0])
	}
	p.Conditions.LoadAfter = loadAverage()
	return p, nil
}

// growPlan lets every connection make a few calls before they count.
func (b *bench) growPlan(cell report.Cell) measure.Plan {
	return b.plan(cell, b.settings.roundWarmUp+time.Duration(cell.InFlight)*200*time.Microsecond, b.settings.measure)
}

const (
	rateFigure = "calls/s"
	cpuFigure  = "CPU µs a call"
)

// addOutcome notes what came of a plan; outbound: it is the client whose costs count.
func addOutcome(p *report.Part, c, name string, o measure.Outcome, outbound bool) {
	add := func(figure string, v float64) { p.Add(c, name, figure, v) }
	add(rateFigure, o.PerSecond)
	add("p50 µs", o.P50)
	add("p99 µs", o.P99)
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
