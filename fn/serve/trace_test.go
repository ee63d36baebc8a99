package serve

import (
	"context"
	"errors"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/internal/tracetest"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/tracing"
)

// backend is a tracing backend by hand.
type backend struct {
	name   string
	r      tracetest.Recorder
	close  func(ctx context.Context) error
	fault  error
	opened []tracing.Config
	urls   []invoker.URL
}

func (b *backend) Name() string { return b.name }

func (b *backend) Open(u invoker.URL, c tracing.Config) (tracing.Tracer, error) {
	b.opened, b.urls = append(b.opened, c), append(b.urls, u)
	if b.fault != nil {
		return nil, b.fault
	}
	return &backendTracer{&b.r, b}, nil
}

type backendTracer struct {
	*tracetest.Recorder
	b *backend
}

func (t *backendTracer) Close(ctx context.Context) error {
	if t.b.close != nil {
		return t.b.close(ctx)
	}
	return t.Recorder.Close(ctx)
}

// tracedOutbound is an outbound part that makes spans.
type tracedOutbound struct {
	outbound
	tracer tracing.Tracer
}

func (o *tracedOutbound) Trace(t tracing.Tracer) { o.tracer = t }

func tracedConfig(t *testing.T) Config {
	t.Helper()
	c := testConfig(t)
	c.Tracing, c.TracingSample = "sky://token@oap.example.org:11800?x=1", 0.5
	return c
}

func TestCallsHaveSpansAndTheFirstTellsOfTheStart(t *testing.T) {
	t.Parallel()
	b, out := &backend{name: "sky"}, &tracedOutbound{}
	var order []string
	at, stop := start(t, tracedConfig(t), b, out, greeter(fn.Use(func(next invoker.Invoker) invoker.Invoker {
		return invoker.Func(func(ctx context.Context, inv *invoker.Invocation) (invoker.Result, error) {
			trace, _ := tracing.IDs(ctx)
			order = append(order, trace)
			return next.Invoke(ctx, inv)
		})
	})))
	for _, parent := range []string{"one/1", "two/2"} {
		inv := &invoker.Invocation{Service: invoker.ServiceKey{Interface: greetService}, Method: "hello", Args: []any{"Ada"}}
		inv.Attachments.Set("sw8", parent)
		if _, err := ask(t, at, inv); err != nil {
			t.Fatal(err)
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	all := b.r.Spans()
	if len(all) != 2 || b.r.Open() != 0 || b.r.Closed() != 1 {
		t.Fatalf("%d spans, %d open, closed %d times: %+v", len(all), b.r.Open(), b.r.Closed(), all)
	}
	first, second := all[0], all[1]
	if first.Kind != tracing.Entry || first.Name != greetService+".hello(String)" || first.Trace != "one" || first.Parent != "1" || second.Trace != "two" || order[0] != "one" || order[1] != "two" {
		t.Errorf("%+v, the filters of the service saw %q", all, order)
	}
	if first.Tags["faas.coldstart"] != "true" || !strings.Contains(first.Tags["dubbofn.start.init"], "+") || first.Tags["dubbofn.start.ready"] == "" || len(second.Tags) >= len(first.Tags) || second.Tags["faas.coldstart"] != "" {
		t.Errorf("tags of the first %v, of the second %v", first.Tags, second.Tags)
	}
	if out.tracer == nil {
		t.Error("the part that calls others has no tracer")
	}
	if c := b.opened[0]; c.Service != "greet" || c.Instance != instanceName() || !c.Function || *c.Sample != 0.5 || c.Log == nil || b.urls[0].Host != "oap.example.org" || b.urls[0].User != "token" {
		t.Errorf("opened with %+v for %v", c, b.urls)
	}
}

func TestWithoutTheSettingNothingIsTraced(t *testing.T) {
	t.Parallel()
	b, out := &backend{name: "sky"}, &tracedOutbound{}
	at, stop := start(t, testConfig(t), b, out, greeter())
	if _, err := ask(t, at, &invoker.Invocation{Service: invoker.ServiceKey{Interface: greetService}, Method: "hello", Args: []any{"Ada"}}); err != nil {
		t.Error(err)
	}
	if err := stop(); err != nil || len(b.opened) > 0 || out.tracer != nil {
		t.Errorf("%v, opened %d times", err, len(b.opened))
	}
}

func TestABackendThatCannotBeIsToldBeforeAnythingIsOpened(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		url    string
		sample float64
		parts  []Part
		want   []string
	}{
		"not linked":     {"skywalking://secret@oap:11800", 1, nil, []string{`no tracing backend "skywalking"; add it: import "github.com/dubbofn/dubbofn/tracing/skywalking" and serve.Main(…, skywalking.Tracer)`}},
		"another linked": {"otlp://oap:4317", 1, []Part{&backend{name: "sky"}}, []string{`"otlp", only sky; add it`, "otlp.Tracer"}},
		"unknown":        {"zipkin://oap:11800", 1, nil, []string{`no tracing backend "zipkin"`}},
		"no URL":         {"oap:11800", 1, nil, []string{"DUBBOFN_TRACING"}},
		"sample":         {"", 1.5, nil, []string{`DUBBOFN_TRACING_SAMPLE="1.5"`, "0 to 1"}},
		"no sample":      {"", math.NaN(), nil, []string{`DUBBOFN_TRACING_SAMPLE`}},
		"refused":        {"sky://a:1", 1, []Part{&backend{name: "sky", fault: errors.New("parameter x: want y")}}, []string{"DUBBOFN_TRACING: parameter x: want y"}},
	} {
		c := testConfig(t)
		c.Tracing, c.TracingSample = x.url, x.sample
		err := Run(t.Context(), c, append(x.parts, greeter())...)
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, w := range x.want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %q is not in %v", name, w, err)
			}
		}
	}
}

