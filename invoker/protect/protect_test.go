package protect

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/dubbofn/dubbofn/invoker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// answers plays what a service answers.
type answers struct {
	err   error
	calls int
	do    func(ctx context.Context) error
}

func (a *answers) Invoke(ctx context.Context, _ *invoker.Invocation) (invoker.Result, error) {
	a.calls++
	if a.do != nil {
		return invoker.Result{}, a.do(ctx)
	}
	return invoker.Result{Value: "real"}, a.err
}

func protected(t testing.TB, c Config, next invoker.Invoker) (*Protection, invoker.Invoker) {
	t.Helper()
	p, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return p, p.Filter(next)
}

func call(method string) *invoker.Invocation {
	return &invoker.Invocation{Service: invoker.ServiceKey{Interface: "org.example.Users"}, Method: method}
}

// refused checks that an error is a refusal after which the call can be made elsewhere, with these words in it.
func refused(t *testing.T, err error, code invoker.Code, words ...string) {
	t.Helper()
	var e *invoker.Error
	if !errors.As(err, &e) || e.Code != code || e.MaybeExecuted || e.Remote {
		t.Fatalf("got %v, want a refusal with code %v", err, code)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q lacks %q", err, w)
		}
	}
}

func unavailable() error {
	return invoker.Errorf(invoker.CodeUnavailable, "call", "connection reset")
}

func TestNoLimitIsNotOnThePath(t *testing.T) {
	t.Parallel()
	next := &answers{}
	if _, f := protected(t, Config{}, next); f != invoker.Invoker(next) {
		t.Errorf("a filter without limits is %T, want what it was given", f)
	}
}

func TestConcurrencyIsEachMethodsOwn(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	began := make(chan struct{})
	next := invoker.Func(func(context.Context, *invoker.Invocation) (invoker.Result, error) {
		began <- struct{}{}
		<-release
		return invoker.Result{}, nil
	})
	p, f := protected(t, Config{Limits: Limits{Concurrency: 1}, Methods: map[string]Limits{"list": {Concurrency: 2}}}, next)
	ended := make(chan error)
	start := func(method string) {
		go func() {
			_, err := f.Invoke(t.Context(), call(method))
			ended <- err
		}()
		<-began
	}
	start("get")
	start("list")
	start("list")
	_, err := f.Invoke(t.Context(), call("get"))
	refused(t, err, invoker.CodeExhausted, "org.example.Users.get", "1 calls run already", "protect.Limits.Concurrency", "DUBBOFN_CALL_LIMIT")
	_, err = f.Invoke(t.Context(), call("list"))
	refused(t, err, invoker.CodeExhausted, "2 calls")
	close(release)
	for range 3 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	go func() { <-began }()
	if _, err := f.Invoke(t.Context(), call("get")); err != nil {
		t.Errorf("after the others ended: %v", err)
	}
	if s := p.Stats()["get"]; s.Calls != 3 || s.Full != 1 {
		t.Errorf("stats of get are %+v, want 3 calls, 1 refused", s)
	}
}

func TestWaitForAPlace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		next := &answers{do: func(context.Context) error { time.Sleep(time.Second); return nil }}
		_, f := protected(t, Config{Limits: Limits{Concurrency: 1, Wait: 1500 * time.Millisecond}}, next)
		errs := make(chan error)
		for range 3 {
			go func() {
				_, err := f.Invoke(t.Context(), call("get"))
				errs <- err
			}()
		}
		var failed []error
		for range 3 {
			if err := <-errs; err != nil {
				failed = append(failed, err)
			}
		}
		if len(failed) != 1 {
			t.Fatalf("failed %v, want the third that would have waited 2 s", failed)
		}
		refused(t, failed[0], invoker.CodeExhausted, "none of 1 calls ended in the 1.5s", "Wait")

		go func() { _, err := f.Invoke(t.Context(), call("get")); errs <- err }()
		synctest.Wait()
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := f.Invoke(gone, call("get"))
		refused(t, err, invoker.CodeCanceled)
		<-errs
	})
}

