package dubbo

import (
	"bytes"
	"context"
	"io"
	"net"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/dubbofn/dubbofn/internal/hessian"
	"github.com/dubbofn/dubbofn/invoker"
)

// relayFunc is a Relay of two functions.
type relayFunc struct{ relay, left func(*Frame) }

func (r relayFunc) Relay(f *Frame) { r.relay(f) }

func (r relayFunc) Left(f *Frame) {
	if r.left != nil {
		r.left(f)
	}
}

// relayOn runs a relay until the test ends.
func relayOn(tb testing.TB, r Relay, cfg ServerConfig) (*Server, string) {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	s := NewRelay(r, cfg)
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, l) }()
	tb.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			tb.Errorf("Serve gave %v", err)
		}
		// A one-way frame may still be on its way, since nobody waits for it.
		until(tb, "nothing is left behind", func() bool { st := s.Stats(); return st.Bytes == 0 && st.InFlight == 0 })
	})
	return s, l.Addr().String()
}

// answering is a Relay that has another server answer, by its lane's own way.
func answering(tb testing.TB, by *Server) relayFunc {
	return relayFunc{relay: func(f *Frame) {
		body, ok := f.Open()
		if !ok {
			tb.Error("a new frame is closed")
			return
		}
		go func() {
			frame, err := io.ReadAll(body)
			if err != nil || !body.Complete() || len(frame) != f.Size() {
				tb.Errorf("read %d of %d bytes, %v", len(frame), f.Size(), err)
			}
			_ = body.Close()
			r := post(tb, by, frame, nil)
			if f.OneWay() {
				f.Drop()
				return
			}
			defer r.Body.Close()
			if err := f.AnswerFrom(r.Body, r.ContentLength); err != nil {
				tb.Error(err)
			}
		}()
	}}
}

func TestRelayPassesFramesOnAsTheyCame(t *testing.T) {
	t.Parallel()
	p := newTestProvider()
	p.offerEcho(t)
	big := strings.Repeat("x", 300<<10)
	p.offer(t, "big", func(context.Context, *invoker.Invocation) (invoker.Result, error) {
		return invoker.Result{Value: big}, nil
	}, reflect.TypeFor[string]())
	_, address := relayOn(t, answering(t, NewServer(p, ServerConfig{})), ServerConfig{})
	c := dialPeer(t, address)
	for id := range uint64(20) {
		c.mustEcho(id << 50)
	}
	c.write(requestFrame(t, 7, protocolVersion, "big", nil))
	if h, body := c.read(); h.id != 7 || h.status != statusOK {
		t.Errorf("got %+v", h)
	} else if res, _, err := decodeBody(body); err != nil || res.Value != big {
		t.Errorf("a large answer: %v", err)
	}
	c.write(requestFrame(t, 8, protocolVersion, "echo", []any{big}))
	if h, body := c.read(); h.id != 8 || h.status != statusOK {
		t.Errorf("got %+v", h)
	} else if res, _, err := decodeBody(body); err != nil || res.Value != big {
		t.Errorf("a large request: %v", err)
	}
	oneWay := echoFrame(t, 9)
	oneWay[2] &^= flagTwoWay
	c.write(oneWay)
	c.write(appendEvent(nil, flagRequest|flagTwoWay|serializationHess2, 0, 10, eventHeartbeat))
	if h, _ := c.read(); h.id != 10 || !h.event() {
		t.Errorf("a heartbeat: %+v", h)
	}
}

