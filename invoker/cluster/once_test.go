package cluster

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dubbofn/dubbofn/invoker"
)

func TestFailbackEndsWhereALaterTryMayHaveRun(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		config Config
		calls  int64
	}{
		"it may not run twice": {Config{Cluster: "failback"}, 2},
		"idempotent":           {idempotent(Config{Cluster: "failback"}), 1 + failbackTries},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := network(t, 1)
				d.all[0].fails(notRun())
				cl := d.cluster(c.config)
				if _, err := cl.Invoke(t.Context(), call()); err != nil {
					t.Fatal(err)
				}
				d.all[0].fails(mayHaveRun())
				time.Sleep(time.Minute)
				if n := d.all[0].calls.Load(); n != c.calls {
					t.Errorf("%d calls, want %d", n, c.calls)
				}
				_ = cl.Close()
				_ = d.pool.Close()
			})
		})
	}
}

// TestErrorSaysThatTheCallMayHaveRunSomewhere is about calls whose last try surely did not run: one before it may have.
func TestErrorSaysThatTheCallMayHaveRunSomewhere(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		config Config
		first  error // of the first that is called
		others error
		want   bool
	}{
		"failover":                    {idempotent(Config{Retries: new(1)}), mayHaveRun(), notRun(), true},
		"failover, nowhere":           {idempotent(Config{}), notRun(), notRun(), false},
		"forking":                     {Config{Cluster: "forking"}, mayHaveRun(), notRun(), true},
		"forking, nowhere":            {Config{Cluster: "forking"}, notRun(), notRun(), false},
		"broadcast":                   {Config{Cluster: "broadcast"}, mayHaveRun(), notRun(), true},
		"broadcast, and one ran":      {Config{Cluster: "broadcast"}, nil, notRun(), true},
		"broadcast, and one threw":    {Config{Cluster: "broadcast"}, &invoker.Exception{Class: "org.example.BizException"}, notRun(), true},
		"broadcast, nowhere":          {Config{Cluster: "broadcast"}, notRun(), notRun(), false},
		"broadcast, and the last ran": {Config{Cluster: "broadcast"}, notRun(), nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := network(t, 2, map[string]string{"retries": "1"})
				d.all[0].fails(c.first)
				d.all[1].answer = func(context.Context, *invoker.Invocation) (invoker.Result, error) {
					time.Sleep(time.Second / 10)
					return invoker.Result{}, c.others
				}
				cl := d.cluster(c.config)
				cl.rand = func(int64) int64 { return 0 }
				_, err := cl.Invoke(t.Context(), call())
				var e *invoker.Error
				if !errors.As(err, &e) || e.MaybeExecuted != c.want {
					t.Errorf("error %v, want one that says MaybeExecuted %v", err, c.want)
				}
				_ = d.pool.Close()
			})
		})
	}
}

func TestClosedClusterBeginsNoForks(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"forking", "broadcast"} {
		d := network(t, 3)
		cl := d.cluster(Config{Cluster: name})
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for range 2000 {
					if _, err := cl.Invoke(t.Context(), call()); err != nil {
						return
					}
				}
			})
		}
		time.Sleep(10 * time.Millisecond)
		if err := cl.Close(); err != nil {
			t.Error(err)
		}
		wg.Wait()
		if _, err := cl.Invoke(t.Context(), call()); err == nil {
			t.Errorf("%s: a call succeeded after Close", name)
		}
	}
}

// TestOnlyTryWaitsForAConnectionAsLongAsTheCallMay has a strategy that tries no other provider.
func TestOnlyTryWaitsForAConnectionAsLongAsTheCallMay(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"failfast", "failsafe", "failback", "available"} {
		synctest.Test(t, func(t *testing.T) {
			d := unconnected(t, 2)
			for _, h := range d.all {
				h.slow = 700 * time.Millisecond
			}
			cl := d.cluster(Config{Cluster: name})
			res, err := cl.Invoke(t.Context(), call())
			if err != nil || res.Value == nil {
				t.Errorf("%s: %v, %v; want an answer once there is a connection", name, res.Value, err)
			}
			_ = cl.Close()
			_ = d.pool.Close()
		})
	}
}

func TestProviderThatJustBeganToTakeCallsIsSeen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := network(t, 20)
		for _, h := range d.all {
			h.leaving.Store(true)
		}
		cl := d.cluster(Config{})
		cl.rand = func(int64) int64 { return 0 }
		_, _ = cl.Invoke(t.Context(), call())
		d.all[19].leaving.Store(false)
		if res, err := cl.Invoke(t.Context(), call()); err != nil || res.Value != d.all[19].name {
			t.Errorf("%v, %v; want the only one that takes calls", res.Value, err)
		}
		_ = d.pool.Close()
	})
}

// TestShortestResponseCountsWhatTheMethodThrew, as Java does (ActiveLimitFilter.onResponse, 3.3.6): an exception is an answer.
func TestShortestResponseCountsWhatTheMethodThrew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := network(t, 2)
		takes := func(h *host, long time.Duration, err error) {
			h.answer = func(context.Context, *invoker.Invocation) (invoker.Result, error) {
				time.Sleep(long)
				return invoker.Result{}, err
			}
		}
		takes(d.all[0], 100*time.Millisecond, &invoker.Exception{Class: "org.example.BizException"})
		takes(d.all[1], 10*time.Millisecond, nil)
		cl := d.cluster(Config{LoadBalance: "shortestresponse"})
		for range 20 {
			_, _ = cl.Invoke(t.Context(), call())
		}
		if n := d.all[0].calls.Load(); n > 2 {
			t.Errorf("the slow one got %d of 20 calls", n)
		}
		_ = d.pool.Close()
	})
}
