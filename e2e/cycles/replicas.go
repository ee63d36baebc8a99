package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/dubbofn/dubbofn/internal/supervise"
)

// replicas are two activators, each a process, in front of a function that a supervisor in this process starts and ends.
type replicas struct {
	all   []*replica
	turn  int
	last  time.Time          // of a restart
	stop  context.CancelFunc // of the supervisor
	ended chan error
}

// replica is one activator. Each of its processes has ports of its own, as pods have addresses of their own.
type replica struct {
	path, host string
	env        []string
	out        io.Writer

	mu  sync.Mutex // of what is done to it
	cmd *exec.Cmd
}

const replicaToken = "the token of the cycles"

// startReplicas runs everything with the defaults of everything but ports, registry and idle time.
func startReplicas(s settings, x *site) error {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	functions := filepath.Join(filepath.Dir(x.dir), "functions")
	if err := describe(s, functions, "http://"+l.Addr().String()); err != nil {
		return err
	}
	lanes, err := freePorts("127.0.0.1", 2)
	if err != nil {
		return err
	}
	r := &replicas{ended: make(chan error, 1), last: time.Now()}
	x.replicas = r
	for _, lane := range lanes {
		const host = "127.0.0.1"
		env := []string{
			"DUBBOFN_FUNCTIONS=" + functions + "/", "DUBBOFN_REGISTRY=" + x.registry, "DUBBOFN_TOKEN=" + replicaToken, "DUBBOFN_BIND=" + host, "DUBBOFN_HOST=" + host,
			"DUBBOFN_LANE_PORT=" + lane, "DUBBOFN_FRESH=" + (s.idle / 2).String(),
		}
		a := &replica{path: s.dubbofn, host: host, env: append(os.Environ(), env...), out: x.out}
		r.all = append(r.all, a)
		if err := a.start(); err != nil {
			return err
		}
	}
	out, in := io.Pipe()
	supervisor, err := supervise.New(supervise.Config{
		Listener: l, Idle: s.idle, Output: in,
		Environment: append(os.Environ(), "DUBBOFN_REGISTRY="+x.registry, "DUBBOFN_TOKEN="+replicaToken, "DUBBOFN_ACTIVATOR=127.0.0.1:"+lanes[0]+",127.0.0.1:"+lanes[1], "DUBBOFN_BIND=127.0.0.1", "COUNTED_DIR="+x.dir),
	}, supervise.Function{Name: "counted", Path: s.function})
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	r.stop = stop
	go func() { r.ended <- supervisor.Run(ctx); _ = in.Close() }()
	go x.read(out, func() {})
	return nil
}

// describe writes what the activators know of the function.
func describe(s settings, dir, url string) error {
	manifest, err := exec.Command(s.dubbofn, "describe", s.function).Output()
	if err != nil {
		return fmt.Errorf("describe %s: %w", s.function, err)
	}
	b, err := json.Marshal(map[string]any{
		"app": "counted", "url": url, "host": "counted.local", "knativeRevision": supervise.Revision("counted", 0), "manifest": json.RawMessage(manifest),
	})
	if err != nil {
		return err
	}
	return errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(filepath.Join(dir, "counted.json"), b, 0o600))
}

func freePorts(host string, n int) (ports []string, err error) {
	var all []net.Listener
	for range n {
		l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
		if err != nil {
			return nil, err
		}
		all = append(all, l)
		_, port, err := net.SplitHostPort(l.Addr().String())
		if err != nil {
			return nil, err
		}
		ports = append(ports, port)
	}
	for _, l := range all {
		err = errors.Join(err, l.Close())
	}
	return ports, err
}

// start returns once the activator is ready: its stand-in is written.
func (a *replica) start() error {
	ports, err := freePorts(a.host, 2)
	if err != nil {
		return err
	}
	a.cmd = exec.Command(a.path, "activator")
	a.cmd.Env, a.cmd.Stderr = append(slices.Clone(a.env), "DUBBOFN_PORT="+ports[0], "DUBBOFN_ADMIN_PORT="+ports[1]), a.out
	if err := a.cmd.Start(); err != nil {
		return err
	}
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		resp, err := http.Get("http://" + net.JoinHostPort(a.host, ports[1]) + "/health/ready")
		if err != nil {
			continue
		}
		_ = resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			return nil
		}
	}
	return fmt.Errorf("the activator of %s is not ready after 30 s", a.host)
}

// again ends the activator with a signal and starts another in its place.
func (a *replica) again(sig syscall.Signal) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.cmd.Process.Signal(sig); err != nil {
		return err
	}
	if err := a.cmd.Wait(); err != nil && sig != syscall.SIGKILL {
		return fmt.Errorf("the activator of %s did not end well: %w", a.host, err)
	}
	return a.start()
}

// due tells whether an activator may be restarted: Java's consumers need some seconds to learn of a new one and to connect.
func (r *replicas) due(java bool) bool { return !java || time.Since(r.last) > javaPause }

const javaPause = 8 * time.Second

// disturb takes one activator after the other and restarts it: killed, or told to end, which nobody may notice.
func (x *site) disturb(kill bool) error {
	r := x.replicas
	defer func() { r.last = time.Now() }()
	a := r.all[r.turn%len(r.all)]
	r.turn++
	if !kill {
		return a.again(syscall.SIGTERM)
	}
	x.killing()
	return a.again(syscall.SIGKILL)
}

func (r *replicas) end() {
	if r.stop != nil {
		r.stop()
		<-r.ended
	}
	for _, a := range r.all {
		a.mu.Lock() // one that is being restarted is
		if a.cmd != nil && a.cmd.Process != nil {
			_ = a.cmd.Process.Signal(syscall.SIGTERM)
			_ = a.cmd.Wait()
		}
		a.mu.Unlock()
	}
}
