package zookeeper

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/dubbofn/dubbofn/registry"
)

// center is a registry over one ZooKeeper session, or those that follow it.
type center struct {
	s    settings
	log  *slog.Logger
	conn *zk.Conn
	ctx  context.Context // the values of Open's, without its end
	wg   sync.WaitGroup
	over chan struct{} // closed by Close
	wake chan struct{} // the keeper is to look after the leases
	most time.Duration // a look's time

	mu      sync.Mutex
	closing bool
	session int64             // the present one
	leases  map[*lease]bool   // that are to be looked after, those among them that are over until they are gone
	owners  map[string]*lease // of the ephemeral nodes, by path
	watches map[*watch]bool
	up      chan struct{} // closed when there is a session for the first time
}

// Pauses between tries, doubled up to the second and each up to a half longer by chance.
const (
	pauseFirst = 100 * time.Millisecond
	pauseLast  = 5 * time.Second
	checkEvery = 30 * time.Second
)

func newCenter(ctx context.Context, s settings, log *slog.Logger) (*center, error) {
	c := &center{
		ctx: context.WithoutCancel(ctx), s: s, log: log, over: make(chan struct{}), wake: make(chan struct{}, 1), up: make(chan struct{}), most: lookTimeout,
		leases: map[*lease]bool{}, owners: map[string]*lease{}, watches: map[*watch]bool{},
	}
	conn, events, err := zk.Connect(s.servers, s.session, zk.WithLogger(zkLog{log}), zk.WithLogInfo(false), zk.WithMaxBufferSize(maxPacketBytes), zk.WithEventCallback(c.event))
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	c.conn = conn // events may have come before: see event
	c.mu.Unlock()
	c.wg.Go(func() {
		for e := range events { // the callback has them; the channel ends with the connection
			_ = e
		}
	})
	select {
	case <-c.up:
	case <-ctx.Done():
		conn.Close()
		c.wg.Wait()
		return nil, fmt.Errorf("%w: no session with %v: %w", registry.ErrUnreachable, s.servers, context.Cause(ctx))
	}
	if s.user != "" {
		if err := c.do(ctx, func() error { return conn.AddAuth("digest", []byte(s.user+":"+s.password)) }); err != nil {
			conn.Close()
			c.wg.Wait()
			return nil, fmt.Errorf("log in as %q: %w", s.user, err)
		}
	}
	c.wg.Go(c.keep)
	return c, nil
}

// event takes what the connection tells: it must not wait.
func (c *center) event(e zk.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case e.Type == zk.EventSession && e.State == zk.StateHasSession:
		select {
		case <-c.up:
		default:
			close(c.up)
		}
		if c.conn == nil {
			return
		}
		if id := c.conn.SessionID(); id != c.session {
			c.session = id
			for w := range c.watches {
				w.disarm()
			}
			c.log.Info("zookeeper: a session began", "session", fmt.Sprintf("%#x", id))
			c.signal()
		}
		for w := range c.watches {
			w.mark("")
		}
	case e.Type == zk.EventSession:
	default:
		for w := range c.watches {
			w.mark(e.Path)
		}
	}
}

func (c *center) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// do runs requests of the client library, which know no context: they wait for a connection. What is left behind ends with the
// connection's return, or with Close.
func (c *center) do(ctx context.Context, request func() error) error {
	if !c.begin() {
		return registry.ErrClosed
	}
	return c.run(ctx, request)
}

// begin counts a request that is to run; false once the registry is closed.
func (c *center) begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return false
	}
	c.wg.Add(1)
	return true
}

// run runs a request that has begun.
func (c *center) run(ctx context.Context, request func() error) error {
	done := make(chan error, 1)
	go func() {
		defer c.wg.Done()
		done <- request()
	}()
	select {
	case err := <-done:
		return explained(err)
	case <-ctx.Done():
		if state := c.conn.State(); state != zk.StateHasSession {
			return fmt.Errorf("%w: the connection is %v: %w", registry.ErrUnreachable, state, context.Cause(ctx))
		}
		return context.Cause(ctx)
	}
}

// explained gives the library's errors the registry's meaning.
func explained(err error) error {
	switch {
	case err == nil, errors.Is(err, registry.ErrUnreachable):
		return err
	case errors.Is(err, zk.ErrNoAuth), errors.Is(err, zk.ErrAuthFailed), errors.Is(err, zk.ErrInvalidACL):
		return &registry.Refusal{What: "access", Reason: err.Error() + " (is the URL's user the one that made the nodes?)"}
	case errors.Is(err, zk.ErrClosing):
		return registry.ErrClosed
	case errors.Is(err, zk.ErrConnectionClosed), errors.Is(err, zk.ErrNoServer), errors.Is(err, zk.ErrSessionExpired), errors.Is(err, zk.ErrSessionMoved):
		return fmt.Errorf("%w: %w", registry.ErrUnreachable, err)
	}
	return err
}

