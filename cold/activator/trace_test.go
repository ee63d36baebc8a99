package activator

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/internal/tracetest"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/invoker/dubbo"
	"github.com/dubbofn/dubbofn/tracing"
)

// traceFunction has the platform's function make spans of its own.
func (p *platform) traceFunction(r *tracetest.Recorder) { p.with(fn.Use(tracing.Provider(r, nil))) }

func (p *platform) with(o fn.Option) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.service = p.service.With(o)
}

func tracedBy(r *tracetest.Recorder) func(*Config) { return func(c *Config) { c.Tracer = r } }

// sound checks what holds for every trace once all calls are over.
func sound(t *testing.T, r *tracetest.Recorder) {
	t.Helper()
	synctest.Wait()
	for _, s := range r.Spans() {
		if s.Ended.IsZero() || s.Late {
			t.Errorf("span %s %q: ended %v, late %t", s.ID, s.Name, s.Ended, s.Late)
		}
	}
}

const helloSpan = greetService + ".hello(String)"

func TestACallThatIsParkedHasThreeSpansInTheConsumersTrace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		p := newPlatform(t, n, "greet")
		p.lanes = []string{"activator:20881"}
		front, function := &tracetest.Recorder{Prefix: "a"}, &tracetest.Recorder{Prefix: "f"}
		p.traceFunction(function)
		activate(t, n, &listed{all: []Function{p.function()}}, tracedBy(front))
		c := consume(t, n, "activator:20880")
		for _, id := range []string{"parked", "awake"} {
			inv := invocation("hello", id)
			inv.Attachments.Set("sw8", "ct/"+id)
			if _, err := callWith(t.Context(), c, inv); err != nil {
				t.Fatal(err)
			}
			time.Sleep(p.notice + time.Millisecond) // the platform's path is open
		}
		sound(t, front)
		all, run := front.Spans(), function.Spans()
		if len(all) != 5 || len(run) != 2 {
			t.Fatalf("%d spans of the activator, %d of the function: %+v", len(all), len(run), all)
		}
		type seen struct {
			kind                      tracing.Kind
			name, peer, trace, parent string
			url, lane                 string
			failed                    bool
			took                      time.Duration
			layer                     tracing.Layer
		}
		var got []seen
		for _, s := range all {
			got = append(got, seen{s.Kind, s.Name, strings.Split(s.Peer, "-")[0], s.Trace, s.Parent, s.Tags["url"], s.Tags["dubbofn.lane"], s.Err != nil, s.Ended.Sub(s.Begun), s.Layer})
		}
		url := "dubbo://127.0.0.1:20880/" + helloSpan
		peer := strings.Split(all[0].Peer, "-")[0]
		want := []seen{
			{tracing.Entry, helloSpan, peer, "ct", "parked", url, "", false, p.wake, tracing.LayerRPC},
			{tracing.Local, "dubbofn/parked", "", "ct", all[0].ID, "", "", false, p.wake, tracing.LayerFaaS},
			{tracing.Exit, helloSpan, "greet:80", "ct", all[0].ID, "http://greet/dubbo", "early", false, 0, tracing.LayerRPC},
			{tracing.Entry, helloSpan, peer, "ct", "awake", url, "", false, 0, tracing.LayerRPC},
			{tracing.Exit, helloSpan, "greet:80", "ct", all[3].ID, "http://greet/dubbo", "http", false, 0, tracing.LayerRPC},
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(seen{})); diff != "" {
			t.Error(diff)
		}
		if run[0].Trace != "ct" || run[0].Parent != all[2].ID || run[1].Parent != all[4].ID {
			t.Errorf("the function goes on with %s/%s and %s, want %s and %s", run[0].Trace, run[0].Parent, run[1].Parent, all[2].ID, all[4].ID)
		}
	})
}

