package cold

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func targets(names ...string) (all []WarmTarget) {
	for _, n := range names {
		name, required := strings.CutSuffix(n, "!")
		all = append(all, WarmTarget{name, required})
	}
	return all
}

// after makes each target warm after its time; one of 0 fails at once.
func after(times map[string]time.Duration) func(context.Context, string) error {
	return func(ctx context.Context, name string) error {
		if times[name] == 0 {
			return errors.New("refused")
		}
		select {
		case <-time.After(times[name]):
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func names(missing map[string]error) string {
	return strings.Join(slices.Sorted(maps.Keys(missing)), " ")
}

func TestWarmerWaitsForTargetsWithinItsBudget(t *testing.T) {
	t.Parallel()
	ms := time.Millisecond
	for name, c := range map[string]struct {
		times   map[string]time.Duration
		waited  time.Duration
		missing string
	}{
		"all come":         {map[string]time.Duration{"a": 20 * ms, "b": 120 * ms, "c": 1 * ms}, 120 * ms, ""},
		"one fails":        {map[string]time.Duration{"a": 20 * ms, "b": 0}, 20 * ms, "b"},
		"one takes longer": {map[string]time.Duration{"a": 20 * ms, "b": time.Second}, 300 * ms, "b"},
		"none":             {nil, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				w := Warm(t.Context(), targets(slices.Sorted(maps.Keys(c.times))...), after(c.times), WarmConfig{})
				defer w.Close()
				missing := w.Wanted(t.Context())
				if got := names(missing); got != c.missing || time.Since(begin) != c.waited {
					t.Errorf("after %v: missing %q; want %v, %q", time.Since(begin), got, c.waited, c.missing)
				}
				if err := w.Required(t.Context()); err != nil {
					t.Error(err)
				}
				time.Sleep(time.Second) // the rest comes after
				if left := names(w.Missing()); left != "" && c.times[left] != 0 {
					t.Errorf("still missing: %q", left)
				}
			})
		})
	}
}

func TestWarmerTriesRequiredTargetsUntilTheyAreWarm(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var tries atomic.Int32
		begin := time.Now()
		w := Warm(t.Context(), targets("db!", "cache", "db"), func(_ context.Context, name string) error {
			if name == "cache" || tries.Add(1) == 5 {
				return nil
			}
			return errors.New("refused")
		}, WarmConfig{})
		defer w.Close()
		if missing := w.Wanted(t.Context()); names(missing) != "db" || missing["db"].Error() != "refused" {
			t.Errorf("got %v", missing)
		}
		if err := w.Required(t.Context()); err != nil {
			t.Error(err)
		}
		if took := time.Since(begin); took != (50+100+200+400)*time.Millisecond || tries.Load() != 5 {
			t.Errorf("after %v and %d tries", took, tries.Load())
		}
	})
}

func TestWarmerSaysWhichRequiredTargetIsMissing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := Warm(t.Context(), targets("db!"), after(nil), WarmConfig{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := w.Required(ctx); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "db") {
			t.Errorf("got %v", err)
		}
		w.Close()
	})
}

func TestWarmerWarmsAFewAtATimeAndEndsWithClose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var running, most atomic.Int32
		w := Warm(t.Context(), targets("a", "b", "c", "d", "e"), func(ctx context.Context, _ string) error {
			most.Store(max(most.Load(), running.Add(1)))
			defer running.Add(-1)
			<-ctx.Done()
			return context.Cause(ctx)
		}, WarmConfig{AtOnce: 2, Budget: time.Second})
		if missing := w.Wanted(t.Context()); len(missing) != 5 {
			t.Errorf("missing %v", missing)
		}
		w.Close()
		if most.Load() != 2 {
			t.Errorf("%d at once, want 2", most.Load())
		}
	})
}
