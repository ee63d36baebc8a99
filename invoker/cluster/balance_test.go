package cluster

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// weighed makes providers of given weights that nothing is connected to.
func weighed(weights ...int) []*Provider {
	var all []*Provider
	for i, w := range weights {
		all = append(all, NewProvider(Provider{Address: fmt.Sprintf("10.0.0.%d:20880", 100+i), Service: map[string]string{"weight": strconv.Itoa(w)}}))
	}
	return all
}

// TestTurnsAreThoseOfJavasAlgorithm compares the queues with the algorithm as RoundRobinLoadBalance has it, written out.
func TestTurnsAreThoseOfJavasAlgorithm(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for round := range 200 {
		n := 1 + r.IntN(20)
		weights, total := make([]int32, n), int64(0)
		for i := range weights {
			weights[i] = int32(r.IntN(1 + round%7))
			total += int64(weights[i])
		}
		current := make([]int64, n)
		turns := newTurns(weights, nil)
		if len(turns.groups) == 1 && weights[0] == 0 {
			continue // Java takes the first for ever; we take turns
		}
		for step := range 500 {
			best := -1
			for i := range current {
				current[i] += int64(weights[i])
				if best < 0 || current[i] > current[best] {
					best = i
				}
			}
			current[best] -= total
			if got := turns.next(); got != best {
				t.Fatalf("weights %v, step %d: %d, want %d", weights, step, got, best)
			}
		}
	}
}

func TestWeightedDrawIsInProportion(t *testing.T) {
	t.Parallel()
	v := newView("get", &settings{}, weighed(100, 200, 0, 300), time.Now(), nil)
	for offset, want := range map[int64]int{0: 0, 99: 0, 100: 1, 299: 1, 300: 3, 599: 3} {
		if got := v.weighted(drawn(offset)); got != want {
			t.Errorf("offset %d: %d, want %d", offset, got, want)
		}
	}
}

func TestLeastActiveAndShortestResponse(t *testing.T) {
	t.Parallel()
	all := weighed(100, 100, 300, 100)
	for i, active := range []int64{2, 1, 1, 5} {
		all[i].state.active.Store(active)
	}
	v := newView("get", &settings{}, all, time.Now(), nil)
	for offset, want := range map[int64]int{0: 1, 99: 1, 100: 2, 399: 2} {
		if got := byActive(v, nil, nil, 0, drawn(offset)); got != want {
			t.Errorf("least active, drawn %d: %d, want %d", offset, got, want)
		}
	}
	for i, ms := range []int{30, 50, 40, 2} {
		all[i].state.estimate(time.Now().UnixNano())
		all[i].state.took(time.Duration(ms) * time.Millisecond)
	}
	if got := byResponse(v, nil, nil, 0, drawn(0)); got != 3 { // 2 ms × 6 calls
		t.Errorf("shortest response: %d, want 3", got)
	}
}

func TestShortestResponseForgetsWhatIsLongAgo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var s state
		s.estimate(time.Now().UnixNano())
		s.took(time.Second)
		if e := s.estimate(time.Now().UnixNano()); e != 1000 {
			t.Errorf("estimate %d, want 1000", e)
		}
		time.Sleep(windowTime + time.Second)
		s.estimate(time.Now().UnixNano())
		s.took(10 * time.Millisecond)
		if e := s.estimate(time.Now().UnixNano()); e != 10 {
			t.Errorf("estimate %d, want 10", e)
		}
	})
}

func TestConsistentHashMovesFewCallsWhenOneLeaves(t *testing.T) {
	t.Parallel()
	all := weighed(100, 100, 100, 100, 100)
	s := &settings{hashNodes: 160, hashArguments: []int{0}}
	five, four := newView("get", &settings{}, all, time.Now(), nil), newView("get", &settings{}, all[:4], time.Now(), nil)
	moved, counts := 0, map[int]int{}
	for i := range 10000 {
		a, b := byHash(five, s, call(i), 0, nil), byHash(four, s, call(i), 0, nil)
		counts[a]++
		if a != 4 && a != b {
			moved++
		}
		if next := byHash(five, s, call(i), 1, nil); next == a {
			t.Fatalf("the second choice is the first, %d", a)
		}
	}
	if moved != 0 {
		t.Errorf("%d calls moved that need not", moved)
	}
	for i := range all {
		if counts[i] < 1000 || counts[i] > 3500 {
			t.Errorf("provider %d has %d of 10000 calls", i, counts[i])
		}
	}
}

func TestHashKeyIsWhatJavaConcatenates(t *testing.T) {
	t.Parallel()
	inv := call("a", int64(-7), true, nil, 3)
	if got := string(hashKey(nil, []int{0, 1, 2, 3, 4, 9, -1}, inv)); got != "a-7truenull3" {
		t.Errorf("key %q", got)
	}
	generic := call("get", []string{"java.lang.String"}, []any{"x"})
	generic.Method = "$invoke"
	if got := string(hashKey(nil, []int{0}, generic)); got != "x" {
		t.Errorf("key of a generic call %q", got)
	}
}

