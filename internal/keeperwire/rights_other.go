//go:build !unix

package keeperwire

import (
	"errors"
	"net"
)

// SendRights fails: descriptors can't be sent here.
func SendRights(*net.UnixConn, []byte, []net.Conn) error {
	return errors.New("descriptors can't be sent on this system")
}

// RightsReader reads a unix socket; no descriptors can come here.
type RightsReader struct{ *net.UnixConn }

// NewRightsReader makes one.
func NewRightsReader(u *net.UnixConn) *RightsReader { return &RightsReader{u} }

// Conns gives none.
func (*RightsReader) Conns(want int) ([]net.Conn, error) {
	if want > 0 {
		return nil, errors.New("descriptors can't be had on this system")
	}
	return nil, nil
}

// Close does nothing.
func (*RightsReader) Close() {}