func TestWithoutATracerTheConsumersTraceGoesOnUnchanged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		p := newPlatform(t, n, "greet")
		p.lanes = []string{"activator:20881"}
		var function tracetest.Recorder
		p.traceFunction(&function)
		activate(t, n, &listed{all: []Function{p.function()}}, nil)
		c := consume(t, n, "activator:20880")
		for range 2 {
			inv := invocation("hello", "x")
			inv.Attachments.Set("sw8", "ct/c1")
			if _, err := callWith(t.Context(), c, inv); err != nil {
				t.Fatal(err)
			}
			time.Sleep(p.notice)
		}
		for _, s := range function.Spans() {
			if s.Trace != "ct" || s.Parent != "c1" {
				t.Errorf("%+v", s)
			}
		}
	})
}

func TestTwoFunctionsBehindOneGatewayHaveEachTheirOwnPeer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		gateway := newPlatform(t, n, "gateway")
		var front tracetest.Recorder
		var functions []Function
		servers := map[string]*dubbo.Server{}
		entries := map[string]*tracetest.Recorder{}
		for _, app := range []string{"one", "two"} {
			entries[app] = &tracetest.Recorder{Prefix: app}
			set, err := fn.NewSet(app, fn.NewService("org.example."+app, fn.Method("run", func() error { return nil }), fn.Use(tracing.Provider(entries[app], nil))))
			if err != nil {
				t.Fatal(err)
			}
			manifest, err := set.Describe().JSON()
			if err != nil {
				t.Fatal(err)
			}
			servers[app+".local"] = dubbo.NewServer(set, dubbo.ServerConfig{Types: set.Types(), Token: token})
			functions = append(functions, Function{Name: app, App: app, URL: "http://gateway", Host: app + ".local", Manifest: manifest})
		}
		gateway.front = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get(headerKnock) != "" {
				w.Header().Set(headerHold, "1")
				return
			}
			servers[r.Host].Handler().ServeHTTP(w, r)
		})
		activate(t, n, &listed{all: functions}, tracedBy(&front))
		c := consume(t, n, "activator:20880")
		for _, app := range []string{"one", "two"} {
			if _, err := c.Invoke(t.Context(), &invoker.Invocation{Service: invoker.ServiceKey{Interface: "org.example." + app}, Method: "run"}); err != nil {
				t.Fatal(err)
			}
		}
		sound(t, &front)
		exits := front.Of(tracing.Exit)
		if len(exits) != 2 || exits[0].Peer != "one.local:80" || exits[1].Peer != "two.local:80" {
			t.Fatalf("%+v", exits)
		}
		for i, app := range []string{"one", "two"} {
			if s := entries[app].Spans(); len(s) != 1 || s[0].Parent != exits[i].ID {
				t.Errorf("%s: %+v", app, s)
			}
		}
	})
}

func TestAPeerIsTheFunctionsOwnName(t *testing.T) {
	t.Parallel()
	for _, x := range []struct{ url, host, want string }{
		{"http://greet.default.svc.cluster.local", "", "greet.default.svc.cluster.local:80"},
		{"https://greet.example.org", "", "greet.example.org:443"},
		{"http://10.0.0.1:8080", "greet.default.example.org", "greet.default.example.org:8080"},
		{"http://10.0.0.1", "greet.local:81", "greet.local:81"},
	} {
		a := &app{Function: Function{URL: x.url, Host: x.host}}
		if err := a.readURL(); err != nil || a.peer != x.want {
			t.Errorf("%s %s: %q, want %q (%v)", x.url, x.host, a.peer, x.want, err)
		}
	}
}

