package getty

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	getty "github.com/apache/dubbo-getty"
	gxsync "github.com/dubbogo/gost/sync"
)

const (
	inboxBytes   = 256 << 10 // what a stream holds before it stops reading from its peer
	webSocketMax = 16 << 20  // the largest message that is read, where the library lets it be set
	ioTimeout    = 30 * time.Second
)

// stream is a getty session as a net.Conn. The session's reading goroutine fills it, Read empties it.
type stream struct {
	session  getty.Session
	socket   net.Conn  // below the session
	messages *messages // nil for TCP
	opened   func(*stream) error
	ended    func()

	mu     sync.Mutex
	change sync.Cond
	inbox  [][]byte
	size   int
	err    error // why reading ends
	closed bool  // by this side
	gone   bool  // the session has ended; it must not be touched any more

	writing sync.Mutex
}

// attach makes a session a stream; messages is nil for TCP. opened is told when it is ready, ended when it is over.
func attach(session getty.Session, messages *messages, opened func(*stream) error, ended func()) *stream {
	s := &stream{session: session, socket: session.Conn(), messages: messages, opened: opened, ended: ended}
	s.change.L = &s.mu
	session.SetEventListener(handler{s})
	session.SetWaitTime(1) // becomes the linger time in seconds
	session.SetReadTimeout(ioTimeout)
	session.SetPkgHandler(handler{s})
	session.SetMaxMsgLen(0)
	if messages != nil {
		session.SetMaxMsgLen(webSocketMax)
	}
	return s
}

// noTasks is a task pool that drops everything: messages arrive by stream.Read below, and periodic pings, which the library
// would write without a lock, are not wanted.
func noTasks() gxsync.GenericTaskPool {
	p := gxsync.NewTaskPoolSimple(1)
	p.Close()
	return p
}

// handler is a stream as the library sees it, in the session's own goroutine.
type handler struct{ s *stream }

// Read takes in what has arrived. The library may use b again.
func (h handler) Read(_ getty.Session, b []byte) (any, int, error) {
	s := h.s
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.size >= inboxBytes && !s.closed {
		s.change.Wait()
	}
	if s.closed {
		return nil, 0, net.ErrClosed
	}
	s.inbox = append(s.inbox, append([]byte(nil), b...))
	s.size += len(b)
	s.change.Broadcast()
	return b, len(b), nil
}

// Write isn't used: streams write bytes.
func (handler) Write(_ getty.Session, v any) ([]byte, error) {
	return nil, fmt.Errorf("write getty package: %T: want bytes", v)
}

// OnOpen tells whoever waits for the stream.
func (h handler) OnOpen(getty.Session) error {
	err := h.s.opened(h.s)
	if err != nil {
		_ = h.s.socket.Close() // the library leaves it open
	}
	return err
}

// OnError notes why the session ends.
func (h handler) OnError(_ getty.Session, err error) {
	h.s.mu.Lock()
	defer h.s.mu.Unlock()
	if h.s.err == nil {
		h.s.err = fmt.Errorf("read getty session: %w", err)
	}
}

// OnClose ends the stream. The library takes the session apart as soon as it returns, so it waits for a write under way.
func (h handler) OnClose(getty.Session) {
	s := h.s
	s.mu.Lock()
	s.gone = true
	if s.err == nil {
		s.err = io.EOF
	}
	s.change.Broadcast()
	s.mu.Unlock()
	s.writing.Lock()
	defer s.writing.Unlock()
	s.ended()
}

// OnMessage isn't called (see noTasks).
func (handler) OnMessage(getty.Session, any) {}

// OnCron isn't called (see noTasks).
func (handler) OnCron(getty.Session) {}

// Read gives what has arrived; it blocks for the first byte.
func (s *stream) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.inbox) == 0 && s.err == nil && !s.closed {
		s.change.Wait()
	}
	switch {
	case s.closed:
		return 0, net.ErrClosed
	case len(s.inbox) == 0:
		return 0, s.err
	}
	n := 0
	for n < len(p) && len(s.inbox) > 0 {
		k := copy(p[n:], s.inbox[0])
		n += k
		if s.inbox[0] = s.inbox[0][k:]; len(s.inbox[0]) == 0 {
			s.inbox[0] = nil
			s.inbox = s.inbox[1:]
		}
	}
	if s.size >= inboxBytes && s.size-n < inboxBytes {
		s.change.Broadcast()
	}
	s.size -= n
	return n, nil
}

// Write sends p, straight to the connection below the session: what the library does on the way, counting, races with what
// it does when a session ends.
func (s *stream) Write(p []byte) (int, error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	for n := 0; ; {
		s.mu.Lock()
		over := s.gone || s.closed
		s.mu.Unlock()
		if over {
			return n, net.ErrClosed
		}
		if err := s.socket.SetWriteDeadline(time.Now().Add(ioTimeout)); err != nil {
			return n, err
		}
		if s.messages == nil {
			return s.socket.Write(p)
		}
		k := min(len(p)-n, maxBatch)
		// In one call, so that it can't mix with a pong that the library writes.
		if _, err := s.socket.Write(s.messages.wrap(p[n : n+k])); err != nil {
			return n, err
		}
		if n += k; n >= len(p) {
			return n, nil
		}
	}
}

// Close ends the stream. The session ends soon after, by itself: to close it from here would race with its reading.
func (s *stream) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	s.change.Broadcast()
	if s.gone {
		return nil
	}
	end := s.socket.Close
	if half, ok := s.socket.(interface{ CloseRead() error }); ok {
		end = half.CloseRead
	}
	return errors.Join(ignoreClosed(s.socket.SetWriteDeadline(time.Now())), ignoreClosed(end()))
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) || errors.Is(err, syscall.ENOTCONN) {
		return nil
	}
	return err
}

// LocalAddr is this side's address.
func (s *stream) LocalAddr() net.Addr { return s.socket.LocalAddr() }

// RemoteAddr is the peer's address.
func (s *stream) RemoteAddr() net.Addr { return s.socket.RemoteAddr() }

// SetDeadline is not offered: the library sets the deadlines of its connections itself.
func (s *stream) SetDeadline(time.Time) error { return os.ErrNoDeadline }

// SetReadDeadline is not offered.
func (s *stream) SetReadDeadline(time.Time) error { return os.ErrNoDeadline }

// SetWriteDeadline is not offered.
func (s *stream) SetWriteDeadline(time.Time) error { return os.ErrNoDeadline }
