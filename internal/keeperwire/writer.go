package keeperwire

import (
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Writer is the one writer of a connection: frames queue up while it writes, and go out together. Safe for concurrent use.
type Writer struct {
	conn  net.Conn
	limit int

	mu      sync.Mutex
	room    sync.Cond
	queue   []byte
	count   int // what was sent into it
	busy    int // bytes being written
	stopped bool
	wake    chan struct{}

	since atomic.Int64 // when the write under way began, Unix nanoseconds; 0: there is none
}

// NewWriter makes one; limit bounds the bytes that wait. Run must be running.
func NewWriter(conn net.Conn, limit int) *Writer {
	w := &Writer{conn: conn, limit: limit, wake: make(chan struct{}, 1)}
	w.room.L = &w.mu
	return w
}

// Send queues whole frames, made by add, which appends to what it is given. It does not wait: false means that there is no room, or that
// the writer has ended.
func (w *Writer) Send(bytes int, add func([]byte) []byte) bool {
	w.mu.Lock()
	ok := !w.stopped && (len(w.queue)+w.busy+bytes <= w.limit)
	return w.add(ok, add)
}

// SendWait is Send for a caller that waits for room, until it is gone. Whoever makes gone true calls Wake then.
func (w *Writer) SendWait(gone func() bool, add func([]byte) []byte) bool {
	w.mu.Lock()
	for !w.stopped && len(w.queue)+w.busy >= w.limit && !gone() {
		w.room.Wait()
	}
	return w.add(!w.stopped && !gone(), add)
}

// Wake has those who wait for room see whether they are gone.
func (w *Writer) Wake() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.room.Broadcast()
}

// add is called with the lock held, and gives it back.
func (w *Writer) add(ok bool, add func([]byte) []byte) bool {
	if !ok {
		w.mu.Unlock()
		return false
	}
	first := len(w.queue) == 0
	w.queue = add(w.queue)
	w.count++
	w.mu.Unlock()
	if first {
		w.poke()
	}
	return true
}

func (w *Writer) poke() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Queued is how many bytes wait.
func (w *Writer) Queued() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.queue) + w.busy
}

// Stuck tells whether a write has made no progress for so long.
func (w *Writer) Stuck(long time.Duration) bool {
	since := w.since.Load()
	return since != 0 && time.Now().UnixNano()-since >= int64(long)
}

// Stop ends the writer; what is queued is lost. Closing the connection is what interrupts a write.
func (w *Writer) Stop() {
	w.mu.Lock()
	w.stopped = true
	w.room.Broadcast()
	w.mu.Unlock()
	w.poke()
}

// loneWrites is after how many writes of one frame each the next does not wait for company.
const loneWrites = 8

// Run writes until Stop is called or a write fails, whose error it gives.
func (w *Writer) Run() error {
	const keep = 256 << 10
	var out []byte
	alone := loneWrites
	for {
		<-w.wake
		if alone < loneWrites || alone%loneWrites == loneWrites-1 {
			runtime.Gosched() // those who are ready to run put their frames into the same write, where there are others now and then
		}
		for {
			w.mu.Lock()
			w.busy = 0
			w.room.Broadcast()
			if w.stopped {
				w.mu.Unlock()
				return nil
			}
			if cap(out) > keep {
				out = nil
			}
			out, w.queue = w.queue, out[:0]
			if w.busy = len(out); w.busy > 0 {
				if alone++; w.count > 1 {
					alone = 0
				}
				w.count = 0
			}
			w.mu.Unlock()
			if len(out) == 0 {
				break
			}
			if err := w.write(out); err != nil {
				w.Stop()
				return err
			}
		}
	}
}

// write writes in pieces, so that a slow reader shows its progress.
func (w *Writer) write(b []byte) error {
	const piece = 256 << 10
	defer w.since.Store(0)
	for len(b) > 0 {
		w.since.Store(time.Now().UnixNano())
		n, err := w.conn.Write(b[:min(len(b), piece)])
		if err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}
