package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/dubbofn/dubbofn/internal/supervise"
)

// group is a function that offers WorkService in a group of its name.
type group struct {
	name, fault, next string
	keeper            bool // by TCP: calls are passed on; else connections are given away
	published         time.Duration
}

// groups are all functions that consumers call, and what goes wrong with them.
func groups() []group {
	return []group{
		{name: "steady"}, {name: "sleepy"},
		{name: "crash", fault: "crash", published: 3 * time.Second},
		{name: "unready", fault: "unready", published: 3 * time.Second},
		{name: "garbage", fault: "garbage", published: 3 * time.Second},
		{name: "mortal", fault: "mortal"},
		{name: "left", fault: "late=2s"}, {name: "crowd", fault: "late=2s", published: 20 * time.Second},
		{name: "roll"},
		{name: "chain", next: "steady"}, {name: "relayed", next: "steady", keeper: true},
	}
}

// published is how long calls of a group may take.
func published(name string) time.Duration {
	for _, g := range groups() {
		if g.name == name && g.published != 0 {
			return g.published
		}
	}
	return 5 * time.Second
}

// idle is how long after its last call a function ends.
const idle = time.Second

// site is what is called: two activators, a keeper, and functions under a supervisor.
type site struct {
	settings
	registry, token, socket, manifests, ran string

	platform string // where the supervisor listens
	end1     context.CancelFunc
	ended    chan error
	log      *os.File
	sup      *supervise.Supervisor

	mu    sync.Mutex
	parts map[string]*part
}

// part is a process of the command.
type part struct {
	cmd    *exec.Cmd
	exited chan struct{}
}

func startSite(ctx context.Context, s settings) (*site, error) {
	x := &site{
		settings: s, registry: "nacos://127.0.0.1:" + strconv.Itoa(s.nacos), token: rand.Text(), parts: map[string]*part{},
		socket: filepath.Join(s.dir, "keeper"), manifests: filepath.Join(s.dir, "functions"), ran: filepath.Join(s.dir, "ran"), ended: make(chan error, 1),
	}
	if err := os.RemoveAll(s.dir); err != nil {
		return nil, err
	}
	for _, d := range []string{x.manifests, x.ran} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, err
		}
	}
	if err := x.supervise(ctx); err != nil {
		return nil, err
	}
	for _, name := range []string{"a", "b", "keeper"} {
		if err := x.start(name); err != nil {
			x.end()
			return nil, err
		}
	}
	for _, name := range []string{"a", "b"} {
		if err := x.untilReady(name); err != nil {
			x.end()
			return nil, err
		}
	}
	return x, nil
}

// supervise runs the platform, and tells the activators of its functions.
func (x *site) supervise(ctx context.Context) (err error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	x.platform = "http://" + l.Addr().String()
	if x.log, err = os.Create(filepath.Join(x.dir, "functions.log")); err != nil {
		return err
	}
	all, common := x.functions(), x.environment()
	log := slog.New(slog.NewTextHandler(x.log, nil))
	if x.sup, err = supervise.New(supervise.Config{Listener: l, Environment: common, Idle: idle, Output: x.log, Log: log}, all...); err != nil {
		return err
	}
	for _, f := range all {
		if err := x.write(ctx, f, slices.Concat(common, f.Environment)); err != nil {
			return err
		}
	}
	below, cancel := context.WithCancel(context.WithoutCancel(ctx))
	x.end1 = cancel
	go func() { x.ended <- x.sup.Run(below) }()
	return nil
}

// environment is what every function gets.
func (x *site) environment() []string {
	return append(os.Environ(), "DUBBOFN_REGISTRY="+x.registry, "DUBBOFN_BIND=127.0.0.1", "DUBBOFN_TOKEN="+x.token,
		fmt.Sprintf("DUBBOFN_ACTIVATOR=127.0.0.1:%d,127.0.0.1:%d", x.dubbo("a")+1, x.dubbo("b")+1), "FAULTY_DIR="+x.ran)
}

