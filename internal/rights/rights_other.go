//go:build !unix

// Package rights passes connections from one process to another, which can't be done on this system.
package rights

import (
	"errors"
	"net"
)

// Max is how many descriptors go with one message.
const Max = 253

// Send fails: descriptors can't be sent here.
func Send(*net.UnixConn, []byte, []net.Conn) error {
	return errors.New("descriptors can't be sent on this system")
}

// Reader reads a unix socket; no descriptors can come here.
type Reader struct{ *net.UnixConn }

// NewReader makes one.
func NewReader(u *net.UnixConn) *Reader { return &Reader{u} }

// Conns gives none.
func (*Reader) Conns(want int) ([]net.Conn, error) {
	if want > 0 {
		return nil, errors.New("descriptors can't be had on this system")
	}
	return nil, nil
}

// Close does nothing.
func (*Reader) Close() {}
