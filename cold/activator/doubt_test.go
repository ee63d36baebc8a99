package activator

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dubbofn/dubbofn/invoker"
)

// A proxy that answers in the function's place says that the path isn't what it was. Under load there are always calls on their way, which must not
// send all that follow after them: those wait until a knock was answered.
func TestAProxysAnswerClosesThePathUntilAKnockOpensIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := alone(t)
		var away atomic.Bool
		var lost atomic.Int64
		behind := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case !away.Load():
				if r.Header.Get(headerKnock) != "" {
					w.Header().Set(headerHold, "240")
					return
				}
				_, _ = io.Copy(io.Discard, r.Body)
				time.Sleep(500 * time.Millisecond)
				w.Header().Set(headerRefused, "late") // an answer of the function's, whatever it is
			default:
				if r.Header.Get(headerKnock) == "" {
					lost.Add(1)
				}
				http.Error(w, "no healthy upstream", http.StatusServiceUnavailable)
			}
		})
		p.front = behind
		_, c := p.activate()
		for i := range 60 { // one every 100 ms, each for 500: there are always some
			switch i {
			case 10:
				away.Store(true)
			case 50:
				away.Store(false)
			}
			go func() {
				_, err := callWith(t.Context(), c, invocation("hello", fmt.Sprint(i)))
				if i >= 12 && (err == nil || !strings.Contains(err.Error(), "late")) {
					t.Errorf("call %d: %v", i, err)
				}
			}()
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(10 * time.Second)
		if got := lost.Load(); got != 1 {
			t.Errorf("%d calls were given to the proxy, want the first", got)
		}
	})
}

// The activator bounds what a one-way call costs by what it is told itself, since nobody's going ends it; and Java sends its own timeout with it.
func TestAOneWayCallIsKeptForThePublishedTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := alone(t)
		p.wake = 3 * time.Second
		a, c := p.activate()
		inv := invocation("hello", "short")
		inv.OneWay = true
		inv.Attachments.Set("timeout", "1000")
		if _, err := c.Invoke(t.Context(), inv); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		if got := p.ran.of("short"); got != 1 {
			t.Errorf("it ran %d times", got)
		}
		p.stop()
		p.broken = true
		time.Sleep(5 * time.Second)
		inv = invocation("hello", "long")
		inv.OneWay = true
		inv.Attachments.Set("timeout", "3600000")
		if _, err := c.Invoke(t.Context(), inv); err != nil {
			t.Fatal(err)
		}
		_ = c.Close()
		time.Sleep(11 * time.Second)
		if st := a.stats(); st.InFlight != 0 {
			t.Errorf("%d calls are kept after 11 s", st.InFlight)
		}
	})
}

// A proxy that takes everything (202) has not run a one-way call: it is counted as refused, and logged.
func TestAOneWayCallThatAProxyTookIsRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		p := newPlatform(t, n, "greet")
		p.front = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get(headerKnock) != "" {
				w.Header().Set(headerHold, "240")
				return
			}
			_, _ = io.Copy(io.Discard, r.Body)
			w.WriteHeader(http.StatusAccepted)
		})
		a, _ := activate(t, n, &listed{all: []Function{p.function()}}, nil)
		inv := invocation("hello", "x")
		inv.OneWay = true
		if _, err := consume(t, n, "activator:20880").Invoke(t.Context(), inv); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		w := httptest.NewRecorder()
		a.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		if want := `dubbofn_activator_refused_total{app="greet",reason="proxy"} 1`; !strings.Contains(w.Body.String(), want) {
			t.Errorf("the metrics are without %s", want)
		}
	})
}

// A knock that the platform keeps for a Knative revision that never gets ready must not be what later calls wait for, once the route leads elsewhere.
func TestARollOutKnocksAnew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		p := newPlatform(t, n, "greet")
		p.revisions = "greet-00001"
		stuck := atomic.Bool{}
		stuck.Store(true)
		p.front = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if stuck.Load() {
				<-r.Context().Done()
				return
			}
			p.route(w, r)
		})
		src := &listed{all: []Function{p.function()}}
		activate(t, n, src, nil)
		c := consume(t, n, "activator:20880")
		_, err := callWith(t.Context(), c, invocation("quick", "x"))
		if code, _ := codeOf(err); code != invoker.CodeTimeout {
			t.Fatalf("before: %v", err)
		}
		stuck.Store(false)
		p.revisions = "greet-00002"
		src.set(p.function())
		mustHello(t, c, "y")
	})
}

// As many knocks as may be are held by long calls: one that waits still has its own.
func TestLongCallsOfEarlyLanesKeepNobodyAsleep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		p := newPlatform(t, n, "greet")
		a, _ := activate(t, n, &listed{all: []Function{p.function()}}, nil)
		s := a.sleeper("greet")
		s.mu.Lock()
		for range maxKnocks {
			s.knocks[&knock{cancel: func() {}, held: true}] = struct{}{}
		}
		s.early = maxKnocks
		s.mu.Unlock()
		begin := time.Now()
		mustHello(t, consume(t, n, "activator:20880"), "a")
		if took := time.Since(begin); took > 2*time.Second {
			t.Errorf("it waited %v", took)
		}
		s.mu.Lock()
		s.early = 0
		s.release()
		s.mu.Unlock()
	})
}

// What was sent before the last knock was answered says nothing of the path as it is now.
func TestAnOldCallsFailureClosesNoPath(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := alone(t)
		var posts, knocks atomic.Int64
		p.front = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get(headerKnock) != "" {
				knocks.Add(1)
				w.Header().Set(headerHold, "240")
				return
			}
			_, _ = io.Copy(io.Discard, r.Body)
			if i := posts.Add(1); i <= 10 {
				time.Sleep(time.Duration(i) * 100 * time.Millisecond)
				http.Error(w, "upstream reset", http.StatusServiceUnavailable)
				return
			}
			w.Header().Set(headerRefused, "late")
		})
		_, c := p.activate()
		one := func(i int) { _, _ = callWith(t.Context(), c, invocation("hello", fmt.Sprint(i))) }
		one(0) // it waits for its failure, and closes the path
		before := knocks.Load()
		var sent sync.WaitGroup
		for i := range 9 {
			sent.Go(func() { one(i) })
		}
		time.Sleep(50 * time.Millisecond)
		for i := range 30 {
			time.Sleep(50 * time.Millisecond)
			sent.Go(func() { one(100 + i) })
		}
		sent.Wait()
		if got := knocks.Load() - before; got > 9+1 { // as many as waited at first, and one for what failed
			t.Errorf("%d knocks", got)
		}
	})
}
