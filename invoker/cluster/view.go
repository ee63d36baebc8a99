package cluster

import (
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// view is providers that calls are shared out among, with what choosing needs worked out beforehand. It doesn't change, but
// for the balancers' own counters.
type view struct {
	providers []*Provider
	states    []*state        // theirs
	down      []atomic.Uint32 // a bit for each that took no call when it was last asked
	weights   []int32
	equal     bool    // all weights are the same
	sums      []int64 // of the weights up to and with each; nil where equal
	total     int64   // of the weights
	until     int64   // Unix nanoseconds when the weights are to be worked out again; 0: never
	ranks     *turns  // for roundrobin; else nil
	circle    ring    // for consistenthash
	renewing  atomic.Bool
	looking   sync.Mutex           // of those who look for the few
	few       atomic.Pointer[view] // of those that take calls, where many take none; see [view.takers]
	at        []int32              // of such a view: where its providers are in the whole one
	looked    atomic.Int64         // of such a view: when that was found, Unix nanoseconds
}

// weightsHold is how long weights that grow are taken as they are.
const weightsHold = time.Second

// newView works out the weights. before is the view that it takes the place of, or nil: round robin goes on from there.
func newView(method string, s *settings, providers []*Provider, now time.Time, before *view) *view {
	weights := make([]int32, len(providers))
	var until int64
	for i, p := range providers {
		weights[i] = int32(min(p.Weight(method, now), 1<<30))
		if stamp := number(p.Param("timestamp"), 0); stamp > 0 && now.UnixMilli()-int64(stamp) < int64(number(p.Param("warmup"), defaultWarmup)) {
			until = now.Add(weightsHold).UnixNano()
		}
	}
	v := weighView(providers, weights, s, before)
	v.until = until
	return v
}

// weighView makes a view of providers and their weights.
func weighView(providers []*Provider, weights []int32, s *settings, before *view) *view {
	v := &view{providers: providers, weights: weights, equal: true,
		states: make([]*state, len(providers)), down: make([]atomic.Uint32, (len(providers)+31)/32)}
	for i, p := range providers {
		v.states[i] = p.state
		v.total += int64(weights[i])
		v.equal = v.equal && weights[i] == weights[0]
	}
	if !v.equal {
		v.sums = make([]int64, len(providers))
		var sum int64
		for i, w := range weights {
			sum += int64(w)
			v.sums[i] = sum
		}
	}
	if s.inTurn {
		v.ranks = newTurns(weights, v.scoresAfter(before))
	}
	return v
}

// isDown tells whether a provider took no call when it was last asked. It is a hint that costs no look at the provider.
func (v *view) isDown(i int) bool { return v.down[i/32].Load()&(1<<(i%32)) != 0 }

func (v *view) setDown(i int, down bool) {
	if down {
		v.down[i/32].Or(1 << (i % 32))
	} else {
		v.down[i/32].And(^uint32(1 << (i % 32)))
	}
}

// find gives the index of a provider's present version among those that are sorted by address; -1 where there is none.
func find(sorted []*Provider, p *Provider) int {
	i, ok := slices.BinarySearchFunc(sorted, p.Address, func(o *Provider, a string) int { return strings.Compare(o.Address, a) })
	if ok && sorted[i].state == p.state {
		return i
	}
	return -1
}

// lookHold is how long the few that take calls are taken to be those.
const lookHold = 100 * time.Millisecond

// takers gives the view of those that take calls: one look at all of them every 100 ms, however many calls ask.
func (v *view) takers(s *settings) *view {
	now := time.Now().UnixNano()
	f := v.few.Load()
	if f != nil && now-f.looked.Load() < int64(lookHold) {
		return f
	}
	if f == nil {
		v.looking.Lock()
	} else if !v.looking.TryLock() {
		return f
	}
	defer v.looking.Unlock()
	if f = v.few.Load(); f != nil && now-f.looked.Load() < int64(lookHold) {
		return f
	}
	var at []int32
	for i, p := range v.providers {
		ready := p.Ready()
		if ready {
			at = append(at, int32(i))
		}
		if v.isDown(i) == ready {
			v.setDown(i, !ready)
		}
	}
	if f == nil || !slices.Equal(f.at, at) {
		f = v.only(at, s, f)
	}
	f.looked.Store(now)
	v.few.Store(f)
	return f
}

// only makes a view of some of the providers.
func (v *view) only(at []int32, s *settings, before *view) *view {
	providers, weights := make([]*Provider, len(at)), make([]int32, len(at))
	for n, i := range at {
		providers[n], weights[n] = v.providers[i], v.weights[i]
	}
	if before == nil {
		before = v
	}
	f := weighView(providers, weights, s, before)
	f.at = at
	return f
}

// random gives a number from 0 to n-1; the balancers draw by it, so that tests can say what is drawn.
type random func(n int64) int64

func draw(n int64) int64 { return rand.Int64N(n) }

// weighted draws by weight (Java: RandomLoadBalance.doSelect, 3.3.6; that one ignores all weights where the first provider
// tells neither weight nor timestamp, which would make a rule for one of the others do nothing).
func (v *view) weighted(r random) int {
	if v.equal || v.total <= 0 {
		return int(r(int64(len(v.providers))))
	}
	offset := r(v.total)
	lo, hi := 0, len(v.sums)-1
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if offset < v.sums[mid] {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return lo
}

// stale tells whether the weights are to be worked out again.
func (v *view) stale(now int64) bool { return v.until != 0 && now >= v.until }
