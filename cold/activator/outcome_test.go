package activator

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dubbofn/dubbofn/invoker"
)

func TestACrashOnStartAndAFunctionThatNeverGetsReady(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		p := newPlatform(t, n, "greet")
		p.broken = true
		a, c := p.activate()
		begin := time.Now()
		_, err := callWith(t.Context(), c, invocation("hello", "x"))
		if code, _ := codeOf(err); code != invoker.CodeTimeout || !strings.Contains(err.Error(), `503 Service Unavailable "no process"`) || time.Since(begin) != 9950*time.Millisecond {
			t.Errorf("after %v: %v", time.Since(begin), err)
		}
		p.mu.Lock()
		if p.knocks < 4 || p.knocks > 40 {
			t.Errorf("%d knocks in 10 s", p.knocks)
		}
		p.broken = false
		p.mu.Unlock()
		mustHello(t, c, "mended")
		p.stop()
		p.mu.Lock()
		p.wake = 10 * time.Minute
		p.mu.Unlock()
		time.Sleep(5 * time.Second)
		if _, err := callWith(t.Context(), c, invocation("hello", "never")); err == nil {
			t.Error("an answer came")
		}
		s := a.sleeper("greet")
		s.mu.Lock()
		if s.parked.n != 0 {
			t.Errorf("%d calls are parked", s.parked.n)
		}
		s.mu.Unlock()
		time.Sleep(11 * time.Minute)
		p.stop()
		p.mu.Lock()
		p.wake = time.Second
		p.mu.Unlock()
		time.Sleep(time.Minute)
		begin = time.Now()
		mustHello(t, c, "long after")
		synctest.Wait() // the answer comes before the start is noted
		if got := a.starts.list()[0]; !got.Started.Equal(begin) || got.FirstReply != time.Since(begin).Microseconds() {
			t.Errorf("a wake that nobody waited for is part of the next: %+v", got)
		}
	})
}

func TestAnswersThatAreNoneAreToldApart(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		answer func(w http.ResponseWriter, r *http.Request)
		code   invoker.Code
		want   string
		posts  int // attempts; 0: several
	}{
		"503 of a proxy": {func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "upstream connect error", http.StatusServiceUnavailable)
		}, invoker.CodeInternal, "the call may have run: \"upstream connect error\"", 1},
		"503 of a proxy in Knative's words": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, "pending request queue full\n")
		}, invoker.CodeInternal, "the call may have run", 1},
		"502 of a broken connection": {func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "read tcp 10.0.0.1:8012->10.0.0.1:8080: read: connection reset by peer", http.StatusBadGateway)
		}, invoker.CodeInternal, "the call may have run", 1},
		"503 of Knative's full queue, for ever": {func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "pending request queue full", http.StatusServiceUnavailable)
		}, invoker.CodeTimeout, "pending request queue full", 0},
		"502 of Knative's where nobody listens, for ever": {func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "dial tcp 127.0.0.1:8080: connect: connection refused", http.StatusBadGateway)
		}, invoker.CodeTimeout, "connection refused", 0},
		"504 of the platform": {func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "activator request timeout", http.StatusGatewayTimeout)
		}, invoker.CodeInternal, "504 Gateway Timeout", 1},
		"a page": {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }, invoker.CodeInternal, "200 OK", 1},
		"rubbish that says it is one": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			_, _ = io.WriteString(w, "rubbish, and more of it")
		}, invoker.CodeBadResponse, "its answer can't be read; the call may have run", 1},
		"nothing":          {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Type", contentType) }, invoker.CodeBadResponse, "can't be read", 1},
		"202 to who waits": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) }, invoker.CodeInternal, "202 Accepted", 1},
		"it is cut off":    {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, invoker.CodeInternal, "it may have run", 1},
		"401 of ours": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set(headerRefused, "token")
			http.Error(w, "wrong", http.StatusUnauthorized)
		}, invoker.CodeInternal, "refuses the call (401 Unauthorized, token): wrong", 1},
		"413 of ours": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set(headerRefused, "too-large")
			http.Error(w, "large", http.StatusRequestEntityTooLarge)
		}, invoker.CodeBadRequest, "too-large", 1},
		"503 of ours, for ever": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set(headerRefused, "drained")
			http.Error(w, "drained", http.StatusServiceUnavailable)
		}, invoker.CodeTimeout, "drained", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := alone(t)
				posts := 0
				p.front = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.Header.Get(headerKnock) != "" {
						w.Header().Set(headerHold, "240")
						return
					}
					_, _ = io.Copy(io.Discard, r.Body)
					posts++
					x.answer(w, r)
				})
				_, c := p.activate()
				_, err := callWith(t.Context(), c, invocation("hello", "x"))
				if code, ok := codeOf(err); !ok || code != x.code || !strings.Contains(err.Error(), x.want) {
					t.Errorf("got %v, want %v and %q", err, x.code, x.want)
				}
				if x.posts > 0 && posts != x.posts || posts == 0 || posts > 40 {
					t.Errorf("%d attempts, want %d", posts, x.posts)
				}
			})
		})
	}
}

func TestWhatSurelyDidNotRunIsSentAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := alone(t)
		_, c := p.activate()
		mustHello(t, c, "wake")
		p.process.drained.Store(true)
		var all sync.WaitGroup
		for i := range 50 {
			all.Go(func() { mustHello(t, c, fmt.Sprint(i)) })
		}
		time.Sleep(500 * time.Millisecond)
		p.stop() // another process comes
		all.Wait()
		for i := range 50 {
			if got := p.ran.of(fmt.Sprint(i)); got != 1 {
				t.Errorf("%d ran %d times", i, got)
			}
		}
	})
}

func TestAWrongTokenIsToldAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		p := newPlatform(t, n, "greet")
		f := p.function()
		f.Token = "another"
		activate(t, n, &listed{all: []Function{f}}, nil)
		c := consume(t, n, "activator:20880")
		begin := time.Now()
		_, err := callWith(t.Context(), c, invocation("hello", "x"))
		if err == nil || !strings.Contains(err.Error(), "token") || time.Since(begin) > 2*time.Second {
			t.Errorf("after %v: %v", time.Since(begin), err)
		}
	})
}

func TestNobodyListensWhereTheFunctionShouldBe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		p := newPlatform(t, n, "greet")
		f := p.function()
		f.URL = "http://nobody.local:8080"
		activate(t, n, &listed{all: []Function{f}}, nil)
		c := consume(t, n, "activator:20880")
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		_, err := callWith(ctx, c, invocation("hello", "x"))
		if code, _ := codeOf(err); code != invoker.CodeTimeout || !strings.Contains(err.Error(), "connection refused") {
			t.Errorf("got %v", err)
		}
	})
}

func TestACallThatIsCutOffInTheMiddleOfItsRequestSaysNothingOfTheLane(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		p := newPlatform(t, n, "greet")
		knocks := 0
		p.front = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get(headerKnock) != "" {
				knocks++
				w.Header().Set(headerHold, "240")
				return
			}
			<-r.Context().Done() // without a look at the frame
		})
		a, _ := activate(t, n, &listed{all: []Function{p.function()}}, nil)
		goes := consume(t, n, "activator:20880")
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = callWith(t.Context(), goes, invocation("hello", strings.Repeat("x", 4<<20)))
		}()
		time.Sleep(time.Second)
		_ = goes.Close()
		<-done
		synctest.Wait()
		s := a.sleeper("greet")
		s.mu.Lock()
		defer s.mu.Unlock()
		if !s.open || s.posting != 0 || s.again != nil || knocks != 1 {
			t.Errorf("open %v, %d with the function, %d knocks", s.open, s.posting, knocks)
		}
	})
}