// retry runs a request again while the connection is lost under it, until ctx ends.
func (c *center) retry(ctx context.Context, request func() error) error {
	return c.do(ctx, func() error { return c.again(ctx, request) })
}

// again runs a request, again while the connection is lost under it, until ctx ends.
func (c *center) again(ctx context.Context, request func() error) error {
	for n := 0; ; n++ {
		err := explained(request())
		if !errors.Is(err, registry.ErrUnreachable) || ctx.Err() != nil || c.pause(ctx, n) != nil {
			return err
		}
	}
}

// pause waits for the nth time.
func (c *center) pause(ctx context.Context, n int) error {
	d := min(pauseFirst<<min(n, 10), pauseLast)
	t := time.NewTimer(d + rand.N(d/2))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-c.over:
		return registry.ErrClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Close takes every instance away, for at most some seconds, then waits for what is on its way and disconnects.
func (c *center) Close() error {
	c.mu.Lock()
	if c.closing {
		c.mu.Unlock()
		c.wg.Wait()
		return nil
	}
	leases := make([]*lease, 0, len(c.leases))
	for l := range c.leases {
		leases = append(leases, l)
	}
	c.mu.Unlock()
	ctx, cancel := context.WithTimeout(c.ctx, closeTimeout)
	defer cancel()
	var errs []error
	for _, l := range leases {
		errs = append(errs, l.End(ctx))
	}
	c.mu.Lock()
	if c.closing { // by another Close
		c.mu.Unlock()
		c.wg.Wait()
		return nil
	}
	c.closing = true
	close(c.over)
	c.mu.Unlock()
	c.conn.Close()
	c.wg.Wait()
	return errors.Join(errs...)
}

const closeTimeout = 3 * time.Second

// put makes a persistent node with that content, and what is missing above it.
func (c *center) put(path string, content []byte) error {
	for range 3 {
		b, stat, err := c.conn.Get(path)
		switch {
		case errors.Is(err, zk.ErrNoNode):
			if err = c.create(path, content, 0); !errors.Is(err, zk.ErrNodeExists) {
				return err
			}
		case err != nil:
			return err
		case string(b) == string(content):
			return nil
		default:
			if _, err = c.conn.Set(path, content, stat.Version); !errors.Is(err, zk.ErrBadVersion) {
				return err
			}
		}
	}
	return fmt.Errorf("write %s: others write it all the time", path)
}

// create makes a node and what is missing above it.
func (c *center) create(path string, content []byte, flags int32) error {
	_, err := c.conn.Create(path, content, flags, c.s.acl())
	if !errors.Is(err, zk.ErrNoNode) {
		return err
	}
	for i := 1; i < len(path); i++ {
		if path[i] != '/' {
			continue
		}
		if _, err := c.conn.Create(path[:i], nil, 0, c.s.acl()); err != nil && !errors.Is(err, zk.ErrNodeExists) {
			return err
		}
	}
	_, err = c.conn.Create(path, content, flags, c.s.acl())
	return err
}

// hold makes an ephemeral node of this session with that content. One of another session, which may be this process's own from
// before, is replaced.
func (c *center) hold(path string, content []byte) error {
	for range 3 {
		b, stat, err := c.conn.Get(path)
		switch {
		case errors.Is(err, zk.ErrNoNode):
			if err = c.create(path, content, zk.FlagEphemeral); !errors.Is(err, zk.ErrNodeExists) {
				return err
			}
		case err != nil:
			return err
		case stat.EphemeralOwner != c.conn.SessionID():
			if err = c.conn.Delete(path, stat.Version); err != nil && !errors.Is(err, zk.ErrNoNode) && !errors.Is(err, zk.ErrBadVersion) {
				return err
			}
		case string(b) == string(content):
			return nil
		default:
			_, err = c.conn.Set(path, content, stat.Version)
			return err
		}
	}
	return fmt.Errorf("hold %s: others write it all the time", path)
}

// leave takes a node away.
func (c *center) leave(path string) error {
	if err := c.conn.Delete(path, -1); err != nil && !errors.Is(err, zk.ErrNoNode) {
		return err
	}
	return nil
}

// join adds app to an interface's mapping by compare-and-set, as Dubbo 3.x providers do.
func (c *center) join(iface, app string) error {
	path := c.s.mappingPath(iface)
	for range 100 {
		b, stat, err := c.conn.Get(path)
		if errors.Is(err, zk.ErrNoNode) {
			if err = c.create(path, []byte(app), 0); !errors.Is(err, zk.ErrNodeExists) {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		apps := splitApps(string(b))
		if slices.Contains(apps, app) {
			return nil
		}
		list := app
		if len(apps) > 0 {
			list = string(b) + "," + app
		}
		if _, err = c.conn.Set(path, []byte(list), stat.Version); !errors.Is(err, zk.ErrBadVersion) {
			return err
		}
	}
	return fmt.Errorf("add %s to the applications of %s: others write it all the time", app, iface)
}
