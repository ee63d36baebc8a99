package activator

import (
	"context"
	"time"

	"github.com/dubbofn/dubbofn/invoker/dubbo"
)

// stage is where a call is.
type stage uint8

const (
	parked stage = iota + 1
	sent         // it was given to a lane
	over
)

// call is one frame on its way.
type call struct {
	frame    *dubbo.Frame
	to       *sleeper
	size     int
	deadline time.Time
	end      time.Time // when it is answered with status 31
	place    int       // in the clock; −1: in none
	again    bool      // it may run twice
	own      bool      // its time is its consumer's own, not what is published
	trace    *traced   // nil: it isn't traced

	// Guarded by to.mu.
	stage      stage
	prev, next *call // among the parked
	ctx        context.Context
	cancel     context.CancelFunc // ends what it was sent by
	opening    int                // the last one of the platform's path when it was sent
	waking     bool               // it may be the first that a process gets: the ledger of its start is asked for
}

// The activator answers a little before the consumer's own wait ends, so that it hears the reason.
const (
	leadShare = 20 // a twentieth of the time
	maxLead   = 50 * time.Millisecond
)

func newCall(f *dubbo.Frame, to *sleeper, published time.Duration) *call {
	c := &call{frame: f, to: to, size: f.Size(), place: -1, deadline: f.Deadline(published)}
	if f.OneWay() { // nobody waits as long as it says, and nobody's going ends it
		c.deadline = f.Arrival().Add(published)
	}
	c.own = !c.deadline.Equal(f.Arrival().Add(published))
	c.end = c.deadline.Add(-min(c.deadline.Sub(f.Arrival())/leadShare, maxLead))
	return c
}

// queue is the parked calls of one function, first in first out.
type queue struct {
	first, last *call
	n, bytes    int
}

func (q *queue) push(c *call) {
	c.stage = parked
	if c.prev = q.last; c.prev == nil {
		q.first = c
	} else {
		c.prev.next = c
	}
	q.last = c
	q.n++
	q.bytes += c.size
}

// back puts a call that did not run where it came from.
func (q *queue) back(c *call) {
	c.stage = parked
	if c.next = q.first; c.next == nil {
		q.last = c
	} else {
		c.next.prev = c
	}
	q.first = c
	q.n++
	q.bytes += c.size
}

func (q *queue) remove(c *call) {
	if c.prev == nil {
		q.first = c.next
	} else {
		c.prev.next = c.next
	}
	if c.next == nil {
		q.last = c.prev
	} else {
		c.next.prev = c.prev
	}
	c.prev, c.next = nil, nil
	q.n--
	q.bytes -= c.size
}
