package deliver_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"go.uber.org/goleak"

	"github.com/dubbofn/dubbofn/internal/deliver"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// says gives the outcomes one after the other, the last one for ever.
func says(outcomes ...deliver.Outcome) (h deliver.Handler, calls *int) {
	n := 0
	return func(context.Context, event.Event) deliver.Result {
		r := deliver.Result{Outcome: outcomes[min(n, len(outcomes)-1)], Reason: "because"}
		n++
		return r
	}, &n
}

func TestATryIsJudgedByItsOutcome(t *testing.T) {
	t.Parallel()
	const h, r, a, b = deliver.Handled, deliver.Refused, deliver.Again, deliver.Busy
	for name, c := range map[string]struct {
		outcomes   []deliver.Outcome
		tried      int
		inPlace    bool
		done, dead bool
		calls      int
	}{
		"handled":                      {[]deliver.Outcome{h}, 0, false, true, false, 1},
		"refused":                      {[]deliver.Outcome{r}, 0, false, false, true, 1},
		"again, to come back":          {[]deliver.Outcome{a}, 0, false, false, false, 1},
		"again, in place":              {[]deliver.Outcome{a, a, h}, 0, true, true, false, 3},
		"again too often":              {[]deliver.Outcome{a}, 0, true, false, true, 5},
		"again too often, over all":    {[]deliver.Outcome{a}, 4, false, false, true, 1},
		"busy counts as no try":        {[]deliver.Outcome{b, b, b, b, b, b, b, b, h}, 4, false, true, false, 9},
		"refused after another came":   {[]deliver.Outcome{b, a, r}, 0, true, false, true, 3},
		"handled at the last possible": {[]deliver.Outcome{a, a, a, a, h}, 0, true, true, false, 5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				handle, calls := says(c.outcomes...)
				w := deliver.New(deliver.Config{Concurrency: 1, Attempts: 5, FirstWait: time.Second, LongestWait: time.Minute}, handle)
				v := w.Settle(t.Context(), event.New(), c.tried, c.inPlace, nil)
				if v.Done != c.done || v.Dead != c.dead || *calls != c.calls {
					t.Errorf("done %v, dead %v after %d calls; want %v, %v, %d", v.Done, v.Dead, *calls, c.done, c.dead, c.calls)
				}
				if !v.Done && !v.Dead && v.Later <= 0 {
					t.Error("it comes again without a rest")
				}
			})
		})
	}
}

func TestWithoutALimitAnEventIsNeverGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		handle, calls := says(deliver.Again)
		w := deliver.New(deliver.Config{Concurrency: 1, FirstWait: time.Second, LongestWait: time.Minute}, handle)
		go func() {
			time.Sleep(24 * time.Hour)
			w.Stop()
		}()
		v := w.Settle(t.Context(), event.New(), 0, true, nil)
		if v.Done || v.Dead {
			t.Errorf("done %v, dead %v; want neither", v.Done, v.Dead)
		}
		if *calls < 1440 || *calls > 1440*4/3+10 {
			t.Errorf("%d tries in a day, want one or a little more a minute", *calls)
		}
	})
}

func TestNothingIsTriedOnceItStops(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		handle, calls := says(deliver.Busy)
		w := deliver.New(deliver.Config{Concurrency: 1, Attempts: 3, FirstWait: time.Hour, LongestWait: time.Hour}, handle)
		var v deliver.Verdict
		w.Add("a", func() { v = w.Settle(t.Context(), event.New(), 1, true, nil) })
		time.Sleep(time.Minute)
		w.Stop()
		w.Wait()
		before := *calls
		if v.Done || v.Dead || v.Tries != 1 {
			t.Errorf("%+v, want an event that may come again, tried once", v)
		}
		if v := w.Settle(t.Context(), event.New(), 0, true, nil); v.Done || v.Dead || *calls != before {
			t.Errorf("tried after the end: %+v", v)
		}
	})
}

func TestACallThatWeEndedIsNotTheEventsFault(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := deliver.New(deliver.Config{Concurrency: 1, Attempts: 1, FirstWait: 1, LongestWait: 1}, func(ctx context.Context, _ event.Event) deliver.Result {
			<-ctx.Done()
			return deliver.Result{Outcome: deliver.Again}
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if v := w.Settle(ctx, event.New(), 0, true, nil); v.Done || v.Dead || v.Tries != 0 {
			t.Errorf("%+v, want an event that may come again, not tried", v)
		}
	})
}

func TestWhatMustSucceedIsTriedUntilItDoes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := deliver.New(deliver.Config{Concurrency: 1, FirstWait: time.Second, LongestWait: time.Minute}, nil)
		n := 0
		if !w.Persist(nil, func() error {
			if n++; n < 20 {
				return errors.New("the broker is away")
			}
			return nil
		}) || n != 20 {
			t.Errorf("gave up after %d", n)
		}
		drop := make(chan struct{})
		close(drop)
		if w.Persist(drop, func() error { return errors.New("still away") }) {
			t.Error("succeeded without having done so")
		}
	})
}

func TestADeadLetterIsTheEventWithItsReason(t *testing.T) {
	t.Parallel()
	e := event.New()
	e.SetID("1")
	e.SetSource("/s")
	e.SetType("t")
	e.SetExtension("sw8", "x")
	d := deliver.Dead(e, "kafka://h/orders", deliver.Result{Code: 400, Reason: "no such method"})
	want := map[string]any{"sw8": "x", "knativeerrordest": "kafka://h/orders", "knativeerrorcode": "400", "knativeerrordata": "bm8gc3VjaCBtZXRob2Q="}
	for k, v := range want {
		if d.Extensions()[k] != v {
			t.Errorf("%s is %v, want %v", k, d.Extensions()[k], v)
		}
	}
	if len(e.Extensions()) != 1 {
		t.Error("the event was changed")
	}
}
