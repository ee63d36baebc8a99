package dubbo

import (
	"bytes"
	"encoding/binary"
	"math"
	"reflect"
	"runtime/metrics"
	"strings"
	"sync"
	"testing"
	"time"
)

// rawFrame is a request frame around any body.
func rawFrame(flags byte, id uint64, body []byte) []byte {
	return append(appendHeader(nil, header{flags: flags, id: id, length: uint32(len(body))}), body...)
}

const plainRequest = flagRequest | flagTwoWay | serializationHess2

func TestServerAnswersFramesItCannotRead(t *testing.T) {
	t.Parallel()
	p := newTestProvider()
	p.offerEcho(t)
	s, address := serve(t, p, ServerConfig{MaxBytes: 1 << 20})
	other := dialPeer(t, address)
	long := appendHeader(nil, header{flags: plainRequest, id: 7, length: 1<<20 + 1})
	long = append(long, make([]byte, 1<<20+1)...)
	good := echoFrame(t, 7)
	for name, c := range map[string]struct {
		frame  []byte
		status byte
		text   string
	}{
		"an empty body":                {rawFrame(plainRequest, 7, nil), statusBadRequest, "dubbo version"},
		"no Hessian":                   {rawFrame(plainRequest, 7, []byte{0x4f, 0x4f}), statusBadRequest, "dubbo version"},
		"another serialization":        {rawFrame(flagRequest|flagTwoWay|21, 7, []byte("{}")), statusBadRequest, "21 (protobuf-json); this provider reads hessian2 (2)"},
		"a serialization nobody knows": {rawFrame(flagRequest|flagTwoWay|31, 7, []byte("{}")), statusBadRequest, "31 (unknown); this provider reads hessian2"},
		"a body over the limit":        {long, statusBadRequest, "limit 1048576"},
		"a body that ends too early":   {rawFrame(plainRequest, 7, good[headerBytes:headerBytes+60]), statusBadRequest, ""},
		"a number for a string":        {requestFrame(t, 7, protocolVersion, "echo", []any{int32(5)}), statusBadRequest, "argument 1 of 1 (java.lang.String)"},
		"a missing method":             {requestFrame(t, 7, protocolVersion, "sing", nil), statusServiceNotFound, `no method "sing"`},
	} {
		c2 := dialPeer(t, address)
		c2.write(c.frame)
		h, body := c2.read()
		if h.id != 7 || h.status != c.status || !strings.Contains(sentence(t, body), c.text) {
			t.Errorf("%s: got %+v, %q; want status %d with %q", name, h, sentence(t, body), c.status, c.text)
		}
		c2.mustEcho(8)
		// Nobody is told where nobody waits.
		oneWay := bytes.Clone(c.frame)
		oneWay[2] &^= flagTwoWay
		c2.write(oneWay)
		c2.mustEcho(9)
		other.mustEcho(1)
	}
	until(t, "every byte was given back", func() bool { st := s.Stats(); return st.Bytes == 0 && st.InFlight == 0 })
}

func TestServerAnswersAnAbsurdLengthAndCloses(t *testing.T) {
	t.Parallel()
	p := newTestProvider()
	p.offerEcho(t)
	_, address := serve(t, p, ServerConfig{})
	for _, n := range []uint32{math.MaxUint32, math.MaxInt32, 1 << 31} {
		c := dialPeer(t, address)
		c.write(appendHeader(nil, header{flags: plainRequest, id: 3, length: n}))
		c.write(make([]byte, 100<<10))
		h, body := c.read()
		if h.id != 3 || h.status != statusBadRequest || !strings.Contains(sentence(t, body), "limit 8388608") {
			t.Errorf("%d bytes: got %+v, %q", n, h, body)
		}
		if !c.closed() {
			t.Errorf("%d bytes: the connection stays open", n)
		}
	}
}

func TestServerClosesWhereFramingIsLost(t *testing.T) {
	t.Parallel()
	p := newTestProvider()
	p.offerEcho(t)
	s, address := serve(t, p, ServerConfig{})
	other := dialPeer(t, address)
	for name, b := range map[string][]byte{
		"another magic":            []byte("\xca\xfe\xba\xbe"),
		"half a magic":             []byte("\xda\xda"),
		"one wrong byte":           []byte("G"),
		"text":                     []byte("telnet\r\n"),
		"rubbish after good calls": append(echoFrame(t, 1), "xyz"...),
		"zeros":                    make([]byte, 1000),
	} {
		c := dialPeer(t, address)
		c.write(b)
		if !c.closed() {
			t.Errorf("%s: the connection stays open", name)
		}
		other.mustEcho(1)
	}
	until(t, "one connection is left", func() bool { return s.Stats().Conns == 1 })
}

