package peer

import (
	"context"
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

// Process is a provider that runs.
type Process struct {
	Peer    Peer
	PID     int
	Address string // where it serves
	Pprof   string // where its profiles are; empty where it has none
	cancel  context.CancelFunc
	exited  chan struct{}
	err     error
}

// Build makes the peer's program.
func (p Peer) Build(ctx context.Context, m Machine) error { return m.Build(ctx, p.dir, p.build...) }

// Start starts the peer on free ports and waits until it takes connections.
func (p Peer) Start(ctx context.Context, m Machine) (*Process, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	s := &Process{Peer: p, Address: fmt.Sprintf("127.0.0.1:%d", port), exited: make(chan struct{})}
	if p.Go {
		profiles, err := freePort()
		if err != nil {
			return nil, err
		}
		s.Pprof = fmt.Sprintf("127.0.0.1:%d", profiles)
	}
	ctx, s.cancel = context.WithCancel(ctx)
	cmd := m.Command(ctx, m.ProviderCore, p.run(m.Root, port, s.Pprof)...)
	cmd.Stdout = m.Log
	// a peer ends when its standard input does, so that it can't outlive a harness that was killed
	if _, err := cmd.StdinPipe(); err != nil {
		s.cancel()
		return nil, fmt.Errorf("start %s: %w", p.Name, err)
	}
	if err := cmd.Start(); err != nil {
		s.cancel()
		return nil, fmt.Errorf("start %s: %w", p.Name, err)
	}
	s.PID = cmd.Process.Pid
	go func() {
		s.err = cmd.Wait()
		close(s.exited)
	}()
	if err := s.waitReady(ctx); err != nil {
		s.Stop()
		return nil, fmt.Errorf("start %s: %w", p.Name, err)
	}
	return s, nil
}

// Stop ends the process and waits until it is gone. It may be called again.
func (s *Process) Stop() {
	s.cancel()
	<-s.exited
}

// waitReady dials until it is answered, for 60 s at most.
func (s *Process) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 60*time.Second)
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

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	a, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		return 0, fmt.Errorf("find a free port: %v is not a TCP address", l.Addr())
	}
	return a.Port, nil
}
