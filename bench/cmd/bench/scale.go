package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dubbofn/dubbofn/bench/load"
	"github.com/dubbofn/dubbofn/bench/peer"
	"github.com/dubbofn/dubbofn/bench/report"
)

// series is one thing that grows while the others stay: its cells, the least first.
type series struct {
	name, title string
	cells       []cell
}

// providerSeries are those of providers. A call's cost in a cell is compared with that in the first.
func providerSeries() []series {
	cells := func(c string, shapes ...shape) (all []cell) {
		for _, s := range shapes {
			all = append(all, cell{name: c, connections: s.connections, inFlight: s.inFlight})
		}
		return all
	}
	var payloads []cell
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
	return append(names, functionSeries)
}

// measureScale measures how a call's cost grows.
func measureScale(ctx context.Context, m peer.Machine, s settings) (parts []*report.Part, err error) {
	chosen := strings.Split(s.series, ",")
	for _, name := range chosen {
		if !slices.Contains(seriesNames(), name) {
			return nil, fmt.Errorf("check flags: -series %q: %q is none of %s", s.series, name, strings.Join(seriesNames(), ", "))
		}
	}
	peers, err := peer.Choose(strings.Split(s.scalePeers, ","), s.warmUp, s.javaWarmUp)
	if err != nil {
		return nil, err
	}
	if err := buildAll(ctx, m, peers); err != nil {
		return nil, err
	}
	for _, one := range providerSeries() {
		if !slices.Contains(chosen, one.name) {
			continue
		}
		p, err := growProviders(ctx, m, s, peers, one)
		if err != nil {
			return parts, err
		}
		parts = append(parts, p)
	}
	if slices.Contains(chosen, functionSeries) {
		p, err := growFunctions(ctx, m, s)
		if err != nil {
			return parts, err
		}
		parts = append(parts, p)
	}
	return parts, nil
}

// timeOfScale is that of measureScale.
func timeOfScale(s settings) (d time.Duration) {
	for _, one := range providerSeries() {
		if !slices.Contains(strings.Split(s.series, ","), one.name) {
			continue
		}
		for _, c := range one.cells {
			d += time.Duration(count(s.scalePeers)*(s.rounds+1)) * (s.turns(1) + c.settling() + time.Duration(c.connections)*50*time.Microsecond)
		}
	}
	if slices.Contains(strings.Split(s.series, ","), functionSeries) {
		d += s.turns(len(functionCounts())*(s.rounds+1)) + time.Duration(s.rounds+1)*2*time.Second + time.Minute
	}
	return d
}

// growProviders starts the providers and goes through the cells of a series in every round, so that a ratio's two ends are near one another.
func growProviders(ctx context.Context, m peer.Machine, s settings, peers []peer.Peer, one series) (*report.Part, error) {
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
	b.part = &report.Part{Name: "scale " + one.name, Title: "a call's cost, growing: " + one.title, Grows: true, Compared: []string{cpuFigure}, Conditions: conditions(ctx, m, s, peers)}
	b.part.Conditions.Method = s.afterOne()
	for round := range s.rounds + 1 { // the first does not count
		for _, r := range inTurn(b.runners, round) {
			for _, c := range one.cells {
				o, err := r.run(ctx, c, b.plan(c, b.settings.roundWarmUp+c.settling(), b.settings.measure))
				if err != nil {
					return nil, err
				}
				progress("%s, round %d: %s %.0f/s, %.2f µs of CPU a call", c, round, r.name, o.PerSecond, o.ProviderCPU)
				if round > 0 {
					b.add(c.String(), r.name, o, false)
				}
			}
		}
	}
	return b.done()[0], nil
}

// settling is how long every connection takes to make a few calls, which do not count.
func (c cell) settling() time.Duration { return time.Duration(c.inFlight) * 200 * time.Microsecond }
