package dubbo

import (
	"context"
	"errors"
	"io"
	"math/big"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dubbofn/dubbofn/internal/hessian"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/java"
)

// newConnPair gives a Conn and the provider's end of it, in memory.
func newConnPair(tb testing.TB, cfg ConnConfig) (*Conn, *peer) {
	tb.Helper()
	near, far := net.Pipe()
	c := NewConn(near, cfg)
	tb.Cleanup(func() {
		_ = far.Close()
		if err := c.Close(); err != nil {
			tb.Error(err)
		}
	})
	return c, &peer{tb, far}
}

// outcome is what an Invoke gave.
type outcome struct {
	res invoker.Result
	err error
}

// start calls in a goroutine of its own, with ten seconds.
func start(c *Conn, inv *invoker.Invocation) <-chan outcome {
	done := make(chan outcome, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		res, err := c.Invoke(ctx, inv)
		done <- outcome{res, err}
	}()
	return done
}

func invocation(method string, args ...any) *invoker.Invocation {
	return &invoker.Invocation{Service: invoker.ServiceKey{Interface: testService}, Method: method, Args: args}
}

// response is a response's frame: a flag, values, and attachments where the flag says so.
func response(tb testing.TB, id uint64, flag int32, values ...any) []byte {
	tb.Helper()
	var e hessian.Encoder
	e.Reset(hessian.NewTypes(), appendHeader(nil, header{flags: serializationHess2, status: statusOK, id: id}))
	e.Int(flag)
	for _, v := range values {
		if err := e.Value(v); err != nil {
			tb.Fatal(err)
		}
	}
	if flag >= attached {
		e.MapBegin("")
		e.String("dubbo")
		e.String("2.0.2")
		e.MapEnd()
	}
	frame := e.Bytes()
	setLength(frame)
	return frame
}

func TestConnWritesWhatJavaReads(t *testing.T) {
	t.Parallel()
	c, far := newConnPair(t, ConnConfig{})
	inv := invocation("greet", "Ada", int32(3), int64(4), true, 1.5, []byte{1}, []string{"a"}, map[string]string{"a": "b"}, big.NewInt(5), nil, &java.Object{Class: "org.example.Person"})
	inv.Service.Group, inv.Service.Version = "g1", "2.0.0"
	inv.Attachments.Set("token", "t")
	inv.Attachments.Set("timeout", "1")
	done := start(c, inv)
	h, body := far.read()
	if h.flags != flagRequest|flagTwoWay|serializationHess2 || h.status != 0 {
		t.Errorf("header %+v", h)
	}
	var d hessian.Decoder
	d.Reset(hessian.NewTypes(), body, hessian.Limits{})
	var head []string
	for range 5 {
		s, err := d.String()
		if err != nil {
			t.Fatal(err)
		}
		head = append(head, s)
	}
	want := []string{"2.0.2", testService, "2.0.0", "greet",
		"Ljava/lang/String;IJZD[BLjava/util/List;Ljava/util/Map;Ljava/math/BigInteger;Ljava/lang/Object;Lorg/example/Person;"}
	if diff := cmp.Diff(want, head); diff != "" {
		t.Errorf("head, - want + got:\n%s", diff)
	}
	for range inv.Args {
		if _, err := d.Value(); err != nil {
			t.Fatal(err)
		}
	}
	attachments := map[string]any{}
	if err := d.Map(func(k string, v any) error { attachments[k] = v; return nil }); err != nil {
		t.Fatal(err)
	}
	timeout, _ := milliseconds(attachments["timeout"])
	if timeout <= patience/2 || timeout > patience {
		t.Errorf("timeout %v, want the context's", timeout)
	}
	delete(attachments, "timeout")
	if diff := cmp.Diff(map[string]any{"path": testService, "interface": testService, "group": "g1", "version": "2.0.0", "token": "t"}, attachments); diff != "" {
		t.Errorf("attachments, - want + got:\n%s", diff)
	}
	far.write(response(t, h.id, withNull))
	if o := <-done; o.err != nil || o.res.Value != nil {
		t.Errorf("got %+v", o)
	}
	if inv.Descriptor != "" || inv.Attachments.Len() != 2 {
		t.Errorf("the invocation was changed: %+v", inv)
	}
}

