package dubbo

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dubbofn/dubbofn/internal/hessian"
	"github.com/dubbofn/dubbofn/invoker"
)

// Frame is one request on its way through a [Relay]. It is answered once, whoever comes first: all later answers do nothing. What
// its methods give of its bytes must be used before that; [Frame.Open] holds them longer. Safe for concurrent use.
type Frame struct {
	// Data is the Relay's own.
	Data any

	s       *Server
	conn    *serverConn
	header  header
	arrival time.Time
	body    []byte
	args    int // where the arguments begin
	end     int // where they end, and the attachments begin

	path, version, method, descriptor []byte
	attached                          attachedFields
	seen                              seen // written by Receive

	refs       atomic.Int32 // who needs body
	answered   atomic.Bool
	prev, next *Frame // in the connection's list
}

// attachedFields are the attachments that passing a frame on takes.
type attachedFields struct {
	group         []byte
	protocol      []byte // of the head: whether the consumer reads attachments
	timeout, left time.Duration
	hasLeft       bool

	sw8, sw8Correlation, traceparent, tracestate []byte

	application, remoteApplication []byte
}

// read takes one attachment. Keys that don't come as one plain string name nothing that is wanted.
func (a *attachedFields) read(key, value []byte) {
	name, ok := hessian.Text(key)
	if !ok {
		return
	}
	switch string(name) {
	case keyGroup:
		a.group, _ = hessian.Text(value)
	case keyTimeout:
		a.timeout, _ = encodedMilliseconds(value)
	case keyTimeoutLeft:
		a.left, a.hasLeft = encodedMilliseconds(value)
	case keyApplication:
		a.application, _ = hessian.Text(value)
	case keyRemoteApplication:
		a.remoteApplication, _ = hessian.Text(value)
	default:
		if of := a.trace(name); of != nil {
			*of, _ = hessian.Text(value)
		}
	}
}

// trace gives the place of an attachment that a trace goes on with; nil for others.
func (a *attachedFields) trace(key []byte) *[]byte {
	switch string(key) {
	case keySW8:
		return &a.sw8
	case keySW8Correlation:
		return &a.sw8Correlation
	case keyTraceparent:
		return &a.traceparent
	case keyTracestate:
		return &a.tracestate
	}
	return nil
}

// encodedMilliseconds is milliseconds of a value that is not decoded.
func encodedMilliseconds(value []byte) (time.Duration, bool) {
	if text, ok := hessian.Text(value); ok {
		return milliseconds(string(text[:min(len(text), 32)])) // no number is longer
	}
	n, ok := hessian.Integer(value)
	if !ok {
		return 0, false
	}
	return milliseconds(n)
}

// scan finds what there is to know of a frame, and refuses what is no sound request.
func (f *Frame) scan() error {
	y := f.s.relay
	d, ok := y.decoders.Get().(*hessian.Decoder)
	if !ok {
		d = &hessian.Decoder{}
	}
	defer func() {
		d.Reset(nil, nil, hessian.Limits{})
		y.decoders.Put(d)
	}()
	d.Reset(f.s.cfg.Types, f.body, f.s.limits)
	for i, part := range [...]*[]byte{&f.attached.protocol, &f.path, &f.version, &f.method, &f.descriptor} {
		b, err := d.Head()
		if err != nil {
			return fmt.Errorf("read request: %s: %w", [...]string{"dubbo version", "path", "version", "method", "parameter types"}[i], err)
		}
		*part = b
	}
	n, ok := parameters(f.descriptor)
	if !ok {
		return fmt.Errorf("read request: %s.%s: parameter types %.200q are none", clip(f.path), clip(f.method), f.descriptor)
	}
	f.args = len(f.body) - d.Remaining()
	end, err := hessian.Entries(f.body[f.args:], n, f.s.limits, f.attached.read)
	if err != nil {
		return fmt.Errorf("read request: %s.%s: %d arguments and attachments: %w", clip(f.path), clip(f.method), n, err)
	}
	f.end = f.args + end
	return nil
}

