package keeper_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dubbofn/dubbofn/cold/keeper/lent"
	"github.com/dubbofn/dubbofn/invoker"
)

// freezable passes bytes on to an address, until it is frozen: then its connections stay open, and nothing passes.
func freezable(t *testing.T, to string) (address string, freeze func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var frozen atomic.Bool
	thaw := make(chan struct{})
	pass := func(from, to net.Conn) {
		defer func() { _, _ = from.Close(), to.Close() }()
		b := make([]byte, 32<<10)
		for {
			n, err := from.Read(b)
			if frozen.Load() {
				<-thaw
			}
			if err != nil {
				return
			}
			if _, err := to.Write(b[:n]); err != nil {
				return
			}
		}
	}
	wg.Go(func() {
		for {
			a, err := l.Accept()
			if err != nil {
				return
			}
			b, err := net.Dial("tcp", to)
			if err != nil {
				_ = a.Close()
				continue
			}
			wg.Go(func() { pass(a, b) })
			wg.Go(func() { pass(b, a) })
		}
	})
	t.Cleanup(func() { _ = l.Close(); close(thaw); wg.Wait() })
	return l.Addr().String(), func() { frozen.Store(true) }
}

// A call that waits at a keeper that hangs ends with an error that says that it may have run, long before its own time is over; those after it, that it did not.
func TestACallAtAKeeperThatHangsEndsSoon(t *testing.T) {
	t.Parallel()
	p := startProvider(t, "p", "", nil)
	b := startKeeper(t, "", nil)
	warm(t, b, b.tcp, p)
	address, freeze := freezable(t, b.tcp)
	user := borrow(t, address)
	var nc net.Conn
	until(t, "there is a channel", func() bool { nc = user.Conn(t.Context(), lent.Target{Address: p.address}); return nc != nil })
	c := wrap(t, nc)
	if got, err := echo(t, c, "warm"); err != nil || got != "p:warm" {
		t.Fatalf("%q, %v", got, err)
	}
	freeze()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	begin := time.Now()
	_, err := c.Invoke(ctx, &invoker.Invocation{Service: invoker.ServiceKey{Interface: service}, Method: "echo", Args: []any{"lost"}})
	var e *invoker.Error
	if took := time.Since(begin); !errors.As(err, &e) || !e.MaybeExecuted || took > 30*time.Second {
		t.Errorf("after %v: %v", took, err)
	}
	if _, err := echo(t, c, "after"); !errors.As(err, &e) || e.MaybeExecuted {
		t.Errorf("a call on what has ended: %v", err)
	}
	t.Log(err)
}
