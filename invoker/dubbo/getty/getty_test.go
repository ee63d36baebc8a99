package getty_test

import (
	"context"
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/dubbofn/dubbofn/invoker/dubbo/dubbotest"
	"github.com/dubbofn/dubbofn/invoker/dubbo/getty"
)

func TestMain(m *testing.M) {
	getty.SetLog(nil)
	goleak.VerifyTestMain(m,
		// Started by importing the library, never ended by it.
		goleak.IgnoreAnyFunction("github.com/dubbogo/gost/time.NewTimerWheel.func1"),
		goleak.IgnoreAnyFunction("github.com/dubbogo/gost/container/chan.(*UnboundedChan).run"),
	)
}

func TestGettyIsATransport(t *testing.T) {
	t.Parallel()
	dubbotest.TestTransport(t, dubbotest.Transport{
		Listen: func() (net.Listener, error) { return getty.Listen("127.0.0.1:0") },
		Dial:   getty.Dial,
	})
}

func TestGettyOverWebSocketIsATransport(t *testing.T) {
	t.Parallel()
	dubbotest.TestTransport(t, dubbotest.Transport{
		Listen: func() (net.Listener, error) { return getty.ListenWebSocket("127.0.0.1:0", "/dubbo") },
		Dial: func(ctx context.Context, address string) (net.Conn, error) {
			return getty.DialWebSocket(ctx, "ws://"+address+"/dubbo")
		},
	})
}

func TestDialEndsWhenNobodyListens(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	begin := time.Now()
	if nc, err := getty.Dial(ctx, address); err == nil {
		t.Errorf("connected to %v", nc.RemoteAddr())
	}
	if took := time.Since(begin); took > time.Second {
		t.Errorf("it took %v, want its context's 100ms", took)
	}
}

func TestListenTellsWhyItCannot(t *testing.T) {
	t.Parallel()
	l, err := getty.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if second, err := getty.Listen(l.Addr().String()); err == nil {
		t.Errorf("listens twice on %v", second.Addr())
	}
	if _, err := getty.ListenWebSocket("127.0.0.1:0", "dubbo"); err == nil {
		t.Error("takes a path without its slash")
	}
	if _, err := getty.DialWebSocket(t.Context(), "http://127.0.0.1:1/dubbo"); err == nil {
		t.Error("takes another scheme")
	}
}

func TestCloseEndsAcceptAndIsIdempotent(t *testing.T) {
	t.Parallel()
	for range 20 {
		l, err := getty.Listen("127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		accepted := make(chan error, 1)
		go func() {
			_, err := l.Accept()
			accepted <- err
		}()
		for range 2 {
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		}
		if err := <-accepted; err == nil {
			t.Error("Accept gave a connection after Close")
		}
	}
}
