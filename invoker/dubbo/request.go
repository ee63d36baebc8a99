package dubbo

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/dubbofn/dubbofn/internal/hessian"
	"github.com/dubbofn/dubbofn/invoker"
)

// request is one request on its way through the server, with everything that reading and answering it takes. It is reused;
// nothing of it reaches the user's function but call, which is made anew each time.
type request struct {
	header  header
	arrival time.Time
	conn    *serverConn // nil in the lane
	own     []byte      // room for a small body, kept
	body    []byte      // in own, or pooled
	dec     hessian.Decoder
	enc     hessian.Encoder
	out     []byte // the response's frame
	ran     bool   // the Invoker was called
	large   bool   // the last response was given to the writer: the next may be as large

	over     overrides
	names    *names
	attached func(key string, value any) error
	call     *call
	told     told
}

// call is what the user's function may see of a request, in one piece.
type call struct {
	callContext
	inv  invoker.Invocation
	args [4]any
}

const ownBodyBytes = 4 << 10

// attach takes one attachment of the request that is being read.
func (r *request) attach(key string, value any) error {
	inv := &r.call.inv
	if err := attach(&inv.Attachments, key, value); err != nil {
		return err
	}
	t := &r.told
	switch key {
	case keyLedger:
		t.ledger = true
	case keyGroup:
		t.group = text(value)
	case keyTimeout:
		t.timeout, _ = milliseconds(value)
	case keyTimeoutLeft:
		t.left, t.hasLeft = milliseconds(value)
	case keyRemoteApplication:
		t.application = text(value)
	case keyApplication:
		if t.application == "" {
			t.application = text(value)
		}
	}
	return nil
}

// read decodes the request (Java: DecodeableRpcInvocation.decode, 3.3) and finds what it calls. The error is an *invoker.Error.
func (r *request) read(s *Server) (invoker.Invoker, *hessian.Signature, error) {
	last := &s.seen
	if r.conn != nil {
		last = &r.conn.seen
	}
	r.dec.Reset(s.cfg.Types, r.body, s.limits)
	h := last.known(r.body)
	if h != nil {
		r.dec.Skip(len(h.raw))
	} else {
		var err error
		if h, err = r.head(s); err != nil {
			return nil, nil, err
		}
		last.head.Store(h)
	}
	r.names = h.names
	c := &call{}
	r.call = c
	c.inv.Service = invoker.ServiceKey{Interface: r.names.path, Version: r.names.version}
	c.inv.Method, c.inv.Descriptor = r.names.method, r.names.descriptor
	c.inv.OneWay = !r.header.twoWay()
	c.inv.Args = c.args[:0]
	if err := r.values(s, h.sig, last); err != nil {
		return nil, nil, err
	}
	c.inv.Service.Group, c.inv.Caller.Application = r.told.group, r.told.application
	r.setDeadline(h.sig)
	return h.target, h.sig, nil
}

// head reads what stands before the arguments, and looks up what it names.
func (r *request) head(s *Server) (*head, error) {
	const op = "read request"
	var parts [5][]byte // protocol version, path, version, method, descriptor
	for i := range parts {
		b, err := r.dec.Head()
		if err != nil {
			return nil, invoker.Errorf(invoker.CodeBadRequest, op, "%s: %w", [5]string{"dubbo version", "path", "version", "method", "parameter types"}[i], err)
		}
		parts[i] = b
	}
	raw := r.body[:len(r.body)-r.dec.Remaining()]
	if h := s.heads.get(raw); h != nil {
		return h, nil
	}
	target, sig, err := s.provider.Lookup(parts[1], parts[2], parts[3], parts[4])
	if err != nil {
		return nil, err
	}
	n := &names{string(parts[1]), string(parts[2]), string(parts[3]), string(parts[4]), readsAttachments(string(parts[0]))}
	h := &head{bytes.Clone(raw), n, target, sig}
	s.heads.put(h)
	return h, nil
}

// values decodes the arguments and attachments.
func (r *request) values(s *Server, sig *hessian.Signature, last *lastSeen) error {
	const op = "read request"
	if s.cfg.Codec != nil {
		if err := r.decodeWith(s.cfg.Codec, sig); err != nil {
			return invoker.Errorf(invoker.CodeBadRequest, op, "%s.%s: %w", r.names.path, r.names.method, err)
		}
		return nil
	}
	inv := &r.call.inv
	for i, p := range sig.Params {
		v, err := r.dec.Decode(p)
		if err != nil {
			return invoker.Errorf(invoker.CodeBadRequest, op, "%s.%s: argument %d of %d (%s): %w", r.names.path, r.names.method, i+1, len(sig.Params), p.Java(), err)
		}
		inv.Args = append(inv.Args, v)
	}
	rest := r.body[len(r.body)-r.dec.Remaining():]
	if len(rest) == 0 {
		return nil
	}
	if t := last.same(rest); t != nil {
		inv.Attachments, r.told = t.attachments, t.told
		return nil
	}
	inv.Attachments.Grow(usualAttachments)
	if err := r.dec.Map(r.attached); err != nil {
		return invoker.Errorf(invoker.CodeBadRequest, op, "%s.%s: attachments: %w", r.names.path, r.names.method, err)
	}
	last.remember(rest, &inv.Attachments, r.told)
	return nil
}

// setDeadline gives the call its deadline: its arrival and the attachment "timeout", else "_TO", else what the method
// publishes; none where that is 0.
func (r *request) setDeadline(sig *hessian.Signature) {
	d := sig.Timeout
	if r.told.hasLeft {
		d = r.told.left
		if d <= 0 {
			d = 1 // it has run out: refused before the function is called
		}
	}
	if r.told.timeout > 0 {
		d = r.told.timeout
	}
	if d > 0 {
		r.call.deadline = r.arrival.Add(d)
	}
}

// request gives one that nobody uses.
func (s *Server) request() *request {
	if r, ok := s.requests.Get().(*request); ok {
		return r
	}
	r := &request{own: make([]byte, 0, ownBodyBytes)}
	r.attached = r.attach
	return r
}

// begin makes r ready for a frame.
func (r *request) begin(c *serverConn, h header, arrival time.Time) {
	r.conn, r.header, r.arrival = c, h, arrival
	r.names, r.call = nil, nil
	r.out, r.ran, r.told = r.out[:0], false, told{}
	r.over = overrides{}
	if c != nil {
		r.over.caller = c.remote
	}
}

// release gives the body back, to its pool and to the budget.
func (r *request) release(s *Server) {
	if r.body == nil {
		return
	}
	r.dec.Reset(nil, nil, hessian.Limits{})
	s.cfg.Budget.give(len(r.body))
	s.buffers.put(r.body) // own is too small to be taken
	r.body = nil
}

// text gives an attachment as a string.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	}
	return fmt.Sprint(v)
}

// milliseconds reads a duration from an attachment: a string, or a number as newer consumers send it.
func milliseconds(v any) (time.Duration, bool) {
	var ms int64
	switch v := v.(type) {
	case string:
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			return 0, false
		}
		ms = n
	case int32:
		ms = int64(v)
	case int64:
		ms = v
	default:
		return 0, false
	}
	const most = int64(1<<63-1) / int64(time.Millisecond) / 2
	return time.Duration(min(max(ms, -most), most)) * time.Millisecond, true
}

var _ context.Context = (*callContext)(nil)
