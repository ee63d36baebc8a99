package dubbo

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/dubbofn/dubbofn/internal/hessian"
)

func FuzzRelay(f *testing.F) {
	f.Add(echoFrame(f, 1)[headerBytes:])
	f.Add(requestFrame(f, 1, "2.0.2", "map", []any{map[string]int64{"a": 1}}, "timeout", "1000", "group", "g")[headerBytes:])
	f.Add(requestFrame(f, 1, "", "$echo", []any{[]any{"x", time.Unix(0, 0), nil, 1.5}}, "_TO", int64(5), "sw8", "x")[headerBytes:])
	for _, b := range lies(f) {
		f.Add(b[:min(len(b), 4096)])
	}
	var got *Frame
	s := NewRelay(relayFunc{relay: func(x *Frame) { got = x }}, ServerConfig{})
	f.Fuzz(func(t *testing.T, body []byte) {
		near, far := net.Pipe()
		defer near.Close()
		defer far.Close()
		sv := newServing(context.Background(), s, nil)
		defer sv.cancel()
		c := newServerConn(sv, far)
		c.w.writing = true // what is sent stays in the queue
		got = nil
		frame := rawFrame(plainRequest, 1<<60|9, body)
		c.r.src = bytes.NewReader(frame)
		took := allocation(func() {
			if err := c.read(); err != io.EOF { //nolint:errorlint // as read gives it
				t.Errorf("the connection ends: %v", err)
			}
		})
		if limit := uint64(64*len(body) + 1<<20); took > limit && !raceEnabled {
			t.Errorf("%d bytes allocated for %d (limit %d)", took, len(body), limit)
		}
		if got != nil {
			b, _ := got.Open()
			if again, err := io.ReadAll(iotest.OneByteReader(b)); err != nil || !bytes.Equal(again, frame) {
				t.Fatalf("%x came, %x is passed on, %v", frame, again, err)
			}
			_ = b.Close()
			_ = fmt.Sprintf("%s%s%s%s%v", got.Path(), got.Version(), got.Method(), got.Group(), got.Deadline(time.Second))
			got.Echo()
		}
		answer := append([]byte(nil), c.w.small...)
		for _, l := range c.w.large {
			answer = append(answer, l...)
		}
		h, err := parseHeader(answer)
		if err != nil || h.id != 1<<60|9 || h.request() || int(h.length) != len(answer)-headerBytes {
			t.Fatalf("answered %x, %v", answer, err)
		}
		if h.status == statusOK {
			if _, _, err := decodeBody(answer[headerBytes:]); err != nil {
				// What the decoder's own limits refuse, the consumer that sent it refuses too.
				var d hessian.Decoder
				d.Reset(hessian.NewTypes(), got.body[got.args:got.end], hessian.Limits{})
				if _, err2 := d.Value(); err2 == nil {
					t.Errorf("echo %x: %v", answer[headerBytes:], err)
				}
			}
		} else {
			sentence(t, answer[headerBytes:])
		}
		if used := s.cfg.Budget.Used(); used != 0 || s.inFlight.Load() != 0 {
			t.Fatalf("%d bytes of the budget are lost, %d in flight", used, s.inFlight.Load())
		}
	})
}

func BenchmarkRelayScansAFrame(b *testing.B) {
	s := NewRelay(relayFunc{relay: func(*Frame) {}}, ServerConfig{})
	body := requestFrame(b, 1, protocolVersion, "echo", []any{strings.Repeat("x", 200)}, "path", testService, "interface", testService, "version", "0.0.0", "timeout", int32(1000), "group", "g", "remote.application", "shop")[headerBytes:]
	c := &serverConn{s: s}
	b.ReportAllocs()
	for b.Loop() {
		f := &Frame{s: s, conn: c, body: body}
		if err := f.scan(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRelayPassesAFrame is the whole way on the consumers' side: read, scanned, handed over, answered, written.
func BenchmarkRelayPassesAFrame(b *testing.B) {
	answer := response(b, 1, withValue, "hello")
	var src bytes.Reader
	s := NewRelay(relayFunc{relay: func(f *Frame) {
		var r bytes.Reader
		r.Reset(answer)
		body, _ := f.Open()
		_, _ = io.Copy(io.Discard, body)
		_ = body.Close()
		if err := f.AnswerFrom(&r, int64(len(answer))); err != nil {
			b.Error(err)
		}
	}}, ServerConfig{})
	frame := requestFrame(b, 1, protocolVersion, "echo", []any{strings.Repeat("x", 200)}, "path", testService, "interface", testService, "version", "0.0.0", "timeout", int32(1000), "group", "g", "remote.application", "shop")
	near, far := net.Pipe()
	defer near.Close()
	defer far.Close()
	sv := newServing(b.Context(), s, nil)
	defer sv.cancel()
	c := newServerConn(sv, far)
	c.w.writing = true // what is sent stays in the queue
	c.r.src = &src
	b.ReportAllocs()
	for b.Loop() {
		src.Reset(frame)
		binary.BigEndian.PutUint64(frame[4:], 5)
		_ = c.read()
		c.w.small, c.w.queued = c.w.small[:0], 0
	}
}

func FuzzRelayAnswer(f *testing.F) {
	f.Add(response(f, 1, withValue, "hello"), int64(-1))
	f.Add(response(f, 1, withValue, strings.Repeat("x", 40<<10)), int64(-1))
	f.Add(appendHeader(nil, header{flags: serializationHess2, length: 1<<32 - 1}), int64(16))
	f.Add(echoFrame(f, 1), int64(0))
	var got *Frame
	s := NewRelay(relayFunc{relay: func(x *Frame) { got = x }}, ServerConfig{MaxBytes: 1 << 20})
	request := echoFrame(f, 1<<50)
	f.Fuzz(func(t *testing.T, answer []byte, size int64) {
		near, far := net.Pipe()
		defer near.Close()
		defer far.Close()
		sv := newServing(context.Background(), s, nil)
		defer sv.cancel()
		c := newServerConn(sv, far)
		c.w.writing = true // what is sent stays in the queue
		c.r.src = bytes.NewReader(request)
		if err := c.read(); err != io.EOF || got == nil { //nolint:errorlint // as read gives it
			t.Fatal(err)
		}
		x := got
		var err error
		took := allocation(func() { err = x.AnswerFrom(bytes.NewReader(answer), size) })
		if limit := uint64(8*len(answer) + 1<<20); took > limit && !raceEnabled {
			t.Errorf("%d bytes allocated for %d (limit %d)", took, len(answer), limit)
		}
		if (err == nil) != x.Answered() {
			t.Fatalf("answered %v, %v", x.Answered(), err)
		}
		x.Refuse(0, "refused")
		passed := append([]byte(nil), c.w.small...)
		for _, l := range c.w.large {
			passed = append(passed, l...)
		}
		h, perr := parseHeader(passed)
		if perr != nil || h.id != 1<<50 || h.request() || h.event() || int(h.length) != len(passed)-headerBytes {
			t.Fatalf("passed %x on, %v", passed, perr)
		}
		if err == nil && (!bytes.Equal(passed[headerBytes:], answer[headerBytes:len(passed)]) || passed[3] != answer[3]) {
			t.Errorf("%x came, %x was passed on", answer, passed)
		}
		if used := s.cfg.Budget.Used(); used != 0 || s.inFlight.Load() != 0 {
			t.Fatalf("%d bytes of the budget are lost, %d in flight", used, s.inFlight.Load())
		}
	})
}
