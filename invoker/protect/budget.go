package protect

import (
	"sync/atomic"
	"time"

	"github.com/failsafe-go/failsafe-go/ratelimiter"
)

// Budget is a cluster.RetryBudget: it allows retries as a share of the calls, so that providers that fail under their load don't get a
// multiple of it, and some a second for services that are seldom called. Safe for concurrent use.
//
// failsafe-go has a budget as well, of the calls in flight at one moment; that one belongs to its own retries, which know nothing of
// idempotent methods or other providers.
type Budget struct {
	percent int64
	saved   atomic.Int64 // in hundredths of a retry
	floor   ratelimiter.RateLimiter[any]
}

const (
	retryFloor = 10   // a second
	retrySaved = 1000 // retries that were not used, at most
)

// NewBudget makes a budget of so many retries in a hundred calls, beside 10 a second. It begins with 1000 to spare, and keeps as many that
// were not used.
func NewBudget(percent int) *Budget {
	b := &Budget{percent: int64(percent), floor: ratelimiter.NewBursty[any](retryFloor, time.Second)}
	b.saved.Store(retrySaved * 100)
	return b
}

// Call notes that a call begins.
func (b *Budget) Call() {
	for {
		now := b.saved.Load()
		if now >= retrySaved*100 || b.saved.CompareAndSwap(now, min(retrySaved*100, now+b.percent)) {
			return
		}
	}
}

// Retry tells whether a call may be tried once more.
func (b *Budget) Retry() bool {
	for {
		now := b.saved.Load()
		if now < 100 {
			return b.floor.TryAcquirePermit()
		}
		if b.saved.CompareAndSwap(now, now-100) {
			return true
		}
	}
}
