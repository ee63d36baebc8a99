package protect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/failsafe-go/failsafe-go/bulkhead"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/failsafe-go/failsafe-go/ratelimiter"

	"github.com/dubbofn/dubbofn/invoker"
)

// Limits are what holds for one method, whichever provider its calls go to. Zero: no limit.
type Limits struct {
	Concurrency int           // calls at the same time
	Wait        time.Duration // how long a call waits for one of them to end. Default: not at all
	Rate        int           // calls begun in each Per
	Per         time.Duration // Default: 1 s
	Breaker     Breaker       // of the calls as their callers see them, after the retries
	Fallback    Fallback      // answers calls that fail
}

// Breaker is when calls are refused because too many failed. A call has failed where its error is an [invoker.Error] that is not the
// caller's own doing: what the method itself threw counts as success.
type Breaker struct {
	Percent int           // failed calls, of those in Window, that open it. 0: there is no breaker
	Calls   int           // that Window must have seen. Default: 20
	Window  time.Duration // Default: 10 s
	Open    time.Duration // how long all calls are refused once it is open. Default: 5 s
	Trials  int           // calls let pass after that; it closes when all succeed and opens again when one fails. Default: 5
}

// Fallback answers a call in place of its providers: because of err, an [invoker.Error]. It is not asked where the method itself threw.
// It fills in inv.Into, where that is not nil, or gives a value.
type Fallback func(ctx context.Context, inv *invoker.Invocation, err error) (invoker.Result, error)

const (
	defaultCalls  = 20
	defaultWindow = 10 * time.Second
	defaultOpen   = 5 * time.Second
	defaultTrials = 5
	maxLimit      = 1 << 20 // a bulkhead is a channel
)

func (l Limits) validate() error {
	var faults []error
	if l.Concurrency < 0 || l.Concurrency > maxLimit {
		faults = append(faults, fmt.Errorf("concurrency %d: want 1 to %d, or 0 for no limit", l.Concurrency, maxLimit))
	}
	if l.Wait < 0 {
		faults = append(faults, fmt.Errorf("wait %v: want 0 or more", l.Wait))
	}
	if l.Rate < 0 || l.Rate > 1<<30 {
		faults = append(faults, fmt.Errorf("rate %d: want 1 or more, or 0 for no limit", l.Rate))
	}
	if l.Per < 0 || l.Per > 0 && l.Per < time.Millisecond {
		faults = append(faults, fmt.Errorf("per %v: want 1ms or more, or 0 for 1s", l.Per))
	}
	return errors.Join(append(faults, l.Breaker.Validate())...)
}

// Validate reports every setting that makes no sense.
func (b Breaker) Validate() error {
	var faults []error
	if b.Percent < 0 || b.Percent > 100 {
		faults = append(faults, fmt.Errorf("breaker: %d percent: want 1 to 100, or 0 for no breaker", b.Percent))
	}
	if b.Calls < 0 || b.Trials < 0 || b.Trials > maxLimit {
		faults = append(faults, fmt.Errorf("breaker: %d calls, %d trials: want 0 or more", b.Calls, b.Trials))
	}
	if b.Window < 0 || b.Window > 0 && b.Window < 10*time.Millisecond || b.Open < 0 {
		faults = append(faults, fmt.Errorf("breaker: window %v, open %v: want a window of 10ms or more, or 0 for the defaults", b.Window, b.Open))
	}
	return errors.Join(faults...)
}

// over gives the limits of a method where common says what l leaves open.
func (l Limits) over(common Limits) Limits {
	l.Concurrency, l.Wait = cmp.Or(l.Concurrency, common.Concurrency), cmp.Or(l.Wait, common.Wait)
	l.Rate, l.Per = cmp.Or(l.Rate, common.Rate), cmp.Or(l.Per, common.Per)
	b, c := &l.Breaker, common.Breaker
	b.Percent, b.Calls, b.Window = cmp.Or(b.Percent, c.Percent), cmp.Or(b.Calls, c.Calls), cmp.Or(b.Window, c.Window)
	b.Open, b.Trials = cmp.Or(b.Open, c.Open), cmp.Or(b.Trials, c.Trials)
	if l.Fallback == nil {
		l.Fallback = common.Fallback
	}
	return l
}

func (l Limits) none() bool {
	return l.Concurrency == 0 && l.Rate == 0 && l.Breaker.Percent == 0 && l.Fallback == nil
}

func (l Limits) bulkhead() bulkhead.Bulkhead[any] {
	if l.Concurrency == 0 {
		return nil
	}
	return bulkhead.New[any](uint(l.Concurrency))
}

func (l Limits) limiter() ratelimiter.RateLimiter[any] {
	if l.Rate == 0 {
		return nil
	}
	return ratelimiter.NewBursty[any](uint(l.Rate), l.Per)
}

// filled gives the limits with their defaults.
func (l Limits) filled() Limits {
	if l.Per == 0 {
		l.Per = time.Second
	}
	l.Breaker = l.Breaker.filled()
	return l
}

func (b Breaker) filled() Breaker {
	if b.Calls == 0 {
		b.Calls = defaultCalls
	}
	if b.Window == 0 {
		b.Window = defaultWindow
	}
	if b.Open == 0 {
		b.Open = defaultOpen
	}
	if b.Trials == 0 {
		b.Trials = defaultTrials
	}
	return b
}

// circuit is a breaker that counts a call only in the state that let it pass: failsafe-go's takes whatever ends while it is half-open
// for a trial.
type circuit struct {
	circuitbreaker.CircuitBreaker[any]
	mu   sync.Mutex // around each pass and each end, so that neither falls between a change and its count
	turn uint64     // the changes of state so far
}

// circuit makes the breaker, which tells changed of its changes while a call waits; that must not call the breaker.
func (b Breaker) circuit(changed func(circuitbreaker.StateChangedEvent)) *circuit {
	c := &circuit{}
	c.CircuitBreaker = circuitbreaker.NewBuilder[any]().
		WithFailureRateThreshold(float64(b.Percent)/100, uint(b.Calls), b.Window).
		WithDelay(b.Open).
		WithSuccessThreshold(uint(b.Trials)).
		OnStateChanged(func(e circuitbreaker.StateChangedEvent) {
			c.turn++
			changed(e)
		}).
		Build()
	return c
}

// enter asks for leave to send a call; turn is for leave.
func (c *circuit) enter() (turn uint64, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ok = c.TryAcquirePermit()
	return c.turn, ok
}

// leave tells how a call ended.
func (c *circuit) leave(turn uint64, o outcome) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case turn != c.turn:
	case o == good:
		c.RecordSuccess()
	case o == bad || c.IsHalfOpen(): // a trial must end in one way or the other, or its place is never free again
		c.RecordFailure()
	}
}

// outcome is what a call's end says of those who were to answer it.
type outcome uint8

const (
	good    outcome = iota // answered, be it by what the method threw
	bad                    // failed
	unknown                // the caller gave up, or did not call as it should
)

func outcomeOf(err error) outcome {
	if err == nil {
		return good
	}
	code, ok := invoker.CodeOf(err)
	if !ok {
		return good
	}
	switch code {
	case invoker.CodeCanceled, invoker.CodeClient, invoker.CodeBadRequest, invoker.CodeUnauthenticated:
		return unknown
	case invoker.CodeInternal, invoker.CodeBadResponse, invoker.CodeNotFound, invoker.CodeServiceError, invoker.CodeTimeout, invoker.CodeExhausted, invoker.CodeUnavailable:
	}
	return bad
}