func TestRelayTellsWhatAFrameIs(t *testing.T) {
	t.Parallel()
	got := make(chan *Frame, 1)
	_, address := relayOn(t, relayFunc{relay: func(f *Frame) { got <- f }}, ServerConfig{})
	c := dialPeer(t, address)
	const published = 4 * time.Second
	for name, x := range map[string]struct {
		attachments []any
		left        time.Duration
		group, sw8  string
	}{
		"nothing":                      {nil, published, "", ""},
		"timeout as text, and a trace": {[]any{"timeout", "5000", "group", "g1", "sw8", "1-x", "traceparent", "00-y"}, 5 * time.Second, "g1", "1-x"},
		"timeout as a number, and _TO": {[]any{"timeout", int32(7000), "_TO", "3000"}, 7 * time.Second, "", ""},
		"_TO alone":                    {[]any{"_TO", int64(3000), "interface", []any{1, 2}}, 3 * time.Second, "", ""},
		"a _TO that is over":           {[]any{"_TO", "-5"}, 1, "", ""},
		"a timeout that is none":       {[]any{"timeout", "soon"}, published, "", ""},
		"a group beyond ASCII":         {[]any{"group", "日本"}, published, "日本", ""},
		"a long group":                 {[]any{"group", strings.Repeat("g", 70)}, published, strings.Repeat("g", 70), ""},
	} {
		c.write(requestFrame(t, 1, protocolVersion, "see", []any{"a", "b"}, x.attachments...))
		f := <-got
		sw8, traceparent := f.Trace("sw8"), f.Trace("traceparent")
		if string(f.Path()) != testService || string(f.Version()) != "0.0.0" || string(f.Method()) != "see" || string(f.Descriptor()) != "Ljava/lang/String;Ljava/lang/String;" ||
			string(f.Group()) != x.group || string(sw8) != x.sw8 || (len(traceparent) > 0) != (x.sw8 != "") || f.OneWay() || f.Caller() != c.nc.LocalAddr().String() || f.Gone() {
			t.Errorf("%s: %s %s %s %s %s %s", name, f.Path(), f.Version(), f.Method(), f.Descriptor(), f.Group(), sw8)
		}
		if d := f.Deadline(published).Sub(f.Arrival()); d != x.left {
			t.Errorf("%s: %v left, want %v", name, d, x.left)
		}
		f.Refuse(invoker.CodeTimeout, "no time left")
		f.Refuse(invoker.CodeInternal, "the second answer")
		if _, ok := f.Open(); ok {
			t.Errorf("%s: an answered frame opens", name)
		}
		if h, body := c.read(); h.status != statusServerTimeout || sentence(t, body) != "no time left" {
			t.Errorf("%s: %+v %q", name, h, body)
		}
	}
}

func TestRelayRefusesWhatCannotBeReadAndGoesOn(t *testing.T) {
	t.Parallel()
	p := newTestProvider()
	p.offerEcho(t)
	s, address := relayOn(t, answering(t, NewServer(p, ServerConfig{})), ServerConfig{MaxBytes: 1 << 20})
	c := dialPeer(t, address)
	head := func(descriptor string, rest ...byte) []byte {
		var e hessian.Encoder
		e.Reset(hessian.NewTypes(), nil)
		for _, s := range []string{protocolVersion, testService, "0.0.0", "echo", descriptor} {
			e.String(s)
		}
		return append(e.Bytes(), rest...)
	}
	for name, body := range map[string][]byte{
		"nothing":                       {},
		"no strings":                    {0x90, 0x90},
		"a descriptor that is none":     head("String", 'N'),
		"an array of nothing":           head("[", 'N'),
		"a class without an end":        head("Ljava/lang/String", 'N'),
		"fewer arguments than declared": head("Ljava/lang/String;Ljava/lang/String;", 'N'),
		"a list that lies":              head("Ljava/util/List;", 0x58, 'I', 0x7f, 0xff, 0xff, 0xff),
		"attachments that are a string": head("", 1, 'a'),
		"attachments without an end":    head("", 'H', 1, 'a', 1, 'b'),
		"nested too deep":               head("Ljava/util/List;", bytes.Repeat([]byte{0x79}, 1000)...),
	} {
		c.write(rawFrame(plainRequest, 5, body))
		if h, answer := c.read(); h.id != 5 || h.status != statusBadRequest {
			t.Errorf("%s: %+v %q, want status 40", name, h, answer)
		}
		c.mustEcho(6)
	}
	for _, lie := range lies(t) {
		if len(lie) > 1<<20 {
			lie = lie[:1<<20]
		}
		c.write(rawFrame(plainRequest, 5, lie))
		if h, answer := c.read(); h.id != 5 || h.status != statusBadRequest {
			t.Errorf("%.20x: %+v %.100q, want status 40", lie, h, answer)
		}
		c.mustEcho(6)
	}
	until(t, "everything is given back", func() bool { st := s.Stats(); return st.Bytes == 0 && st.InFlight == 0 })
}

func TestRelayAnswersEchoWithTheArgumentAsItCame(t *testing.T) {
	t.Parallel()
	_, address := relayOn(t, relayFunc{relay: (*Frame).Echo}, ServerConfig{})
	c := dialPeer(t, address)
	object := []any{"x", int64(5), []any{1.5, "y"}, map[any]any{"k": time.Unix(9, 0).UTC()}, strings.Repeat("z", 40<<10)}
	for _, version := range []string{protocolVersion, "2.7.0"} {
		for _, arg := range append(object, any(object), nil) {
			frame := requestFrame(t, 3, version, "$echo", []any{arg})
			c.write(frame)
			h, body := c.read()
			res, _, err := decodeBody(body)
			want, _, _ := decodeBody(response(t, 3, withValue, arg)[headerBytes:])
			if arg == nil {
				want.Value = nil
			}
			if h.status != statusOK || h.id != 3 || err != nil || !reflect.DeepEqual(res.Value, want.Value) {
				t.Errorf("%v: %+v, %v, %v", arg, h, res.Value, err)
			}
			if (res.Attachments.Get(keyDubbo) == protocolVersion) != (version == protocolVersion) {
				t.Errorf("%v from %s: attachments %v", arg, version, res.Attachments)
			}
		}
	}
	c.write(requestFrame(t, 4, protocolVersion, "$echo", nil))
	if h, body := c.read(); h.status != statusBadRequest {
		t.Errorf("without an argument: %+v %q", h, body)
	}
}