// clip shortens what a message quotes of a hostile frame.
func clip(b []byte) string { return string(b[:min(len(b), 200)]) }

// parameters counts those of a descriptor as the JVM writes it (JVM specification, 4.3); ok is false where it is none.
func parameters(descriptor []byte) (n int, ok bool) {
	for i := 0; i < len(descriptor); n++ {
		for i < len(descriptor) && descriptor[i] == '[' {
			i++
		}
		if i == len(descriptor) {
			return 0, false
		}
		switch descriptor[i] {
		case 'Z', 'B', 'C', 'S', 'I', 'J', 'F', 'D':
			i++
		case 'L':
			from := i + 1
			for i < len(descriptor) && descriptor[i] != ';' {
				i++
			}
			if i == len(descriptor) || i == from {
				return 0, false
			}
			i++
		default:
			return 0, false
		}
	}
	return n, true
}

// Path is the Java interface.
func (f *Frame) Path() []byte { return f.path }

// Version is the interface's version; may be empty.
func (f *Frame) Version() []byte { return f.version }

// Method is the method's name.
func (f *Frame) Method() []byte { return f.method }

// Descriptor is the method's parameters as the JVM writes them.
func (f *Frame) Descriptor() []byte { return f.descriptor }

// Group is the attachment of that name; may be empty.
func (f *Frame) Group() []byte { return f.attached.group }

// Trace gives an attachment that a trace goes on with: sw8, sw8-correlation, traceparent or tracestate. It is empty where there is none.
func (f *Frame) Trace(key string) []byte {
	if of := f.attached.trace([]byte(key)); of != nil {
		return *of
	}
	return nil
}

// Application is what the consumer calls itself: its attachment remote.application, else application. It is empty where it does not tell, and any
// bytes that it likes.
func (f *Frame) Application() []byte {
	if len(f.attached.remoteApplication) > 0 {
		return f.attached.remoteApplication
	}
	return f.attached.application
}

// OneWay tells that nobody waits for an answer.
func (f *Frame) OneWay() bool { return !f.header.twoWay() }

// Caller is the consumer's address.
func (f *Frame) Caller() string { return f.conn.remote }

// Arrival is when the frame was complete.
func (f *Frame) Arrival() time.Time { return f.arrival }

// Size is the frame's length in bytes, header included.
func (f *Frame) Size() int { return headerBytes + int(f.header.length) }

// Gone tells that the frame is two-way and its consumer's connection has ended: an answer would reach nobody.
func (f *Frame) Gone() bool { return f.header.twoWay() && f.conn.frames.gone.Load() }

// Answered tells that the frame has been answered, refused, served or dropped.
func (f *Frame) Answered() bool { return f.answered.Load() }

// Deadline is the frame's arrival and the attachment "timeout", else "_TO", else what is published for the method. It is zero where
// that is none too.
func (f *Frame) Deadline(published time.Duration) time.Time {
	a, d := &f.attached, published
	if a.hasLeft {
		d = max(a.left, 1) // nothing left is over at once
	}
	if a.timeout > 0 {
		d = a.timeout
	}
	if d <= 0 {
		return time.Time{}
	}
	return f.arrival.Add(d)
}

// Open gives the frame as it came, to be read once and closed; until then its bytes stay, whoever answers it. ok is false where
// it has been answered.
func (f *Frame) Open() (body *FrameBody, ok bool) {
	if f.answered.Load() {
		return nil, false
	}
	for n := f.refs.Load(); n > 0; n = f.refs.Load() {
		if f.refs.CompareAndSwap(n, n+1) {
			b := &FrameBody{f: f}
			appendHeader(b.head[:0], f.header)
			return b, true
		}
	}
	return nil, false
}

