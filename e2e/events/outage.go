package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/dubbofn/dubbofn/client"
	"github.com/dubbofn/dubbofn/registry/nacos"
)

// process is a function that is traced, and a client for it.
type process struct {
	cmd    *exec.Cmd
	exited chan error
	log    *os.File
	client *client.Client
	echo   struct {
		EchoString func(ctx context.Context, s *string) (*string, error)
	}
}

// startEcho starts the provider in Go, tracing to an address.
func startEcho(ctx context.Context, s settings, name, tracing string) (p *process, err error) {
	dir := filepath.Join(s.dir, name)
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o700)); err != nil {
		return nil, err
	}
	p = &process{exited: make(chan error, 1)}
	if p.log, err = os.Create(filepath.Join(dir, "function.log")); err != nil {
		return nil, err
	}
	registry := "embedded://" + filepath.Join(dir, "registry")
	p.cmd = exec.Command(s.function)
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	p.cmd.Env = append(os.Environ(), "EVENTS_OFFERS=echo", "DUBBOFN_APP="+name, "DUBBOFN_REGISTRY="+registry, "DUBBOFN_TRACING="+tracing,
		"DUBBOFN_BIND=127.0.0.1", "DUBBOFN_HOST=127.0.0.1", "DUBBOFN_PORT="+strconv.Itoa(s.port), "PORT="+strconv.Itoa(s.port+1))
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { p.exited <- p.cmd.Wait() }()
	if err := p.ready(ctx, s.port+1); err != nil {
		return nil, errors.Join(err, p.end())
	}
	cfg, err := client.FromEnvironment()
	if err != nil {
		return nil, errors.Join(err, p.end())
	}
	cfg.Registry, cfg.App = []string{registry}, "events"
	if p.client, err = client.New(cfg, nacos.Registry); err != nil {
		return nil, errors.Join(err, p.end())
	}
	ref, err := p.client.Reference(ctx, "org.fixture.dubbo.TypesService")
	if err == nil {
		err = ref.Bind(&p.echo)
	}
	if err != nil {
		return nil, errors.Join(err, p.end())
	}
	return p, nil
}

func (p *process) ready(ctx context.Context, port int) error {
	return until(ctx, 20*time.Second, func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d/health/ready", port), nil)
		if err != nil {
			return err
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return fmt.Errorf("the function is not ready: %s; see %s", res.Status, p.log.Name())
		}
		return nil
	})
}

// end ends it as Kubernetes would, and waits.
func (p *process) end() error {
	if p.client != nil {
		_ = p.client.Close()
	}
	defer func() { _ = p.log.Close() }()
	err := p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case exit := <-p.exited:
		return errors.Join(err, exit)
	case <-time.After(20 * time.Second):
		return errors.Join(errors.New("the function did not end within 20 s"), p.cmd.Process.Kill(), <-p.exited)
	}
}

// resident gives the most memory that it has held, in MB.
func (p *process) resident() int {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, _ := strconv.Atoi(strings.Fields(rest)[0])
			return kb >> 10
		}
	}
	return 0
}

// callers is how many calls are under way at a time.
const callers = 16

// call makes n calls; begun is told of each before it begins.
func (p *process) call(ctx context.Context, n int, begun func(i int)) (took []time.Duration, err error) {
	took = make([]time.Duration, n)
	var next, failed atomic.Int64
	var last atomic.Value
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if begun != nil {
					begun(i)
				}
				text := "call-" + strconv.Itoa(i)
				start := time.Now()
				got, err := p.echo.EchoString(ctx, &text)
				took[i] = time.Since(start)
				if err == nil && (got == nil || *got != text) {
					err = fmt.Errorf("call %d got a wrong answer", i)
				}
				if err != nil {
					failed.Add(1)
					last.Store(err)
				}
			}
		})
	}
	all.Wait()
	if failed.Load() > 0 {
		e, _ := last.Load().(error)
		err = fmt.Errorf("%d of %d calls failed, one of them: %w", failed.Load(), n, e)
	}
	slices.Sort(took)
	return took, err
}

// endWithin is what a function may take to end: a second until its consumers are silent, two for its spans.
const endWithin = 3 * time.Second

// runFlush ends the function right after its last answer, and counts what of its spans arrives.
func runFlush(ctx context.Context, s settings) error {
	b := &backend{address: fmt.Sprintf("127.0.0.1:%d", s.port+2)}
	if err := b.up(ctx); err != nil {
		return err
	}
	defer b.down()
	p, err := startEcho(ctx, s, "flush", "skywalking://"+b.address)
	if err != nil {
		return err
	}
	if _, err := p.call(ctx, s.calls, nil); err != nil {
		return errors.Join(err, p.end())
	}
	there, start := b.spans.Load(), time.Now()
	if err := p.end(); err != nil {
		return err
	}
	took := time.Since(start)
	if lost := int64(s.calls) - b.spans.Load(); lost != 0 || took > endWithin {
		return fmt.Errorf("SIGTERM after %d calls: %d spans were lost, the end took %v; want 0 within %v", s.calls, lost, took, endWithin)
	}
	fmt.Printf("flush: SIGTERM right after %d traced calls, with %d spans not sent yet: 0 lost, ended within %d ms ok\n", s.calls, int64(s.calls)-there, took.Milliseconds())
	return nil
}

