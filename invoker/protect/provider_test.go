package protect

import (
	"context"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/invoker/cluster"
)

func providers(t testing.TB, b Breaker) *Providers {
	t.Helper()
	s, err := NewProviders(invoker.ServiceKey{Interface: "org.example.Users"}, b, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestProviderWithoutLimitsHasNoGuard(t *testing.T) {
	t.Parallel()
	p := cluster.NewProvider(cluster.Provider{Address: "10.0.0.1:20880", Service: map[string]string{"timeout": "100"}})
	if g := providers(t, Breaker{}).Guard(p, nil); g != nil {
		t.Errorf("it has %v", g)
	}
}

// TestActives is Java's parameter: a limit of each method at each provider, for which calls wait.
func TestActives(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := providers(t, Breaker{})
		p := cluster.NewProvider(cluster.Provider{Address: "10.0.0.1:20880", Service: map[string]string{"actives": "9", "get.actives": "2", "free.actives": "0"}})
		p = p.Next(cluster.Provider{Address: p.Address, Service: p.Service, Override: map[string]string{"actives": "1"}})
		g := s.Guard(p, nil)
		enter := func(method string) error {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, err := g.Enter(ctx, method)
			return err
		}
		for _, method := range []string{"get", "get", "list", "free", "free"} {
			if err := enter(method); err != nil {
				t.Fatalf("%s: %v", method, err)
			}
		}
		begin := time.Now()
		err := enter("get")
		refused(t, err, invoker.CodeExhausted, "2 calls to 10.0.0.1:20880", "actives")
		if d := time.Since(begin); d != time.Second {
			t.Errorf("it waited %v, want the call's time, 1s", d)
		}
		refused(t, enter("list"), invoker.CodeExhausted, "1 calls to")
		time.AfterFunc(500*time.Millisecond, func() { g.Leave("get", 0, nil) })
		if err := enter("get"); err != nil {
			t.Errorf("though a call ended: %v", err)
		}
		if st := s.Stats(); st.Waits != 3 || st.Full != 2 {
			t.Errorf("stats %+v; want 3 that waited, 2 in vain", st)
		}

		same := p.Next(cluster.Provider{Address: p.Address, Service: p.Service, Override: map[string]string{"actives": "1", "weight": "5"}})
		if s.Guard(same, g) != g {
			t.Error("another weight began the counting anew")
		}
		free := p.Next(cluster.Provider{Address: p.Address})
		if now := s.Guard(free, g); now != nil {
			t.Errorf("without actives there is %v", now)
		}
	})
}

func TestProvidersBreaker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := providers(t, Breaker{Percent: 50, Open: 4 * time.Second, Trials: 1})
		p := cluster.NewProvider(cluster.Provider{Address: "10.0.0.1:20880"})
		g := s.Guard(p, nil)
		run := func(n int, end error) (last error) {
			for range n {
				var pass uint64
				if pass, last = g.Enter(t.Context(), "get"); last == nil {
					g.Leave("get", pass, end)
				}
			}
			return last
		}
		run(100, nil)
		run(19, unavailable())
		if !g.Ready() {
			t.Fatal("open after 19 calls of which it knows")
		}
		err := run(2, unavailable())
		refused(t, err, invoker.CodeUnavailable, "circuit breaker of 10.0.0.1:20880 is open for 4s more", "DUBBOFN_BREAKER")
		limited := p.Next(cluster.Provider{Address: p.Address, Override: map[string]string{"actives": "5"}})
		before := g
		g = s.Guard(limited, before)
		if g.Ready() {
			t.Error("a rule closed the breaker")
		}
		refused(t, run(6, nil), invoker.CodeUnavailable) // whose places under actives come back
		time.Sleep(4 * time.Second)
		if !g.Ready() {
			t.Error("not ready though a trial is due")
		}
		before.Leave("get", 0, unavailable()) // one that began before it opened, and is no trial
		pass, err := g.Enter(t.Context(), "get")
		if err != nil {
			t.Fatal(err)
		}
		before.Leave("get", 0, unavailable()) // as that one
		_, err = g.Enter(t.Context(), "get")
		refused(t, err, invoker.CodeUnavailable, "trial calls are on their way")
		g.Leave("get", pass, nil)
		if err := run(10, nil); err != nil {
			t.Errorf("after a good trial: %v", err)
		}
		if st := s.Stats(); st.Opened != 1 || st.Broken != 8 {
			t.Errorf("stats %+v; want 1 opened, 8 refused", st)
		}
	})
}

func TestMadeUpMethodsShareARoom(t *testing.T) {
	t.Parallel()
	s := providers(t, Breaker{})
	g := s.Guard(cluster.NewProvider(cluster.Provider{Address: "a:1", Service: map[string]string{"actives": "1"}}), nil)
	for i := range maxMethods * 2 {
		m := strconv.Itoa(i)
		pass, err := g.Enter(t.Context(), m)
		if err != nil {
			t.Fatal(err)
		}
		g.Leave(m, pass, nil)
	}
	if n := len(*g.(*provider).rooms.Load()); n != maxMethods {
		t.Errorf("%d are remembered, want %d", n, maxMethods)
	}
}

func BenchmarkGuard(b *testing.B) {
	for name, c := range map[string]struct {
		breaker Breaker
		params  map[string]string
		failed  bool
	}{
		"breaker-never-failed": {breaker: Breaker{Percent: 50}},
		"breaker":              {breaker: Breaker{Percent: 50}, failed: true},
		"actives":              {params: map[string]string{"actives": "1000"}},
	} {
		b.Run(name, func(b *testing.B) {
			g := providers(b, c.breaker).Guard(cluster.NewProvider(cluster.Provider{Address: "a:1", Service: c.params}), nil)
			if c.failed {
				pass, _ := g.Enter(b.Context(), "get")
				g.Leave("get", pass, unavailable())
			}
			b.ReportAllocs()
			for b.Loop() {
				if !g.Ready() {
					continue
				}
				if pass, err := g.Enter(b.Context(), "get"); err == nil {
					g.Leave("get", pass, nil)
				}
			}
		})
	}
}