func (x *site) functions() (all []supervise.Function) {
	for _, g := range groups() {
		keeper := "unix://" + x.socket
		if g.keeper {
			keeper = "127.0.0.1:" + strconv.Itoa(x.port+6)
		}
		all = append(all, supervise.Function{Name: "work-" + g.name, Path: x.function, Environment: []string{
			"FAULTY_GROUP=" + g.name, "FAULTY=" + g.fault, "FAULTY_NEXT=" + g.next, "FAULTY_TIMEOUT=" + published(g.name).String(), "DUBBOFN_KEEPER=" + keeper}})
	}
	for i := range x.sleepers {
		all = append(all, supervise.Function{Name: sleeper(i), Path: x.function, Environment: []string{"FAULTY_SERVICE=" + sleeperService(i)}})
	}
	return all
}

// announce puts a manifest in place that the program would have with a variable more; the platform's processes stay what they are.
func (x *site) announce(group, variable string) error {
	for _, f := range x.functions() {
		if f.Name == "work-"+group {
			return x.write(context.Background(), f, slices.Concat(x.environment(), f.Environment, []string{variable}))
		}
	}
	return fmt.Errorf("no function %s", group)
}

// logged is all that a part has logged so far.
func (x *site) logged(name string) string {
	b, err := os.ReadFile(filepath.Join(x.dir, name+".log"))
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func sleeper(i int) string        { return fmt.Sprintf("sleeper-%03d", i) }
func sleeperService(i int) string { return fmt.Sprintf("org.fixture.dubbo.Sleeper%03dService", i) }

// write puts a function's manifest where the activators look.
func (x *site) write(ctx context.Context, f supervise.Function, environment []string) error {
	describe := exec.CommandContext(ctx, f.Path)
	describe.Env = slices.Concat(environment, []string{"DUBBOFN_DESCRIBE=1", "K_SERVICE=" + f.Name})
	manifest, err := describe.Output()
	if err != nil {
		return fmt.Errorf("describe %s: %w", f.Name, err)
	}
	b, err := json.Marshal(map[string]any{
		"url": x.platform, "host": f.Name + ".local", "knativeRevision": supervise.Revision(f.Name, 0), "manifest": json.RawMessage(manifest),
	})
	if err != nil {
		return err
	}
	path := filepath.Join(x.manifests, "."+f.Name)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		return err
	}
	return os.Rename(path, filepath.Join(x.manifests, f.Name+".json"))
}

// dubbo and admin are ports of an activator.
func (x *site) dubbo(name string) int { return x.port + map[string]int{"a": 0, "b": 3}[name] }
func (x *site) admin(name string) int {
	return x.port + map[string]int{"a": 2, "b": 5, "keeper": 7}[name]
}

// start starts activator a or b, or the keeper.
func (x *site) start(name string) error {
	command, log := "activator", filepath.Join(x.dir, name+".log")
	env := []string{
		"DUBBOFN_FUNCTIONS=" + x.manifests + "/", "DUBBOFN_HOST=127.0.0.1", "DUBBOFN_PORT=" + strconv.Itoa(x.dubbo(name)),
		"DUBBOFN_LANE_PORT=" + strconv.Itoa(x.dubbo(name)+1), "DUBBOFN_FRESH=" + (idle / 2).String(),
	}
	if name == "keeper" {
		command, env = "keeper", []string{"DUBBOFN_KEEPER_SOCKET=" + x.socket, "DUBBOFN_KEEPER_PORT=" + strconv.Itoa(x.port+6), "DUBBOFN_KEEPER_TARGETS=127.0.0.1:*"}
	}
	f, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	p := &part{cmd: exec.Command(x.dubbofn, command), exited: make(chan struct{})}
	p.cmd.Env = append(append(os.Environ(), "DUBBOFN_REGISTRY="+x.registry, "DUBBOFN_BIND=127.0.0.1", "DUBBOFN_TOKEN="+x.token,
		"DUBBOFN_ADMIN_PORT="+strconv.Itoa(x.admin(name))), env...)
	p.cmd.Stdout, p.cmd.Stderr = f, f
	if err := p.cmd.Start(); err != nil {
		return err
	}
	go func() {
		_ = p.cmd.Wait() // how it ended says its log
		close(p.exited)
	}()
	x.mu.Lock()
	defer x.mu.Unlock()
	x.parts[name] = p
	return nil
}

