package dubbo

import (
	"context"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

const (
	ownBytes   = 16 << 10  // a frame from this size on is handed over, not copied
	keepBytes  = 256 << 10 // the writer keeps a buffer of this size, not a larger one
	loneWrites = 8         // after so many writes of one frame each the next does not wait for company
	pieceBytes = 256 << 10 // a large frame is written in pieces, so that a slow reader shows its progress
)

// writer is the one writer of a connection. Frames queue up while it writes, and go out together. Whole frames only, in any
// order.
type writer struct {
	conn    net.Conn
	limit   int // bytes that may be queued before send waits
	buffers *buffers

	mu      sync.Mutex
	room    sync.Cond
	small   []byte
	large   [][]byte
	queued  int // bytes that are queued or being written
	batch   uint64
	frames  int  // of those that are queued
	alone   int  // writes since one had more than one frame
	stopped bool // nothing more is taken
	broken  bool // nothing more is written
	wake    chan struct{}
	done    chan struct{}

	gathered [][]byte    // what the next system call writes; the writer's alone
	vector   net.Buffers // the same, while it is written

	full      atomic.Bool   // queued has reached limit
	begun     atomic.Uint64 // the last batch that has begun to be written
	since     atomic.Int64  // when the write that is under way began; 0 when there is none
	lastWrite atomic.Int64
}

func newWriter(conn net.Conn, limit int, b *buffers) *writer {
	w := &writer{conn: conn, limit: limit, buffers: b, batch: 1, alone: loneWrites, wake: make(chan struct{}, 1), done: make(chan struct{})}
	w.room.L = &w.mu
	w.lastWrite.Store(time.Now().UnixNano())
	return w
}

// send queues one or more whole frames. With wait it blocks while the queue is full; events don't wait.
// kept says that frame is the writer's from now on; ok is false when the connection is closing and the frame was dropped.
func (w *writer) send(frame []byte, wait bool) (batch uint64, kept, ok bool) {
	w.mu.Lock()
	for wait && w.queued >= w.limit && !w.stopped {
		w.room.Wait()
	}
	return w.enqueue(frame)
}

// sendWhile is send for a caller that waits no longer than ctx lasts.
func (w *writer) sendWhile(ctx context.Context, frame []byte) (batch uint64, kept, ok bool) {
	w.mu.Lock()
	if w.queued >= w.limit && !w.stopped {
		unwatch := context.AfterFunc(ctx, func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.room.Broadcast()
		})
		for w.queued >= w.limit && !w.stopped && ctx.Err() == nil {
			w.room.Wait()
		}
		unwatch()
		if ctx.Err() != nil {
			w.mu.Unlock()
			return 0, false, false
		}
	}
	return w.enqueue(frame)
}

// enqueue is called with the lock held, and gives it back.
func (w *writer) enqueue(frame []byte) (batch uint64, kept, ok bool) {
	if w.stopped {
		w.mu.Unlock()
		return 0, false, false
	}
	first := len(w.small) == 0 && len(w.large) == 0
	if kept = len(frame) >= ownBytes; kept {
		w.large = append(w.large, frame)
	} else {
		w.small = append(w.small, frame...)
	}
	w.frames++
	if w.queued += len(frame); w.queued >= w.limit {
		w.full.Store(true)
	}
	batch = w.batch
	w.mu.Unlock()
	if first {
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
	return batch, kept, true
}

// waitRoom blocks while the queue is full: a peer that does not read its answers is not read from either. It tells whether
// the connection still takes frames.
func (w *writer) waitRoom() bool {
	if !w.full.Load() {
		return true
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.queued >= w.limit && !w.stopped {
		w.room.Wait()
	}
	return !w.stopped
}

// run writes until finish or abort is called or a write fails, whose error it returns.
func (w *writer) run() error {
	defer close(w.done)
	var small []byte
	var large [][]byte
	for {
		<-w.wake
		if w.alone < loneWrites || w.alone%loneWrites == loneWrites-1 {
			// The goroutines that are ready to run put their frames into the same write. A frame on a connection where there never are
			// others waits for none, but for one in some, to find out: the first call of a process that has just begun would wait for
			// all else that it has to do.
			runtime.Gosched()
		}
		for {
			var more bool
			small, large, more = w.take(small, large)
			if !more {
				break
			}
			if some, err := w.write(small, large); err != nil {
				if !some {
					w.unbegin()
				}
				w.abort()
				return err
			}
		}
		w.mu.Lock()
		end := w.stopped
		w.mu.Unlock()
		if end {
			return nil
		}
	}
}

// take gives what is queued, and the queue the buffers that were written before.
func (w *writer) take(small []byte, large [][]byte) ([]byte, [][]byte, bool) {
	written := len(small)
	for i, b := range large {
		written += len(b)
		w.buffers.put(b)
		large[i] = nil
	}
	if cap(small) > keepBytes {
		small = nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if written > 0 {
		w.queued -= written
		if w.full.Load() && w.queued < w.limit && !w.stopped {
			w.full.Store(false)
			w.room.Broadcast()
		}
	}
	if w.broken || len(w.small) == 0 && len(w.large) == 0 {
		return small[:0], large[:0], false
	}
	w.begun.Store(w.batch)
	w.batch++
	if w.alone++; w.frames > 1 {
		w.alone = 0
	}
	w.frames = 0
	nextSmall, nextLarge := w.small, w.large
	w.small, w.large = small[:0], large[:0]
	return nextSmall, nextLarge, true
}

// unbegin takes back that the last batch has begun: not a byte of it was written, so none of its calls runs.
func (w *writer) unbegin() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.begun.Store(w.batch - 2) // batch is the next one's number
}

// write tells whether some bytes were written. A system call takes up to pieceBytes, of as many frames as that is.
func (w *writer) write(small []byte, large [][]byte) (some bool, err error) {
	size := 0
	for i := -1; i < len(large); i++ {
		b := small
		if i >= 0 {
			b = large[i]
		}
		for len(b) > 0 {
			p := b[:min(len(b), pieceBytes-size)]
			w.gathered = append(w.gathered, p)
			size += len(p)
			b = b[len(p):]
			if size == pieceBytes {
				more, err := w.flush()
				if some = some || more; err != nil {
					return some, err
				}
				size = 0
			}
		}
	}
	if size > 0 {
		more, err := w.flush()
		if some = some || more; err != nil {
			return some, err
		}
	}
	w.lastWrite.Store(w.since.Swap(0))
	return some, nil
}

// flush writes what is gathered.
func (w *writer) flush() (some bool, err error) {
	w.since.Store(time.Now().UnixNano())
	var n int64
	if len(w.gathered) == 1 {
		var k int
		k, err = w.conn.Write(w.gathered[0])
		n = int64(k)
	} else {
		w.vector = w.gathered
		n, err = w.vector.WriteTo(w.conn)
	}
	clear(w.gathered)
	w.gathered = w.gathered[:0]
	return n > 0, err
}

// finish lets the writer end once it has written what is queued. It does not wait (see done).
func (w *writer) finish() { w.stop(false) }

// abort makes the writer end; what is queued is lost. The connection's Close is what interrupts a write.
func (w *writer) abort() { w.stop(true) }

func (w *writer) stop(broken bool) {
	w.mu.Lock()
	w.stopped = true
	w.broken = w.broken || broken
	w.full.Store(true) // so that waitRoom looks closer
	w.room.Broadcast()
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
}
