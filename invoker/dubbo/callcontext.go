package dubbo

import (
	"context"
	"sync"
	"time"
)

// callContext is the context of one call: its parent's, with a deadline and an end. The timer and the channel are made only
// when somebody asks for Done, which most functions never do.
type callContext struct {
	parent   context.Context
	deadline time.Time // zero: none

	mu       sync.Mutex
	inner    context.Context
	cancel   context.CancelFunc
	finished bool
}

// Deadline gives the call's deadline.
func (c *callContext) Deadline() (time.Time, bool) {
	if c.deadline.IsZero() {
		return c.parent.Deadline()
	}
	return c.deadline, true
}

func (c *callContext) Done() <-chan struct{} { return c.real().Done() }

func (c *callContext) Err() error {
	c.mu.Lock()
	plain := c.inner == nil && !c.finished && (c.deadline.IsZero() || time.Now().Before(c.deadline))
	c.mu.Unlock()
	if plain && c.parent.Err() == nil {
		return nil
	}
	return c.real().Err()
}

func (c *callContext) Value(key any) any {
	c.mu.Lock()
	inner := c.inner
	c.mu.Unlock()
	if inner != nil {
		// The standard library's own: a context derived from this one finds its parent here, and needs no goroutine.
		return inner.Value(key)
	}
	return c.parent.Value(key)
}

func (c *callContext) real() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inner == nil {
		if c.deadline.IsZero() {
			c.inner, c.cancel = context.WithCancel(c.parent)
		} else {
			c.inner, c.cancel = context.WithDeadline(c.parent, c.deadline)
		}
		if c.finished {
			c.cancel()
		}
	}
	return c.inner
}

// finish ends the context when the call is over.
func (c *callContext) finish() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.finished = true
	if c.cancel != nil {
		c.cancel()
	}
}
