package dubbo

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dubbofn/dubbofn/internal/hessian"
	"github.com/dubbofn/dubbofn/invoker"
)

// ConnConfig says how a [Conn] behaves. The zero value is usable; zero fields mean the defaults, those of [ServerConfig].
type ConnConfig struct {
	Types        *hessian.Types // Java types of arguments and dynamic results. Default: none but Java's own
	TLS          *tls.Config    // Dial speaks TLS with it; without a ServerName the dialled host is what the certificate must name. Default: plain TCP
	Log          *slog.Logger   // Default: nothing is logged
	Budget       *Budget        // bounds the bytes of results being read. Default: 256 MiB of its own
	MaxBytes     int            // bounds the body of a frame, in either direction. Default: DefaultMaxBytes
	QueueBytes   int            // bounds the requests that wait to be written; a call waits while there are as many. Default: 16 MiB
	ReadTimeout  time.Duration  // how long one frame may take to arrive. Default: 30 s
	WriteTimeout time.Duration  // how long a write may make no progress. Default: 30 s
	Heartbeat    time.Duration  // idle time before a heartbeat; after three times as long without a byte the connection fails. Default: 60 s
}

// Validate reports every setting that makes no sense.
func (c ConnConfig) Validate() error { return c.server().Validate() }

// server gives the settings that both ends share.
func (c ConnConfig) server() ServerConfig {
	return ServerConfig{Types: c.Types, Log: c.Log, Budget: c.Budget, MaxBytes: c.MaxBytes, QueueBytes: c.QueueBytes,
		ReadTimeout: c.ReadTimeout, WriteTimeout: c.WriteTimeout, Heartbeat: c.Heartbeat}
}

// Conn is the consumer's end of one connection: an invoker.Invoker that carries many calls at once. When the connection
// fails, so do its calls, at once; it never reconnects. Safe for concurrent use.
type Conn struct {
	nc      net.Conn
	cfg     ServerConfig
	r       reader
	w       *writer
	buffers buffers
	pool    sync.Pool // *outgoing
	remote  string

	ids      atomic.Uint64
	readonly atomic.Bool
	leaving  chan struct{} // closed when the provider announces that it is going, for the first time
	scratch  []byte        // room for a small answer that is passed on; of the reader alone
	stalled  atomic.Bool   // an answer has begun long ago and does not go on
	silent   atomic.Bool   // a call's time went by, and not a byte has come since it was sent
	beat     atomic.Int64  // when the last heartbeat was sent; Unix nanoseconds

	mu      sync.Mutex
	pending map[uint64]*waiter
	taken   bool          // the reader has taken a call out of pending, and its answer is arriving
	idle    chan struct{} // closed when nothing is pending or arriving; made by Finish, after which no call is taken
	failure error         // why the connection ended; nil while it lives
	done    chan struct{} // closed when it ends
	wg      sync.WaitGroup
}

// waiter is a call that waits for its answer.
type waiter struct {
	own   []byte        // room for a small reply
	ready chan struct{} // told once, when reply is there
	reply reply
	got   bool // reply is there
	gone  bool // nobody waits any more
	beat  bool // it waits for the answer to a heartbeat
	raw   *Forwarded
}

// reply is an answer, or why there is none.
type reply struct {
	header header
	body   []byte
	err    error
}

// Dial connects to a provider over TCP, or TLS; address is "host:port". The error is an *invoker.Error of CodeUnavailable, or of
// CodeTimeout or CodeCanceled when ctx ended first. The context's end doesn't touch the connection once it is made.
func Dial(ctx context.Context, address string, cfg ConnConfig) (*Conn, error) {
	var d net.Dialer
	dial := d.DialContext
	if cfg.TLS != nil {
		dial = (&tls.Dialer{NetDialer: &d, Config: cfg.TLS}).DialContext
	}
	nc, err := dial(ctx, "tcp", address)
	if err != nil {
		if cfg.TLS != nil && errors.Is(err, io.EOF) {
			err = fmt.Errorf("the provider ended the TLS handshake, it may speak none: %w", err)
		}
		code := invoker.CodeUnavailable
		if ctx.Err() != nil {
			code = codeOfContext(ctx)
		}
		return nil, invoker.Errorf(code, "dial "+address, "%w", err)
	}
	return NewConn(nc, cfg), nil
}

