package activator

import (
	"net"
	"runtime"
	"sync"
)

// maxBatch is how much may wait to be written before a Write waits itself; a buffer of up to keepBatch is kept.
const (
	maxBatch  = 512 << 10
	keepBatch = 64 << 10
)

// batched is a connection whose small writes, of many requests at once, go out together: net/http writes each request's headers and
// body by themselves, and a system call costs more than all else about them. A Write that was taken may still be lost when the connection
// fails; HTTP/2 notices by its answers.
type batched struct {
	net.Conn

	mu      sync.Mutex
	room    sync.Cond
	waiting []byte
	written []byte // room for the next batch
	err     error  // nothing more is taken
	wake    chan struct{}
	done    chan struct{} // closed by Close
}

// newBatched begins to batch; spawn runs the goroutine that writes, which ends with Close.
func newBatched(nc net.Conn, spawn func(func())) *batched {
	b := &batched{Conn: nc, wake: make(chan struct{}, 1), done: make(chan struct{})}
	b.room.L = &b.mu
	spawn(b.run)
	return b
}

// Write takes a copy of p.
func (b *batched) Write(p []byte) (int, error) {
	b.mu.Lock()
	for len(b.waiting) >= maxBatch && b.err == nil {
		b.room.Wait()
	}
	if err := b.err; err != nil {
		b.mu.Unlock()
		return 0, err
	}
	first := len(b.waiting) == 0
	b.waiting = append(b.waiting, p...)
	b.mu.Unlock()
	if first {
		select {
		case b.wake <- struct{}{}:
		default:
		}
	}
	return len(p), nil
}

func (b *batched) run() {
	for {
		select {
		case <-b.wake:
		case <-b.done:
			return
		}
		runtime.Gosched() // those that are ready to run put theirs into the same write
		for {
			batch := b.take()
			if len(batch) == 0 {
				break
			}
			if _, err := b.Conn.Write(batch); err != nil {
				b.fail(err)
				_ = b.Conn.Close() // so that the reader notices
				return
			}
		}
	}
}

// take gives what waits, and room for more.
func (b *batched) take() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	batch := b.waiting
	if cap(b.written) > keepBatch {
		b.written = nil
	}
	b.waiting, b.written = b.written[:0], batch
	if len(batch) >= maxBatch {
		b.room.Broadcast()
	}
	return batch
}

func (b *batched) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err == nil {
		b.err = err
		b.room.Broadcast()
	}
}

// Close ends the connection; what waits is lost.
func (b *batched) Close() error {
	b.mu.Lock()
	first := b.err != net.ErrClosed //nolint:errorlint // it is set here
	b.err = net.ErrClosed
	b.room.Broadcast()
	b.mu.Unlock()
	if first {
		close(b.done)
	}
	return b.Conn.Close()
}