func TestConnReadsEveryKindOfAnswer(t *testing.T) {
	t.Parallel()
	thrown := &java.Object{Class: "org.example.BizException", Fields: []java.Field{{Name: "detailMessage", Value: "no credit"}, {Name: "code", Value: int32(7)}}}
	thrown.Fields = append(thrown.Fields, java.Field{Name: "cause", Value: thrown})
	for name, x := range map[string]struct {
		flag    int32
		values  []any
		want    any
		err     string
		hasDubb bool
	}{
		"a value":                      {withValue, []any{"x"}, "x", "", false},
		"a value with attachments":     {withValue + attached, []any{"x"}, "x", "", true},
		"null":                         {withNull, nil, nil, "", false},
		"null with attachments":        {withNull + attached, nil, nil, "", true},
		"an exception":                 {withException, []any{thrown}, nil, "org.example.BizException: no credit", false},
		"an exception, attachments":    {withException + attached, []any{thrown}, nil, "org.example.BizException: no credit", true},
		"an exception that is a text":  {withException, []any{"sorry"}, nil, "java.lang.Throwable: sorry", false},
		"an exception that is nothing": {withException, []any{nil}, nil, "java.lang.Throwable", false},
		"a flag beyond":                {6, nil, nil, "result flag 6 (0 to 5)", false},
		"a flag below":                 {-1, nil, nil, "result flag -1 (0 to 5)", false},
		"a value that is missing":      {withValue, nil, nil, "bad response", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, far := newConnPair(t, ConnConfig{})
			done := start(c, invocation("get"))
			h, _ := far.read()
			far.write(response(t, h.id, x.flag, x.values...))
			o := <-done
			if x.err == "" && o.err != nil || x.err != "" && (o.err == nil || !strings.Contains(o.err.Error(), x.err)) {
				t.Errorf("error %v, want %q", o.err, x.err)
			}
			if o.res.Value != x.want || x.hasDubb != (o.res.Attachments.Get("dubbo") == "2.0.2") {
				t.Errorf("got %v with %v, want %v", o.res.Value, o.res.Attachments, x.want)
			}
			if e := (*invoker.Exception)(nil); errors.As(o.err, &e) && e.Class == thrown.Class {
				if diff := cmp.Diff(map[string]any{"code": int32(7)}, e.Fields); diff != "" || e.Cause != nil {
					t.Errorf("fields (- want + got) %s, cause %v", diff, e.Cause)
				}
			}
			// Whatever the answer was, the connection goes on.
			done = start(c, invocation("get"))
			h, _ = far.read()
			far.write(response(t, h.id, withValue, "again"))
			if o := <-done; o.err != nil || o.res.Value != "again" {
				t.Errorf("the next call got %+v", o)
			}
		})
	}
}

func TestConnDecodesIntoWhatItIsGiven(t *testing.T) {
	t.Parallel()
	c, far := newConnPair(t, ConnConfig{})
	n := int64(1)
	for _, x := range []struct {
		flag   int32
		values []any
		want   int64
	}{{withValue, []any{int64(42)}, 42}, {withNull, nil, 0}} {
		inv := invocation("count")
		inv.Into = &n
		done := start(c, inv)
		h, _ := far.read()
		far.write(response(t, h.id, x.flag, x.values...))
		if o := <-done; o.err != nil || n != x.want {
			t.Errorf("got %+v and %d, want %d", o, n, x.want)
		}
	}
	inv := invocation("count")
	inv.Into = 5
	done := start(c, inv)
	h, _ := far.read()
	far.write(response(t, h.id, withValue, int64(1)))
	if o := <-done; o.err == nil || !strings.Contains(o.err.Error(), "want a pointer") {
		t.Errorf("into no pointer: %+v", o)
	}
}

func TestConnReportsStatuses(t *testing.T) {
	t.Parallel()
	c, far := newConnPair(t, ConnConfig{})
	for status, want := range map[byte]struct {
		code  invoker.Code
		maybe bool
	}{
		25: {invoker.CodeBadResponse, true}, 30: {invoker.CodeTimeout, true}, 31: {invoker.CodeTimeout, true}, 35: {invoker.CodeUnavailable, true},
		40: {invoker.CodeBadRequest, false}, 50: {invoker.CodeBadResponse, true}, 60: {invoker.CodeNotFound, false}, 70: {invoker.CodeServiceError, true},
		80: {invoker.CodeInternal, true}, 90: {invoker.CodeClient, true}, 100: {invoker.CodeExhausted, false}, 77: {invoker.CodeInternal, true},
	} {
		done := start(c, invocation("get"))
		h, _ := far.read()
		far.write(rawStatus(h.id, status, "\x03why"))
		var e *invoker.Error
		if o := <-done; !errors.As(o.err, &e) || e.Code != want.code || !e.Remote || e.MaybeExecuted != want.maybe || !strings.Contains(e.Error(), "why") {
			t.Errorf("status %d: got %v, want %v, may have run: %v", status, o.err, want.code, want.maybe)
		}
	}
	if got, want := withoutStack("Fail: x\nFail: x\n\tat a.B.c(B.java:1)\nCaused by: a.D: no y\n\t... 9 more\n"), "Fail: x; caused by a.D: no y"; got != want {
		t.Errorf("a reason with a stack became %q, want %q", got, want)
	}
	done := start(c, invocation("get"))
	h, _ := far.read()
	far.write(rawStatus(h.id, statusServerError, "\x4f"))
	if o := <-done; o.err == nil || !strings.Contains(o.err.Error(), "no reason given") {
		t.Errorf("a reason that can't be read: %v", o.err)
	}
}

