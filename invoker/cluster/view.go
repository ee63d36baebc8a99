package cluster

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// view is providers that calls are shared out among, with what choosing needs worked out beforehand. It doesn't change, but
// for the balancers' own counters.
type view struct {
	method    string
	providers []*Provider
	states    []*state        // theirs
	down      []atomic.Uint32 // a bit for each that took no call when it was last asked
	weights   []int32
	equal     bool    // all weights are the same
	sums      []int64 // of the weights up to and with each; nil where equal
	total     int64   // of the weights
	until     int64   // Unix nanoseconds when the weights are to be worked out again; 0: never
	ranks     *turns  // for roundrobin
	circle    ring    // for consistenthash
	renewing  atomic.Bool
}

// weightsHold is how long weights that grow are taken as they are.
const weightsHold = time.Second

// newView works out the weights. turn is how many choices the view before it has made.
func newView(method string, providers []*Provider, now time.Time, turn uint64) *view {
	v := &view{method: method, providers: providers, weights: make([]int32, len(providers)), equal: true,
		states: make([]*state, len(providers)), down: make([]atomic.Uint32, (len(providers)+31)/32)}
	for i, p := range providers {
		w := p.Weight(method, now)
		v.states[i] = p.state
		v.weights[i] = int32(min(w, 1<<30))
		v.total += int64(v.weights[i])
		v.equal = v.equal && v.weights[i] == v.weights[0]
		if stamp := number(p.Param("timestamp"), 0); stamp > 0 && now.UnixMilli()-int64(stamp) < int64(number(p.Param("warmup"), defaultWarmup)) {
			v.until = now.Add(weightsHold).UnixNano()
		}
	}
	if !v.equal {
		v.sums = make([]int64, len(providers))
		var sum int64
		for i, w := range v.weights {
			sum += int64(w)
			v.sums[i] = sum
		}
	}
	v.ranks = newTurns(v.weights, turn)
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

// random gives a number from 0 to n-1; the balancers draw by it, so that tests can say what is drawn.
type random func(n int64) int64

func draw(n int64) int64 { return rand.Int64N(n) }

// weighted draws by weight (Java: RandomLoadBalance.doSelect, 3.3.6).
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

// turns is smooth weighted round robin (Java: RoundRobinLoadBalance, 3.3.6): at every turn each provider's score grows by its
// weight, the first with the highest score is taken, and its score falls by the sum of the weights.
//
// Among providers of equal weight that comes to a queue in their order. So only one score a weight is worked out, whatever
// the number of providers.
type turns struct {
	mu     sync.Mutex
	turn   int64
	total  int64
	groups []group
}

// group is the providers of one weight.
type group struct {
	weight  int64
	members []int32 // indexes, rising
	taken   int64   // how often one was
}

func newTurns(weights []int32, begin uint64) *turns {
	t := &turns{}
	at := map[int32]int{}
	for i, w := range weights {
		n, ok := at[w]
		if !ok {
			n = len(t.groups)
			at[w] = n
			t.groups = append(t.groups, group{weight: int64(w)})
		}
		t.groups[n].members = append(t.groups[n].members, int32(i))
		t.total += int64(w)
	}
	if len(t.groups) == 1 { // goes on where the view before it was
		t.groups[0].taken = int64(begin % uint64(max(len(weights), 1)))
		t.turn = t.groups[0].taken
	}
	return t
}

func (t *turns) next() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.turn++
	best, score, index := 0, int64(0), int32(0)
	for i := range t.groups {
		g := &t.groups[i]
		n := int64(len(g.members))
		head := g.members[g.taken%n]
		s := t.turn*g.weight - g.taken/n*t.total
		if i == 0 || s > score || s == score && head < index {
			best, score, index = i, s, head
		}
	}
	t.groups[best].taken++
	return int(index)
}

// taken is how many choices were made.
func (t *turns) made() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return uint64(t.turn)
}
