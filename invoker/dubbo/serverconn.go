package dubbo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync/atomic"
	"time"
)

// absurdFactor: a frame that claims more than so many times the limit isn't worth reading to its end.
const absurdFactor = 16

const lingerTime = time.Second

var (
	errServerStops = errors.New("the server stops")
	errPeerGone    = errors.New("the consumer is gone")
)

// serverConn is one consumer's connection.
type serverConn struct {
	sv     *serving
	s      *Server
	nc     net.Conn
	r      reader
	w      *writer
	remote string
	ctx    context.Context // of its two-way calls
	cancel context.CancelCauseFunc
	beats  atomic.Uint64
	beat   atomic.Int64 // when the last heartbeat was sent
	buf    []byte       // the reader's, for answers of its own
	frames frameList    // of a relay
	seen   lastSeen
	open   atomic.Int32 // requests that are run now
}

func newServerConn(sv *serving, nc net.Conn) *serverConn {
	s := sv.s
	c := &serverConn{sv: sv, s: s, nc: nc}
	c.w = newWriter(nc, s.cfg.QueueBytes, &s.buffers, c.written)
	c.ctx, c.cancel = context.WithCancelCause(sv.ctx)
	if a := nc.RemoteAddr(); a != nil {
		c.remote = a.String()
	}
	c.r.src, c.r.budget, c.r.buffers, c.r.limits = nc, s.cfg.Budget, &s.buffers, s.limits
	c.r.lastRead.Store(time.Now().UnixNano())
	return c
}

// cut closes the connection at once, and then ends its calls.
func (c *serverConn) cut(why error) {
	c.w.abort()
	_ = c.nc.Close()
	c.cancel(why)
}

// run serves the connection to its end.
func (c *serverConn) run() {
	err := c.read()
	if errors.Is(err, errAnswered) {
		c.w.finish()
		<-c.w.done
		c.linger()
		_, _ = io.Copy(io.Discard, c.nc)
	} else if errors.As(err, new(errFraming)) {
		c.linger() // for whoever speaks something else: with unread bytes it would learn of a reset, not of an end
		_, _ = io.CopyN(io.Discard, c.nc, maxReadBytes)
	}
	why := err
	if why == nil || errors.Is(why, io.EOF) {
		why = errPeerGone
	}
	c.cut(why)
	c.left()
	<-c.w.done
	c.sv.remove(c)
	c.s.cfg.Log.Debug("dubbo: connection closed", "remote", c.remote, "reason", context.Cause(c.ctx))
}

// written is told once nothing more is written.
func (c *serverConn) written(err error) {
	if err != nil {
		_ = c.nc.Close()
		return
	}
	c.linger()
}

// linger tells the peer that nothing more comes and gives it a moment to read and to close, so that closing a connection with
// unread bytes doesn't destroy the last answers on their way. The reader then finds the end.
func (c *serverConn) linger() {
	if h, ok := c.nc.(interface{ CloseWrite() error }); ok && h.CloseWrite() == nil {
		_ = c.nc.SetReadDeadline(time.Now().Add(lingerTime))
	} else {
		_ = c.nc.Close()
	}
}

// errAnswered is a frame after which nothing can be read, although it was answered.
var errAnswered = errors.New("a frame was too large to be skipped")

// read takes in frames until the stream ends or its framing is lost.
func (c *serverConn) read() error {
	for {
		h, err := c.r.next()
		if err != nil {
			return err
		}
		switch {
		case h.event():
			err = c.event(h)
		case !h.request():
			err = c.r.skip(int(h.length)) // an answer that nobody waits for
		default:
			err = c.request(h)
		}
		if err != nil {
			return err
		}
	}
}

// request takes in one request: it is given to a goroutine, or answered here where it can't be.
func (c *serverConn) request(h header) error {
	s := c.s
	switch {
	case int64(h.length) > int64(s.cfg.MaxBytes):
		s.counts.bad.Add(1)
		c.refuse(h, statusBadRequest, fmt.Sprintf("read request: its body has %d bytes (limit %d)", h.length, s.cfg.MaxBytes))
		if int64(h.length) > absurdFactor*int64(s.cfg.MaxBytes) {
			return errAnswered
		}
		return c.r.skip(int(h.length))
	case h.serialization() != serializationHess2:
		s.counts.bad.Add(1)
		c.refuse(h, statusBadRequest, fmt.Sprintf("read request: serialization %d (%s); this provider reads hessian2 (2)", h.serialization(), serializationName(h.serialization())))
		return c.r.skip(int(h.length))
	}
	if !c.w.waitRoom() {
		return c.r.skip(int(h.length)) // it is being closed: what can't be answered is not run
	}
	if !s.admit(c.r.now) {
		c.refuse(h, statusExhausted, fmt.Sprintf("%d calls in flight (limit %d)", s.cfg.MaxInFlight, s.cfg.MaxInFlight))
		return c.r.skip(int(h.length))
	}
	if s.relay != nil {
		return c.pass(h)
	}
	r := s.request()
	r.begin(c, h, c.r.now)
	body, err := c.r.body(r.own, int(h.length), true)
	if err != nil {
		s.requests.Put(r)
		s.leave()
		return c.refused(h, err)
	}
	r.body = body
	r.arrival = c.r.now
	c.open.Add(1)
	c.sv.dispatch(r)
	return nil
}