// runSent is runFlush with the real OAP server, which -collector names; it is asked how many traces came.
func runSent(ctx context.Context, s settings) error {
	name := "flushed-" + strconv.Itoa(os.Getpid())
	p, err := startEcho(ctx, s, name, "skywalking://"+s.collector)
	if err != nil {
		return err
	}
	if _, err := p.call(ctx, s.calls, nil); err != nil {
		return errors.Join(err, p.end())
	}
	start := time.Now()
	if err := p.end(); err != nil {
		return err
	}
	took := time.Since(start)
	n := 0
	err = until(ctx, 4*patience, func(ctx context.Context) (err error) {
		if n, err = s.oap.count(ctx, name); err == nil && n != s.calls {
			err = fmt.Errorf("the OAP server has %d of %d traces", n, s.calls)
		}
		return err
	})
	if err != nil {
		return err
	}
	if took > endWithin {
		return fmt.Errorf("SIGTERM after %d calls: the end took %v, want %v at most", s.calls, took, endWithin)
	}
	fmt.Printf("flush: SIGTERM right after %d traced calls: the OAP server has all of them, ended within %d ms ok\n", s.calls, took.Milliseconds())
	return nil
}

// mostMB is what the function may hold, whatever becomes of its spans.
const mostMB = 128

// runOutage makes calls while the backend is not as it should be: every one must be answered, and memory be bounded.
func runOutage(ctx context.Context, s settings) error {
	for _, o := range []struct {
		name string
		run  func(ctx context.Context, b *backend, calls func(begun func(i int)) error) error
	}{
		{"up", func(ctx context.Context, b *backend, calls func(func(int)) error) error {
			return errors.Join(b.up(ctx), calls(nil))
		}},
		{"down", func(_ context.Context, _ *backend, calls func(func(int)) error) error { return calls(nil) }},
		{"away", whileAway},
		{"slow", func(ctx context.Context, b *backend, calls func(func(int)) error) error {
			b.pause = 500 * time.Millisecond
			return errors.Join(b.up(ctx), calls(nil))
		}},
		{"refusing", func(ctx context.Context, b *backend, calls func(func(int)) error) error {
			b.refuse = true
			return errors.Join(b.up(ctx), calls(nil))
		}},
		{"silent", func(ctx context.Context, b *backend, calls func(func(int)) error) error {
			end, err := mute(ctx, b.address)
			if err != nil {
				return err
			}
			return errors.Join(calls(nil), end())
		}},
	} {
		if err := outage(ctx, s, o.name, o.run); err != nil {
			return fmt.Errorf("backend %s: %w", o.name, err)
		}
	}
	return nil
}

// whileAway takes the backend away for the second third of the calls; what comes afterwards must be reported again.
func whileAway(ctx context.Context, b *backend, calls func(func(int)) error) error {
	if err := b.up(ctx); err != nil {
		return err
	}
	if err := calls(func(i int) {
		if i == 5000 {
			b.down()
		}
	}); err != nil {
		return err
	}
	before := b.segments.Load()
	if err := b.up(ctx); err != nil {
		return err
	}
	return until(ctx, 20*time.Second, func(context.Context) error {
		if b.segments.Load() == before {
			return errors.New("nothing is reported to a backend that is there again")
		}
		return nil
	})
}

func outage(ctx context.Context, s settings, name string, run func(context.Context, *backend, func(func(int)) error) error) error {
	b := &backend{address: fmt.Sprintf("127.0.0.1:%d", s.port+2)}
	defer b.down()
	p, err := startEcho(ctx, s, "outage-"+name, "skywalking://"+b.address)
	if err != nil {
		return err
	}
	var took []time.Duration
	err = run(ctx, b, func(begun func(int)) (err error) {
		took, err = p.call(ctx, s.calls, begun)
		return err
	})
	memory := p.resident()
	start := time.Now()
	if err := errors.Join(err, p.end()); err != nil {
		return err
	}
	ended := time.Since(start)
	if memory > mostMB || ended > endWithin+time.Second {
		return fmt.Errorf("the function held %d MB (limit %d) and took %v to end (limit %v)", memory, mostMB, ended, endWithin+time.Second)
	}
	fmt.Printf("outage: backend %-8s %d calls answered, p50 %v, p99 %v, %d MB at most, ended within %d ms, %d spans arrived ok\n", name, len(took),
		took[len(took)/2].Round(time.Microsecond), took[len(took)*99/100].Round(time.Microsecond), memory, ended.Milliseconds(), b.spans.Load())
	return nil
}
