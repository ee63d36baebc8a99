package keeper_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/dubbofn/dubbofn/cold/keeper"
	"github.com/dubbofn/dubbofn/cold/keeper/lent"
	"github.com/dubbofn/dubbofn/internal/hessian"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/invoker/dubbo"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	secret  = "the token of shop"
	service = "org.example.EchoService"
)

// provider answers "echo" with its name and the text, "sleep" after so many milliseconds.
type provider struct {
	name    string
	address string
	server  *dubbo.Server
	types   *hessian.Types
	sig     map[string]*hessian.Signature
	calls   atomic.Int64
	stop    func()
}

func (p *provider) Types() *hessian.Types { return p.types }

func (p *provider) Lookup(_, _, method, _ []byte) (invoker.Invoker, *hessian.Signature, error) {
	sig := p.sig[string(method)]
	if sig == nil {
		return nil, nil, invoker.Errorf(invoker.CodeNotFound, "look up", "no method %q", method)
	}
	return invoker.Func(func(ctx context.Context, inv *invoker.Invocation) (invoker.Result, error) {
		p.calls.Add(1)
		if ms, ok := inv.Args[0].(int64); ok {
			select {
			case <-time.After(time.Duration(ms) * time.Millisecond):
			case <-ctx.Done():
			}
			return invoker.Result{Value: fmt.Sprint(p.name, ":slept ", ms)}, nil
		}
		return invoker.Result{Value: p.name + ":" + inv.Args[0].(string)}, nil
	}), sig, nil
}

func startProvider(tb testing.TB, name, address string, t *tls.Config) *provider {
	tb.Helper()
	if address == "" {
		address = "127.0.0.1:0"
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		tb.Fatal(err)
	}
	p := &provider{name: name, address: l.Addr().String(), types: hessian.NewTypes(), sig: map[string]*hessian.Signature{}}
	text, err := p.types.Plan(reflect.TypeFor[string]())
	if err != nil {
		tb.Fatal(err)
	}
	number, err := p.types.Plan(reflect.TypeFor[int64]())
	if err != nil {
		tb.Fatal(err)
	}
	p.sig["echo"] = &hessian.Signature{Params: []*hessian.Plan{text}, Result: text}
	p.sig["sleep"] = &hessian.Signature{Params: []*hessian.Plan{number}, Result: text}
	if t != nil {
		l = tls.NewListener(l, t)
	}
	p.server = dubbo.NewServer(p, dubbo.ServerConfig{Types: p.types, Quiet: 10 * time.Millisecond})
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan struct{})
	go func() {
		defer close(served)
		if err := p.server.Serve(ctx, l); err != nil {
			tb.Errorf("provider %s: %v", name, err)
		}
	}()
	p.stop = sync.OnceFunc(func() { cancel(); <-served })
	tb.Cleanup(p.stop)
	return p
}

// bench is a keeper and what is around it.
type testbed struct {
	*keeper.Keeper
	unix, tcp string // its addresses
	cfg       keeper.Config
	stop      func()
}

// logTo writes a keeper's log into the test's.
type logTo struct{ tb testing.TB }

func (l logTo) Write(b []byte) (int, error) {
	if testing.Verbose() {
		l.tb.Log(strings.TrimSpace(string(b)))
	}
	return len(b), nil
}

// startKeeper runs a keeper for app "shop" and whatever change adds.
func startKeeper(tb testing.TB, socket string, change func(*keeper.Config)) *testbed {
	tb.Helper()
	shop, err := keeper.NewApp("shop", secret, "127.0.0.0/8:*", "localhost:*")
	if err != nil {
		tb.Fatal(err)
	}
	other, err := keeper.NewApp("other", "the token of other", "127.0.0.0/8:*")
	if err != nil {
		tb.Fatal(err)
	}
	b := &testbed{cfg: keeper.Config{
		Apps: func() []keeper.App { return []keeper.App{shop, other} }, BackoffMin: 5 * time.Millisecond, BackoffMax: 50 * time.Millisecond, LoanPause: time.Microsecond,
		Log: slog.New(slog.NewTextHandler(logTo{tb}, nil)),
	}}
	if change != nil {
		change(&b.cfg)
	}
	if socket == "" {
		socket = filepath.Join(tb.TempDir(), "keeper.sock")
	}
	u, err := net.Listen("unix", socket)
	if err != nil {
		tb.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	b.unix, b.tcp = "unix://"+socket, l.Addr().String()
	if b.Keeper, err = keeper.New(context.Background(), b.cfg); err != nil {
		tb.Fatal(err)
	}
	var wg sync.WaitGroup
	for _, l := range []net.Listener{u, l} {
		wg.Go(func() {
			if err := b.Serve(context.Background(), l); err != nil {
				tb.Error(err)
			}
		})
	}
	b.stop = sync.OnceFunc(func() {
		if err := b.Close(); err != nil {
			tb.Error(err)
		}
		wg.Wait()
		_ = os.Remove(socket)
	})
	tb.Cleanup(b.stop)
	return b
}

// borrow opens a borrower with patience enough for a loaded machine.
func borrow(tb testing.TB, address string) *lent.Borrower {
	tb.Helper()
	b, err := lent.Open(tb.Context(), lent.Config{Address: address, App: "shop", Instance: tb.Name(), Token: secret, Budget: 5 * time.Second})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = b.Close() })
	return b
}

// echo calls a provider over a connection.
func echo(tb testing.TB, c *dubbo.Conn, text string) (string, error) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	var got string
	_, err := c.Invoke(ctx, &invoker.Invocation{Service: invoker.ServiceKey{Interface: service}, Method: "echo", Args: []any{text}, Into: &got})
	return got, err
}

// wrap makes a Dubbo connection that the test ends.
func wrap(tb testing.TB, nc net.Conn) *dubbo.Conn {
	tb.Helper()
	c := dubbo.NewConn(nc, dubbo.ConnConfig{})
	tb.Cleanup(func() { _ = c.Close() })
	return c
}

func until(tb testing.TB, what string, cond func() bool) {
	tb.Helper()
	for end := time.Now().Add(20 * time.Second); !cond(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			tb.Fatalf("waited in vain until %s", what)
		}
	}
}
