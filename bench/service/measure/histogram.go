package measure

import (
	"math/bits"
	"time"
)

// subBuckets is how many buckets each power of two has: a value is known to 1/64 of itself.
const subBuckets = 64

// Histogram counts durations in buckets that grow with the value. The zero value is empty. Not safe for concurrent use.
type Histogram struct {
	counts [subBuckets * 40]uint64
	total  uint64
	max    time.Duration
}

// Record counts one duration; what is below zero counts as zero, what is over 18 minutes as 18 minutes.
func (h *Histogram) Record(d time.Duration) {
	h.counts[min(bucket(d), len(h.counts)-1)]++
	h.total++
	h.max = max(h.max, d)
}

// Merge adds the counts of other.
func (h *Histogram) Merge(other *Histogram) {
	for i, n := range other.counts {
		h.counts[i] += n
	}
	h.total += other.total
	h.max = max(h.max, other.max)
}

// Quantile gives the duration that the share q of all is not above, 0 when nothing was recorded.
func (h *Histogram) Quantile(q float64) time.Duration {
	rank := uint64(q * float64(h.total))
	var seen uint64
	for i, n := range h.counts {
		if seen += n; n > 0 && seen > rank {
			return min(upper(i), h.max)
		}
	}
	return h.max
}

// bucket gives values below 2 × subBuckets a bucket each, and the others one by their leading bits.
func bucket(d time.Duration) int {
	v := uint64(max(d, 0))
	shift := max(bits.Len64(v)-bits.Len64(2*subBuckets-1), 0)
	return shift*subBuckets + int(v>>shift)
}

// upper is the largest duration of a bucket.
func upper(i int) time.Duration {
	if i < 2*subBuckets {
		return time.Duration(i)
	}
	shift := i/subBuckets - 1
	return time.Duration((uint64(i%subBuckets+subBuckets)+1)<<shift - 1)
}
