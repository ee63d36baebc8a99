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
// order. Its goroutine lasts until the queue is empty: a connection that rests has none.
type writer struct {
	conn    net.Conn
	ended   func(error) // called once, before done is closed
	limit   int         // bytes that may be queued before send waits
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
	writing bool // run is under way
	done    chan struct{}

	// The writer's alone.
	smallRoom []byte // for the next batch
	largeRoom [][]byte
	gathered  [][]byte    // what the next system call writes
	vector    net.Buffers // the same, while it is written

	full      atomic.Bool   // queued has reached limit
	begun     atomic.Uint64 // the last batch that has begun to be written
	since     atomic.Int64  // when the write that is under way began; 0 when there is none
	lastWrite atomic.Int64
}

// newWriter makes one. ended is told once that nothing more is written: the error of the write that failed, or nil.
func newWriter(conn net.Conn, limit int, b *buffers, ended func(error)) *writer {
	w := &writer{conn: conn, ended: ended, limit: limit, buffers: b, batch: 1, alone: loneWrites, done: make(chan struct{})}
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
	w.begin()
	w.mu.Unlock()
	return batch, kept, true
}

// sendOwn is send for a goroutine that may wait as long as a write takes. Where nothing else is queued or being written it writes the frame itself: no
// other goroutine is begun for it, and nothing is copied.
func (w *writer) sendOwn(frame []byte) (kept bool) {
	w.mu.Lock()
	if w.stopped || w.writing || len(frame) >= ownBytes { // the memory of a larger one is handed over
		for w.queued >= w.limit && !w.stopped {
			w.room.Wait()
		}
		_, kept, _ = w.enqueue(frame)
		return kept
	}
	w.writing, w.queued = true, len(frame)
	w.mu.Unlock()
	if _, err := w.write(frame, nil); err != nil {
		w.fail(err)
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.release(len(frame))
	if w.writing = false; w.stopped || len(w.small) > 0 || len(w.large) > 0 {
		w.begin()
	}
	return false
}

// release takes bytes that were written out of the account; the lock is held.
func (w *writer) release(n int) {
	w.queued -= n
	if w.full.Load() && w.queued < w.limit && !w.stopped {
		w.full.Store(false)
		w.room.Broadcast()
	}
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

// begin has what is queued written, or the end told. It is called with the lock held.
func (w *writer) begin() {
	if !w.writing {
		w.writing = true
		go w.run() // done says that there is none any more
	}
}

// run writes until the queue is empty. After finish, abort or a write that failed it is the last.
func (w *writer) run() {
	if w.alone < loneWrites || w.alone%loneWrites == loneWrites-1 {
		// The goroutines that are ready to run put their frames into the same write. A frame on a connection where there never are
		// others waits for none, but for one in some, to find out: the first call of a process that has just begun would wait for
		// all else that it has to do.
		runtime.Gosched()
	}
	small, large := w.smallRoom, w.largeRoom
	for {
		var more, end bool
		small, large, more, end = w.take(small, large)
		if end {
			w.ended(nil)
			close(w.done)
		}
		if !more {
			return
		}
		if some, err := w.write(small, large); err != nil {
			if !some {
				w.unbegin()
			}
			w.fail(err)
			return
		}
	}
}

// fail is the end after a write that failed. writing stays set: there is no other run.
func (w *writer) fail(err error) {
	w.abort()
	w.ended(err)
	close(w.done)
}

// take gives what is queued, and the queue the buffers that were written before.
func (w *writer) take(small []byte, large [][]byte) (nextSmall []byte, nextLarge [][]byte, more, end bool) {
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
		w.release(written)
	}
	if w.broken || len(w.small) == 0 && len(w.large) == 0 {
		w.smallRoom, w.largeRoom = small[:0], large[:0]
		w.writing = w.stopped // else a later stop would begin another run
		return nil, nil, false, w.stopped
	}
	w.begun.Store(w.batch)
	w.batch++
	if w.alone++; w.frames > 1 {
		w.alone = 0
	}
	w.frames = 0
	nextSmall, nextLarge = w.small, w.large
	w.small, w.large = small[:0], large[:0]
	return nextSmall, nextLarge, true, false
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
	w.begin()
	w.mu.Unlock()
}
