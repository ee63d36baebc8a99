package dubbo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dubbofn/dubbofn/internal/hessian"
	"github.com/dubbofn/dubbofn/invoker"
)

func TestConnFinishWaitsForAnAnswerThatIsArriving(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, far := newConnPair(t, ConnConfig{})
		done := start(c, invocation("get"))
		h, _ := far.read()
		whole := response(t, h.id, withValue, "long")
		far.write(whole[:len(whole)-2])
		finished := make(chan error, 1)
		go func() { finished <- c.Finish(t.Context()) }()
		synctest.Wait()
		select {
		case <-c.Done():
			t.Error("Finish cut an answer in two")
		default:
			far.write(whole[len(whole)-2:])
		}
		if o := <-done; o.err != nil || o.res.Value != "long" {
			t.Errorf("got %+v", o)
		}
		if err := <-finished; err != nil {
			t.Errorf("Finish: %v", err)
		}
	})
}

func TestConnSaysWhatEndedIt(t *testing.T) {
	t.Parallel()
	c, far := newConnPair(t, ConnConfig{})
	done := start(c, invocation("get"))
	h, _ := far.read()
	_ = c.unread(c.take(h.id, false), io.ErrUnexpectedEOF) // the call hears of it before the connection has failed
	var e *invoker.Error
	if o := <-done; !errors.As(o.err, &e) || e.Code != invoker.CodeUnavailable || !e.MaybeExecuted || !errors.Is(e, io.ErrUnexpectedEOF) {
		t.Errorf("got %v, want that the stream ended", o.err)
	}
}

func TestConnHoldsNoAnswersForAProviderThatReadsNone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, far := newConnPair(t, ConnConfig{QueueBytes: 1000})
		for id := range uint64(1000) {
			far.write(appendEvent(nil, flagRequest|flagTwoWay|serializationHess2, 0, id, eventHeartbeat))
		}
		synctest.Wait()
		c.w.mu.Lock()
		defer c.w.mu.Unlock()
		if c.w.queued > 1100 {
			t.Errorf("%d bytes queued (limit 1000)", c.w.queued)
		}
	})
}

func TestConnDecodesIntoPointersOnly(t *testing.T) {
	t.Parallel()
	c, far := newConnPair(t, ConnConfig{})
	for name, into := range map[string]any{"no pointer": 5, "a nil pointer": (*int64)(nil)} {
		for _, flag := range []int32{withValue, withNull} {
			inv := invocation("count")
			inv.Into = into
			done := start(c, inv)
			h, _ := far.read()
			far.write(response(t, h.id, flag, []any{int64(1)}[:flag%withNull]...))
			if o := <-done; o.err == nil || !strings.Contains(o.err.Error(), "want a pointer") {
				t.Errorf("%s, flag %d: %+v", name, flag, o)
			}
		}
	}
}

func TestConnPingTakesAnyAnswerAndKeepsNoneOfIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, far := newConnPair(t, ConnConfig{})
		pinged := make(chan error, 1)
		go func() { pinged <- c.Ping(t.Context()) }()
		h, _ := far.read()
		far.write(response(t, h.id, withValue, "what?"))
		if err := <-pinged; err != nil {
			t.Error(err)
		}
		if used := c.cfg.Budget.Used(); used != 0 {
			t.Errorf("%d bytes of the budget are lost", used)
		}
	})
}

func TestConnPingSaysWhoseTimeWentBy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, _ := newConnPair(t, ConnConfig{QueueBytes: 1})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		first := make(chan error, 1)
		go func() { first <- c.Ping(ctx) }()
		synctest.Wait()
		if err := c.Ping(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Ping that found no room: %v, want its deadline", err)
		}
		<-first
	})
}

func TestConnReadsManyAttachmentsInTime(t *testing.T) {
	t.Parallel()
	var e hessian.Encoder
	e.Reset(hessian.NewTypes(), nil)
	e.Int(withNull + attached)
	e.MapBegin("")
	for i := range 200_000 {
		e.String(fmt.Sprint("key", i))
		e.String("")
	}
	e.MapEnd()
	begin := time.Now()
	if res, _, err := decodeBody(e.Bytes()); err == nil {
		t.Errorf("%d attachments were taken", res.Attachments.Len())
	}
	if took := time.Since(begin); took > 2*time.Second {
		t.Errorf("%d bytes took %v", len(e.Bytes()), took)
	}
}