func TestSpansOfCallsThatFailSayWhy(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		setup  func(*platform)
		method string
		args   []any
		give   time.Duration // how long the consumer waits; 0: long
		entry  string        // in the entry's error
		parked string        // in its own; "-": it has none
		exits  []string
	}{
		"nobody wakes": {
			setup: func(p *platform) { p.wake = time.Hour }, method: "quick", args: []any{"x"}, entry: "did not wake in time", parked: "did not wake in time",
		},
		"the consumer goes": {
			setup: func(p *platform) { p.wake = 5 * time.Second }, method: "hello", args: []any{"x"}, give: time.Second, entry: "consumer's connection ended", parked: "consumer's connection ended",
		},
		"the consumer goes while it runs": {
			method: "slow", args: []any{"x", int32(5000)}, give: 2 * time.Second, entry: "consumer's connection ended", exits: []string{"consumer's connection ended"},
		},
		"it runs too long": {
			setup: func(p *platform) { p.wake = 0 }, method: "slow", args: []any{"x", int32(50000)}, entry: "it may have run", exits: []string{"it may have run"},
		},
		"the method throws": {method: "throws", entry: "threw", exits: []string{"threw"}},
		"no such method":    {method: "nope", entry: "status 60", exits: []string{"status 60"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork()
				p := newPlatform(t, n, "greet")
				p.lanes = []string{"activator:20881"}
				if x.setup != nil {
					x.setup(p)
				}
				p.with(fn.Method("throws", func() error { return errors.New("no") }))
				var front tracetest.Recorder
				_, end := activate(t, n, &listed{all: []Function{p.function()}}, tracedBy(&front))
				c := consume(t, n, "activator:20880")
				if x.give > 0 {
					time.AfterFunc(x.give, func() { _ = c.Close() })
				}
				if _, err := callWith(t.Context(), c, invocation(x.method, x.args...)); err == nil {
					t.Error("the call did not fail")
				}
				if err := end(); err != nil {
					t.Error(err)
				}
				sound(t, &front)
				fails := func(s tracetest.Span, with string) {
					t.Helper()
					if with == "" && s.Err != nil || with != "" && (s.Err == nil || !strings.Contains(s.Err.Error(), with)) {
						t.Errorf("%s: error %v, want %q", s.Name, s.Err, with)
					}
				}
				exits := x.exits
				for _, s := range front.Spans() {
					switch s.Kind {
					case tracing.Entry:
						fails(s, x.entry)
					case tracing.Local:
						fails(s, x.parked)
					case tracing.Exit:
						if len(exits) == 0 {
							t.Fatalf("one more exit: %+v", s)
						}
						fails(s, exits[0])
						exits = exits[1:]
					}
				}
				if len(front.Of(tracing.Entry)) != 1 || len(exits) > 0 {
					t.Errorf("%+v", front.Spans())
				}
			})
		})
	}
}

func TestNamesOfSpansAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		p := newPlatform(t, n, "greet")
		var front tracetest.Recorder
		activate(t, n, &listed{all: []Function{p.function()}}, tracedBy(&front))
		c := consume(t, n, "activator:20880")
		for i := range 100 {
			inv := invocation(fmt.Sprint("made-up-", i))
			if i%2 > 0 {
				inv = invocation("hello", make([]any, i)...)
				inv.Descriptor = strings.Repeat("I", i)
			}
			_, _ = c.Invoke(t.Context(), inv)
		}
		sound(t, &front)
		names := map[string]bool{}
		for _, s := range front.Spans() {
			names[s.Name] = true
		}
		if len(names) > 3 {
			t.Errorf("%d names: %v", len(names), names)
		}
	})
}

// Processes that come and go, consumers that leave, a drain at the end: every span ends, and none after the one that it is within.
func TestEverySpanEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		p := newPlatform(t, n, "greet")
		p.lanes = []string{"activator:20881"}
		var front tracetest.Recorder
		_, end := activate(t, n, &listed{all: []Function{p.function()}}, tracedBy(&front))
		var all sync.WaitGroup
		for i := range 8 {
			c := consume(t, n, "activator:20880")
			all.Go(func() {
				for k := range 40 {
					ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
					_, _ = callWith(ctx, c, invocation("slow", fmt.Sprint(i, "-", k), int32(37*(k%7))))
					cancel()
				}
			})
			time.AfterFunc(time.Duration(i)*700*time.Millisecond, func() {
				if i%3 == 0 {
					_ = c.Close()
				}
				go p.stop()
			})
		}
		all.Wait()
		if err := end(); err != nil {
			t.Error(err)
		}
		sound(t, &front)
		if len(front.Of(tracing.Entry)) < 100 || len(front.Of(tracing.Local)) == 0 {
			t.Errorf("%d entries, %d waits", len(front.Of(tracing.Entry)), len(front.Of(tracing.Local)))
		}
	})
}
