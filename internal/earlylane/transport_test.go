package earlylane

import (
	"context"
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
)

// open makes a lane over loopback TCP, whose function answers with h until the returned stop is called.
func open(t *testing.T, h http.Handler, c ServeConfig) (lane *Transport, stop func()) {
	t.Helper()
	f, a := tcp(t)
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	ready := make(chan struct{})
	go func() {
		o, err := Offer(t.Context(), f, greet(), secret)
		if err == nil {
			err = o.Open(t.Context(), nil)
		}
		close(ready)
		if err == nil {
			err = Serve(ctx, f, h, c)
		}
		served <- err
	}()
	acc, err := Accept(t.Context(), a, answers(secret, nil))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := acc.Opened(t.Context()); err != nil {
		t.Fatal(err)
	}
	lane, err = NewTransport(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	<-ready
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	t.Cleanup(func() {
		_ = lane.Close()
		stop()
	})
	return lane, stop
}

func tcp(t *testing.T) (dialled, accepted net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	var d net.Dialer
	if dialled, err = d.DialContext(t.Context(), "tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if accepted, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	return dialled, accepted
}

// ask sends one request and reads its answer.
func ask(ctx context.Context, lane *Transport, body string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://greet/dubbo", strings.NewReader(body))
	if err != nil {
		return "", err
	}
	resp, err := lane.RoundTrip(r)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	return string(b), err
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not in 10 s: %s", what)
		}
	}
}

func echo(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	_, _ = fmt.Fprintf(w, "%s %s %s", r.Proto, r.Host, b)
}

func TestLaneCarriesManyRequestsAtOnce(t *testing.T) {
	t.Parallel()
	lane, _ := open(t, http.HandlerFunc(echo), ServeConfig{Finish: time.Second})
	var wg sync.WaitGroup
	for i := range 1000 {
		wg.Go(func() {
			body := strings.Repeat(fmt.Sprint(i), 100)
			if got, err := ask(t.Context(), lane, body); err != nil || got != "HTTP/2.0 greet "+body {
				t.Errorf("%.60q, %v", got, err)
			}
		})
	}
	wg.Wait()
	until(t, "nothing is in flight", func() bool { return lane.InFlight() == 0 })
}

func TestLaneHoldsBackWhatIsOverTheFunctionsStreams(t *testing.T) {
	t.Parallel()
	var running, most atomic.Int64
	letGo := make(chan struct{})
	lane, _ := open(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		if n := running.Add(1); n > 3 {
			most.Store(n)
		}
		<-letGo
		running.Add(-1)
	}), ServeConfig{Streams: 3, Finish: time.Second})
	until(t, "the function's settings have come", func() bool { return lane.Available() == 3 })
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			if _, err := ask(t.Context(), lane, ""); err != nil {
				t.Error(err)
			}
		})
	}
	until(t, "three run", func() bool { return running.Load() == 3 })
	if n := lane.Available(); n != 0 {
		t.Errorf("%d available, want 0", n)
	}
	close(letGo)
	wg.Wait()
	if most.Load() > 3 {
		t.Errorf("%d ran at once, want 3", most.Load())
	}
}

// The function ends: what runs is finished, what comes later did not run, and the activator can tell.
func TestLaneEndsGently(t *testing.T) {
	t.Parallel()
	running, letGo := make(chan struct{}), make(chan struct{})
	var ran atomic.Int64
	lane, stop := open(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if b, _ := io.ReadAll(r.Body); string(b) == "slow" {
			close(running)
			<-letGo
		}
		ran.Add(1)
		_, _ = io.WriteString(w, "done")
	}), ServeConfig{Finish: 10 * time.Second})
	var wg sync.WaitGroup
	wg.Go(func() {
		if got, err := ask(t.Context(), lane, "slow"); err != nil || got != "done" {
			t.Errorf("in flight when the end came: %q, %v", got, err)
		}
	})
	<-running
	ended := make(chan struct{})
	go func() {
		stop()
		close(ended)
	}()
	var answered int64
	for { // while the function says that it goes
		_, err := ask(t.Context(), lane, "quick")
		if err == nil {
			answered++
			continue
		}
		if !errors.Is(err, ErrNotRun) {
			t.Errorf("after the end: %v, want %v", err, ErrNotRun)
		}
		break
	}
	if lane.Available() != 0 {
		t.Errorf("%d available", lane.Available())
	}
	close(letGo)
	<-ended
	wg.Wait()
	<-lane.Done()
	if got := ran.Load(); got != answered+1 {
		t.Errorf("%d ran, %d were answered", got, answered+1)
	}
}

