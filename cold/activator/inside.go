package activator

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
)

// inside is a listener for connections of this process's own, which need no port and no TLS.
type inside struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newInside() *inside { return &inside{conns: make(chan net.Conn), done: make(chan struct{})} }

// Accept implements [net.Listener].
func (l *inside) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Close implements [net.Listener].
func (l *inside) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

// Addr implements [net.Listener].
func (*inside) Addr() net.Addr { return insideAddr{} }

type insideAddr struct{}

// Network implements [net.Addr].
func (insideAddr) Network() string { return "pipe" }

// String implements [net.Addr].
func (insideAddr) String() string { return insideHost }

// insideConn says who is there.
type insideConn struct{ net.Conn }

// RemoteAddr implements [net.Conn].
func (insideConn) RemoteAddr() net.Addr { return insideAddr{} }

// errNotServed is what Dial says while nothing is served.
var errNotServed = errors.New("it is not served (any more)")

// Dial connects to where an application is served, as a consumer would over the network, but within this process: what speaks TLS
// outside doesn't here. The caller closes the connection. Safe for concurrent use.
func (a *Activator) Dial(ctx context.Context, app string) (net.Conn, error) {
	a.mu.Lock()
	p := a.apps[app]
	a.mu.Unlock()
	if p == nil {
		return nil, fmt.Errorf("activator: application %q: %w", app, errNotServed)
	}
	near, far := net.Pipe()
	select {
	case p.port.inside.conns <- insideConn{far}:
		return near, nil
	case <-p.port.inside.done:
		return nil, fmt.Errorf("activator: application %q: %w", app, errNotServed)
	case <-ctx.Done():
		return nil, fmt.Errorf("activator: application %q: %w", app, context.Cause(ctx))
	}
}