func TestRateBegins(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		next := &answers{}
		p, f := protected(t, Config{Limits: Limits{Rate: 3, Per: 500 * time.Millisecond}}, next)
		for period := range 2 {
			for n := range 3 {
				if _, err := f.Invoke(t.Context(), call("get")); err != nil {
					t.Fatalf("period %d, call %d: %v", period, n, err)
				}
			}
			_, err := f.Invoke(t.Context(), call("get"))
			refused(t, err, invoker.CodeExhausted, "more than 3 calls in 500ms", "protect.Limits.Rate", "DUBBOFN_CALL_RATE")
			time.Sleep(500 * time.Millisecond)
		}
		if s := p.Stats()["get"]; next.calls != 6 || s.TooFast != 2 {
			t.Errorf("%d calls got through, stats %+v; want 6 and 2 refused", next.calls, s)
		}
	})
}

func TestBreaker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		next := &answers{}
		p, f := protected(t, Config{Limits: Limits{Breaker: Breaker{Percent: 50, Calls: 10, Window: 10 * time.Second, Open: 4 * time.Second, Trials: 2}}}, next)
		run := func(n int, err error) (last error) {
			next.err = err
			for range n {
				_, last = f.Invoke(t.Context(), call("get"))
			}
			return last
		}
		for name, harmless := range map[string]error{
			"what the method threw":    &invoker.Exception{Class: "org.example.NoUser"},
			"what a Go function says":  errors.New("no such user"),
			"a caller who went":        invoker.Errorf(invoker.CodeCanceled, "call", "canceled"),
			"a caller without a token": invoker.Errorf(invoker.CodeUnauthenticated, "call", "token"),
		} {
			run(20, harmless)
			if s := p.Stats()["get"]; s.Breaker != "closed" {
				t.Fatalf("%s: the breaker is %s", name, s.Breaker)
			}
		}
		time.Sleep(11 * time.Second) // nothing of that is in the window any more
		run(5, nil)
		run(5, unavailable())
		err := run(1, nil)
		refused(t, err, invoker.CodeUnavailable, "circuit breaker is open for 4s more", "50 % or more", "within 10s", "protect.Limits.Breaker")
		if s := p.Stats()["get"]; s.Opened != 1 || s.Broken != 1 || s.Breaker != "open" {
			t.Errorf("stats %+v; want it open", s)
		}

		time.Sleep(4 * time.Second)
		run(1, unavailable())
		if s := p.Stats()["get"]; s.Opened != 2 {
			t.Errorf("a failed trial left it %s, opened %d times", s.Breaker, s.Opened)
		}
		time.Sleep(4 * time.Second)
		if err := run(2, nil); err != nil || p.Stats()["get"].Breaker != "closed" {
			t.Errorf("after two good trials: %v, %+v", err, p.Stats()["get"])
		}
	})
}

// TestTrialsEnd is about trial calls whose end says nothing: their places must come back.
func TestTrialsEnd(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(context.Context) error{
		"the caller went": func(context.Context) error { return invoker.Errorf(invoker.CodeCanceled, "call", "canceled") },
		"a filter panics": func(context.Context) error { panic("a filter of the user's") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				next := &answers{err: unavailable()}
				_, f := protected(t, Config{Limits: Limits{Breaker: Breaker{Percent: 1, Calls: 1, Open: time.Second, Trials: 1}, Concurrency: 1}}, next)
				invoke := func() (err error) {
					defer func() { _ = recover() }()
					_, err = f.Invoke(t.Context(), call("get"))
					return err
				}
				_ = invoke()
				for range 3 {
					time.Sleep(time.Second)
					next.do = end
					_ = invoke()
				}
				time.Sleep(time.Second)
				next.do, next.err = nil, nil
				if err := invoke(); err != nil {
					t.Errorf("a good trial after that: %v", err)
				}
			})
		})
	}
}

