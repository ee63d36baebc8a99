package auth

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// Listen gives a listener whose connections speak TLS, those of plain consumers too where they are allowed. Handshakes don't hold up
// Accept: a connection's first Read does it. Its error says that there is no certificate.
func (t *TLS) Listen(l net.Listener) (net.Listener, error) {
	c, err := t.Server()
	if err != nil {
		return nil, err
	}
	return &listener{Listener: l, tls: t, cfg: c}, nil
}

type listener struct {
	net.Listener
	tls *TLS
	cfg *tls.Config
}

func (l *listener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &conn{Conn: nc, l: l, known: make(chan struct{})}, nil
}

// conn is a connection whose first byte tells whether it speaks TLS.
type conn struct {
	net.Conn // the plain one
	l        *listener
	begin    sync.Once
	known    chan struct{} // closed when inner, or err, is there
	inner    net.Conn
	err      error
}

// recordHandshake is a TLS record's first byte when it carries a handshake (RFC 8446, 5.1); a Dubbo frame begins with 0xda.
const recordHandshake = 0x16

func (c *conn) start() {
	defer close(c.known)
	cfg := &c.l.tls.cfg
	_ = c.Conn.SetReadDeadline(time.Now().Add(cfg.HandshakeTimeout))
	var first [1]byte
	n, err := io.ReadFull(c.Conn, first[:])
	silent := errors.Is(err, os.ErrDeadlineExceeded)
	_ = c.Conn.SetReadDeadline(time.Time{})
	switch {
	case cfg.AllowPlain && (n == 1 && first[0] != recordHandshake || silent): // who speaks TLS speaks at once
		c.inner = &prefixed{Conn: c.Conn, rest: first[:n]}
		return
	case err != nil:
		c.err = err
		return
	case first[0] != recordHandshake:
		c.err = errPlain
		cfg.Log.Warn("tls: a plain connection was refused", "remote", c.RemoteAddr(), "help", "let the consumer use TLS, or allow plain connections (DUBBOFN_TLS_PLAIN=yes)")
		_ = c.Conn.Close()
		return
	}
	s := tls.Server(&prefixed{Conn: c.Conn, rest: first[:]}, c.l.cfg)
	_ = c.Conn.SetDeadline(time.Now().Add(cfg.HandshakeTimeout))
	c.err = s.Handshake() //nolint:noctx // a connection has no caller; the deadline ends it
	_ = c.Conn.SetDeadline(time.Time{})
	if c.err != nil {
		cfg.Log.Warn("tls: a handshake failed", "remote", c.RemoteAddr(), "error", c.err)
		_ = c.Conn.Close()
		return
	}
	c.inner = s
}

var errPlain = errors.New("a plain connection where TLS is wanted")

// Read does the handshake first.
func (c *conn) Read(b []byte) (int, error) {
	c.begin.Do(c.start)
	if c.err != nil {
		return 0, c.err
	}
	return c.inner.Read(b)
}

// Write waits for the handshake, which the reader does.
func (c *conn) Write(b []byte) (int, error) {
	<-c.known
	if c.err != nil {
		return 0, c.err
	}
	return c.inner.Write(b)
}

// Close ends the connection, whatever it is doing.
func (c *conn) Close() error {
	select {
	case <-c.known:
	default:
		err := c.Conn.Close()
		c.begin.Do(func() { c.err = net.ErrClosed; close(c.known) })
		return err
	}
	if c.inner == nil {
		return c.Conn.Close()
	}
	return c.inner.Close()
}

// CloseWrite tells the peer that nothing more comes.
func (c *conn) CloseWrite() error {
	select {
	case <-c.known:
	default:
		return errPlain
	}
	if h, ok := c.inner.(interface{ CloseWrite() error }); ok {
		return h.CloseWrite()
	}
	return errPlain
}

// prefixed gives back what was read of a connection.
type prefixed struct {
	net.Conn
	rest []byte
}

func (p *prefixed) Read(b []byte) (int, error) {
	if len(p.rest) > 0 {
		n := copy(b, p.rest)
		p.rest = p.rest[n:]
		return n, nil
	}
	return p.Conn.Read(b)
}

func (p *prefixed) CloseWrite() error {
	if h, ok := p.Conn.(interface{ CloseWrite() error }); ok {
		return h.CloseWrite()
	}
	return errPlain
}
