package serve

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dubbofn/dubbofn/auth"
	"github.com/dubbofn/dubbofn/cold"
	"github.com/dubbofn/dubbofn/internal/certtest"
	"github.com/dubbofn/dubbofn/internal/earlylane"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/invoker/dubbo"
)

const testToken = "only the activator knows"

// knativeConfig is that of a function on Knative.
func knativeConfig(t *testing.T) Config {
	t.Helper()
	c := testConfig(t)
	c.KService, c.KRevision, c.Token = "greet", "greet-00002", testToken
	return c
}

// frame is one call of hello, as it is on the wire.
func frame(t *testing.T, method string, attachments ...string) []byte {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan []byte, 1)
	go func() {
		defer close(got)
		defer func() { _ = l.Close() }()
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		r := bufio.NewReader(conn)
		head, err := r.Peek(16)
		if err != nil {
			return
		}
		b := make([]byte, 16+int(head[12])<<24+int(head[13])<<16+int(head[14])<<8+int(head[15]))
		if _, err := io.ReadFull(r, b); err == nil {
			got <- b
		}
	}()
	conn, err := dubbo.Dial(t.Context(), l.Addr().String(), dubbo.ConnConfig{})
	if err != nil {
		t.Fatal(err)
	}
	inv := &invoker.Invocation{Service: invoker.ServiceKey{Interface: greetService}, Method: method, Args: []any{"Ada"}}
	for i := 0; i+1 < len(attachments); i += 2 {
		inv.Attachments.Set(attachments[i], attachments[i+1])
	}
	_, _ = conn.Invoke(t.Context(), inv) // nobody answers
	_ = conn.Close()
	b, ok := <-got
	if !ok {
		t.Fatal("no frame")
	}
	return b
}

// post sends one request to the lane over any way.
func post(t *testing.T, via http.RoundTripper, host string, body []byte, headers map[string]string) (*http.Response, []byte, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+host+"/dubbo", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", dubbo.ContentType)
	r.Header.Set("Dubbofn-Token", testToken)
	for k, v := range headers {
		r.Header.Set(k, v)
	}
	resp, err := via.RoundTrip(r)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	return resp, b, err
}

// h2c speaks HTTP/2 without TLS, as Knative's queue-proxy does.
func h2c(t *testing.T) *http.Transport {
	t.Helper()
	var p http.Protocols
	p.SetUnencryptedHTTP2(true)
	tr := &http.Transport{Protocols: &p}
	t.Cleanup(tr.CloseIdleConnections)
	return tr
}

// replica is an activator, as far as the early lane goes.
type replica struct {
	t        *testing.T
	listener net.Listener
	answer   func(earlylane.Hello) (string, []byte, error)
	lanes    chan *lane
	hellos   atomic.Int32
	ended    sync.WaitGroup
}

type lane struct {
	*earlylane.Transport
	hello  earlylane.Hello
	ledger []byte
}

func newReplica(t *testing.T, token string, snapshot []byte) *replica {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &replica{t: t, listener: l, lanes: make(chan *lane, 10)}
	r.answer = func(earlylane.Hello) (string, []byte, error) { return token, snapshot, nil }
	t.Cleanup(r.stop)
	return r
}

func (r *replica) start() *replica {
	r.ended.Go(func() {
		for {
			conn, err := r.listener.Accept()
			if err != nil {
				return
			}
			r.ended.Go(func() { r.open(conn) })
		}
	})
	return r
}

func (r *replica) open(conn net.Conn) {
	a, err := earlylane.Accept(r.t.Context(), conn, r.answer)
	r.hellos.Add(1)
	if err != nil {
		return
	}
	ledger, err := a.Opened(r.t.Context())
	if err != nil {
		return
	}
	tr, err := earlylane.NewTransport(r.t.Context(), conn)
	if err != nil {
		return
	}
	r.lanes <- &lane{tr, a.Hello, ledger}
}

func (r *replica) lane() *lane {
	r.t.Helper()
	select {
	case l := <-r.lanes:
		r.t.Cleanup(func() { _ = l.Close() })
		return l
	case <-time.After(10 * time.Second):
		r.t.Fatal("no early lane in 10 s")
		return nil
	}
}

func (r *replica) stop() {
	_ = r.listener.Close()
	for {
		select {
		case l := <-r.lanes:
			_ = l.Close()
			continue
		default:
		}
		break
	}
	r.ended.Wait()
}

func (r *replica) address() string { return r.listener.Addr().String() }

func TestEarlyLaneCarriesCallsBeforeThePlatformDoes(t *testing.T) {
	t.Parallel()
	act := newReplica(t, testToken, nil).start()
	c := knativeConfig(t)
	c.Activator = act.address()
	_, stop := start(t, c, greeter())
	l := act.lane()
	want := earlylane.Hello{App: c.App, Revision: "greet-00002", Instance: instanceName(), Limit: 100}
	if l.hello != want {
		t.Errorf("got %+v, want %+v", l.hello, want)
	}
	var ledger cold.Record
	if err := json.Unmarshal(l.ledger, &ledger); err != nil || ledger.App != "greet" || len(ledger.Entries) < 3 {
		t.Errorf("ledger %s: %v", l.ledger, err)
	}
	call := frame(t, "hello")
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			resp, b, err := post(t, l, "greet", call, nil)
			if err != nil || resp.StatusCode != http.StatusOK || !bytes.Contains(b, []byte("Hello, Ada!")) || resp.Header.Get("Dubbofn-Instance") != instanceName() {
				t.Errorf("%v, %q, %v", resp, b, err)
			}
		})
	}
	wg.Wait()
	if resp, _, err := post(t, l, "greet", call, map[string]string{"Dubbofn-Token": "wrong"}); err != nil || resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("the lane asks for the token as ever: %v, %v", resp, err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	<-l.Done()
	if _, _, err := post(t, l, "greet", call, nil); !errors.Is(err, earlylane.ErrNotRun) {
		t.Errorf("after the end: %v", err)
	}
}

