package dubbo

import (
	"context"
	"errors"
	"io"
	"net"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dubbofn/dubbofn/internal/hessian"
	"github.com/dubbofn/dubbofn/invoker"
)

const (
	testService = "org.example.TestService"
	patience    = 10 * time.Second
)

// testProvider offers methods of one argument at most.
type testProvider struct {
	types   *hessian.Types
	methods map[string]testMethod
}

type testMethod struct {
	run invoker.Func
	sig hessian.Signature
}

func newTestProvider() *testProvider {
	return &testProvider{types: hessian.NewTypes(), methods: map[string]testMethod{}}
}

// offer adds a method with parameters and a result of these kinds; a nil result is void.
func (p *testProvider) offer(tb testing.TB, name string, run invoker.Func, result reflect.Type, params ...reflect.Type) {
	tb.Helper()
	m := testMethod{run: run}
	for _, rt := range append(params, result) {
		if rt == nil {
			continue
		}
		plan, err := p.types.Plan(rt)
		if err != nil {
			tb.Fatal(err)
		}
		m.sig.Params = append(m.sig.Params, plan)
	}
	if result != nil {
		m.sig.Result = m.sig.Params[len(params)]
	}
	m.sig.Params = m.sig.Params[:len(params)]
	p.methods[name] = m
}

// offerEcho adds "echo", of a string.
func (p *testProvider) offerEcho(tb testing.TB) {
	tb.Helper()
	p.offer(tb, "echo", func(_ context.Context, inv *invoker.Invocation) (invoker.Result, error) {
		return invoker.Result{Value: inv.Args[0]}, nil
	}, reflect.TypeFor[string](), reflect.TypeFor[string]())
}

// offerWait adds "wait", which answers "done" when it is let go, or fails with its context.
func (p *testProvider) offerWait(tb testing.TB) (letGo func()) {
	tb.Helper()
	wait := make(chan struct{})
	p.offer(tb, "wait", func(ctx context.Context, _ *invoker.Invocation) (invoker.Result, error) {
		select {
		case <-wait:
			return invoker.Result{Value: "done"}, nil
		case <-ctx.Done():
			return invoker.Result{}, ctx.Err()
		}
	}, reflect.TypeFor[string]())
	return sync.OnceFunc(func() { close(wait) })
}

func (p *testProvider) Types() *hessian.Types { return p.types }

func (p *testProvider) Lookup(path, _, method, _ []byte) (invoker.Invoker, *hessian.Signature, error) {
	if string(path) != testService {
		return nil, nil, invoker.Errorf(invoker.CodeNotFound, "look up", "no service %q; there is %s", path, testService)
	}
	m, ok := p.methods[string(method)]
	if !ok {
		return nil, nil, invoker.Errorf(invoker.CodeNotFound, "look up", "no method %q in %s", method, testService)
	}
	return m.run, &m.sig, nil
}

// serve runs a server until the test ends, and gives its address.
func serve(tb testing.TB, p Provider, cfg ServerConfig) (*Server, string) {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	return serveOn(tb, p, cfg, l), l.Addr().String()
}

func serveOn(tb testing.TB, p Provider, cfg ServerConfig, l net.Listener) *Server {
	tb.Helper()
	s := NewServer(p, cfg)
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, l) }()
	tb.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			tb.Errorf("Serve gave %v", err)
		}
	})
	return s
}

// pipes is a listener in memory, whose time can be made up.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	close func()
}

func newPipes() *pipes {
	p := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
	p.close = sync.OnceFunc(func() { close(p.done) })
	return p
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error { p.close(); return nil }

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p *pipes) dial(tb testing.TB) *peer {
	near, far := net.Pipe()
	p.conns <- far
	tb.Cleanup(func() { _ = near.Close() })
	return &peer{tb, near}
}

// peer is the far end of a connection, as raw as a hostile one.
type peer struct {
	tb testing.TB
	nc net.Conn
}

