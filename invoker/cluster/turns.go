package cluster

import (
	"cmp"
	"slices"
	"strings"
	"sync"
)

// turns is smooth weighted round robin (Java: RoundRobinLoadBalance, 3.3.6): at every turn each provider's score grows by its
// weight, the first with the highest score is taken, and its score falls by the sum of the weights.
//
// Providers of equal weight grow alike, so among them the highest stays the highest until it is taken, and then it is the last:
// they are a queue. Only the head of each queue is looked at, whatever the number of providers.
type turns struct {
	mu     sync.Mutex
	turn   int64
	total  int64
	groups []group
}

// group is the providers of one weight: the queue begins at head and goes round.
type group struct {
	weight int64
	queue  []place
	head   int
}

// place is a provider in the queue. Its score is base + turn × weight.
type place struct {
	base  int64
	index int32
}

// before tells whether a provider's turn comes before another's of the same weight.
func (p place) before(o place) bool { return p.base > o.base || p.base == o.base && p.index < o.index }

// newTurns begins with the scores that are given, else with 0 for all.
func newTurns(weights []int32, scores []int64) *turns {
	t := &turns{}
	at := map[int32]int{}
	for i, w := range weights {
		n, ok := at[w]
		if !ok {
			n = len(t.groups)
			at[w] = n
			t.groups = append(t.groups, group{weight: int64(w)})
		}
		p := place{index: int32(i)}
		if scores != nil {
			p.base = scores[i]
		}
		t.groups[n].queue = append(t.groups[n].queue, p)
		t.total += int64(w)
	}
	if t.total == 0 && len(t.groups) == 1 { // Java takes the first for ever; we take turns
		t.groups[0].weight, t.total = 1, int64(len(weights))
	}
	for _, g := range t.groups {
		slices.SortFunc(g.queue, func(a, b place) int { return cmp.Or(cmp.Compare(b.base, a.base), cmp.Compare(a.index, b.index)) })
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
		head := g.queue[g.head]
		if s := head.base + t.turn*g.weight; i == 0 || s > score || s == score && head.index < index {
			best, score, index = i, s, head.index
		}
	}
	t.groups[best].take(t.total)
	return int(index)
}

// take puts the head of the queue where it belongs now: at the end, but for scores that come from another list.
func (g *group) take(total int64) {
	n := len(g.queue)
	i := g.head
	g.queue[i].base -= total
	if g.head++; g.head == n {
		g.head = 0
	}
	for i != g.head {
		ahead := i - 1
		if ahead < 0 {
			ahead = n - 1
		}
		if !g.queue[i].before(g.queue[ahead]) {
			break
		}
		g.queue[i], g.queue[ahead] = g.queue[ahead], g.queue[i]
		i = ahead
	}
}

// scores gives each provider's score by its index.
func (t *turns) scores(n int) []int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := make([]int64, n)
	for _, g := range t.groups {
		for _, p := range g.queue {
			all[p.index] = p.base + t.turn*g.weight
		}
	}
	return all
}

// scoresAfter gives the scores that providers bring with them from another view: who is new there, or whose weight has
// changed, begins with 0, as in Java.
func (v *view) scoresAfter(before *view) []int64 {
	if before == nil || before.ranks == nil {
		return nil
	}
	old := before.ranks.scores(len(before.providers))
	scores := make([]int64, len(v.providers))
	at := 0
	for i, p := range v.providers { // both are sorted by address
		for at < len(old) && strings.Compare(before.providers[at].Address, p.Address) < 0 {
			at++
		}
		if at < len(old) && before.states[at] == p.state && before.weights[at] == v.weights[i] {
			scores[i] = old[at]
		}
	}
	return scores
}
