package cluster

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dubbofn/dubbofn/invoker"
)

// gate is a guard that is told what to do.
type gate struct {
	shut, unready atomic.Bool
	entered, left atomic.Int64
}

func (g *gate) Enter(context.Context, string) (uint64, error) {
	if g.shut.Load() {
		return 0, invoker.Errorf(invoker.CodeUnavailable, "call", "the gate is shut")
	}
	return uint64(g.entered.Add(1)), nil
}
func (g *gate) Leave(string, uint64, error) { g.left.Add(1) }
func (g *gate) Ready() bool                 { return !g.unready.Load() }

// gates makes a gate for each provider.
type gates struct {
	mu sync.Mutex
	at map[string]*gate
}

func (s *gates) of(address string) *gate {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.at[address] == nil {
		s.at[address] = &gate{}
	}
	return s.at[address]
}

func (s *gates) guard(p *Provider, _ Guard) Guard { return s.of(p.Address) }

// scant is a budget without anything in it.
type scant struct{}

func (scant) Call()       {}
func (scant) Retry() bool { return false }

func TestCallsGoPastProvidersThatRefuse(t *testing.T) {
	t.Parallel()
	d := network(t, 3)
	s := &gates{at: map[string]*gate{}}
	c := d.cluster(Config{Guard: s.guard, Budget: scant{}})
	for _, way := range []func(g *gate){func(g *gate) { g.shut.Store(true) }, func(g *gate) { g.unready.Store(true) }} {
		way(s.of(d.all[0].name))
		way(s.of(d.all[2].name))
		if _, err := c.Invoke(t.Context(), call()); err != nil { // the first finds out
			t.Fatal(err)
		}
		before := d.all[1].calls.Load()
		for range 50 {
			if _, err := c.Invoke(t.Context(), call()); err != nil {
				t.Fatalf("with one of three that takes calls: %v", err)
			}
		}
		if n := d.all[1].calls.Load() - before; n != 50 {
			t.Errorf("%d of 50 calls went to the one that takes them", n)
		}
	}
	if s := c.Stats(); s.Refused == 0 || s.Retries != 0 || s.Ready != 1 {
		t.Errorf("stats %+v: want refusals, no retry, 1 that is ready", s)
	}

	s.of(d.all[1].name).shut.Store(true)
	_, err := c.Invoke(t.Context(), call())
	var e *invoker.Error
	if !errors.As(err, &e) || e.Code != invoker.CodeUnavailable || e.MaybeExecuted {
		t.Errorf("all refuse: %v, want their refusal", err)
	}
	for _, h := range d.all {
		g := s.of(h.name)
		g.shut.Store(false)
		g.unready.Store(false)
	}
	for range 50 {
		if _, err := c.Invoke(t.Context(), call()); err != nil {
			t.Fatal(err)
		}
	}
	for _, h := range d.all {
		if g := s.of(h.name); g.entered.Load() != g.left.Load() || g.entered.Load() == 0 || h.calls.Load() != g.entered.Load() {
			t.Errorf("%s: %d entered, %d left, %d calls came", h.name, g.entered.Load(), g.left.Load(), h.calls.Load())
		}
	}
}

func TestEveryStrategyPassesTheGuard(t *testing.T) {
	t.Parallel()
	for name := range strategies() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := network(t, 1)
			s := &gates{at: map[string]*gate{}}
			g := s.of(d.all[0].name)
			g.shut.Store(true)
			_, _ = d.cluster(Config{Cluster: name, Guard: s.guard}).Invoke(t.Context(), call())
			if n := d.all[0].calls.Load(); n != 0 {
				t.Errorf("%d calls got past a guard that let none pass", n)
			}
		})
	}
}

