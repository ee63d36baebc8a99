package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dubbofn/dubbofn/invoker"
)

// attempt is one call on its way through a strategy.
type attempt struct {
	c      *Cluster
	m      *method
	v      *view
	inv    *invoker.Invocation
	room   [4]*Provider
	tried  []*Provider
	ran    int  // tries that failed and may have run
	absent int  // tries whose provider does not have the method or the service
	at     int  // the index of the last choice in the view
	left   int  // tries that may follow this one
	surely bool // no provider takes calls: the choice is to be connected to
}

// reselects is how often the balancer is asked again where it chose a provider that can't be used now.
const reselects = 8

// next chooses a provider: one that takes calls and wasn't tried, else one that may be reached, else one that wasn't tried, else
// any. Whether it takes calls is what was found the last time; [attempt.try] finds out.
func (a *attempt) next() *Provider {
	v, s := a.v, &a.m.settings
	if len(v.providers) == 1 {
		return v.providers[0]
	}
	if !s.sticky {
		return a.pick()
	}
	if p := a.c.sticky.Load(); p != nil && p.Ready() && !a.wasTried(p) {
		if i := find(v.providers, p); i >= 0 {
			a.at = i
			return v.providers[i]
		}
	}
	p := a.pick()
	a.c.sticky.Store(p)
	return p
}

func (a *attempt) pick() *Provider {
	v := a.v
	for n := range min(reselects, 2*len(v.providers)) {
		i := a.m.settings.choose(v, &a.m.settings, a.inv, n, a.c.rand)
		p := v.providers[i]
		if v.isDown(i) {
			if !p.Ready() {
				continue
			}
			v.setDown(i, false)
		}
		if !a.wasTried(p) {
			a.at = i
			return p
		}
	}
	return a.search()
}

// search is for when many providers take no calls: the balancer chooses among the few that do.
func (a *attempt) search() *Provider {
	v, s := a.v, &a.m.settings
	if few := v.takers(s); len(few.providers) > 0 {
		if i := a.among(few); i >= 0 {
			v.setDown(i, false)
			a.at = i
			return v.providers[i]
		}
	}
	reachable, untried := -1, -1
	begin := int(a.c.rand(int64(len(v.providers))))
	for n := range v.providers {
		i := (begin + n) % len(v.providers)
		p := v.providers[i]
		switch {
		case a.wasTried(p):
			continue
		case p.Ready(): // since the last look
			a.at = i
			return p
		case reachable >= 0:
		case p.reachable():
			reachable = i
		case untried < 0:
			untried = i
		}
	}
	switch {
	case reachable >= 0:
		a.at = reachable
	case untried >= 0:
		a.at = untried
	default:
		a.at = s.choose(v, s, a.inv, 0, a.c.rand)
	}
	a.surely = true
	return v.providers[a.at]
}

// among gives one of the few that takes calls and wasn't tried, by its index among all; -1 where there is none.
func (a *attempt) among(few *view) int {
	s := &a.m.settings
	good := func(p *Provider) bool { return p.Ready() && !a.wasTried(p) }
	if s.onRing { // to make a ring of the few would take longer than to go on along this one
		return a.v.along(s, a.inv, func(i int) bool { return !a.v.isDown(i) && good(a.v.providers[i]) })
	}
	for n := range min(reselects, 2*len(few.providers)) {
		if i := s.choose(few, s, a.inv, n, a.c.rand); good(few.providers[i]) {
			return int(few.at[i])
		}
	}
	begin := int(a.c.rand(int64(len(few.providers))))
	for n := range few.providers {
		if i := (begin + n) % len(few.providers); good(few.providers[i]) {
			return int(few.at[i])
		}
	}
	return -1
}

func (a *attempt) wasTried(p *Provider) bool {
	return len(a.tried) > 0 && slices.ContainsFunc(a.tried, func(o *Provider) bool { return o.state == p.state })
}

// choose gives a provider and its connection; none where it is to be connected to, because no provider takes calls.
func (a *attempt) choose() (*Provider, Conn) {
	for {
		p := a.next()
		if p.Target == nil {
			return p, nil
		}
		if conn, ok := p.Target.Conn(); ok && p.admits() {
			return p, conn
		}
		if a.surely || len(a.v.providers) == 1 {
			return p, nil
		}
		a.v.setDown(a.at, true)
	}
}

// try sends the call to a provider that the balancer chooses. Where its guard refuses, another is asked: that is no retry, since
// nothing was sent.
func (a *attempt) try(ctx context.Context) (invoker.Result, error) {
	for n := 1; ; n++ {
		p, conn := a.choose()
		a.note(p)
		if conn == nil {
			wait, cancel := a.patience(ctx)
			var err error
			conn, err = a.c.connect(ctx, wait, p, a.inv)
			cancel()
			if err != nil {
				return invoker.Result{}, err
			}
		}
		res, refused, err := a.c.send(ctx, p, conn, a.inv)
		if !refused || n >= min(reselects, len(a.v.providers)) || ctx.Err() != nil {
			return res, err
		}
		a.v.setDown(a.at, true)
	}
}