// Many requests race with the end of an idle lane: each ran and was answered, or did neither and says so.
func TestNothingIsLeftOpenAtTheEnd(t *testing.T) {
	t.Parallel()
	for range 20 {
		var ran, answered atomic.Int64
		lane, stop := open(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { ran.Add(1) }), ServeConfig{Finish: 10 * time.Second})
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for {
					_, err := ask(t.Context(), lane, "")
					if err == nil {
						answered.Add(1)
						continue
					}
					if !errors.Is(err, ErrNotRun) {
						t.Errorf("got %v, want %v", err, ErrNotRun)
					}
					return
				}
			})
		}
		until(t, "requests run", func() bool { return answered.Load() > 20 })
		stop()
		wg.Wait()
		if ran.Load() != answered.Load() {
			t.Fatalf("%d ran, %d were answered", ran.Load(), answered.Load())
		}
	}
}

func TestLaneThatIsCutLeavesOpenWhetherARequestRan(t *testing.T) {
	t.Parallel()
	running := make(chan struct{})
	lane, _ := open(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(running)
		<-r.Context().Done() // ends with the connection
	}), ServeConfig{Finish: time.Second})
	failed := make(chan error, 1)
	go func() {
		_, err := ask(t.Context(), lane, "")
		failed <- err
	}()
	<-running
	if n := lane.InFlight(); n != 1 {
		t.Errorf("%d in flight, want 1", n)
	}
	if err := lane.Close(); err != nil {
		t.Error(err)
	}
	if err := <-failed; err == nil || errors.Is(err, ErrNotRun) {
		t.Errorf("got %v: it ran", err)
	}
	<-lane.Done()
	if _, err := ask(t.Context(), lane, ""); !errors.Is(err, ErrNotRun) {
		t.Errorf("on a closed lane: %v, want %v", err, ErrNotRun)
	}
}

func TestRequestWhoseTimeRunsOutLeavesTheLaneOpen(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{})
	lane, _ := open(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if b, _ := io.ReadAll(r.Body); string(b) == "slow" {
			<-r.Context().Done() // the function hears that nobody waits
			close(ended)
		}
	}), ServeConfig{Finish: time.Second})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := ask(ctx, lane, "slow"); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrNotRun) {
		t.Errorf("got %v", err)
	}
	<-ended
	if _, err := ask(t.Context(), lane, ""); err != nil {
		t.Error(err)
	}
}

// Whoever ignores GOAWAY is cut once Finish is over.
func TestServeCutsWhatDoesNotFinish(t *testing.T) {
	t.Parallel()
	running := make(chan struct{})
	lane, stop := open(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(running)
		<-r.Context().Done()
	}), ServeConfig{Finish: 10 * time.Millisecond})
	failed := make(chan error, 1)
	go func() {
		_, err := ask(t.Context(), lane, "")
		failed <- err
	}()
	<-running
	stop()
	if err := <-failed; err == nil || errors.Is(err, ErrNotRun) {
		t.Errorf("got %v: it ran", err)
	}
}

// A stranger on an opened connection (which can't be, but for somebody on the way) breaks nothing.
func TestServeEndsWithAPeerThatTalksRubbish(t *testing.T) {
	t.Parallel()
	for _, say := range []string{"", "GET / HTTP/1.1\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "dfn1"} {
		f, a := tcp(t)
		served := make(chan error, 1)
		go func() { served <- Serve(t.Context(), f, http.HandlerFunc(echo), ServeConfig{}) }()
		if _, err := io.WriteString(a, say); err != nil {
			t.Error(err)
		}
		if err := a.(*net.TCPConn).CloseWrite(); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Errorf("%q: %v", say, err)
		}
		_ = a.Close()
	}
}

func TestTransportSaysWhenItsConnectionIsDead(t *testing.T) {
	t.Parallel()
	f, a := tcp(t)
	_ = f.Close()
	lane, err := NewTransport(t.Context(), a)
	if err == nil { // the preface may fit into the kernel's buffer
		<-lane.Done()
		_, err = ask(t.Context(), lane, "")
	}
	if err == nil {
		t.Error("no error")
	}
}