// signal sends one, and waits for the process's end.
func (x *site) signal(name string, s syscall.Signal) (at time.Time, err error) {
	x.mu.Lock()
	p := x.parts[name]
	x.mu.Unlock()
	if p == nil {
		return at, nil
	}
	at = time.Now()
	if err := p.cmd.Process.Signal(s); err != nil {
		return at, err
	}
	select {
	case <-p.exited:
		return at, nil
	case <-time.After(40 * time.Second):
		return at, errors.Join(fmt.Errorf("%s did not end within 40 s", name), p.cmd.Process.Kill())
	}
}

// stop sends a signal that ends nothing.
func (x *site) stop(name string, s syscall.Signal) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.parts[name].cmd.Process.Signal(s)
}

func (x *site) untilReady(name string) error {
	return until(time.Minute, func() error {
		_, err := get(fmt.Sprintf("http://127.0.0.1:%d/health/ready", x.admin(name)))
		return err
	})
}

// until asks again and again until there is no error.
func until(limit time.Duration, what func() error) (err error) {
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if err = what(); err == nil {
			return nil
		}
	}
	return fmt.Errorf("after %v: %w", limit, err)
}

func get(url string) ([]byte, error) {
	c := http.Client{Timeout: 5 * time.Second}
	r, err := c.Get(url)
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err == nil && r.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", r.Status, strings.TrimSpace(string(b)))
	}
	return b, err
}

// metric sums a counter of a part, over all labels that contain a text.
func (x *site) metric(name, metric, label string) (sum float64) {
	b, err := get(fmt.Sprintf("http://127.0.0.1:%d/metrics", x.admin(name)))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), " ")
		if rest, is := strings.CutPrefix(key, metric); ok && is && (rest == "" || rest[0] == '{') && strings.Contains(rest, label) {
			v, _ := strconv.ParseFloat(value, 64) // Prometheus' own format
			sum += v
		}
	}
	return sum
}

// state is what a function is doing.
func (x *site) state(group string) supervise.State {
	for _, s := range x.sup.States() {
		if s.Name == "work-"+group || s.Name == group {
			return s
		}
	}
	return supervise.State{}
}

// asleep waits until a function has no process any more.
func (x *site) asleep(group string) error {
	return until(30*time.Second, func() error {
		if s := x.state(group); s.Phase != supervise.Asleep || s.Draining > 0 {
			return fmt.Errorf("%s is %s", group, s.Phase)
		}
		return nil
	})
}

// registered tells which of the activators' ports Nacos lists for an application.
func (x *site) registered(app string) (ports map[int]bool, err error) {
	b, err := get(fmt.Sprintf("http://127.0.0.1:%d/nacos/v1/ns/instance/list?serviceName=%s", x.nacos, app))
	if err != nil {
		return nil, err
	}
	var list struct{ Hosts []struct{ Port int } }
	if err := json.Unmarshal(b, &list); err != nil {
		return nil, err
	}
	ports = map[int]bool{}
	for _, h := range list.Hosts {
		ports[h.Port] = true
	}
	return ports, nil
}

// executions counts what the functions' processes wrote down.
func (x *site) executions() (map[string]int, error) {
	files, err := os.ReadDir(x.ran)
	if err != nil {
		return nil, err
	}
	ran := map[string]int{}
	for _, f := range files {
		b, err := os.ReadFile(filepath.Join(x.ran, f.Name()))
		if err != nil {
			return nil, err
		}
		for id := range strings.FieldsSeq(string(b)) {
			ran[id]++
		}
	}
	return ran, nil
}

// told looks for the token in everything that was logged.
func (x *site) told() (where []string) {
	logs, _ := filepath.Glob(filepath.Join(x.dir, "*.log")) // the pattern is sound
	for _, f := range logs {
		if b, err := os.ReadFile(f); err != nil || strings.Contains(string(b), x.token) {
			where = append(where, f)
		}
	}
	return where
}

func (x *site) end() {
	for _, name := range []string{"a", "b", "keeper"} {
		_, _ = x.signal(name, syscall.SIGTERM) // it may have ended
	}
	x.end1()
	<-x.ended
	_ = x.log.Close()
}
