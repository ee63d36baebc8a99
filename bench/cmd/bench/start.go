package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/dubbofn/dubbofn/bench/peer"
	"github.com/dubbofn/dubbofn/bench/report"
	"github.com/dubbofn/dubbofn/bench/service"
)

// starter is a program whose start is measured.
type starter struct {
	name    string
	dir     string // where it is built; empty: Java
	target  string // what is built there
	command func(root string, p ports) []string
	env     func(root string, p ports) []string
	call    []string // interface and method; empty: GET /
}

// ports are addresses that are free, but for silent: there a listener takes connections and never says anything.
type ports struct{ main, other, silent string }

// bare is the bar, greet the subject.
const (
	bare   = "bare"
	greet  = "greet"
	linked = "greet + Nacos + SkyWalking"
)

const greetService = "org.example.GreetService"

func program(name string, args ...string) func(string, ports) []string {
	return func(root string, p ports) []string {
		all := []string{filepath.Join(root, "out", "bin", "start-"+name)}
		for _, a := range args {
			all = append(all, strings.ReplaceAll(a, "{address}", p.main))
		}
		return all
	}
}

// function is the environment of one of ours.
func function(more ...string) func(string, ports) []string {
	return func(root string, p ports) []string {
		env := []string{"DUBBOFN_BIND=127.0.0.1", "DUBBOFN_PORT=" + port(p.main), "PORT=" + port(p.other)}
		for _, m := range more {
			env = append(env, strings.NewReplacer("{out}", filepath.Join(root, "out"), "{silent}", p.silent).Replace(m))
		}
		return env
	}
}

func starters() []starter {
	hello, echo := []string{greetService, "hello"}, []string{service.Interface, "echo"}
	return []starter{
		{bare, ".", "./peers/bare", program("bare", "{address}"), nil, hello},
		{"net/http alone", ".", "./peers/http", program("http", "{address}"), nil, nil},
		{greet, ".", "github.com/dubbofn/dubbofn/examples/functions/greet", program("greet"), function("DUBBOFN_REGISTER=no"), hello},
		{"greet, registered", ".", "github.com/dubbofn/dubbofn/examples/functions/greet", program("greet"), function("DUBBOFN_REGISTRY=embedded://{out}/registry"), hello},
		{linked, "peers/nacos", ".", program("nacos"), function("DUBBOFN_REGISTRY=nacos://{silent}", "DUBBOFN_TRACING=skywalking://{silent}"), hello},
		{"functions-framework-go", "peers/functions", ".", program("functions"), func(_ string, p ports) []string { return []string{"PORT=" + port(p.main)} }, nil},
		{"dubbo-go", "peers/dubbogo", ".", program("dubbogo", "-address", "{address}"), nil, echo},
		{"java", "", "", func(root string, p ports) []string { return append(peer.Java(root), "org.bench.Provider", p.main) }, nil, echo},
	}
}

// way is how the programs are started and called.
type way struct {
	name  string
	shell bool
	pause time.Duration
}

func startWays() []way {
	return []way{
		{"straight from exec, connecting all the time", false, 0},
		{"by sh -c 'exec …', connecting every ms", true, time.Millisecond},
	}
}

// startRun is one start.
type startRun struct {
	Millis float64 `json:"ms"`
	CPU    float64 `json:"cpu_ms"` // of the process
}

// The most that a function's start may be of the bar's, by the second way.
const (
	mostAlone  = 1.5
	mostLinked = 3.
)

// measureStarts starts every program in turn, again and again, and tells how long it takes to its first reply.
func measureStarts(ctx context.Context, m peer.Machine, s settings) error {
	all := starters()
	if err := buildStarters(ctx, m, all); err != nil {
		return err
	}
	silent, err := net.Listen("tcp", "127.0.0.1:0") // nobody accepts
	if err != nil {
		return err
	}
	defer silent.Close()
	c := conditions(ctx, m, s, nil)
	results := map[string]map[string][]startRun{}
	for _, w := range startWays() {
		if results[w.name], err = startRounds(ctx, m, s, w, all, silent.Addr().String()); err != nil {
			return err
		}
	}
	c.LoadAfter = loadAverage()
	text, err := json.MarshalIndent(map[string]any{"conditions": c, "runs": results}, "", " ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(m.Root, "out", "start.json"), append(text, '\n'), 0o644); err != nil {
		return err
	}
	fmt.Printf("from exec to the first reply, ms\n%s · %s, %d cores, Linux %s · %s · %s · commit %s\n%s · load average %s before, %s after\n",
		c.Started, c.CPU, c.Cores, c.Kernel, c.Go, c.Java, c.Commit, c.Pinning, c.LoadBefore, c.LoadAfter)
	for _, w := range startWays() {
		fmt.Printf("\n%s\n", w.name)
		if err := printStarts(os.Stdout, results[w.name], all); err != nil {
			return err
		}
	}
	return checkStarts(results[startWays()[1].name])
}

