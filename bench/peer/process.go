package peer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/dubbofn/dubbofn/bench/service/measure"
)

// Machine is where peers and load run.
type Machine struct {
	Root         string    // the bench module's folder
	Log          io.Writer // what commands print
	Pinned       bool
	ProviderCore int // where pinned
	ClientCore   int
	GOGC         string // for all Go peers; empty for Go's default
}

// CanPin tells why cores can't be pinned, nil where they can.
func CanPin() error {
	if _, err := exec.LookPath("taskset"); err != nil {
		return fmt.Errorf("pin cores: %w", err)
	}
	if n := runtime.NumCPU(); n < 2 {
		return fmt.Errorf("pin cores: %d core can be used; want 2", n)
	}
	return nil
}

// Command is args as a process that ends by SIGTERM when ctx does, and by SIGKILL 5 s later. It runs on core where cores are pinned.
func (m Machine) Command(ctx context.Context, core int, args ...string) *exec.Cmd {
	if m.Pinned {
		args = append([]string{"taskset", "-c", strconv.Itoa(core)}, args...)
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stderr = m.Log
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	cmd.Env = os.Environ()
	if m.GOGC != "" {
		cmd.Env = append(cmd.Env, "GOGC="+m.GOGC)
	}
	return cmd
}

// Build runs a build command in a folder of the module; "{bin}" stands for the folder of binaries.
func (m Machine) Build(ctx context.Context, dir string, args ...string) error {
	bin := filepath.Join(m.Root, "out", "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return fmt.Errorf("build: %w", err)
	}
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "{bin}", bin)
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = filepath.Join(m.Root, dir), m.Log, m.Log
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("build %s: %s: %w", dir, strings.Join(args, " "), err)
	}
	return nil
}

// Process is a peer that runs.
type Process struct {
	Peer    Peer
	PID     int
	Address string // where it serves, or which provider it calls
	Pprof   string // where its profiles are; empty where it has none
	cancel  context.CancelFunc
	exited  chan struct{}
	err     error
	in      io.WriteCloser
	answers chan []byte // what a consumer prints, a JSON object each
}

// Build makes the peer's program.
func (p Peer) Build(ctx context.Context, m Machine) error { return m.Build(ctx, p.dir, p.build...) }

// Start starts a provider on a free port and waits until it takes connections.
func (p Peer) Start(ctx context.Context, m Machine) (*Process, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	s, err := p.start(ctx, m, m.ProviderCore, address, false)
	if err != nil {
		return nil, err
	}
	if err := s.waitReady(ctx); err != nil {
		s.Stop()
		return nil, fmt.Errorf("start %s: %w", p.Name, err)
	}
	return s, nil
}

// StartConsumer starts a consumer of the provider at address, and waits until it says that it is ready.
func (p Peer) StartConsumer(ctx context.Context, m Machine, address string) (*Process, error) {
	s, err := p.start(ctx, m, m.ClientCore, address, true)
	if err != nil {
		return nil, err
	}
	ready, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if _, err := s.answer(ready); err != nil {
		s.Stop()
		return nil, fmt.Errorf("start %s: %w", p.Name, err)
	}
	return s, nil
}

// patience is how long a peer may take to be ready.
const patience = time.Minute

// start starts the peer; what it prints is for Ask, or else goes to the log.
func (p Peer) start(ctx context.Context, m Machine, core int, address string, asked bool) (s *Process, err error) {
	s = &Process{Peer: p, Address: address, exited: make(chan struct{}), answers: make(chan []byte, 1)}
	if p.Go {
		if s.Pprof, err = freeAddress(); err != nil {
			return nil, err
		}
	}
	ctx, s.cancel = context.WithCancel(ctx)
	defer func() {
		if err != nil {
			s.cancel()
			err = fmt.Errorf("start %s: %w", p.Name, err)
		}
	}()
	cmd := m.Command(ctx, core, p.run(m.Root, address, s.Pprof)...)
	cmd.Stdout = m.Log
	if asked {
		cmd.Stdout = &lines{answers: s.answers, log: m.Log}
	}
	// a peer ends when its standard input does, so that it can't outlive a harness that was killed
	if s.in, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s.PID = cmd.Process.Pid
	go func() {
		s.err = cmd.Wait()
		close(s.exited)
	}()
	return s, nil
}

// Ask has a consumer carry out a plan; one at a time. A context that ends first ends the process.
func (s *Process) Ask(ctx context.Context, p measure.Plan) (measure.Outcome, error) {
	line, err := json.Marshal(p)
	if err == nil {
		_, err = s.in.Write(append(line, '\n'))
	}
	var outcome measure.Outcome
	if err == nil {
		outcome, err = s.answer(ctx)
	}
	if err != nil {
		return outcome, fmt.Errorf("ask %s: %w", s.Peer.Name, err)
	}
	return outcome, nil
}

// answer waits for the next answer.
func (s *Process) answer(ctx context.Context) (measure.Outcome, error) {
	defer context.AfterFunc(ctx, s.cancel)()
	var a measure.Answer
	var line []byte
	select {
	case line = <-s.answers:
	case <-s.exited: // perhaps with an answer
		select {
		case line = <-s.answers:
		default:
			return a.Outcome, errors.Join(errors.New("it ended without an answer"), ctx.Err(), s.err)
		}
	}
	if err := json.Unmarshal(line, &a); err != nil {
		return a.Outcome, fmt.Errorf("read its answer: %w", err)
	}
	if a.Error != "" {
		return a.Outcome, fmt.Errorf("it says: %s", a.Error)
	}
	return a.Outcome, nil
}

// lines takes what a consumer prints: a line that begins like a JSON object is an answer, every other goes to the log.
type lines struct {
	answers chan<- []byte
	log     io.Writer
	rest    []byte // of a line that has not ended
}

// Write never fails.
func (l *lines) Write(b []byte) (int, error) {
	l.rest = append(l.rest, b...)
	for {
		line, rest, ended := bytes.Cut(l.rest, []byte("\n"))
		if !ended {
			return len(b), nil
		}
		l.rest = rest
		if bytes.HasPrefix(line, []byte("{")) {
			select {
			case l.answers <- bytes.Clone(line):
				continue
			default: // nobody asked
			}
		}
		fmt.Fprintf(l.log, "%s\n", line)
	}
}

// Stop ends the process and waits until it is gone. It may be called again.
func (s *Process) Stop() {
	s.in.Close()
	s.cancel()
	<-s.exited
}

// waitReady dials until it is answered.
func (s *Process) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	var d net.Dialer
	for {
		conn, err := d.DialContext(ctx, "tcp", s.Address)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-s.exited:
			return errors.Join(errors.New("it ended before it listened"), s.err)
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-tick.C:
		}
	}
}

func freeAddress() (string, error) {
	all, err := FreeAddresses(1)
	if err != nil {
		return "", err
	}
	return all[0], nil
}

// FreeAddresses gives so many addresses on loopback that nobody listens on.
func FreeAddresses(count int) (all []string, err error) {
	for range count {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		defer l.Close() // not before all are found, so that they differ
		all = append(all, l.Addr().String())
	}
	return all, nil
}