// TestOnlyTrialsAreCountedAsSuch: a call that began before the breaker opened, or as a trial of an earlier time, says nothing of whether
// it may close, however it ends.
func TestOnlyTrialsAreCountedAsSuch(t *testing.T) {
	t.Parallel()
	gone := invoker.Errorf(invoker.CodeCanceled, "call", "canceled")
	for name, end := range map[string]error{"failed": unavailable(), "gone": gone, "good": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				next := &answers{}
				p, f := protected(t, Config{Limits: Limits{Breaker: Breaker{Percent: 50, Calls: 2, Open: time.Second, Trials: 2}}}, next)
				invoke := func(err error) error {
					next.do, next.err = nil, err
					_, err = f.Invoke(t.Context(), call("get"))
					return err
				}
				slow := func(err error) (finish func()) {
					free, done := make(chan struct{}), make(chan struct{})
					next.do = func(context.Context) error { <-free; return err }
					go func() { defer close(done); _, _ = f.Invoke(t.Context(), call("get")) }()
					synctest.Wait()
					return func() { close(free); <-done }
				}
				state := func(want string) {
					t.Helper()
					if got := p.Stats()["get"].Breaker; got != want {
						t.Errorf("the breaker is %s, want %s", got, want)
					}
				}
				before := []func(){slow(end), slow(end), slow(end)}
				_, _ = invoke(unavailable()), invoke(unavailable())
				state("open")
				time.Sleep(time.Second)
				old := slow(end) // a trial
				state("half-open")
				before[0]()
				state("half-open")
				before[1]()
				state("half-open")
				_ = invoke(unavailable())
				state("open")
				time.Sleep(time.Second)
				if err := invoke(nil); err != nil {
					t.Errorf("a trial: %v", err)
				}
				old()
				before[2]()
				state("half-open")
				if err := invoke(nil); err != nil {
					t.Errorf("the other trial: %v", err)
				}
				state("closed")
			})
		})
	}
}

func TestFallbackAnswers(t *testing.T) {
	t.Parallel()
	next := &answers{}
	fallback := func(_ context.Context, inv *invoker.Invocation, err error) (invoker.Result, error) {
		if inv.Method == "strict" {
			return invoker.Result{}, err
		}
		return invoker.Result{Value: "instead"}, nil
	}
	p, f := protected(t, Config{Limits: Limits{Fallback: fallback}}, next)
	thrown := &invoker.Exception{Class: "org.example.NoUser"}
	for _, tt := range []struct {
		method string
		err    error
		value  any
		want   error
	}{
		{"get", nil, "real", nil},
		{"get", unavailable(), "instead", nil},
		{"get", thrown, nil, thrown},
	} {
		next.err = tt.err
		res, err := f.Invoke(t.Context(), call(tt.method))
		if !errors.Is(err, tt.want) || tt.want == nil && res.Value != tt.value {
			t.Errorf("%v: got %v, %v; want %v, %v", tt.err, res.Value, err, tt.value, tt.want)
		}
	}
	next.err = unavailable()
	if _, err := f.Invoke(t.Context(), call("strict")); !errors.Is(err, next.err) {
		t.Errorf("a fallback that gives the error back: %v", err)
	}
	if s := p.Stats()["get"]; s.Fallbacks != 1 {
		t.Errorf("stats %+v; want 1 fallback", s)
	}
}

