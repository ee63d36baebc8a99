package cluster

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dubbofn/dubbofn/invoker"
)

// TestTurnsGoOnAsInJavaWhenTheListChanges compares with RoundRobinLoadBalance's map of scores, which a provider leaves when it
// goes, and begins anew in when its weight changes.
func TestTurnsGoOnAsInJavaWhenTheListChanges(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	s := &settings{inTurn: true}
	for range 100 {
		known := weighed(slices.Repeat([]int{100}, 12)...)
		type score struct{ weight, current int64 }
		java := map[string]*score{}
		var v *view
		for change := range 20 {
			var list []*Provider
			for i, p := range known {
				if r.IntN(5) == 0 {
					known[i] = p.Next(Provider{Address: p.Address, Service: map[string]string{"weight": strconv.Itoa(1 + r.IntN(4))}})
				}
				if r.IntN(4) > 0 {
					list = append(list, known[i])
				}
			}
			if len(list) == 0 {
				continue
			}
			v = newView("get", s, list, time.Now(), v)
			for a := range java {
				if !slices.ContainsFunc(list, func(p *Provider) bool { return p.Address == a }) {
					delete(java, a)
				}
			}
			for step := range 30 {
				best, total := -1, int64(0)
				for i, p := range list {
					w := int64(p.Weight("get", time.Now()))
					if java[p.Address] == nil || java[p.Address].weight != w {
						java[p.Address] = &score{weight: w}
					}
					java[p.Address].current += w
					total += w
					if best < 0 || java[p.Address].current > java[list[best].Address].current {
						best = i
					}
				}
				java[list[best].Address].current -= total
				if got := byTurn(v, nil, nil, 0, nil); got != best {
					t.Fatalf("change %d, step %d: %d, want %d", change, step, got, best)
				}
			}
		}
	}
}

func TestFewThatTakeCallsAreSharedOutByTheBalancer(t *testing.T) {
	t.Parallel()
	for name := range balances() {
		d := network(t, 500, map[string]string{"weight": "100"}, map[string]string{"weight": "300"})
		for i, h := range d.all {
			if i%100 > 1 { // 10 are left
				h.leaving.Store(true)
			}
		}
		cl := d.cluster(Config{LoadBalance: name})
		for i := range 4000 {
			if _, err := cl.Invoke(t.Context(), call(i)); err != nil {
				t.Fatal(err)
			}
		}
		var light, heavy int64
		for i, h := range d.all {
			n := h.calls.Load()
			switch {
			case i%100 > 1 && n > 0:
				t.Errorf("%s: %d calls went to one that is leaving", name, n)
			case i%100 == 0:
				light += n
			case i%100 == 1:
				heavy += n
			}
		}
		if want := name == "random" || name == "roundrobin"; want && (light < 800 || light > 1200) {
			t.Errorf("%s: %d and %d calls; want 1 to 3", name, light, heavy)
		}
		d.all[0].leaving.Store(true)
		d.all[7].leaving.Store(false)
		time.Sleep(lookHold)
		for i := range 4000 {
			_, _ = cl.Invoke(t.Context(), call(i))
		}
		if d.all[7].calls.Load() == 0 {
			t.Errorf("%s: one that takes calls again gets none", name)
		}
	}
}

func TestHashStaysWithTheNextOnTheRingWhileOneIsAway(t *testing.T) {
	t.Parallel()
	d := network(t, 100)
	cl := d.cluster(Config{LoadBalance: "consistenthash"})
	for i, h := range d.all {
		h.leaving.Store(i%10 > 0)
	}
	went := map[int]any{}
	for range 3 {
		for i := range 200 {
			res, err := cl.Invoke(t.Context(), call(i))
			if err != nil {
				t.Fatal(err)
			}
			if went[i] != nil && went[i] != res.Value {
				t.Fatalf("argument %d went to %v, then to %v", i, went[i], res.Value)
			}
			went[i] = res.Value
		}
	}
}

