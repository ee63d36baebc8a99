package activator

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dubbofn/dubbofn/invoker"
)

// sleeper is one function with its calls and lanes. It lives as long as its app is served, whatever changes of it.
//
// Calls wait parked until a lane is open: an early one, which a process of the function has dialled, or the platform's path, which is open once
// a knock was answered. While that is open everything goes there.
type sleeper struct {
	a    *Activator
	name string
	now  atomic.Pointer[app]
	m    *measures

	mu       sync.Mutex
	parked   queue
	open     bool      // the platform's path
	openings int       // how often it was opened
	answered time.Time // when something last came from there
	posting  int       // calls that are there
	lanes    map[*lane]struct{}
	early    int // calls that are in early lanes
	knocks   map[*knock]struct{}
	waiting  int // knocks without an answer
	backoff  time.Duration
	again    *time.Timer // of the next knock after one that failed
	rehold   time.Duration
	holding  *time.Timer // of the next hold after one that was lost
	trouble  string      // what the last knock met; empty once one was answered
	stopped  bool
	wake     *wake  // the wake that is under way
	instance string // who answered the last knock
	tally    tally
	ended    ended   // has no lock
	samples  samples // has its own
}

func newSleeper(a *Activator, now *app) *sleeper {
	s := &sleeper{a: a, name: now.App, lanes: map[*lane]struct{}{}, knocks: map[*knock]struct{}{}}
	s.now.Store(now)
	s.m = a.metrics.of(now.App)
	return s
}

// maxKnocks is how many tell the platform of calls that wait.
const maxKnocks = 100

// take parks a call or starts it.
func (s *sleeper) take(c *call) {
	now := time.Now()
	if !now.Before(c.end) {
		s.late(c, "its time had run out when it arrived")
		c.trace.end()
		return
	}
	s.mu.Lock()
	if s.stopped {
		s.mu.Unlock()
		s.refuse(c, invoker.CodeNotFound, refusedUnknown, s.gone())
		c.trace.end()
		return
	}
	s.tally.called(c.frame, now)
	s.doubt(now)
	if s.parked.n == 0 {
		s.retire(now)
		if l, ok := s.lane(); ok {
			s.start(c, l)
			s.knock(now) // a call by an early lane is one that the platform doesn't see
			s.a.clock.set(c)
			s.mu.Unlock()
			s.a.workers.run(c, l)
			return
		}
	}
	cfg := &s.a.cfg
	if s.parked.n >= cfg.ParkedCalls || s.parked.bytes+c.size > cfg.ParkedBytes {
		n, bytes := s.parked.n, s.parked.bytes
		s.mu.Unlock()
		s.refuse(c, invoker.CodeExhausted, refusedFull, fmt.Sprintf("%d calls with %d bytes wait for %s already (limits %d, %d)", n, bytes, s.name, cfg.ParkedCalls, cfg.ParkedBytes))
		c.trace.end()
		return
	}
	c.trace.park(now)
	s.parked.push(c)
	s.tally.most = max(s.tally.most, s.parked.n)
	s.a.clock.set(c)
	if !s.open {
		s.beginWake(now)
		s.knock(now)
	}
	s.mu.Unlock()
}

// doubt takes the platform's path for closed where nothing has come from it for a while: the function may be asleep. It is called with the
// lock held.
func (s *sleeper) doubt(now time.Time) {
	if s.open && s.posting == 0 && now.Sub(s.answered) > s.a.cfg.Fresh {
		s.open = false
	}
}

// lane gives a lane with room; nil is the platform's path. It is called with the lock held.
func (s *sleeper) lane() (l *lane, ok bool) {
	if s.open {
		return nil, s.posting < s.a.cfg.Forwards
	}
	for x := range s.lanes {
		if x.usable() && (l == nil || x.calls < l.calls) {
			l = x
		}
	}
	return l, l != nil
}

// retire ends the use of early lanes that served a wake which is over: one that was dialled because of somebody else's request, of another
// replica's say, has nothing here that the platform counts, and its process may be on its way out. It is called with the lock held.
func (s *sleeper) retire(now time.Time) {
	if s.open || len(s.knocks) > 0 {
		return
	}
	for l := range s.lanes {
		if now.Sub(l.opened) > s.a.cfg.Fresh {
			l.spent = true
		}
	}
}

