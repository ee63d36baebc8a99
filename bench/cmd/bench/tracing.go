package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"text/tabwriter"

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

// What a backend that is down may cost a call, beside one that is up.
const (
	mostMedian = 1.05
	mostTail   = 1.25
)

// tracedRun is one round in one state.
type tracedRun struct {
	State string `json:"state"`
	Shape string `json:"shape"`
	Round int    `json:"round"`
	measure.Outcome
}

// measureTracing calls functions whose spans are taken, go nowhere, or are not made, in turn. The first round does not count.
func measureTracing(ctx context.Context, m peer.Machine, s settings) (err error) {
	for _, b := range [][3]string{{".", "load", "./cmd/load"}, {"peers/tracing", "tracing", "."}} {
		progress("build %s", b[1])
		if err := m.Build(ctx, b[0], "go", "build", "-o", "{bin}/"+b[1], b[2]); err != nil {
			return err
		}
	}
	at, err := peer.FreeAddresses(5)
	if err != nil {
		return err
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
	states := []string{untraced, taking, away}
	address := map[string]string{untraced: at[0], taking: at[1], away: at[2]}
	err = errors.Join(begin("sink", m.ClientCore, "", "sink", at[3]), begin(untraced, m.ProviderCore, "", "function", at[0]),
		begin(taking, m.ProviderCore, "DUBBOFN_TRACING=skywalking://"+at[3], "function", at[1]), begin(away, m.ProviderCore, "DUBBOFN_TRACING=skywalking://"+at[4], "function", at[2]))
	if err == nil {
		err = until(ctx, "all listen", func() bool { return listens(at[0]) && listens(at[1]) && listens(at[2]) && listens(at[3]) })
	}
	if err != nil {
		return err
	}
	c := conditions(ctx, m, s, nil)
	var all []tracedRun
	shapes := [][2]int{{1, 1}, {16, 64}}
	for _, sh := range shapes {
		shape := fmt.Sprintf("%d × %d", sh[0], sh[1])
		for round := range s.rounds + 1 {
			for i := range states {
				state := states[(i+round)%len(states)]
				out, err := m.Command(ctx, m.ClientCore, filepath.Join(m.Root, "out", "bin", "load"), "-address", address[state], "-case", "user", "-connections", strconv.Itoa(sh[0]),
					"-in-flight", strconv.Itoa(sh[1]), "-warm-up", s.roundWarmUp.String(), "-measure", s.measure.String(), "-check-every", strconv.Itoa(s.checkEvery),
					"-pid", strconv.Itoa(functions[state].cmd.Process.Pid)).Output()
				if err != nil {
					return err
				}
				r := tracedRun{State: state, Shape: shape, Round: round}
				if err := json.Unmarshal(out, &r.Outcome); err != nil {
					return err
				}
				progress("%s, round %d: %s %.0f/s, p50 %.0f µs, p99 %.0f µs", shape, round, state, r.PerSecond, r.P50, r.P99)
				if round > 0 {
					all = append(all, r)
				}
			}
		}
	}
	c.LoadAfter = loadAverage()
	text, err := json.MarshalIndent(map[string]any{"conditions": c, "runs": all}, "", " ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(m.Root, "out", "tracing.json"), append(text, '\n'), 0o644); err != nil {
		return err
	}
	fmt.Printf("calls whose spans are sent to SkyWalking's protocol\n%s · %s, %d cores, Linux %s · %s · commit %s\n%s · load average %s before, %s after\n",
		c.Started, c.CPU, c.Cores, c.Kernel, c.Go, c.Commit, c.Pinning, c.LoadBefore, c.LoadAfter)
	return printTraced(all, states, shapes)
}

func printTraced(all []tracedRun, states []string, shapes [][2]int) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\nconnections × in flight\tspans\tcalls/s\tp50 µs\tp99 µs\tCPU µs a call\tp50 ÷ up\tp99 ÷ up\t")
	var faults []error
	for _, sh := range shapes {
		shape := fmt.Sprintf("%d × %d", sh[0], sh[1])
		median := func(state string, of func(tracedRun) float64) float64 {
			var values []float64
			for _, r := range all {
				if r.State == state && r.Shape == shape {
					values = append(values, of(r))
				}
			}
			return report.Median(values)
		}
		middle, tail := func(r tracedRun) float64 { return r.P50 }, func(r tracedRun) float64 { return r.P99 }
		for _, state := range states {
			a, b := median(state, middle)/median(taking, middle), median(state, tail)/median(taking, tail)
			fmt.Fprintf(w, "%s\t%s\t%.0f\t%.0f\t%.0f\t%.1f\t%.2f\t%.2f\t\n", shape, state, median(state, func(r tracedRun) float64 { return r.PerSecond }),
				median(state, middle), median(state, tail), median(state, func(r tracedRun) float64 { return r.ProviderCPU }), a, b)
			if state == away && (a > mostMedian || b > mostTail) {
				faults = append(faults, fmt.Errorf("tracing: %s: with the backend down p50 is %.2f × and p99 %.2f × (most %.2f and %.2f)", shape, a, b, mostMedian, mostTail))
			}
		}
	}
	return errors.Join(append(faults, w.Flush())...)
}
