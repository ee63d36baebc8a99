package dubbo

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"sync"
	"sync/atomic"
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
	ledger  bool   // the consumer asks for the ledger
	large   bool   // the last response was given to the writer: the next may be as large

	over     overrides
	names    *names
	attached func(key string, value any) error
	call     *call
	timeout  time.Duration // attachment "timeout"
	left     time.Duration // attachment "_TO"
	hasLeft  bool
}

// call is what the user's function may see of a request, in one piece.
type call struct {
	callContext
	inv  invoker.Invocation
	args [4]any
}

// names are the strings of a request's head, shared by all requests that have the same head.
type names struct {
	path, version, method, descriptor string
	attachments                       bool // the consumer reads attachments of responses
}

const (
	maxNames     = 1024 // heads that are remembered
	maxNameBytes = 1024 // of a head that is remembered
	ownBodyBytes = 4 << 10
)

// nameCache remembers heads that named something that exists. Safe for concurrent use, reads take no lock.
type nameCache struct {
	mu  sync.Mutex
	now atomic.Pointer[map[string]*names]
}

func (c *nameCache) get(head []byte) *names {
	if m := c.now.Load(); m != nil {
		return (*m)[string(head)]
	}
	return nil
}

func (c *nameCache) put(head []byte, n *names) {
	if len(head) > maxNameBytes {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	next := map[string]*names{}
	if m := c.now.Load(); m != nil {
		if len(*m) >= maxNames {
			return
		}
		maps.Copy(next, *m)
	}
	next[string(head)] = n
	c.now.Store(&next)
}

// attach takes one attachment of the request that is being read.
func (r *request) attach(key string, value any) error {
	inv := &r.call.inv
	if err := attach(&inv.Attachments, key, value); err != nil {
		return err
	}
	switch key {
	case keyLedger:
		r.ledger = true
	case keyGroup:
		inv.Service.Group = text(value)
	case keyTimeout:
		r.timeout, _ = milliseconds(value)
	case keyTimeoutLeft:
		r.left, r.hasLeft = milliseconds(value)
	case keyRemoteApplication:
		inv.Caller.Application = text(value)
	case keyApplication:
		if inv.Caller.Application == "" {
			inv.Caller.Application = text(value)
		}
	}
	return nil
}

// read decodes the request (Java: DecodeableRpcInvocation.decode, 3.3) and finds what it calls. The error is an *invoker.Error.
func (r *request) read(s *Server) (invoker.Invoker, *hessian.Signature, error) {
	const op = "read request"
	r.dec.Reset(s.cfg.Types, r.body, s.limits)
	var head [5][]byte // protocol version, path, version, method, descriptor
	for i := range head {
		b, err := r.dec.Head()
		if err != nil {
			return nil, nil, invoker.Errorf(invoker.CodeBadRequest, op, "%s: %w", [5]string{"dubbo version", "path", "version", "method", "parameter types"}[i], err)
		}
		head[i] = b
	}
	target, sig, err := s.provider.Lookup(head[1], head[2], head[3], head[4])
	if err != nil {
		return nil, nil, err
	}
	raw := r.body[:len(r.body)-r.dec.Remaining()]
	if r.names = s.names.get(raw); r.names == nil {
		r.names = &names{string(head[1]), string(head[2]), string(head[3]), string(head[4]), readsAttachments(string(head[0]))}
		s.names.put(raw, r.names)
	}
	c := &call{}
	r.call = c
	c.inv.Service = invoker.ServiceKey{Interface: r.names.path, Version: r.names.version}
	c.inv.Method, c.inv.Descriptor = r.names.method, r.names.descriptor
	c.inv.OneWay = !r.header.twoWay()
	c.inv.Args = c.args[:0]
	c.inv.Attachments.Grow(usualAttachments)
	if err := r.values(s, sig); err != nil {
		return nil, nil, err
	}
	r.setDeadline(sig)
	return target, sig, nil
}

// values decodes the arguments and attachments.
func (r *request) values(s *Server, sig *hessian.Signature) error {
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
	if r.dec.Remaining() > 0 {
		if err := r.dec.Map(r.attached); err != nil {
			return invoker.Errorf(invoker.CodeBadRequest, op, "%s.%s: attachments: %w", r.names.path, r.names.method, err)
		}
	}
	return nil
}

// setDeadline gives the call its deadline: its arrival and the attachment "timeout", else "_TO", else what the method
// publishes; none where that is 0.
func (r *request) setDeadline(sig *hessian.Signature) {
	d := sig.Timeout
	if r.hasLeft {
		d = r.left
		if d <= 0 {
			d = 1 // it has run out: refused before the function is called
		}
	}
	if r.timeout > 0 {
		d = r.timeout
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
	r.timeout, r.left, r.hasLeft = 0, 0, false
	r.names, r.call = nil, nil
	r.out, r.ran, r.ledger = r.out[:0], false, false
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
