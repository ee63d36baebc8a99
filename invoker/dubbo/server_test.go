package dubbo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dubbofn/dubbofn/invoker"
)

func TestServerAnswersTheIdItWasAsked(t *testing.T) {
	t.Parallel()
	p := newTestProvider()
	p.offerEcho(t)
	_, address := serve(t, p, ServerConfig{})
	c := dialPeer(t, address)
	for _, id := range []uint64{0, 1, math.MaxInt64, 1 << 63, math.MaxUint64, 0xdabbdabbdabbdabb} {
		c.mustEcho(id)
	}
}

func TestServerAnswersHeartbeats(t *testing.T) {
	t.Parallel()
	p := newTestProvider()
	p.offerEcho(t)
	_, address := serve(t, p, ServerConfig{})
	c := dialPeer(t, address)
	// Only those that want an answer get one; another serialization's null comes back as it was.
	c.write(appendEvent(nil, flagRequest|serializationHess2, 0, 1, eventHeartbeat))
	c.write(appendEvent(nil, flagRequest|flagTwoWay|serializationHess2, 0, 2, eventReadonly))
	c.write(appendEvent(nil, serializationHess2, statusOK, 3, eventHeartbeat))
	c.write(appendEvent(nil, flagRequest|flagTwoWay|serializationHess2, 0, 4, eventHeartbeat))
	c.write(appendEvent(nil, flagRequest|flagTwoWay|23, 0, 5, "\xaf"))
	for _, want := range []struct {
		h    header
		body string
	}{{header{flagEvent | serializationHess2, statusOK, 4, 1}, "N"}, {header{flagEvent | 23, statusOK, 5, 1}, "\xaf"}} {
		if h, body := c.read(); h != want.h || string(body) != want.body {
			t.Errorf("got %+v with %q, want %+v with %q", h, body, want.h, want.body)
		}
	}
	c.mustEcho(6)
}

func TestServerAsksSilentConsumersAndClosesDeadOnes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newTestProvider()
		p.offerEcho(t)
		l := newPipes()
		s := serveOn(t, p, ServerConfig{}, l)
		live, dead := l.dial(t), l.dial(t)
		go func() { _, _ = io.Copy(io.Discard, dead.nc) }()
		begin := time.Now()
		for time.Since(begin) < 5*time.Minute {
			h, body, err := live.next(2 * time.Minute)
			if err != nil || h.flags != flagRequest|flagTwoWay|flagEvent|serializationHess2 || string(body) != eventHeartbeat {
				t.Fatalf("got %+v with %q, %v; want a heartbeat", h, body, err)
			}
			live.write(appendEvent(nil, serializationHess2, statusOK, h.id, eventHeartbeat))
		}
		if n := s.Stats().Conns; n != 1 {
			t.Errorf("after five minutes there are %d connections, want the one that answers", n)
		}
		live.mustEcho(1)
	})
}

func TestServerRefusesCallsOverItsLimitAtOnce(t *testing.T) {
	t.Parallel()
	p := newTestProvider()
	letGo := p.offerWait(t)
	defer letGo()
	s, address := serve(t, p, ServerConfig{MaxInFlight: 2})
	c := dialPeer(t, address)
	for id := range uint64(3) {
		c.write(requestFrame(t, id, protocolVersion, "wait", nil))
	}
	if h, body := c.read(); h.status != statusExhausted || h.id != 2 || !strings.Contains(sentence(t, body), "limit 2") {
		t.Errorf("the third call got %+v, %q", h, body)
	}
	letGo()
	for range 2 {
		if h, body := c.read(); h.status != statusOK {
			t.Errorf("a call within the limit got %+v, %q", h, body)
		}
	}
	if st := s.Stats(); st.Exhausted != 1 || st.Calls != 2 {
		t.Errorf("stats %+v, want 1 exhausted, 2 calls", st)
	}
}

func TestServerClosesConnectionsOverItsLimit(t *testing.T) {
	t.Parallel()
	p := newTestProvider()
	p.offerEcho(t)
	s, address := serve(t, p, ServerConfig{MaxConns: 1})
	first := dialPeer(t, address)
	first.mustEcho(1)
	if !dialPeer(t, address).closed() {
		t.Error("a second connection stays open")
	}
	first.mustEcho(2)
	if st := s.Stats(); st.Refused != 1 || st.Accepted != 1 {
		t.Errorf("stats %+v, want 1 accepted, 1 refused", st)
	}
	_ = first.nc.Close()
	until(t, "its place is free again", func() bool { return s.Stats().Conns == 0 })
	dialPeer(t, address).mustEcho(3)
}

