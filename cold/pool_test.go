package cold_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/dubbofn/dubbofn/cold"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake is a connection that the test plays the peer of.
type fake struct {
	number   int
	leaving  atomic.Bool
	pings    atomic.Int64
	deaf     atomic.Bool
	finished atomic.Bool
	busy     atomic.Int64 // how long Finish takes
	once     sync.Once
	done     chan struct{}
}

func (f *fake) Available() bool {
	select {
	case <-f.done:
		return false
	default:
		return !f.leaving.Load()
	}
}
func (f *fake) Done() <-chan struct{} { return f.done }
func (f *fake) Close() error          { f.once.Do(func() { close(f.done) }); return nil }

func (f *fake) Ping(context.Context) error {
	f.pings.Add(1)
	if f.deaf.Load() {
		return errors.New("no answer")
	}
	return nil
}

func (f *fake) Finish(ctx context.Context) error {
	select {
	case <-time.After(time.Duration(f.busy.Load())):
		f.finished.Store(true)
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// peer is what a pool dials.
type peer struct {
	mu    sync.Mutex
	takes time.Duration
	err   error
	conns []*fake
	dials int
	seen  []any // the values under key{} that dials came with
}

type key struct{}

func (p *peer) dial(ctx context.Context, address string) (*fake, error) {
	p.mu.Lock()
	p.dials++
	p.seen = append(p.seen, ctx.Value(key{}))
	takes, err := p.takes, p.err
	p.mu.Unlock()
	select {
	case <-time.After(takes):
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", address, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	f := &fake{number: len(p.conns), done: make(chan struct{})}
	p.conns = append(p.conns, f)
	return f, nil
}

func (p *peer) fail(err error) { p.mu.Lock(); p.err = err; p.mu.Unlock() }

func (p *peer) counts() (dials, conns int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dials, len(p.conns)
}

// each runs a test in a bubble with a pool, which must end with nothing left.
func each(t *testing.T, c cold.PoolConfig, run func(t *testing.T, p *cold.Pool[*fake], peer *peer)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		peer := &peer{takes: 50 * time.Millisecond}
		p := cold.NewPool(peer.dial, c)
		run(t, p, peer)
		if err := p.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		if s := p.Stat(); s.Open != 0 || s.Dialling != 0 || s.Targets != 0 {
			t.Errorf("after Close: %+v", s)
		}
	})
}

func TestPoolDialsOnceForAllWhoWait(t *testing.T) {
	each(t, cold.PoolConfig{}, func(t *testing.T, p *cold.Pool[*fake], peer *peer) {
		target := p.Hold("a:1")
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				if c, err := target.Get(t.Context()); err != nil || c.number != 0 {
					t.Errorf("Get: %v, %v", c, err)
				}
			})
		}
		wg.Wait()
		if dials, _ := peer.counts(); dials != 1 {
			t.Errorf("%d dials, want 1", dials)
		}
		if p.Hold("a:1") != target {
			t.Error("the same address gave another target")
		}
		if !target.Ready() || target.State() != cold.Ready {
			t.Errorf("Ready %v, State %v", target.Ready(), target.State())
		}
	})
}

func TestPoolKeepsDiallingWhenTheCallerGivesUp(t *testing.T) {
	each(t, cold.PoolConfig{}, func(t *testing.T, p *cold.Pool[*fake], peer *peer) {
		target := p.Hold("a:1")
		ctx, cancel := context.WithTimeout(context.WithValue(t.Context(), key{}, "value"), 10*time.Millisecond)
		defer cancel()
		if _, err := target.Get(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Get: %v, want the caller's deadline", err)
		}
		time.Sleep(time.Second)
		if c, ok := target.Conn(); !ok || c.number != 0 {
			t.Errorf("Conn: %v, %v; want the connection that the first caller began", c, ok)
		}
		if peer.seen[0] != "value" {
			t.Errorf("dialled with value %v, want the caller's", peer.seen[0])
		}
	})
}

func TestPoolTellsEveryWaiterOfAFailureAndTriesAgainByItself(t *testing.T) {
	each(t, cold.PoolConfig{}, func(t *testing.T, p *cold.Pool[*fake], peer *peer) {
		refused := errors.New("refused")
		peer.fail(refused)
		target := p.Hold("a:1")
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				if _, err := target.Get(t.Context()); !errors.Is(err, refused) {
					t.Errorf("Get: %v, want refused", err)
				}
			})
		}
		wg.Wait()
		if target.State() != cold.Failing {
			t.Errorf("State %v, want failing", target.State())
		}
		peer.fail(nil)
		time.Sleep(time.Second)
		if !target.Ready() {
			t.Error("not connected again by itself")
		}
	})
}

