package dubbo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/dubbofn/dubbofn/internal/hessian"
	"github.com/dubbofn/dubbofn/invoker"
)

// outgoing is what one call needs on the consumer's side; it is reused.
type outgoing struct {
	waiter
	enc hessian.Encoder
	dec hessian.Decoder
	out []byte
}

// Invoke calls a method of the provider and waits for its answer; a one-way call is over once it is queued to be written.
//
// The context's deadline goes with the call, as the attachment "timeout". An empty Descriptor is derived from the Go types of
// the arguments, which must then be of exactly the types that the method declares. The result is decoded into inv.Into, or
// else returned in its dynamic form. What a Java method threw is an *invoker.Exception; every other error is an
// *invoker.Error, Remote when the provider reported it, MaybeExecuted unless the request is known not to have been run. inv is
// not changed, but for what Into points to.
func (c *Conn) Invoke(ctx context.Context, inv *invoker.Invocation) (invoker.Result, error) {
	o := c.outgoing()
	res, clean, err := c.invoke(ctx, inv, o)
	if clean {
		o.enc.Reset(nil, nil)
		o.dec.Reset(nil, nil, hessian.Limits{})
		o.reply, o.got, o.gone = reply{}, false, false
		c.pool.Put(o)
	}
	if err == nil {
		return res, nil
	}
	if e := (*invoker.Error)(nil); errors.As(err, &e) && e.Op == "" {
		e.Op = "call " + inv.Service.Interface + "." + inv.Method + " at " + c.remote
	}
	return res, err
}

// outgoing gives one that nobody uses.
func (c *Conn) outgoing() *outgoing {
	if o, ok := c.pool.Get().(*outgoing); ok {
		return o
	}
	return &outgoing{waiter: waiter{ready: make(chan struct{}, 1), own: make([]byte, 0, ownBodyBytes)}}
}

// invoke is Invoke; clean tells that o may be used again.
func (c *Conn) invoke(ctx context.Context, inv *invoker.Invocation, o *outgoing) (res invoker.Result, clean bool, err error) {
	if ctx.Err() != nil {
		return res, true, &invoker.Error{Code: codeOfContext(ctx), Err: context.Cause(ctx)}
	}
	id := c.ids.Add(1)
	if err := c.encode(ctx, inv, o, id); err != nil {
		return res, true, &invoker.Error{Code: invoker.CodeClient, Err: err}
	}
	if !inv.OneWay && !c.register(id, &o.waiter) {
		return res, true, c.unavailable()
	}
	read := c.r.lastRead.Load()
	batch, kept, ok := c.w.sendWhile(ctx, o.out)
	if kept || cap(o.out) >= ownBytes {
		o.out = nil
	}
	if !ok {
		clean = inv.OneWay || c.forget(id, &o.waiter)
		if ctx.Err() != nil {
			c.doubt(ctx, read)
			return res, clean, &invoker.Error{Code: codeOfContext(ctx), Err: fmt.Errorf("the request could not be written: %w", context.Cause(ctx))}
		}
		return res, clean, c.unavailable()
	}
	if inv.OneWay {
		return res, true, nil
	}
	select {
	case <-o.ready:
	case <-ctx.Done():
		clean = c.forget(id, &o.waiter)
		if !o.hasReply(c) {
			c.doubt(ctx, read)
			return res, clean, &invoker.Error{Code: codeOfContext(ctx), Err: context.Cause(ctx), MaybeExecuted: true}
		}
		<-o.ready
	}
	if err := o.reply.err; err != nil {
		if e := (*invoker.Error)(nil); errors.As(err, &e) {
			return res, true, err
		}
		return res, true, &invoker.Error{Code: invoker.CodeUnavailable, Err: err, MaybeExecuted: c.w.begun.Load() >= batch}
	}
	res, err = c.result(inv, o)
	c.drop(o.reply)
	return res, true, err
}

func (c *Conn) register(id uint64, w *waiter) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pending == nil || c.idle != nil {
		return false
	}
	c.pending[id] = w
	return true
}

// forget takes a waiter back and tells whether nobody else holds it. Where the reader has it already, its reply is either
// there (see hasReply) or will be dropped.
func (c *Conn) forget(id uint64, w *waiter) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pending[id] == w {
		delete(c.pending, id)
		c.rest()
		return true
	}
	if !w.got {
		w.gone = true
	}
	return false
}

