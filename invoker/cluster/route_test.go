package cluster

import (
	"fmt"
	"testing"

	"github.com/dubbofn/dubbofn/invoker"
)

// parting shares the providers out: each gets a share of its own, weighed by its place.
type parting struct{}

func (parting) AppendKey(key []byte, _ *invoker.Invocation) []byte { return key }

func (parting) Route(_ *invoker.Invocation, in []*Provider) []Share {
	var all []Share
	for i := range in {
		all = append(all, Share{Weight: i + 1, Providers: in[i : i+1]})
	}
	return all
}

// halves parts them in two.
type halves struct{ parting }

func (halves) Route(_ *invoker.Invocation, in []*Provider) []Share {
	return []Share{{Weight: 1, Providers: in[:len(in)/2]}, {Weight: 3, Providers: in[len(in)/2:]}}
}

func TestCallsArePartedByTheSharesOfOneRouterAfterAnother(t *testing.T) {
	t.Parallel()
	d := network(t, 4)
	d.snap.Store(&Snapshot{Providers: d.snap.Load().Providers, Routers: []Router{halves{}, parting{}}})
	cl := d.cluster(Config{})
	const calls = 12000
	for range calls {
		if _, err := cl.Invoke(t.Context(), call()); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []int64{calls / 12, calls / 6, calls / 4, calls / 2} { // 1/4 × 1/3, 1/4 × 2/3, 3/4 × 1/3, 3/4 × 2/3
		if got := d.all[i].calls.Load(); got < want*8/10 || got > want*12/10 {
			t.Errorf("provider %d got %d calls, want about %d", i, got, want)
		}
	}
}

// TestRoundRobinGoesOnBehindPartedCalls: a new list of providers is no new beginning for those who stay.
func TestRoundRobinGoesOnBehindPartedCalls(t *testing.T) {
	t.Parallel()
	d := network(t, 4)
	all := d.snap.Load().Providers
	d.snap.Store(&Snapshot{Providers: all, Routers: []Router{halves{}}})
	cl := d.cluster(Config{LoadBalance: "roundrobin"})
	cl.rand = drawn(3) // the second half
	var taken []string
	for range 4 {
		res, err := cl.Invoke(t.Context(), call())
		if err != nil {
			t.Fatal(err)
		}
		taken = append(taken, res.Value.(string))
		d.snap.Store(&Snapshot{Providers: all, Routers: []Router{halves{}}})
	}
	if a, b := d.all[2].name, d.all[3].name; fmt.Sprint(taken) != fmt.Sprint([]string{a, b, a, b}) {
		t.Errorf("taken %v, want %s and %s in turn", taken, a, b)
	}
}

func TestPartedRoutesAreBounded(t *testing.T) {
	t.Parallel()
	d := network(t, 256)
	d.snap.Store(&Snapshot{Providers: d.snap.Load().Providers, Routers: []Router{halves{}, halves{}, halves{}, halves{}, halves{}, halves{}, halves{}, parting{}}})
	cl := d.cluster(Config{})
	for range 4000 { // there are 511 routes
		if _, err := cl.Invoke(t.Context(), call()); err != nil {
			t.Fatal(err)
		}
	}
	var nodes func(r *route) int
	nodes = func(r *route) int {
		n := 1
		for i := range r.ways {
			if next := r.ways[i].next.Load(); next != nil {
				n += nodes(next)
			}
		}
		return n
	}
	for _, m := range *cl.plan.Load().methods.Load() {
		for _, r := range *m.routed.Load() {
			if n := nodes(r); n != maxRoutes+1 {
				t.Errorf("%d routes are kept, want %d", n, maxRoutes+1)
			}
		}
	}
}