// start gives a call to a lane. It is called with the lock held.
func (s *sleeper) start(c *call, l *lane) {
	c.stage = sent
	c.waking, c.opening = s.wake != nil, s.openings
	c.ctx, c.cancel = context.WithCancel(s.a.base)
	if l == nil {
		s.posting++
	} else {
		l.calls++
		s.early++
	}
}

// pump starts what can be started. It is called with the lock held, and its result is run without.
func (s *sleeper) pump() (started []job) {
	for s.parked.n > 0 {
		l, ok := s.lane()
		if !ok {
			break
		}
		c := s.parked.first
		s.parked.remove(c)
		s.start(c, l)
		started = append(started, job{c, l})
	}
	return started
}

func (s *sleeper) runAll(started []job) {
	for _, j := range started {
		s.a.workers.run(j.c, j.l)
	}
}

// finish takes a call back from its lane, and gives the next for it.
func (s *sleeper) finish(c *call, l *lane, o outcome) (next job, ok bool) {
	now := time.Now()
	s.mu.Lock()
	c.cancel()
	again := o.notRun && c.stage == sent // else it was cut off from here, which says nothing of the lane
	if l == nil {
		s.posting--
		if o.answered {
			s.answered = now
		}
		if (again || o.astray) && c.opening == s.openings { // else a knock has been answered since
			s.open = false // what is there takes no calls; a knock tells when that is over, and costs none
		}
	} else {
		l.calls--
		s.early--
		if again {
			l.spent = true
		}
		s.trim()
	}
	if o.answered {
		s.tally.answered(now, now.Sub(c.frame.Arrival()), o)
		s.backoff = 0
		s.endWake(now, l, o)
	}
	if again && !s.stopped {
		c.trace.park(now)
		s.parked.back(c)
		if l == nil && !s.open {
			s.fail(o.why)
		}
	} else {
		c.stage = over
	}
	if s.parked.n > 0 && !s.open && (again || o.astray) {
		s.beginWake(now)
		s.knock(now)
	}
	if s.parked.n > 0 {
		if l, more := s.lane(); more {
			next, ok = job{s.parked.first, l}, true
			s.parked.remove(next.c)
			s.start(next.c, l)
		}
	}
	done := c.stage == over
	s.rest()
	s.mu.Unlock()
	if done {
		s.finished(c, again)
	}
	return next, ok
}

// finished is for a call that is over.
func (s *sleeper) finished(c *call, notRun bool) {
	s.a.clock.unset(c)
	if notRun {
		s.refuse(c, invoker.CodeNotFound, refusedUnknown, s.gone())
	}
	c.trace.end()
}

// rest gives up a wake that nobody waits for any more: the next call begins another. It is called with the lock held.
func (s *sleeper) rest() {
	if s.parked.n == 0 && s.posting == 0 && s.early == 0 {
		s.wake = nil
	}
}

// abandon is rest for when a call waits no more: knocks, but so many, that were to wake a function for those that are gone are taken back. It is called with the lock held.
func (s *sleeper) abandon(but int) {
	if s.wake != nil && s.parked.n == 0 && s.posting == 0 && s.early == 0 {
		s.withdraw(but)
	}
	s.rest()
}

// expire ends a call whose time is up, wherever it is.
func (s *sleeper) expire(c *call) {
	s.mu.Lock()
	was, trouble, open := c.stage, s.trouble, s.open
	if was == parked {
		s.parked.remove(c)
		s.abandon(1) // its answer says what is wrong, to those who come next
	}
	c.stage = over
	cancel := c.cancel
	s.mu.Unlock()
	switch was {
	case parked:
		why := "the function did not wake in time"
		if open {
			why = "the function is busy, and the call's turn did not come in time"
		}
		if trouble != "" {
			why += ": " + trouble
		}
		s.late(c, why)
		c.trace.end()
	case sent:
		why := "it was passed on, and the function has not answered; it may have run"
		if c.own { // then so is what is done after it: a timeout is what Java's own timer would tell, and what callers look for
			why = s.waited(c) + why
			if s.refused(c, refusedLate, why) {
				c.frame.Refuse(invoker.CodeTimeout, why)
			}
		} else {
			s.unsure(c, invoker.CodeTimeout, refusedLate, s.waited(c)+why)
		}
		cancel()
	}
}