// refused answers a frame whose body was not read to its end.
func (c *serverConn) refused(h header, err error) error {
	var r *refused
	if !errors.As(err, &r) {
		return err
	}
	status := byte(statusBadRequest)
	if errors.Is(err, errBudget) {
		status = statusExhausted
		c.s.counts.exhausted.Add(1)
		err = fmt.Errorf("%w (%d bytes)", err, c.s.cfg.Budget.Limit())
	} else {
		c.s.counts.bad.Add(1)
	}
	c.refuse(h, status, "read request: "+err.Error())
	return c.r.skip(r.rest)
}

// refuse answers from the reader's goroutine.
func (c *serverConn) refuse(h header, status byte, why string) {
	if !h.twoWay() {
		return
	}
	r := c.s.request()
	r.begin(c, h, c.r.now)
	r.refuse(c.s, status, why)
	c.deliver(r, false)
}

// handle runs a request and sends its answer.
func (c *serverConn) handle(r *request) {
	ctx := c.ctx
	if !r.header.twoWay() {
		ctx = c.sv.ctx // nobody waits for it, so nobody's going ends it
	}
	c.s.answer(ctx, r)
	ran, arrived := r.ran, r.arrival
	last := c.open.Add(-1) == 0 // no other answer is to be expected, which could go with this one
	if r.header.twoWay() {
		c.deliver(r, last)
	} else {
		c.s.recycle(r)
	}
	if ran {
		c.s.replied(arrived)
	}
	c.s.leave()
}

// deliver sends r.out and lets r go. own says that the goroutine may write it itself.
func (c *serverConn) deliver(r *request, own bool) {
	var kept bool
	if own {
		kept = c.w.sendOwn(r.out)
	} else {
		_, kept, _ = c.w.send(r.out, true)
	}
	if kept {
		r.out = nil
	}
	r.large = kept
	c.s.recycle(r)
}

func (s *Server) recycle(r *request) {
	r.call, r.conn, r.names = nil, nil, nil
	r.enc.Reset(nil, nil)
	if cap(r.out) >= ownBytes {
		s.buffers.put(r.out)
		r.out = nil
	}
	s.requests.Put(r)
}

// event answers heartbeats and drops everything else (Java: HeartbeatHandler.received, 2.7.23 and 3.3).
func (c *serverConn) event(h header) error {
	if h.length > maxEventBytes {
		return c.r.skip(int(h.length))
	}
	var room [maxEventBytes]byte
	body, err := c.r.body(room[:0], int(h.length), false)
	if err != nil {
		return c.refused(header{}, err)
	}
	c.s.cfg.Budget.give(len(body))
	if h.request() && h.twoWay() && (string(body) == eventHeartbeat || h.serialization() != serializationHess2) && !c.w.full.Load() {
		// In a serialization of another kind the null is whatever the consumer wrote. One that reads nothing is not answered.
		c.buf = appendEvent(c.buf[:0], h.serialization(), statusOK, h.id, string(body))
		c.w.send(c.buf, false)
	}
	return nil
}

// readonly tells the consumer to send no new calls here (Java: HeaderExchangeServer.sendChannelReadOnlyEvent).
func (c *serverConn) readonly() {
	c.w.send(appendEvent(nil, flagRequest|serializationHess2, 0, c.beats.Add(1), eventReadonly), false)
}

// look closes the connection where it is too slow, and sends a heartbeat where it is silent.
func (c *serverConn) look(now time.Time) {
	cfg := &c.s.cfg
	silent := now.UnixNano() - c.r.lastRead.Load()
	switch {
	case older(now, &c.r.since, cfg.ReadTimeout):
		c.shut(fmt.Errorf("a frame did not arrive within %v", cfg.ReadTimeout))
	case older(now, &c.w.since, cfg.WriteTimeout):
		c.shut(fmt.Errorf("the consumer read nothing for %v", cfg.WriteTimeout))
	case silent > int64(idleBeats*cfg.Heartbeat):
		c.shut(fmt.Errorf("not a byte for %v", idleBeats*cfg.Heartbeat))
	case silent >= int64(cfg.Heartbeat) && now.UnixNano()-c.beat.Load() >= int64(cfg.Heartbeat):
		c.beat.Store(now.UnixNano())
		c.w.send(appendEvent(nil, flagRequest|flagTwoWay|serializationHess2, 0, c.beats.Add(1), eventHeartbeat), false)
	}
}

func (c *serverConn) shut(why error) {
	c.s.cfg.Log.LogAttrs(c.ctx, slog.LevelInfo, "dubbo: connection cut", slog.String("remote", c.remote), slog.String("reason", why.Error()))
	c.cut(why)
}

// older tells whether a stamp is set and older than d.
func older(now time.Time, stamp *atomic.Int64, d time.Duration) bool {
	t := stamp.Load()
	return t != 0 && now.UnixNano()-t > int64(d)
}
