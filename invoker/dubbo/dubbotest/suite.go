// Package dubbotest is the suite that every transport of the Dubbo wire passes.
package dubbotest

import (
	"bytes"
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/invoker/dubbo"
)

// patience is how long the suite waits for what must happen.
const patience = 10 * time.Second

// Transport is what yields the streams that the wire runs on.
type Transport struct {
	// Listen listens on an address of its own choice, on loopback.
	Listen func() (net.Listener, error)
	// Dial connects to what l.Addr().String() says.
	Dial func(ctx context.Context, address string) (net.Conn, error)
}

// TestTransport runs the suite.
func TestTransport(t *testing.T, tr Transport) {
	for name, test := range map[string]func(*testing.T, *pair){
		"echoes small and large values":                   echoes,
		"carries many calls on one connection":            manyCalls,
		"lets a slow call overtake nobody":                slowCall,
		"carries attachments both ways":                   attachments,
		"sends the deadline along":                        deadlines,
		"tells a missing method and a refusal by status":  statuses,
		"runs one-way calls":                              oneWay,
		"ends a call when its context does":               givesUp,
		"fails calls at once when the provider is gone":   providerGone,
		"ends calls in flight before it is drained":       drains,
		"closes a connection that loses its framing only": lostFraming,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newPair(t, tr, dubbo.ServerConfig{Quiet: 20 * time.Millisecond}))
		})
	}
}

// pair is a server and what it takes to call it.
type pair struct {
	t        *testing.T
	tr       Transport
	address  string
	server   *dubbo.Server
	provider *provider
	conn     *dubbo.Conn
	stop     func() // ends Serve and waits for it
}

func newPair(t *testing.T, tr Transport, cfg dubbo.ServerConfig) *pair {
	t.Helper()
	prov, err := newProvider()
	if err != nil {
		t.Fatal(err)
	}
	l, err := tr.Listen()
	if err != nil {
		t.Fatal(err)
	}
	p := &pair{t: t, tr: tr, address: l.Addr().String(), provider: prov, server: dubbo.NewServer(prov, cfg)}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- p.server.Serve(ctx, l) }()
	p.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-served; err != nil {
			t.Errorf("Serve gave %v", err)
		}
	})
	p.conn = p.dial()
	t.Cleanup(func() {
		if err := p.conn.Close(); err != nil {
			t.Errorf("Close gave %v", err)
		}
		p.stop()
	})
	return p
}

func (p *pair) raw() net.Conn {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	nc, err := p.tr.Dial(ctx, p.address)
	if err != nil {
		p.t.Fatal(err)
	}
	return nc
}

func (p *pair) dial() *dubbo.Conn {
	p.t.Helper()
	return dubbo.NewConn(p.raw(), dubbo.ConnConfig{Types: p.provider.types})
}

// invocation is a call of the suite's service.
func invocation(method string, args ...any) *invoker.Invocation {
	return &invoker.Invocation{Service: invoker.ServiceKey{Interface: service}, Method: method, Args: args}
}

// call calls and gives the result; it may run in any goroutine.
func (p *pair) call(inv *invoker.Invocation) (invoker.Result, error) {
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	return p.conn.Invoke(ctx, inv)
}

func echoes(t *testing.T, p *pair) {
	for _, s := range []string{"", "hello", "ünïcode ☃"} {
		res, err := p.call(invocation("echo", s))
		if err != nil || res.Value != s {
			t.Errorf("echo(%q) = %v, %v", s, res.Value, err)
		}
	}
	for _, n := range []int{0, 1, 4 << 10, 64 << 10, 1 << 20, 7 << 20} {
		b := bytes.Repeat([]byte("dubbo"), n/5+1)[:n]
		res, err := p.call(invocation("echoBytes", b))
		if got, ok := res.Value.([]byte); err != nil || !ok && n > 0 || !bytes.Equal(got, b) {
			t.Errorf("echoBytes of %d bytes gave %d, %v", n, len(got), err)
		}
	}
}

func manyCalls(t *testing.T, p *pair) {
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			s := string(rune('a'+i%26)) + "-caller"
			for range 50 {
				res, err := p.call(invocation("echo", s))
				if err != nil || res.Value != s {
					t.Errorf("echo(%q) = %v, %v", s, res.Value, err)
					return
				}
			}
		})
	}
	wg.Wait()
	if s := p.server.Stats(); s.Calls != 64*50 || s.Conns != 1 || s.InFlight < 0 {
		t.Errorf("stats: %+v, want 3200 calls on 1 connection", s)
	}
}

func slowCall(t *testing.T, p *pair) {
	slow := make(chan error, 1)
	go func() {
		_, err := p.call(invocation("sleep", int64(300)))
		slow <- err
	}()
	p.until("the slow call runs", func() bool { return p.provider.running.Load() == 1 })
	if _, err := p.call(invocation("echo", "quick")); err != nil {
		t.Error(err)
	}
	select {
	case <-slow:
		t.Error("the slow call was over before the quick one")
	default:
	}
	if err := <-slow; err != nil {
		t.Error(err)
	}
}