// NewConn makes a Conn of a connection, which is the Conn's from then on. It panics when cfg is invalid.
func NewConn(nc net.Conn, cfg ConnConfig) *Conn {
	if err := cfg.Validate(); err != nil {
		panic(fmt.Sprintf("dubbo: NewConn: %v", err))
	}
	c := &Conn{nc: nc, cfg: cfg.server().withDefaults(), pending: map[uint64]*waiter{}, done: make(chan struct{}), leaving: make(chan struct{})}
	if a := nc.RemoteAddr(); a != nil {
		c.remote = a.String()
	}
	c.w = newWriter(nc, c.cfg.QueueBytes, &c.buffers, func(err error) {
		if err != nil {
			c.fail(fmt.Errorf("write: %w", err))
		}
	})
	c.r.src, c.r.budget, c.r.buffers = nc, c.cfg.Budget, &c.buffers
	c.r.lastRead.Store(time.Now().UnixNano())
	c.wg.Go(func() { c.fail(c.read()) })
	c.wg.Go(c.watch)
	return c
}

// Remote is the provider's address.
func (c *Conn) Remote() string { return c.remote }

// Available tells whether new calls should go this way: the connection lives, the provider hasn't announced that it is going
// (READONLY), no answer is stuck halfway, behind which all others would wait, and the provider isn't silent: a call's time went by, and
// not a byte has come since it was sent, not even the answer to the heartbeat that was sent then. Calls are carried out all the same while the
// connection lives.
func (c *Conn) Available() bool {
	select {
	case <-c.done:
		return false
	default:
		return !c.readonly.Load() && !c.stalled.Load() && !c.silent.Load()
	}
}

// Leaving is closed when the provider announces that it is going (READONLY), the first time that it does.
func (c *Conn) Leaving() <-chan struct{} { return c.leaving }

// Done is closed when the connection has ended, for whatever reason.
func (c *Conn) Done() <-chan struct{} { return c.done }

var errConnClosed = errors.New("the connection was closed by this side")

// Close ends the connection and fails the calls on it. It waits for its goroutines. Calling it again does nothing.
func (c *Conn) Close() error {
	c.fail(errConnClosed)
	c.wg.Wait()
	<-c.w.done
	return nil
}

// Finish takes no more calls, waits for those that wait for an answer and for what is queued to be written, and closes. When
// ctx ends first the calls that are left fail, and the error says how many they were.
func (c *Conn) Finish(ctx context.Context) error {
	c.mu.Lock()
	if c.idle == nil {
		c.idle = make(chan struct{})
		c.rest()
	}
	idle := c.idle
	c.mu.Unlock()
	defer func() { _ = c.Close() }()
	select {
	case <-idle:
	case <-c.done:
		return nil
	case <-ctx.Done():
		c.mu.Lock()
		left := len(c.pending)
		c.mu.Unlock()
		return fmt.Errorf("finish the connection to %s: %w with %d calls in flight", c.remote, context.Cause(ctx), left)
	}
	c.w.finish()
	select {
	case <-c.w.done:
	case <-c.done:
	case <-ctx.Done():
	}
	return nil
}