func TestStickyAndStateOutliveANewVersion(t *testing.T) {
	t.Parallel()
	d := network(t, 10)
	cl := d.cluster(Config{Sticky: true})
	first, _ := cl.Invoke(t.Context(), call())
	var next []*Provider
	for _, p := range d.snap.Load().Providers {
		n := *p
		n.Override = map[string]string{"timeout": "2000"}
		next = append(next, p.Next(n))
	}
	d.snap.Store(&Snapshot{Providers: next})
	for range 20 {
		if res, err := cl.Invoke(t.Context(), call()); err != nil || res.Value != first.Value {
			t.Fatalf("%v, %v; want %v", res.Value, err, first.Value)
		}
	}
}

func TestRetryGoesOnWithTheProvidersThatThereAreNow(t *testing.T) {
	t.Parallel()
	d := network(t, 4)
	whole := d.snap.Load()
	d.snap.Store(&Snapshot{Providers: whole.Providers[:1]})
	d.all[0].answer = func(context.Context, *invoker.Invocation) (invoker.Result, error) {
		d.snap.Store(&Snapshot{Providers: whole.Providers[1:]})
		return invoker.Result{}, notRun()
	}
	cl := d.cluster(Config{})
	if res, err := cl.Invoke(t.Context(), call()); err != nil || res.Value == d.all[0].name {
		t.Errorf("%v, %v; want one of those that came", res.Value, err)
	}
}

func TestBroadcastEndsAtTheShareThatMayFail(t *testing.T) {
	t.Parallel()
	for percent, most := range map[string]int64{"100": 300, "20": 60 + maxAtOnce, "0": 1 + maxAtOnce, "200": 300} {
		d := network(t, 300, map[string]string{"broadcast.fail.percent": percent})
		for _, h := range d.all {
			h.fails(notRun())
		}
		cl := d.cluster(Config{Cluster: "broadcast"})
		if _, err := cl.Invoke(t.Context(), call()); err == nil {
			t.Error("no error")
		}
		var sum int64
		for _, h := range d.all {
			sum += h.calls.Load()
		}
		if sum > most || most == 300 && sum != 300 {
			t.Errorf("%s percent: %d calls, want at most %d", percent, sum, most)
		}
	}
}

func TestOperatorSaysHowFailbackGoesOn(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		params map[string]string
		queued int
	}{
		"not at all":      {map[string]string{"retries": "0"}, 0},
		"a shorter queue": {map[string]string{"failbacktasks": "2"}, 2},
		"nonsense":        {map[string]string{"failbacktasks": "-2", "retries": "-1"}, 5},
	} {
		d := network(t, 1, c.params)
		d.all[0].fails(notRun())
		cl := d.cluster(Config{Cluster: "failback"})
		for range 5 {
			_, _ = cl.Invoke(t.Context(), call())
		}
		if n := cl.Stats().Queued; n != c.queued {
			t.Errorf("%s: %d wait, want %d", name, n, c.queued)
		}
	}
}

func TestPublishedIdempotenceAllowsRetries(t *testing.T) {
	t.Parallel()
	d := network(t, 3, map[string]string{"get.idempotent": "true"})
	for _, h := range d.all {
		h.fails(mayHaveRun())
	}
	cl := d.cluster(Config{})
	_, err := cl.Invoke(t.Context(), call())
	if err == nil || cl.Stats().Retries != 2 {
		t.Errorf("%d retries, %v", cl.Stats().Retries, err)
	}
}

