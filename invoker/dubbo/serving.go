package dubbo

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// maxIdleWorkers is how many goroutines wait for the next request, with the stacks that they have grown.
const maxIdleWorkers = 256

// serving is one listener at work.
type serving struct {
	s        *Server
	listener net.Listener
	ctx      context.Context
	cancel   context.CancelFunc
	work     chan *request
	idle     atomic.Int64

	mu     sync.Mutex
	conns  map[*serverConn]struct{}
	closed bool

	readers sync.WaitGroup // connections, each with its reader and writer
	workers sync.WaitGroup
}

func newServing(ctx context.Context, s *Server, l net.Listener) *serving {
	sv := &serving{s: s, listener: l, work: make(chan *request), conns: map[*serverConn]struct{}{}}
	sv.ctx, sv.cancel = context.WithCancel(context.WithoutCancel(ctx)) // ended by stop
	return sv
}

// stop closes the listener, cuts every connection and ends every call, in this order: what a function says because its context ended is
// no answer of its method's.
func (sv *serving) stop() {
	sv.close(func(c *serverConn) { c.cut(errServerStops) })
	sv.cancel()
}

// finish closes the listener and lets every connection write what it has; then they close.
func (sv *serving) finish() {
	sv.close(func(c *serverConn) { c.w.finish() })
}

func (sv *serving) close(each func(*serverConn)) {
	sv.mu.Lock()
	sv.closed = true
	for c := range sv.conns {
		each(c)
	}
	sv.mu.Unlock()
	_ = sv.listener.Close()
}

// run accepts until the listener is closed.
func (sv *serving) run(ctx context.Context) error {
	unwatch := context.AfterFunc(ctx, sv.stop)
	var janitor sync.WaitGroup
	done := make(chan struct{})
	janitor.Go(func() { sv.watch(done) })
	err := sv.accept()
	if err != nil {
		sv.stop()
	}
	sv.readers.Wait()
	close(done)
	janitor.Wait()
	close(sv.work)
	sv.workers.Wait()
	sv.cancel()
	unwatch()
	return err
}

func (sv *serving) accept() error {
	var pause time.Duration
	for {
		nc, err := sv.listener.Accept()
		if err != nil {
			if sv.isClosed() {
				return nil
			}
			if t, ok := err.(interface{ Temporary() bool }); ok && t.Temporary() {
				// Out of descriptors, or the peer has gone: as net/http does, wait a little and go on.
				pause = min(max(2*pause, 5*time.Millisecond), time.Second)
				sv.s.cfg.Log.Warn("dubbo: accept failed, trying again", "error", err, "after", pause)
				select {
				case <-time.After(pause):
					continue
				case <-sv.ctx.Done():
					return nil
				}
			}
			return fmt.Errorf("serve dubbo: %w", err)
		}
		pause = 0
		sv.open(nc)
	}
}

func (sv *serving) isClosed() bool {
	sv.mu.Lock()
	defer sv.mu.Unlock()
	return sv.closed
}

// open starts a connection, or closes it where there are too many.
func (sv *serving) open(nc net.Conn) {
	s := sv.s
	if n := s.counts.conns.Add(1); n > int64(s.cfg.MaxConns) {
		s.counts.conns.Add(-1)
		s.counts.refused.Add(1)
		_ = nc.Close()
		s.cfg.Log.Warn("dubbo: connection refused", "remote", nc.RemoteAddr(), "connections", n-1, "limit", s.cfg.MaxConns)
		return
	}
	s.counts.accepted.Add(1)
	c := newServerConn(sv, nc)
	s.mu.Lock()
	draining := s.draining
	sv.mu.Lock()
	if sv.closed {
		sv.mu.Unlock()
		s.mu.Unlock()
		s.counts.conns.Add(-1)
		c.cancel(errServerStops)
		_ = nc.Close()
		return
	}
	sv.conns[c] = struct{}{}
	sv.mu.Unlock()
	s.mu.Unlock()
	if draining {
		c.readonly()
	}
	sv.readers.Go(c.run)
}

func (sv *serving) remove(c *serverConn) {
	sv.mu.Lock()
	delete(sv.conns, c)
	sv.mu.Unlock()
	sv.s.counts.conns.Add(-1)
}

// dispatch has a request run by a goroutine that waits for one, else by a new one. It doesn't block.
func (sv *serving) dispatch(r *request) {
	select {
	case sv.work <- r:
	default:
		sv.workers.Go(func() { sv.worker(r) })
	}
}

func (sv *serving) worker(r *request) {
	for ok := true; ok; {
		r.conn.handle(r)
		if sv.idle.Add(1) > maxIdleWorkers {
			sv.idle.Add(-1)
			return
		}
		r, ok = <-sv.work
		sv.idle.Add(-1)
	}
}

// watch looks at every connection now and then: a look is cheaper than a timer set for every read.
func (sv *serving) watch(done <-chan struct{}) {
	cfg := &sv.s.cfg
	t := time.NewTicker(min(max(min(cfg.ReadTimeout, cfg.WriteTimeout, cfg.Heartbeat)/8, 5*time.Millisecond), time.Second))
	defer t.Stop()
	for {
		select {
		case <-done:
			return
		case now := <-t.C:
			sv.mu.Lock()
			for c := range sv.conns {
				c.look(now)
			}
			sv.mu.Unlock()
		}
	}
}
