package lanes_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/dubbofn/dubbofn/internal/lanes"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestJobsOfOneKeyRunInOrderAndThoseOfOthersBesideThem(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := lanes.New(10)
		var mu sync.Mutex
		got := map[string][]int{}
		for i := range 5 {
			for _, key := range []string{"a", "b"} {
				l.Add(key, func() {
					time.Sleep(time.Second)
					mu.Lock()
					defer mu.Unlock()
					got[key] = append(got[key], i)
				})
			}
		}
		begun := time.Now()
		l.Wait()
		if d := time.Since(begun); d != 5*time.Second {
			t.Errorf("two keys of five jobs of a second took %v, want 5s", d)
		}
		want := []int{0, 1, 2, 3, 4}
		if d := cmp.Diff(map[string][]int{"a": want, "b": want}, got); d != "" {
			t.Error(d)
		}
	})
}

func TestJobsWithoutAKeyWaitForNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := lanes.New(10)
		begun := time.Now()
		for range 10 {
			l.Add("", func() { time.Sleep(time.Second) })
		}
		l.Wait()
		if d := time.Since(begun); d != time.Second {
			t.Errorf("took %v, want 1s", d)
		}
	})
}

func TestNoMoreThanTheLimitAreInside(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := lanes.New(2)
		begun := time.Now()
		for range 10 {
			l.Add("", func() {
				if !l.Enter(nil, nil) {
					t.Error("stopped, though nobody did")
					return
				}
				defer l.Leave()
				time.Sleep(time.Second)
			})
		}
		stopped := make(chan struct{})
		close(stopped)
		if l.Enter(stopped, nil) || l.Enter(nil, stopped) {
			t.Error("entered after the end")
		}
		l.Wait()
		if d := time.Since(begun); d != 5*time.Second {
			t.Errorf("took %v, want 5s", d)
		}
	})
}