func TestEachVersionOfAProviderIsShownToTheGuard(t *testing.T) {
	t.Parallel()
	d := network(t, 1)
	var seen []string
	guard := func(p *Provider, before Guard) Guard {
		if (before == nil) != (len(seen) == 0) {
			t.Errorf("version %d: the one before is %v", len(seen), before)
		}
		seen = append(seen, p.Param("actives"))
		return &gate{}
	}
	c := d.cluster(Config{Guard: guard})
	for _, actives := range []string{"", "5", "7"} {
		if actives != "" {
			now := d.Snapshot().Providers[0]
			next := *now
			next.Override = map[string]string{"actives": actives}
			d.snap.Store(&Snapshot{Providers: []*Provider{now.Next(next)}})
		}
		for range 2 {
			if _, err := c.Invoke(t.Context(), call()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if diff := cmp.Diff([]string{"", "5", "7"}, seen); diff != "" {
		t.Error(diff)
	}
}

func TestMock(t *testing.T) {
	t.Parallel()
	type user struct {
		ID   int64
		Name string
	}
	var list []string
	var u *user
	var n int32
	tests := map[string]struct {
		mock  string
		err   error
		into  any
		want  any // in into, else the result's value
		class string
		code  invoker.Code
		calls int64
	}{
		"fail, and it does not fail":     {mock: "return null", want: "10.0.100.101:20880", calls: 1},
		"fail, and it fails":             {mock: "fail: return 7", err: mayHaveRun(), into: &n, want: new(int32(7)), calls: 1},
		"fail, and the method threw":     {mock: "fail:return 7", err: &invoker.Exception{Class: "org.example.NoUser"}, class: "org.example.NoUser", calls: 1},
		"force asks nobody":              {mock: "force:return null", want: nil},
		"force, an empty list":           {mock: "force: return empty", into: &list, want: &[]string{}},
		"force, an object":               {mock: `force:return {"id":3,"name":"Ada"}`, into: &u, want: new(&user{3, "Ada"})},
		"force, text":                    {mock: "force:return Ada", want: "Ada"},
		"force, true":                    {mock: "force:return true", want: true},
		"force, what does not fit":       {mock: "force:return Ada", into: &n, code: invoker.CodeClient},
		"force, throw":                   {mock: "force:throw", code: invoker.CodeUnavailable},
		"force, throw a class":           {mock: "force:throw org.example.Closed", class: "org.example.Closed"},
		"nonsense by an operator counts": {mock: "force:com.example.UsersMock", want: "10.0.100.101:20880", calls: 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := network(t, 1)
			if tt.err != nil {
				d.all[0].fails(tt.err)
			}
			now := d.Snapshot().Providers[0]
			next := *now
			next.Override = map[string]string{"get.mock": tt.mock}
			d.snap.Store(&Snapshot{Providers: []*Provider{now.Next(next)}})
			inv := call()
			inv.Into = tt.into
			res, err := d.cluster(Config{}).Invoke(t.Context(), inv)
			if got := d.all[0].calls.Load(); got != tt.calls {
				t.Errorf("%d calls reached the provider, want %d", got, tt.calls)
			}
			switch x := (*invoker.Exception)(nil); {
			case tt.class != "":
				if !errors.As(err, &x) || x.Class != tt.class {
					t.Errorf("got %v, want %s", err, tt.class)
				}
				return
			case tt.code != 0:
				if code, _ := invoker.CodeOf(err); code != tt.code {
					t.Errorf("got %v, want code %v", err, tt.code)
				}
				return
			case err != nil:
				t.Fatal(err)
			}
			got := res.Value
			if tt.into != nil {
				got = tt.into
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestMockWithoutProviders(t *testing.T) {
	t.Parallel()
	d := network(t, 1)
	d.snap.Store(&Snapshot{Err: errors.New("nobody is registered")})
	c := d.cluster(Config{Methods: map[string]MethodConfig{"get": {Mock: "return 1"}}})
	if res, err := c.Invoke(t.Context(), call()); err != nil || res.Value != 1.0 {
		t.Errorf("got %v, %v; want the mock's 1", res.Value, err)
	}
	if s := c.Stats(); s.NoProvider != 1 || s.Mocked != 1 {
		t.Errorf("stats %+v", s)
	}
	if _, err := New(d, Config{Mock: "com.example.UsersMock"}); err == nil {
		t.Error("a mock class of Java's was taken from the program itself")
	}
}
