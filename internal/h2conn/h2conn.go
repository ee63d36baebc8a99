// Package h2conn is the connection below net/http's HTTP/2. That reads each frame's head and its body by themselves, and writes a message's headers and its
// body by themselves: a system call each, which costs more than all else about a small message, and wakes the other end twice.
package h2conn

import (
	"errors"
	"net"
	"runtime"
	"sync"
	"time"
)

const (
	// Reads of frameHead up to directRead bytes are HTTP/2's own: HTTP/1 reads a byte, or directRead.
	frameHead  = 9
	directRead = 4 << 10
	readBytes  = 16 << 10

	// maxWaiting is how much may wait to be written before a Write waits itself; a buffer of up to keepBytes is kept.
	maxWaiting = 512 << 10
	keepBytes  = 64 << 10

	// linger is how long the last batch may take that is being written when the connection is closed.
	linger = 250 * time.Millisecond
)

// Conn has what many messages write at once go out together, and what they read come together. A Write that was taken may still be lost when the connection
// fails; HTTP/2 notices by its answers. HTTP/1 passes through as it is. As of any connection, one goroutine reads at a time.
type Conn struct {
	net.Conn

	// The reader's.
	read       []byte
	start, end int

	mu      sync.Mutex
	changed sync.Cond // less waits, or nothing is being written any more
	begun   bool
	http1   bool
	writing bool      // by a goroutine
	since   time.Time // when the batch that is under way was begun
	waiting []byte
	written []byte // room for the next batch
	err     error  // nothing more is taken
}

// New makes one of a connection, which is the Conn's from then on.
func New(nc net.Conn) *Conn {
	c := &Conn{Conn: nc}
	c.changed.L = &c.mu
	return c
}

// Read implements [net.Conn].
func (c *Conn) Read(p []byte) (int, error) {
	if c.start == c.end {
		if len(p) < frameHead || len(p) >= directRead {
			return c.Conn.Read(p)
		}
		if c.read == nil {
			c.read = make([]byte, readBytes)
		}
		n, err := c.Conn.Read(c.read)
		if c.start, c.end = 0, n; n == 0 {
			return 0, err // else the next read meets it again
		}
	}
	n := copy(p, c.read[c.start:c.end])
	c.start += n
	return n, nil
}

// Write takes a copy of p. It waits only where much has been taken and not written so far.
func (c *Conn) Write(p []byte) (int, error) {
	c.mu.Lock()
	if !c.begun {
		c.begun = true
		c.http1 = len(p) > 0 && p[0] == 'H' // what HTTP/2 begins with is a preface, "PRI", or the length of a short frame in three bytes
	}
	if c.http1 {
		c.mu.Unlock()
		return c.Conn.Write(p)
	}
	for len(c.waiting) >= maxWaiting && c.err == nil {
		c.changed.Wait()
	}
	if err := c.err; err != nil {
		c.mu.Unlock()
		return 0, err
	}
	c.waiting = append(c.waiting, p...)
	begin := !c.writing
	if begin {
		c.writing, c.since = true, time.Now()
	}
	c.mu.Unlock()
	if begin {
		go c.write() // Close waits for it
	}
	return len(p), nil
}

// write writes until nothing waits.
func (c *Conn) write() {
	runtime.Gosched() // those that are ready to run put theirs into the same write
	for batch := c.take(); len(batch) > 0; batch = c.take() {
		if _, err := c.Conn.Write(batch); err != nil {
			c.fail(err)
			_ = c.Conn.Close() // so that the reader notices
		}
	}
}

// take gives what waits, and room for more.
func (c *Conn) take() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	batch := c.waiting
	if cap(c.written) > keepBytes {
		c.written = nil
	}
	c.waiting, c.written = c.written[:0], batch
	c.since = time.Now()
	if c.writing = len(batch) > 0; !c.writing || len(batch) >= maxWaiting {
		c.changed.Broadcast()
	}
	return batch
}

func (c *Conn) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.err = err
	}
	c.waiting = c.waiting[:0]
	c.changed.Broadcast()
}

// Close ends the connection. What was written before it gets a moment to go out.
func (c *Conn) Close() error {
	c.mu.Lock()
	c.err = net.ErrClosed
	c.changed.Broadcast()
	if c.writing {
		_ = c.SetWriteDeadline(c.since.Add(linger)) // it fails where the connection has ended
	}
	for c.writing {
		c.changed.Wait()
	}
	c.mu.Unlock()
	return c.Conn.Close()
}

// CloseWrite is for HTTP/1, which tells its peer so that no more comes.
func (c *Conn) CloseWrite() error {
	if h, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return h.CloseWrite()
	}
	return errors.ErrUnsupported
}

// Listener makes one of every connection that l accepts.
func Listener(l net.Listener) net.Listener { return listener{l} }

type listener struct{ net.Listener }

// Accept implements [net.Listener].
func (l listener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return New(nc), nil
}
