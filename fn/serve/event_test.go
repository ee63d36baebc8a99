package serve

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/fn/event"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/tracing"
)

// receiver takes events by hand: what is POSTed is the argument of hello.
type receiver struct {
	host     event.Host
	open     func(ctx context.Context) error
	method   string // default: hello
	handling sync.WaitGroup
	drained  atomic.Int32
	closed   atomic.Int32
}

func (*receiver) Name() string { return "events" }

func (r *receiver) Open(ctx context.Context, h event.Host) (event.Running, error) {
	r.host = h
	if r.open != nil {
		if err := r.open(ctx); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.handling.Add(1)
	defer r.handling.Done()
	b, _ := io.ReadAll(req.Body)
	ctx := req.Context()
	if t := r.host.Tracer; t != nil {
		var span tracing.Span
		ctx, span = t.Start(ctx, tracing.Start{Kind: tracing.Entry, Name: "event", Carrier: req.Header})
		defer span.End()
	}
	res, err := r.call(ctx, string(b))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	_, _ = io.WriteString(w, res)
}

func (r *receiver) call(ctx context.Context, name string) (string, error) {
	method := "hello"
	if r.method != "" {
		method = r.method
	}
	m, own, err := r.host.Method(event.Target{Service: greetService, Method: method})
	if err != nil || !own {
		return "", errors.Join(err, errors.New("not here"))
	}
	inv := &invoker.Invocation{Service: invoker.ServiceKey{Interface: greetService}, Method: method, Descriptor: m.Descriptor, Args: []any{name}}
	inv.Attachments.Set("sw8", "sender/1") // as the event came
	res, err := r.host.Local.Invoke(ctx, inv)
	s, _ := res.Value.(string)
	return s, err
}

func (r *receiver) Drain(context.Context) error {
	r.handling.Wait()
	r.drained.Add(1)
	return nil
}

func (r *receiver) Close(context.Context) error {
	r.closed.Add(r.drained.Load())
	return nil
}

type filtered struct{}

// Filter has every method run within a value of ours.
func (*receiver) Filter() invoker.Filter {
	return func(next invoker.Invoker) invoker.Invoker {
		return invoker.Func(func(ctx context.Context, inv *invoker.Invocation) (invoker.Result, error) {
			return next.Invoke(context.WithValue(ctx, filtered{}, "events"), inv)
		})
	}
}

func postEvent(t *testing.T, url, body string) (int, string) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Post(url, "text/plain", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b)
}

func TestAnEventCallsAMethodThroughTheSameChain(t *testing.T) {
	t.Parallel()
	r, b := &receiver{}, &backend{name: "sky"}
	var deadline time.Duration
	var saw *invoker.Invocation
	var within any
	at, stop := start(t, tracedConfig(t), r, b, greeter(fn.Timeout(3*time.Second), fn.Use(func(next invoker.Invoker) invoker.Invoker {
		return invoker.Func(func(ctx context.Context, inv *invoker.Invocation) (invoker.Result, error) {
			d, _ := ctx.Deadline()
			deadline, saw, within = time.Until(d), invoker.FromContext(ctx), ctx.Value(filtered{})
			return next.Invoke(ctx, inv)
		})
	})))
	url := "http://" + at.HTTP.String()
	if code, body := postEvent(t, url+"/", "Ada"); code != 200 || body != "Hello, Ada!" {
		t.Errorf("%d %q", code, body)
	}
	if code, _ := postEvent(t, url+"/else", "Ada"); code != 404 {
		t.Errorf("another path: %d", code)
	}
	if code, _ := get(t, url+"/health/ready"); code != 200 {
		t.Errorf("health: %d", code)
	}
	if deadline > 3*time.Second || deadline < 2*time.Second || saw == nil || saw.Method != "hello" {
		t.Errorf("deadline in %v, %+v in the context", deadline, saw)
	}
	if err := stop(); err != nil || r.drained.Load() != 1 || r.closed.Load() != 1 || within != "events" {
		t.Errorf("%v, drained %d times, closed %d times after that; within %v", err, r.drained.Load(), r.closed.Load(), within)
	}
	if all := b.r.Spans(); len(all) != 2 || all[0].Name != "event" || all[0].Tags["dubbofn.start.ready"] == "" || all[1].Kind != tracing.Local || all[1].Parent != all[0].ID || all[1].Name != greetService+".hello(String)" {
		t.Errorf("%+v", all)
	}
	if r.host.App != "greet" || r.host.Instance == "" || r.host.Tracer == nil || r.host.Log == nil || r.host.Remote != nil {
		t.Errorf("%+v", r.host)
	}
}

func TestEventsCountAgainstTheLimitOfCalls(t *testing.T) {
	t.Parallel()
	r := &receiver{method: "slow"}
	held := make(chan struct{})
	var running sync.WaitGroup
	running.Add(2)
	c := testConfig(t)
	c.MaxCalls = 2
	_, _ = start(t, c, r, greeter(fn.Method("slow", func(string) error { running.Done(); <-held; return nil })))
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() { _, _ = r.call(t.Context(), "x") })
	}
	running.Wait()
	if _, err := r.call(t.Context(), "one more"); err == nil {
		t.Error("one more was let in")
	} else if code, _ := invoker.CodeOf(err); code != invoker.CodeExhausted {
		t.Error(err)
	}
	close(held)
	all.Wait()
}

