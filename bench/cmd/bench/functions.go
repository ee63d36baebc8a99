package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/dubbofn/dubbofn/bench/peer"
	"github.com/dubbofn/dubbofn/bench/report"
	"github.com/dubbofn/dubbofn/bench/service"
	"github.com/dubbofn/dubbofn/bench/service/measure"
)

// startFunction starts the function on the provider's core; more are flags of its own.
func startFunction(ctx context.Context, m peer.Machine, dubbo, web string, more ...string) (*piped, error) {
	args := []string{filepath.Join(m.Root, "out", "bin", subject), "-address", dubbo, "-http", port(web)}
	return startPiped(m.Command(ctx, m.ProviderCore, append(args, more...)...), "DUBBOFN_TOKEN="+laneTok)
}

// activator is one that runs, on the client's core.
type activator struct {
	*piped
	at       string // where consumers connect
	folder   string // of its functions
	manifest string // of a function of one service, as a file of the folder
	offered  int
}

// startActivator starts one without functions; those that it is offered later are all at one address.
func startActivator(ctx context.Context, m peer.Machine, web string) (*activator, error) {
	a := &activator{}
	var err error
	if a.manifest, err = describe(ctx, m, web); err != nil {
		return nil, err
	}
	if a.folder, err = os.MkdirTemp(filepath.Join(m.Root, "out"), "functions"); err != nil {
		return nil, err
	}
	a.piped, err = startPiped(m.Command(ctx, m.ClientCore, filepath.Join(m.Root, "out", "bin", "activator")), "DUBBOFN_TOKEN="+laneTok, "DUBBOFN_FUNCTIONS="+a.folder,
		"DUBBOFN_REGISTRY=embedded://"+filepath.Join(a.folder, "registry"), "DUBBOFN_LOG_LEVEL=error", "DUBBOFN_BIND=127.0.0.1", "DUBBOFN_PORT=0", "DUBBOFN_LANE_PORT=0", "DUBBOFN_ADMIN_PORT=0")
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(a.folder))
	}
	var said struct{ Address string }
	if err := a.read(&said); err != nil {
		return nil, errors.Join(err, a.stop())
	}
	a.at = said.Address
	return a, nil
}

// describe gives what the function prints of itself, without the revision: it is the same function under other names later.
func describe(ctx context.Context, m peer.Machine, web string) (string, error) {
	cmd := m.Command(ctx, m.ProviderCore, filepath.Join(m.Root, "out", "bin", subject), "-address", web)
	cmd.Env = append(cmd.Env, "BENCH_DESCRIBE=1")
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("describe the function: %w", err)
	}
	text, err := json.Marshal(map[string]any{"app": "bench", "url": "http://" + web, "manifest": json.RawMessage(out)})
	if err != nil {
		return "", fmt.Errorf("describe the function: %w", err)
	}
	return string(text), nil
}

// offer adds a function for each interface, and waits until all are registered.
func (a *activator) offer(ctx context.Context, interfaces ...string) error {
	for _, name := range interfaces {
		app := strings.ReplaceAll(strings.ToLower(name), ".", "-")
		text := strings.NewReplacer(strconv.Quote(service.Interface), strconv.Quote(name), `"app":"bench"`, `"app":`+strconv.Quote(app)).Replace(a.manifest)
		if err := os.WriteFile(filepath.Join(a.folder, app+".json"), []byte(text), 0o644); err != nil {
			return err
		}
		a.offered++
	}
	return until(ctx, "all functions are registered", func() bool {
		found, _ := filepath.Glob(filepath.Join(a.folder, "registry", "metadata", "org-bench-*")) // the pattern is sound
		return len(found) >= a.offered
	})
}

func (a *activator) stop() error { return errors.Join(a.piped.stop(), os.RemoveAll(a.folder)) }

// numbered are the names of so many services.
func numbered(count int) (names []string) {
	for i := range count {
		names = append(names, service.Numbered(i))
	}
	return names
}

