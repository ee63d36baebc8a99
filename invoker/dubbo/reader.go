package dubbo

import (
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/dubbofn/dubbofn/internal/hessian"
)

const (
	minReadBytes = 1 << 10 // two small requests: a connection that rests keeps it
	maxReadBytes = 64 << 10
	smallBytes   = 64<<10 + headRoom // a body up to this size is read at once, a larger one grows as its bytes arrive
	bulkBytes    = maxReadBytes / 2  // after a body of this size the next one is expected to be as large, and not read by way of buf
)

// errBudget is a frame that found no bytes left.
var errBudget = errors.New("no bytes left in the budget of frames being read")

// refused is a body that isn't read to its end: why, and how many of its bytes are still to come.
type refused struct {
	err  error
	rest int
}

func (r *refused) Error() string { return r.err.Error() }
func (r *refused) Unwrap() error { return r.err }

// reader cuts a byte stream into frames. One goroutine reads; the stamps may be looked at by others.
type reader struct {
	src     io.Reader
	budget  *Budget
	buffers *buffers
	limits  hessian.Limits

	buf        []byte
	start, end int
	bulk       bool         // the last body was a large one
	now        time.Time    // when the last read returned: the arrival of what is in buf
	lastRead   atomic.Int64 // the same, for others; Unix nanoseconds
	since      atomic.Int64 // when the frame that is half read began to arrive; 0 when there is none
}

func (r *reader) buffered() int { return r.end - r.start }

// fill reads more into buf; there is room for need bytes in all.
func (r *reader) fill(need int) error {
	if r.start == r.end {
		r.start, r.end = 0, 0
	}
	if r.buf == nil {
		r.buf = make([]byte, minReadBytes)
	}
	if r.end == len(r.buf) && r.start == 0 && len(r.buf) < maxReadBytes || need > len(r.buf) {
		bigger := make([]byte, max(2*len(r.buf), need))
		r.end = copy(bigger, r.buf[r.start:r.end])
		r.buf, r.start = bigger, 0
	}
	if r.start > 0 && (r.start+need > len(r.buf) || r.end == len(r.buf)) {
		r.end = copy(r.buf, r.buf[r.start:r.end])
		r.start = 0
	}
	room := r.buf[r.end:]
	if r.bulk {
		room = room[:min(len(room), max(need-r.buffered(), minReadBytes))]
	}
	n, err := r.read(room)
	r.end += n
	if r.end == len(r.buf) && len(r.buf) < maxReadBytes && n > 0 {
		// The peer sends more than a small buffer holds: read more at once from now on.
		bigger := make([]byte, 2*len(r.buf))
		r.end = copy(bigger, r.buf[r.start:r.end])
		r.buf, r.start = bigger, 0
	}
	return err
}

// read reads once, at least a byte.
func (r *reader) read(p []byte) (int, error) {
	for range 100 {
		n, err := r.src.Read(p)
		if n > 0 {
			r.now = time.Now()
			r.lastRead.Store(r.now.UnixNano())
			return n, nil
		}
		if err != nil {
			return 0, err
		}
	}
	return 0, io.ErrNoProgress
}

// half marks that a frame has begun to arrive, whole that it is complete or given up.
func (r *reader) half() {
	if r.since.Load() == 0 {
		r.since.Store(r.now.UnixNano())
	}
}

func (r *reader) whole() {
	if r.since.Load() != 0 {
		r.since.Store(0)
	}
}

// next reads the header of the next frame. The error is io.EOF between frames, io.ErrUnexpectedEOF within a header, errFraming
// as soon as a byte shows that no frame begins here.
func (r *reader) next() (header, error) {
	for r.buffered() < headerBytes {
		if r.buffered() > 0 {
			r.half()
			if r.buf[r.start] != magicHigh || r.buffered() > 1 && r.buf[r.start+1] != magicLow {
				return r.lost()
			}
		}
		if err := r.fill(headerBytes); err != nil {
			if r.buffered() > 0 && errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return header{}, err
		}
	}
	h, err := parseHeader(r.buf[r.start:])
	if err != nil {
		return header{}, err
	}
	r.start += headerBytes
	if r.buffered() < int(min(h.length, 1<<30)) {
		r.half()
	}
	return h, nil
}

func (r *reader) lost() (header, error) {
	e := errFraming{high: r.buf[r.start]}
	if r.buffered() > 1 {
		e.low = r.buf[r.start+1]
	}
	return header{}, e
}

// skip passes over n bytes of a body.
func (r *reader) skip(n int) error {
	for n > 0 {
		if r.buffered() == 0 {
			if err := r.fill(1); err != nil {
				return unexpected(err)
			}
		}
		k := min(n, r.buffered())
		r.start += k
		n -= k
	}
	r.whole()
	return nil
}

// body reads n bytes of a body, appended to dst[:0] where they fit there, else in a pooled slice. They are taken from the
// budget; the caller gives them back. check says whether the body is Hessian, to be refused early where it lies.
// The error is a *refused, with nothing taken, or that of the stream.
func (r *reader) body(dst []byte, n int, check bool) ([]byte, error) {
	if k := r.buffered(); k >= n && n <= cap(dst) {
		if !r.budget.take(n) {
			return dst, &refused{errBudget, n}
		}
		dst = append(dst[:0], r.buf[r.start:r.start+n]...)
		r.start += n
		r.bulk = false
		r.whole()
		return dst, nil
	}
	r.bulk = n >= bulkBytes
	return r.grow(dst, n, check)
}

// grow reads a body that is not wholly buffered, in a slice that grows with what has arrived, to four times as much at most.
// Before it grows, and when it is complete, a large body is looked through: one that lies is refused before more of it is
// read, and never decoded, which takes many times its size.
func (r *reader) grow(dst []byte, n int, check bool) ([]byte, error) {
	dst = dst[:0]
	give := func(err error) ([]byte, error) {
		r.budget.give(len(dst))
		r.buffers.put(dst)
		return nil, err
	}
	for len(dst) < n {
		if len(dst) == cap(dst) {
			if check && len(dst) >= smallBytes {
				if err := r.look(dst, n); err != nil {
					return give(err)
				}
			}
			bigger := append(r.buffers.get(min(n, max(4*len(dst), smallBytes))), dst...)
			r.buffers.put(dst)
			dst = bigger
		}
		room := dst[len(dst):min(n, cap(dst))]
		k := copy(room, r.buf[r.start:r.end])
		r.start += k
		if k == 0 {
			var err error
			if k, err = r.read(room); err != nil {
				return give(unexpected(err))
			}
		}
		if !r.budget.take(k) {
			return give(&refused{errBudget, n - len(dst) - k})
		}
		dst = dst[:len(dst)+k]
	}
	r.whole()
	if check && n > smallBytes {
		if err := r.look(dst, n); err != nil {
			return give(err)
		}
	}
	return dst, nil
}

// look tells whether what has arrived of n bytes can't become a sound body. Its errors are *refused.
func (r *reader) look(have []byte, n int) error {
	if err := hessian.Prefix(have, n, r.limits); err != nil {
		return &refused{fmt.Errorf("body of %d bytes: %w", n, err), n - len(have)}
	}
	return nil
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