func (o *outgoing) hasReply(c *Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return o.got
}

func (c *Conn) unavailable() error {
	c.mu.Lock()
	why := c.failure
	c.mu.Unlock()
	if why == nil {
		why = errConnClosed
	}
	return &invoker.Error{Code: invoker.CodeUnavailable, Err: why}
}

func codeOfContext(ctx context.Context) invoker.Code {
	if outOfTime(ctx) {
		return invoker.CodeTimeout
	}
	return invoker.CodeCanceled
}

// outOfTime tells whether ctx ended because its time is over, or the part of it that the call was given.
func outOfTime(ctx context.Context) bool {
	return errors.Is(ctx.Err(), context.DeadlineExceeded) || errors.Is(context.Cause(ctx), context.DeadlineExceeded)
}

// encode writes the request's frame into o.out (Java: DubboCodec.encodeRequestData, 3.3).
func (c *Conn) encode(ctx context.Context, inv *invoker.Invocation, o *outgoing, id uint64) error {
	descriptor := inv.Descriptor
	if descriptor == "" && len(inv.Args) > 0 {
		var err error
		if descriptor, err = descriptorOf(c.cfg.Types, inv.Args); err != nil {
			return err
		}
	}
	h := header{flags: flagRequest | flagTwoWay | serializationHess2, id: id}
	if inv.OneWay {
		h.flags &^= flagTwoWay
	}
	o.out = appendHeader(o.out[:0], h)
	enc := &o.enc
	enc.Reset(c.cfg.Types, o.out)
	version := inv.Service.Version
	if version == "" {
		version = "0.0.0" // as Java's consumers say it
	}
	for _, s := range [...]string{protocolVersion, inv.Service.Interface, version, inv.Method, descriptor} {
		enc.String(s)
	}
	for i, a := range inv.Args {
		if err := enc.Value(a); err != nil {
			return fmt.Errorf("argument %d of %d: %w", i+1, len(inv.Args), err)
		}
	}
	if err := encodeCallAttachments(ctx, inv, enc); err != nil {
		return err
	}
	o.out = enc.Bytes()
	if n := len(o.out) - headerBytes; n > c.cfg.MaxBytes {
		return fmt.Errorf("the request has %d bytes (limit %d)", n, c.cfg.MaxBytes)
	}
	setLength(o.out)
	return nil
}

// encodeCallAttachments writes inv's attachments and those that the wire owns: path, interface, version, group, timeout.
func encodeCallAttachments(ctx context.Context, inv *invoker.Invocation, enc *hessian.Encoder) error {
	w := attachmentWriter{enc: enc}
	enc.MapBegin("")
	w.text(keyPath, cmp.Or(inv.Path, inv.Service.Interface))
	w.text(keyInterface, inv.Service.Interface)
	if inv.Service.Version != "" {
		w.text(keyVersion, inv.Service.Version)
	}
	if inv.Service.Group != "" {
		w.text(keyGroup, inv.Service.Group)
	}
	deadline, limited := ctx.Deadline()
	var left string
	if limited {
		left = strconv.FormatInt(max(1, time.Until(deadline).Milliseconds()), 10)
		w.text(keyTimeout, left)
	}
	if limited && countsDown(ctx, inv) {
		w.text(keyTimeoutLeft, left)
	}
	for k, v := range inv.Attachments.All() {
		switch k {
		case keyPath, keyInterface, keyVersion, keyGroup:
		case keyTimeout, keyTimeoutLeft:
			if !limited {
				w.put(k, v)
			}
		default:
			w.put(k, v)
		}
	}
	enc.MapEnd()
	return w.err
}

// countsDown tells whether the provider is to hold its own calls to the time that is left, as Java's do for a call of that kind only:
// one that says so, or is made within a call that came so (Java: RpcUtils.calculateTimeout and ConsumerContextFilter, 3.3;
// DubboInvoker.calculateTimeout, 2.7.23).
func countsDown(ctx context.Context, inv *invoker.Invocation) bool {
	if _, ok := inv.Attachments.Value(keyTimeoutLeft); ok || inv.Countdown != invoker.CountdownInherited {
		return ok || inv.Countdown == invoker.CountdownOn
	}
	within := invoker.FromContext(ctx)
	if within == nil {
		return false
	}
	_, ok := within.Attachments.Value(keyTimeoutLeft)
	return ok
}