func TestServerCutsConsumerThatDoesNotRead(t *testing.T) {
	t.Parallel()
	p := newTestProvider()
	p.offerEcho(t)
	p.offer(t, "much", func(context.Context, *invoker.Invocation) (invoker.Result, error) {
		return invoker.Result{Value: make([]byte, 1<<20)}, nil
	}, reflect.TypeFor[[]byte]())
	s, address := serve(t, p, ServerConfig{WriteTimeout: 200 * time.Millisecond, QueueBytes: 2 << 20})
	greedy, other := dialPeer(t, address), dialPeer(t, address)
	other.mustEcho(1)
	for id := range uint64(64) {
		if _, err := greedy.nc.Write(requestFrame(t, id, protocolVersion, "much", nil)); err != nil {
			break
		}
	}
	until(t, "the greedy consumer is cut", func() bool { return s.Stats().Conns == 1 })
	other.mustEcho(2)
	until(t, "nothing runs any more", func() bool { return s.Stats().InFlight == 0 })
}

func TestServerAnswersErrors(t *testing.T) {
	t.Parallel()
	biz := &invoker.Exception{Class: "org.example.BizException", Message: "no credit", Fields: map[string]any{"code": int32(7)},
		Cause: &invoker.Exception{Class: "java.lang.IllegalStateException", Message: "empty"}}
	for name, c := range map[string]struct {
		err    error
		status byte
		thrown *invoker.Exception
		text   string
	}{
		"an exception is thrown":     {err: biz, status: statusOK, thrown: biz},
		"so is a wrapped one":        {err: fmt.Errorf("buy: %w", biz), status: statusOK, thrown: biz},
		"an error becomes Runtime":   {err: errors.New("disk full"), status: statusOK, thrown: &invoker.Exception{Class: "java.lang.RuntimeException", Message: "disk full"}},
		"not found":                  {err: invoker.Errorf(invoker.CodeNotFound, "call", "gone"), status: statusServiceNotFound, text: "gone"},
		"no token":                   {err: invoker.Errorf(invoker.CodeUnauthenticated, "call", "no token"), status: statusServiceError, text: "no token"},
		"bad request":                {err: invoker.Errorf(invoker.CodeBadRequest, "call", "bad"), status: statusBadRequest, text: "bad"},
		"exhausted":                  {err: invoker.Errorf(invoker.CodeExhausted, "call", "full"), status: statusExhausted, text: "full"},
		"a wrapped internal error":   {err: fmt.Errorf("x: %w", invoker.Errorf(invoker.CodeInternal, "call", "broken")), status: statusServerError, text: "broken"},
		"a foreign deadline is Java": {err: context.DeadlineExceeded, status: statusOK, thrown: &invoker.Exception{Class: "java.lang.RuntimeException", Message: "context deadline exceeded"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newTestProvider()
			p.offer(t, "fail", func(context.Context, *invoker.Invocation) (invoker.Result, error) { return invoker.Result{}, c.err }, nil)
			_, address := serve(t, p, ServerConfig{})
			peer := dialPeer(t, address)
			peer.write(requestFrame(t, 1, protocolVersion, "fail", nil))
			h, body := peer.read()
			if h.status != c.status {
				t.Fatalf("status %d with %q, want %d", h.status, body, c.status)
			}
			if c.thrown == nil {
				if s := sentence(t, body); !strings.Contains(s, c.text) {
					t.Errorf("got %q, want it to hold %q", s, c.text)
				}
				return
			}
			_, thrown, err := decodeBody(body)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(error(c.thrown), thrown, ignoreEmptyTrace()); d != "" {
				t.Errorf("thrown, - wanted + got:\n%s", d)
			}
		})
	}
}

// ignoreEmptyTrace takes an empty trace for none.
func ignoreEmptyTrace() cmp.Option {
	return cmp.Transformer("trace", func(f []invoker.StackFrame) int { return len(f) })
}

