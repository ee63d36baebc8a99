package activator

import (
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dubbofn/dubbofn/invoker"
)

// A knock that is held says only that a process was awake: it must not keep a call that waits from knocking, nor may its end be missed.
func TestAHeldKnockKeepsNoCallFromKnocking(t *testing.T) {
	t.Parallel()
	for name, held := range map[string]int{"one": 1, "as many as there may be": maxKnocks} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork()
				p := newPlatform(t, n, "greet")
				a, _ := activate(t, n, &listed{all: []Function{p.function()}}, nil)
				s := a.sleeper("greet")
				var all []*knock
				s.mu.Lock()
				for range held {
					k := &knock{cancel: func() {}, held: true}
					s.knocks[k] = struct{}{}
					all = append(all, k)
				}
				s.mu.Unlock()
				answered := make(chan struct{})
				c := consume(t, n, "activator:20880")
				go func() {
					defer close(answered)
					mustHello(t, c, "a")
				}()
				synctest.Wait()
				for _, k := range all {
					s.knocked(k, nil)
				}
				<-answered
			})
		})
	}
}

// long makes a call that takes a minute, and has time for it.
func long(id string) *invoker.Invocation {
	inv := invocation("slow", id, int32(60_000))
	inv.Attachments.Set("timeout", "90000")
	return inv
}

func (p *platform) held() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.inside
}

// A hold that can't be renewed at once, or that is cut off, is asked for again: without it the platform would take the process away.
func TestAHoldThatIsLostIsAskedForAgain(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]func(http.ResponseWriter, *http.Request, http.Handler){
		"its renewal is refused": func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			http.Error(w, "no healthy upstream", http.StatusServiceUnavailable)
		},
		"it is cut off": func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			w.Header().Set(headerHold, "240")
			_ = http.NewResponseController(w).Flush()
			time.Sleep(time.Second)
			panic(http.ErrAbortHandler)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork()
				p := newPlatform(t, n, "greet")
				p.lanes, p.hold = []string{"activator:20881"}, 20
				var knocks atomic.Int64
				route := http.HandlerFunc(p.route)
				p.front = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if n := knocks.Add(1); n > 1 && n < 5 {
						fault(w, r, route)
						return
					}
					route(w, r)
				})
				_, c := p.activate()
				var all sync.WaitGroup
				all.Go(func() {
					if _, err := callWith(t.Context(), c, long("a")); err != nil {
						t.Error(err)
					}
				})
				for at := range 58 {
					time.Sleep(time.Second)
					if at > 25 && p.held() != 1 { // after 18 s it is renewed
						t.Errorf("after %d s %d requests are with the platform, want one knock", at+1, p.held())
					}
				}
				all.Wait()
				synctest.Wait()
				if p.held() != 0 || knocks.Load() > 10 {
					t.Errorf("%d requests are with the platform after all calls; %d knocks", p.held(), knocks.Load())
				}
			})
		})
	}
}

// The platform is told of as many calls as there are in early lanes, whichever process they are in and the knocks came to: it counts them, and not where they are.
func TestAsManyKnocksAreHeldAsEarlyLanesHaveCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := alone(t)
		p.lanes, p.limit = []string{"activator:20881"}, 3
		_, c := p.activate()
		var all sync.WaitGroup
		call := func(inv *invoker.Invocation) {
			all.Go(func() {
				if _, err := callWith(t.Context(), c, inv); err != nil {
					t.Error(err)
				}
			})
		}
		call(long("first"))
		call(invocation("slow", "second", int32(5000)))
		call(invocation("slow", "third", int32(5000)))
		for i := range 17 { // they wait for the platform's path
			call(invocation("hello", strconv.Itoa(i)))
		}
		synctest.Wait()
		if p.held() != 20 {
			t.Errorf("%d knocks for 20 calls that wait", p.held())
		}
		time.Sleep(p.wake + p.notice + time.Second)
		if p.held() != 3 {
			t.Errorf("%d knocks for 3 calls in early lanes", p.held())
		}
		time.Sleep(10 * time.Second)
		if p.held() != 1 {
			t.Errorf("%d knocks for the last call in an early lane", p.held())
		}
		all.Wait()
		synctest.Wait()
		if p.held() != 0 {
			t.Errorf("%d knocks for nothing", p.held())
		}
	})
}

// Knocks whose callers have all left are taken back, and all but one of those whose time is over: that tells what is wrong. The next call finds the function all the same.
func TestAKnockIsTakenBackWhenNobodyWaitsAnyMore(t *testing.T) {
	t.Parallel()
	for name, left := range map[string]int{"they left": 0, "their time is over": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork()
				p := newPlatform(t, n, "greet")
				p.wake = 30 * time.Second
				a, _ := activate(t, n, &listed{all: []Function{p.function()}}, nil)
				goes := consume(t, n, "activator:20880")
				var all sync.WaitGroup
				for range 3 {
					all.Go(func() { _, _ = callWith(t.Context(), goes, invocation("quick", "x")) })
				}
				time.Sleep(500 * time.Millisecond)
				if p.held() != 3 {
					t.Errorf("%d knocks for 3 calls", p.held())
				}
				if left == 0 {
					_ = goes.Close()
				}
				all.Wait()
				time.Sleep(time.Second)
				synctest.Wait()
				s := a.sleeper("greet")
				s.mu.Lock()
				if len(s.knocks) != left || s.waiting != left || p.held() != left {
					t.Errorf("%d knocks, %d without an answer, %d with the platform", len(s.knocks), s.waiting, p.held())
				}
				s.mu.Unlock()
				inv := invocation("hello", "next")
				inv.Attachments.Set("timeout", "60000")
				if got, err := callWith(t.Context(), consume(t, n, "activator:20880"), inv); err != nil || got != "hello next" {
					t.Errorf("%q, %v", got, err)
				}
			})
		})
	}
}