// left drops a call whose consumer is gone.
func (s *sleeper) left(c *call) {
	s.mu.Lock()
	was := c.stage
	if was == parked {
		s.parked.remove(c)
		s.abandon(0)
	}
	c.stage = over
	cancel := c.cancel
	s.mu.Unlock()
	s.a.clock.unset(c)
	s.m.left.Inc()
	s.ended.here.Add(1)
	c.trace.fail(errLeft)
	c.frame.Drop()
	switch was {
	case parked:
		c.trace.end()
	case sent:
		cancel()
	}
}

// late answers a call with status 31 that did not run.
func (s *sleeper) late(c *call, why string) {
	s.refuse(c, invoker.CodeTimeout, refusedLate, s.waited(c)+why)
}

func (s *sleeper) waited(c *call) string {
	return fmt.Sprintf("application %s: no answer after %v: ", s.name, time.Since(c.frame.Arrival()).Round(time.Millisecond))
}

// refuse answers a call that gets no answer of the function's, and did not run.
func (s *sleeper) refuse(c *call, code invoker.Code, reason, why string) {
	if s.refused(c, reason, why) {
		c.frame.NotRun(code, why)
	}
}

// unsure answers a call that may have run: so that Java sends it again only where it may run twice.
func (s *sleeper) unsure(c *call, code invoker.Code, reason, why string) {
	switch {
	case !s.refused(c, reason, why):
	case c.again:
		c.frame.Refuse(code, why)
	default:
		c.frame.Fail(code, why)
	}
}

// refused counts and logs; false where the call has been answered.
func (s *sleeper) refused(c *call, reason, why string) bool {
	if c.frame.Answered() {
		return false
	}
	s.m.refused(reason).Inc()
	s.ended.here.Add(1)
	c.trace.refuse(why)
	if c.frame.OneWay() {
		s.a.log.Warn("activator: a one-way call was refused", "app", s.name, "consumer", c.frame.Caller(), "reason", why)
	}
	return true
}

// refuseParked ends all that waits, because waiting won't help.
func (s *sleeper) refuseParked(code invoker.Code, reason, why string) {
	s.mu.Lock()
	var all []*call
	for s.parked.n > 0 {
		c := s.parked.first
		s.parked.remove(c)
		c.stage = over
		all = append(all, c)
	}
	s.rest()
	s.mu.Unlock()
	for _, c := range all {
		s.a.clock.unset(c)
		s.refuse(c, code, reason, why)
		c.trace.end()
	}
}

// update has another app in place of the one before.
func (s *sleeper) update(now *app) {
	old := s.now.Swap(now)
	if old.KnativeRevision == now.KnativeRevision {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for l := range s.lanes {
		if l.revision != now.KnativeRevision {
			l.spent = true
		}
	}
	s.withdraw(0) // the platform may keep them for a revision that never gets ready
	if s.parked.n > 0 {
		s.knock(time.Now())
	}
}

// stop ends it for good: nothing is started any more.
func (s *sleeper) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = true
	for _, t := range []*time.Timer{s.again, s.holding} {
		if t != nil {
			t.Stop()
		}
	}
}

// stateName says how a function is, for people.
func (s *sleeper) stateName() string {
	switch {
	case s.open && (s.posting > 0 || time.Since(s.answered) <= s.a.cfg.Fresh):
		return "awake"
	case s.waiting > 0 || s.parked.n > 0:
		return "waking"
	case len(s.lanes) > 0: // a process is there, and connected
		return "awake"
	}
	return "asleep"
}

// remove is for an app that is served no more: what waits is refused, and what its function has goes on.
func (s *sleeper) remove() {
	s.stop()
	s.mu.Lock()
	for l := range s.lanes {
		l.spent = true
	}
	s.release()
	s.mu.Unlock()
	s.refuseParked(invoker.CodeNotFound, refusedUnknown, s.gone())
}

func (s *sleeper) gone() string { return "application " + s.name + " is served here no more" }
