package leases_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/dubbofn/dubbofn/internal/leases"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestAClaimIsRenewedUntilItIsGivenUpOrItsTimeIsOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := leases.New(t.Context(), time.Second)
		defer k.Close()
		var given, over, failing atomic.Int64
		count := func(n *atomic.Int64, err error) func(context.Context) error {
			return func(context.Context) error {
				n.Add(1)
				return err
			}
		}
		end := k.Keep(time.Hour, count(&given, nil))
		k.Keep(3500*time.Millisecond, count(&over, nil))
		defer k.Keep(time.Hour, count(&failing, errors.New("away")))()
		time.Sleep(2500 * time.Millisecond)
		end()
		end()
		time.Sleep(time.Minute)
		if given.Load() != 2 || over.Load() != 3 || failing.Load() != 62 {
			t.Errorf("renewed %d, %d and %d times; want 2, 3 and 62", given.Load(), over.Load(), failing.Load())
		}
	})
}

func TestARenewalThatHangsHoldsUpNobodyForLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := leases.New(t.Context(), time.Second)
		var n atomic.Int64
		defer k.Keep(time.Hour, func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		})()
		defer k.Keep(time.Hour, func(context.Context) error {
			n.Add(1)
			return nil
		})()
		time.Sleep(10500 * time.Millisecond)
		if n.Load() < 5 {
			t.Errorf("renewed %d times in 10 s", n.Load())
		}
		k.Close()
		k.Close()
	})
}
