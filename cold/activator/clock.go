package activator

import (
	"container/heap"
	"context"
	"sync"
	"time"
)

// clock ends calls whose time is up: one timer for all of them.
type clock struct {
	mu    sync.Mutex
	calls calls
	wake  chan struct{} // the earliest has changed
}

func newClock() *clock { return &clock{wake: make(chan struct{}, 1)} }

// set has c end at c.end.
func (k *clock) set(c *call) {
	k.mu.Lock()
	heap.Push(&k.calls, c)
	first := k.calls[0] == c
	k.mu.Unlock()
	if first {
		select {
		case k.wake <- struct{}{}:
		default:
		}
	}
}

// unset forgets c, which may be forgotten already.
func (k *clock) unset(c *call) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if c.place >= 0 {
		heap.Remove(&k.calls, c.place)
	}
}

// run tells of each call whose time is up, until ctx ends.
func (k *clock) run(ctx context.Context, end func(*call)) {
	t := time.NewTimer(time.Hour)
	defer t.Stop()
	for {
		c, wait := k.due(time.Now())
		if c != nil {
			end(c)
			continue
		}
		t.Reset(wait)
		select {
		case <-t.C:
		case <-k.wake:
		case <-ctx.Done():
			return
		}
	}
}

// due takes a call whose time is up, or says how long there is none.
func (k *clock) due(now time.Time) (*call, time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.calls) == 0 {
		return nil, time.Hour
	}
	if wait := k.calls[0].end.Sub(now); wait > 0 {
		return nil, wait
	}
	c, _ := heap.Pop(&k.calls).(*call)
	return c, 0
}

// calls is a heap by end.
type calls []*call

func (h calls) Len() int           { return len(h) }
func (h calls) Less(i, j int) bool { return h[i].end.Before(h[j].end) }

func (h calls) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i, j
}

func (h *calls) Push(x any) {
	c, _ := x.(*call)
	c.place = len(*h)
	*h = append(*h, c)
}

func (h *calls) Pop() any {
	n := len(*h) - 1
	c := (*h)[n]
	(*h)[n] = nil
	*h = (*h)[:n]
	c.place = -1
	return c
}
