package activator

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dubbofn/dubbofn/invoker"
)

func TestACallWakesTheFunctionByTheEarlyLane(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := alone(t)
		p.lanes = []string{"activator:20881"}
		a, c := p.activate()
		begin := time.Now()
		mustHello(t, c, "first")
		if took := time.Since(begin); took != p.wake {
			t.Errorf("the first call took %v, want %v: the process's own readiness", took, p.wake)
		}
		mustHello(t, c, "second") // the platform has not noticed so far
		time.Sleep(p.notice + time.Millisecond)
		mustHello(t, c, "third")
		starts := a.starts.list()
		if len(starts) != 1 || starts[0].Lane != "early" || starts[0].Instance != "greet-1" || starts[0].Parked != p.wake.Microseconds() || string(starts[0].Ledger) != `{"app":"greet"}` {
			t.Errorf("cold starts: %+v", starts)
		}
		if p.process.served.Load() != 2 || p.knocks > 2 {
			t.Errorf("%d calls by the early lane (want 2), %d knocks (want one, or two where the calls overlap)", p.process.served.Load(), p.knocks)
		}
	})
}

func TestACallWakesTheFunctionByThePlatformWhereThereIsNoEarlyLane(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := alone(t)
		a, c := p.activate()
		begin := time.Now()
		mustHello(t, c, "first")
		if took := time.Since(begin); took != p.wake+p.notice {
			t.Errorf("the first call took %v, want %v", took, p.wake+p.notice)
		}
		begin = time.Now()
		for i := range 10 {
			mustHello(t, c, fmt.Sprint(i))
		}
		if took := time.Since(begin); took != 0 {
			t.Errorf("warm calls took %v", took)
		}
		time.Sleep(time.Minute) // still there, though it might not be: one more knock, and no cold start
		mustHello(t, c, "later")
		if starts := a.starts.list(); len(starts) != 1 || starts[0].Lane != "http" || p.knocks != 2 {
			t.Errorf("cold starts: %+v, %d knocks", starts, p.knocks)
		}
	})
}

func TestZeroAndBackOverAndOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := alone(t)
		p.lanes = []string{"activator:20881"}
		a, c := p.activate()
		for i := range 50 {
			mustHello(t, c, fmt.Sprint(i))
			if i%3 == 0 {
				time.Sleep(time.Duration(i%7) * 100 * time.Millisecond)
			}
			p.stop()
			time.Sleep(5 * time.Second)
		}
		if len(a.starts.list()) != 50 || p.starts != 50 {
			t.Errorf("%d cold starts, %d processes, want 50", len(a.starts.list()), p.starts)
		}
		for i := range 50 {
			if got := p.ran.of(fmt.Sprint(i)); got != 1 {
				t.Errorf("call %d ran %d times", i, got)
			}
		}
	})
}

func TestTenThousandCallsToASleepingFunction(t *testing.T) {
	t.Parallel()
	for name, lanes := range map[string][]string{"early": {"activator:20881"}, "http": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork()
				p := newPlatform(t, n, "greet")
				p.lanes = lanes
				a, _ := activate(t, n, &listed{all: []Function{p.function()}}, nil)
				const consumers, each = 20, 500
				var all sync.WaitGroup
				for i := range consumers {
					c := consume(t, n, "activator:20880")
					for k := range each {
						all.Go(func() {
							id := fmt.Sprint(i, "-", k)
							ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
							defer cancel()
							if got, err := callWith(ctx, c, invocation("hello", id)); err != nil || got != "hello "+id {
								t.Errorf("%s: %q, %v", id, got, err)
							}
						})
					}
				}
				time.Sleep(100 * time.Millisecond)
				s := a.sleeper("greet")
				s.mu.Lock()
				waiting, knocks := s.parked.n, len(s.knocks)
				s.mu.Unlock()
				if waiting != consumers*each || knocks != maxKnocks {
					t.Errorf("%d parked, %d knocks, want %d and %d", waiting, knocks, consumers*each, maxKnocks)
				}
				all.Wait()
				for i := range consumers {
					for k := range each {
						if got := p.ran.of(fmt.Sprint(i, "-", k)); got != 1 {
							t.Fatalf("call %d-%d ran %d times", i, k, got)
						}
					}
				}
				if p.starts != 1 {
					t.Errorf("%d processes", p.starts)
				}
			})
		})
	}
}

