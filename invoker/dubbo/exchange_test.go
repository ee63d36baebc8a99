package dubbo

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dubbofn/dubbofn/invoker"
)

// asked is a request's frame with a body that is no Hessian: it is not to be decoded.
func asked(id uint64, flags byte, body string) []byte {
	return append(appendHeader(nil, header{flags: flags, id: id, length: uint32(len(body))}), body...)
}

const aCall = flagRequest | flagTwoWay | 21

func exchange(c *Conn, frame []byte) <-chan outcome {
	done := make(chan outcome, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		b, err := c.Exchange(ctx, frame)
		done <- outcome{invoker.Result{Value: b}, err}
	}()
	return done
}

func TestExchangePassesFramesOnUnderANumberOfItsOwn(t *testing.T) {
	t.Parallel()
	c, far := newConnPair(t, ConnConfig{})
	large := string(bytes.Repeat([]byte{0xff}, 300<<10)) // nothing that a codec would take
	seen := map[uint64]bool{}
	for _, body := range []string{"", "\xff\xfe", large} {
		// Two askers with the same number.
		first, second := exchange(c, asked(7, aCall, "a"+body)), exchange(c, asked(7, aCall, "b"+body))
		answers := map[string][]byte{}
		for range 2 {
			h, got := far.read()
			if h.flags != aCall || string(got[1:]) != body || seen[h.id] {
				t.Fatalf("header %+v, a body of %d bytes; number seen before: %v", h, len(got), seen[h.id])
			}
			seen[h.id] = true
			answers[string(got[:1])] = append(appendHeader(nil, header{flags: 21, status: 70, id: h.id, length: uint32(len(got))}), got...)
		}
		far.write(answers["b"])
		far.write(answers["a"])
		for who, done := range map[string]<-chan outcome{"a": first, "b": second} {
			o := <-done
			want := append(appendHeader(nil, header{flags: 21, status: 70, id: 7, length: uint32(1 + len(body))}), who+body...)
			if b, _ := o.res.Value.([]byte); o.err != nil || !bytes.Equal(b, want) {
				t.Errorf("%s got %d bytes, %v; want %d", who, len(b), o.err, len(want))
			}
		}
	}
	if used := c.cfg.Budget.Used(); used != 0 {
		t.Errorf("%d bytes of the budget are lost", used)
	}
}

func TestExchangeAndCallsShareAConnection(t *testing.T) {
	t.Parallel()
	c, far := newConnPair(t, ConnConfig{})
	call := start(c, invocation("get"))
	h, _ := far.read()
	raw := exchange(c, asked(h.id, aCall, "x"))
	g, _ := far.read()
	if g.id == h.id {
		t.Fatalf("both have the number %d", h.id)
	}
	far.write(rawStatus(g.id, statusOK, "raw"))
	far.write(response(t, h.id, withValue, "typed"))
	if o := <-call; o.err != nil || o.res.Value != "typed" {
		t.Errorf("the call: %+v", o)
	}
	if o := <-raw; o.err != nil || !bytes.HasSuffix(o.res.Value.([]byte), []byte("raw")) {
		t.Errorf("the frame: %+v", o)
	}
}

func TestExchangeOfAOneWayFrameWaitsForNothing(t *testing.T) {
	t.Parallel()
	c, far := newConnPair(t, ConnConfig{})
	if b, err := c.Exchange(t.Context(), asked(9, flagRequest|2, "x")); b != nil || err != nil {
		t.Errorf("got %v, %v", b, err)
	}
	if h, body := far.read(); h.twoWay() || string(body) != "x" {
		t.Errorf("sent %+v %q", h, body)
	}
	if len(c.pending) != 0 {
		t.Error("it is waited for")
	}
}

