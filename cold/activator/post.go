package activator

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/dubbofn/dubbofn/auth"
	"github.com/dubbofn/dubbofn/internal/earlylane"
)

const (
	// postStreams is how many requests one connection carries before another is made: what a Go server takes is 250, Envoy 100.
	postStreams = 100
	postDial    = 5 * time.Second
	// postIdle is how long a connection that is not the last is kept without a request.
	postIdle = time.Minute
)

// errNoConnection says that a request was not sent.
var errNoConnection = errors.New("no connection")

// posts are the connections to the platform, by address: functions behind one gateway share them.
type posts struct {
	base context.Context
	dial func(ctx context.Context, address string) (net.Conn, error)
	tls  *auth.TLS // nil: the system's roots

	mu  sync.Mutex
	all map[string]*pool
	wg  sync.WaitGroup
}

func newPosts(base context.Context, dial func(context.Context, string) (net.Conn, error), t *auth.TLS) *posts {
	return &posts{base: base, dial: dial, tls: t, all: map[string]*pool{}}
}

// of gives the connections to an app's address.
func (p *posts) of(a *app) *pool {
	key := a.address
	if a.secure {
		key = "https " + key
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	o := p.all[key]
	if o == nil {
		o = &pool{posts: p, address: a.address, secure: a.secure}
		p.all[key] = o
	}
	return o
}

// close ends all connections.
func (p *posts) close() {
	p.mu.Lock()
	all := p.all
	p.all = nil
	p.mu.Unlock()
	for _, o := range all {
		o.close()
	}
	p.wg.Wait()
}

// pool is the connections to one address. One at least stays open, once there was one.
type pool struct {
	posts   *posts
	address string
	secure  bool

	mu      sync.Mutex
	conns   []*post
	dialing *dialing // the one that is under way
	closed  bool
}

// post is one connection.
type post struct {
	conn  *earlylane.Transport
	calls int
	used  time.Time
}

// dialing is an attempt that several may wait for.
type dialing struct {
	done chan struct{}
	err  error
}

// send sends a request over the connection with the fewest, or a new one. Errors that wrap errNoConnection or earlylane.ErrNotRun say that it surely
// was not taken.
func (o *pool) send(req *http.Request) (*http.Response, error) {
	p, err := o.get(req.Context())
	if err != nil {
		if req.Body != nil {
			_ = req.Body.Close() // as a RoundTripper does
		}
		return nil, err
	}
	resp, err := p.conn.RoundTrip(req)
	if err != nil {
		o.put(p)
		return nil, err
	}
	resp.Body = &counted{closer: resp.Body, done: func() { o.put(p) }}
	return resp, nil
}

// counted is a response's body whose Close says that its request is over.
type counted struct {
	closer
	once sync.Once
	done func()
}

type closer = interface {
	Read(p []byte) (n int, err error)
	Close() error
}

// Close closes the body once.
func (c *counted) Close() error {
	err := c.closer.Close()
	c.once.Do(c.done)
	return err
}

func (o *pool) get(ctx context.Context) (*post, error) {
	for {
		o.mu.Lock()
		if o.closed {
			o.mu.Unlock()
			return nil, fmt.Errorf("%w to %s: the activator stops", errNoConnection, o.address)
		}
		best := o.best()
		if best != nil && best.calls < postStreams {
			best.calls++
			o.mu.Unlock()
			return best, nil
		}
		d := o.dialing
		if d == nil {
			d = &dialing{done: make(chan struct{})}
			o.dialing = d
			o.posts.wg.Go(func() { o.dial(d) })
		}
		o.mu.Unlock()
		select {
		case <-d.done:
			if d.err != nil {
				return nil, fmt.Errorf("%w to %s: %w", errNoConnection, o.address, d.err)
			}
		case <-ctx.Done():
			return nil, fmt.Errorf("%w to %s: %w", errNoConnection, o.address, context.Cause(ctx))
		}
	}
}

// best gives the connection with the fewest calls, and forgets those that are gone. It is called with the lock held.
func (o *pool) best() *post {
	var best *post
	kept := o.conns[:0]
	for _, p := range o.conns {
		select {
		case <-p.conn.Done():
			continue
		default:
		}
		kept = append(kept, p)
		if (best == nil || p.calls < best.calls) && p.conn.Available() > 0 {
			best = p
		}
	}
	clear(o.conns[len(kept):])
	o.conns = kept
	return best
}

// put counts a call out, and closes what is too much.
func (o *pool) put(p *post) {
	now := time.Now()
	o.mu.Lock()
	p.calls--
	p.used = now
	var idle []*post
	for i := 0; i < len(o.conns) && len(o.conns) > 1; {
		if c := o.conns[i]; c.calls == 0 && c != p && now.Sub(c.used) > postIdle {
			idle = append(idle, c)
			o.conns = append(o.conns[:i], o.conns[i+1:]...)
			continue
		}
		i++
	}
	o.mu.Unlock()
	for _, c := range idle {
		_ = c.conn.Close() // nothing is on it
	}
}

// dial makes one more connection. Its end is nobody's who waits.
func (o *pool) dial(d *dialing) {
	p, err := o.connect()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.dialing = nil
	d.err = err
	if err == nil {
		if o.closed {
			_ = p.conn.Close() // nothing is on it
		} else {
			o.conns = append(o.conns, p)
		}
	}
	close(d.done)
}

func (o *pool) connect() (*post, error) {
	ctx, cancel := context.WithTimeout(o.posts.base, postDial)
	defer cancel()
	nc, err := o.posts.dial(ctx, o.address)
	if err != nil {
		return nil, err
	}
	if o.secure {
		if nc, err = o.handshake(ctx, nc); err != nil {
			return nil, err
		}
	}
	t, err := earlylane.NewTransport(ctx, nc)
	if err != nil {
		return nil, err
	}
	return &post{conn: t, used: time.Now()}, nil
}

func (o *pool) handshake(ctx context.Context, nc net.Conn) (net.Conn, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if o.posts.tls != nil {
		cfg = o.posts.tls.Client()
	}
	if cfg.ServerName == "" {
		cfg.ServerName, _, _ = net.SplitHostPort(o.address)
	}
	cfg.NextProtos = []string{"h2"}
	c := tls.Client(nc, cfg)
	err := c.HandshakeContext(ctx)
	if err == nil && c.ConnectionState().NegotiatedProtocol != "h2" {
		err = errors.New("it speaks TLS, but no HTTP/2")
	}
	if err != nil {
		_ = nc.Close() // err says what matters
		return nil, fmt.Errorf("TLS: %w", err)
	}
	return c, nil
}

func (o *pool) close() {
	o.mu.Lock()
	all := o.conns
	o.conns, o.closed = nil, true
	o.mu.Unlock()
	for _, p := range all {
		_ = p.conn.Close() // those on it are told by their errors
	}
}