func attachments(t *testing.T, p *pair) {
	inv := invocation("attach", "k")
	inv.Attachments.Set("k", "value")
	res, err := p.call(inv)
	if err != nil || res.Value != "value" || res.Attachments.Get("back") != "value" || res.Attachments.Get("dubbo") != "2.0.2" {
		t.Errorf("attach gave %v with %+v, %v", res.Value, res.Attachments, err)
	}
}

func deadlines(t *testing.T, p *pair) {
	res, err := p.call(invocation("limited"))
	if err != nil || res.Value != patience.String() {
		t.Errorf("with a deadline: %v, %v; want %v", res.Value, err, patience)
	}
	if res, err = p.conn.Invoke(t.Context(), invocation("limited")); err != nil || res.Value != "7s" {
		t.Errorf("without a deadline: %v, %v; want the published 7s", res.Value, err)
	}
}

func statuses(t *testing.T, p *pair) {
	for method, want := range map[string]invoker.Code{"missing": invoker.CodeNotFound, "refuse": invoker.CodeServiceError} {
		_, err := p.call(invocation(method))
		var e *invoker.Error
		if !errors.As(err, &e) || e.Code != want || !e.Remote {
			t.Errorf("%s: %v, want %v, reported by the peer", method, err, want)
		}
	}
	// The arguments of a known method that are of another type spoil that call only.
	_, err := p.call(invocation("echo", int64(5)))
	if c, ok := invoker.CodeOf(err); !ok || c != invoker.CodeBadRequest {
		t.Errorf("a number for a string: %v, want bad request", err)
	}
	if _, err := p.call(invocation("echo", "still there")); err != nil {
		t.Error(err)
	}
}

func oneWay(t *testing.T, p *pair) {
	for range 3 {
		inv := invocation("tell")
		inv.OneWay = true
		if _, err := p.call(inv); err != nil {
			t.Fatal(err)
		}
	}
	p.until("three one-way calls ran", func() bool { return p.provider.told.Load() == 3 })
}

func givesUp(t *testing.T, p *pair) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := p.conn.Invoke(ctx, invocation("sleep", int64(60_000)))
	var e *invoker.Error
	if !errors.As(err, &e) || e.Code != invoker.CodeTimeout {
		t.Errorf("a call that takes too long: %v, want a timeout", err)
	}
	p.until("the function was told", func() bool { return p.provider.running.Load() == 0 })
	if _, err := p.call(invocation("echo", "after")); err != nil {
		t.Error(err)
	}
}

func providerGone(t *testing.T, p *pair) {
	failed := make(chan error, 1)
	go func() {
		_, err := p.conn.Invoke(t.Context(), invocation("sleep", int64(60_000)))
		failed <- err
	}()
	p.until("the call runs", func() bool { return p.provider.running.Load() == 1 })
	p.stop()
	var e *invoker.Error
	if err := <-failed; !errors.As(err, &e) || e.Code != invoker.CodeUnavailable || !e.MaybeExecuted {
		t.Errorf("the call in flight: %v, want unavailable, may have run", err)
	}
	<-p.conn.Done()
	if _, err := p.call(invocation("echo", "x")); !errors.As(err, &e) || e.Code != invoker.CodeUnavailable || e.MaybeExecuted {
		t.Errorf("a call after it: %v, want unavailable, not run", err)
	}
	if p.conn.Available() {
		t.Error("a dead connection says that it is available")
	}
}

func drains(t *testing.T, p *pair) {
	slow := make(chan error, 1)
	go func() {
		_, err := p.call(invocation("sleep", int64(400)))
		slow <- err
	}()
	p.until("the call runs", func() bool { return p.provider.running.Load() == 1 })
	drained := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		drained <- p.server.Drain(ctx)
	}()
	p.until("the consumer heard READONLY", func() bool { return !p.conn.Available() })
	if _, err := p.call(invocation("echo", "late comer")); err != nil {
		t.Errorf("a call that arrives during the drain: %v", err)
	}
	if err := <-slow; err != nil {
		t.Errorf("the call in flight: %v", err)
	}
	if err := <-drained; err != nil {
		t.Errorf("Drain: %v", err)
	}
	<-p.conn.Done()
	p.stop()
}

func lostFraming(t *testing.T, p *pair) {
	bad := p.raw()
	defer bad.Close()
	if _, err := bad.Write([]byte("GET / HTTP/1.1\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		var b [64]byte
		for {
			if _, err := bad.Read(b[:]); err != nil {
				return
			}
		}
	}()
	select {
	case <-gone:
	case <-time.After(patience):
		t.Error("a connection without framing was not closed")
	}
	if _, err := p.call(invocation("echo", "unharmed")); err != nil {
		t.Error(err)
	}
}

// until waits for something that happens elsewhere.
func (p *pair) until(what string, ok func() bool) {
	p.t.Helper()
	end := time.After(patience)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-end:
			p.t.Fatalf("waited %v: %s", patience, what)
		}
	}
}
