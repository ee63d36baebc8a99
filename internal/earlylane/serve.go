package earlylane

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/dubbofn/dubbofn/internal/h2conn"
)

// A peer that is silent for pingAfter is asked for a sign of life, and is gone when none comes within pingTimeout.
const (
	pingAfter   = 15 * time.Second
	pingTimeout = 10 * time.Second
)

// ServeConfig says how [Serve] behaves. The zero value serves 250 requests at once and cuts at the end.
type ServeConfig struct {
	Streams int           // requests at once; the activator waits with more. 0: 250
	Finish  time.Duration // how long requests in flight may take once ctx has ended, until they are cut
	Log     *log.Logger   // what net/http has to say. nil: nothing
}

// Serve answers the activator's requests on an opened connection until it ends, and returns nil then. When ctx ends it tells the activator
// to send no more (GOAWAY), lets those in flight finish, and closes. What had not been taken did not run, and the activator knows.
// It returns when all its handlers have.
func Serve(ctx context.Context, conn net.Conn, h http.Handler, c ServeConfig) error {
	conn = h2conn.New(conn)
	l := newOneConn(conn)
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	if c.Log == nil {
		c.Log = log.New(io.Discard, "", 0)
	}
	if c.Streams <= 0 {
		c.Streams = 250
	}
	handlers := handlers{handler: h, none: make(chan struct{})}
	srv := &http.Server{
		Handler:           &handlers,
		Protocols:         &protocols,
		ReadHeaderTimeout: timeout, // for the preface
		ErrorLog:          c.Log,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: c.Streams, SendPingTimeout: pingAfter, PingTimeout: pingTimeout},
		ConnState: func(_ net.Conn, s http.ConnState) {
			if s == http.StateClosed {
				_ = l.Close()
			}
		},
	}
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ended)
		finish, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.Finish)
		defer cancel()
		if srv.Shutdown(finish) != nil {
			_ = srv.Close() // whoever is still there was given its time
		}
	})
	err := srv.Serve(l)
	if !stop() {
		<-ended
	}
	_ = conn.Close() // closed already, unless it never was accepted
	handlers.end()
	if errors.Is(err, http.ErrServerClosed) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// handlers counts the handlers that run. net/http starts each in a goroutine, which may come to run after the connection has ended.
type handlers struct {
	handler http.Handler

	mu    sync.Mutex
	n     int
	ended bool
	none  chan struct{} // closed once ended and none runs
}

func (h *handlers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !h.add(1) {
		return // its connection is gone, and Serve with it
	}
	defer h.add(-1)
	h.handler.ServeHTTP(w, r)
}

func (h *handlers) add(n int) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if n > 0 && h.ended {
		return false
	}
	if h.n += n; h.ended && h.n == 0 {
		close(h.none)
	}
	return true
}

// end lets no more in, and waits for those that run.
func (h *handlers) end() {
	h.mu.Lock()
	h.ended = true
	if h.n == 0 {
		close(h.none)
	}
	h.mu.Unlock()
	<-h.none
}

// oneConn is a listener that gives one connection, and ends with it.
type oneConn struct {
	conn   chan net.Conn
	addr   net.Addr
	closed chan struct{}
	once   sync.Once
}

func newOneConn(conn net.Conn) *oneConn {
	l := &oneConn{conn: make(chan net.Conn, 1), addr: conn.LocalAddr(), closed: make(chan struct{})}
	l.conn <- conn // an h2conn hides what net/http asks a *tls.Conn, which ALPN chose: here nobody asked for a choice
	return l
}

func (l *oneConn) Accept() (net.Conn, error) {
	select {
	case <-l.closed:
		return nil, net.ErrClosed
	default:
	}
	select {
	case c := <-l.conn:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *oneConn) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *oneConn) Addr() net.Addr { return l.addr }
