package activator

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"
)

// wake is a cold start as it is seen from here. Guarded by the sleeper's mu.
type wake struct {
	parked   time.Time // the first call
	knocked  time.Time
	answered time.Time // the first knock
	lane     time.Time // the first early lane
	instance string
	ledger   json.RawMessage // the process's own
	awake    bool            // it was the process that was there before
}

func (s *sleeper) beginWake(now time.Time) {
	if s.wake == nil {
		s.wake = &wake{parked: now}
	}
}

func (w *wake) opened(now time.Time, h http.Header, last string) {
	if !w.answered.IsZero() {
		return
	}
	w.answered = now
	i := instanceOf(h)
	w.awake = i != "" && i == last
	if w.lane.IsZero() {
		w.instance = i
	}
}

func (w *wake) laneOpened(now time.Time, l *lane, ledger json.RawMessage) {
	if w.lane.IsZero() && w.answered.IsZero() {
		w.lane, w.instance, w.ledger = now, l.instance, ledger
	}
}

// endWake is for the first answer. It is called with the lock held.
func (s *sleeper) endWake(now time.Time, l *lane, o outcome) {
	w := s.wake
	s.wake = nil
	if w == nil || w.awake && w.lane.IsZero() {
		return // a call that took a round trip more, and no wake
	}
	e := coldStart{App: s.name, Instance: w.instance, Lane: "http", Started: w.parked, FirstReply: micros(w.parked, now), Ledger: w.ledger}
	first := w.answered
	if l != nil {
		e.Lane, e.Instance, first = "early", l.instance, w.lane
	} else if o.instance != "" {
		e.Instance = o.instance
	}
	if len(o.ledger) > 0 {
		e.Ledger = o.ledger
	}
	if !first.IsZero() {
		e.Parked = micros(w.parked, first)
		s.m.wakeTime.Observe(first.Sub(w.parked).Seconds())
	}
	if !w.knocked.IsZero() && !w.answered.IsZero() {
		e.Knock = micros(w.knocked, w.answered)
	}
	s.m.wakes(e.Lane).Inc()
	s.tally.wakes++
	s.a.starts.add(e)
	s.a.log.Info("activator: a function woke", "app", s.name, "instance", e.Instance, "lane", e.Lane, "parked_us", e.Parked, "first_reply_us", e.FirstReply)
}

func micros(from, to time.Time) int64 { return to.Sub(from).Microseconds() }

// coldStart is one wake, as /api/ledger shows it.
type coldStart struct {
	App        string          `json:"app"`
	Instance   string          `json:"instance,omitempty"`
	Lane       string          `json:"lane"`               // of the first reply: "early" or "http"
	Started    time.Time       `json:"started"`            // when the first call was parked
	Parked     int64           `json:"parked_us"`          // from then until a lane was open
	Knock      int64           `json:"knock_us,omitempty"` // from the first knock to its headers; 0: the first reply came earlier
	FirstReply int64           `json:"first_reply_us"`     // from when the first call was parked
	Ledger     json.RawMessage `json:"ledger,omitempty"`   // the process's own
}

// maxStarts is how many are remembered.
const maxStarts = 256

// starts remembers the last cold starts. Safe for concurrent use.
type starts struct{ ring ring[coldStart] }

func (r *starts) add(e coldStart) { r.ring.add(e, maxStarts) }

// list gives the newest first.
func (r *starts) list() []coldStart {
	all := r.ring.all()
	slices.Reverse(all)
	return all
}
