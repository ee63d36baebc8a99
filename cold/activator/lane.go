package activator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/dubbofn/dubbofn/internal/earlylane"
)

const (
	// maxStrangers is how many connections may be in the handshake, or greeted and not ready yet.
	maxStrangers = 1024
	// readyWait is how long a greeted process may take to get ready.
	readyWait = 5 * time.Minute
	// defaultLimit is how many calls a process gets at once that says nothing of it.
	defaultLimit = 100
)

// lane is a connection that a process of a function has dialled.
type lane struct {
	conn     *earlylane.Transport
	instance string
	revision string // the Knative revision
	limit    int
	opened   time.Time

	// Guarded by the sleeper's mu.
	calls int
	spent bool // it gets no more calls
}

func (l *lane) usable() bool { return !l.spent && l.calls < l.limit && l.conn.Available() > 0 }

// lanes accepts them.
type lanes struct {
	a         *Activator
	strangers atomic.Int64
}

// serve accepts until the listener is closed.
func (x *lanes) serve(ctx context.Context, l net.Listener) error {
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	var pause time.Duration
	for {
		nc, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return nil
			}
			if t, ok := err.(interface{ Temporary() bool }); ok && t.Temporary() {
				pause = min(max(2*pause, 5*time.Millisecond), time.Second)
				select {
				case <-time.After(pause):
					continue
				case <-ctx.Done():
					return nil
				}
			}
			return fmt.Errorf("accept early lanes: %w", err)
		}
		pause = 0
		if n := x.strangers.Add(1); n > maxStrangers {
			x.strangers.Add(-1)
			_ = nc.Close() // it is told by that
			x.a.metrics.strangers.Inc()
			x.a.log.Warn("activator: an early lane was refused", "remote", nc.RemoteAddr(), "error", fmt.Sprintf("%d connections are not ready yet (limit %d)", n-1, maxStrangers))
			continue
		}
		x.a.running.Go(func() { x.take(ctx, nc) })
	}
}

// take is the life of one connection.
func (x *lanes) take(ctx context.Context, nc net.Conn) {
	s, l, ledger, err := x.open(ctx, nc)
	x.strangers.Add(-1)
	if err != nil {
		if ctx.Err() == nil {
			x.a.metrics.strangers.Inc()
			x.a.log.Warn("activator: an early lane was refused", "remote", nc.RemoteAddr(), "error", err)
		}
		return
	}
	s.laneOpened(l, ledger)
	x.a.snapshots.learn(ctx, s, l)
	select {
	case <-l.conn.Done():
	case <-ctx.Done():
	}
	s.laneClosed(l)
	_ = l.conn.Close() // it is closed, or everything is
}

func (x *lanes) open(ctx context.Context, nc net.Conn) (s *sleeper, l *lane, ledger json.RawMessage, err error) {
	ctx, cancel := context.WithTimeout(ctx, readyWait)
	defer cancel()
	acc, err := earlylane.Accept(ctx, nc, x.greet)
	if err != nil {
		return nil, nil, nil, err
	}
	text, err := acc.Opened(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	if json.Valid(text) {
		ledger = text
	}
	app, s, err := x.wanted(acc.Hello) // again: things may have changed while it got ready
	if err != nil {
		_ = nc.Close() // err says what matters
		return nil, nil, nil, err
	}
	conn, err := earlylane.NewTransport(ctx, nc)
	if err != nil {
		return nil, nil, nil, err
	}
	return s, &lane{conn: conn, instance: acc.Hello.Instance, revision: acc.Hello.Revision, limit: limitOf(acc.Hello, app), opened: time.Now()}, ledger, nil
}

// limitOf gives what a process takes at once: what it says, and no more than the platform lets in.
func limitOf(h earlylane.Hello, a *app) int {
	limit := h.Limit
	if limit == 0 {
		limit = defaultLimit
	}
	if a.Concurrency > 0 {
		limit = min(limit, a.Concurrency)
	}
	return limit
}

// greet gives what a process is greeted with, or says why not.
func (x *lanes) greet(h earlylane.Hello) (token string, snapshot []byte, err error) {
	app, _, err := x.wanted(h)
	if err != nil {
		return "", nil, err
	}
	return app.Token, x.a.snapshots.of(h.App), nil
}

// wanted tells whether a process may take calls. The error goes to it, who may be a stranger: it names nothing that it doesn't know.
func (x *lanes) wanted(h earlylane.Hello) (*app, *sleeper, error) {
	s := x.a.sleeper(h.App)
	if s == nil {
		return nil, nil, fmt.Errorf("no application %q is served here", h.App)
	}
	app := s.now.Load()
	switch app.KnativeRevision {
	case h.Revision:
		return app, s, nil
	case "":
		return nil, nil, errors.New("traffic goes to more than one Knative revision: there is no early lane")
	}
	return nil, nil, fmt.Errorf("traffic does not go to Knative revision %q", h.Revision)
}

// laneOpened gives a new lane what waits.
func (s *sleeper) laneOpened(l *lane, ledger json.RawMessage) {
	now := time.Now()
	s.mu.Lock()
	s.doubt(now) // the lane of a process that somebody else has woken
	s.lanes[l] = struct{}{}
	s.m.lanes.Inc()
	if s.open || l.revision != s.now.Load().KnativeRevision {
		l.spent = true // calls go by the platform's path, where the platform counts them
	}
	if s.wake != nil {
		s.wake.laneOpened(now, l, ledger)
	}
	started := s.pump()
	s.mu.Unlock()
	s.runAll(started)
}

// laneClosed forgets a lane. Its calls end by themselves.
func (s *sleeper) laneClosed(l *lane) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l.spent = true
	delete(s.lanes, l)
	s.tally.gone(l.instance)
}
