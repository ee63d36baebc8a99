package keeper_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dubbofn/dubbofn/cold/keeper"
	"github.com/dubbofn/dubbofn/internal/keeperwire"
	"github.com/dubbofn/dubbofn/invoker"
)

// silentListener accepts and says nothing.
func silentListener(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().String()
}

// raw is a borrower that a test plays by hand.
type raw struct {
	net.Conn
	r *keeperwire.Reader
	t *testing.T
}

// dialRaw connects, and proves that it is shop.
func dialRaw(t *testing.T, b *testbed, unix bool) *raw {
	t.Helper()
	kind, address := "tcp", b.tcp
	if unix {
		kind, address = "unix", strings.TrimPrefix(b.unix, "unix://")
	}
	c, err := net.Dial(kind, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	r := &raw{c, keeperwire.NewReader(c), t}
	h, hello, err := keeperwire.Begin("shop", "raw", secret)
	if err != nil {
		t.Fatal(err)
	}
	r.send(hello)
	head, body, err := r.r.Next()
	if err != nil {
		t.Fatal(err)
	}
	proof, err := h.Greeted(head.Kind, body)
	if err != nil {
		t.Fatal(err)
	}
	r.send(proof)
	return r
}

func (r *raw) send(b []byte) {
	r.t.Helper()
	if _, err := r.Write(b); err != nil {
		r.t.Fatal(err)
	}
}

func (r *raw) message(k keeperwire.Kind, channel uint32, m any) {
	r.t.Helper()
	b, err := keeperwire.AppendMessage(nil, k, channel, m)
	if err != nil {
		r.t.Fatal(err)
	}
	r.send(b)
}

// opened opens a channel to a provider that is kept.
func (r *raw) opened(channel uint32, p *provider) {
	r.t.Helper()
	r.message(keeperwire.Open, channel, plain(p))
	if h, body, err := r.r.Next(); err != nil || h.Kind != keeperwire.Opened || h.Channel != channel {
		r.t.Fatalf("got %+v %q, %v", h, body, err)
	}
}

// gone waits until the keeper has closed the connection.
func (r *raw) gone(why string) {
	r.t.Helper()
	for {
		_, _, err := r.r.Next()
		if err == nil {
			continue
		}
		if ne := (net.Error)(nil); errors.As(err, &ne) && ne.Timeout() {
			r.t.Errorf("%s: the connection is kept", why)
		}
		return
	}
}

func frame(flags byte, id uint64, length uint32, body string) []byte {
	b := []byte{0xda, 0xbb, flags, 0}
	b = binary.BigEndian.AppendUint64(b, id)
	b = binary.BigEndian.AppendUint32(b, length)
	return append(b, body...)
}

func TestHostileBorrowersHurtNobodyElse(t *testing.T) {
	t.Parallel()
	b := startKeeper(t, "", func(c *keeper.Config) { c.MaxBytes, c.PeerBytes, c.MaxInFlight, c.MaxChannels = 1<<20, 2<<20, 3, 50 })
	p := startProvider(t, "p", "", nil)
	warm(t, b, b.tcp, p)
	honest := wrap(t, borrow(t, b.tcp).Conn(t.Context(), plain(p)))
	data := func(channel uint32, body []byte) []byte {
		return keeperwire.Append(nil, keeperwire.Data, channel, body)
	}
	for name, attack := range map[string]func(r *raw){
		"an unknown kind": func(r *raw) { r.send([]byte{99, 0, 0, 0, 0, 0, 0, 0, 0}) },
		"an absurd length": func(r *raw) {
			r.send(binary.BigEndian.AppendUint32([]byte{byte(keeperwire.Data), 0, 0, 0, 1}, 1<<31))
		},
		"what only a keeper sends":     func(r *raw) { r.send(keeperwire.Append(nil, keeperwire.Given, 0, []byte("{}"))) },
		"no JSON":                      func(r *raw) { r.send(keeperwire.Append(nil, keeperwire.Learn, 0, []byte("{"))) },
		"an address that is none":      func(r *raw) { r.message(keeperwire.Open, 1, keeperwire.Target{Address: "x"}) },
		"a channel twice":              func(r *raw) { r.opened(1, p); r.message(keeperwire.Open, 1, plain(p)) },
		"no Dubbo":                     func(r *raw) { r.opened(1, p); r.send(data(1, []byte("GET / HTTP/1.1\r\n\r\n"))) },
		"a frame over the limit":       func(r *raw) { r.opened(1, p); r.send(data(1, frame(0xc2, 1, 1<<20+1, ""))) },
		"half frames on many channels": func(r *raw) { halves(r, p) },
	} {
		r := dialRaw(t, b, false)
		attack(r)
		r.gone(name)
		if got, err := echo(t, honest, name); err != nil || got != "p:"+name {
			t.Errorf("an honest call beside %s: %q, %v", name, got, err)
		}
	}
	until(t, "only the honest one is left", func() bool { return b.Stats().Borrowers == 1 })
}

// halves begins a large frame on each of many channels.
func halves(r *raw, p *provider) {
	for n := range uint32(40) {
		r.opened(n+1, p)
	}
	for n := range uint32(40) {
		half := append(frame(0xc2, 1, 1<<20, ""), make([]byte, 200<<10)...)
		if _, err := r.Write(keeperwire.Append(nil, keeperwire.Data, n+1, half)); err != nil {
			return // it is cut off, as it should be
		}
	}
}

func TestAFrameMayComeInAnyPieces(t *testing.T) {
	t.Parallel()
	b := startKeeper(t, "", nil)
	p := startProvider(t, "p", "", nil)
	warm(t, b, b.tcp, p)
	r := dialRaw(t, b, false)
	r.opened(7, p)
	beat := frame(0xe2, 42, 1, "N") // a heartbeat, which the provider answers
	for size := 1; size <= len(beat); size++ {
		for at := 0; at < len(beat); at += size {
			r.send(keeperwire.Append(nil, keeperwire.Data, 7, beat[at:min(at+size, len(beat))]))
		}
		h, body, err := r.r.Next()
		if err != nil || h.Kind != keeperwire.Data || h.Channel != 7 || len(body) < 16 || binary.BigEndian.Uint64(body[4:]) != 42 {
			t.Fatalf("in pieces of %d: %+v %x, %v", size, h, body, err)
		}
	}
	// What is no question is passed over.
	r.send(keeperwire.Append(nil, keeperwire.Data, 7, append(frame(0x22, 1, 1, "N"), frame(0xa2, 1, 2, "\x01R")...)))
	r.send(keeperwire.Append(nil, keeperwire.Data, 99, []byte("a channel that is not open")))
	r.send(keeperwire.Append(nil, keeperwire.Data, 7, beat))
	if h, _, err := r.r.Next(); err != nil || h.Channel != 7 {
		t.Errorf("%+v, %v", h, err)
	}
}

// One that asks and never reads is cut off once too much waits for it; others go on meanwhile.
func TestABorrowerThatNeverReadsIsCutOff(t *testing.T) {
	t.Parallel()
	b := startKeeper(t, "", func(c *keeper.Config) { c.PeerBytes = 1 << 20 })
	p := startProvider(t, "p", "", nil)
	warm(t, b, b.tcp, p)
	honest := wrap(t, borrow(t, b.tcp).Conn(t.Context(), plain(p)))
	r := dialRaw(t, b, false)
	r.opened(1, p)
	c := wrap(t, &oneWay{r})
	go func() {
		for range 300 { // echoes of 100 KB each, of which it reads none
			_, _ = echo(t, c, strings.Repeat("x", 100<<10))
			if t.Context().Err() != nil {
				return
			}
		}
	}()
	for n := 0; b.Stats().Cut == 0; n++ {
		go func() { _, _ = echo(t, c, strings.Repeat("x", 100<<10)) }()
		if got, err := echo(t, honest, "y"); err != nil || got != "p:y" {
			t.Fatalf("an honest call beside it: %q, %v", got, err)
		}
		if n > 2000 {
			t.Fatal("it is not cut off")
		}
	}
}

// oneWay writes on channel 1 and reads nothing.
type oneWay struct{ *raw }

func (o *oneWay) Write(p []byte) (int, error) {
	for at := 0; at < len(p); at += keeperwire.MaxDataBytes {
		if _, err := o.raw.Write(keeperwire.Append(nil, keeperwire.Data, 1, p[at:min(at+keeperwire.MaxDataBytes, len(p))])); err != nil {
			return at, err
		}
	}
	return len(p), nil
}

func (o *oneWay) Read([]byte) (int, error) {
	<-o.t.Context().Done()
	return 0, io.EOF
}

func TestCallsOverTheLimitAreRefusedAtOnce(t *testing.T) {
	t.Parallel()
	b := startKeeper(t, "", func(c *keeper.Config) { c.MaxInFlight = 2 })
	p := startProvider(t, "p", "", nil)
	warm(t, b, b.tcp, p)
	c := wrap(t, borrow(t, b.tcp).Conn(t.Context(), plain(p)))
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			_, _ = c.Invoke(ctx, &invoker.Invocation{Service: invoker.ServiceKey{Interface: service}, Method: "sleep", Args: []any{int64(60_000)}}) // it is given up
		})
	}
	until(t, "two are under way", func() bool { return p.calls.Load() == 2 })
	var e *invoker.Error
	if _, err := echo(t, c, "x"); !errors.As(err, &e) || e.Code != invoker.CodeExhausted || e.MaybeExecuted {
		t.Errorf("one more: %v", err)
	}
	wg.Wait()
	until(t, "there is room, since the time of both is over", func() bool { _, err := echo(t, c, "x"); return err == nil })
}

