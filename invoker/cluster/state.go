package cluster

import (
	"sync/atomic"
	"time"
)

// state is what a provider's versions share: what runs there now, and how long calls take. It is one cache line.
type state struct {
	active    atomic.Int64 // calls that wait for an answer
	succeeded atomic.Int64 // calls that were answered
	elapsed   atomic.Int64 // how long those took in all; ms, as Java counts
	begin     atomic.Int64 // when the window began, Unix nanoseconds; 0: at the first call
	before    atomic.Int64 // succeeded and elapsed when the window began
	spent     atomic.Int64
	guard     atomic.Pointer[guarded] // nil until the first call
	_         int64
}

// windowTime is how long figures count (Java: ShortestResponseLoadBalance.slidePeriod, 3.3.6).
const windowTime = 30 * time.Second

func (s *state) took(d time.Duration) {
	s.succeeded.Add(1)
	s.elapsed.Add(d.Milliseconds())
}

// estimate is how long a call would take: the average of the window, times the calls that it would share the provider with
// (Java: SlideWindowData.getEstimateResponse). now is in Unix nanoseconds.
func (s *state) estimate(now int64) int64 {
	begin := s.begin.Load()
	switch {
	case begin == 0:
		s.begin.CompareAndSwap(0, now)
	case now-begin > int64(windowTime) && s.begin.CompareAndSwap(begin, now):
		s.before.Store(s.succeeded.Load())
		s.spent.Store(s.elapsed.Load())
	}
	n := s.succeeded.Load() - s.before.Load()
	if n <= 0 {
		return 0
	}
	return max(0, s.elapsed.Load()-s.spent.Load()) / n * (s.active.Load() + 1)
}
