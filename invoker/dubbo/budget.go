package dubbo

import "sync/atomic"

const defaultBudgetBytes = 256 << 20

// Budget bounds the bytes of frames that are being read or decoded at once, over all connections that share it. A frame's
// share is taken as its bytes arrive, whatever its header claims, and given back once its arguments have been decoded.
// Safe for concurrent use.
type Budget struct {
	limit int64
	used  atomic.Int64
}

// NewBudget gives a budget of so many bytes; 0 or less means 256 MiB.
func NewBudget(bytes int64) *Budget {
	if bytes <= 0 {
		bytes = defaultBudgetBytes
	}
	return &Budget{limit: bytes}
}

// Used is how many bytes are taken now.
func (b *Budget) Used() int64 { return b.used.Load() }

// Limit is how many bytes there are in all.
func (b *Budget) Limit() int64 { return b.limit }

// take draws n bytes, or none and false where fewer are left.
func (b *Budget) take(n int) bool {
	if b.used.Add(int64(n)) > b.limit {
		b.used.Add(-int64(n))
		return false
	}
	return true
}

func (b *Budget) give(n int) { b.used.Add(-int64(n)) }
