package earlylane

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync"
	"sync/atomic"

	"github.com/dubbofn/dubbofn/internal/h2conn"
)

// ErrNotRun says that a request surely did not reach a handler of the function: it may be sent elsewhere. Any other error of
// [Transport.RoundTrip] leaves open whether it ran.
var ErrNotRun = errors.New("the request was not taken")

// Transport sends requests over one opened connection, many at once, whatever the host of their URLs. It is an
// [http.RoundTripper] that never sends a request twice. Safe for concurrent use.
type Transport struct {
	conn *http.ClientConn
	done chan struct{}
}

// NewTransport makes the client of HTTP/2 on a connection that [Accepted.Opened] has accepted. When it fails conn is closed.
func NewTransport(ctx context.Context, conn net.Conn) (*Transport, error) {
	t := &Transport{done: make(chan struct{})}
	watched := &watchedConn{Conn: h2conn.New(conn), closed: t.done}
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	// NewClientConn dials once, and the connection stays out of the Transport's own pool.
	dialler := &http.Transport{
		Protocols:          &protocols,
		DialContext:        func(context.Context, string, string) (net.Conn, error) { return watched, nil },
		DisableCompression: true,
		// A frame's answer needs little, the ledger in it 4 KiB; net/http's own limit is 10 MiB, for each of many.
		MaxResponseHeaderBytes: 64 << 10,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingTimeout},
	}
	var err error
	if t.conn, err = dialler.NewClientConn(ctx, "http", "early-lane:80"); err != nil {
		_ = watched.Close() // err says what matters
		return nil, fmt.Errorf("early lane: %w", err)
	}
	return t, nil
}

// RoundTrip implements [http.RoundTripper]. It waits while as many requests are in flight as the function takes. Where the error is
// [ErrNotRun] the request did not run.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	var written atomic.Bool
	ctx := httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{WroteHeaders: func() { written.Store(true) }})
	resp, err := t.conn.RoundTrip(r.WithContext(ctx))
	switch {
	case err == nil:
		return resp, nil
	case r.Context().Err() != nil:
		// It may be being written this very moment, and if not, nobody waits for it.
		return nil, fmt.Errorf("early lane: %w", err)
	case !written.Load() || notTaken(err):
		return nil, fmt.Errorf("early lane: %w: %w", ErrNotRun, err)
	}
	return nil, fmt.Errorf("early lane: %w", err)
}

// Available gives how many requests more the function takes now; 0 when the connection is gone or going.
func (t *Transport) Available() int { return t.conn.Available() }

// InFlight gives how many requests have no complete answer yet. One whose body the caller neither read nor closed counts.
func (t *Transport) InFlight() int { return t.conn.InFlight() }

// Done is closed once the connection is.
func (t *Transport) Done() <-chan struct{} { return t.done }

// Close cuts the connection. Requests in flight fail.
func (t *Transport) Close() error { return t.conn.Close() }

// notTaken tells what HTTP/2 promises was not processed (RFC 9113, 8.7): a stream above the last of a GOAWAY, and one reset with
// REFUSED_STREAM. net/http exports neither error: the first is known by its text, which a test holds; the second shows itself as any
// struct with its fields.
func notTaken(err error) bool {
	const refusedStream = 0x7
	if e := (streamError{}); errors.As(err, &e) {
		return e.Code == refusedStream
	}
	return err.Error() == "http2: Transport received Server's graceful shutdown GOAWAY"
}

type streamError struct {
	StreamID uint32
	Code     uint32
	Cause    error
}

func (streamError) Error() string { return "stream error" }

// watchedConn tells when it is closed.
type watchedConn struct {
	net.Conn
	once   sync.Once
	closed chan struct{}
}

func (c *watchedConn) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() { close(c.closed) })
	return err
}