func TestAMethodsLimitsSayWhatTheyLeaveOpenAsTheOthers(t *testing.T) {
	t.Parallel()
	common := Limits{Concurrency: 8, Wait: time.Second, Rate: 100, Per: time.Minute, Breaker: Breaker{Percent: 50, Calls: 7, Window: time.Minute}}
	for name, tt := range map[string]struct{ own, want Limits }{
		"nothing":     {Limits{}, common},
		"all":         {Limits{Concurrency: 1, Wait: 2, Rate: 3, Per: 4, Breaker: Breaker{Percent: 5, Calls: 6, Window: 7, Open: 8, Trials: 9}}, Limits{Concurrency: 1, Wait: 2, Rate: 3, Per: 4, Breaker: Breaker{Percent: 5, Calls: 6, Window: 7, Open: 8, Trials: 9}}},
		"its wait":    {Limits{Wait: time.Hour}, Limits{Concurrency: 8, Wait: time.Hour, Rate: 100, Per: time.Minute, Breaker: common.Breaker}},
		"its time":    {Limits{Per: time.Hour}, Limits{Concurrency: 8, Wait: time.Second, Rate: 100, Per: time.Hour, Breaker: common.Breaker}},
		"its breaker": {Limits{Breaker: Breaker{Percent: 90, Open: time.Hour}}, Limits{Concurrency: 8, Wait: time.Second, Rate: 100, Per: time.Minute, Breaker: Breaker{Percent: 90, Calls: 7, Window: time.Minute, Open: time.Hour}}},
	} {
		if diff := cmp.Diff(tt.want, tt.own.over(common)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestMadeUpMethodsDontGrowWithoutEnd(t *testing.T) {
	t.Parallel()
	p, f := protected(t, Config{Limits: Limits{Rate: 1000000}, Methods: map[string]Limits{"late": {Rate: 1}}}, &answers{})
	for i := range maxMethods + 100 {
		inv := &invoker.Invocation{Method: "$invoke", Args: []any{"m" + string(rune('a'+i%26)) + strings.Repeat("x", i/26), nil, nil}}
		if _, err := f.Invoke(t.Context(), inv); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(p.Stats()); n != maxMethods {
		t.Errorf("%d methods are remembered, want %d", n, maxMethods)
	}
	if _, err := f.Invoke(t.Context(), call("late")); err != nil {
		t.Fatal(err)
	}
	_, err := f.Invoke(t.Context(), call("late"))
	refused(t, err, invoker.CodeExhausted, "more than 1 calls in 1s")
}

func TestSettingsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	_, err := New(Config{
		Limits:  Limits{Concurrency: -1, Rate: -2, Per: time.Microsecond, Wait: -1},
		Methods: map[string]Limits{"get": {Breaker: Breaker{Percent: 101, Calls: -1, Window: 1}}},
	})
	if err == nil {
		t.Fatal("taken")
	}
	for _, want := range []string{"concurrency -1", "rate -2", "per 1µs", "wait -1ns", "method get: ", "101 percent: want 1 to 100", "-1 calls", "window 1ns"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q lacks %q", err, want)
		}
	}
}

func TestBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(20)
		spend := func() (n int) {
			for b.Retry() {
				n++
			}
			return n
		}
		if n := spend(); n != retrySaved+retryFloor {
			t.Errorf("%d retries at the start, want %d saved and %d for this second", n, retrySaved, retryFloor)
		}
		for range 100 {
			b.Call()
		}
		if n := spend(); n != 20 {
			t.Errorf("%d retries for 100 calls, want 20", n)
		}
		time.Sleep(time.Second)
		if n := spend(); n != retryFloor {
			t.Errorf("%d retries in a second without calls, want %d", n, retryFloor)
		}
		for range 1000000 {
			b.Call()
		}
		if n := spend(); n != retrySaved {
			t.Errorf("%d retries saved, want at most %d", n, retrySaved)
		}
	})
}

func BenchmarkFilter(b *testing.B) {
	next := invoker.Func(func(context.Context, *invoker.Invocation) (invoker.Result, error) { return invoker.Result{}, nil })
	breaker := Breaker{Percent: 50}
	for name, l := range map[string]Limits{
		"none": {}, "concurrency": {Concurrency: 1000}, "rate": {Rate: 1 << 30}, "breaker": {Breaker: breaker},
		"all": {Concurrency: 1000, Rate: 1 << 30, Breaker: breaker},
	} {
		b.Run(name, func(b *testing.B) {
			_, f := protected(b, Config{Limits: l}, next)
			inv := call("get")
			b.ReportAllocs()
			for b.Loop() {
				_, _ = f.Invoke(b.Context(), inv)
			}
		})
	}
}

func BenchmarkBudget(b *testing.B) {
	budget := NewBudget(20)
	b.ReportAllocs()
	for b.Loop() {
		budget.Call()
	}
}
