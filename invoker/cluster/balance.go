package cluster

import (
	"time"

	"github.com/dubbofn/dubbofn/invoker"
)

// balance chooses the provider of a call by its index in the view, which is not empty. The n-th choice of the same call is
// wanted when those before it can't be used.
type balance func(v *view, s *settings, inv *invoker.Invocation, n int, r random) int

// balances are the load balancers by Dubbo's names for them.
func balances() map[string]balance {
	return map[string]balance{
		"random":           byWeight,
		"roundrobin":       byTurn,
		"leastactive":      byActive,
		"shortestresponse": byResponse,
		"consistenthash":   byHash,
		"p2c":              byTwoChoices,
	}
}

func byWeight(v *view, _ *settings, _ *invoker.Invocation, _ int, r random) int { return v.weighted(r) }

func byTurn(v *view, _ *settings, _ *invoker.Invocation, _ int, _ random) int { return v.ranks.next() }

// Up to exact providers leastactive and shortestresponse look at all of them, as Java does. Of more they take the best of some
// that are drawn by weight, which is nearly as good, and costs the same whatever their number.
const (
	exact = 32
	some  = 6
)

// byActive takes the provider with the fewest calls under way (Java: LeastActiveLoadBalance, 3.3.6).
func byActive(v *view, _ *settings, _ *invoker.Invocation, _ int, r random) int {
	return v.lowest(r, func(s *state) int64 { return s.active.Load() })
}

// byResponse takes the provider that is likely to answer first (Java: ShortestResponseLoadBalance, 3.3.6).
func byResponse(v *view, _ *settings, _ *invoker.Invocation, _ int, r random) int {
	now := time.Now().UnixNano()
	return v.lowest(r, func(s *state) int64 { return s.estimate(now) })
}

// byTwoChoices draws two providers and takes the one that is the better choice by the calls under way and their time.
func byTwoChoices(v *view, _ *settings, _ *invoker.Invocation, _ int, r random) int {
	a, b := v.weighted(r), v.weighted(r)
	if a == b && len(v.providers) > 1 {
		b = (a + 1 + int(r(int64(len(v.providers)-1)))) % len(v.providers)
	}
	now := time.Now().UnixNano()
	if load(v.states[b], now) < load(v.states[a], now) {
		return b
	}
	return a
}

// load is a provider's estimate, and the calls under way where calls take no time that is worth counting.
func load(s *state, now int64) int64 {
	return s.estimate(now)<<20 + s.active.Load()
}

// lowest gives the provider with the lowest figure; among equals it draws by weight.
func (v *view) lowest(r random, figure func(*state) int64) int {
	if len(v.providers) > exact {
		return v.lowestOfSome(r, figure)
	}
	var equals [exact]int32
	n, best, total, same, up := 0, int64(0), int64(0), true, false
	for i, s := range v.states {
		ready := !v.isDown(i)
		f := figure(s)
		switch {
		case n == 0 || ready && !up || ready == up && f < best:
			n, best, total, same, up = 0, f, 0, true, ready
		case ready != up || f > best:
			continue
		}
		equals[n] = int32(i)
		n++
		total += int64(v.weights[i])
		same = same && v.weights[i] == v.weights[equals[0]]
	}
	if n == 1 {
		return int(equals[0])
	}
	if !same && total > 0 {
		offset := r(total)
		for _, i := range equals[:n] {
			if offset -= int64(v.weights[i]); offset < 0 {
				return int(i)
			}
		}
	}
	return int(equals[r(int64(n))])
}

func (v *view) lowestOfSome(r random, figure func(*state) int64) int {
	var drawn [some]int
	for i := range drawn { // first, so that the memory that they need is fetched at the same time
		drawn[i] = v.weighted(r)
	}
	at, best := -1, int64(0)
	for _, i := range drawn {
		if v.isDown(i) {
			continue
		}
		if f := figure(v.states[i]); at < 0 || f < best {
			at, best = i, f
		}
	}
	if at < 0 {
		return drawn[0]
	}
	return at
}
