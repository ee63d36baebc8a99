package cluster

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/dubbofn/dubbofn/invoker"
)

// strategy is what is done with a call whose providers, one or more, are known.
type strategy func(ctx context.Context, a *attempt) (invoker.Result, error)

// strategies are the cluster strategies by Dubbo's names for them.
func strategies() map[string]strategy {
	return map[string]strategy{
		"failover":  failover,
		"failfast":  failfast,
		"failsafe":  failsafe,
		"failback":  failback,
		"forking":   forking,
		"broadcast": broadcast,
		"available": available,
	}
}

// failover tries other providers.
func failover(ctx context.Context, a *attempt) (invoker.Result, error) {
	for n := 1; ; n++ {
		a.left = a.m.settings.tries - n
		brief, cancel := a.brief(ctx, n)
		res, err := a.try(brief)
		cancel()
		if err == nil || n >= a.m.settings.tries || !a.again(ctx, brief, err) {
			return res, a.failed(err)
		}
	}
}

// failfast tries once.
func failfast(ctx context.Context, a *attempt) (invoker.Result, error) { return a.try(ctx) }

// failsafe tries once; a failure is logged, and the result is empty.
func failsafe(ctx context.Context, a *attempt) (invoker.Result, error) {
	res, err := a.try(ctx)
	var e *invoker.Error
	if errors.As(err, &e) {
		a.c.counts.failsafe.Add(1)
		a.c.cfg.Log.Warn("cluster: a call failed and is ignored (failsafe)", "service", a.inv.Service, "method", methodOf(a.inv), "error", err)
		return invoker.Result{}, nil
	}
	return res, err
}

// available takes the first provider that takes calls.
func available(ctx context.Context, a *attempt) (invoker.Result, error) {
	for _, p := range a.v.providers {
		if p.Ready() {
			return a.c.call(ctx, p, a.inv)
		}
	}
	return a.try(ctx)
}

// outcome is what a provider gave.
type outcome struct {
	res  invoker.Result
	err  error
	into any
}

// forking calls several at once and takes the first result; the others' are dropped.
func forking(ctx context.Context, a *attempt) (invoker.Result, error) {
	n := len(a.v.providers)
	if f := a.m.settings.forks; f > 0 { // Java: 0 or less means all
		n = min(f, n)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	outcomes := make(chan outcome, n)
	for range n {
		p, _ := a.choose()
		a.note(p)
		a.fork(ctx, p, outcomes)
	}
	var last outcome
	for range n {
		if last = <-outcomes; last.err == nil || !isError(last.err) {
			break
		}
		a.ended(last.err)
	}
	settle(a.inv, last)
	return last.res, a.failed(last.err)
}

// broadcast calls all, many at the same time, and fails where one did, be it that the method threw. Once the share
// broadcast.fail.percent has failed, by default all, no more are called (Java: BroadcastClusterInvoker, 3.3.6, one by one).
func broadcast(ctx context.Context, a *attempt) (invoker.Result, error) {
	all := a.v.providers
	percent := a.m.settings.failPercent
	if percent < 0 || percent > 100 {
		percent = 100
	}
	enough := max(1, len(all)*percent/100)
	outcomes := make(chan outcome, maxAtOnce)
	var good, bad outcome
	begun, failures, waiting := 0, 0, 0
	for {
		for ; begun < len(all) && waiting < maxAtOnce && failures < enough; begun++ {
			a.fork(ctx, all[begun], outcomes)
			waiting++
		}
		if waiting == 0 {
			break
		}
		o := <-outcomes
		waiting--
		if o.err == nil {
			good = o
			a.ran++
			continue
		}
		if !isError(o.err) {
			a.ran++
		}
		a.ended(o.err)
		failures++
		bad = o
		a.c.cfg.Log.Warn("cluster: a provider failed (broadcast)", "service", a.inv.Service, "method", methodOf(a.inv), "error", o.err)
	}
	if failures > 0 {
		return invoker.Result{}, a.partly(bad.err)
	}
	settle(a.inv, good)
	return good.res, nil
}

// partly gives the error of a call that fails at some providers: where it may have run at any, it may have.
func (a *attempt) partly(err error) error {
	var e *invoker.Error
	if a.ran == 0 || !errors.As(err, &e) || e.MaybeExecuted {
		return err
	}
	next := *e
	next.Op, next.Err, next.MaybeExecuted = fmt.Sprintf("call %s.%s at each provider", a.inv.Service, methodOf(a.inv)), err, true
	return &next
}

// maxAtOnce is how many providers broadcast calls at the same time.
const maxAtOnce = 64

// fork calls a provider in a goroutine of its own.
func (a *attempt) fork(ctx context.Context, p *Provider, outcomes chan<- outcome) {
	mine := clone(a.inv) // here, since the caller may be gone before the goroutine begins
	if !a.c.begin(func() {
		res, err := a.c.call(ctx, p, mine)
		outcomes <- outcome{res, err, mine.Into}
	}) {
		outcomes <- outcome{err: invoker.Errorf(invoker.CodeUnavailable, "call "+p.Address, "the cluster was closed")} // there is room
	}
}

// clone copies a call for a try beside others: arguments are shared, what the call may change is not.
func clone(inv *invoker.Invocation) *invoker.Invocation {
	next := *inv
	next.Attachments, next.Reply = invoker.Attachments{}, invoker.Attachments{}
	for k, v := range inv.Attachments.All() {
		next.Attachments.Set(k, v)
	}
	if inv.Into != nil {
		next.Into = reflect.New(reflect.TypeOf(inv.Into).Elem()).Interface()
	}
	return &next
}

// settle gives the caller the result that counts.
func settle(inv *invoker.Invocation, o outcome) {
	if o.err == nil && inv.Into != nil && o.into != nil {
		reflect.ValueOf(inv.Into).Elem().Set(reflect.ValueOf(o.into).Elem())
	}
}

func isError(err error) bool {
	var e *invoker.Error
	return errors.As(err, &e)
}