func TestRelayHasAnotherServerAnswer(t *testing.T) {
	t.Parallel()
	p := newTestProvider()
	p.offerEcho(t)
	by := NewServer(p, ServerConfig{})
	_, address := relayOn(t, relayFunc{relay: func(f *Frame) { go f.Serve(t.Context(), by) }}, ServerConfig{})
	c := dialPeer(t, address)
	c.mustEcho(1)
	c.write(requestFrame(t, 2, protocolVersion, "sing", nil))
	if h, body := c.read(); h.id != 2 || h.status != statusServiceNotFound {
		t.Errorf("got %+v %q", h, body)
	}
	until(t, "everything is given back", func() bool { return by.Stats().Bytes == 0 })
}

func TestRelayTellsOfFramesWhoseConsumerLeft(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	held, left := map[*Frame]bool{}, 0
	s, address := relayOn(t, relayFunc{
		relay: func(f *Frame) { mu.Lock(); held[f] = true; mu.Unlock() },
		left: func(f *Frame) {
			mu.Lock()
			defer mu.Unlock()
			if !held[f] || !f.Gone() || f.OneWay() {
				t.Errorf("left: held %v, gone %v, one-way %v", held[f], f.Gone(), f.OneWay())
			}
			delete(held, f)
			left++
			f.Drop()
		},
	}, ServerConfig{})
	stays, goes := dialPeer(t, address), dialPeer(t, address)
	oneWay := echoFrame(t, 9)
	oneWay[2] &^= flagTwoWay
	goes.write(oneWay)
	for id := range uint64(10) {
		goes.write(echoFrame(t, id))
		stays.write(echoFrame(t, id))
	}
	until(t, "all are held", func() bool { return s.Stats().InFlight == 21 })
	mu.Lock()
	for f := range held {
		if f.conn.remote == goes.nc.LocalAddr().String() && !f.OneWay() && f.header.id%2 == 0 { // answered ones are not told of
			delete(held, f)
			f.Refuse(invoker.CodeExhausted, "full")
		}
	}
	mu.Unlock()
	_ = goes.nc.Close()
	until(t, "the rest is told of", func() bool { mu.Lock(); defer mu.Unlock(); return left == 5 })
	if st := s.Stats(); st.InFlight != 11 {
		t.Errorf("%d in flight, want 10 of the one that stays and one that nobody waits for", st.InFlight)
	}
	mu.Lock()
	defer mu.Unlock()
	for f := range held {
		f.Drop()
	}
}

func TestRelayFrameIsAnsweredOnceWhoeverComesFirst(t *testing.T) {
	t.Parallel()
	const frames = 200
	answer := response(t, 1, withValue, "hello")
	_, address := relayOn(t, relayFunc{relay: func(f *Frame) {
		for i := range 4 {
			go func() {
				switch i {
				case 0:
					f.Refuse(invoker.CodeTimeout, "late")
				case 1:
					if err := f.AnswerFrom(bytes.NewReader(answer), -1); err != nil {
						t.Error(err)
					}
				case 2:
					if b, ok := f.Open(); ok {
						if n, err := io.Copy(io.Discard, b); err != nil || n != int64(f.Size()) {
							t.Errorf("read %d bytes, %v", n, err)
						}
						_ = b.Close()
					}
				case 3:
					f.Echo()
				}
			}()
		}
	}}, ServerConfig{})
	c := dialPeer(t, address)
	for id := range uint64(frames) {
		c.write(echoFrame(t, id))
	}
	seen := map[uint64]bool{}
	for range frames {
		h, _ := c.read()
		if seen[h.id] || h.id >= frames {
			t.Fatalf("a second answer to %d", h.id)
		}
		seen[h.id] = true
	}
	c.write(appendEvent(nil, flagRequest|flagTwoWay|serializationHess2, 0, 1<<40, eventHeartbeat))
	if h, _ := c.read(); h.id != 1<<40 {
		t.Errorf("a second answer: %+v", h)
	}
}

