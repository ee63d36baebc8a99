package lent

import (
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/dubbofn/dubbofn/internal/keeperwire"
)

// roomBytes is how much of what the keeper sends a channel holds until it is read; while there is as much nothing more is read from the keeper. Whoever has a channel must read it.
const roomBytes = 1 << 20

// channel is a connection to a provider that the keeper holds.
type channel struct {
	link     *link
	id       uint32
	target   Target
	decision chan error // told once whether it is open

	mu     sync.Mutex
	change sync.Cond
	in     []byte
	at     int   // what of in was read
	closed bool  // by this side
	err    error // why nothing more comes
}

func newChannel(l *link, id uint32, t Target) *channel {
	c := &channel{link: l, id: id, target: t, decision: make(chan error, 1)}
	c.change.L = &c.mu
	return c
}

func (c *channel) decided(err error) {
	select {
	case c.decision <- err:
	default:
	}
}

// arrived keeps what the provider sent, and waits for room.
func (c *channel) arrived(b []byte, keeper *pulse) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.in)-c.at > roomBytes && !c.closed && c.err == nil {
		keeper.hold(true)
		c.change.Wait()
		keeper.hold(false)
	}
	if c.closed || c.err != nil {
		return
	}
	if c.at == len(c.in) || c.at > roomBytes {
		c.in = c.in[:copy(c.in, c.in[c.at:])]
		c.at = 0
	}
	c.in = append(c.in, b...)
	c.change.Broadcast()
}

func (c *channel) ended(err error) {
	c.mu.Lock()
	if c.err == nil {
		c.err = err
	}
	c.change.Broadcast()
	c.mu.Unlock()
	c.decided(err)
}

// Read implements [net.Conn].
func (c *channel) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.at == len(c.in) && !c.closed && c.err == nil {
		c.change.Wait()
	}
	switch {
	case c.closed:
		return 0, net.ErrClosed
	case c.at < len(c.in):
		n := copy(p, c.in[c.at:])
		if c.at += n; c.at == len(c.in) && cap(c.in) > keeperwire.MaxDataBytes {
			c.in, c.at = nil, 0
		}
		c.change.Broadcast()
		return n, nil
	}
	return 0, c.err
}

// Write implements [net.Conn].
func (c *channel) Write(p []byte) (n int, err error) {
	for len(p) > 0 {
		c.mu.Lock()
		closed, err := c.closed, c.err
		c.mu.Unlock()
		if closed {
			return n, net.ErrClosed
		}
		if err != nil {
			return n, io.ErrClosedPipe
		}
		piece := p[:min(len(p), keeperwire.MaxDataBytes)]
		if !c.link.w.SendWait(c.isClosed, func(b []byte) []byte { return keeperwire.Append(b, keeperwire.Data, c.id, piece) }) {
			if c.isClosed() {
				return n, net.ErrClosed
			}
			return n, io.ErrClosedPipe
		}
		n += len(piece)
		p = p[len(piece):]
	}
	return n, nil
}

func (c *channel) isClosed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

// Close implements [net.Conn].
func (c *channel) Close() error {
	c.mu.Lock()
	first := !c.closed
	c.closed = true
	c.change.Broadcast()
	c.mu.Unlock()
	if !first {
		return nil
	}
	l := c.link
	l.w.Wake() // a Write that waits for room
	l.mu.Lock()
	mine := l.channels[c.id] == c
	delete(l.channels, c.id)
	l.mu.Unlock()
	if mine {
		l.w.Send(keeperwire.HeaderBytes, func(b []byte) []byte { return keeperwire.Append(b, keeperwire.Close, c.id, nil) })
	}
	return nil
}

// address is a target as a net.Addr.
type address string

func (address) Network() string  { return "tcp" }
func (a address) String() string { return string(a) }

// LocalAddr implements [net.Conn]: it is that of the connection with the keeper.
func (c *channel) LocalAddr() net.Addr { return c.link.conn.LocalAddr() }

// RemoteAddr implements [net.Conn]: it is the provider's.
func (c *channel) RemoteAddr() net.Addr { return address(c.target.Address) }

// SetDeadline implements [net.Conn]: there are no deadlines.
func (c *channel) SetDeadline(time.Time) error { return os.ErrNoDeadline }

// SetReadDeadline implements [net.Conn]: there are no deadlines.
func (c *channel) SetReadDeadline(time.Time) error { return os.ErrNoDeadline }

// SetWriteDeadline implements [net.Conn]: there are no deadlines.
func (c *channel) SetWriteDeadline(time.Time) error { return os.ErrNoDeadline }
