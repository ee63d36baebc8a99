package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/dubbofn/dubbofn/client"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/registry/nacos"
)

const work = "org.fixture.dubbo.WorkService"

// consumer makes calls of WorkService in one of its groups.
type consumer interface {
	name() string
	call(group, id, method string, n int64, millis int32) (int64, error)
	end()
}

// untilAnswered waits until the consumer has found the function that nothing happens to.
func untilAnswered(c consumer) (err error) {
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		if _, err = c.call("steady", "begin-"+c.name()+strconv.FormatInt(time.Now().UnixNano(), 36), "look", 1, 0); err == nil {
			return nil
		}
	}
	return fmt.Errorf("%s found nothing: %w", c.name(), err)
}

// silence says that a consumer gave up waiting: nobody told it anything.
func silence(err error) bool {
	var e *invoker.Error
	if errors.As(err, &e) {
		return e.Code == invoker.CodeTimeout && !e.Remote
	}
	return strings.Contains(err.Error(), "by scan timer") || strings.Contains(err.Error(), "ms waiting for result") || strings.Contains(err.Error(), noAnswer)
}

// goConsumer is package client.
type goConsumer struct {
	client   *client.Client
	services map[string]*counted
}

type counted struct {
	Add  func(ctx context.Context, id string, n int64, millis int32) (int64, error)
	Look func(ctx context.Context, id string, n int64) (int64, error)
}

func startGo(ctx context.Context, x *site) (*goConsumer, error) {
	cfg, err := client.FromEnvironment()
	if err != nil {
		return nil, err
	}
	cfg.Registry, cfg.App = []string{x.registry}, "faults"
	g := &goConsumer{services: map[string]*counted{}}
	if g.client, err = client.New(cfg, nacos.Registry); err != nil {
		return nil, err
	}
	for _, group := range groups() {
		s, err := g.client.Reference(ctx, work, client.Group(group.name), client.Idempotent("look"))
		if err != nil {
			return nil, err
		}
		c := &counted{}
		if err := s.Bind(c); err != nil {
			return nil, err
		}
		g.services[group.name] = c
	}
	return g, nil
}

func (g *goConsumer) name() string { return "go" }
func (g *goConsumer) end()         { _ = g.client.Close() }

func (g *goConsumer) call(group, id, method string, n int64, millis int32) (int64, error) {
	if method == "add" {
		return g.services[group].Add(context.Background(), id, n, millis)
	}
	return g.services[group].Look(context.Background(), id, n)
}

// javaConsumer is the kit's OnDemand.
type javaConsumer struct {
	line         string
	cmd          *exec.Cmd
	ready, ended chan struct{}
	read         chan []string // what was read from Nacos, when asked

	mu      sync.Mutex
	in      io.WriteCloser
	pending map[string]chan string
}

const (
	noAnswer = "nothing came from the Java consumer"
	javaTime = 15 * time.Second
)

func startJava(command []string, errs string) (*javaConsumer, error) {
	line := "java-3.3.6"
	if slices.ContainsFunc(command, func(w string) bool { return strings.Contains(w, "line27") }) {
		line = "java-2.7.23"
	}
	j := &javaConsumer{line: line, ready: make(chan struct{}), ended: make(chan struct{}), read: make(chan []string), pending: map[string]chan string{}}
	j.cmd = exec.Command(command[0], command[1:]...)
	f, err := os.Create(errs)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	j.cmd.Stderr = f
	out, err := j.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if j.in, err = j.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := j.cmd.Start(); err != nil {
		return nil, err
	}
	go j.listen(out)
	select {
	case <-j.ready:
		return j, nil
	case <-j.ended:
		return nil, fmt.Errorf("%s ended; see %s", line, errs)
	case <-time.After(2 * time.Minute):
		j.end()
		return nil, fmt.Errorf("%s is not ready after two minutes; see %s", line, errs)
	}
}

func (j *javaConsumer) listen(r io.Reader) {
	ready := sync.OnceFunc(func() { close(j.ready) })
	var reads []string
	for lines := bufio.NewScanner(r); lines.Scan(); {
		words := strings.SplitN(lines.Text(), " ", 3)
		switch {
		case words[0] == "ON-DEMAND-READY":
			ready()
		case words[0] == "CONFIG-READ":
			reads = append(reads, lines.Text())
		case words[0] == "READS-END":
			j.read <- reads
			reads = nil
		case words[0] == "DONE" && len(words) == 3:
			j.mu.Lock()
			done := j.pending[words[1]]
			delete(j.pending, words[1])
			j.mu.Unlock()
			if done != nil {
				done <- words[2]
			}
		}
	}
	_ = j.cmd.Wait() // how it ended says its log
	close(j.ended)
}

func (j *javaConsumer) name() string { return j.line }

func (j *javaConsumer) call(group, id, method string, n int64, millis int32) (int64, error) {
	done := make(chan string, 1)
	j.mu.Lock()
	j.pending[id] = done
	_, err := fmt.Fprintf(j.in, "%s %s %s %d %d\n", id, group, method, n, millis)
	j.mu.Unlock()
	if err != nil {
		return 0, fmt.Errorf("%s: %w", noAnswer, err)
	}
	select {
	case said := <-done:
		what, rest, _ := strings.Cut(said, " ")
		if what != "ok" {
			return 0, errors.New(rest)
		}
		return strconv.ParseInt(rest, 10, 64)
	case <-j.ended:
		return 0, errors.New(noAnswer + ": it ended")
	case <-time.After(javaTime):
		return 0, errors.New(noAnswer)
	}
}

var metadataRead = regexp.MustCompile(`^CONFIG-READ (\d+) [0-9a-zA-Z]{16,} work-(\w+)$`)

// metadataReads tells how often the metadata of each group's function was read from Nacos so far.
func (j *javaConsumer) metadataReads() (map[string]int, error) {
	j.mu.Lock()
	_, err := fmt.Fprintln(j.in, "reads")
	j.mu.Unlock()
	if err != nil {
		return nil, err
	}
	reads := map[string]int{}
	for _, line := range <-j.read {
		if m := metadataRead.FindStringSubmatch(line); m != nil {
			n, _ := strconv.Atoi(m[1]) // digits
			reads[m[2]] += n
		}
	}
	return reads, nil
}

// connections lists the local ports of its connections to a port of this machine.
func (j *javaConsumer) connections(port int) (local []string) {
	mine := map[string]bool{}
	fds, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", j.cmd.Process.Pid))
	if err != nil {
		return nil
	}
	for _, fd := range fds {
		if to, err := os.Readlink(fd); err == nil {
			mine[strings.TrimSuffix(strings.TrimPrefix(to, "socket:["), "]")] = true
		}
	}
	for _, table := range []string{"tcp", "tcp6"} {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", j.cmd.Process.Pid, table))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(b)) {
			f := strings.Fields(line)
			if len(f) > 9 && f[3] == "01" && strings.HasSuffix(f[2], fmt.Sprintf(":%04X", port)) && mine[f[9]] {
				n, _ := strconv.ParseUint(f[1][strings.LastIndexByte(f[1], ':')+1:], 16, 16) // the kernel's own hexadecimal
				local = append(local, strconv.FormatUint(n, 10))
			}
		}
	}
	slices.Sort(local)
	return local
}

func (j *javaConsumer) end() {
	_ = j.in.Close()
	select {
	case <-j.ended:
	case <-time.After(10 * time.Second):
		_ = j.cmd.Process.Kill()
		<-j.ended
	}
}
