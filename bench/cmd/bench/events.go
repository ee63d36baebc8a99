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
	"text/tabwriter"
	"time"

	"github.com/dubbofn/dubbofn/bench/peer"
	"github.com/dubbofn/dubbofn/bench/report"
	"github.com/dubbofn/dubbofn/bench/service/measure"
)

// eventPeers take events, in the order of the table. The first is the bar, the last the subject.
func eventPeers() []string { return []string{"functions", "sdk", "dubbofn"} }

// leastEvents is how many events a second the subject takes at least, of what functions-framework-go does.
const leastEvents = 2.

// eventRun is one round of one peer.
type eventRun struct {
	Peer     string `json:"peer"`
	InFlight int    `json:"in_flight"`
	Round    int    `json:"round"`
	measure.Outcome
}

// measureEvents sends events to all peers in turn. The first round does not count.
func measureEvents(ctx context.Context, m peer.Machine, s settings) error {
	progress("build events")
	if err := m.Build(ctx, "peers/events", "go", "build", "-o", "{bin}/events", "."); err != nil {
		return err
	}
	c := conditions(ctx, m, s, nil)
	var all []eventRun
	for _, inFlight := range []int{1, 64} {
		for round := range s.rounds + 1 {
			for i := range eventPeers() {
				name := eventPeers()[(i+round)%len(eventPeers())]
				o, err := eventRound(ctx, m, s, name, inFlight)
				if err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
				progress("%d in flight, round %d: %s %.0f/s, p99 %.0f µs, %.1f µs of CPU an event", inFlight, round, name, o.PerSecond, o.P99, o.ProviderCPU)
				if round > 0 {
					all = append(all, eventRun{name, inFlight, round, o})
				}
			}
		}
	}
	c.LoadAfter = loadAverage()
	text, err := json.MarshalIndent(map[string]any{"conditions": c, "runs": all}, "", " ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(m.Root, "out", "events.json"), append(text, '\n'), 0o644); err != nil {
		return err
	}
	fmt.Printf("an event over HTTP, its method, its reply\n%s · %s, %d cores, Linux %s · %s · commit %s\n%s · load average %s before, %s after\n",
		c.Started, c.CPU, c.Cores, c.Kernel, c.Go, c.Commit, c.Pinning, c.LoadBefore, c.LoadAfter)
	return printEvents(all)
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

// printEvents prints the table, and tells, as an error, where the subject is slower than it is to be.
func printEvents(all []eventRun) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\nin flight\tpeer\tevents/s min\tmedian\tmax\tp50 µs\tp99 µs\tCPU µs\t÷ functions: min\tmedian\tmax\t")
	var faults []error
	for _, inFlight := range []int{1, 64} {
		bar := eventFigures(all, inFlight, eventPeers()[0], func(r eventRun) float64 { return r.PerSecond })
		for _, name := range eventPeers() {
			figure := func(of func(eventRun) float64) []float64 { return eventFigures(all, inFlight, name, of) }
			rate := figure(func(r eventRun) float64 { return r.PerSecond })
			var ratios []float64
			for i := range rate {
				ratios = append(ratios, rate[i]/bar[i])
			}
			median := func(of func(eventRun) float64) float64 { return report.Median(figure(of)) }
			fmt.Fprintf(w, "%d\t%s\t%.0f\t%.0f\t%.0f\t%.0f\t%.0f\t%.1f\t%.2f\t%.2f\t%.2f\t\n", inFlight, name, slices.Min(rate), report.Median(rate), slices.Max(rate),
				median(func(r eventRun) float64 { return r.P50 }), median(func(r eventRun) float64 { return r.P99 }), median(func(r eventRun) float64 { return r.ProviderCPU }),
				slices.Min(ratios), report.Median(ratios), slices.Max(ratios))
			if v := report.Median(ratios); name == subject && v < leastEvents {
				faults = append(faults, fmt.Errorf("events: %d in flight: %.2f × functions-framework-go (least %.2f)", inFlight, v, leastEvents))
			}
		}
	}
	return errors.Join(append(faults, w.Flush())...)
}

func eventFigures(all []eventRun, inFlight int, name string, figure func(eventRun) float64) (values []float64) {
	for _, r := range all {
		if r.InFlight == inFlight && r.Peer == name {
			values = append(values, figure(r))
		}
	}
	return values
}