func TestPoolSparesAnAddressThatHasJustFailed(t *testing.T) {
	each(t, cold.PoolConfig{BackoffMin: time.Second, BackoffMax: time.Hour}, func(t *testing.T, p *cold.Pool[*fake], peer *peer) {
		peer.fail(errors.New("refused"))
		target := p.Hold("a:1")
		for range 100 {
			if _, err := target.Get(t.Context()); err == nil {
				t.Fatal("Get gave a connection")
			}
		}
		if dials, _ := peer.counts(); dials != 1 {
			t.Errorf("%d dials, want 1", dials)
		}
		for dials := 1; dials < 3; dials, _ = peer.counts() { // it tries by itself meanwhile, with pauses that grow: 2 s at least now
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(1500 * time.Millisecond)
		before, _ := peer.counts()
		if _, err := target.Get(t.Context()); err == nil {
			t.Fatal("Get gave a connection")
		}
		if dials, _ := peer.counts(); dials != before+1 {
			t.Errorf("%d dials, want %d: a call after the pause tries at once", dials, before+1)
		}
	})
}

func TestPoolGivesUpAndBeginsAgainOnDemand(t *testing.T) {
	each(t, cold.PoolConfig{GiveUpAfter: time.Minute}, func(t *testing.T, p *cold.Pool[*fake], peer *peer) {
		peer.fail(errors.New("refused"))
		target := p.Hold("a:1")
		target.Warm()
		time.Sleep(time.Hour)
		dials, _ := peer.counts()
		if dials < 10 || dials > 40 || target.State() != cold.Idle {
			t.Errorf("%d dials in an hour, state %v", dials, target.State())
		}
		peer.fail(nil)
		if _, err := target.Get(t.Context()); err != nil {
			t.Errorf("Get: %v", err)
		}
	})
}

func TestPoolConnectsAgainAfterALossWithPauses(t *testing.T) {
	each(t, cold.PoolConfig{}, func(t *testing.T, p *cold.Pool[*fake], _ *peer) {
		target := p.Hold("a:1")
		for i := range 20 { // a peer that accepts and cuts at once
			c, err := target.Get(t.Context())
			if err != nil {
				t.Fatalf("Get %d: %v", i, err)
			}
			_ = c.Close()
			synctest.Wait()
			if target.Ready() {
				t.Fatal("Ready after the loss")
			}
			time.Sleep(10 * time.Second)
		}
		if s := p.Stat(); s.Ended < 20 || s.Open != 1 {
			t.Errorf("%+v", s)
		}
	})
}

func TestPoolPrefersConnectionsThatTakeWork(t *testing.T) {
	each(t, cold.PoolConfig{PerAddress: 3}, func(t *testing.T, p *cold.Pool[*fake], peer *peer) {
		target := p.Hold("a:1")
		begin := time.Now()
		if _, err := target.Get(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if _, conns := peer.counts(); conns != 3 || time.Since(begin) != 50*time.Millisecond {
			t.Errorf("%d connections after %v, want 3, dialled at the same time", conns, time.Since(begin))
		}
		peer.conns[1].leaving.Store(true)
		used := map[int]int{}
		for range 30 {
			c, ok := target.Conn()
			if !ok {
				t.Fatal("no connection")
			}
			used[c.number]++
		}
		if used[1] != 0 || used[0] < 10 || used[2] < 10 {
			t.Errorf("used %v", used)
		}
		peer.conns[0].leaving.Store(true)
		peer.conns[2].leaving.Store(true)
		if _, ok := target.Conn(); ok || target.State() != cold.Leaving {
			t.Errorf("Conn gave one that is leaving, or State is %v", target.State())
		}
		if _, err := target.Get(t.Context()); err != nil {
			t.Errorf("Get: %v, want one that is leaving, since there is no other", err)
		}
	})
}

func TestPoolReplacesAnOldConnectionBeforeItEndsTheOld(t *testing.T) {
	each(t, cold.PoolConfig{Lifetime: time.Minute, Jitter: 0.5}, func(t *testing.T, p *cold.Pool[*fake], _ *peer) {
		target := p.Hold("a:1")
		first, err := target.Get(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		first.busy.Store(int64(5 * time.Second))
		for range 70 {
			time.Sleep(time.Second)
			if !target.Ready() {
				t.Fatal("not ready in between")
			}
		}
		if c, _ := target.Conn(); c == first || !first.finished.Load() {
			t.Errorf("the old one is in use: %v; it finished: %v", c == first, first.finished.Load())
		}
	})
}

func TestPoolResetReplacesEveryConnection(t *testing.T) {
	each(t, cold.PoolConfig{}, func(t *testing.T, p *cold.Pool[*fake], _ *peer) {
		if err := p.Warm(t.Context(), "a:1", "b:1"); err != nil {
			t.Fatal(err)
		}
		a, b := p.Hold("a:1"), p.Hold("b:1")
		defer a.Release()
		defer b.Release()
		if err := p.Warm(t.Context(), "a:1", "b:1"); err != nil {
			t.Fatal(err)
		}
		wasA, _ := a.Conn()
		wasB, _ := b.Conn()
		p.Reset()
		if !a.Ready() || !b.Ready() {
			t.Error("not ready while the new ones are dialled")
		}
		time.Sleep(time.Second)
		isA, _ := a.Conn()
		isB, _ := b.Conn()
		if isA == wasA || isB == wasB || wasA.Available() || wasB.Available() {
			t.Error("an old connection is still there")
		}
	})
}

func TestPoolPingsOnlyWhatIsIdle(t *testing.T) {
	each(t, cold.PoolConfig{PingAfter: time.Minute}, func(t *testing.T, p *cold.Pool[*fake], _ *peer) {
		target := p.Hold("a:1")
		c, err := target.Get(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for range 10 {
			time.Sleep(30 * time.Second)
			target.Conn()
		}
		if n := c.pings.Load(); n != 0 {
			t.Errorf("%d pings on a connection in use", n)
		}
		time.Sleep(5 * time.Minute)
		if n := c.pings.Load(); n < 3 {
			t.Errorf("%d pings on an idle connection", n)
		}
		c.deaf.Store(true)
		time.Sleep(2 * time.Minute)
		if next, ok := target.Conn(); !ok || next == c || c.Available() {
			t.Error("a connection that does not answer is still there")
		}
	})
}

func TestPoolReleaseLetsWorkEnd(t *testing.T) {
	each(t, cold.PoolConfig{FinishTimeout: 3 * time.Second}, func(t *testing.T, p *cold.Pool[*fake], _ *peer) {
		one, other := p.Hold("a:1"), p.Hold("a:1")
		c, err := one.Get(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		c.busy.Store(int64(2 * time.Second))
		one.Release()
		time.Sleep(time.Minute)
		if !c.Available() {
			t.Fatal("ended while another holds it")
		}
		other.Release()
		time.Sleep(time.Second)
		if !c.Available() || other.Ready() {
			t.Error("ended at once, or still given away")
		}
		time.Sleep(2 * time.Second)
		if c.Available() || !c.finished.Load() {
			t.Error("not ended after its work")
		}
		if _, err := other.Get(t.Context()); !errors.Is(err, cold.ErrClosed) {
			t.Errorf("Get after the last Release: %v", err)
		}
	})
}

func TestPoolCloseEndsDialsAndWaiters(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		peer := &peer{takes: time.Hour}
		p := cold.NewPool(peer.dial, cold.PoolConfig{DialTimeout: 2 * time.Hour})
		target := p.Hold("a:1")
		got := make(chan error, 1)
		go func() { _, err := target.Get(t.Context()); got <- err }()
		synctest.Wait()
		_ = p.Close()
		_ = p.Close()
		if err := <-got; err == nil {
			t.Error("Get gave a connection after Close")
		}
		if _, err := p.Hold("b:1").Get(t.Context()); !errors.Is(err, cold.ErrClosed) {
			t.Errorf("Get of a closed pool: %v", err)
		}
	})
}

func TestPoolWarmsAFewAtATimeAndServesCallersFirst(t *testing.T) {
	each(t, cold.PoolConfig{WarmAtOnce: 10}, func(t *testing.T, p *cold.Pool[*fake], _ *peer) {
		var all []*cold.Target[*fake]
		for i := range 1000 {
			all = append(all, p.Hold(fmt.Sprint("a:", i)))
			all[i].Warm()
		}
		synctest.Wait()
		if s := p.Stat(); s.Dialling != 10 {
			t.Errorf("%d attempts at once, want 10", s.Dialling)
		}
		begin := time.Now()
		if _, err := all[999].Get(t.Context()); err != nil || time.Since(begin) != 50*time.Millisecond {
			t.Errorf("a call waited %v: %v", time.Since(begin), err)
		}
		time.Sleep(10 * time.Second)
		if s := p.Stat(); s.Ready != 1000 {
			t.Errorf("%d ready of 1000", s.Ready)
		}
	})
}

func TestPoolConfigNamesEveryFault(t *testing.T) {
	t.Parallel()
	err := cold.PoolConfig{PerAddress: -1, Jitter: 2, Lifetime: -1, BackoffMin: 2, BackoffMax: 1}.Validate()
	for _, want := range []string{"PerAddress", "jitter", "Lifetime", "BackoffMin"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Validate: %v; want it to name %s", err, want)
		}
	}
}

func BenchmarkTargetConn(b *testing.B) {
	peer := &peer{}
	p := cold.NewPool(peer.dial, cold.PoolConfig{})
	defer func() { _ = p.Close() }()
	target := p.Hold("a:1")
	if _, err := target.Get(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, ok := target.Conn(); !ok {
				b.Error("no connection")
			}
		}
	})
}

// TestNobodyWaitsForAnAttemptThatHasEnded has many ask for a connection just as it is made.
func TestNobodyWaitsForAnAttemptThatHasEnded(t *testing.T) {
	t.Parallel()
	for round := range 3000 {
		p := &peer{}
		pool := cold.NewPool(p.dial, cold.PoolConfig{})
		target := pool.Hold("10.0.0.1:20880")
		target.Warm()
		var wg sync.WaitGroup
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		for range 4 {
			wg.Go(func() {
				if _, err := target.Get(ctx); err != nil {
					t.Errorf("round %d: %v", round, err)
				}
			})
		}
		wg.Wait()
		cancel()
		if err := pool.Close(); err != nil {
			t.Fatal(err)
		}
		if t.Failed() {
			return
		}
	}
}
