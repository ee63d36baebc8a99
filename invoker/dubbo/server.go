package dubbo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dubbofn/dubbofn/internal/hessian"
	"github.com/dubbofn/dubbofn/invoker"
)

// Server answers Dubbo requests with a [Provider]. One Server may serve several listeners and its Handler at once; the limits
// count all of them together. Safe for concurrent use.
type Server struct {
	provider Provider
	relay    *relaying // nil: requests are decoded, and run here
	cfg      ServerConfig
	limits   hessian.Limits
	heads    headCache
	seen     lastSeen // of what came by HTTP
	buffers  buffers
	requests sync.Pool
	counts   counts

	first    atomic.Bool // a call was replied to
	inFlight atomic.Int64
	arrived  atomic.Int64 // Unix nanoseconds of the last request's arrival

	mu       sync.Mutex
	serving  map[*serving]struct{}
	draining bool
	closed   bool
	drained  atomic.Pointer[chan struct{}] // told when a call ends, while draining
}

type counts struct {
	accepted, refused, calls, oneWay, exhausted, bad, late atomic.Int64
	conns                                                  atomic.Int64
}

// Stats is what a Server has done since it was made, and is doing.
type Stats struct {
	Conns     int64 // open now
	InFlight  int64 // calls that run now
	Accepted  int64 // connections accepted in all
	Refused   int64 // connections closed at accept, over MaxConns
	Calls     int64 // requests that reached the Provider's Invoker
	OneWay    int64 // those of them that nobody waits for
	Exhausted int64 // requests answered with status 100, over MaxInFlight or the Budget
	Bad       int64 // requests that could not be read, or named nothing that exists
	Late      int64 // requests whose deadline had passed before they could run
	Bytes     int64 // bytes of the Budget in use now
}

// NewServer makes a Server. It panics when p is nil or cfg is invalid (see [ServerConfig.Validate]).
func NewServer(p Provider, cfg ServerConfig) *Server {
	if p == nil {
		panic("dubbo: NewServer needs a Provider")
	}
	if err := cfg.Validate(); err != nil {
		panic(fmt.Sprintf("dubbo: NewServer: %v", err))
	}
	if t, ok := p.(typed); ok && cfg.Types == nil {
		cfg.Types = t.Types()
	}
	return &Server{provider: p, cfg: cfg.withDefaults(), serving: map[*serving]struct{}{}}
}

// Stats gives the counters.
func (s *Server) Stats() Stats {
	c := &s.counts
	return Stats{
		Conns: c.conns.Load(), InFlight: s.inFlight.Load(), Accepted: c.accepted.Load(), Refused: c.refused.Load(), Calls: c.calls.Load(),
		OneWay: c.oneWay.Load(), Exhausted: c.exhausted.Load(), Bad: c.bad.Load(), Late: c.late.Load(), Bytes: s.cfg.Budget.Used(),
	}
}

var errClosed = errors.New("serve dubbo: the server was drained")

// Serve answers on l until ctx ends or Drain has closed the server; then it returns nil, once everything that it started has
// ended: a function that ignores its context holds it up. It closes l. When ctx ends, connections are cut and the contexts of
// running calls end; to let calls finish, Drain first. The error is that of l.Accept, or that the server was drained before.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	sv := newServing(ctx, s, l)
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		sv.stop()
		return errClosed
	}
	s.serving[sv] = struct{}{}
	s.mu.Unlock()
	err := sv.run(ctx)
	s.mu.Lock()
	delete(s.serving, sv)
	s.mu.Unlock()
	return err
}

// admit counts a call in, unless there are too many.
func (s *Server) admit(arrival time.Time) bool {
	s.arrived.Store(arrival.UnixNano())
	if s.inFlight.Add(1) > int64(s.cfg.MaxInFlight) {
		s.leave()
		s.counts.exhausted.Add(1)
		return false
	}
	return true
}

// Enter counts a call in that does not come over the wire: against MaxInFlight, and Drain waits for it. leave must be called once, at the call's end.
// The error, an [invoker.Error], is that there are too many, or that the server was drained.
func (s *Server) Enter() (leave func(), err error) {
	if !s.isClosed() {
		if !s.admit(time.Now()) {
			return nil, invoker.Errorf(invoker.CodeExhausted, "", "%d calls in flight (limit %d)", s.cfg.MaxInFlight, s.cfg.MaxInFlight)
		}
		if !s.isClosed() { // else Drain may not have seen it
			return s.leave, nil
		}
		s.leave()
	}
	return nil, &invoker.Error{Code: invoker.CodeUnavailable, Err: errClosed}
}

// leave counts a call out.
func (s *Server) leave() {
	s.inFlight.Add(-1)
	if c := s.drained.Load(); c != nil {
		select {
		case *c <- struct{}{}:
		default:
		}
	}
}

// answer runs one request and leaves the response's frame in r.out. It never panics.
func (s *Server) answer(ctx context.Context, r *request) {
	defer func() {
		r.release(s)
		if p := recover(); p != nil {
			s.cfg.Log.Error("dubbo: a request broke the server", "panic", p, "stack", string(debug.Stack()))
			r.refuse(s, statusServerError, "internal error; the provider's log has it")
		}
	}()
	target, sig, err := r.read(s)
	r.release(s)
	if err != nil {
		s.counts.bad.Add(1)
		r.fail(s, err)
		return
	}
	s.invoke(ctx, r, target, sig)
}

// replied is told of each call that ran, once its reply was handed over.
func (s *Server) replied(arrived time.Time) {
	if s.cfg.First != nil && !s.first.Load() && s.first.CompareAndSwap(false, true) {
		s.cfg.First(arrived)
	}
}

func (s *Server) invoke(ctx context.Context, r *request, target invoker.Invoker, sig *hessian.Signature) {
	c := r.call
	r.over.apply(r)
	if !c.deadline.IsZero() && !time.Now().Before(c.deadline) {
		s.counts.late.Add(1)
		r.refuse(s, statusServerTimeout, withoutRun(fmt.Sprintf("call %s.%s: its time had run out before it could run", r.names.path, r.names.method)))
		return
	}
	s.counts.calls.Add(1)
	if c.inv.OneWay {
		s.counts.oneWay.Add(1)
	}
	c.parent = ctx
	defer c.finish()
	r.ran = true
	res, err := target.Invoke(invoker.NewContext(c, &c.inv), &c.inv)
	if c.inv.OneWay {
		if err != nil {
			s.cfg.Log.Warn("dubbo: a one-way call failed", "service", r.names.path, "method", r.names.method, "error", err)
		}
		return
	}
	if err != nil && c.broken(err) {
		r.fail(s, err)
		return
	}
	r.respond(s, sig, &res, err)
}

// broken tells whether an error of a call is not the method's own.
func (c *call) broken(err error) bool {
	e := (*invoker.Error)(nil)
	return errors.As(err, &e) || errors.Is(err, context.DeadlineExceeded) && c.Err() != nil
}

// fail answers with the status of an error that isn't the method's own.
func (r *request) fail(s *Server, err error) {
	code := invoker.CodeTimeout
	if e := (*invoker.Error)(nil); errors.As(err, &e) {
		code = e.Code
	}
	r.refuse(s, statusOf(code), err.Error())
}
