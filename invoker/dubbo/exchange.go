package dubbo

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dubbofn/dubbofn/internal/hessian"
	"github.com/dubbofn/dubbofn/invoker"
)

// Forwarded is a frame that was passed on and is not answered yet.
type Forwarded struct {
	c      *Conn
	w      waiter
	asked  uint64 // the number that the asker gave it
	mine   uint64 // the number that it has on this connection
	batch  uint64 // which it is written with; 0: not known yet. Guarded by the connection's lock
	answer func(response []byte, err error)
}

// Forward passes on a whole request frame, undecoded. The connection gives it a number of its own, one that it never used and never uses again.
// The frame is the connection's from then on. It may be a call or a heartbeat.
//
// answer is told once how it ended: the response's frame, whole, under the number that the asker gave, or an *invoker.Error, whose
// MaybeExecuted says whether the call may have run. It is called by the connection's reader, which waits for it, so it must be quick; the
// response is valid until it returns. One-way frames have no answer, and need none.
//
// It does not wait for room: where too much waits to be written already the error is of [invoker.CodeExhausted]. When Forward gives an error
// answer is not called.
func (c *Conn) Forward(frame []byte, answer func(response []byte, err error)) (*Forwarded, error) {
	if c.w.full.Load() {
		return nil, invoker.Errorf(invoker.CodeExhausted, c.passing(), "%d bytes wait to be written already", c.cfg.QueueBytes)
	}
	return c.forward(frame, answer, func() (batch uint64, ok bool) {
		batch, _, ok = c.w.send(frame, false)
		return batch, ok
	})
}

// Exchange is [Conn.Forward] for a caller that waits for the response, which is the caller's, or for room to send. A one-way frame is over once
// it is queued to be written, and has no response. Errors are *invoker.Error; an answer that comes after ctx ended is dropped.
func (c *Conn) Exchange(ctx context.Context, frame []byte) (response []byte, err error) {
	type outcome struct {
		response []byte
		err      error
	}
	if ctx.Err() != nil {
		return nil, &invoker.Error{Code: codeOfContext(ctx), Op: c.passing(), Err: context.Cause(ctx)}
	}
	done := make(chan outcome, 1)
	read := c.r.lastRead.Load()
	f, err := c.forward(frame, func(response []byte, err error) {
		done <- outcome{append([]byte(nil), response...), err}
	}, func() (batch uint64, ok bool) {
		batch, _, ok = c.w.sendWhile(ctx, frame)
		return batch, ok
	})
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, &invoker.Error{Code: codeOfContext(ctx), Op: c.passing(), Err: fmt.Errorf("the request could not be written: %w", context.Cause(ctx))}
	case err != nil || f == nil:
		return nil, err
	}
	select {
	case o := <-done:
		return o.response, o.err
	case <-ctx.Done():
		f.Forget()
		c.doubt(ctx, read)
		return nil, &invoker.Error{Code: codeOfContext(ctx), Op: c.passing(), Err: context.Cause(ctx), MaybeExecuted: true}
	}
}

// forward is both; f is nil for a one-way frame.
func (c *Conn) forward(frame []byte, answer func([]byte, error), send func() (batch uint64, ok bool)) (f *Forwarded, err error) {
	h, err := c.passable(frame)
	if err != nil {
		return nil, &invoker.Error{Code: invoker.CodeClient, Op: c.passing(), Err: err}
	}
	f = &Forwarded{c: c, asked: h.id, mine: c.ids.Add(1), answer: answer}
	f.w.raw, f.w.beat = f, h.event()
	binary.BigEndian.PutUint64(frame[4:], f.mine)
	if h.twoWay() && !c.register(f.mine, &f.w) {
		return nil, c.unsent()
	}
	batch, ok := send()
	if !ok {
		if h.twoWay() && !c.forget(f.mine, &f.w) {
			return f, nil // it was told already that the connection has ended
		}
		return nil, c.unsent()
	}
	if !h.twoWay() {
		return nil, nil
	}
	c.mu.Lock()
	f.batch = batch
	c.mu.Unlock()
	return f, nil
}

// passable tells whether a frame may be passed on.
func (c *Conn) passable(frame []byte) (header, error) {
	if len(frame) < headerBytes {
		return header{}, fmt.Errorf("a frame of %d bytes (a header has %d)", len(frame), headerBytes)
	}
	h, err := parseHeader(frame)
	switch {
	case err != nil:
		return h, err
	case int64(h.length) != int64(len(frame)-headerBytes):
		return h, fmt.Errorf("the frame's body has %d bytes, its header says %d", len(frame)-headerBytes, h.length)
	case int64(h.length) > int64(c.cfg.MaxBytes):
		return h, fmt.Errorf("the frame's body has %d bytes (limit %d)", h.length, c.cfg.MaxBytes)
	case !h.request():
		return h, errors.New("it is no request")
	}
	return h, nil
}

