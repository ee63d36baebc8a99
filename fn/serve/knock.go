package serve

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// The headers of a knock: a POST to the lane with no frame in it, whose only purpose is that the platform starts a process, and then counts
// it as busy. Its answer's headers say that the platform's path is open; its body ends when no early lane needs the process any more, or, where the
// activator asks for it, only when that lets it go: the calls that it stands for may be with another process.
const (
	headerKnock = "Dubbofn-Knock"
	headerHold  = "Dubbofn-Hold" // seconds for which the body may be held
	// headerSnapshot asks for the snapshot of this process.
	headerSnapshot = "Dubbofn-Snapshot"
	headerRefused  = "Dubbofn-Refused" // as the lane has it

	knockHold = "hold" // a knock that the activator lets go
)

const (
	// knockGrace is how long a knock waits for the early lane's first call: the two come by different ways.
	knockGrace = 200 * time.Millisecond
	// maxKnocks bounds the knocks that are held. An activator holds 100 at most.
	maxKnocks = 2048
)

// laneCalls counts the calls that early lanes brought, since the platform can't.
type laneCalls struct {
	knocks atomic.Int64

	mu      sync.Mutex
	running int
	had     bool
	change  chan struct{} // closed when had becomes true and whenever running becomes 0
}

func newLaneCalls() *laneCalls { return &laneCalls{change: make(chan struct{})} }

// count gives h with its calls counted: not what asks for the snapshot, since nobody waits for that.
func (c *laneCalls) count(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.Header[headerSnapshot]) == 0 {
			c.add(1)
			defer c.add(-1)
		}
		h.ServeHTTP(w, r)
	})
}

func (c *laneCalls) add(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	first := !c.had
	c.had = true
	if c.running += n; first || c.running == 0 {
		close(c.change)
		c.change = make(chan struct{})
	}
}

// over returns once no call of an early lane runs, and not before there was one or grace is over; or when ctx ends.
func (c *laneCalls) over(ctx context.Context, grace time.Duration) {
	patience := time.NewTimer(grace)
	defer patience.Stop()
	graced := grace <= 0
	for {
		c.mu.Lock()
		done, change := c.running == 0 && (c.had || graced), c.change
		c.mu.Unlock()
		if done {
			return
		}
		select {
		case <-change:
		case <-patience.C:
			graced = true
		case <-ctx.Done():
			return
		}
	}
}

// aside answers what comes down the lane and is no call.
func (f *function) aside(w http.ResponseWriter, r *http.Request) bool {
	switch {
	case len(r.Header[headerKnock]) > 0:
		f.knock(w, r)
	case len(r.Header[headerSnapshot]) > 0:
		f.giveSnapshot(w)
	default:
		return false
	}
	return true
}

func (f *function) knock(w http.ResponseWriter, r *http.Request) {
	defer f.calls.knocks.Add(-1)
	if f.calls.knocks.Add(1) > maxKnocks {
		refuse(w, "full", "too many knocks are held")
		return
	}
	select {
	case <-f.isReady:
	case <-f.leaving:
	case <-r.Context().Done():
		return
	}
	select {
	case <-f.leaving:
		refuse(w, "drained", "this process ends")
		return
	default:
	}
	w.Header().Set(headerHold, strconv.Itoa(int(f.config.Hold/time.Second)))
	w.WriteHeader(http.StatusOK)
	if http.NewResponseController(w).Flush() != nil {
		return // the activator is gone
	}
	ctx, cancel := context.WithTimeout(r.Context(), f.config.Hold)
	defer cancel()
	if r.Header.Get(headerKnock) == knockHold {
		select {
		case <-ctx.Done():
		case <-f.leaving: // the platform ends it already
		}
	}
	grace := knockGrace
	if f.early == nil {
		grace = 0
	}
	f.calls.over(ctx, grace)
}

func refuse(w http.ResponseWriter, word, why string) {
	w.Header().Set(headerRefused, word)
	http.Error(w, why, http.StatusServiceUnavailable)
}
