package fn

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dubbofn/dubbofn/invoker"
)

// Limit bounds the calls of one method, its overloads together: how many run at the same time, and how many begin in a second (Java's
// parameters executes and tps, as ExecuteLimitFilter and DefaultTPSLimiter have them, 3.3.6; there tps is a service's). 0 is no limit. One
// more is refused at once with status 100, which lets a consumer try elsewhere: it did not run. What a process takes in all is
// DUBBOFN_MAX_CALLS.
func Limit(atOnce, perSecond int) MethodOption {
	return methodOption(func(m *settings) {
		if atOnce < 0 || perSecond < 0 {
			m.fault("limit of %d calls at once, %d a second: want 1 or more, or 0 for no limit", atOnce, perSecond)
			return
		}
		m.atOnce, m.perSecond = atOnce, perSecond
	})
}

// limit is what holds for one method of one service.
type limit struct {
	op        string
	atOnce    int64
	perSecond int
	running   atomic.Int64
	refused   atomic.Int64
	mu        sync.Mutex
	begun     int
	since     time.Time // when the second began in which so many did
}

// around wraps a function with the limit.
func (l *limit) around(last invoker.Func) invoker.Func {
	return func(ctx context.Context, inv *invoker.Invocation) (invoker.Result, error) {
		if l.atOnce > 0 {
			defer l.running.Add(-1)
			if n := l.running.Add(1); n > l.atOnce {
				l.refused.Add(1)
				return invoker.Result{}, invoker.Errorf(invoker.CodeExhausted, l.op, "%d calls run already: the provider's limit (fn.Limit)", l.atOnce)
			}
		}
		if l.perSecond > 0 && !l.begins() {
			l.refused.Add(1)
			return invoker.Result{}, invoker.Errorf(invoker.CodeExhausted, l.op, "more than %d calls in a second: the provider's limit (fn.Limit)", l.perSecond)
		}
		return last(ctx, inv)
	}
}

// begins tells whether one more call may begin in this second.
func (l *limit) begins() bool {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Sub(l.since) >= time.Second {
		l.begun, l.since = 0, now
	}
	if l.begun >= l.perSecond {
		return false
	}
	l.begun++
	return true
}

// limited gives a method's function under its limit.
func (b *builder) limited(svc *Service, bm *bound) invoker.Func {
	if bm.atOnce == 0 && bm.perSecond == 0 {
		return bm.call
	}
	op := svc.key.String() + "." + bm.name
	l := b.set.limits[op]
	if l == nil {
		l = &limit{op: "call " + op, atOnce: int64(bm.atOnce), perSecond: bm.perSecond}
		b.set.limits[op] = l
	}
	if l.atOnce != int64(bm.atOnce) || l.perSecond != bm.perSecond {
		b.fault("%s: method %s: fn.Limit(%d, %d), and an overload has fn.Limit(%d, %d): want the same", svc.key, bm.label(), bm.atOnce, bm.perSecond, l.atOnce, l.perSecond)
	}
	return l.around(bm.call)
}

// Refused tells how many calls [Limit] has refused, by "group/interface:version.method".
func (s *Set) Refused() map[string]int64 {
	all := map[string]int64{}
	for op, l := range s.limits {
		all[op] = l.refused.Load()
	}
	return all
}