func dialPeer(tb testing.TB, address string) *peer {
	tb.Helper()
	nc, err := net.Dial("tcp", address)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = nc.Close() })
	return &peer{tb, nc}
}

func (p *peer) write(b []byte) {
	p.tb.Helper()
	if _, err := p.nc.Write(b); err != nil {
		p.tb.Fatal(err)
	}
}

// read gives the next frame.
func (p *peer) read() (header, []byte) {
	p.tb.Helper()
	h, body, err := p.next(patience)
	if err != nil {
		p.tb.Fatalf("read frame: %v", err)
	}
	return h, body
}

func (p *peer) next(wait time.Duration) (header, []byte, error) {
	var head [headerBytes]byte
	if err := p.nc.SetReadDeadline(time.Now().Add(wait)); err != nil {
		return header{}, nil, err
	}
	if _, err := io.ReadFull(p.nc, head[:]); err != nil {
		return header{}, nil, err
	}
	h, err := parseHeader(head[:])
	if err != nil {
		return header{}, nil, err
	}
	body := make([]byte, h.length)
	_, err = io.ReadFull(p.nc, body)
	return h, body, err
}

// closed tells whether the other side closes the connection, whatever it still sends.
func (p *peer) closed() bool {
	for {
		_, _, err := p.next(patience)
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			return false
		}
		if err != nil {
			return true
		}
	}
}

// sentence is a status's body, a string.
func sentence(tb testing.TB, body []byte) string {
	tb.Helper()
	var d hessian.Decoder
	d.Reset(hessian.NewTypes(), body, hessian.Limits{})
	s, err := d.String()
	if err != nil {
		tb.Fatalf("%x is no string: %v", body, err)
	}
	return s
}

// requestFrame is a request as a Java consumer writes it. Attachments are key, value, key, value …
func requestFrame(tb testing.TB, id uint64, version, method string, args []any, attachments ...any) []byte {
	tb.Helper()
	var e hessian.Encoder
	e.Reset(hessian.NewTypes(), appendHeader(nil, header{flags: flagRequest | flagTwoWay | serializationHess2, id: id}))
	descriptor := strings.Repeat("Ljava/lang/String;", len(args))
	for _, s := range []string{version, testService, "0.0.0", method, descriptor} {
		e.String(s)
	}
	for _, a := range args {
		if err := e.Value(a); err != nil {
			tb.Fatal(err)
		}
	}
	e.MapBegin("")
	for _, a := range attachments {
		if err := e.Value(a); err != nil {
			tb.Fatal(err)
		}
	}
	e.MapEnd()
	frame := e.Bytes()
	setLength(frame)
	return frame
}

// echoFrame calls echo.
func echoFrame(tb testing.TB, id uint64) []byte {
	tb.Helper()
	return requestFrame(tb, id, protocolVersion, "echo", []any{"hello"})
}

// mustEcho checks that the provider answers on this connection.
func (p *peer) mustEcho(id uint64) {
	p.tb.Helper()
	p.write(echoFrame(p.tb, id))
	for {
		h, body := p.read()
		if h.event() {
			continue
		}
		if h.id != id || h.status != statusOK || h.flags != serializationHess2 {
			p.tb.Fatalf("echo gave header %+v and %q", h, body)
		}
		res, thrown, err := decodeBody(body)
		if err != nil || thrown != nil || res.Value != "hello" {
			p.tb.Fatalf("echo gave %v, %v, %v", res.Value, thrown, err)
		}
		return
	}
}

func decodeBody(body []byte) (invoker.Result, error, error) {
	types := hessian.NewTypes()
	var d hessian.Decoder
	d.Reset(types, body, hessian.Limits{})
	return decodeResult(types, &d, nil)
}

// until waits for something that happens elsewhere.
func until(tb testing.TB, what string, ok func() bool) {
	tb.Helper()
	end := time.After(patience)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-end:
			tb.Fatalf("waited %v: %s", patience, what)
		}
	}
}
