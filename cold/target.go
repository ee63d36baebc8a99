package cold

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// State is what a [Target] is good for now.
type State uint8

// The states.
const (
	Idle    State = iota // not connected, and nobody has tried, or tries no more
	Dialing              // the first attempt is under way
	Ready                // connected, and takes work
	Leaving              // connected, but the peer announced that it is going
	Failing              // the last attempt failed, or the connection was lost and isn't back yet
)

// String gives the state's name.
func (s State) String() string {
	return [...]string{"idle", "dialing", "ready", "leaving", "failing"}[s]
}

// Target is the connections to one address. Safe for concurrent use.
type Target[C Conn] struct {
	pool    *Pool[C]
	address string
	ctx     context.Context // ends when the target is let go
	stop    context.CancelFunc
	live    atomic.Pointer[[]C] // those that are connected; replaced as a whole
	turn    atomic.Uint32
	state   atomic.Uint32 // Idle, Dialing, Ready or Failing; Leaving is seen from the connections
	idle    atomic.Bool   // nobody has used it since the last look

	mu       sync.Mutex
	holders  int           // guarded by the pool's lock
	released bool          // nothing more is begun
	running  int           // slots at work
	attempts int           // attempts that have ended
	failure  error         // of the last attempt
	failed   time.Time     // when that was
	changed  chan struct{} // closed when an attempt ends
	kick     chan struct{} // cuts a pause between attempts short; replaced when closed
	again    chan struct{} // closed by renew
}

func newTarget[C Conn](p *Pool[C], address string) *Target[C] {
	t := &Target[C]{pool: p, address: address, changed: make(chan struct{}), kick: make(chan struct{}), again: make(chan struct{})}
	t.ctx, t.stop = context.WithCancel(p.ctx)
	return t
}

// Address is what is dialled.
func (t *Target[C]) Address() string { return t.address }

// Conn gives a connection that takes work, the next in turn where there are several; false when there is none now.
// It takes no lock and allocates nothing.
func (t *Target[C]) Conn() (c C, ok bool) {
	live := t.live.Load()
	if live == nil {
		return c, false
	}
	if t.idle.Load() {
		t.idle.Store(false)
	}
	if len(*live) == 1 {
		c = (*live)[0]
		return c, c.Available()
	}
	n := t.turn.Add(1)
	for i := range uint32(len(*live)) {
		if c = (*live)[(n+i)%uint32(len(*live))]; c.Available() {
			return c, true
		}
	}
	return c, false
}

// Ready tells whether there is a connection that takes work. It takes no lock and allocates nothing.
func (t *Target[C]) Ready() bool {
	live := t.live.Load()
	if live == nil {
		return false
	}
	for _, c := range *live {
		if c.Available() {
			return true
		}
	}
	return false
}

// State tells what the target is good for now.
func (t *Target[C]) State() State {
	if t.Ready() {
		return Ready
	}
	if t.live.Load() != nil {
		return Leaving
	}
	return State(t.state.Load())
}

// Get gives a connection: one that takes work, else one whose peer is going, else the first that the attempt under way makes.
// An attempt is begun where there is none, shared by all who wait, and goes on when they leave. Its failure is theirs too, and
// that of those who ask within PoolConfig.BackoffMin.
func (t *Target[C]) Get(ctx context.Context) (C, error) {
	if c, ok := t.any(); ok {
		return c, nil
	}
	var none C
	t.mu.Lock()
	if t.released {
		t.mu.Unlock()
		return none, fmt.Errorf("connect to %s: %w", t.address, ErrClosed)
	}
	if t.running > 0 && t.failure != nil && time.Since(t.failed) < t.pool.cfg.BackoffMin {
		defer t.mu.Unlock()
		return none, t.failure
	}
	t.start(ctx, false)
	close(t.kick)
	t.kick = make(chan struct{})
	seen, changed := t.attempts, t.changed
	t.mu.Unlock()
	for {
		// Only now, with changed in hand: an attempt that ended since the last look would otherwise be waited for in vain.
		if c, ok := t.any(); ok {
			return c, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return none, fmt.Errorf("connect to %s: %w", t.address, context.Cause(ctx))
		}
		t.mu.Lock()
		failure, attempts := t.failure, t.attempts
		changed = t.changed
		t.mu.Unlock()
		if attempts > seen && failure != nil {
			if c, ok := t.any(); ok {
				return c, nil
			}
			return none, failure
		}
	}
}

// any gives a connection that takes work, else one that lives.
func (t *Target[C]) any() (c C, ok bool) {
	if c, ok = t.Conn(); ok {
		return c, true
	}
	if live := t.live.Load(); live != nil {
		for _, c = range *live {
			select {
			case <-c.Done():
			default:
				return c, true
			}
		}
	}
	return c, false
}

// Warm begins to connect, in the background, and keeps the address connected. It does not wait.
func (t *Target[C]) Warm() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.released {
		t.start(t.ctx, true)
	}
}

// Release gives the target back. With the last release its connections end, once what is in flight on them has ended.
func (t *Target[C]) Release() {
	p := t.pool
	p.mu.Lock()
	t.holders--
	last := t.holders == 0 && p.targets[t.address] == t
	if last {
		delete(p.targets, t.address)
	}
	p.mu.Unlock()
	if last {
		t.end()
	}
}

// end lets everything go. It does not wait.
func (t *Target[C]) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.released = true
	t.stop()
}

func (t *Target[C]) renew() {
	t.mu.Lock()
	defer t.mu.Unlock()
	close(t.again)
	t.again = make(chan struct{})
}

// start is called with the lock held; it sees to it that every slot is at work.
func (t *Target[C]) start(ctx context.Context, patient bool) {
	if t.running == 0 {
		t.failure = nil
		t.state.CompareAndSwap(uint32(Idle), uint32(Dialing))
	}
	values := context.WithoutCancel(ctx)
	for ; t.running < t.pool.cfg.PerAddress; t.running++ {
		s := &slot[C]{t: t, values: values, patient: patient, kick: t.kick}
		t.pool.wg.Go(s.run)
	}
}

// attempted notes how an attempt ended, and tells those who wait. It gives what the next caller in want of a connection closes.
func (t *Target[C]) attempted(err error) (kick <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.attempts++
	t.failure, t.failed = err, time.Now()
	if err != nil {
		t.state.Store(uint32(Failing))
	} else {
		t.state.Store(uint32(Ready))
		if !t.released {
			t.start(t.ctx, true) // those that gave up
		}
	}
	t.tell()
	return t.kick
}

func (t *Target[C]) tell() {
	close(t.changed)
	t.changed = make(chan struct{})
}

// add and remove change the connections that are given away.
func (t *Target[C]) add(c C) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var next []C
	if live := t.live.Load(); live != nil {
		next = append(next, *live...)
	}
	next = append(next, c)
	t.live.Store(&next)
	t.pool.open.Add(1)
	t.tell()
}

func (t *Target[C]) remove(c C) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var next []C
	for _, o := range *t.live.Load() {
		if any(o) != any(c) {
			next = append(next, o)
		}
	}
	if next == nil {
		t.live.Store(nil)
		t.state.Store(uint32(Failing))
	} else {
		t.live.Store(&next)
	}
}
