package activator

import "sync"

// ring remembers the last of something. Safe for concurrent use. The zero value is empty.
type ring[T any] struct {
	mu   sync.Mutex
	last []T
	next int // where the next one goes, once there are as many as are kept
}

// add remembers one more, of most at most.
func (r *ring[T]) add(x T, most int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.last) < most {
		r.last = append(r.last, x)
		return
	}
	r.last[r.next] = x
	r.next = (r.next + 1) % most
}

// all gives them, the oldest first, in a slice of the caller's own.
func (r *ring[T]) all() []T {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]T, 0, len(r.last))
	return append(append(all, r.last[r.next:]...), r.last[:r.next]...)
}