func TestKeeperForgetsCallsWhoseTimeIsOver(t *testing.T) {
	t.Parallel()
	b := startKeeper(t, "", func(c *keeper.Config) { c.MaxInFlight, c.CallTimeout = 1, 10*time.Millisecond })
	p := startProvider(t, "p", "", nil)
	warm(t, b, b.tcp, p)
	c := wrap(t, borrow(t, b.tcp).Conn(t.Context(), plain(p)))
	ctx, cancel := context.WithCancel(t.Context()) // no deadline goes with the call
	over := make(chan error, 1)
	go func() {
		_, err := c.Invoke(ctx, &invoker.Invocation{Service: invoker.ServiceKey{Interface: service}, Method: "sleep", Args: []any{int64(2500)}})
		over <- err
	}()
	until(t, "it is forgotten", func() bool { return b.Stats().Late == 1 })
	until(t, "there is room for another", func() bool { got, err := echo(t, c, "x"); return err == nil && got == "p:x" })
	until(t, "the provider has answered", func() bool { return p.server.Stats().InFlight == 0 })
	if got, err := echo(t, c, "y"); err != nil || got != "p:y" {
		t.Errorf("%q, %v", got, err)
	}
	cancel()
	if err := <-over; !errors.Is(err, context.Canceled) {
		t.Errorf("the one that was forgotten: %v", err)
	}
}

