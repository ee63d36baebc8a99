package dubbo

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dubbofn/dubbofn/invoker"
)

// TestConnTakesNoCallsWhileTheProviderIsSilent is about a provider that hangs, and about one that is merely slow.
func TestConnTakesNoCallsWhileTheProviderIsSilent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		near, end := net.Pipe()
		c, far := NewConn(near, ConnConfig{}), &peer{t, end}
		// inTime makes a call whose time goes by, and gives its id once the provider has read it.
		inTime := func(d time.Duration) (uint64, <-chan error) {
			ctx, cancel := context.WithTimeout(t.Context(), d)
			done := make(chan error, 1)
			go func() {
				defer cancel()
				_, err := c.Invoke(ctx, invocation("get"))
				done <- err
			}()
			h, _ := far.read()
			return h.id, done
		}
		over := func(done <-chan error) {
			t.Helper()
			if code, _ := invoker.CodeOf(<-done); code != invoker.CodeTimeout {
				t.Errorf("code %v, want a timeout", code)
			}
		}

		_, slow := inTime(time.Second)
		other, quick := inTime(time.Second)
		time.Sleep(100 * time.Millisecond)
		far.write(response(t, other, withValue, "ok"))
		if err := <-quick; err != nil {
			t.Error(err)
		}
		over(slow)
		if !c.Available() {
			t.Error("a slow call keeps others away from a provider that answers them")
		}

		_, lost := inTime(time.Second)
		over(lost)
		if c.Available() {
			t.Error("a second without a byte, and calls still go this way")
		}
		h, _ := far.read()
		if !h.event() || !h.twoWay() {
			t.Fatalf("got %+v, want a heartbeat", h)
		}
		time.Sleep(time.Minute - 2*time.Second)
		if c.Available() {
			t.Error("it is available again though nothing has come")
		}
		far.write(appendEvent(nil, serializationHess2, statusOK, h.id, eventHeartbeat))
		synctest.Wait()
		if !c.Available() {
			t.Error("it is not available after it has answered")
		}
		_ = end.Close()
		_ = c.Close()
	})
}