func TestExchangePassesOnHeartbeats(t *testing.T) {
	t.Parallel()
	c, far := newConnPair(t, ConnConfig{})
	done := exchange(c, appendEvent(nil, flagRequest|flagTwoWay|2, 0, 5, eventHeartbeat))
	h, _ := far.read()
	if !h.event() {
		t.Fatalf("sent %+v", h)
	}
	far.write(appendEvent(nil, 2, statusOK, h.id, eventHeartbeat))
	if o := <-done; o.err != nil || !bytes.Equal(o.res.Value.([]byte), appendHeader(nil, header{flags: flagEvent | 2, status: statusOK, id: 5})) {
		t.Errorf("got %+v", o)
	}
	// An event is no answer to a call.
	done = exchange(c, asked(5, aCall, "x"))
	h, _ = far.read()
	far.write(appendEvent(nil, 2, statusOK, h.id, eventHeartbeat))
	far.write(rawStatus(h.id, statusOK, "y"))
	if o := <-done; o.err != nil || !bytes.HasSuffix(o.res.Value.([]byte), []byte("y")) {
		t.Errorf("got %+v", o)
	}
}

func TestExchangeDropsLateAnswers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, far := newConnPair(t, ConnConfig{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		late := make(chan error, 1)
		go func() {
			_, err := c.Exchange(ctx, asked(1, aCall, "x"))
			late <- err
		}()
		h, _ := far.read()
		var e *invoker.Error
		if err := <-late; !errors.As(err, &e) || e.Code != invoker.CodeTimeout || !e.MaybeExecuted {
			t.Errorf("got %v", err)
		}
		far.read() // a heartbeat: does it live?
		done := exchange(c, asked(1, aCall, "y"))
		g, _ := far.read()
		far.write(rawStatus(h.id, statusOK, "late"))
		far.write(rawStatus(g.id, statusOK, "right"))
		far.write(rawStatus(g.id, statusOK, "second"))
		if o := <-done; o.err != nil || !bytes.HasSuffix(o.res.Value.([]byte), []byte("right")) {
			t.Errorf("got %+v", o)
		}
		if _, err := c.Exchange(ctx, asked(1, aCall, "z")); !errors.As(err, &e) || e.MaybeExecuted {
			t.Errorf("after its time: %v", err)
		}
	})
}

