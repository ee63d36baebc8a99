package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"github.com/dubbofn/dubbofn/bench/peer"
	"github.com/dubbofn/dubbofn/bench/report"
	"github.com/dubbofn/dubbofn/bench/service/measure"
)

// eventPeers take events, in the order of the table. The first is the bar, the last the subject.
func eventPeers() []string { return []string{"functions", "sdk", subject} }

// measureEvents sends events to all peers in turn. The first round does not count.
func measureEvents(ctx context.Context, m peer.Machine, s settings) ([]*report.Part, error) {
	progress("build events")
	if err := m.Build(ctx, "peers/events", "go", "build", "-o", "{bin}/events", "."); err != nil {
		return nil, err
	}
	b := &bench{part: &report.Part{Name: "events", Title: "an event over HTTP, its method, its reply", Bar: eventPeers()[0], Compared: []string{rateFigure, cpuFigure},
		Conditions: conditions(ctx, m, s, nil)}}
	b.part.Conditions.Method = s.afterOne()
	for _, inFlight := range eventsInFlight() {
		for round := range s.rounds + 1 {
			for _, name := range inTurn(eventPeers(), round) {
				o, err := eventRound(ctx, m, s, name, inFlight)
				if err != nil {
					return nil, fmt.Errorf("%s: %w", name, err)
				}
				progress("%d in flight, round %d: %s %.0f/s, p99 %.0f µs, %.1f µs of CPU an event", inFlight, round, name, o.PerSecond, o.P99, o.ProviderCPU)
				if round > 0 {
					b.add(eventCase(inFlight), name, o, false)
				}
			}
		}
	}
	return b.done(), nil
}

func eventsInFlight() []int { return []int{1, 64} }

func eventCase(inFlight int) string { return fmt.Sprintf("%d in flight", inFlight) }

// timeOfEvents is that of measureEvents.
func timeOfEvents(s settings) time.Duration {
	return s.turns(len(eventsInFlight()) * len(eventPeers()) * (s.rounds + 1))
}

// afterOne tells of rounds of which the first does not count.
func (s settings) afterOne() string {
	return fmt.Sprintf("%d interleaved rounds of %v, %v of load before each, after one that does not count; every answer checked", s.rounds, s.measure, s.roundWarmUp)
}

// eventRound starts a peer, sends it events, and ends it.
func eventRound(ctx context.Context, m peer.Machine, s settings, name string, inFlight int) (o measure.Outcome, err error) {
	at, err := peer.FreeAddresses(1)
	if err != nil {
		return o, err
	}
	program := filepath.Join(m.Root, "out", "bin", "events")
	ctx, cancel := context.WithTimeout(ctx, s.roundWarmUp+s.measure+time.Minute)
	defer cancel()
	server := m.Command(ctx, m.ProviderCore, program, name, at[0])
	if err := server.Start(); err != nil {
		return o, err
	}
	defer func() {
		_ = server.Process.Kill() // it keeps nothing
		_ = server.Wait()         // it was killed
	}()
	if err := until(ctx, name+" listens", func() bool { return listens(at[0]) }); err != nil {
		return o, err
	}
	out, err := m.Command(ctx, m.ClientCore, program, "client", "-address", at[0], "-in-flight", strconv.Itoa(inFlight), "-warm-up", s.roundWarmUp.String(),
		"-measure", s.measure.String(), "-pid", strconv.Itoa(server.Process.Pid), "-replies="+strconv.FormatBool(name != "functions")).Output()
	if err != nil {
		return o, err
	}
	return o, json.Unmarshal(out, &o)
}