func TestServerOutlivesFramesCutAtEveryByte(t *testing.T) {
	t.Parallel()
	p := newTestProvider()
	p.offerEcho(t)
	s, address := serve(t, p, ServerConfig{})
	other := dialPeer(t, address)
	frame := requestFrame(t, 5, protocolVersion, "echo", []any{"hello"}, "timeout", "1000", "group", "g")
	for n := range frame {
		// The stream ends here …
		c := dialPeer(t, address)
		c.write(frame[:n])
		_ = c.nc.Close()
		// … and here the frame ends, as its header says.
		if n > headerBytes {
			short := bytes.Clone(frame[:n])
			binary.BigEndian.PutUint32(short[12:], uint32(n-headerBytes))
			c = dialPeer(t, address)
			c.write(short)
			if h, body := c.read(); h.id != 5 || h.status != statusBadRequest && h.status != statusServiceNotFound && h.status != statusOK {
				t.Errorf("cut to %d bytes: %+v %q", n, h, body)
			}
			c.mustEcho(6)
			_ = c.nc.Close()
		}
	}
	other.mustEcho(1)
	until(t, "nothing is left", func() bool { st := s.Stats(); return st.Conns == 1 && st.Bytes == 0 && st.InFlight == 0 })
}

func TestServerCutsSlowFrames(t *testing.T) {
	t.Parallel()
	p := newTestProvider()
	p.offerEcho(t)
	s, address := serve(t, p, ServerConfig{ReadTimeout: 150 * time.Millisecond})
	frame := echoFrame(t, 1)
	other := dialPeer(t, address)
	other.mustEcho(1)
	for _, n := range []int{1, 2, headerBytes - 1, headerBytes, headerBytes + 1, len(frame) - 1} {
		c := dialPeer(t, address)
		c.write(frame[:n])
		if !c.closed() {
			t.Errorf("a frame that stops after %d bytes keeps its connection", n)
		}
	}
	// A byte now and then makes it no faster.
	slow := dialPeer(t, address)
	drip := time.NewTicker(20 * time.Millisecond)
	defer drip.Stop()
	begin := time.Now()
	for _, b := range frame {
		<-drip.C
		if _, err := slow.nc.Write([]byte{b}); err != nil {
			break
		}
	}
	if took := time.Since(begin); took > 5*time.Second || !slow.closed() {
		t.Errorf("a slow loris lived for %v", took)
	}
	// Silence between frames is no crime.
	other.mustEcho(2)
	until(t, "one connection is left", func() bool { return s.Stats().Conns == 1 })
}

func TestFrameThatFindsNoBytesLeftIsAnswered(t *testing.T) {
	t.Parallel()
	p := newTestProvider()
	p.offerEcho(t)
	p.offer(t, "take", nil, nil, reflect.TypeFor[[]byte]())
	budget := NewBudget(600 << 10)
	s, address := serve(t, p, ServerConfig{Budget: budget})
	c := dialPeer(t, address)
	big := requestFrame(t, 1, protocolVersion, "take", []any{make([]byte, 1<<20)})
	c.write(big)
	if h, body := c.read(); h.id != 1 || h.status != statusExhausted || !strings.Contains(sentence(t, body), "614400") {
		t.Errorf("got %+v, %q; want status 100", h, sentence(t, body))
	}
	c.mustEcho(2)
	// A frame that claims much and sends little takes little: two of them leave room for others.
	for range 2 {
		half := dialPeer(t, address)
		half.write(big[:200<<10])
	}
	until(t, "both halves are held", func() bool { return s.Stats().Bytes == 2*(200<<10-headerBytes) })
	c.mustEcho(3)
}