// Ping sends a heartbeat and waits for its answer. A provider that doesn't answer until ctx ends is an error.
func (c *Conn) Ping(ctx context.Context) error {
	w := &waiter{ready: make(chan struct{}, 1), beat: true}
	id := c.ids.Add(1)
	if !c.register(id, w) {
		return c.unavailable()
	}
	if _, _, ok := c.w.sendWhile(ctx, appendEvent(nil, flagRequest|flagTwoWay|serializationHess2, 0, id, eventHeartbeat)); !ok && ctx.Err() == nil {
		c.forget(id, w)
		return c.unavailable()
	}
	select {
	case <-w.ready:
		c.drop(w.reply)
		return w.reply.err
	case <-ctx.Done():
		c.forget(id, w)
		return fmt.Errorf("no answer to a heartbeat from %s: %w", c.remote, context.Cause(ctx))
	}
}

// fail ends the connection and every call on it. Only the first reason counts.
func (c *Conn) fail(why error) {
	c.mu.Lock()
	if c.failure != nil {
		c.mu.Unlock()
		return
	}
	c.failure = why
	waiting := c.pending
	c.pending = nil
	close(c.done)
	c.mu.Unlock()
	c.w.abort()
	_ = c.nc.Close()
	c.cfg.Log.Debug("dubbo: connection ended", "remote", c.remote, "reason", why, "calls", len(waiting))
	for _, w := range waiting {
		c.deliver(w, reply{err: why})
	}
}

