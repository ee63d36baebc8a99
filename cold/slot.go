package cold

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

var errLost = errors.New("the connection was lost")

type pinger interface {
	Ping(ctx context.Context) error
}

type finisher interface {
	Finish(ctx context.Context) error
}

// slot keeps one of a target's connections.
type slot[C Conn] struct {
	t       *Target[C]
	values  context.Context
	patient bool            // no caller waits for the first attempt
	kick    <-chan struct{} // closed when a caller wants a connection that the last attempt did not make
}

// run connects and keeps connected until the target is let go, or nothing answers for too long.
func (s *slot[C]) run() {
	t, cfg := s.t, &s.t.pool.cfg
	defer s.leave()
	if s.patient && !s.queue() {
		return
	}
	var failing time.Time
	pause := cfg.BackoffMin
	for {
		c, err := s.dial()
		if s.patient {
			s.patient = false
			<-t.pool.room
		}
		s.values = t.ctx // the first caller's values are for the first attempt
		if err == nil {
			t.add(c)
		}
		s.kick = t.attempted(err)
		if err == nil {
			begin := time.Now()
			if !s.keep(c) {
				return
			}
			failing, err = time.Time{}, errLost
			lived := time.Since(begin)
			if lived > cfg.BackoffMax {
				pause = cfg.BackoffMin
			}
			// A peer that accepts and cuts is dialled no more often than one that refuses, however many calls wait for it.
			if !s.rest(cfg.BackoffMin - lived) {
				return
			}
		}
		now := time.Now()
		if failing.IsZero() {
			failing = now
		}
		if now.Sub(failing) >= cfg.GiveUpAfter {
			cfg.Log.Warn("cold: no more attempts to connect until there is a call", "address", t.address, "error", err, "failing", now.Sub(failing))
			return
		}
		if !s.pause(pause) {
			return
		}
		pause = min(2*pause, cfg.BackoffMax)
	}
}

// queue waits for its turn among the attempts that no caller waits for; false means that the target was let go meanwhile.
func (s *slot[C]) queue() bool {
	t := s.t
	select {
	case t.pool.room <- struct{}{}:
		return true
	case <-s.kick: // now one waits
		s.patient = false
		return true
	case <-t.ctx.Done():
		s.patient = false
		return false
	}
}

// leave ends the slot. With the last one the target is as it was before, but for what is known of it.
func (s *slot[C]) leave() {
	t := s.t
	t.mu.Lock()
	defer t.mu.Unlock()
	t.running--
	if t.running == 0 && t.live.Load() == nil {
		t.state.Store(uint32(Idle))
	}
	if t.released {
		t.failure = fmt.Errorf("connect to %s: %w", t.address, ErrClosed)
	}
	if t.running == 0 {
		t.attempts++ // who waits, waits for nobody
	}
	t.tell()
}

// dial makes one attempt.
func (s *slot[C]) dial() (C, error) {
	t, p := s.t, s.t.pool
	ctx, cancel := context.WithTimeoutCause(s.values, p.cfg.DialTimeout, fmt.Errorf("no connection within %v", p.cfg.DialTimeout))
	defer cancel()
	defer context.AfterFunc(t.ctx, cancel)()
	p.dials.Add(1)
	p.dialling.Add(1)
	defer p.dialling.Add(-1)
	c, err := p.dial(ctx, t.address)
	if err != nil {
		p.failures.Add(1)
		return c, fmt.Errorf("connect to %s: %w", t.address, err)
	}
	return c, nil
}

// rest waits for d; false means that the target was let go meanwhile.
func (s *slot[C]) rest(d time.Duration) bool { return s.wait(d, nil) }

// pause waits before the next attempt, until a caller wants it; false means that there is none.
func (s *slot[C]) pause(d time.Duration) bool { return s.wait(d/2+rand.N(d/2+1), s.kick) }

func (s *slot[C]) wait(d time.Duration, kick <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-kick:
	case <-s.t.ctx.Done():
		return false
	}
	return true
}

// keep gives a connection to those who ask until it ends, and replaces it when it is old. It tells whether to connect again.
func (s *slot[C]) keep(c C) bool {
	t := s.t
	lifetime := s.lifetime()
	for {
		switch s.watch(c, lifetime) {
		case lost:
			t.remove(c)
			t.pool.ended.Add(1)
			s.close(c)
			return true
		case released:
			t.remove(c)
			s.finish(c)
			return false
		case old:
			next, err := s.dial()
			if err != nil {
				t.pool.cfg.Log.Warn("cold: an old connection stays, for want of a new one", "address", t.address, "error", err)
				lifetime = t.pool.cfg.BackoffMax
				continue
			}
			lifetime = s.lifetime()
			t.pool.renewed.Add(1)
			t.add(next)
			t.remove(c)
			was := c
			t.pool.wg.Go(func() { s.finish(was) })
			c = next
		}
	}
}

// end is why a connection is no longer kept.
type end uint8

const (
	lost end = iota
	released
	old
)

// lifetime is how old the next connection may get; 0 means as old as it likes.
func (s *slot[C]) lifetime() time.Duration {
	cfg := &s.t.pool.cfg
	return cfg.Lifetime - time.Duration(rand.Float64()*cfg.Jitter*float64(cfg.Lifetime))
}

// watch waits until a connection has to go, and pings it meanwhile.
func (s *slot[C]) watch(c C, lifetime time.Duration) end {
	t, cfg := s.t, &s.t.pool.cfg
	t.mu.Lock()
	again := t.again
	t.mu.Unlock()
	var age, look <-chan time.Time
	if lifetime > 0 {
		timer := time.NewTimer(lifetime)
		defer timer.Stop()
		age = timer.C
	}
	p, pings := any(c).(pinger)
	if pings && cfg.PingAfter > 0 {
		ticker := time.NewTicker(cfg.PingAfter)
		defer ticker.Stop()
		look = ticker.C
	}
	for {
		select {
		case <-c.Done():
			return lost
		case <-t.ctx.Done():
			return released
		case <-age:
			return old
		case <-again:
			return old
		case <-look:
			if t.idle.Swap(true) && !s.ping(p) {
				return lost
			}
		}
	}
}

// ping tells whether a connection answers.
func (s *slot[C]) ping(p pinger) bool {
	pool := s.t.pool
	ctx, cancel := context.WithTimeout(s.t.ctx, pool.cfg.DialTimeout)
	defer cancel()
	pool.pings.Add(1)
	err := p.Ping(ctx)
	if err != nil && s.t.ctx.Err() == nil {
		pool.cfg.Log.Info("cold: an idle connection does not answer", "address", s.t.address, "error", err)
		return false
	}
	return true
}

// finish ends a connection once what is in flight on it has ended, or FinishTimeout is over.
func (s *slot[C]) finish(c C) {
	if f, ok := any(c).(finisher); ok {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(s.t.ctx), s.t.pool.cfg.FinishTimeout)
		if err := f.Finish(ctx); err != nil {
			s.t.pool.cfg.Log.Info("cold: a connection was cut with work in flight", "address", s.t.address, "error", err)
		}
		cancel()
	}
	s.close(c)
}

func (s *slot[C]) close(c C) {
	if err := c.Close(); err != nil {
		s.t.pool.cfg.Log.Debug("cold: close connection", "address", s.t.address, "error", err)
	}
	s.t.pool.open.Add(-1)
}
