package dubbo

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dubbofn/dubbofn/invoker"
)

func TestConnFinishLetsCallsEndAndTakesNoMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, p := newConnPair(t, ConnConfig{})
		running := start(c, invocation("slow"))
		h, _ := p.read()
		finished := make(chan error, 1)
		go func() { finished <- c.Finish(t.Context()) }()
		synctest.Wait()
		var e *invoker.Error
		if o := <-start(c, invocation("late")); !errors.As(o.err, &e) || e.Code != invoker.CodeUnavailable || e.MaybeExecuted {
			t.Errorf("a call after Finish: %v, want unavailable and surely not run", o.err)
		}
		p.write(response(t, h.id, withValue+attached, "done"))
		if o := <-running; o.err != nil || o.res.Value != "done" {
			t.Errorf("the call in flight: %v, %v", o.res.Value, o.err)
		}
		if err := <-finished; err != nil {
			t.Errorf("Finish: %v", err)
		}
		<-c.Done()
	})
}

func TestConnFinishEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, p := newConnPair(t, ConnConfig{})
		running := start(c, invocation("never"))
		p.read()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := c.Finish(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Finish: %v, want its deadline", err)
		}
		if o := <-running; !isCode(o.err, invoker.CodeUnavailable) {
			t.Errorf("the call in flight: %v", o.err)
		}
	})
}

func TestConnFinishOfAnIdleConnectionIsImmediate(t *testing.T) {
	t.Parallel()
	c, _ := newConnPair(t, ConnConfig{})
	for range 2 {
		if err := c.Finish(t.Context()); err != nil {
			t.Errorf("Finish: %v", err)
		}
	}
}

func TestConnPingWantsAnAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, p := newConnPair(t, ConnConfig{})
		pinged := make(chan error, 1)
		go func() { pinged <- c.Ping(t.Context()) }()
		h, body := p.read()
		if !h.event() || !h.twoWay() || string(body) != eventHeartbeat {
			t.Fatalf("got %+v %q, want a heartbeat", h, body)
		}
		p.write(appendEvent(nil, serializationHess2, statusOK, h.id, eventHeartbeat))
		if err := <-pinged; err != nil {
			t.Errorf("Ping: %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		go func() { pinged <- c.Ping(ctx) }()
		p.read()
		if err := <-pinged; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Ping of a silent provider: %v", err)
		}
		if len(c.pending) != 0 {
			t.Errorf("%d waiters left", len(c.pending))
		}
	})
}
