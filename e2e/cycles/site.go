package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// site is a `dubbofn run` with one function, or two activators before one, whose output is read.
type site struct {
	cmd      *exec.Cmd // of `dubbofn run`; nil with replicas
	replicas *replicas // nil without
	registry string
	dir      string // of the function's files
	exited   chan struct{}
	out      *os.File

	mu    sync.Mutex
	ready bool
	pids  []int // of the function's processes, in order
	kills []time.Time
}

// start runs it with the defaults of everything but the ports, the registry and the idle time.
func start(s settings) (*site, error) {
	dir, err := filepath.Abs(s.dir)
	if err != nil {
		return nil, err
	}
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	x := &site{registry: "embedded://" + filepath.Join(dir, "registry"), dir: filepath.Join(dir, "counted"), exited: make(chan struct{})}
	if s.registry != "" {
		x.registry = s.registry
	}
	if err := os.MkdirAll(x.dir, 0o700); err != nil {
		return nil, err
	}
	if x.out, err = os.Create(filepath.Join(dir, "run.log")); err != nil {
		return nil, err
	}
	if s.replicas {
		if err := startReplicas(s, x); err != nil {
			x.end()
			return nil, err
		}
		return x, nil
	}
	x.cmd = exec.Command(s.dubbofn, "run", "--idle", s.idle.String(), "--port", "0", "--admin-port", "0", "--verbose", s.function)
	x.cmd.Env = append(os.Environ(), "DUBBOFN_REGISTRY="+x.registry, "DUBBOFN_HOST=127.0.0.1", "COUNTED_DIR="+x.dir)
	out, err := x.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	x.cmd.Stderr = x.out
	if err := x.cmd.Start(); err != nil {
		return nil, err
	}
	go x.read(out, func() { _ = x.cmd.Wait() }) // how it ended says its state
	for end := time.Now().Add(time.Minute); !x.isReady(); time.Sleep(10 * time.Millisecond) {
		if err := x.gone(); err != nil || time.Now().After(end) {
			return nil, errors.Join(fmt.Errorf("dubbofn run is not ready; see %s", x.out.Name()), err)
		}
	}
	return x, nil
}

// read follows what is printed; ended is called at the end of that.
func (x *site) read(r io.Reader, ended func()) {
	for lines := bufio.NewScanner(r); lines.Scan(); {
		text := lines.Text()
		fmt.Fprintln(x.out, text)
		x.mu.Lock()
		if _, after, ok := strings.Cut(text, "│ started "); ok {
			if pid, err := strconv.Atoi(after); err == nil {
				x.pids = append(x.pids, pid)
			}
		}
		x.ready = x.ready || strings.HasPrefix(text, "  end ")
		x.mu.Unlock()
	}
	ended()
	close(x.exited)
}

func (x *site) isReady() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.ready
}

// gone is the error of a command that has ended.
func (x *site) gone() error {
	select {
	case <-x.exited:
		return fmt.Errorf("what runs the function has ended; see %s", x.out.Name())
	default:
		return nil
	}
}

func (x *site) starts() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return len(x.pids)
}

func (x *site) killed() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return len(x.kills)
}

// kill ends the youngest process, as a crash would.
func (x *site) kill() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if n := len(x.pids); n > 0 && syscall.Kill(x.pids[n-1], syscall.SIGKILL) == nil {
		x.kills = append(x.kills, time.Now())
	}
}

// killing notes that something is killed now that is not the function.
func (x *site) killing() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.kills = append(x.kills, time.Now())
}

// beside tells whether a process was killed about then.
func (x *site) beside(begin, end time.Time) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, k := range x.kills {
		if k.After(begin.Add(-killShadow)) && k.Before(end.Add(killShadow)) {
			return true
		}
	}
	return false
}

// killShadow is how long after a kill a call may still meet what it broke.
const killShadow = 500 * time.Millisecond

// usage is what the command holds.
type usage struct{ descriptors, threads, children int }

// settled counts when every process of the function has ended.
func (x *site) settled() (u usage) {
	if x.replicas != nil {
		return u
	}
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if u.children = x.children(); u.children == 0 {
			break
		}
	}
	time.Sleep(500 * time.Millisecond)
	proc := fmt.Sprintf("/proc/%d/", x.cmd.Process.Pid)
	if all, err := os.ReadDir(proc + "fd"); err == nil {
		u.descriptors = len(all)
	}
	if all, err := os.ReadDir(proc + "task"); err == nil {
		u.threads = len(all)
	}
	return u
}

func (x *site) children() (n int) {
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", x.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	for _, t := range tasks {
		if b, err := os.ReadFile(t); err == nil {
			n += len(strings.Fields(string(b)))
		}
	}
	return n
}

// executions counts what the function's processes wrote down.
func (x *site) executions() (map[string]int, error) {
	files, err := os.ReadDir(x.dir)
	if err != nil {
		return nil, err
	}
	ran := map[string]int{}
	for _, f := range files {
		b, err := os.ReadFile(filepath.Join(x.dir, f.Name()))
		if err != nil {
			return nil, err
		}
		for id := range strings.FieldsSeq(string(b)) {
			ran[id]++
		}
	}
	return ran, nil
}

// end ends the command and waits for it.
func (x *site) end() {
	defer x.out.Close()
	if x.replicas != nil {
		x.replicas.end()
		return
	}
	if x.cmd == nil { // it never came so far
		return
	}
	_ = x.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-x.exited:
	case <-time.After(30 * time.Second):
		_ = x.cmd.Process.Kill()
		<-x.exited
	}
}
