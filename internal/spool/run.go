package spool

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"
)

const (
	firstPause = 250 * time.Millisecond
	mostPause  = 3 * time.Second
	hurryPause = 50 * time.Millisecond // while somebody waits for the end
	warnEvery  = time.Minute
	refusals   = 3
)

func (s *Spool[T]) run(ctx context.Context) {
	defer close(s.done)
	r := report{log: s.c.Log, name: s.c.Name}
	for tries := 0; ; {
		batch := s.next(ctx)
		if len(batch) == 0 {
			return
		}
		sending, cancel := context.WithTimeout(ctx, s.c.Timeout)
		err := s.c.Send(sending, batch)
		cancel()
		if err == nil {
			s.remove(len(batch), true)
			tries = 0
			r.sent()
		} else {
			if ctx.Err() != nil {
				return
			}
			r.failed(err)
			if tries++; tries >= refusals && s.c.Refused != nil && s.c.Refused(err) {
				s.remove(len(batch), false)
				tries = 0
			} else {
				s.pause(ctx, tries)
			}
		}
		r.dropped(s.Stats().Dropped)
	}
}

// pause waits before another try. Whoever begins to wait for the end ends it.
func (s *Spool[T]) pause(ctx context.Context, tries int) {
	d := min(firstPause<<min(tries-1, 8), mostPause)
	d = d/2 + rand.N(d)
	hurried := s.hurry()
	if hurried {
		d = hurryPause
	}
	t := time.NewTimer(d)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			return
		case <-s.wake:
			if !hurried && s.hurry() {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// report writes few lines of much trouble. For the goroutine that sends: a call never waits for a log.
type report struct {
	log   *slog.Logger
	name  string
	since time.Time // of the trouble; zero: there is none
	told  time.Time
	full  time.Time
	lost  int64 // of which a line told
}

func (r *report) failed(err error) {
	now := time.Now()
	if r.since.IsZero() {
		r.since = now
	}
	if r.told.IsZero() || now.Sub(r.told) >= warnEvery {
		r.told = now
		r.log.Warn(r.name+": spans can't be sent; they wait as far as there is room", "error", err, "since", r.since)
	}
}

func (r *report) sent() {
	if !r.since.IsZero() && !r.told.Before(r.since) { // a line told of the trouble
		r.log.Info(r.name+": spans are sent again", "after", time.Since(r.since).Round(time.Millisecond))
	}
	r.since = time.Time{}
}

func (r *report) dropped(n int64) {
	now := time.Now()
	if n > r.lost && (r.full.IsZero() || now.Sub(r.full) >= warnEvery) {
		r.log.Warn(r.name+": spans were dropped: there was no room for them, or the backend refused them", "dropped", n-r.lost, "in all", n)
		r.full, r.lost = now, n
	}
}