func (c *Conn) passing() string { return "pass on to " + c.remote }

// unsent is the error of a frame that surely was not sent.
func (c *Conn) unsent() error {
	err := c.unavailable()
	if e := (*invoker.Error)(nil); errors.As(err, &e) {
		e.Op = c.passing()
	}
	return err
}

// Forget says that nobody waits for the answer any more: it is dropped when it comes. It tells whether that is so: false means that answer was called,
// or is about to be.
func (f *Forwarded) Forget() bool { return f.c.forget(f.mine, &f.w) }

// deliver tells the answer.
func (f *Forwarded) deliver(r reply) {
	if r.err != nil {
		f.answer(nil, f.fault(r.err))
		return
	}
	frame := f.c.frame(r.body)
	r.header.id, r.header.length = f.asked, uint32(len(r.body))
	appendHeader(frame[:0], r.header)
	f.answer(frame, nil)
	if len(r.body) > ownBodyBytes {
		f.c.buffers.put(frame)
	}
}

// fault is the error of a frame that was sent and has no answer.
func (f *Forwarded) fault(err error) error {
	if e := (*invoker.Error)(nil); errors.As(err, &e) {
		e.Op = f.c.passing()
		return e
	}
	f.c.mu.Lock()
	batch := f.batch
	f.c.mu.Unlock()
	return &invoker.Error{Code: invoker.CodeUnavailable, Op: f.c.passing(), Err: err, MaybeExecuted: batch == 0 || f.c.w.begun.Load() >= batch}
}

// room is where the reader puts the body of a small answer that is passed on, behind room for its header. Such answers are dealt with one at a
// time, by the reader.
func (c *Conn) room() []byte {
	if c.scratch == nil {
		c.scratch = make([]byte, headerBytes+ownBodyBytes)
	}
	return c.scratch[headerBytes:headerBytes]
}

// frame gives a response's frame with its header to be filled in: around the body where that is in the reader's own room, else a copy.
func (c *Conn) frame(body []byte) []byte {
	if len(body) <= ownBodyBytes {
		b := append(c.room(), body...) // where it is already
		return c.scratch[:headerBytes+len(b)]
	}
	return append(c.buffers.get(headerBytes + len(body))[:headerBytes], body...)
}

// Patience is how long the sender of a request's frame waits for its answer: the attachment "timeout", else "_TO"; 0 where there is neither, and where
// the frame can't be read.
func Patience(frame []byte) time.Duration {
	if len(frame) < headerBytes {
		return 0
	}
	var d hessian.Decoder
	var a attachedFields
	d.Reset(nil, frame[headerBytes:], hessian.Limits{})
	var descriptor []byte
	for range 5 {
		var err error
		if descriptor, err = d.Head(); err != nil {
			return 0
		}
	}
	n, ok := parameters(descriptor)
	if !ok {
		return 0
	}
	if _, err := hessian.Entries(frame[len(frame)-d.Remaining():], n, hessian.Limits{}, a.read); err != nil {
		return 0
	}
	if a.timeout <= 0 && a.hasLeft {
		return a.left
	}
	return a.timeout
}

// AppendRefusal appends the response to a request, of which the header is enough, that says why there is no other: err, as [Conn.Forward] gives it. Where the call surely
// did not run, so does the response's status say.
func AppendRefusal(b, request []byte, err error) []byte {
	h := header{flags: serializationHess2, status: statusExhausted, id: binary.BigEndian.Uint64(request[4:headerBytes])}
	if e := (*invoker.Error)(nil); errors.As(err, &e) {
		switch {
		case e.Code == invoker.CodeClient:
			h.status = statusBadRequest
		case e.MaybeExecuted && e.Code == invoker.CodeUnavailable:
			h.status = statusChannelInactive
		case e.MaybeExecuted:
			h.status = statusOf(e.Code)
		}
		if e.MaybeExecuted && h.status == statusExhausted {
			h.status = statusBadResponse
		}
	}
	why := err.Error()
	var enc hessian.Encoder
	start := len(b)
	enc.Reset(nil, appendHeader(b, h))
	enc.String(strings.ToValidUTF8(why[:min(len(why), maxWhyBytes)], ""))
	b = enc.Bytes()
	setLength(b[start:])
	return b
}
