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
	"text/tabwriter"
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

// nothing is the way that another is compared with.
func (w warmWay) nothing() string {
	of, _, _ := strings.Cut(w.Name, ": ")
	return of + ": nothing, " + map[bool]string{true: "TLS", false: "plain"}[w.tls]
}

// warmStart is what the consumer prints.
type warmStart struct {
	First, Last, Warm float64 // µs
	Exec              float64 // µs from before the process was made to its main
}

// What the relay is to save over TLS on loopback, against asking the registry and as many handshakes as there are providers.
const (
	goalFirst = 15. // times faster to the first reply
	goalLast  = 5.  // to the last of one call to each
)

// measureWarm starts a process that calls every provider, again and again: with nothing kept, with what a keeper has. It prints medians.
func measureWarm(ctx context.Context, m peer.Machine, s settings) error {
	if err := m.Build(ctx, ".", "go", "build", "-C", "peers/warm", "-o", "{bin}/warm", "."); err != nil {
		return err
	}
	results := map[string]map[string][]warmStart{}
	delays := []time.Duration{0, time.Millisecond}
	for _, delay := range delays {
		found, err := measureWarmAt(ctx, m, s, delay)
		if err != nil {
			return fmt.Errorf("measure warm starts, %v of delay: %w", delay, err)
		}
		results[delay.String()] = found
	}
	b, err := json.MarshalIndent(results, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(m.Root, "out", "warm.json"), append(b, '\n'), 0o644); err != nil {
		return err
	}
	for _, delay := range delays {
		fmt.Printf("\n%d providers, %v of delay either way\n", s.warmTargets, delay)
		if err := printWarm(os.Stdout, results[delay.String()]); err != nil {
			return err
		}
	}
	sumUp(os.Stdout, results[delays[0].String()])
	return nil
}

func measureWarmAt(ctx context.Context, m peer.Machine, s settings, delay time.Duration) (found map[string][]warmStart, err error) {
	dir, err := os.MkdirTemp("", "warm")
	if err != nil {
		return nil, err
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
		return nil, err
	}
	defer func() { err = errors.Join(err, providers.stop()) }()
	var doors struct{ Unix, TCP string }
	keeper, err := startWarm(ctx, m, &doors, "keeper", "-ca", at.CA, "-registry", registry)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, keeper.stop()) }()
	found = map[string][]warmStart{}
	taught, holds := map[string]int{}, map[string]int{} // what the keeper has been taught to have, of each kind
	for round := -1; round < s.rounds; round++ {
		progress("warm starts, %v of delay, round %d", delay, round+1)
		for _, w := range warmWays() {
			args := []string{"-targets", strings.Join(at.Plain, ",")}
			if w.tls {
				args = []string{"-targets", strings.Join(at.TLS, ","), "-tls", "-ca", at.CA}
			}
			args = append(args, "-registry", registry)
			if w.bare {
				args = append(args, "-bare")
			}
			if w.file {
				args = append(args, "-snapshot", filepath.Join(dir, w.Name))
			}
			if w.door != "" {
				args = append(args, "-keeper", map[string]string{"unix": doors.Unix, "tcp": doors.TCP}[w.door])
				if err := keeper.holds(ctx, w.has, holds[w.has]); err != nil {
					return nil, err
				}
			}
			start, err := consumeOnce(ctx, m, args)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", w.Name, err)
			}
			if round < 0 {
				taught[w.has+strconv.FormatBool(w.tls)] = s.warmTargets // this one has taught it
				holds["Idle"], holds["Lines"] = taught["Idlefalse"], taught["Linesfalse"]+taught["Linestrue"]
				if w.door != "" && !w.bare { // and the registry's state, which the keeper fetches now
					select {
					case <-time.After(2 * time.Second):
					case <-ctx.Done():
						return nil, context.Cause(ctx)
					}
				}
				continue
			}
			found[w.Name] = append(found[w.Name], start)
		}
	}
	return found, nil
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

// of gives the medians of what get says.
func medianOf(all []warmStart, get func(warmStart) float64) float64 {
	var values []float64
	for _, s := range all {
		values = append(values, get(s))
	}
	return report.Median(values)
}

func firstOf(s warmStart) float64 { return s.First }
func lastOf(s warmStart) float64  { return s.Last }

// against gives the median of the ratios of one way to another, round by round.
func against(one, other []warmStart, get func(warmStart) float64) float64 {
	var ratios []float64
	for i := range one {
		ratios = append(ratios, get(one[i])/get(other[i]))
	}
	return report.Median(ratios)
}

func printWarm(out io.Writer, found map[string][]warmStart) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "kept\tfirst reply, ms\tlast of all, ms\ta warm call, ms\tfirst / warm\tnothing / this, first\tlast\t")
	for _, way := range warmWays() {
		all := found[way.Name]
		nothing := found[way.nothing()]
		warm := func(s warmStart) float64 { return s.Warm }
		fmt.Fprintf(w, "%s\t%.2f\t%.2f\t%.3f\t%.1f\t%.1f\t%.1f\t\n", way.Name, medianOf(all, firstOf)/1000, medianOf(all, lastOf)/1000, medianOf(all, warm)/1000,
			medianOf(all, func(s warmStart) float64 { return s.First / s.Warm }), against(nothing, all, firstOf), against(nothing, all, lastOf))
	}
	return w.Flush()
}

// sumUp says what the keeper saves over TLS.
func sumUp(out io.Writer, found map[string][]warmStart) {
	for _, of := range []string{"connections", "client"} {
		nothing, relay := found[of+": nothing, TLS"], found[of+": relay, TLS"]
		fmt.Fprintf(out, "\n%s: over TLS the relay is %.1f times faster to the first reply (goal %.0f), %.1f to the last (goal %.0f)", of,
			against(nothing, relay, firstOf), goalFirst, against(nothing, relay, lastOf), goalLast)
	}
	fmt.Fprintln(out)
}
