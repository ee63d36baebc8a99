package dubbo

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/dubbofn/dubbofn/internal/hessian"
	"github.com/dubbofn/dubbofn/invoker"
)

// Relay takes requests as whole frames, their arguments undecoded. Its methods are called on the goroutine that reads the consumer's
// connection: they must not block.
//
// Every Frame must be answered, refused, served or dropped, soon or late; until then its bytes count in the Budget and it counts in
// ServerConfig.MaxInFlight.
type Relay interface {
	// Relay takes a frame that can be passed on: its head, its arguments and its attachments are sound. One that is not has been
	// answered with status 40.
	Relay(f *Frame)
	// Left tells that the consumer of a two-way frame, which isn't answered so far, is gone: see [Frame.Gone].
	Left(f *Frame)
}

// NewRelay makes a Server that hands every request to r, and does everything else itself: connections, limits, heartbeats, READONLY, the
// drain. The settings Codec and Token mean nothing to it; its Handler finds no method. It panics when r is nil or cfg is invalid.
func NewRelay(r Relay, cfg ServerConfig) *Server {
	if r == nil {
		panic("dubbo: NewRelay needs a Relay")
	}
	s := NewServer(nothing{}, cfg)
	s.relay = &relaying{to: r}
	return s
}

// nothing is a Provider without a method.
type nothing struct{}

func (nothing) Lookup([]byte, []byte, []byte, []byte) (invoker.Invoker, *hessian.Signature, error) {
	return nil, nil, invoker.Errorf(invoker.CodeNotFound, "look up", "frames are passed on here, from Dubbo connections only")
}

// relaying is what a Server has more where it passes frames on.
type relaying struct {
	to       Relay
	bodies   sync.Pool // *[]byte of ownFrameBytes
	scratch  sync.Pool // *[]byte of ownBytes, answers being read
	decoders sync.Pool // *hessian.Decoder, heads being read
}

// ownFrameBytes is the room that most frames find enough, and that is pooled.
const ownFrameBytes = 1 << 10

// room gives a slice to read a body of n bytes into. Frames may be held for long, so none up to smallBytes takes more than it has.
func (y *relaying) room(n int) []byte {
	switch {
	case n <= ownFrameBytes:
		if b, ok := y.bodies.Get().(*[]byte); ok {
			return (*b)[:0]
		}
		return make([]byte, 0, ownFrameBytes)
	case n <= smallBytes:
		return make([]byte, 0, n)
	}
	return nil
}

// back takes a body back.
func (y *relaying) back(b []byte, s *Server) {
	if cap(b) == ownFrameBytes {
		kept := b[:0] // b itself would be on the heap in every call
		y.bodies.Put(&kept)
		return
	}
	s.buffers.put(b)
}

// pass reads the body of a request that was admitted and hands it over.
func (c *serverConn) pass(h header) error {
	s := c.s
	room := s.relay.room(int(h.length))
	body, err := c.r.body(room, int(h.length), true)
	if err != nil {
		s.leave()
		return c.refused(h, err)
	}
	f := &Frame{s: s, conn: c, header: h, arrival: c.r.now, body: body}
	f.refs.Store(1)
	if h.twoWay() {
		c.frames.add(f)
	}
	if err := f.scan(); err != nil {
		s.counts.bad.Add(1)
		if !h.twoWay() {
			s.cfg.Log.Warn("dubbo: a one-way request can't be passed on", "remote", c.remote, "error", err)
		}
		f.refuse(statusBadRequest, err.Error())
		return nil
	}
	s.counts.calls.Add(1)
	if !h.twoWay() {
		s.counts.oneWay.Add(1)
	}
	s.relay.to.Relay(f)
	return nil
}

// left tells the relay of every frame whose consumer is gone.
func (c *serverConn) left() {
	if c.s.relay == nil {
		return
	}
	for f := c.frames.close(); f != nil; {
		next := f.next // f may be answered meanwhile, but is in no list any more
		f.prev, f.next = nil, nil
		c.s.relay.to.Left(f)
		f = next
	}
}

// frameList is the unanswered two-way frames of one connection.
type frameList struct {
	mu     sync.Mutex
	first  *Frame
	closed bool
	gone   atomic.Bool
}

func (l *frameList) add(f *Frame) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if f.next = l.first; f.next != nil {
		f.next.prev = f
	}
	l.first = f
}

func (l *frameList) remove(f *Frame) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	if f.prev != nil {
		f.prev.next = f.next
	} else if l.first == f {
		l.first = f.next
	}
	if f.next != nil {
		f.next.prev = f.prev
	}
	f.prev, f.next = nil, nil
}

// close gives all frames, still linked, and takes none back.
func (l *frameList) close() *Frame {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.gone.Store(true)
	f := l.first
	l.first = nil
	return f
}

// Serve has another Server's Provider run the call, on this goroutine, and answers with what it says. ctx is the call's parent.
func (f *Frame) Serve(ctx context.Context, by *Server) {
	body, ok := f.Open()
	if !ok {
		return
	}
	r := by.request()
	r.begin(nil, f.header, f.arrival)
	r.over.caller = f.conn.remote
	if !by.cfg.Budget.take(len(f.body)) {
		_ = body.Close() // it is our own, and has no error
		by.recycle(r)
		f.refuse(statusExhausted, fmt.Sprintf("read request: %v (%d bytes)", errBudget, by.cfg.Budget.Limit()))
		return
	}
	r.body = append(make([]byte, 0, len(f.body)), f.body...)
	_ = body.Close() // as above
	by.answer(ctx, r)
	if f.claim() {
		if f.header.twoWay() {
			if _, kept, _ := f.conn.w.send(r.out, true); kept {
				r.out, r.large = nil, true
			}
		}
		f.over()
	}
	by.recycle(r)
}