// note remembers that a provider was tried.
func (a *attempt) note(p *Provider) {
	if a.tried == nil {
		a.tried = a.room[:0]
	}
	a.tried = append(a.tried, p)
}

// again tells whether the call may be tried once more after the error of a try, whose context was brief: it did not run, or it may run
// twice.
func (a *attempt) again(ctx, brief context.Context, err error) bool {
	a.ended(err)
	switch {
	case ctx.Err() != nil || !retriable(err, a.m.settings.idempotent) || a.ran > a.m.settings.repeats:
		return false
	case a.absent > 1 || a.absent == 1 && len(a.tried) >= len(a.v.providers): // one other may have it, while a roll-out goes on
		return false
	case late(ctx, err):
		return false
	case errors.Is(context.Cause(brief), errBrief): // it was asked then
	case !a.c.spare():
		return false
	}
	a.c.counts.retries.Add(1)
	a.renew()
	return true
}

// tooLate is the time left with which no other try is begun after a timeout that a provider has told: an activator tells it 50 ms before the end at most.
const tooLate = 100 * time.Millisecond

// late tells whether a provider, or who keeps calls for it, has waited in vain for all the time that the call has, which it was told: what is left of that is for the caller to
// be told why.
func late(ctx context.Context, err error) bool {
	var e *invoker.Error
	end, limited := ctx.Deadline()
	return limited && errors.As(err, &e) && e.Code == invoker.CodeTimeout && e.Remote && time.Until(end) < tooLate
}

// ended counts a try that failed.
func (a *attempt) ended(err error) {
	var e *invoker.Error
	if !errors.As(err, &e) {
		return
	}
	if e.MaybeExecuted {
		a.ran++
	}
	if e.Code == invoker.CodeNotFound {
		a.absent++
	}
}

// renew goes on with the providers that there are now.
func (a *attempt) renew() {
	snap := a.c.dir.Snapshot()
	if snap == a.m.plan.snap {
		return
	}
	m := a.c.method(snap, a.m.name)
	if v := m.view(a.inv); len(v.providers) > 0 {
		a.m, a.v, a.surely = m, v, false
	}
}

// retriable tells whether another try may help and does no harm.
func retriable(err error, idempotent bool) bool {
	var e *invoker.Error
	if !errors.As(err, &e) {
		return false // what the method itself threw
	}
	switch e.Code {
	case invoker.CodeUnavailable, invoker.CodeExhausted, invoker.CodeTimeout, invoker.CodeInternal, invoker.CodeNotFound:
		return !e.MaybeExecuted || idempotent
	case invoker.CodeBadRequest, invoker.CodeBadResponse, invoker.CodeServiceError, invoker.CodeCanceled, invoker.CodeUnauthenticated, invoker.CodeClient:
	}
	return false
}

// failed gives the last error, with what was tried before: where one of those tries may have run, the call may.
func (a *attempt) failed(err error) error {
	if err == nil || len(a.tried) < 2 {
		return err
	}
	var e *invoker.Error
	if !errors.As(err, &e) {
		return err
	}
	var where []string
	for _, p := range a.tried {
		where = append(where, p.Address)
	}
	next := *e
	next.Op = fmt.Sprintf("call %s.%s, %d tries (%s)", a.inv.Service, methodOf(a.inv), len(a.tried), strings.Join(where, ", "))
	next.Err, next.MaybeExecuted = err, e.MaybeExecuted || a.ran > 0
	return &next
}

// spare asks the budget for a retry.
func (c *Cluster) spare() bool {
	if c.cfg.Budget == nil || c.cfg.Budget.Retry() {
		return true
	}
	c.counts.spared.Add(1)
	return false
}

// brief bounds the nth try of a method that may run twice while another provider may be tried after it. Where the budget allows no other
// try, this one goes on: giving it up would gain nothing. So its provider is told the whole time that is left.
func (a *attempt) brief(ctx context.Context, n int) (context.Context, context.CancelFunc) {
	s := &a.m.settings
	if s.tryTimeout == 0 || !s.idempotent || a.ran >= s.repeats || n >= min(s.tries, len(a.v.providers)) {
		return ctx, func() {}
	}
	brief, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(s.tryTimeout, func() {
		if a.c.spare() {
			cancel(errBrief)
		}
	})
	return brief, func() { timer.Stop(); cancel(nil) }
}

var errBrief = fmt.Errorf("no answer within the time of one try (TryTimeout): %w", context.DeadlineExceeded)

// patience bounds how long a try may wait for a connection while there are others to try.
func (a *attempt) patience(ctx context.Context) (context.Context, context.CancelFunc) {
	d, ok := ctx.Deadline()
	if !ok || a.left <= 0 || len(a.tried) >= len(a.v.providers) {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, time.Until(d)/2)
}
