package load

import (
	"io"
	"sync"
)

// writer writes from a goroutine of its own whatever has come together meanwhile.
type writer struct {
	to      io.Writer
	mu      sync.Mutex
	pending []byte
	err     error
	wake    chan struct{}
	done    sync.WaitGroup
}

func newWriter(to io.Writer) *writer {
	w := &writer{to: to, wake: make(chan struct{}, 1)}
	w.done.Go(w.run)
	return w
}

// write takes a copy of b; the error is that of an earlier write.
func (w *writer) write(b []byte) error {
	w.mu.Lock()
	w.pending = append(w.pending, b...)
	err := w.err
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
	return err
}

// close waits for what is pending; call it after the last write.
func (w *writer) close() {
	close(w.wake)
	w.done.Wait()
}

func (w *writer) run() {
	var batch []byte
	for range w.wake {
		w.mu.Lock()
		batch, w.pending = w.pending, batch[:0]
		w.mu.Unlock()
		if _, err := w.to.Write(batch); err != nil {
			w.mu.Lock()
			w.err = err
			w.mu.Unlock()
			return
		}
	}
}