// Two activators at addresses of their own are both dialled, and both lanes carry calls at the same time.
func TestEarlyLanesToTwoActivatorsCarryCalls(t *testing.T) {
	t.Parallel()
	first, second := newReplica(t, testToken, nil).start(), newReplica(t, testToken, nil).start()
	c := knativeConfig(t)
	c.Activator = first.address() + "," + second.address()
	start(t, c, greeter())
	lanes := []*lane{first.lane(), second.lane()}
	call := frame(t, "hello")
	var wg sync.WaitGroup
	for n := range 100 {
		wg.Go(func() {
			resp, b, err := post(t, lanes[n%2], "greet", call, nil)
			if err != nil || resp.StatusCode != http.StatusOK || !bytes.Contains(b, []byte("Hello, Ada!")) {
				t.Errorf("%v, %q, %v", resp, b, err)
			}
		})
	}
	wg.Wait()
	_ = lanes[0].Close() // one that is gone leaves the other alone
	if resp, _, err := post(t, lanes[1], "greet", call, nil); err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("%v, %v", resp, err)
	}
	if again := first.lane(); again.hello != lanes[0].hello {
		t.Errorf("it comes back as %+v", again.hello)
	}
}

func TestEarlyLaneSpeaksTLS(t *testing.T) {
	t.Parallel()
	ours, err := certtest.New(t.TempDir(), "ours")
	if err != nil {
		t.Fatal(err)
	}
	others, err := certtest.New(t.TempDir(), "others")
	if err != nil {
		t.Fatal(err)
	}
	cert, key, err := ours.Issue("activator", "localhost", 1, time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	speaks, err := auth.NewTLS(auth.TLSConfig{CertFile: cert, KeyFile: key})
	if err != nil {
		t.Fatal(err)
	}
	act := newReplica(t, testToken, nil)
	if act.listener, err = speaks.Listen(act.listener); err != nil {
		t.Fatal(err)
	}
	act.start()
	c := knativeConfig(t)
	c.Activator, c.TLSCA = fmt.Sprint("tls://localhost:", portOf(act.listener.Addr())), ours.File
	_, stop := start(t, c, greeter())
	if resp, _, err := post(t, act.lane(), "greet", frame(t, "hello"), nil); err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("%v, %v", resp, err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}

	// One whose certificate nobody signed that the function trusts is told nothing.
	begun := act.hellos.Load()
	c.TLSCA = others.File
	start(t, c, greeter())
	until(t, "it has tried", func() bool { return act.hellos.Load() > begun })
	select {
	case l := <-act.lanes:
		t.Errorf("%v opened a lane", l.hello)
	default:
	}
	c.TLSCA = "/nowhere"
	if err := Run(t.Context(), c, greeter()); err == nil || !strings.Contains(err.Error(), "DUBBOFN_ACTIVATOR") {
		t.Errorf("got %v", err)
	}
}

// A replica that is started anew, and one that was away when the function started, get their lane.
func TestEarlyLaneComesBack(t *testing.T) {
	t.Parallel()
	act := newReplica(t, testToken, nil)
	address := act.address()
	_ = act.listener.Close() // nobody is there
	c := knativeConfig(t)
	c.Activator = address
	start(t, c, greeter())
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	act.listener = l
	act.start()
	first := act.lane()
	_ = first.Close()
	second := act.lane()
	if resp, _, err := post(t, second, "greet", frame(t, "hello"), nil); err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("%v, %v", resp, err)
	}
}

// Nothing is lost where there is no early lane: one line says why.
func TestFunctionWithoutAnEarlyLaneServesAllTheSame(t *testing.T) {
	t.Parallel()
	rubbish, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var strangers sync.WaitGroup
	strangers.Go(func() {
		for {
			conn, err := rubbish.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Write([]byte("220 mail.example.org ESMTP\r\n"))
			_ = conn.Close()
		}
	})
	t.Cleanup(func() {
		_ = rubbish.Close()
		strangers.Wait()
	})
	refuses := newReplica(t, "another token", nil).start()
	for name, activator := range map[string]string{"nobody listens": "127.0.0.1:1", "a stranger": rubbish.Addr().String(), "another token": refuses.address(), "no such name": "activator.invalid.:1"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := knativeConfig(t)
			c.Activator = activator
			at, stop := start(t, c, greeter())
			if resp, b, err := post(t, h2c(t), at.HTTP.String(), frame(t, "hello"), nil); err != nil || resp.StatusCode != http.StatusOK {
				t.Errorf("%v, %q, %v", resp, b, err)
			}
			if err := stop(); err != nil {
				t.Error(err)
			}
		})
	}
}
