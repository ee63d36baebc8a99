// Package leases keeps short claims alive while whoever made them lives: they are renewed until they are given up, or until the time is over that they were
// made for. A process that dies takes its claims with it within the short time.
package leases

import (
	"context"
	"sync"
	"time"
)

// Keeper is made with [New]. Safe for concurrent use.
type Keeper struct {
	end  context.CancelFunc
	done chan struct{}

	mu     sync.Mutex
	claims map[*claim]struct{}
}

type claim struct {
	until time.Time
	renew func(ctx context.Context) error
}

// New renews all claims every so often, until Close. ctx gives its values.
func New(ctx context.Context, every time.Duration) *Keeper {
	ctx, end := context.WithCancel(context.WithoutCancel(ctx))
	k := &Keeper{end: end, done: make(chan struct{}), claims: map[*claim]struct{}{}}
	go k.run(ctx, every)
	return k
}

// Keep has a claim renewed for so long at most. The returned function ends that; it doesn't wait for a renewal under way. A renewal that fails is tried
// again with the next ones.
func (k *Keeper) Keep(most time.Duration, renew func(ctx context.Context) error) (end func()) {
	c := &claim{until: time.Now().Add(most), renew: renew}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.claims[c] = struct{}{}
	return func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		delete(k.claims, c)
	}
}

func (k *Keeper) run(ctx context.Context, every time.Duration) {
	defer close(k.done)
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-t.C:
			k.renew(ctx, now, every)
		}
	}
}

// renew renews what is there side by side: one at a time, many claims would take longer than they last.
func (k *Keeper) renew(ctx context.Context, now time.Time, within time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	var all sync.WaitGroup
	k.mu.Lock()
	for c := range k.claims {
		if now.After(c.until) {
			delete(k.claims, c)
			continue
		}
		all.Go(func() { _ = c.renew(ctx) }) // if it goes on failing, the claim ends
	}
	k.mu.Unlock()
	all.Wait()
}

// Close ends the renewals, and waits for them. It is idempotent.
func (k *Keeper) Close() {
	k.end()
	<-k.done
}
