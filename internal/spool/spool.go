// Package spool holds what is on its way to a backend that may be slow or away. It is bounded in number and in bytes, never blocks whoever puts something
// in, sends in batches from one goroutine, tries again with growing pauses, and counts what it drops.
package spool

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Config says how a [Spool] sends. Zero limits mean the defaults.
type Config[T any] struct {
	Name string // what begins its log lines
	// Send hands a batch over; nil: all of it was taken. What failed is tried again as long as it takes; where Refused says that the batch itself may be
	// at fault, three times.
	Send    func(ctx context.Context, batch []T) error
	Refused func(error) bool
	Weigh   func(T) (spans, bytes int)
	Log     *slog.Logger

	Max        int           // things that may wait; 0: 16384
	MaxBytes   int           // their weight; 0: 16 MiB
	Batch      int           // things sent at once; 0: 512
	BatchBytes int           // their weight; 0: 1 MiB; one that is heavier goes alone
	Linger     time.Duration // how long a batch waits for more; 0: 200 ms
	Timeout    time.Duration // of one Send; 0: 15 s
}

// Stats counts spans, which is what Weigh says.
type Stats struct {
	Sent, Dropped int64
	Queued        int
}

// Spool is made by [New] and ended by [Spool.Close]. Safe for concurrent use.
type Spool[T any] struct {
	c      Config[T]
	cancel context.CancelFunc
	done   chan struct{}
	wake   chan struct{} // room for one

	mu       sync.Mutex
	queue    []entry[T] // the first may be on their way; they leave it when they were taken
	bytes    int
	put, out int64         // things that were put in, and those of them that were sent or dropped
	progress chan struct{} // closed and made anew when out grows
	flushing int           // how many wait in Flush
	closed   bool
	stats    Stats
}

type entry[T any] struct {
	v            T
	spans, bytes int
}

// New begins to send, within ctx.
func New[T any](ctx context.Context, c Config[T]) *Spool[T] {
	c.Max, c.MaxBytes = or(c.Max, 16<<10), or(c.MaxBytes, 16<<20)
	c.Batch, c.BatchBytes = or(c.Batch, 512), or(c.BatchBytes, 1<<20)
	c.Linger, c.Timeout = or(c.Linger, 200*time.Millisecond), or(c.Timeout, 15*time.Second)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s := &Spool[T]{c: c, done: make(chan struct{}), wake: make(chan struct{}, 1), progress: make(chan struct{})}
	ctx, s.cancel = context.WithCancel(ctx) //nolint:gosec // G118: Close calls it
	go s.run(ctx)
	return s
}

func or[N int | time.Duration](n, otherwise N) N {
	if n == 0 {
		return otherwise
	}
	return n
}

// Put adds a thing. Where there is no room, or after Close, it drops and counts it. It never blocks.
func (s *Spool[T]) Put(v T) {
	spans, bytes := s.c.Weigh(v)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || len(s.queue) >= s.c.Max || s.bytes+bytes > s.c.MaxBytes {
		s.stats.Dropped += int64(spans)
		return
	}
	s.queue = append(s.queue, entry[T]{v, spans, bytes})
	s.put++
	s.bytes += bytes
	s.stats.Queued += spans
	if n := len(s.queue); n == 1 || n == s.c.Batch {
		s.nudge()
	}
}

func (s *Spool[T]) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Stats gives the counts.
func (s *Spool[T]) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats
}

// Flush returns once all that was put in before is sent or given up, or with ctx's error.
func (s *Spool[T]) Flush(ctx context.Context) error {
	s.mu.Lock()
	target := s.put
	s.flushing++
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.flushing--
		s.mu.Unlock()
	}()
	s.nudge()
	for {
		s.mu.Lock()
		reached, progress, left := s.out >= target, s.progress, s.stats.Queued
		s.mu.Unlock()
		if reached {
			return nil
		}
		select {
		case <-progress:
		case <-ctx.Done():
			return fmt.Errorf("%s: flush: %d spans are not sent yet: %w", s.c.Name, left, ctx.Err())
		}
	}
}

// Close sends what is left for as long as ctx lasts, drops the rest, and returns when the spool's goroutine has ended. The error says how many that
// cost. It is idempotent.
func (s *Spool[T]) Close(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.nudge()
	select {
	case <-s.done:
	case <-ctx.Done():
	}
	s.cancel()
	<-s.done
	if left := s.remove(s.Len(), false); left > 0 {
		return fmt.Errorf("%s: close: %d spans were not sent: %w", s.c.Name, left, context.Cause(ctx))
	}
	return nil
}

// Len is how many things wait.
func (s *Spool[T]) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.queue)
}

// hurry tells whether somebody waits for the end.
func (s *Spool[T]) hurry() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed || s.flushing > 0
}

// next waits until there is a batch worth sending, and leaves it in the queue. It is empty at the end.
func (s *Spool[T]) next(ctx context.Context) []T {
	var lingered <-chan time.Time
	for full := false; ; {
		s.mu.Lock()
		n := len(s.queue)
		if n >= s.c.Batch || n > 0 && (full || s.closed || s.flushing > 0) {
			defer s.mu.Unlock()
			return s.batch()
		}
		over := s.closed
		s.mu.Unlock()
		if over {
			return nil
		}
		if n > 0 && lingered == nil {
			lingered = time.After(s.c.Linger)
		}
		select {
		case <-s.wake:
		case <-lingered:
			full = true
		case <-ctx.Done():
			return nil
		}
	}
}

// batch gives the first of the queue, as many as go together.
func (s *Spool[T]) batch() []T {
	most := min(len(s.queue), s.c.Batch)
	batch, bytes := make([]T, 0, most), 0
	for _, e := range s.queue[:most] {
		if bytes += e.bytes; len(batch) > 0 && bytes > s.c.BatchBytes {
			break
		}
		batch = append(batch, e.v)
	}
	return batch
}

// remove takes the first n out of the queue, and tells how many spans they are.
func (s *Spool[T]) remove(n int, sent bool) (spans int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.queue[:n] {
		spans += e.spans
		s.bytes -= e.bytes
	}
	s.stats.Queued -= spans
	if sent {
		s.stats.Sent += int64(spans)
	} else {
		s.stats.Dropped += int64(spans)
	}
	rest := copy(s.queue, s.queue[n:])
	clear(s.queue[rest:])
	s.queue = s.queue[:rest]
	if rest == 0 && cap(s.queue) > 2*s.c.Batch { // the room that an outage took is given back
		s.queue = nil
	}
	s.out += int64(n)
	close(s.progress)
	s.progress = make(chan struct{})
	return spans
}