func TestRelayTakesOnlySoundAnswers(t *testing.T) {
	t.Parallel()
	frames := make(chan *Frame, 1)
	s, address := relayOn(t, relayFunc{relay: func(f *Frame) { frames <- f }}, ServerConfig{MaxBytes: 100 << 10})
	c := dialPeer(t, address)
	c.write(echoFrame(t, 77))
	f := <-frames
	good := response(t, 1, withValue, "hello")
	large := response(t, 1, withValue, strings.Repeat("x", 50<<10))
	for name, x := range map[string]struct {
		answer []byte
		size   int64
	}{
		"nothing":            {nil, -1},
		"half a header":      {good[:9], -1},
		"a page":             {[]byte("<html><body>upstream connect error</body></html>"), -1},
		"a request":          {echoFrame(t, 1), -1},
		"an event":           {appendEvent(nil, serializationHess2, statusOK, 1, eventHeartbeat), -1},
		"cut short":          {good[:len(good)-1], -1},
		"a large one, cut":   {large[:len(large)-1], -1},
		"over the limit":     {appendHeader(nil, header{flags: serializationHess2, status: statusOK, length: 100<<10 + 1}), -1},
		"another length":     {good, int64(len(good)) + 1},
		"a claim beyond all": {appendHeader(nil, header{flags: serializationHess2, length: 1<<32 - 1}), -1},
	} {
		for _, src := range []io.Reader{bytes.NewReader(x.answer), iotest.OneByteReader(bytes.NewReader(x.answer))} {
			if err := f.AnswerFrom(src, x.size); err == nil || f.Answered() {
				t.Fatalf("%s: %v, answered %v", name, err, f.Answered())
			}
		}
	}
	if used := s.Stats().Bytes; used != int64(f.Size()-headerBytes) {
		t.Errorf("%d bytes are in use, want those of the frame", used)
	}
	if err := f.AnswerFrom(iotest.OneByteReader(bytes.NewReader(large)), int64(len(large))); err != nil {
		t.Fatal(err)
	}
	h, body := c.read()
	if h.id != 77 || !bytes.Equal(body, large[headerBytes:]) {
		t.Errorf("got %+v", h)
	}
}

func TestRelayHoldsItsLimits(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var held []*Frame
	s, address := relayOn(t, relayFunc{relay: func(f *Frame) { mu.Lock(); held = append(held, f); mu.Unlock() }}, ServerConfig{MaxInFlight: 5, Budget: NewBudget(4 << 10)})
	c := dialPeer(t, address)
	refused := 0
	for id := range uint64(8) {
		c.write(echoFrame(t, id))
	}
	for range 3 {
		if h, _ := c.read(); h.status == statusExhausted {
			refused++
		}
	}
	mu.Lock()
	for _, f := range held {
		f.Echo()
	}
	held = nil
	mu.Unlock()
	for range 5 {
		c.read()
	}
	for id := range uint64(4) {
		c.write(requestFrame(t, id, protocolVersion, "echo", []any{strings.Repeat("x", 1500)}))
	}
	for range 2 {
		if h, _ := c.read(); h.status == statusExhausted {
			refused++
		}
	}
	if st := s.Stats(); refused != 5 || st.InFlight != 2 || st.Exhausted != 5 || st.Bytes > 4<<10 {
		t.Errorf("%d refused, %+v", refused, st)
	}
	mu.Lock()
	defer mu.Unlock()
	for _, f := range held {
		f.Drop()
	}
}

func TestRelayDrainsWhenItsFramesAreAnswered(t *testing.T) {
	t.Parallel()
	frames := make(chan *Frame, 8)
	s, address := relayOn(t, relayFunc{relay: func(f *Frame) { frames <- f }}, ServerConfig{Quiet: 10 * time.Millisecond})
	c := dialPeer(t, address)
	c.write(echoFrame(t, 1))
	f := <-frames
	drained := make(chan error, 1)
	go func() { drained <- s.Drain(context.Background()) }()
	if h, body := c.read(); string(body) != eventReadonly {
		t.Errorf("got %+v, want READONLY", h)
	}
	c.write(echoFrame(t, 2))
	(<-frames).Echo()
	if h, _ := c.read(); h.id != 2 {
		t.Errorf("got %+v", h)
	}
	select {
	case err := <-drained:
		t.Fatalf("drained with a frame in hand: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	f.Echo()
	if h, _ := c.read(); h.id != 1 || h.status != statusOK {
		t.Errorf("got %+v", h)
	}
	if err := <-drained; err != nil {
		t.Error(err)
	}
}
