package main

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"github.com/dubbofn/dubbofn/bench/peer"
	"github.com/dubbofn/dubbofn/bench/report"
	"github.com/dubbofn/dubbofn/bench/service/measure"
)

// The states of the backend that spans go to. The second is the bar for the third.
const (
	untraced = "no tracing"
	taking   = "backend up"
	away     = "backend down"
)

// measureTracing calls functions whose spans are taken, go nowhere, or are not made, in turn. The first round does not count.
func measureTracing(ctx context.Context, m peer.Machine, s settings) ([]*report.Part, error) {
	for _, b := range [][3]string{{".", "load", "./cmd/load"}, {"peers/tracing", "tracing", "."}} {
		progress("build %s", b[1])
		if err := m.Build(ctx, b[0], "go", "build", "-o", "{bin}/"+b[1], b[2]); err != nil {
			return nil, err
		}
	}
	at, err := peer.FreeAddresses(5)
	if err != nil {
		return nil, err
	}
	program := filepath.Join(m.Root, "out", "bin", "tracing")
	functions := map[string]*piped{}
	begin := func(name string, core int, env string, args ...string) error {
		p, err := startPiped(m.Command(ctx, core, append([]string{program}, args...)...), env)
		functions[name] = p
		return err
	}
	defer func() {
		for _, p := range functions {
			if p != nil {
				_ = p.cmd.Process.Kill() // it keeps nothing
				_ = p.stop()             // it was killed
			}
		}
	}()
	address := map[string]string{untraced: at[0], taking: at[1], away: at[2]}
	err = errors.Join(begin("sink", m.ClientCore, "", "sink", at[3]), begin(untraced, m.ProviderCore, "", "function", at[0]),
		begin(taking, m.ProviderCore, "DUBBOFN_TRACING=skywalking://"+at[3], "function", at[1]), begin(away, m.ProviderCore, "DUBBOFN_TRACING=skywalking://"+at[4], "function", at[2]))
	if err == nil {
		err = until(ctx, "all listen", func() bool { return listens(at[0]) && listens(at[1]) && listens(at[2]) && listens(at[3]) })
	}
	if err != nil {
		return nil, err
	}
	b := &bench{part: &report.Part{Name: "tracing", Title: "calls whose spans are sent by SkyWalking's protocol", Bar: taking, Compared: []string{medianFigure, tailFigure},
		Conditions: conditions(ctx, m, s, nil)}}
	b.part.Conditions.Method = s.afterOne()
	for _, c := range tracingCells() {
		for round := range s.rounds + 1 {
			for _, state := range inTurn(states(), round) {
				o, err := runLoad(ctx, m, m.ClientCore, address[state], c.connections, measure.Plan{Case: c.name, InFlight: c.inFlight, WarmUp: s.roundWarmUp, Measure: s.measure,
					MaxCalls: maxCalls, CheckEvery: s.checkEvery, PID: functions[state].cmd.Process.Pid})
				if err != nil {
					return nil, err
				}
				progress("%s, round %d: %s %.0f/s, p50 %.0f µs, p99 %.0f µs", c, round, state, o.PerSecond, o.P50, o.P99)
				if round > 0 {
					b.add(c.String(), state, o, false)
				}
			}
		}
	}
	return b.done(), nil
}

func states() []string { return []string{untraced, taking, away} }

func tracingCells() []cell {
	return []cell{{name: "user", connections: 1, inFlight: 1}, {name: "user", connections: 16, inFlight: 64}}
}

// timeOfTracing is that of measureTracing.
func timeOfTracing(s settings) time.Duration {
	return s.turns(len(tracingCells()) * len(states()) * (s.rounds + 1))
}
