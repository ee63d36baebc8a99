package cluster

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"
)

// decisions is what Java's balancers chose (e2e/decisions writes it).
type decisions struct {
	By      string
	Weights []struct {
		Params map[string]string
		Weight int
	}
	Warmups [][4]int // uptime and warmup in ms, weight, what counts
	Draws   []struct {
		Balance string
		Weights []int
		Active  []int64
		Took    [][]int // ms
		Choices []struct {
			Raw    []uint32
			Choice int
		}
	}
	Turns [][]struct {
		Who, Weights, Taken []int
	}
	Rings []struct {
		Params    map[string]string
		Addresses []string
		Choices   []struct {
			Args   []any
			Choice int
		}
	}
}

func javas(t *testing.T) decisions {
	t.Helper()
	f, err := os.Open("testdata/decisions/balancers.json")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	var d decisions
	r := json.NewDecoder(f)
	r.UseNumber() // a long is more than a float64 holds
	if err := r.Decode(&d); err != nil {
		t.Fatal(err)
	}
	if len(d.Weights) == 0 || len(d.Warmups) == 0 || len(d.Draws) == 0 || len(d.Turns) == 0 || len(d.Rings) == 0 {
		t.Fatalf("decisions by %q are not all there", d.By)
	}
	return d
}

// drawnAsInJava draws from what ThreadLocalRandom gave, as its nextInt(bound) does (OpenJDK 17).
func drawnAsInJava(t *testing.T, raw []uint32) random {
	return func(n int64) int64 {
		for {
			if len(raw) == 0 {
				t.Fatal("drawn more often than in Java")
			}
			r := int64(raw[0] >> 1)
			raw = raw[1:]
			if n&(n-1) == 0 {
				return n * r >> 31
			}
			if r-r%n+n-1 < 1<<31 {
				return r % n
			}
		}
	}
}

func TestWeightsAreJavas(t *testing.T) {
	t.Parallel()
	d := javas(t)
	for _, w := range d.Weights {
		if got := NewProvider(Provider{Service: w.Params}).Weight("get", time.Now()); got != w.Weight {
			t.Errorf("%v: weight %d, in Java %d", w.Params, got, w.Weight)
		}
	}
	for _, w := range d.Warmups {
		if got := warmupWeight(int64(w[0]), w[1], w[2]); got != w[3] {
			t.Errorf("%d ms of %d ms, weight %d: %d, in Java %d", w[0], w[1], w[2], got, w[3])
		}
	}
}

func TestDrawsAreJavas(t *testing.T) {
	t.Parallel()
	for n, d := range javas(t).Draws {
		all := weighed(d.Weights...)
		now := time.Now()
		for i, p := range all {
			p.state.active.Store(d.Active[i])
			p.state.estimate(now.UnixNano())
			for _, ms := range d.Took[i] {
				p.state.took(time.Duration(ms) * time.Millisecond)
			}
		}
		v := newView("get", &settings{}, all, now, nil)
		for _, c := range d.Choices {
			if got := balances()[d.Balance](v, &settings{}, call(), 0, drawnAsInJava(t, c.Raw)); got != c.Choice {
				t.Errorf("%d: %s of weights %v, active %v, took %v, raw %v: %d, in Java %d", n, d.Balance, d.Weights, d.Active, d.Took, c.Raw, got, c.Choice)
			}
		}
	}
}

// TestTurnsAreJavas follows providers that come, go and change their weight. One thing is ours: providers whose weights are
// all 0 take turns, where Java takes the first for ever, so such a list and what comes after it isn't compared.
func TestTurnsAreJavas(t *testing.T) {
	t.Parallel()
	compared := 0
	for n, phases := range javas(t).Turns {
		last := map[int]*Provider{}
		var before *view
		for k, phase := range phases {
			if !slices.ContainsFunc(phase.Weights, func(w int) bool { return w > 0 }) {
				break
			}
			var all []*Provider
			now := map[int]*Provider{}
			for i, who := range phase.Who {
				p := Provider{Address: fmt.Sprintf("10.0.0.%d:20880", 100+who), Service: map[string]string{"weight": fmt.Sprint(phase.Weights[i])}}
				if old := last[who]; old != nil {
					now[who] = old.Next(p)
				} else {
					now[who] = NewProvider(p)
				}
				all = append(all, now[who])
			}
			v := newView("get", &settings{inTurn: true}, all, time.Now(), before)
			for c, want := range phase.Taken {
				if got := phase.Who[byTurn(v, nil, nil, 0, nil)]; got != want {
					t.Fatalf("%d, list %d, call %d: %d, in Java %d", n, k, c, got, want)
				}
				compared++
			}
			last, before = now, v
		}
	}
	if compared < 5000 {
		t.Errorf("only %d turns were compared", compared)
	}
}

func TestRingsAreJavas(t *testing.T) {
	t.Parallel()
	for n, r := range javas(t).Rings {
		var all []*Provider
		for _, a := range r.Addresses {
			all = append(all, NewProvider(Provider{Address: a, Service: r.Params}))
		}
		s := (&Config{LoadBalance: "consistenthash"}).settle("get", all)
		v := newView("get", &s, all, time.Now(), nil)
		for _, c := range r.Choices {
			for i, a := range c.Args {
				if n, ok := a.(json.Number); ok {
					c.Args[i], _ = n.Int64()
				}
			}
			if got := byHash(v, &s, call(c.Args...), 0, nil); got != c.Choice {
				t.Errorf("%d: %v, arguments %v: %d, in Java %d", n, r.Params, c.Args, got, c.Choice)
			}
		}
	}
}