func TestParkedCallsAreAnsweredShortlyBeforeTheirDeadlineAndNeverRunLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := alone(t)
		p.lanes = []string{"activator:20881"}
		p.wake = 15 * time.Second
		_, c := p.activate()
		for name, x := range map[string]struct {
			method string
			own    time.Duration // the consumer's; 0: as published
			want   time.Duration
		}{
			"the consumer's":           {"hello", 2 * time.Second, 1950 * time.Millisecond},
			"a short one":              {"hello", 200 * time.Millisecond, 190 * time.Millisecond},
			"the published":            {"quick", 0, 950 * time.Millisecond},
			"the published by default": {"hello", 0, 9950 * time.Millisecond},
		} {
			ctx, cancel := context.WithCancel(t.Context())
			inv := invocation(x.method, name)
			if x.own > 0 {
				inv.Attachments.Set("timeout", fmt.Sprint(x.own.Milliseconds()))
			}
			begin := time.Now()
			_, err := callWith(ctx, c, inv)
			cancel()
			if code, _ := codeOf(err); code != invoker.CodeTimeout || mayHaveRun(err) || !strings.Contains(err.Error(), "status 31") || !strings.Contains(err.Error(), "did not wake in time") {
				t.Errorf("%s: %v", name, err)
			}
			if took := time.Since(begin); took != x.want {
				t.Errorf("%s: answered after %v, want %v", name, took, x.want)
			}
		}
		time.Sleep(20 * time.Second) // it has woken
		for _, id := range []string{"the consumer's", "a short one", "the published", "the published by default"} {
			if got := p.ran.of(id); got != 0 {
				t.Errorf("%s ran late", id)
			}
		}
		mustHello(t, c, "now")
	})
}

func TestACallThatTheFunctionDoesNotAnswerEndsBeforeItsDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := alone(t)
		_, c := p.activate()
		mustHello(t, c, "wake")
		inv := invocation("slow", "slow", int32(60_000))
		inv.Attachments.Set("timeout", "3000")
		begin := time.Now()
		_, err := callWith(t.Context(), c, inv)
		if code, _ := codeOf(err); code != invoker.CodeTimeout || !mayHaveRun(err) || time.Since(begin) != 2950*time.Millisecond {
			t.Errorf("after %v: %v", time.Since(begin), err)
		}
		synctest.Wait()
		if p.inside != 0 {
			t.Errorf("%d requests are still with the function", p.inside)
		}
	})
}

func TestAConsumerThatLeavesTakesItsParkedCallsAlong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		p := newPlatform(t, n, "greet")
		a, _ := activate(t, n, &listed{all: []Function{p.function()}}, nil)
		goes, stays := consume(t, n, "activator:20880"), consume(t, n, "activator:20880")
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() {
				if _, err := callWith(t.Context(), goes, invocation("hello", fmt.Sprint("gone-", i))); err == nil {
					t.Error("an answer came")
				}
			})
			inv := invocation("hello", fmt.Sprint("told-", i))
			inv.OneWay = true
			if _, err := goes.Invoke(t.Context(), inv); err != nil {
				t.Error(err)
			}
		}
		all.Go(func() { mustHello(t, stays, "stays") })
		time.Sleep(100 * time.Millisecond)
		_ = goes.Close()
		synctest.Wait()
		s := a.sleeper("greet")
		s.mu.Lock()
		if s.parked.n != 101 {
			t.Errorf("%d parked, want the one that stays and 100 that nobody waits for", s.parked.n)
		}
		s.mu.Unlock()
		all.Wait()
		time.Sleep(time.Second)
		for i := range 100 {
			if p.ran.of(fmt.Sprint("gone-", i)) != 0 || p.ran.of(fmt.Sprint("told-", i)) != 1 {
				t.Fatalf("%d: ran %d and %d times, want 0 and 1", i, p.ran.of(fmt.Sprint("gone-", i)), p.ran.of(fmt.Sprint("told-", i)))
			}
		}
	})
}

func TestTooMuchThatWaitsIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		p := newPlatform(t, n, "greet")
		activate(t, n, &listed{all: []Function{p.function()}}, func(c *Config) { c.ParkedCalls, c.ParkedBytes = 10, 4<<10 })
		c := consume(t, n, "activator:20880")
		var all sync.WaitGroup
		refused := make(chan error, 100)
		for i := range 30 {
			all.Go(func() {
				if _, err := callWith(t.Context(), c, invocation("hello", fmt.Sprint(i))); err != nil {
					refused <- err
				}
			})
		}
		time.Sleep(time.Millisecond)
		if len(refused) != 20 {
			t.Errorf("%d refused at once, want 20", len(refused))
		}
		for len(refused) > 0 {
			if err := <-refused; !strings.Contains(err.Error(), "status 100") {
				t.Errorf("refused with %v", err)
			}
		}
		all.Wait()
		time.Sleep(10 * time.Second)
		p.stop()
		begin := time.Now()
		if _, err := callWith(t.Context(), c, invocation("hello", strings.Repeat("x", 5<<10))); err == nil || time.Since(begin) != 0 {
			t.Errorf("too many bytes: %v after %v", err, time.Since(begin))
		}
	})
}

func TestHeartbeatsEchoAndMetadataWakeNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := alone(t)
		_, c := p.activate()
		if err := c.Ping(t.Context()); err != nil {
			t.Error(err)
		}
		echo := invocation("$echo", "x")
		echo.Descriptor = "Ljava/lang/Object;"
		if res, err := c.Invoke(t.Context(), echo); err != nil || res.Value != "x" {
			t.Errorf("echo: %v, %v", res.Value, err)
		}
		for _, group := range []string{"greet", ""} {
			revision := &invoker.Invocation{Service: invoker.ServiceKey{Interface: "org.apache.dubbo.metadata.MetadataService", Version: "1.0.0", Group: group}, Method: "serviceName"}
			res, err := c.Invoke(t.Context(), revision)
			if group == "greet" && (err != nil || res.Value != "greet") {
				t.Errorf("metadata of %q: %v, %v", group, res.Value, err)
			}
		}
		for _, key := range []invoker.ServiceKey{{Interface: "org.example.Other"}, {Interface: greetService}, {Interface: greetService, Version: "2.0.0"}, {Interface: greetService, Version: "1.0.0", Group: "g"}, {Interface: "org.apache.dubbo.metadata.MetadataService", Version: "1.0.0", Group: "other"}} {
			_, err := c.Invoke(t.Context(), &invoker.Invocation{Service: key, Method: "hello", Args: []any{"x"}})
			if code, _ := codeOf(err); code != invoker.CodeNotFound {
				t.Errorf("%v: %v", key, err)
			}
		}
		if p.requests != 0 {
			t.Errorf("%d requests reached the platform", p.requests)
		}
	})
}

func TestNothingRunsTwiceWhenAFunctionDiesInTheMiddle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := alone(t)
		p.lanes = []string{"activator:20881"}
		_, c := p.activate()
		var all sync.WaitGroup
		var mu sync.Mutex
		failed, answered := 0, 0
		for i := range 400 {
			all.Go(func() {
				time.Sleep(time.Duration(i) * 20 * time.Millisecond)
				id := fmt.Sprint(i)
				_, err := callWith(t.Context(), c, invocation("slow", id, int32(100)))
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					answered++
				} else if failed++; p.ran.of(id) == 0 && !strings.Contains(err.Error(), "wake in time") {
					t.Errorf("%s did not run and failed: %v", id, err)
				}
				if got := p.ran.of(id); got > 1 || err == nil && got != 1 {
					t.Errorf("%s ran %d times, %v", id, got, err)
				}
			})
		}
		for range 5 {
			time.Sleep(1300 * time.Millisecond)
			p.stop()
		}
		all.Wait()
		if answered < 300 || failed == 0 {
			t.Errorf("%d answered, %d failed", answered, failed)
		}
		t.Logf("%d answered, %d failed in the middle", answered, failed)
	})
}

func TestOneWayCallsRunWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := alone(t)
		a, c := p.activate()
		for i := range 10 {
			inv := invocation("hello", fmt.Sprint(i))
			inv.OneWay = true
			if _, err := c.Invoke(t.Context(), inv); err != nil {
				t.Error(err)
			}
		}
		time.Sleep(2 * time.Second)
		for i := range 10 {
			if got := p.ran.of(fmt.Sprint(i)); got != 1 {
				t.Errorf("%d ran %d times", i, got)
			}
		}
		if st := a.stats(); st.InFlight != 0 {
			t.Errorf("%d in flight", st.InFlight)
		}
	})
}
