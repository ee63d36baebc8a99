package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/dubbofn/dubbofn/bench/peer"
	"github.com/dubbofn/dubbofn/bench/report"
)

// warmWay is how a process that starts comes by its connections.
type warmWay struct {
	Name string // as the table has it
	bare bool   // connections alone
	tls  bool
	file bool   // a snapshot
	door string // "unix" or "tcp": which of the keeper's; "" for none
	has  string // what the keeper must have first: "Idle" or "Lines"
}

func warmWays() []warmWay {
	return []warmWay{
		{Name: "connections: nothing, plain", bare: true},
		{Name: "connections: descriptors, plain", bare: true, door: "unix", has: "Idle"},
		{Name: "connections: relay, plain", bare: true, door: "tcp", has: "Lines"},
		{Name: "connections: nothing, TLS", bare: true, tls: true},
		{Name: "connections: relay, TLS", bare: true, tls: true, door: "tcp", has: "Lines"},
		{Name: "client: nothing, plain"},
		{Name: "client: snapshot, plain", file: true},
		{Name: "client: descriptors, plain", door: "unix", has: "Idle"},
		{Name: "client: relay, plain", door: "tcp", has: "Lines"},
		{Name: "client: nothing, TLS", tls: true},
		{Name: "client: snapshot, TLS", tls: true, file: true},
		{Name: "client: relay, TLS", tls: true, door: "tcp", has: "Lines"},
	}
}

// names are the case's and the peer's: what is compared, and what was kept.
func (w warmWay) names(registry string, targets int, delay time.Duration) (c, kept string) {
	of, rest, _ := strings.Cut(w.Name, ": ")
	kept, wire, _ := strings.Cut(rest, ", ")
	if !w.bare {
		kind, _, _ := strings.Cut(registry, ":")
		of += " by " + kind
	}
	return fmt.Sprintf("%s, %s, %d providers, %v of delay either way", of, wire, targets, delay), kept
}

// The figures of a process that calls every provider.
const (
	firstFigure = "first reply ms"
	lastFigure  = "last of all ms"
	nothingKept = "nothing"
	relayKept   = "relay"
)

// warmStart is what the consumer prints.
type warmStart struct {
	First, Last, Warm float64 // µs
	Exec              float64 // µs from before the process was made to its main
}

// measureWarm starts a process that calls every provider, again and again: with nothing kept, with what a keeper has.
func measureWarm(ctx context.Context, m peer.Machine, s settings) ([]*report.Part, error) {
	m.Pinned = false // handshakes with 32 providers would wait for the one core that all of these have
	if err := m.Build(ctx, ".", "go", "build", "-C", "peers/warm", "-o", "{bin}/warm", "."); err != nil {
		return nil, err
	}
	p := &report.Part{Name: "warm", Title: "the first calls of a process that has just begun", Bar: nothingKept, Compared: []string{firstFigure, lastFigure}, Conditions: conditions(ctx, m, s, nil)}
	p.Conditions.Method = fmt.Sprintf("%d interleaved starts of each, after one that does not count", s.rounds)
	for _, delay := range warmDelays() {
		if err := measureWarmAt(ctx, m, s, delay, p); err != nil {
			return nil, fmt.Errorf("measure warm starts, %v of delay: %w", delay, err)
		}
	}
	p.Conditions.LoadAfter = loadAverage()
	return []*report.Part{p}, nil
}

func warmDelays() []time.Duration { return []time.Duration{0, time.Millisecond} }

// timeOfWarm is that of measureWarm.
func timeOfWarm(s settings) time.Duration {
	return time.Duration(len(warmDelays())) * (10*time.Second + time.Duration(s.rounds*len(warmWays()))*100*time.Millisecond)
}