func TestExchangeRefusesWhatIsNoRequest(t *testing.T) {
	t.Parallel()
	c, _ := newConnPair(t, ConnConfig{MaxBytes: 10})
	lying := asked(1, aCall, "x")
	binary.BigEndian.PutUint32(lying[12:], 5)
	for name, frame := range map[string][]byte{
		"nothing": nil, "half a header": lying[:9], "no frame": make([]byte, 16), "a lie": lying, "a response": rawStatus(1, statusOK, ""), "too large": asked(1, aCall, "12345678901"),
	} {
		var e *invoker.Error
		if _, err := c.Exchange(t.Context(), frame); !errors.As(err, &e) || e.Code != invoker.CodeClient || e.MaybeExecuted {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestForwardTellsWhetherTheCallMayHaveRun(t *testing.T) {
	t.Parallel()
	c, far := newConnPair(t, ConnConfig{QueueBytes: 64})
	type end struct {
		response []byte
		err      error
	}
	ends := make(chan end, 2)
	answer := func(b []byte, err error) { ends <- end{b, err} }
	if _, err := c.Forward(asked(1, aCall, "x"), answer); err != nil {
		t.Fatal(err)
	}
	far.read()
	if _, err := c.Forward(asked(2, aCall, string(make([]byte, 100))), answer); err != nil { // is being written
		t.Fatal(err)
	}
	if _, err := far.nc.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	var e *invoker.Error
	if _, err := c.Forward(asked(3, aCall, "x"), answer); !errors.As(err, &e) || e.Code != invoker.CodeExhausted || e.MaybeExecuted {
		t.Errorf("over the limit: %v", err)
	}
	_ = far.nc.Close()
	for range 2 {
		if got := <-ends; !errors.As(got.err, &e) || e.Code != invoker.CodeUnavailable || !e.MaybeExecuted || got.response != nil {
			t.Errorf("got %q, %v", got.response, got.err)
		}
	}
	if _, err := c.Forward(asked(4, aCall, "x"), answer); !errors.As(err, &e) || e.MaybeExecuted {
		t.Errorf("after the end: %v", err)
	}
	if len(ends) != 0 {
		t.Error("told twice")
	}
}

func TestForwardedCanBeForgotten(t *testing.T) {
	t.Parallel()
	c, far := newConnPair(t, ConnConfig{})
	f, err := c.Forward(asked(1, aCall, "x"), func([]byte, error) { t.Error("it is answered, though it was forgotten") })
	if err != nil {
		t.Fatal(err)
	}
	h, _ := far.read()
	if !f.Forget() {
		t.Error("it can't be forgotten")
	}
	far.write(rawStatus(h.id, statusOK, "x"))
	done := exchange(c, asked(2, aCall, "y"))
	g, _ := far.read()
	far.write(rawStatus(g.id, statusOK, "y"))
	if o := <-done; o.err != nil {
		t.Error(o.err)
	}
	if f.Forget() {
		t.Error("it is forgotten twice")
	}
}

func TestConnTellsThatTheProviderIsGoing(t *testing.T) {
	t.Parallel()
	c, far := newConnPair(t, ConnConfig{})
	go func() { _, _ = io.Copy(io.Discard, far.nc) }()
	for range 2 {
		far.write(appendEvent(nil, flagRequest|serializationHess2, 0, 1, eventReadonly))
	}
	<-c.Leaving()
	if c.Available() {
		t.Error("it is available")
	}
}

func TestPatienceIsWhatTheFrameSays(t *testing.T) {
	t.Parallel()
	c, far := newConnPair(t, ConnConfig{})
	for name, x := range map[string]struct {
		timeout any
		want    time.Duration
	}{"text": {"1500", 1500 * time.Millisecond}, "a number": {int32(20), 20 * time.Millisecond}, "nonsense": {"soon", 0}, "none": {nil, 0}} {
		inv := invocation("greet", "Ada", []string{"a", "b"}, map[string]int32{"c": 1})
		inv.OneWay = true
		if x.timeout != nil {
			inv.Attachments.Set("timeout", x.timeout)
		}
		if _, err := c.Invoke(t.Context(), inv); err != nil {
			t.Fatal(err)
		}
		h, body := far.read()
		frame := append(appendHeader(nil, h), body...)
		if got := Patience(frame); got != x.want {
			t.Errorf("%s: %v, want %v", name, got, x.want)
		}
		for n := range frame {
			Patience(frame[:n])
		}
	}
}

func TestRefusalSaysWhetherTheCallMayHaveRun(t *testing.T) {
	t.Parallel()
	c, far := newConnPair(t, ConnConfig{})
	for _, x := range []invoker.Error{
		{Code: invoker.CodeUnavailable}, {Code: invoker.CodeUnavailable, MaybeExecuted: true}, {Code: invoker.CodeTimeout, MaybeExecuted: true},
		{Code: invoker.CodeExhausted}, {Code: invoker.CodeExhausted, MaybeExecuted: true}, {Code: invoker.CodeBadResponse, MaybeExecuted: true}, {Code: invoker.CodeClient},
	} {
		x.Err = errors.New("for this reason")
		done := start(c, invocation("get"))
		h, _ := far.read()
		far.write(AppendRefusal(nil, appendHeader(nil, h), &x))
		var e *invoker.Error
		if o := <-done; !errors.As(o.err, &e) || e.MaybeExecuted != x.MaybeExecuted || !strings.Contains(e.Error(), "for this reason") {
			t.Errorf("%v, may have run %v: got %v", x.Code, x.MaybeExecuted, o.err)
		}
	}
}