func rawStatus(id uint64, status byte, body string) []byte {
	return append(appendHeader(nil, header{flags: serializationHess2, status: status, id: id, length: uint32(len(body))}), body...)
}

func TestConnDropsLateAndSecondAnswers(t *testing.T) {
	t.Parallel()
	c, far := newConnPair(t, ConnConfig{})
	ctx, cancel := context.WithCancel(t.Context())
	gaveUp := make(chan error, 1)
	go func() {
		_, err := c.Invoke(ctx, invocation("slow"))
		gaveUp <- err
	}()
	late, _ := far.read()
	cancel()
	var e *invoker.Error
	if err := <-gaveUp; !errors.As(err, &e) || e.Code != invoker.CodeCanceled || !e.MaybeExecuted {
		t.Errorf("the call given up: %v", err)
	}
	done := start(c, invocation("get"))
	h, _ := far.read()
	far.write(response(t, late.id, withValue, "late"))
	far.write(response(t, 1<<60, withValue, "never asked"))
	far.write(response(t, h.id, withValue, "right"))
	far.write(response(t, h.id, withValue, "second"))
	if o := <-done; o.err != nil || o.res.Value != "right" {
		t.Errorf("got %+v", o)
	}
	done = start(c, invocation("get"))
	h, _ = far.read()
	far.write(response(t, h.id, withValue, "next"))
	if o := <-done; o.err != nil || o.res.Value != "next" {
		t.Errorf("got %+v", o)
	}
	if used := c.cfg.Budget.Used(); used != 0 {
		t.Errorf("%d bytes of the budget are lost", used)
	}
}

func TestConnKeepsOffAProviderThatSaysReadonly(t *testing.T) {
	t.Parallel()
	c, far := newConnPair(t, ConnConfig{})
	if !c.Available() {
		t.Error("a new connection is not available")
	}
	far.write(appendEvent(nil, flagRequest|serializationHess2, 0, 1, eventReadonly))
	until(t, "it is not available", func() bool { return !c.Available() })
	far.write(appendEvent(nil, flagRequest|serializationHess2, 0, 2, eventWriteable))
	until(t, "it is available again", c.Available)
	far.write(appendEvent(nil, flagRequest|flagTwoWay|serializationHess2, 0, 3, eventHeartbeat))
	if h, body := far.read(); h != (header{flagEvent | serializationHess2, statusOK, 3, 1}) || string(body) != "N" {
		t.Errorf("heartbeat answered with %+v %q", h, body)
	}
}

func TestConnSpoilsOneCallWithAnAnswerItCannotTake(t *testing.T) {
	t.Parallel()
	c, far := newConnPair(t, ConnConfig{MaxBytes: 200 << 10, Budget: NewBudget(150 << 10)})
	big := make([]byte, 180<<10)
	for name, x := range map[string]struct {
		frame func(id uint64) []byte
		code  invoker.Code
	}{
		"over the limit":        {func(id uint64) []byte { return response(t, id, withValue, make([]byte, 201<<10)) }, invoker.CodeBadResponse},
		"over the budget":       {func(id uint64) []byte { return response(t, id, withValue, big) }, invoker.CodeExhausted},
		"another serialization": {func(id uint64) []byte { return append(appendHeader(nil, header{6, statusOK, id, 2}), "{}"...) }, invoker.CodeBadResponse},
		"a lie": {func(id uint64) []byte {
			return append(appendHeader(nil, header{serializationHess2, statusOK, id, 100 << 10}), append([]byte{0x91, 0x4f}, big[:100<<10-2]...)...)
		}, invoker.CodeBadResponse},
	} {
		done := start(c, invocation("get"))
		h, _ := far.read()
		far.write(x.frame(h.id))
		var e *invoker.Error
		if o := <-done; !errors.As(o.err, &e) || e.Code != x.code || e.Remote || !e.MaybeExecuted {
			t.Errorf("%s: got %v, want %v", name, o.err, x.code)
		}
	}
	done := start(c, invocation("get"))
	h, _ := far.read()
	far.write(response(t, h.id, withValue, "fine"))
	if o := <-done; o.err != nil || o.res.Value != "fine" {
		t.Errorf("the next call got %+v", o)
	}
}