func TestAnOpenBackendIsClosedWhereTheStartFails(t *testing.T) {
	t.Parallel()
	b := &backend{name: "sky"}
	if err := Run(t.Context(), tracedConfig(t), b, fn.NewService(greetService, fn.Method("hello", 5))); err == nil || b.r.Closed() != 1 {
		t.Errorf("%v, closed %d times", err, b.r.Closed())
	}
	c := tracedConfig(t)
	c.Bind = "192.0.2.1" // not this machine's
	if err := Run(t.Context(), c, b, greeter()); err == nil || b.r.Closed() != 2 {
		t.Errorf("%v, closed %d times", err, b.r.Closed())
	}
}

// A backend that is away must not keep the process.
func TestSpansHaveTwoSecondsAtTheEnd(t *testing.T) {
	t.Parallel()
	var left time.Duration
	b := &backend{name: "sky", close: func(ctx context.Context) error {
		d, _ := ctx.Deadline()
		left = time.Until(d)
		return ctx.Err()
	}}
	_, stop := start(t, tracedConfig(t), b, greeter())
	if err := stop(); err != nil || left > 2*time.Second || left < time.Second {
		t.Errorf("%v were left, %v", left, err)
	}
}

func TestSpansOfRunningCallsAreThereWhenTheTracerIsClosed(t *testing.T) {
	t.Parallel()
	b := &backend{name: "sky"}
	open := -1
	b.close = func(context.Context) error { open = b.r.Open(); return nil }
	running := make(chan struct{})
	at, stop := start(t, tracedConfig(t), b, greeter(fn.Method("slow", func() error { close(running); time.Sleep(200 * time.Millisecond); return nil })))
	var asked sync.WaitGroup
	asked.Go(func() {
		if _, err := ask(t, at, &invoker.Invocation{Service: invoker.ServiceKey{Interface: greetService}, Method: "slow"}); err != nil {
			t.Error(err)
		}
	})
	<-running
	if err := stop(); err != nil || open != 0 || len(b.r.Spans()) != 1 {
		t.Errorf("%v: %d spans, %d of them open", err, len(b.r.Spans()), open)
	}
	asked.Wait()
}
