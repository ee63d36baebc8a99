package activator

import (
	"math/bits"
	"slices"
	"strings"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/dubbofn/dubbofn/invoker/dubbo"
)

// The bounds of what is remembered of one function.
const (
	maxCallers      = 256 // connections of consumers
	maxHeard        = 64  // processes that answered
	maxApplication  = 128 // bytes of a consumer's name
	callerForgotten = 5 * time.Minute
	callersSwept    = 10 * time.Second // how often they are looked through
	heardForgotten  = 10 * time.Second
)

// tally is what a function's calls came to since the last sample, and who they came from. It is guarded by the sleeper's mu, which whoever
// takes or ends a call holds anyway: it costs them no lock, and no allocation.
type tally struct {
	calls, failed, wakes uint32
	most                 int // parked at once
	latency              histogram
	callers              map[string]*caller
	swept                time.Time // when callers were last looked through
	others               uint64    // calls of more callers than are remembered
	heard                []heard   // the last first
}

// ended counts calls that the function did not answer: refused here, or left by their consumer. It has no lock.
type ended struct{ here atomic.Uint32 }

// caller is a consumer's connection.
type caller struct {
	app   string // as it calls itself
	calls uint64
	last  time.Time
}

// heard is a process that answered.
type heard struct {
	instance string
	last     time.Time
}

func (t *tally) called(f *dubbo.Frame, now time.Time) {
	c := t.callers[f.Caller()]
	if c == nil {
		if len(t.callers) >= maxCallers {
			t.others++
			return
		}
		if t.callers == nil {
			t.callers = map[string]*caller{}
		}
		c = &caller{app: printable(f.Application())}
		t.callers[f.Caller()] = c
	}
	c.calls++
	c.last = now
}

// printable is what a consumer calls itself, fit to be shown.
func printable(name []byte) string {
	name = name[:min(len(name), maxApplication)]
	if !utf8.Valid(name) {
		return ""
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, string(name))
}

func (t *tally) answered(now time.Time, took time.Duration, o outcome) {
	t.calls++
	if o.failed {
		t.failed++
	}
	t.latency.add(took)
	if o.instance == "" {
		return
	}
	for i := range t.heard {
		if t.heard[i].instance == o.instance {
			t.heard[i].last = now
			return
		}
	}
	if len(t.heard) < maxHeard {
		t.heard = append(t.heard, heard{o.instance, now})
	}
}

// gone drops a process that has ended its connection, and so itself.
func (t *tally) gone(instance string) {
	t.heard = slices.DeleteFunc(t.heard, func(h heard) bool { return h.instance == instance })
}

// forget drops who was not heard of for a while.
func (t *tally) forget(now time.Time) {
	t.heard = slices.DeleteFunc(t.heard, func(h heard) bool { return now.Sub(h.last) > heardForgotten })
	if now.Sub(t.swept) < callersSwept {
		return
	}
	t.swept = now
	for at, c := range t.callers {
		if now.Sub(c.last) > callerForgotten {
			delete(t.callers, at)
		}
	}
}

// subBits: each power of two of microseconds has 1<<subBits buckets, so that a value is off by an eighth at most.
const (
	subBits    = 2
	maxLatency = 1<<27 - 1 // µs; longer counts as that
	buckets    = (27 - subBits + 1) << subBits
)

// histogram counts how long calls took.
type histogram [buckets]uint32

func (h *histogram) add(d time.Duration) { h[bucketOf(d)]++ }

func bucketOf(d time.Duration) int {
	us := uint64(min(max(d.Microseconds(), 0), maxLatency))
	if us < 1<<subBits {
		return int(us)
	}
	e := bits.Len64(us) - 1 - subBits
	return (e+1)<<subBits + int(us>>e)&(1<<subBits-1)
}

// middleOf gives the middle of a bucket in microseconds.
func middleOf(bucket int) uint32 {
	if bucket < 1<<subBits {
		return uint32(bucket)
	}
	e := bucket>>subBits - 1
	return uint32(1<<subBits+bucket&(1<<subBits-1))<<e + 1<<e/2
}

// quantile gives about which microseconds a share of the calls took at most; 0 without calls.
func (h *histogram) quantile(share float64) uint32 {
	var n uint64
	for _, c := range h {
		n += uint64(c)
	}
	if n == 0 {
		return 0
	}
	rank := max(uint64(share*float64(n)+0.5), 1)
	for i, c := range h {
		if uint64(c) >= rank {
			return middleOf(i)
		}
		rank -= uint64(c)
	}
	return maxLatency
}