// FrameBody is the bytes of a [Frame], as a request's body. Safe for concurrent use: net/http closes what it still reads.
type FrameBody struct {
	mu     sync.Mutex
	f      *Frame // nil once closed
	head   [headerBytes]byte
	at     int
	served atomic.Bool
}

var errBodyClosed = errors.New("the frame is closed")

// Read gives the next bytes.
func (b *FrameBody) Read(p []byte) (n int, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.f == nil {
		return 0, errBodyClosed
	}
	if b.at < headerBytes {
		n = copy(p, b.head[b.at:])
		b.at += n
	}
	if b.at >= headerBytes {
		k := copy(p[n:], b.f.body[b.at-headerBytes:])
		b.at += k
		n += k
		if b.at == headerBytes+len(b.f.body) {
			b.served.Store(true)
			return n, io.EOF
		}
	}
	return n, nil
}

// Complete tells whether the last byte was read: until then nobody can have the whole frame.
func (b *FrameBody) Complete() bool { return b.served.Load() }

// Close lets the bytes go.
func (b *FrameBody) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.f != nil {
		b.f.release()
		b.f = nil
	}
	return nil
}

// claim tells the one who may answer.
func (f *Frame) claim() bool { return f.answered.CompareAndSwap(false, true) }

// over ends a frame that was claimed and answered.
func (f *Frame) over() {
	if f.header.twoWay() {
		f.conn.frames.remove(f)
	}
	f.s.leave()
	f.release()
}

func (f *Frame) release() {
	if f.refs.Add(-1) == 0 {
		f.s.cfg.Budget.give(len(f.body))
		f.s.relay.back(f.body, f.s)
	}
}

// Refuse answers with the status of a code (see [invoker.Code]) and the reason. It doesn't block.
func (f *Frame) Refuse(code invoker.Code, why string) { f.refuse(statusOf(code), why) }

func (f *Frame) refuse(status byte, why string) {
	if f.claim() {
		f.refused(status, why)
	}
}

// refused ends a frame that was claimed.
func (f *Frame) refused(status byte, why string) {
	if f.header.twoWay() {
		r := f.s.request()
		r.begin(f.conn, f.header, f.arrival)
		r.refuse(f.s, status, why)
		f.conn.w.send(r.out, false) // short, so the writer copies it
		f.s.recycle(r)
	}
	f.over()
}

// Drop ends the frame without an answer: of a one-way frame that was passed on, or of one whose consumer is gone.
func (f *Frame) Drop() {
	if f.claim() {
		f.over()
	}
}

// Echo answers with the argument as it came (Java: EchoFilter, 3.3), which must be one.
func (f *Frame) Echo() {
	if !f.claim() { // from here on nobody else lets the bytes go
		return
	}
	if n, _ := parameters(f.descriptor); n != 1 {
		f.refused(statusBadRequest, fmt.Sprintf("call $echo: %d arguments; want 1", n))
		return
	}
	if f.header.twoWay() {
		f.conn.w.send(f.echo(), false)
	}
	f.over()
}

func (f *Frame) echo() []byte {
	offset := int32(0)
	if readsAttachments(string(f.attached.protocol)) {
		offset = attached
	}
	var enc hessian.Encoder
	value := f.body[f.args:f.end]
	enc.Reset(f.s.cfg.Types, appendHeader(make([]byte, 0, headerBytes+len(value)+32), header{flags: serializationHess2, status: statusOK, id: f.header.id}))
	if len(value) == 1 && value[0] == 'N' {
		enc.Int(withNull + offset)
		value = nil
	} else {
		enc.Int(withValue + offset)
	}
	out := append(enc.Bytes(), value...)
	if offset > 0 {
		enc.Reset(f.s.cfg.Types, out)
		w := attachmentWriter{enc: &enc}
		enc.MapBegin("")
		w.text(keyDubbo, protocolVersion)
		enc.MapEnd()
		out = enc.Bytes()
	}
	setLength(out)
	return out
}