// result reads an answer (Java: DecodeableRpcResult.decode, 3.3).
func (c *Conn) result(inv *invoker.Invocation, o *outgoing) (invoker.Result, error) {
	h := o.reply.header
	if id := h.serialization(); id != serializationHess2 {
		return invoker.Result{}, &invoker.Error{Code: invoker.CodeBadResponse, MaybeExecuted: true,
			Err: fmt.Errorf("the response's serialization is %d (%s); this consumer reads hessian2 (2)", id, serializationName(id))}
	}
	o.dec.Reset(c.cfg.Types, o.reply.body, hessian.Limits{})
	if h.status != statusOK {
		code, maybe := codeOf(h.status)
		why, err := o.dec.String()
		if err != nil || why == "" {
			why = "no reason given"
		}
		why = withoutStack(why)
		maybe = maybe && !strings.HasSuffix(why, didNotRun)
		return invoker.Result{}, &invoker.Error{Code: code, Err: fmt.Errorf("status %d %s: %s", h.status, statusName(h.status), why), Remote: true, MaybeExecuted: maybe}
	}
	res, thrown, err := decodeResult(c.cfg.Types, &o.dec, inv.Into)
	if err != nil {
		return invoker.Result{}, &invoker.Error{Code: invoker.CodeBadResponse, Err: fmt.Errorf("read response: %w", err), MaybeExecuted: true}
	}
	if thrown != nil {
		if failure := failed(&res, thrown); failure != nil {
			return invoker.Result{}, failure
		}
	}
	return res, thrown
}

// withoutStack takes the stack traces out of a reason: Java providers send whole ones. It keeps the first line and what each
// cause says.
func withoutStack(why string) string {
	first, rest, more := strings.Cut(why, "\n")
	for more {
		var line string
		line, rest, more = strings.Cut(rest, "\n")
		if cause, ok := strings.CutPrefix(line, "Caused by: "); ok {
			first += "; caused by " + strings.TrimSpace(cause)
		}
	}
	return strings.TrimSpace(first)
}

// decodeResult reads the body of a response with status 20: the result, or what was thrown.
func decodeResult(types *hessian.Types, dec *hessian.Decoder, into any) (res invoker.Result, thrown, err error) {
	flag, err := dec.Int()
	if err != nil {
		return res, nil, err
	}
	switch flag % attached {
	case withException:
		v, err := dec.Object()
		if err != nil {
			return res, nil, fmt.Errorf("exception: %w", err)
		}
		thrown = exception(v)
	case withValue:
		if res.Value, err = decodeValue(types, dec, into); err != nil {
			return res, nil, fmt.Errorf("result: %w", err)
		}
	case withNull:
		if into != nil {
			to, err := target(into)
			if err != nil {
				return res, nil, fmt.Errorf("result: %w", err)
			}
			to.SetZero()
		}
	}
	if flag < 0 || flag >= 2*attached {
		return res, nil, fmt.Errorf("result flag %d (0 to 5)", flag)
	}
	if flag >= attached {
		err = dec.Map(func(k string, v any) error { return attach(&res.Attachments, k, v) })
		if err != nil {
			return res, nil, fmt.Errorf("attachments: %w", err)
		}
	}
	return res, thrown, nil
}

func decodeValue(types *hessian.Types, dec *hessian.Decoder, into any) (any, error) {
	if into == nil {
		return dec.Value()
	}
	to, err := target(into)
	if err != nil {
		return nil, err
	}
	plan, err := types.Plan(to.Type())
	if err != nil {
		return nil, err
	}
	v, err := dec.Decode(plan)
	if err != nil {
		return nil, err
	}
	if v == nil {
		to.SetZero()
	} else {
		to.Set(reflect.ValueOf(v))
	}
	return v, nil
}

// target is what a result is decoded into.
func target(into any) (reflect.Value, error) {
	to := reflect.ValueOf(into)
	if to.Kind() != reflect.Pointer || to.IsNil() {
		return reflect.Value{}, fmt.Errorf("%T to decode into: want a pointer", into)
	}
	return to.Elem(), nil
}
