package dubbo

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"reflect"
	"testing"
	"testing/iotest"
	"time"

	"github.com/dubbofn/dubbofn/internal/hessian"
	"github.com/dubbofn/dubbofn/invoker"
)

// frame is what a reader made of a piece of a stream.
type frame struct {
	h    header
	body string
}

// frames cuts a stream, as a connection would, and gives why it ended. Bodies over the limit are passed over.
func frames(src io.Reader, limit int) (all []frame, err error) {
	r := reader{src: src, budget: NewBudget(0), buffers: &buffers{}}
	for {
		h, err := r.next()
		if err != nil {
			return all, err
		}
		if int64(h.length) > int64(limit) {
			if err := r.skip(int(h.length)); err != nil {
				return all, err
			}
			continue
		}
		body, err := r.body(nil, int(h.length), false)
		if err != nil {
			return all, err
		}
		r.budget.give(len(body))
		if r.budget.Used() != 0 {
			return all, errors.New("the budget is not what it was")
		}
		all = append(all, frame{h, string(body)})
	}
}

func FuzzFrame(f *testing.F) {
	f.Add(echoFrame(f, 1))
	f.Add(append(echoFrame(f, 1<<63), appendEvent(nil, flagRequest|flagTwoWay|serializationHess2, 0, 2, eventHeartbeat)...))
	f.Add(rawFrame(plainRequest, 7, bytes.Repeat([]byte{'N'}, 70<<10)))
	f.Add(appendHeader(nil, header{flags: plainRequest, length: 1<<32 - 1}))
	f.Add([]byte("\xda\xda"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		const limit = 128 << 10
		all, err := frames(bytes.NewReader(stream), limit)
		if err == nil {
			t.Fatal("a stream has no end")
		}
		// However the bytes arrive, the frames are the same, and so is the end.
		again, err2 := frames(iotest.OneByteReader(bytes.NewReader(stream[:min(len(stream), 8<<10)])), limit)
		if len(stream) <= 8<<10 && (!reflect.DeepEqual(all, again) || end(err) != end(err2)) {
			t.Errorf("byte by byte: %v, %v; else %v, %v", again, err2, all, err)
		}
		// What was read, written again, is the stream.
		var written []byte
		for _, x := range all {
			written = append(appendHeader(written, x.h), x.body...)
		}
		if len(written) > 0 && errors.Is(err, io.EOF) && !bytes.Contains(stream, written) && !skipped(stream, limit) {
			t.Errorf("wrote %x, read from %x", written, stream)
		}
	})
}

// end gives an error's text; a wrong magic may be noticed at its first byte or later.
func end(err error) string {
	if errors.As(err, &errFraming{}) {
		return "framing"
	}
	return err.Error()
}

// skipped tells whether the stream may hold a frame over the limit.
func skipped(stream []byte, limit int) bool {
	for len(stream) >= headerBytes {
		n := binary.BigEndian.Uint32(stream[12:])
		if int64(n) > int64(limit) {
			return true
		}
		stream = stream[min(len(stream), headerBytes+int(n)):]
	}
	return false
}

// allocation runs f and tells what it allocated.
func allocation(f func()) uint64 {
	before := allocated()
	f()
	return allocated() - before
}

func FuzzRequest(f *testing.F) {
	p := newTestProvider()
	echo := func(_ context.Context, inv *invoker.Invocation) (invoker.Result, error) {
		return invoker.Result{Value: inv.Args[0]}, nil
	}
	p.offer(f, "echo", echo, reflect.TypeFor[string](), reflect.TypeFor[string]())
	p.offer(f, "any", echo, reflect.TypeFor[any](), reflect.TypeFor[any]())
	p.offer(f, "map", echo, reflect.TypeFor[map[string]int64](), reflect.TypeFor[map[string]int64]())
	p.offer(f, "two", echo, reflect.TypeFor[[]string](), reflect.TypeFor[[]string](), reflect.TypeFor[*bool]())
	s := NewServer(p, ServerConfig{})
	f.Add(echoFrame(f, 1)[headerBytes:])
	f.Add(requestFrame(f, 1, "2.0.2", "map", []any{map[string]int64{"a": 1}}, "timeout", "1000", "group", "g")[headerBytes:])
	f.Add(requestFrame(f, 1, "", "any", []any{[]any{"x", time.Unix(0, 0), nil, 1.5}}, "_TO", int64(5))[headerBytes:])
	for _, b := range lies(f) {
		f.Add(b[:min(len(b), 4096)])
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		r := s.request()
		r.begin(nil, header{flags: plainRequest, id: 9, length: uint32(len(body))}, time.Now())
		s.cfg.Budget.take(len(body))
		r.body = append([]byte(nil), body...)
		took := allocation(func() { s.answer(context.Background(), r) })
		if limit := uint64(64*len(body) + 1<<20); took > limit && !raceEnabled {
			t.Errorf("%d bytes allocated for %d (limit %d)", took, len(body), limit)
		}
		h, err := parseHeader(r.out)
		if err != nil || h.id != 9 || h.request() || h.serialization() != serializationHess2 || int(h.length) != len(r.out)-headerBytes {
			t.Fatalf("answered %x, %v", r.out, err)
		}
		// The answer is one that the other end reads.
		if h.status == statusOK {
			if _, _, err := decodeBody(r.out[headerBytes:]); err != nil {
				t.Errorf("answer %x: %v", r.out[headerBytes:], err)
			}
		} else {
			sentence(t, r.out[headerBytes:])
		}
		if used := s.cfg.Budget.Used(); used != 0 {
			t.Fatalf("%d bytes of the budget are lost", used)
		}
		s.recycle(r)
	})
}

