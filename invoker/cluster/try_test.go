package cluster

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dubbofn/dubbofn/invoker"
)

// TestTryTimeoutLeavesTimeForAnother has a provider that answers nothing, the first of those that a call tries.
func TestTryTimeoutLeavesTimeForAnother(t *testing.T) {
	t.Parallel()
	hangs := func(ctx context.Context, _ *invoker.Invocation) (invoker.Result, error) {
		<-ctx.Done()
		return invoker.Result{}, &invoker.Error{Code: invoker.CodeTimeout, Err: context.Cause(ctx), MaybeExecuted: true}
	}
	for _, tt := range []struct {
		name  string
		n     int // providers, all of which but the last hang
		c     Config
		m     MethodConfig
		took  time.Duration
		fails bool
	}{
		{name: "idempotent", n: 2, m: MethodConfig{Idempotent: true}, took: 100 * time.Millisecond},
		{name: "the method's own", n: 2, m: MethodConfig{Idempotent: true, TryTimeout: 50 * time.Millisecond}, took: 50 * time.Millisecond},
		{name: "three", n: 3, m: MethodConfig{Idempotent: true}, took: 200 * time.Millisecond},
		{name: "four, of which three may be tried: the last has all the time", n: 4, m: MethodConfig{Idempotent: true}, took: time.Second, fails: true},
		{name: "it may not run twice", n: 2, took: time.Second, fails: true},
		{name: "failfast", n: 2, c: Config{Cluster: "failfast"}, m: MethodConfig{Idempotent: true}, took: time.Second, fails: true},
		{name: "no budget: it waits on", n: 2, c: Config{Budget: none{}}, m: MethodConfig{Idempotent: true}, took: time.Second, fails: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := network(t, tt.n)
				for _, h := range d.all[:tt.n-1] {
					h.answer = hangs
				}
				var tries []Try
				tt.c.TryTimeout, tt.c.Methods = 100*time.Millisecond, map[string]MethodConfig{"get": tt.m}
				tt.c.OnTry = func(e Try) { tries = append(tries, e) }
				cl := d.cluster(tt.c)
				cl.rand = drawn(0, 1, 2)
				begin := time.Now()
				res, err := cl.Invoke(t.Context(), call())
				if took := time.Since(begin); took != tt.took {
					t.Errorf("the call took %v, want %v", took, tt.took)
				}
				if code, _ := invoker.CodeOf(err); tt.fails && code != invoker.CodeTimeout || !tt.fails && (err != nil || res.Value != d.all[tt.n-1].name) {
					t.Errorf("got %v, %v", res.Value, err)
				}
				var sum time.Duration
				for i, e := range tries {
					if last := i == len(tries)-1; last != (e.Err == nil) && !tt.fails || e.Method != call().Method || e.Address != d.all[i].name {
						t.Errorf("try %d is told as %+v", i, e)
					}
					sum += e.Took
				}
				if sum != tt.took {
					t.Errorf("the tries took %v, want %v: %+v", sum, tt.took, tries)
				}
			})
		})
	}
}

// TestTryGoesOnWhereTheBudgetAllowsNoOther has providers that are slow because they are overloaded.
func TestTryGoesOnWhereTheBudgetAllowsNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := network(t, 2)
		for _, h := range d.all {
			h.answer = func(ctx context.Context, _ *invoker.Invocation) (invoker.Result, error) {
				select {
				case <-time.After(300 * time.Millisecond):
					return invoker.Result{}, nil
				case <-ctx.Done():
					return invoker.Result{}, &invoker.Error{Code: invoker.CodeTimeout, Err: context.Cause(ctx), MaybeExecuted: true}
				}
			}
		}
		cl := d.cluster(idempotent(Config{TryTimeout: 100 * time.Millisecond, Budget: none{}}))
		begin := time.Now()
		if _, err := cl.Invoke(t.Context(), call()); err != nil || time.Since(begin) != 300*time.Millisecond || cl.Stats().Retries != 0 || cl.Stats().Spared != 1 {
			t.Errorf("%v after %v, %+v; want an answer after 300ms", err, time.Since(begin), cl.Stats())
		}
	})
}

// none is a budget without retries.
type none struct{}

func (none) Call()       {}
func (none) Retry() bool { return false }

// TestTriesWithoutAConnectionAreTold is about a provider that refuses connections.
func TestTriesWithoutAConnectionAreTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := network(t, 1)
		d.all[0].mu.Lock()
		d.all[0].refuses = true
		d.all[0].mu.Unlock()
		_ = d.all[0].Close()
		var tries []Try
		cl := d.cluster(Config{OnTry: func(e Try) { tries = append(tries, e) }, Retries: new(0)})
		synctest.Wait()
		if _, err := cl.Invoke(t.Context(), call()); err == nil {
			t.Error("a call succeeded without a connection")
		}
		if len(tries) != 1 || tries[0].Address != d.all[0].name {
			t.Fatalf("got %+v, want one try", tries)
		}
		if code, _ := invoker.CodeOf(tries[0].Err); code != invoker.CodeUnavailable {
			t.Errorf("got %v, want it to say that there was no connection", tries[0].Err)
		}
	})
}

// Whoever kept the call for all its time has its last words: another try would only be cut off.
func TestACallThatWasKeptForAllItsTimeIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		left  time.Duration
		ran   bool
		tries int
	}{
		"it did not run":        {50 * time.Millisecond, false, 1},
		"it may have run":       {50 * time.Millisecond, true, 1},
		"there is time for two": {time.Second, true, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := network(t, 2)
				for _, h := range d.all {
					h.answer = func(ctx context.Context, _ *invoker.Invocation) (invoker.Result, error) {
						end, _ := ctx.Deadline()
						time.Sleep(time.Until(end) - x.left)
						x.left /= 20
						return invoker.Result{}, &invoker.Error{Code: invoker.CodeTimeout, Err: errors.New("it did not answer"), Remote: true, MaybeExecuted: x.ran}
					}
				}
				tries := 0
				cl := d.cluster(Config{Timeout: 3 * time.Second, OnTry: func(Try) { tries++ }, Methods: map[string]MethodConfig{"get": {Idempotent: true}}})
				_, err := cl.Invoke(t.Context(), call())
				var e *invoker.Error
				if tries != x.tries || !errors.As(err, &e) || e.MaybeExecuted != x.ran || !strings.Contains(err.Error(), "it did not answer") {
					t.Errorf("%d tries: %v", tries, err)
				}
			})
		})
	}
}