// deliver hands a reply to its waiter, or drops it where nobody waits any more.
func (c *Conn) deliver(w *waiter, r reply) {
	if w.raw != nil {
		w.raw.deliver(r)
		c.drop(r)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.taken = false
	c.rest()
	if w.raw != nil {
		return
	}
	if w.gone {
		c.drop(r)
		return
	}
	w.reply, w.got = r, true
	w.ready <- struct{}{}
}

func (c *Conn) drop(r reply) {
	if r.body != nil {
		c.cfg.Budget.give(len(r.body))
		c.buffers.put(r.body)
	}
}

// take gives the waiter for an answer, nil where there is none: a late or second answer, or an event that answers no heartbeat. It wants a deliver.
func (c *Conn) take(id uint64, event bool) *waiter {
	c.mu.Lock()
	defer c.mu.Unlock()
	w := c.pending[id]
	if w != nil && event && !w.beat {
		return nil
	}
	c.taken = w != nil
	delete(c.pending, id)
	return w
}

// rest is called with the lock held; it tells Finish when there is nothing left to wait for.
func (c *Conn) rest() {
	if c.idle != nil && len(c.pending) == 0 && !c.taken {
		closeOnce(c.idle)
	}
}

func closeOnce(ch chan struct{}) {
	select {
	case <-ch:
	default:
		close(ch)
	}
}

// read takes in frames until the stream ends.
func (c *Conn) read() error {
	for {
		h, err := c.r.next()
		if err != nil {
			return fmt.Errorf("read: %w", err)
		}
		if c.silent.Load() {
			c.silent.Store(false)
		}
		switch {
		case h.event():
			err = c.event(h)
		case h.request():
			err = c.r.skip(int(h.length)) // callbacks are not offered
		default:
			err = c.answer(h)
		}
		if err != nil {
			return fmt.Errorf("read: %w", err)
		}
	}
}

func (c *Conn) answer(h header) error {
	w := c.take(h.id, false)
	if w == nil {
		return c.r.skip(int(h.length))
	}
	if int64(h.length) > int64(c.cfg.MaxBytes) {
		err := fmt.Errorf("the response has %d bytes (limit %d)", h.length, c.cfg.MaxBytes)
		if int64(h.length) > absurdFactor*int64(c.cfg.MaxBytes) { // no next call is to find the connection still there
			c.fail(fmt.Errorf("read: %w", err))
		}
		c.deliver(w, reply{err: &invoker.Error{Code: invoker.CodeBadResponse, Err: err, MaybeExecuted: true}})
		if int64(h.length) > absurdFactor*int64(c.cfg.MaxBytes) {
			return err
		}
		return c.r.skip(int(h.length))
	}
	if w.raw != nil {
		w.own = c.room()
	}
	body, err := c.r.body(w.own, int(h.length), w.raw == nil)
	if err != nil {
		return c.unread(w, err)
	}
	c.deliver(w, reply{header: h, body: body})
	return nil
}

// unread ends a call whose answer could not be read. The error is that of the stream; nil where only this body was refused.
func (c *Conn) unread(w *waiter, err error) error {
	var why *refused
	if !errors.As(err, &why) {
		c.deliver(w, reply{err: fmt.Errorf("read: %w", err)})
		return err
	}
	code := invoker.CodeBadResponse
	if errors.Is(err, errBudget) {
		code = invoker.CodeExhausted
	}
	c.deliver(w, reply{err: &invoker.Error{Code: code, Err: err, MaybeExecuted: true}})
	return c.r.skip(why.rest)
}

// event notes READONLY and WRITEABLE and answers heartbeats (Java: HeaderExchangeHandler.handlerEvent, HeartbeatHandler).
func (c *Conn) event(h header) error {
	if h.length > maxEventBytes {
		return c.r.skip(int(h.length))
	}
	var room [maxEventBytes]byte
	body, err := c.r.body(room[:0], int(h.length), false)
	if why := (*refused)(nil); errors.As(err, &why) {
		return c.r.skip(why.rest)
	}
	if err != nil {
		return err
	}
	c.cfg.Budget.give(len(body))
	if !h.request() {
		if w := c.take(h.id, true); w != nil {
			c.deliver(w, reply{header: h})
		}
		return nil
	}
	switch string(body) {
	case eventReadonly:
		c.readonly.Store(true)
		closeOnce(c.leaving)
	case eventWriteable:
		c.readonly.Store(false)
	case eventHeartbeat:
		if h.twoWay() && !c.w.full.Load() { // one that reads nothing is not answered
			c.w.send(appendEvent(nil, h.serialization(), statusOK, h.id, eventHeartbeat), false)
		}
	}
	return nil
}

// doubt is for a call whose time went by; read is when something was last read before it was sent. Where nothing was since, the
// provider may hang, or no packet come through: others get the calls until it answers a heartbeat. One that is merely slow does so at once.
func (c *Conn) doubt(ctx context.Context, read int64) {
	if !outOfTime(ctx) || c.r.lastRead.Load() != read || c.silent.Swap(true) {
		return
	}
	c.w.send(appendEvent(nil, flagRequest|flagTwoWay|serializationHess2, 0, c.ids.Add(1), eventHeartbeat), false)
}

// watch sends heartbeats and ends the connection where the provider is too slow or silent.
func (c *Conn) watch() {
	cfg := &c.cfg
	t := time.NewTicker(min(max(min(cfg.ReadTimeout, cfg.WriteTimeout, cfg.Heartbeat)/8, 5*time.Millisecond), 5*time.Second))
	defer t.Stop()
	for {
		var now time.Time
		select {
		case <-c.done:
			return
		case now = <-t.C:
		}
		c.stalled.Store(older(now, &c.r.since, cfg.ReadTimeout/10))
		silent := now.UnixNano() - c.r.lastRead.Load()
		switch {
		case older(now, &c.r.since, cfg.ReadTimeout):
			c.fail(fmt.Errorf("a frame did not arrive within %v", cfg.ReadTimeout))
		case older(now, &c.w.since, cfg.WriteTimeout):
			c.fail(fmt.Errorf("the provider read nothing for %v", cfg.WriteTimeout))
		case silent > int64(idleBeats*cfg.Heartbeat):
			c.fail(fmt.Errorf("not a byte for %v", idleBeats*cfg.Heartbeat))
		case silent >= int64(cfg.Heartbeat) && now.UnixNano()-c.beat.Load() >= int64(cfg.Heartbeat):
			c.beat.Store(now.UnixNano())
			c.w.send(appendEvent(nil, flagRequest|flagTwoWay|serializationHess2, 0, c.ids.Add(1), eventHeartbeat), false)
		}
	}
}