func TestDescriptorsSentToTheKeeperAreClosed(t *testing.T) {
	t.Parallel()
	b := startKeeper(t, "", nil)
	r := dialRaw(t, b, true)
	u, ok := r.Conn.(*net.UnixConn)
	if !ok {
		t.Fatal("no unix socket")
	}
	ends, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	lesson, err := keeperwire.AppendMessage(nil, keeperwire.Learn, 0, keeperwire.Lesson{})
	if err != nil {
		t.Fatal(err)
	}
	for range 50 {
		if _, _, err := u.WriteMsgUnix(lesson, syscall.UnixRights(ends[1], ends[1]), nil); err != nil {
			t.Fatal(err)
		}
	}
	_ = syscall.Close(ends[1])
	r.message(keeperwire.Ask, 0, keeperwire.Question{}) // answered once all before it was read
	if h, _, err := r.r.Next(); err != nil || h.Kind != keeperwire.Given {
		t.Fatalf("%+v, %v", h, err)
	}
	defer func() { _ = syscall.Close(ends[0]) }()
	if err := syscall.SetsockoptTimeval(ends[0], syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &syscall.Timeval{Sec: 10}); err != nil {
		t.Fatal(err)
	}
	if n, err := syscall.Read(ends[0], make([]byte, 1)); n != 0 || err != nil {
		t.Errorf("a descriptor is open in the keeper: %d, %v", n, err)
	}
}

func TestStrangersAreNotWaitedForLong(t *testing.T) {
	t.Parallel()
	b := startKeeper(t, "", func(c *keeper.Config) { c.MaxConns = 3 })
	var strangers []net.Conn
	for range 5 {
		c, err := net.Dial("tcp", b.tcp)
		if err != nil {
			t.Fatal(err)
		}
		strangers = append(strangers, c)
	}
	for _, c := range strangers {
		_ = c.SetReadDeadline(time.Now().Add(15 * time.Second))
		_, err := io.Copy(io.Discard, c) // all are closed: two at once, by those after them, three after five seconds
		if ne := (net.Error)(nil); errors.As(err, &ne) && ne.Timeout() {
			t.Error("a stranger is kept")
		}
		_ = c.Close()
	}
	until(t, "a friend is let in", func() bool { return borrowed(t, b) })
}

func TestStrangersWhoSayNothingKeepNobodyOut(t *testing.T) {
	t.Parallel()
	b := startKeeper(t, "", func(c *keeper.Config) { c.MaxConns = 3 })
	if !borrowed(t, b) {
		t.Fatal("a friend is not let in")
	}
	for range 10 {
		c, err := net.Dial("tcp", b.tcp)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
	}
	begin := time.Now()
	if !borrowed(t, b) {
		t.Error("a friend is kept out")
	}
	if took := time.Since(begin); took > 4*time.Second {
		t.Errorf("a friend waited for %v", took)
	}
	if n := b.Stats().Borrowers; n > 3 {
		t.Errorf("%d borrowers", n)
	}
}

func borrowed(t *testing.T, b *testbed) bool {
	t.Helper()
	br := borrow(t, b.tcp)
	br.State(t.Context())
	return br.Stats().Connected
}