func TestConnFailsWhereItCannotSend(t *testing.T) {
	t.Parallel()
	c, far := newConnPair(t, ConnConfig{MaxBytes: 1000})
	var e *invoker.Error
	for name, inv := range map[string]*invoker.Invocation{
		"too large":    invocation("take", make([]byte, 1000)),
		"no Java type": invocation("take", make(chan int)),
		"a bad attachment": func() *invoker.Invocation {
			inv := invocation("take")
			inv.Attachments.Set("x", make(chan int))
			return inv
		}(),
	} {
		if _, err := c.Invoke(t.Context(), inv); !errors.As(err, &e) || e.Code != invoker.CodeClient || e.MaybeExecuted || e.Remote {
			t.Errorf("%s: got %v, want a client error", name, err)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Invoke(ended, invocation("get")); !errors.As(err, &e) || e.Code != invoker.CodeCanceled || e.MaybeExecuted {
		t.Errorf("after its context: got %v", err)
	}
	// The provider reads a byte and no more: the first call is being written, the second waits in the queue.
	first := start(c, invocation("get"))
	if _, err := far.nc.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	second := start(c, invocation("get"))
	until(t, "the second is queued", func() bool { c.mu.Lock(); defer c.mu.Unlock(); return len(c.pending) == 2 })
	until(t, "the second is in the writer", func() bool { c.w.mu.Lock(); defer c.w.mu.Unlock(); return len(c.w.small) > 0 })
	_ = far.nc.Close()
	if o := <-first; !errors.As(o.err, &e) || e.Code != invoker.CodeUnavailable || !e.MaybeExecuted {
		t.Errorf("the call being written: %v, want that it may have run", o.err)
	}
	if o := <-second; !errors.As(o.err, &e) || e.Code != invoker.CodeUnavailable || e.MaybeExecuted {
		t.Errorf("the call in the queue: %v, want that it has not run", o.err)
	}
}

func TestConnWaitsForRoomInItsQueue(t *testing.T) {
	t.Parallel()
	c, far := newConnPair(t, ConnConfig{QueueBytes: 100})
	first := start(c, invocation("get"))
	until(t, "the queue is full", c.w.full.Load)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	var e *invoker.Error
	if _, err := c.Invoke(ctx, invocation("get")); !errors.As(err, &e) || e.Code != invoker.CodeTimeout || e.MaybeExecuted {
		t.Errorf("a call that found no room: %v, want a timeout, not run", err)
	}
	h, _ := far.read()
	far.write(response(t, h.id, withNull))
	if o := <-first; o.err != nil {
		t.Error(o.err)
	}
}

func TestConnKeepsItselfAliveAndNoticesSilence(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, far := newConnPair(t, ConnConfig{})
		begin := time.Now()
		for range 4 {
			h, body, err := far.next(2 * time.Minute)
			if err != nil || h.flags != flagRequest|flagTwoWay|flagEvent|serializationHess2 || string(body) != eventHeartbeat {
				t.Fatalf("got %+v %q, %v; want a heartbeat", h, body, err)
			}
			far.write(appendEvent(nil, serializationHess2, statusOK, h.id, eventHeartbeat))
		}
		if took := time.Since(begin); took < 4*time.Minute || took > 5*time.Minute {
			t.Errorf("four heartbeats took %v, want one a minute", took)
		}
		if err := far.nc.SetReadDeadline(time.Time{}); err != nil {
			t.Fatal(err)
		}
		begin = time.Now()
		go func() { _, _ = io.Copy(io.Discard, far.nc) }()
		<-c.Done()
		if took := time.Since(begin); took < 3*time.Minute || took > 3*time.Minute+10*time.Second {
			t.Errorf("a silent provider was noticed after %v, want three minutes", took)
		}
	})
}

func TestDialReportsWhyItCannot(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	p := newTestProvider()
	p.offerEcho(t)
	c, err := Dial(t.Context(), address, ConnConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if c.Remote() != address {
		t.Errorf("remote %s, want %s", c.Remote(), address)
	}
	for range 2 {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Dial(t.Context(), address, ConnConfig{}); !isCode(err, invoker.CodeUnavailable) {
		t.Errorf("nobody listens: %v, want unavailable", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Dial(ended, address, ConnConfig{}); !isCode(err, invoker.CodeCanceled) {
		t.Errorf("after its context: %v, want canceled", err)
	}
}

func isCode(err error, want invoker.Code) bool {
	c, ok := invoker.CodeOf(err)
	return ok && c == want
}

func TestConnForgetsCallsThatAreNeverAnswered(t *testing.T) {
	t.Parallel()
	c, far := newConnPair(t, ConnConfig{})
	go func() { _, _ = io.Copy(io.Discard, far.nc) }()
	for range 1000 {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Microsecond)
		if _, err := c.Invoke(ctx, invocation("get")); !isCode(err, invoker.CodeTimeout) {
			t.Fatalf("got %v, want a timeout", err)
		}
		cancel()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := len(c.pending); n != 0 {
		t.Errorf("%d calls are still waited for, though nobody does", n)
	}
}