// listens tells whether an address takes connections.
func listens(address string) bool {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return false
	}
	return c.Close() == nil
}

// until waits until something is so.
func until(ctx context.Context, what string, is func() bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 2*time.Minute, fmt.Errorf("it took too long until %s", what))
	defer cancel()
	for !is() {
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// functionCounts are how many functions an activator has, growing. All are called in turn.
func functionCounts() []int { return []int{1, 10, 100, 1000, 10_000} }

// The series of functions, and what grows there.
const (
	functionSeries = "functions"
	relayPeer      = "activator"
)

// growFunctions has an activator for each number of functions, behind all of them one process, and calls one activator after the other in every round.
func growFunctions(ctx context.Context, m peer.Machine, s settings) (_ *report.Part, err error) {
	if err := buildFront(ctx, m); err != nil {
		return nil, err
	}
	p := &report.Part{Name: "scale " + functionSeries, Title: "a call's cost, growing: functions behind an activator, called in turn", Grows: true, Compared: []string{cpuFigure},
		Conditions: conditions(ctx, m, s, nil)}
	p.Conditions.Method = s.afterOne() + "; 16 connections, 64 in flight; all functions are one process, at one address"
	at, err := peer.FreeAddresses(2)
	if err != nil {
		return nil, err
	}
	counts := functionCounts()
	function, err := startFunction(ctx, m, at[0], at[1], "-services", strconv.Itoa(counts[len(counts)-1]))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, function.stop()) }()
	if err := until(ctx, "the function listens", func() bool { return listens(at[1]) }); err != nil {
		return nil, err
	}
	all := make([]*activator, len(counts))
	for i, n := range counts {
		progress("an activator of %d functions", n)
		a, err := startActivator(ctx, m, at[1])
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, a.stop()) }()
		if err := a.offer(ctx, numbered(n)...); err != nil {
			return nil, err
		}
		all[i] = a
	}
	for round := range s.rounds + 1 { // the first does not count
		for i, n := range counts {
			if err := callFunctions(ctx, m, s, all[i], function, n, round, p); err != nil {
				return nil, err
			}
		}
	}
	p.Conditions.LoadAfter = loadAverage()
	return p, nil
}

// callFunctions loads one activator, and tells what a call costs it.
func callFunctions(ctx context.Context, m peer.Machine, s settings, a *activator, function *piped, n, round int, p *report.Part) error {
	plan := measure.Plan{Case: "user", InFlight: 64, WarmUp: s.roundWarmUp + time.Duration(n)*200*time.Microsecond, Measure: s.measure, MaxCalls: maxCalls, CheckEvery: s.checkEvery,
		PID: a.cmd.Process.Pid}
	before, err := cpuOf(function)
	if err != nil {
		return err
	}
	o, err := runLoad(ctx, m, m.ProviderCore, a.at, 16, plan, "-services", strconv.Itoa(n))
	if err != nil {
		return err
	}
	after, err := cpuOf(function)
	if err != nil {
		return err
	}
	progress("%d functions, round %d: %.0f/s, %.1f µs of CPU a call", n, round, o.PerSecond, o.ProviderCPU)
	if round == 0 {
		return nil
	}
	c := strconv.Itoa(n) + " functions"
	if n == 1 {
		c = "1 function"
	}
	p.Add(c, relayPeer, rateFigure, o.PerSecond)
	p.Add(c, relayPeer, medianFigure, o.P50)
	p.Add(c, relayPeer, tailFigure, o.P99)
	p.Add(c, relayPeer, cpuFigure, o.ProviderCPU)
	p.Add(c, relayPeer, "cores", o.ProviderCores)
	// its load before the counted calls is in the difference too
	counted := s.measure.Seconds() / (s.measure + plan.WarmUp).Seconds()
	p.Add(c, relayPeer, "function's CPU µs", float64((after[0]-before[0]).Nanoseconds())/1000*counted/float64(o.Calls))
	return nil
}