func TestServerOutlivesPanic(t *testing.T) {
	t.Parallel()
	p := newTestProvider()
	p.offerEcho(t)
	p.offer(t, "panic", func(context.Context, *invoker.Invocation) (invoker.Result, error) { panic("broken") }, nil)
	s, address := serve(t, p, ServerConfig{})
	c := dialPeer(t, address)
	c.write(requestFrame(t, 1, protocolVersion, "panic", nil))
	if h, body := c.read(); h.status != statusServerError || strings.Contains(sentence(t, body), "broken") {
		t.Errorf("got %+v, %q; want status 80 without the panic's value", h, body)
	}
	c.mustEcho(2)
	until(t, "nothing runs any more", func() bool { return s.Stats().InFlight == 0 && s.Stats().Bytes == 0 })
}

func TestServerWritesAttachmentsToThoseWhoReadThem(t *testing.T) {
	t.Parallel()
	p := newTestProvider()
	p.offerEcho(t)
	p.offer(t, "void", func(context.Context, *invoker.Invocation) (invoker.Result, error) { return invoker.Result{}, nil }, nil)
	p.offer(t, "fail", func(context.Context, *invoker.Invocation) (invoker.Result, error) {
		return invoker.Result{}, errors.New("x")
	}, nil)
	_, address := serve(t, p, ServerConfig{})
	c := dialPeer(t, address)
	for _, v := range []struct {
		version string
		reads   bool
	}{{"2.0.2", true}, {"2.0.99", true}, {"2.0.1", false}, {"2.0.100", false}, {"2.7.23", false}, {"1.0.0", false}, {"", false}, {"x", false}, {"2.0.2-beta", true}, {"1.2.3.4.5", false}} {
		for method, flag := range map[string]byte{"echo": withValue, "void": withNull, "fail": withException} {
			var args []any
			if method == "echo" {
				args = []any{"hello"}
			}
			c.write(requestFrame(t, 1, v.version, method, args))
			_, body := c.read()
			want := 0x90 + flag
			if v.reads {
				want += attached
			}
			if body[0] != want {
				t.Errorf("version %q, %s: flag %#x, want %#x", v.version, method, body[0], want)
			}
			if res, _, err := decodeBody(body); err != nil || v.reads != (res.Attachments.Get(keyDubbo) == protocolVersion) {
				t.Errorf("version %q, %s: attachments %v, %v", v.version, method, res.Attachments, err)
			}
		}
	}
}

func TestServerTellsTheCallWhatItCarries(t *testing.T) {
	t.Parallel()
	p := newTestProvider()
	got := make(chan invoker.Invocation, 1)
	left := make(chan time.Duration, 1)
	p.offer(t, "see", func(ctx context.Context, inv *invoker.Invocation) (invoker.Result, error) {
		d, ok := ctx.Deadline()
		if !ok {
			d = time.Now().Add(-time.Hour)
		}
		left <- time.Until(d).Round(time.Second)
		if invoker.FromContext(ctx) != inv {
			return invoker.Result{}, errors.New("the context has another invocation")
		}
		got <- *inv
		return invoker.Result{}, nil
	}, nil)
	_, address := serve(t, p, ServerConfig{})
	c := dialPeer(t, address)
	for name, x := range map[string]struct {
		attachments []any
		left        time.Duration
		group, app  string
	}{
		"nothing":                         {nil, -time.Hour, "", ""},
		"timeout as text":                 {[]any{"timeout", "5000", "group", "g1"}, 5 * time.Second, "g1", ""},
		"timeout as a number, and _TO":    {[]any{"timeout", int32(7000), "_TO", "3000"}, 7 * time.Second, "", ""},
		"_TO alone":                       {[]any{"_TO", int64(3000), "application", "shop"}, 3 * time.Second, "", "shop"},
		"remote.application wins":         {[]any{"remote.application", "front", "application", "shop"}, -time.Hour, "", "front"},
		"a timeout that is none":          {[]any{"timeout", "soon"}, -time.Hour, "", ""},
		"a timeout beyond all time":       {[]any{"timeout", "9223372036854775807", "_TO", "4000"}, time.Until(time.Now().Add(1<<62 - 1)).Round(time.Second), "", ""},
		"a negative timeout beside a _TO": {[]any{"timeout", "-1", "_TO", "4000"}, 4 * time.Second, "", ""},
	} {
		c.write(requestFrame(t, 1, protocolVersion, "see", nil, x.attachments...))
		if h, body := c.read(); h.status != statusOK {
			t.Fatalf("%s: %+v %q", name, h, body)
		}
		inv := <-got
		if l := <-left; l != x.left && x.left < 1000*time.Hour {
			t.Errorf("%s: %v left, want %v", name, l, x.left)
		}
		if inv.Service.Group != x.group || inv.Caller.Application != x.app || inv.Caller.Address != c.nc.LocalAddr().String() || inv.Service.Interface != testService || inv.Method != "see" {
			t.Errorf("%s: %+v", name, inv)
		}
		if n := inv.Attachments.Len(); n != len(x.attachments)/2 {
			t.Errorf("%s: %d attachments, want %d", name, n, len(x.attachments)/2)
		}
	}
}