func measureWarmAt(ctx context.Context, m peer.Machine, s settings, delay time.Duration, p *report.Part) (err error) {
	dir, err := os.MkdirTemp("", "warm")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	registry := s.warmRegistry
	if registry == "" {
		registry = "embedded://" + filepath.Join(dir, "registry")
	}
	var at struct {
		Plain, TLS []string
		CA         string
	}
	providers, err := startWarm(ctx, m, &at, "providers", "-count", strconv.Itoa(s.warmTargets), "-delay", delay.String(), "-registry", registry)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, providers.stop()) }()
	var doors struct{ Unix, TCP string }
	keeper, err := startWarm(ctx, m, &doors, "keeper", "-ca", at.CA, "-registry", registry)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, keeper.stop()) }()
	taught, holds := map[string]int{}, map[string]int{} // what the keeper has been taught to have, of each kind
	for round := -1; round < s.rounds; round++ {
		progress("warm starts, %v of delay, round %d", delay, round+1)
		for _, w := range warmWays() {
			args := w.args(at.Plain, at.TLS, at.CA, registry, dir)
			if w.door != "" {
				args = append(args, "-keeper", map[string]string{"unix": doors.Unix, "tcp": doors.TCP}[w.door])
				if err := keeper.holds(ctx, w.has, holds[w.has]); err != nil {
					return err
				}
			}
			start, err := consumeOnce(ctx, m, args)
			if err != nil {
				return fmt.Errorf("%s: %w", w.Name, err)
			}
			if round < 0 {
				taught[w.has+strconv.FormatBool(w.tls)] = s.warmTargets // this one has taught it
				holds["Idle"], holds["Lines"] = taught["Idlefalse"], taught["Linesfalse"]+taught["Linestrue"]
				if w.door != "" && !w.bare { // and the registry's state, which the keeper fetches now
					if err := rest(ctx, 2*time.Second); err != nil {
						return err
					}
				}
				continue
			}
			c, kept := w.names(registry, s.warmTargets, delay)
			p.Add(c, kept, firstFigure, start.First/1000)
			p.Add(c, kept, lastFigure, start.Last/1000)
			p.Add(c, kept, "a warm call ms", start.Warm/1000)
			p.Add(c, kept, "exec to main ms", start.Exec/1000)
		}
	}
	return nil
}

// rest waits.
func rest(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// args are those of the consumer, without the keeper's door.
func (w warmWay) args(plain, tls []string, ca, registry, dir string) []string {
	args := []string{"-registry", registry, "-targets", strings.Join(plain, ",")}
	if w.tls {
		args = []string{"-registry", registry, "-targets", strings.Join(tls, ","), "-tls", "-ca", ca}
	}
	if w.bare {
		args = append(args, "-bare")
	}
	if w.file {
		args = append(args, "-snapshot", filepath.Join(dir, w.Name))
	}
	return args
}

// warmProcess is the providers or the keeper.
type warmProcess struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

// startWarm starts one and reads what it says of itself.
func startWarm(ctx context.Context, m peer.Machine, said any, args ...string) (*warmProcess, error) {
	cmd := m.Command(ctx, m.ProviderCore, append([]string{filepath.Join(m.Root, "out", "bin", "warm")}, args...)...)
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &warmProcess{cmd, in, bufio.NewScanner(out)}
	p.out.Buffer(nil, 1<<20)
	if err := p.read(said); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return p, nil
}

func (p *warmProcess) read(v any) error {
	if !p.out.Scan() {
		return fmt.Errorf("%s said nothing: %w", p.cmd.Args, errors.Join(p.out.Err(), io.ErrUnexpectedEOF))
	}
	return json.Unmarshal(p.out.Bytes(), v)
}

// holds waits until the keeper has so many connections of a kind.
func (p *warmProcess) holds(ctx context.Context, kind string, count int) error {
	for end := time.Now().Add(30 * time.Second); ; {
		if _, err := io.WriteString(p.in, "\n"); err != nil {
			return err
		}
		var stats map[string]int
		if err := p.read(&stats); err != nil {
			return err
		}
		if stats[kind] >= count {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("the keeper has %d connections of kind %s, want %d", stats[kind], kind, count)
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (p *warmProcess) stop() error {
	_ = p.in.Close() // it ends with its input
	return p.cmd.Wait()
}

// consumeOnce runs one process from its start to its end.
func consumeOnce(ctx context.Context, m peer.Machine, args []string) (warmStart, error) {
	cmd := m.Command(ctx, m.ClientCore, append([]string{filepath.Join(m.Root, "out", "bin", "warm"), "consumer"}, args...)...)
	begun := time.Now()
	out, err := cmd.Output()
	if err != nil {
		return warmStart{}, err
	}
	var said struct {
		First float64 `json:"first_us"`
		Last  float64 `json:"last_us"`
		Warm  float64 `json:"warm_us"`
		Began int64   `json:"began"`
	}
	if err := json.Unmarshal(out, &said); err != nil {
		return warmStart{}, fmt.Errorf("read %q: %w", out, err)
	}
	return warmStart{said.First, said.Last, said.Warm, float64(said.Began-begun.UnixNano()) / 1000}, nil
}
