package spool_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/dubbofn/dubbofn/internal/spool"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// backend takes batches of numbers, each of which is a span of as many bytes.
type backend struct {
	mu      sync.Mutex
	batches [][]int
	tries   int
	fail    error
}

func (b *backend) send(_ context.Context, batch []int) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tries++
	if b.fail == nil {
		b.batches = append(b.batches, batch)
	}
	return b.fail
}

func (b *backend) set(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fail = err
}

func (b *backend) sent() [][]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.batches)
}

func (b *backend) tried() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.tries
}

var errPoison = errors.New("poison")

func config(b *backend, log *bytes.Buffer) spool.Config[int] {
	return spool.Config[int]{
		Name: "test", Send: b.send, Weigh: func(n int) (spans, bytes int) { return 1, n },
		Refused: func(err error) bool { return errors.Is(err, errPoison) },
		Log:     slog.New(slog.NewTextHandler(log, nil)), Max: 10, MaxBytes: 100, Batch: 4, BatchBytes: 50,
	}
}

func TestBatchesAreFullOrWaitALittle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b backend
		s := spool.New(t.Context(), config(&b, &bytes.Buffer{}))
		for n := range 5 {
			s.Put(n)
		}
		synctest.Wait()
		if d := cmp.Diff([][]int{{0, 1, 2, 3}}, b.sent()); d != "" {
			t.Error(d)
		}
		time.Sleep(199 * time.Millisecond)
		if len(b.sent()) != 1 {
			t.Error("the rest did not wait")
		}
		time.Sleep(2 * time.Millisecond)
		s.Put(40)
		s.Put(11)
		s.Put(49)
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if d := cmp.Diff([][]int{{0, 1, 2, 3}, {4}, {40}, {11}, {49}}, b.sent()); d != "" {
			t.Error(d)
		}
		if st := s.Stats(); st != (spool.Stats{Sent: 8}) {
			t.Errorf("%+v", st)
		}
	})
}

func TestWhatHasNoRoomIsDroppedAndCounted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := backend{fail: errors.New("away")}
		var log bytes.Buffer
		s := spool.New(t.Context(), config(&b, &log))
		for range 20 {
			s.Put(1) // 10 have room
		}
		time.Sleep(5 * time.Minute)
		s.Put(1)
		if st := s.Stats(); st != (spool.Stats{Queued: 10, Dropped: 11}) {
			t.Errorf("%+v", st)
		}
		if tries := b.tried(); tries < 60 || tries > 400 {
			t.Errorf("%d tries in 5 minutes", tries)
		}
		b.set(nil)
		if err := s.Flush(t.Context()); err != nil {
			t.Error(err)
		}
		s.Put(60)
		s.Put(41) // over the weight
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if st := s.Stats(); st != (spool.Stats{Sent: 11, Dropped: 12}) {
			t.Errorf("%+v", st)
		}
		if lines := strings.Count(log.String(), "\n"); lines > 9 {
			t.Errorf("%d lines:\n%s", lines, &log)
		}
	})
}

func TestABatchThatIsItselfAtFaultIsGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := backend{fail: errPoison}
		s := spool.New(t.Context(), config(&b, &bytes.Buffer{}))
		for range 4 {
			s.Put(1)
		}
		if err := s.Flush(t.Context()); err != nil {
			t.Error(err)
		}
		if st := s.Stats(); st != (spool.Stats{Dropped: 4}) || b.tried() != 3 {
			t.Errorf("%+v after %d tries", st, b.tried())
		}
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestFlushAndCloseEndWithTheirContexts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := backend{fail: errors.New("away")}
		s := spool.New(t.Context(), config(&b, &bytes.Buffer{}))
		s.Put(1)
		begun := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.Flush(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if err := s.Close(ctx); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "1 spans") {
			t.Error(err)
		}
		if took := time.Since(begun); took > 1100*time.Millisecond {
			t.Errorf("it took %v", took)
		}
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if err := s.Flush(t.Context()); err != nil {
			t.Error(err)
		}
		if st := s.Stats(); st != (spool.Stats{Dropped: 1}) {
			t.Errorf("%+v", st)
		}
	})
}

func TestWhoeverBeginsToWaitEndsAPause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := backend{fail: errors.New("away")}
		s := spool.New(t.Context(), config(&b, &bytes.Buffer{}))
		s.Put(1)
		time.Sleep(time.Minute)
		b.set(nil)
		begun := time.Now()
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if took := time.Since(begun); took > 0 {
			t.Errorf("Close waited %v of a pause", took)
		}
	})
}
