package lent

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/dubbofn/dubbofn/internal/keeperwire"
	"github.com/dubbofn/dubbofn/internal/rights"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secret = "a token that only the two know"

// fake is a keeper that a test plays by hand: script says what it does on each connection, once the borrower has proved itself and asked.
func fake(t *testing.T, unix bool, script func(conn net.Conn, r *keeperwire.Reader)) (address string) {
	t.Helper()
	var l net.Listener
	var err error
	if unix {
		path := filepath.Join(t.TempDir(), "s")
		l, err = net.Listen("unix", path)
		address = scheme + path
	} else {
		l, err = net.Listen("tcp", "127.0.0.1:0")
		address = l.Addr().String()
	}
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer func() { _ = conn.Close() }()
				h, _, greeting, r, err := keeperwire.Accept(conn, func(keeperwire.Who) (string, error) { return secret, nil })
				if err != nil {
					return
				}
				_, _ = conn.Write(greeting)
				head, body, err := r.Next()
				if err != nil || h.Proved(head.Kind, body) != nil {
					return
				}
				if head, _, err = r.Next(); err != nil || head.Kind != keeperwire.Ask {
					t.Errorf("asked %v, %v", head.Kind, err)
					return
				}
				script(conn, r)
				_, _ = io.Copy(io.Discard, conn)
			})
		}
	})
	t.Cleanup(func() { _ = l.Close(); wg.Wait() })
	return address
}

func message(t *testing.T, k keeperwire.Kind, m any) []byte {
	t.Helper()
	b, err := keeperwire.AppendMessage(nil, k, 0, m)
	if err != nil {
		t.Error(err)
	}
	return b
}

// given is what a keeper says that has these targets, and nothing of registries.
func given(t *testing.T, a keeperwire.Answer) []byte {
	return keeperwire.Append(message(t, keeperwire.Given, a), keeperwire.State, 0, []byte("state"))
}

func opened(t *testing.T, address string) *Borrower {
	t.Helper()
	b, err := Open(t.Context(), Config{Address: address, App: "shop", Instance: "i", Token: secret, Budget: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(b.Close(), b.Close()); err != nil {
			t.Error(err)
		}
	})
	return b
}

func TestAKeeperThatLiesIsLeftAlone(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		unix bool
		lie  func(conn net.Conn)
	}{
		"it refuses":                      {false, func(c net.Conn) { _, _ = c.Write(keeperwire.AppendWhy(nil, keeperwire.Refused, 0, "no")) }},
		"it says nothing and leaves":      {false, func(c net.Conn) { _ = c.Close() }},
		"another frame":                   {false, func(c net.Conn) { _, _ = c.Write(keeperwire.Append(nil, keeperwire.Opened, 0, nil)) }},
		"an absurd length":                {false, func(c net.Conn) { _, _ = c.Write([]byte{byte(keeperwire.Given), 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}) }},
		"connections over TCP":            {false, func(c net.Conn) { _, _ = c.Write(given(t, keeperwire.Answer{Lent: []string{"a:1"}})) }},
		"an address that is none":         {false, func(c net.Conn) { _, _ = c.Write(given(t, keeperwire.Answer{Ready: []Target{{Address: "x"}}})) }},
		"fewer descriptors than it tells": {true, func(c net.Conn) { _, _ = c.Write(given(t, keeperwire.Answer{Lent: []string{"a:1"}})) }},
		"more descriptors than it tells":  {true, func(c net.Conn) { sendFile(t, c, given(t, keeperwire.Answer{})) }},
		"a descriptor of no connection":   {true, func(c net.Conn) { sendFile(t, c, given(t, keeperwire.Answer{Lent: []string{"a:1"}})) }},
		"no descriptor where there is one": {true, func(c net.Conn) {
			_, _ = c.Write(message(t, keeperwire.Given, keeperwire.Answer{Lent: []string{"a:1"}}))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := opened(t, fake(t, x.unix, func(c net.Conn, _ *keeperwire.Reader) { x.lie(c) }))
			if b.State(t.Context()) != nil || b.Conn(t.Context(), Target{Address: "a:1"}) != nil || b.Stats().Connected {
				t.Errorf("something was taken: %+v", b.Stats())
			}
		})
	}
}

// sendFile sends a descriptor that is no connection.
func sendFile(t *testing.T, c net.Conn, frame []byte) {
	t.Helper()
	u, ok := c.(*net.UnixConn)
	if !ok {
		t.Error("no unix socket")
		return
	}
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Error(err)
		return
	}
	defer func() { _ = f.Close() }()
	if err := rights.Send(u, frame, []net.Conn{file{f, nil}}); err != nil {
		t.Error(err)
	}
}

