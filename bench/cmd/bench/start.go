package main

import (
	"context"
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

// The figures of a start; CPU is the process's until it was killed.
const (
	startFigure    = "first reply ms"
	startCPUFigure = "CPU ms"
)

// readyStarters builds the programs that are started, and opens a port where nobody answers.
func readyStarters(ctx context.Context, m peer.Machine) ([]starter, net.Listener, error) {
	all := starters()
	if err := buildStarters(ctx, m, all); err != nil {
		return nil, nil, err
	}
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	return all, silent, err
}

// measureStarts starts every program in turn, again and again, and tells how long it takes to its first reply.
func measureStarts(ctx context.Context, m peer.Machine, s settings) ([]*report.Part, error) {
	all, silent, err := readyStarters(ctx, m)
	if err != nil {
		return nil, err
	}
	defer silent.Close()
	p := &report.Part{Name: "start", Title: "from exec to the first reply", Bar: bare, Compared: []string{startFigure, startCPUFigure}, Conditions: conditions(ctx, m, s, nil)}
	p.Conditions.Method = fmt.Sprintf("%d interleaved starts of each (Java: %d), after one that does not count; every reply checked", s.starts, s.javaStarts)
	for _, w := range startWays() {
		if err := startRounds(ctx, m, s, w, all, silent.Addr().String(), p); err != nil {
			return nil, err
		}
	}
	p.Conditions.LoadAfter = loadAverage()
	return []*report.Part{p}, nil
}

// timeOfStarts is that of measureStarts.
func timeOfStarts(s settings) time.Duration {
	return time.Duration(2*(s.starts+1))*300*time.Millisecond + time.Duration(2*(s.javaStarts+1))*2500*time.Millisecond
}

func buildStarters(ctx context.Context, m peer.Machine, all []starter) error {
	if err := m.Build(ctx, ".", "go", "build", "-o", "{bin}/first", "./cmd/first"); err != nil {
		return err
	}
	if err := os.RemoveAll(filepath.Join(m.Root, "out", "registry")); err != nil { // what killed processes of an earlier run left
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
		// As dubbofn build makes them, all of them: without cgo, whose libraries are found and loaded at each start, and without what debuggers read.
		if err := m.Build(ctx, p.dir, "env", "CGO_ENABLED=0", "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", p.command(m.Root, ports{})[0], p.target); err != nil {
			return err
		}
	}
	return nil
}

func startRounds(ctx context.Context, m peer.Machine, s settings, w way, all []starter, silent string, part *report.Part) error {
	for round := range s.starts + 1 { // the first fills the page cache, and does not count
		if round%10 == 0 {
			progress("%s: round %d of %d", w.name, round, s.starts)
		}
		for _, p := range inTurn(all, round) {
			if p.dir == "" && round > s.javaStarts {
				continue
			}
			took, cpu, err := startOnce(ctx, m, w, p, silent)
			if err != nil {
				return err
			}
			if round > 0 {
				part.Add(w.name, p.name, startFigure, took)
				part.Add(w.name, p.name, startCPUFigure, cpu)
			}
		}
	}
	return nil
}

// startOnce has a process of its own, on the client's core, start and call the program. It gives ms.
func startOnce(ctx context.Context, m peer.Machine, w way, p starter, silent string) (took, cpu float64, err error) {
	addresses, err := peer.FreeAddresses(2)
	if err != nil {
		return 0, 0, err
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
		return 0, 0, fmt.Errorf("start %s: %w: %s", p.name, err, said.String())
	}
	if _, err := fmt.Sscan(string(out), &took, &cpu); err != nil {
		return 0, 0, fmt.Errorf("start %s: read %q: %w", p.name, out, err)
	}
	return took / 1000, cpu / 1000, nil
}
