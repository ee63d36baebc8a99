package cold_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dubbofn/dubbofn/cold"
)

func TestTargetServesACallerBeforeThoseThatNobodyWaitsFor(t *testing.T) {
	each(t, cold.PoolConfig{WarmAtOnce: 1}, func(t *testing.T, p *cold.Pool[*fake], peer *peer) {
		peer.takes = time.Second
		p.Hold("a:1").Warm()
		synctest.Wait()
		target := p.Hold("b:1")
		target.Warm()
		begin := time.Now()
		if _, err := target.Get(t.Context()); err != nil || time.Since(begin) != time.Second {
			t.Errorf("a call that came right after Warm waited %v: %v, want one attempt's time", time.Since(begin), err)
		}
	})
}

func TestTargetGivesTheSuccessorOfAConnectionThatEndedMeanwhile(t *testing.T) {
	each(t, cold.PoolConfig{}, func(t *testing.T, p *cold.Pool[*fake], _ *peer) {
		target := p.Hold("a:1")
		was, err := target.Get(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		p.Reset()
		synctest.Wait() // the successor is being dialled
		_ = was.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if c, err := target.Get(ctx); err != nil || c == was {
			t.Errorf("Get: %v, %v; want the successor", c, err)
		}
	})
}

// slowLog is a log whose reader is slow.
type slowLog struct{ slog.Handler }

func (slowLog) Enabled(context.Context, slog.Level) bool  { return true }
func (slowLog) Handle(context.Context, slog.Record) error { time.Sleep(10 * time.Second); return nil }

func TestTargetThatGivesUpKeepsNobodyWaiting(t *testing.T) {
	log := slog.New(slowLog{slog.DiscardHandler})
	each(t, cold.PoolConfig{GiveUpAfter: 1, Log: log}, func(t *testing.T, p *cold.Pool[*fake], peer *peer) {
		peer.fail(errors.New("refused"))
		target := p.Hold("a:1")
		target.Warm()
		time.Sleep(5 * time.Second) // it is about to give up
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := target.Get(ctx); err == nil || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Get: %v, want why there is no connection", err)
		}
	})
}

func TestTargetHasAllItsConnectionsAgainAfterSomeGaveUp(t *testing.T) {
	each(t, cold.PoolConfig{PerAddress: 3, GiveUpAfter: time.Minute}, func(t *testing.T, p *cold.Pool[*fake], peer *peer) {
		target := p.Hold("a:1")
		if _, err := target.Get(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		refused := errors.New("refused")
		peer.fail(refused)
		_ = peer.conns[1].Close()
		_ = peer.conns[2].Close()
		time.Sleep(10 * time.Minute)
		if s := p.Stat(); s.Open != 1 {
			t.Fatalf("%d connections, want the one that was not cut", s.Open)
		}
		peer.fail(nil)
		_ = peer.conns[0].Close()
		time.Sleep(time.Minute)
		if s := p.Stat(); s.Open != 3 {
			t.Errorf("%d connections to an address that answers again, want 3", s.Open)
		}
	})
}

func TestTargetGivesAnyConnectionThatLives(t *testing.T) {
	each(t, cold.PoolConfig{PerAddress: 2}, func(t *testing.T, p *cold.Pool[*fake], peer *peer) {
		target := p.Hold("a:1")
		if _, err := target.Get(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		peer.conns[0].leaving.Store(true)
		peer.conns[1].leaving.Store(true)
		c, err := target.Get(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		_ = c.Close()
		if other, err := target.Get(t.Context()); err != nil || other == c || time.Since(begin) > 0 {
			t.Errorf("Get: %v, %v after %v; want the other connection at once", other, err, time.Since(begin))
		}
	})
}

func TestPoolResetIsTriedAgainWhereThePeerDidNotAnswer(t *testing.T) {
	each(t, cold.PoolConfig{}, func(t *testing.T, p *cold.Pool[*fake], peer *peer) {
		target := p.Hold("a:1")
		was, err := target.Get(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		peer.fail(errors.New("refused"))
		p.Reset()
		time.Sleep(time.Second)
		if !target.Ready() {
			t.Error("not ready while there is no successor")
		}
		peer.fail(nil)
		time.Sleep(time.Minute)
		if c, ok := target.Conn(); !ok || c == was {
			t.Error("the connection was never replaced")
		}
		if dials, _ := peer.counts(); dials != 3 {
			t.Errorf("%d dials, want 3", dials)
		}
	})
}

func TestPoolSparesAPeerThatAcceptsAndCuts(t *testing.T) {
	each(t, cold.PoolConfig{}, func(t *testing.T, p *cold.Pool[*fake], peer *peer) {
		peer.takes = time.Millisecond
		target := p.Hold("a:1")
		for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
			if c, err := target.Get(t.Context()); err == nil {
				_ = c.Close()
			}
		}
		if dials, _ := peer.counts(); dials > 100 {
			t.Errorf("%d dials in ten seconds, want one in 100 ms at most", dials)
		}
	})
}

func TestTargetLetsCallersWaitForAPeerThatHasJustCut(t *testing.T) {
	each(t, cold.PoolConfig{}, func(t *testing.T, p *cold.Pool[*fake], peer *peer) {
		peer.takes = time.Millisecond
		target := p.Hold("a:1")
		for range 5 {
			begin := time.Now()
			c, err := target.Get(t.Context())
			if took := time.Since(begin); err != nil || took > 101*time.Millisecond {
				t.Errorf("got %v after %v, want a new connection within 101 ms", err, took)
				return
			}
			_ = c.Close()
			synctest.Wait()
		}
	})
}