// TestPublishedRetriesAreOfCallsThatMayHaveRun is about providers that publish retries=0: for consumers that know no better.
func TestPublishedRetriesAreOfCallsThatMayHaveRun(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		published string
		err       error
		c         Config
		operator  map[string]string
		retries   int64
	}{
		"it did not run":                     {published: "0", err: notRun(), retries: 2},
		"it may have run":                    {published: "0", err: mayHaveRun(), retries: 0},
		"the consumer says it is idempotent": {published: "0", err: mayHaveRun(), c: idempotent(Config{}), retries: 2},
		"and how often":                      {published: "0", err: mayHaveRun(), c: idempotent(Config{Retries: new(1)}), retries: 1},
		"the consumer wants none":            {published: "3", err: notRun(), c: Config{Retries: new(0)}, retries: 0},
		"the operator wants none":            {published: "3", err: notRun(), c: idempotent(Config{}), operator: map[string]string{"retries": "0"}, retries: 0},
		"more are published":                 {published: "3", err: notRun(), retries: 3},
		"more, of an idempotent method":      {published: "3", err: mayHaveRun(), c: idempotent(Config{}), retries: 3},
	} {
		d := network(t, 5, map[string]string{"retries": tt.published})
		snap := *d.Snapshot()
		for i, h := range d.all {
			h.fails(tt.err)
			snap.Providers[i] = snap.Providers[i].Next(Provider{Address: h.name, Target: snap.Providers[i].Target, Service: snap.Providers[i].Service, Override: tt.operator})
		}
		d.snap.Store(&snap)
		cl := d.cluster(tt.c)
		if _, err := cl.Invoke(t.Context(), call()); err == nil || cl.Stats().Retries != tt.retries {
			t.Errorf("%s: %d retries, want %d; %v", name, cl.Stats().Retries, tt.retries, err)
		}
	}
}

func idempotent(c Config) Config {
	c.Methods = map[string]MethodConfig{"get": {Idempotent: true}}
	return c
}

// TestFaultyProvidersHarmNobodyElse has one provider that answers late, one that never does and one that cuts every call.
func TestFaultyProvidersHarmNobodyElse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := network(t, 4)
		wait := func(long time.Duration) func(context.Context, *invoker.Invocation) (invoker.Result, error) {
			return func(ctx context.Context, _ *invoker.Invocation) (invoker.Result, error) {
				select {
				case <-time.After(long):
					return invoker.Result{Value: "late"}, nil
				case <-ctx.Done():
					return invoker.Result{}, &invoker.Error{Code: invoker.CodeTimeout, Err: ctx.Err(), MaybeExecuted: true}
				}
			}
		}
		d.all[0].answer = wait(300 * time.Millisecond)
		d.all[1].answer = wait(time.Hour)
		d.all[2].fails(mayHaveRun())
		cl := d.cluster(Config{LoadBalance: "leastactive", Timeout: time.Second, Methods: map[string]MethodConfig{"get": {Idempotent: true}}})
		var wg sync.WaitGroup
		var good, late, timeouts, others atomic.Int64
		for range 8 {
			wg.Go(func() {
				for range 100 {
					begin := time.Now()
					res, err := cl.Invoke(t.Context(), call())
					took := time.Since(begin)
					switch {
					case err == nil && res.Value == "late":
						late.Add(1)
					case err == nil:
						good.Add(1)
					case isDeadline(err) && took == time.Second:
						timeouts.Add(1)
					default:
						others.Add(1)
						t.Errorf("%v after %v", err, took)
					}
				}
			})
		}
		wg.Wait()
		if good.Load() < 600 || timeouts.Load() > 100 {
			t.Errorf("%d good, %d late, %d timeouts, %d others", good.Load(), late.Load(), timeouts.Load(), others.Load())
		}
		_ = cl.Close()
		_ = d.pool.Close()
	})
}

func TestNoCallIsTriedTwiceAtOneAddressWhileOthersAreLeft(t *testing.T) {
	t.Parallel()
	for name := range balances() {
		d := network(t, 40)
		for i, h := range d.all {
			h.fails(notRun())
			h.leaving.Store(i >= 6)
		}
		cl := d.cluster(Config{LoadBalance: name, Retries: new(39)})
		_, err := cl.Invoke(t.Context(), call("x"))
		for _, h := range d.all {
			if n := h.calls.Load(); n != 1 {
				t.Errorf("%s: %d tries at %s", name, n, h.name)
			}
		}
		if err == nil || !strings.Contains(err.Error(), fmt.Sprint(40)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