// An event that came before SIGTERM makes its calls after it; one that comes then goes elsewhere.
func TestTheDrainWaitsForEvents(t *testing.T) {
	t.Parallel()
	r := &receiver{}
	ready, release := make(chan struct{}), make(chan struct{})
	c := testConfig(t)
	c.DrainQuiet = 500 * time.Millisecond
	at, stop := start(t, c, r, greeter())
	var late error
	r.handling.Go(func() { // as a broker's would
		close(ready)
		<-release
		time.Sleep(700 * time.Millisecond) // longer than it would be quiet
		_, late = r.call(context.WithoutCancel(t.Context()), "late")
	})
	<-ready
	ended := make(chan error, 1)
	go func() { ended <- stop() }()
	until(t, "it drains", func() bool { code, _ := get(t, "http://"+at.HTTP.String()+"/health/ready"); return code == 503 })
	if code, body := postEvent(t, "http://"+at.HTTP.String()+"/", "Ada"); code != 503 || !strings.Contains(body, "ends") {
		t.Errorf("%d %q while draining", code, body)
	}
	close(release)
	if err := <-ended; err != nil || late != nil || r.drained.Load() != 1 {
		t.Errorf("%v; the late call: %v; drained %d times", err, late, r.drained.Load())
	}
	if _, err := r.call(t.Context(), "too late"); err == nil {
		t.Error("a process that has ended runs calls")
	}
}

func TestRulesWithoutAPartThatTakesEventsAreRefused(t *testing.T) {
	t.Parallel()
	want := "cloudevent.Events()"
	rule := event.Rule{On: event.Match{Type: "x"}, Call: event.Target{Method: "hello"}}
	if err := Run(t.Context(), testConfig(t), greeter(fn.OnEvent(rule))); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), greetService+".hello") {
		t.Error(err)
	}
	c := testConfig(t)
	c.Events = "rules.json"
	if err := Run(t.Context(), c, greeter()); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "DUBBOFN_EVENTS") {
		t.Error(err)
	}
	if err := Run(t.Context(), testConfig(t), &receiver{}, &receiver{}, greeter()); err == nil || !strings.Contains(err.Error(), "two parts that take events") {
		t.Error(err)
	}
	r := &receiver{}
	_, stop := start(t, testConfig(t), r, greeter(fn.OnEvent(rule)))
	if err := stop(); err != nil || len(r.host.Rules) != 1 || r.host.Rules[0].Call.Service != greetService {
		t.Errorf("%v: %+v", err, r.host.Rules)
	}
}

func TestRulesThatMakeNoSenseEndTheStart(t *testing.T) {
	t.Parallel()
	r := &receiver{open: func(context.Context) error { return errors.New("rule 1: no such method") }}
	if err := Run(t.Context(), testConfig(t), r, greeter()); err == nil || !strings.Contains(err.Error(), "rule 1") {
		t.Error(err)
	}
	c := testConfig(t)
	out := &outbound{warm: func(context.Context, string) error { return errors.New("nobody is there") }}
	c.Warm = []string{"a:1!"}
	opening := &receiver{open: func(ctx context.Context) error { <-ctx.Done(); return nil }}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := Run(ctx, c, opening, out, greeter()); err != nil {
		t.Error(err) // SIGTERM ended the wait for what is required
	}
	if opening.drained.Load() != 1 {
		t.Error("what was opened at last was not drained")
	}
}

// Whoever wrote the rules has the services too: their tokens and the keys of consumers keep nobody out but others.
func TestEventsNeedNoTokenAndNoSignature(t *testing.T) {
	t.Parallel()
	keys := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(keys, []byte("id secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := testConfig(t)
	c.AuthKeys, c.AuthWindow = keys, time.Minute
	r := &receiver{}
	var caller invoker.Caller
	at, _ := start(t, c, r, greeter(fn.Token("of the service"), fn.Use(func(next invoker.Invoker) invoker.Invoker {
		return invoker.Func(func(ctx context.Context, inv *invoker.Invocation) (invoker.Result, error) {
			caller = inv.Caller
			return next.Invoke(ctx, inv)
		})
	})))
	if s, err := r.call(t.Context(), "Ada"); err != nil || s != "Hello, Ada!" || caller.Application != "greet" {
		t.Errorf("%q, %v, called by %+v", s, err, caller)
	}
	if _, err := ask(t, at, &invoker.Invocation{Service: invoker.ServiceKey{Interface: greetService}, Method: "hello", Args: []any{"Ada"}}); err == nil {
		t.Error("a consumer without either was let in")
	}
}

// callingOutbound is an outbound part that can call.
type callingOutbound struct{ outbound }

func (*callingOutbound) Invoker(_ context.Context, key invoker.ServiceKey) (invoker.Invoker, error) {
	return invoker.Func(func(context.Context, *invoker.Invocation) (invoker.Result, error) {
		return invoker.Result{Value: key.String()}, nil
	}), nil
}

func TestEventsCallOthersThroughAPartThatCan(t *testing.T) {
	t.Parallel()
	r := &receiver{}
	start(t, testConfig(t), r, &outbound{}, &callingOutbound{}, greeter())
	s, err := r.host.Remote(t.Context(), invoker.ServiceKey{Interface: "org.example.Other"})
	if err != nil {
		t.Fatal(err)
	}
	if res, err := s.Invoke(t.Context(), nil); err != nil || res.Value != "org.example.Other" {
		t.Errorf("%v %v", res, err)
	}
}
