package activator

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
)

// network is in memory, so that its time can be made up.
type network struct {
	mu        sync.Mutex
	listeners map[string]*pipes
	next      int
}

func newNetwork() *network { return &network{listeners: map[string]*pipes{}} }

func (n *network) listen(address string) *pipes {
	n.mu.Lock()
	defer n.mu.Unlock()
	l := &pipes{n: n, address: memory(address), conns: make(chan net.Conn), done: make(chan struct{})}
	n.listeners[address] = l
	return l
}

var errRefused = errors.New("connection refused")

func (n *network) dial(ctx context.Context, address string) (net.Conn, error) {
	n.mu.Lock()
	l := n.listeners[address]
	n.next++
	from := memory(fmt.Sprintf("10.0.0.1:%d", n.next))
	n.mu.Unlock()
	if l == nil {
		return nil, fmt.Errorf("dial %s: %w", address, errRefused)
	}
	near, far := net.Pipe()
	select {
	case l.conns <- &named{far, l.address, from}:
		return &named{near, from, l.address}, nil
	case <-l.done:
		return nil, fmt.Errorf("dial %s: %w", address, errRefused)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

type memory string

func (memory) Network() string  { return "memory" }
func (m memory) String() string { return string(m) }

type named struct {
	net.Conn
	local, remote net.Addr
}

func (c *named) LocalAddr() net.Addr  { return c.local }
func (c *named) RemoteAddr() net.Addr { return c.remote }

type pipes struct {
	n       *network
	address memory
	conns   chan net.Conn
	once    sync.Once
	done    chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() {
		close(p.done)
		p.n.mu.Lock()
		defer p.n.mu.Unlock()
		if p.n.listeners[string(p.address)] == p {
			delete(p.n.listeners, string(p.address))
		}
	})
	return nil
}

func (p *pipes) Addr() net.Addr { return p.address }