func FuzzResponse(f *testing.F) {
	for flag := range int32(6) {
		f.Add(response(f, 1, flag, "x")[headerBytes:], byte(statusOK))
	}
	f.Add([]byte("\x03why"), byte(statusServerError))
	for _, b := range lies(f) {
		f.Add(append([]byte{0x91}, b[:min(len(b), 4096)]...), byte(statusOK))
	}
	types := hessian.NewTypes()
	f.Fuzz(func(t *testing.T, body []byte, status byte) {
		c := &Conn{cfg: ConnConfig{Types: types}.server().withDefaults()}
		for _, into := range []any{nil, new(string), new(int64), new([]string), new(any)} {
			o := &outgoing{}
			o.reply = reply{header: header{flags: serializationHess2, status: status}, body: body}
			inv := &invoker.Invocation{Into: into}
			took := allocation(func() {
				if _, err := c.result(inv, o); status != statusOK && err == nil {
					t.Errorf("status %d is no error", status)
				}
			})
			if limit := uint64(64*len(body) + 1<<20); took > limit && !raceEnabled {
				t.Errorf("%d bytes allocated for %d (limit %d)", took, len(body), limit)
			}
		}
	})
}

func FuzzAttachments(f *testing.F) {
	for _, attachments := range [][]any{nil, {"timeout", "1000"}, {"a", nil, "b", []any{1.5, "x"}, "c", map[any]any{"k": int32(1)}}, {"_TO", int64(-5), "group", int32(3), "application", true}} {
		b := requestFrame(f, 1, protocolVersion, "void", nil, attachments...)
		f.Add(b[bytes.IndexByte(b, 'H'):])
	}
	p := newTestProvider()
	var got invoker.Attachments
	p.offer(f, "void", func(_ context.Context, inv *invoker.Invocation) (invoker.Result, error) {
		got = invoker.Attachments{}
		for k, v := range inv.Attachments.All() {
			got.Set(k, v)
			inv.Reply.Set(k, v)
		}
		return invoker.Result{}, nil
	}, nil)
	s := NewServer(p, ServerConfig{})
	head := requestFrame(f, 1, protocolVersion, "void", nil)
	head = head[headerBytes : len(head)-2]
	f.Fuzz(func(t *testing.T, attachments []byte) {
		got = invoker.Attachments{}
		r := s.request()
		r.begin(nil, header{flags: plainRequest}, time.Now())
		r.body = append(bytes.Clone(head), attachments...)
		s.cfg.Budget.take(len(r.body))
		s.answer(context.Background(), r)
		h, err := parseHeader(r.out)
		if err != nil {
			t.Fatal(err)
		}
		if h.status != statusOK {
			if got.Len() > 0 && h.status != statusBadResponse {
				t.Errorf("status %d after the call ran", h.status)
			}
			return
		}
		// What the call saw and sent back is what the consumer sees.
		res, _, err := decodeBody(r.out[headerBytes:])
		if err != nil {
			t.Fatal(err)
		}
		want := got.Len()
		if _, ok := got.Value(keyDubbo); !ok || !exact(&got, keyDubbo) {
			want++
		}
		if n := res.Attachments.Len(); n != want {
			t.Errorf("%d attachments came back, %d and the version went in", n, got.Len())
		}
	})
}

// exact tells whether there is an attachment of exactly that key.
func exact(a *invoker.Attachments, key string) bool {
	for k := range a.All() {
		if k == key {
			return true
		}
	}
	return false
}