func TestServerRefusesWhatComesTooLate(t *testing.T) {
	t.Parallel()
	p := newTestProvider()
	p.offerEcho(t)
	s, address := serve(t, p, ServerConfig{})
	c := dialPeer(t, address)
	c.write(requestFrame(t, 1, protocolVersion, "echo", []any{"x"}, "_TO", "0"))
	if h, body := c.read(); h.status != statusServerTimeout {
		t.Errorf("got %+v, %q; want status 31", h, body)
	}
	if st := s.Stats(); st.Calls != 0 || st.Late != 1 {
		t.Errorf("stats %+v: want no call, one late", st)
	}
}

func TestCallIsToldThatItsTimeIsUp(t *testing.T) {
	t.Parallel()
	p := newTestProvider()
	p.offerWait(t)
	_, address := serve(t, p, ServerConfig{})
	c := dialPeer(t, address)
	c.write(requestFrame(t, 1, protocolVersion, "wait", nil, "timeout", "50"))
	if h, body := c.read(); h.status != statusServerTimeout {
		t.Errorf("got %+v, %q; want status 31", h, body)
	}
}

func TestDrainEndsWhenItsBudgetDoes(t *testing.T) {
	t.Parallel()
	p := newTestProvider()
	p.offerWait(t)
	s, address := serve(t, p, ServerConfig{Quiet: 10 * time.Millisecond})
	c := dialPeer(t, address)
	c.write(requestFrame(t, 1, protocolVersion, "wait", nil))
	until(t, "the call runs", func() bool { return s.Stats().InFlight == 1 })
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := s.Drain(ctx); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "1 calls in flight") {
		t.Errorf("Drain gave %v, want that its time was up with 1 call", err)
	}
	if !c.closed() {
		t.Error("the connection stays open")
	}
}

func TestDrainTellsNewConnectionsToo(t *testing.T) {
	t.Parallel()
	p := newTestProvider()
	p.offerEcho(t)
	letGo := p.offerWait(t)
	s, address := serve(t, p, ServerConfig{Quiet: 10 * time.Millisecond})
	old := dialPeer(t, address)
	old.write(requestFrame(t, 1, protocolVersion, "wait", nil))
	until(t, "the call runs", func() bool { return s.Stats().InFlight == 1 })
	drained := make(chan error, 1)
	go func() { drained <- s.Drain(context.Background()) }()
	for _, c := range []*peer{old, dialPeer(t, address)} {
		if h, body := c.read(); h.flags != flagRequest|flagEvent|serializationHess2 || string(body) != eventReadonly {
			t.Errorf("got %+v with %q, want READONLY", h, body)
		}
		c.mustEcho(9)
	}
	letGo()
	if h, _ := old.read(); h.id != 1 || h.status != statusOK {
		t.Errorf("the call in flight got %+v", h)
	}
	if err := <-drained; err != nil {
		t.Error(err)
	}
	if !old.closed() {
		t.Error("the connection stays open")
	}
}

func TestConfigsTellAllTheirFaults(t *testing.T) {
	t.Parallel()
	err := ServerConfig{MaxBytes: -1, MaxConns: -1, ReadTimeout: -1}.Validate()
	if err == nil {
		t.Fatal("a negative limit is taken")
	}
	for _, want := range []string{"MaxBytes is -1", "MaxConns is -1", "ReadTimeout is -1ns"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v: want it to hold %q", err, want)
		}
	}
	if err := (ServerConfig{}).Validate(); err != nil {
		t.Error(err)
	}
	if err := (ConnConfig{MaxBytes: 2 << 30}).Validate(); err == nil {
		t.Error("2 GiB a frame are taken")
	}
}