func buildStarters(ctx context.Context, m peer.Machine, all []starter) error {
	if err := m.Build(ctx, ".", "go", "build", "-o", "{bin}/first", "./cmd/first"); err != nil {
		return err
	}
	for _, p := range all {
		progress("build %s", p.name)
		if p.dir == "" {
			if err := m.Build(ctx, "java", peer.MavenBuild()...); err != nil {
				return err
			}
			continue
		}
		if err := m.Build(ctx, p.dir, "go", "build", "-o", p.command(m.Root, ports{})[0], p.target); err != nil {
			return err
		}
	}
	return nil
}

func startRounds(ctx context.Context, m peer.Machine, s settings, w way, all []starter, silent string) (map[string][]startRun, error) {
	found := map[string][]startRun{}
	order := slices.Clone(all)
	for round := range s.starts + 1 { // the first fills the page cache, and does not count
		if round%10 == 0 {
			progress("%s: round %d of %d", w.name, round, s.starts)
		}
		for _, p := range order {
			if p.dir == "" && round > s.javaStarts {
				continue
			}
			run, err := startOnce(ctx, m, w, p, silent)
			if err != nil {
				return nil, err
			}
			if round > 0 {
				found[p.name] = append(found[p.name], run)
			}
		}
		order = append(order[1:], order[0])
	}
	return found, nil
}

// startOnce has a process of its own, on the client's core, start and call the program.
func startOnce(ctx context.Context, m peer.Machine, w way, p starter, silent string) (startRun, error) {
	var run startRun
	addresses, err := peer.FreeAddresses(2)
	if err != nil {
		return run, err
	}
	at := ports{addresses[0], addresses[1], silent}
	args := []string{filepath.Join(m.Root, "out", "bin", "first"), "-address", at.main, "-pause", w.pause.String()}
	if m.Pinned {
		args = append(args, "-core", strconv.Itoa(m.ProviderCore))
	}
	if p.call != nil {
		args = append(args, "-interface", p.call[0], "-method", p.call[1])
	}
	command := p.command(m.Root, at)
	if w.shell {
		command = append([]string{"sh", "-c", `exec "$0" "$@"`}, command...)
	}
	cmd := m.Command(ctx, m.ClientCore, append(append(args, "--"), command...)...)
	var said strings.Builder
	cmd.Stderr = &said
	if p.env != nil {
		cmd.Env = append(cmd.Env, p.env(m.Root, at)...)
	}
	out, err := cmd.Output()
	if err != nil {
		return run, fmt.Errorf("start %s: %w: %s", p.name, err, said.String())
	}
	var took, cpu float64
	if _, err := fmt.Sscan(string(out), &took, &cpu); err != nil {
		return run, fmt.Errorf("start %s: read %q: %w", p.name, out, err)
	}
	return startRun{took / 1000, cpu / 1000}, nil
}

func startMillis(r startRun) float64 { return r.Millis }
func startCPU(r startRun) float64    { return r.CPU }

func figures(runs []startRun, figure func(startRun) float64) (all []float64) {
	for _, r := range runs {
		all = append(all, figure(r))
	}
	slices.Sort(all)
	return all
}

// overBare gives the ratios to the bar, round by round, in order.
func overBare(found map[string][]startRun, name string, figure func(startRun) float64) (ratios []float64) {
	for i, r := range found[name] {
		ratios = append(ratios, figure(r)/figure(found[bare][i]))
	}
	slices.Sort(ratios)
	return ratios
}

func printStarts(out io.Writer, found map[string][]startRun, all []starter) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "program\tstarts\tmin\tmedian\tp95\tmax\t÷ bare: min\tmedian\tmax\tCPU\t÷ bare\t")
	for _, p := range all {
		ms, ratios := figures(found[p.name], startMillis), overBare(found, p.name, startMillis)
		if len(ms) == 0 {
			continue
		}
		fmt.Fprintf(w, "%s\t%d\t%.1f\t%.1f\t%.1f\t%.1f\t%.2f\t%.2f\t%.2f\t%.1f\t%.2f\t\n", p.name, len(ms), ms[0], report.Median(ms), ms[(len(ms)*95-1)/100], ms[len(ms)-1],
			ratios[0], report.Median(ratios), ratios[len(ratios)-1], report.Median(figures(found[p.name], startCPU)), report.Median(overBare(found, p.name, startCPU)))
	}
	return w.Flush()
}

// checkStarts tells, as an error, what takes longer than it may.
func checkStarts(found map[string][]startRun) error {
	var faults []error
	for name, most := range map[string]float64{greet: mostAlone, linked: mostLinked} {
		if ratio := report.Median(overBare(found, name, startMillis)); ratio > most {
			faults = append(faults, fmt.Errorf("%s takes %.2f times as long as the bare server (most %.1f)", name, ratio, most))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("starts: %w", err)
	}
	return nil
}
