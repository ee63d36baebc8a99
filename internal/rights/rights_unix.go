//go:build unix

// Package rights passes connections from one process to another over a unix socket, with their descriptors (unix(7), SCM_RIGHTS).
package rights

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
)

// Max is how many descriptors go with one message (Linux: SCM_MAX_FD).
const Max = 253

// Send writes bytes with the descriptors of connections, which stay the caller's to close.
func Send(u *net.UnixConn, frame []byte, conns []net.Conn) error {
	fds := make([]int, 0, len(conns))
	for _, c := range conns {
		fd, err := descriptor(c)
		if err != nil {
			return err
		}
		fds = append(fds, fd)
	}
	var oob []byte
	if len(fds) > 0 {
		oob = syscall.UnixRights(fds...)
	}
	n, _, err := u.WriteMsgUnix(frame, oob, nil)
	if err != nil {
		return fmt.Errorf("send %d descriptors: %w", len(fds), err)
	}
	for n < len(frame) {
		k, err := u.Write(frame[n:])
		if err != nil {
			return err
		}
		n += k
	}
	return nil
}

// descriptor gives a connection's, which stays good for as long as the connection is not closed.
func descriptor(c net.Conn) (fd int, err error) {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return 0, fmt.Errorf("%T has no descriptor", c)
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return 0, err
	}
	err = raw.Control(func(f uintptr) { fd = int(f) })
	return fd, err
}

// Reader reads a unix socket and gathers the descriptors that come with the bytes.
type Reader struct {
	u   *net.UnixConn
	oob []byte

	mu     sync.Mutex
	fds    []int
	closed bool
}

// NewReader makes one.
func NewReader(u *net.UnixConn) *Reader {
	return &Reader{u: u, oob: make([]byte, syscall.CmsgSpace(4*Max))}
}

// Read implements [io.Reader].
func (r *Reader) Read(p []byte) (int, error) {
	n, oobn, flags, _, err := r.u.ReadMsgUnix(p, r.oob)
	if oobn > 0 {
		if err := r.take(r.oob[:oobn]); err != nil {
			return 0, err
		}
	}
	switch {
	case err != nil:
		return 0, err
	case flags&syscall.MSG_CTRUNC != 0:
		return 0, errors.New("descriptors were lost on the way: there may be no room for them in this process")
	case n == 0 && len(p) > 0:
		return 0, io.EOF
	}
	return n, nil
}

// take keeps the descriptors of one message.
func (r *Reader) take(oob []byte) error {
	messages, err := syscall.ParseSocketControlMessage(oob)
	if err != nil {
		return fmt.Errorf("read descriptors: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range messages {
		fds, err := syscall.ParseUnixRights(&messages[i])
		if err != nil {
			continue // another kind of message
		}
		if r.closed || len(r.fds)+len(fds) > Max {
			closeAll(fds)
			continue
		}
		r.fds = append(r.fds, fds...)
	}
	return nil
}

// Conns gives the connections behind the descriptors that have come, which must be want.
func (r *Reader) Conns(want int) ([]net.Conn, error) {
	r.mu.Lock()
	fds := r.fds
	r.fds = nil
	r.mu.Unlock()
	if len(fds) != want {
		closeAll(fds)
		return nil, fmt.Errorf("%d descriptors came, and %d were told of", len(fds), want)
	}
	conns := make([]net.Conn, 0, len(fds))
	for n, fd := range fds {
		f := os.NewFile(uintptr(fd), "lent")
		c, err := net.FileConn(f)
		_ = f.Close() // net has its own duplicate
		if err != nil {
			closeAll(fds[n+1:])
			for _, c := range conns {
				_ = c.Close()
			}
			return nil, fmt.Errorf("descriptor %d of %d: %w", n+1, len(fds), err)
		}
		conns = append(conns, c)
	}
	return conns, nil
}

// Close lets go of descriptors that nobody asked for, now and later.
func (r *Reader) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	closeAll(r.fds)
	r.fds, r.closed = nil, true
}

func closeAll(fds []int) {
	for _, fd := range fds {
		_ = syscall.Close(fd)
	}
}