// file is a file in a connection's clothes.
type file struct {
	*os.File
	net.Conn
}

func (f file) Read(p []byte) (int, error)         { return f.File.Read(p) }
func (f file) Write(p []byte) (int, error)        { return f.File.Write(p) }
func (f file) Close() error                       { return f.File.Close() }
func (f file) SetDeadline(d time.Time) error      { return f.File.SetDeadline(d) }
func (f file) SetReadDeadline(d time.Time) error  { return f.File.SetReadDeadline(d) }
func (f file) SetWriteDeadline(d time.Time) error { return f.File.SetWriteDeadline(d) }

func TestAChannelIsAConnection(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("large", 200_000)
	b := opened(t, fake(t, false, func(c net.Conn, r *keeperwire.Reader) {
		_, _ = c.Write(given(t, keeperwire.Answer{Ready: []Target{{Address: "a:1"}}}))
		for { // it echoes
			h, body, err := r.Next()
			if err != nil {
				return
			}
			if h.Kind == keeperwire.Data {
				_, _ = c.Write(keeperwire.Append(nil, keeperwire.Data, h.Channel, body))
			}
			_, _ = c.Write(keeperwire.Append(nil, keeperwire.Data, h.Channel+1000, []byte("to a channel that is not open")))
		}
	}))
	if string(b.State(t.Context())) != "state" {
		t.Error("no state")
	}
	c := b.Conn(t.Context(), Target{Address: "a:1"})
	if c == nil {
		t.Fatal("no channel")
	}
	if c.RemoteAddr().String() != "a:1" || c.RemoteAddr().Network() != "tcp" || c.LocalAddr() == nil {
		t.Errorf("from %v to %v", c.LocalAddr(), c.RemoteAddr())
	}
	for _, err := range []error{c.SetDeadline(time.Now()), c.SetReadDeadline(time.Now()), c.SetWriteDeadline(time.Now())} {
		if !errors.Is(err, os.ErrNoDeadline) {
			t.Error(err)
		}
	}
	go func() { _, _ = io.WriteString(c, large) }()
	got := make([]byte, len(large))
	if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, []byte(large)) {
		t.Errorf("an echo of %d bytes: %v", len(large), err)
	}
	if err := errors.Join(c.Close(), c.Close()); err != nil {
		t.Error(err)
	}
	if _, err := c.Read(got); !errors.Is(err, net.ErrClosed) {
		t.Errorf("read after Close: %v", err)
	}
	if _, err := c.Write(got); !errors.Is(err, net.ErrClosed) {
		t.Errorf("write after Close: %v", err)
	}
}

func TestChannelsEndWithTheKeeper(t *testing.T) {
	t.Parallel()
	leave := make(chan struct{})
	b := opened(t, fake(t, false, func(c net.Conn, _ *keeperwire.Reader) {
		_, _ = c.Write(given(t, keeperwire.Answer{Ready: []Target{{Address: "a:1"}, {Address: "b:1"}}}))
		<-leave
		_, _ = c.Write(keeperwire.AppendWhy(nil, keeperwire.Close, 1, "the provider is gone"))
		_, _ = c.Write([]byte{99, 0, 0, 0, 0, 0, 0, 0, 0}) // and it loses its mind
	}))
	first, second := b.Conn(t.Context(), Target{Address: "a:1"}), b.Conn(t.Context(), Target{Address: "b:1"})
	close(leave)
	if _, err := first.Read(make([]byte, 1)); err == nil || !strings.Contains(err.Error(), "the provider is gone") {
		t.Errorf("a channel that was closed: %v", err)
	}
	if _, err := second.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("a channel of a keeper that is gone: %v", err)
	}
	if _, err := second.Write([]byte("x")); err == nil {
		t.Error("it takes more")
	}
}

func TestAKeeperThatDoesNotDecideIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	address := fake(t, false, func(c net.Conn, _ *keeperwire.Reader) { _, _ = c.Write(given(t, keeperwire.Answer{})) })
	b, err := Open(t.Context(), Config{Address: address, App: "shop", Instance: "i", Token: secret, Budget: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.Close() }()
	begin := time.Now()
	if b.Conn(t.Context(), Target{Address: "a:1"}) != nil {
		t.Error("a channel that was not opened")
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	if all := b.Targets(); len(all) != 1 || all[0].Address != "a:1" {
		t.Errorf("targets %v", all)
	}
}

// A channel that nobody reads holds the keeper up, not the process's memory; it lets go when it is closed.
func TestAChannelThatIsNotReadIsBounded(t *testing.T) {
	t.Parallel()
	wrote := make(chan int, 1)
	b := opened(t, fake(t, false, func(c net.Conn, _ *keeperwire.Reader) {
		_, _ = c.Write(given(t, keeperwire.Answer{Ready: []Target{{Address: "a:1"}}}))
		_ = c.SetWriteDeadline(time.Now().Add(500 * time.Millisecond))
		n := 0
		for frame := keeperwire.Append(nil, keeperwire.Data, 1, make([]byte, keeperwire.MaxDataBytes)); ; n += len(frame) {
			if _, err := c.Write(frame); err != nil || n > 256<<20 {
				wrote <- n
				return
			}
		}
	}))
	c := b.Conn(t.Context(), Target{Address: "a:1"})
	if n := <-wrote; n > 64<<20 {
		t.Errorf("%d bytes were taken, and nobody reads", n)
	}
	_ = c.Close()
}

// The keeper's word that it has a connection counts when a process begins. Later, and for a second connection, it is asked: calls that go to a keeper that
// hangs, or has lost the provider, are lost.
func TestTheKeepersWordCountsOnceAndNotForLong(t *testing.T) {
	t.Parallel()
	address := fake(t, false, func(c net.Conn, _ *keeperwire.Reader) { // it decides nothing afterwards
		_, _ = c.Write(given(t, keeperwire.Answer{Ready: []Target{{Address: "a:1"}, {Address: "b:1"}}}))
	})
	b, err := Open(t.Context(), Config{Address: address, App: "shop", Instance: "i", Token: secret, Budget: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.Close() }()
	if b.Conn(t.Context(), Target{Address: "a:1"}) == nil {
		t.Error("it is not taken at its word")
	}
	b.cfg.Budget = 50 * time.Millisecond
	if b.Conn(t.Context(), Target{Address: "a:1"}) != nil {
		t.Error("a second connection is believed in")
	}
	b.mu.Lock()
	b.link.mu.Lock()
	b.link.asked = b.link.asked.Add(-2 * trustFor)
	b.link.mu.Unlock()
	b.mu.Unlock()
	if b.Conn(t.Context(), Target{Address: "b:1"}) != nil {
		t.Error("what was said long ago is believed")
	}
}

// Whoever closes a channel does not wait for a keeper that reads nothing, nor does what was being written.
func TestAChannelOfAKeeperThatHangsCanBeClosed(t *testing.T) {
	t.Parallel()
	leave := make(chan struct{})
	b := opened(t, fake(t, false, func(c net.Conn, _ *keeperwire.Reader) {
		_, _ = c.Write(given(t, keeperwire.Answer{Ready: []Target{{Address: "a:1"}}}))
		<-leave
	}))
	defer close(leave)
	c := b.Conn(t.Context(), Target{Address: "a:1"})
	ended := make(chan error, 1)
	go func() {
		for block := make([]byte, keeperwire.MaxDataBytes); ; {
			if _, err := c.Write(block); err != nil {
				ended <- err
				return
			}
		}
	}()
	for l := c.(*channel).link; l.w.Queued() < queueBytes || !l.w.Stuck(100*time.Millisecond); {
		time.Sleep(time.Millisecond)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	select {
	case err := <-ended:
		if !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Error("a write goes on waiting")
		_ = b.Close()
	}
}

// Descriptors that nobody asked for are closed at once, not held for as long as the keeper lives.
func TestDescriptorsThatComeLaterAreClosed(t *testing.T) {
	t.Parallel()
	answered, closed := make(chan struct{}), make(chan error, 1)
	b := opened(t, fake(t, true, func(c net.Conn, _ *keeperwire.Reader) {
		_, _ = c.Write(given(t, keeperwire.Answer{}))
		<-answered
		near, far, err := os.Pipe()
		if err != nil {
			closed <- err
			return
		}
		defer func() { _ = near.Close() }()
		if err := rights.Send(c.(*net.UnixConn), keeperwire.Append(nil, keeperwire.Opened, 7, nil), []net.Conn{file{far, nil}}); err != nil {
			closed <- err
			return
		}
		_ = far.Close()
		_ = near.SetReadDeadline(time.Now().Add(10 * time.Second))
		_, err = near.Read(make([]byte, 1))
		closed <- err
	}))
	if b.State(t.Context()) == nil {
		t.Error("no answer")
	}
	close(answered)
	if err := <-closed; !errors.Is(err, io.EOF) {
		t.Errorf("a descriptor that came later: %v", err)
	}
	if !b.Stats().Connected {
		t.Error("the connection is gone")
	}
}