// lies are bodies that promise more than they hold, after a head that is good.
func lies(tb testing.TB) map[string][]byte {
	tb.Helper()
	head := requestFrame(tb, 1, protocolVersion, "any", nil)[headerBytes:]
	head = bytes.TrimSuffix(head, []byte("HZ"))
	// The parameter types say one argument.
	head = append(head[:len(head)-1], "\x12Ljava/lang/Object;"...)
	with := func(b ...byte) []byte { return append(bytes.Clone(head), b...) }
	return map[string][]byte{
		"a list of 2^28":            with(0x58, 'I', 0x10, 0, 0, 0),
		"a typed list of 2^31-1":    with('V', 0x04, '[', 'i', 'n', 't', 'I', 0x7f, 0xff, 0xff, 0xff),
		"an object of 2^28 fields":  with('C', 0x01, 'x', 'I', 0x10, 0, 0, 0),
		"2 MB of nested lists":      with(bytes.Repeat([]byte{0x57}, 2<<20)...),
		"2 MB of nested maps":       with(bytes.Repeat([]byte{'H'}, 2<<20)...),
		"a reference to nothing":    with('Q', 'I', 0x10, 0, 0, 0),
		"bytes that never come":     with('B', 0xff, 0xff, 1, 2, 3),
		"a string that never comes": with('S', 0xff, 0xff, 'a'),
	}
}

func TestLyingBodiesCostLittleMemoryAndNoOtherCall(t *testing.T) {
	p := newTestProvider()
	p.offerEcho(t)
	p.offer(t, "any", nil, nil, reflect.TypeFor[any]())
	s, address := serve(t, p, ServerConfig{})
	other := dialPeer(t, address)
	other.mustEcho(1)
	corpus := lies(t)

	var clients, watcher sync.WaitGroup
	done := make(chan struct{})
	idle := heap()
	peak := idle
	watcher.Go(func() {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				peak = max(peak, heap())
			}
		}
	})
	for i := range 16 {
		c := dialPeer(t, address)
		clients.Go(func() {
			for name, body := range corpus {
				// The frames are written in pieces, so that the test's own memory stays out of the count.
				if _, err := c.nc.Write(appendHeader(nil, header{flags: plainRequest, id: uint64(i), length: uint32(len(body))})); err != nil {
					t.Errorf("%s: %v", name, err)
					return
				}
				if _, err := c.nc.Write(body); err != nil {
					t.Errorf("%s: %v", name, err)
					return
				}
				h, _, err := c.next(patience)
				if err != nil || h.status != statusBadRequest || h.id != uint64(i) {
					t.Errorf("%s: got %+v, %v; want status 40", name, h, err)
				}
			}
		})
	}
	clients.Wait()
	close(done)
	watcher.Wait()
	other.mustEcho(2)
	until(t, "no bytes and no call are left", func() bool { st := s.Stats(); return st.Bytes == 0 && st.InFlight == 0 }) // the last is counted after its answer
	if st := s.Stats(); st.Conns != 17 {
		t.Errorf("stats %+v: want all 17 connections", st)
	}
	if grown := peak - idle; grown > 4*DefaultMaxBytes && !raceEnabled {
		t.Errorf("the heap grew from %d by %d KiB (limit %d)", idle>>10, grown>>10, 4*DefaultMaxBytes>>10)
	}
}

func TestLargeBodyIsLookedThroughBeforeItIsDecoded(t *testing.T) {
	p := newTestProvider()
	p.offerEcho(t)
	p.offer(t, "any", nil, nil, reflect.TypeFor[any]())
	_, address := serve(t, p, ServerConfig{})
	c := dialPeer(t, address)
	// A list that has no end: as values it would take sixteen times its bytes.
	const size = 1 << 20
	body := append(lies(t)["2 MB of nested lists"][:60], bytes.Repeat([]byte{'N'}, size)...)
	frame := rawFrame(plainRequest, 1, body)
	before := allocated()
	c.write(frame)
	if h, body := c.read(); h.status != statusBadRequest || !strings.Contains(sentence(t, body), "ends inside a value") {
		t.Errorf("got %+v, %q", h, sentence(t, body))
	}
	if took := allocated() - before; took > 4*size && !raceEnabled {
		t.Errorf("%d KiB were allocated for %d KiB", took>>10, size>>10)
	}
	c.mustEcho(2)
}

func allocated() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

// heap is the memory that the heap holds, objects and what is free in their spans.
func heap() uint64 {
	s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/unused:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64() + s[1].Value.Uint64()
}