func TestWarmUpGrowsAndIsWorkedOutAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		old := map[string]string{"timestamp": strconv.FormatInt(now.Add(-time.Hour).UnixMilli(), 10)}
		young := map[string]string{"timestamp": strconv.FormatInt(now.UnixMilli(), 10), "warmup": "100000"}
		d := network(t, 2, old, young)
		cl := d.cluster(Config{})
		share := func() int64 {
			synctest.Wait() // what was stale is worked out
			for _, h := range d.all {
				h.calls.Store(0)
			}
			for range 2000 {
				_, _ = cl.Invoke(t.Context(), call())
			}
			return d.all[1].calls.Load()
		}
		time.Sleep(2 * time.Second)
		early := share()
		time.Sleep(50 * time.Second)
		_ = share() // one call works the weights out
		middle := share()
		time.Sleep(time.Hour)
		_ = share()
		late := share()
		if early > 100 || middle < 500 || middle > 800 || late < 900 {
			t.Errorf("of 2000 calls the young one got %d, %d, %d", early, middle, late)
		}
		_ = cl.Close()
		_ = d.pool.Close()
	})
}

// TestChoiceAllocatesNothing is not parallel: others' allocations would count.
func TestChoiceAllocatesNothing(t *testing.T) {
	for name := range balances() {
		d := network(t, 100, map[string]string{"weight": "100"}, map[string]string{"weight": "50"})
		d.snap.Store(&Snapshot{Providers: d.Snapshot().Providers, Routers: []Router{onlyTag{new(atomic.Int64)}}})
		cl := d.cluster(Config{LoadBalance: name})
		a := &attempt{c: cl, inv: call("key")}
		n := testing.AllocsPerRun(1000, func() {
			a.m = cl.method(d.Snapshot(), "get")
			a.v = a.m.view(a.inv)
			if _, conn := a.choose(); conn == nil {
				t.Fatal("no connection")
			}
		})
		if n != 0 {
			t.Errorf("%s: %v allocations a choice", name, n)
		}
	}
}

// choices runs a benchmark for every balancer, for equal weights and three kinds of them, among 100 and among 10,000 providers.
func choices(b *testing.B, routers []Router, choose func(a *attempt) *Provider) {
	for _, name := range []string{"random", "roundrobin", "leastactive", "shortestresponse", "consistenthash", "p2c"} {
		for _, kind := range []string{"equal", "weights"} {
			for _, n := range []int{100, 10000} {
				b.Run(fmt.Sprintf("%s/%s/%d", name, kind, n), func(b *testing.B) {
					params := []map[string]string{{"weight": "100"}}
					if kind == "weights" {
						params = append(params, map[string]string{"weight": "200"}, map[string]string{"weight": "50"})
					}
					d := network(b, n, params...)
					d.snap.Store(&Snapshot{Providers: d.Snapshot().Providers, Routers: routers})
					cl := d.cluster(Config{LoadBalance: name})
					inv := call("key")
					a := &attempt{c: cl, inv: inv}
					a.m = cl.method(d.Snapshot(), "get")
					a.v = a.m.view(inv)
					a.next() // makes the ring
					b.ReportAllocs()
					b.ResetTimer()
					for range b.N {
						a.m = cl.method(d.Snapshot(), "get")
						a.v = a.m.view(inv)
						if choose(a) == nil {
							b.Fatal("no provider")
						}
					}
				})
			}
		}
	}
}

// BenchmarkSelect is the choice of a provider, whatever the number of them.
func BenchmarkSelect(b *testing.B) { choices(b, nil, (*attempt).next) }

// BenchmarkRouted is the choice as a call makes it where there are rules: what the routers leave, the balancer, and a look at the
// provider's connection, which of 10,000 is seldom in the processor's cache.
func BenchmarkRouted(b *testing.B) {
	choices(b, []Router{onlyTag{new(atomic.Int64)}}, func(a *attempt) *Provider {
		p, conn := a.choose()
		if conn == nil {
			return nil
		}
		return p
	})
}

// BenchmarkMemory is what 10,000 providers take, connections apart.
func BenchmarkMemory(b *testing.B) {
	for range b.N {
		var before, after runtime.MemStats
		d := network(b, 1)
		shared := map[string]string{"timeout": "1000"}
		runtime.GC()
		runtime.ReadMemStats(&before)
		snap := &Snapshot{}
		for i := range 10000 {
			a := fmt.Sprintf("10.%d.%d.1:20880", i/250, i%250)
			snap.Providers = append(snap.Providers, NewProvider(Provider{Address: a, Service: shared, Target: d.pool.Hold(a)}))
		}
		d.snap.Store(snap)
		cl := d.cluster(Config{})
		cl.method(snap, "get")
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/10000, "bytes/provider")
		runtime.KeepAlive(snap)
	}
}
