package cloudevent

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	sdk "github.com/cloudevents/sdk-go/v2/event"

	"github.com/dubbofn/dubbofn/fn/event"
	"github.com/dubbofn/dubbofn/internal/deliver"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/tracing"
)

// events takes events and answers for them.
type events struct {
	host    event.Host
	cfg     Config
	rules   []*rule
	types   map[string]bool
	seen    Seen
	sender  *sender
	dead    Sink // nil: none
	sources []Source

	room     chan struct{} // a place for each event under way
	bytes    budget
	door     sync.Mutex // of draining; whoever comes in does so before under is waited for
	draining bool
	under    sync.WaitGroup
	closing  sync.Once
}

const (
	// maxAtOnce bounds the events under way; the process's own limit of calls is lower.
	maxAtOnce = 10_000
	// claimMargin is what a claim outlives its call by, so that what is answered late is not handled twice.
	claimMargin = 10 * time.Second
	// remoteTime is how long a call of somebody else's service may take, where its own settings don't end it before.
	remoteTime = 60 * time.Second
	// storeTime bounds what is asked of the store of events.
	storeTime = 3 * time.Second
	// fullWait is what senders are asked to wait when there is no room.
	fullWait = time.Second
)

// outcome is what became of an event: what its sender is told by HTTP.
type outcome struct {
	status int
	reason string // of what is no success
	after  time.Duration
	reply  *reply

	rule string
	word string // of a closed set, for metrics
}

// The words.
const (
	wordHandled   = "handled"
	wordDuplicate = "duplicate"
	wordRunning   = "running"
	wordUnmatched = "unmatched"
	wordInvalid   = "invalid"
	wordFull      = "full"
	wordRetry     = "retry"
	wordFailed    = "failed"
	wordRefused   = "refused"
)

func (o outcome) handled() bool { return o.status < 300 }

// temporary tells whether the same event may be handled later.
func (o outcome) temporary() bool {
	return o.status == http.StatusConflict || o.status == http.StatusTooManyRequests || o.status >= 500
}

// deliver is what brokers call.
func (e *events) deliver(ctx context.Context, ev sdk.Event) deliver.Result {
	o := e.handle(ctx, incomingOf(&ev), arrival{peer: deliver.OriginOf(ctx).Broker, layer: tracing.LayerMQ})
	r := deliver.Result{Code: o.status, Reason: o.reason, After: o.after}
	switch {
	case o.handled():
		if o.reply != nil && e.sender.sink != nil {
			reply, err := o.reply.event()
			if err == nil {
				err = e.sender.send(ctx, *reply)
			}
			if err != nil { // the event was handled: a try more gets the same reply, and no call
				r.Outcome, r.Code, r.Reason = deliver.Again, http.StatusServiceUnavailable, "its reply was not taken: "+err.Error()
			}
		}
	case o.status == http.StatusConflict:
		r.Outcome = deliver.Busy
	case o.temporary():
		r.Outcome = deliver.Again
	default:
		r.Outcome = deliver.Refused
	}
	return r
}

// arrival is how an event came.
type arrival struct {
	headers http.Header // of the request; nil: none
	peer    string
	layer   tracing.Layer
}

// handle has an event handled, once.
func (e *events) handle(ctx context.Context, ev *incoming, how arrival) (o outcome) {
	begun := time.Now()
	c := arrived{how.headers, ev}
	ctx, span := e.trace(ctx, ev, how, c)
	defer func() {
		if span != nil {
			span.Tag("status_code", strconv.Itoa(o.status))
			if !o.handled() {
				span.Fail(errors.New(o.reason))
			}
			span.End()
		}
		if e.host.Observe != nil {
			e.host.Observe(o.rule, o.word, time.Since(begun))
		}
	}()
	select {
	case e.room <- struct{}{}:
		defer func() { <-e.room }()
	default:
		return outcome{status: http.StatusTooManyRequests, reason: "too many events at once", after: fullWait, word: wordFull}
	}
	r := match(e.rules, ev)
	if r == nil {
		return outcome{status: http.StatusBadRequest, reason: fmt.Sprintf("no rule is for an event of type %.200q, source %.200q", ev.typ, ev.source), word: wordUnmatched}
	}
	if span != nil {
		span.Tag("dubbofn.rule", r.label)
	}
	o = e.once(ctx, r, ev, c)
	o.rule = r.label
	return o
}

// once asks whether the event was handled before, and handles it if not.
func (e *events) once(ctx context.Context, r *rule, ev *incoming, c arrived) outcome {
	d := document{e: ev, host: e.host}
	inv, err := r.invocation(&d)
	if err != nil {
		return outcome{status: http.StatusBadRequest, reason: err.Error(), word: wordInvalid}
	}
	for i := range carried { // what no tracer of this process changes goes on as it is
		if v := c.get(&carried[i]); v != "" {
			inv.Attachments.Set(carried[i].key, v)
		}
	}
	limit := r.method.Timeout
	if !r.own {
		limit = remoteTime
	}
	claim, err := e.begin(ctx, keyOf(ev), limit+claimMargin)
	switch {
	case err != nil:
		e.host.Log.Warn("it can't be known whether an event was handled", "id", ev.id, "source", ev.source, "error", err)
		return outcome{status: http.StatusServiceUnavailable, reason: "it can't be known whether the event was handled before: " + err.Error(), word: wordRetry}
	case claim.State == SeenRunning:
		return outcome{status: http.StatusConflict, reason: "the same event is being handled", word: wordRunning}
	case claim.State == SeenDone:
		return recall(claim.Record)
	}
	o := e.run(ctx, r, inv, ev, limit)
	e.settle(ctx, &claim, &o, ev)
	return o
}

// run makes the call. It goes on when the event's sender is gone, who would only send it again.
func (e *events) run(ctx context.Context, r *rule, inv *invoker.Invocation, ev *incoming, limit time.Duration) outcome {
	ctx, cancel := context.WithTimeout(detached{ctx, e.sender}, limit)
	defer cancel()
	value, err := r.call(ctx, e.host, inv)
	if err != nil {
		return e.failed(ctx, r, ev, err)
	}
	o := outcome{status: http.StatusOK, word: wordHandled}
	if r.Reply != nil && !(r.own && r.method.Void) {
		o.reply, err = e.reply(ctx, r, ev, r.Reply.Type, value)
		if err != nil {
			return outcome{status: http.StatusUnprocessableEntity, reason: "the method has run; its result is no reply: " + err.Error(), word: wordFailed}
		}
	}
	return o
}

// detached has an event's values and not its sender's end, and lets the method [Emit].
type detached struct {
	of     context.Context //nolint:containedctx // it is one itself
	sender *sender
}

// Deadline implements [context.Context].
func (detached) Deadline() (time.Time, bool) { return time.Time{}, false }

// Done implements [context.Context].
func (detached) Done() <-chan struct{} { return nil }

// Err implements [context.Context].
func (detached) Err() error { return nil }

// Value implements [context.Context].
func (d detached) Value(key any) any {
	if key == (senderKey{}) {
		return d.sender
	}
	return d.of.Value(key)
}

// settle keeps what became of an event, or that nothing did.
func (e *events) settle(ctx context.Context, claim *claim, o *outcome, ev *incoming) {
	var err error
	if o.temporary() || o.status == http.StatusBadRequest || o.status == http.StatusForbidden {
		err = claim.forget(ctx)
	} else {
		err = claim.finish(ctx, recordOf(o))
	}
	if err != nil {
		e.host.Log.Warn("what became of an event is not kept: should it come again, it is handled again", "id", ev.id, "source", ev.source, "error", err)
	}
}

// budget is bytes that may be held.
type budget struct {
	most int64
	now  atomic.Int64
}

func (b *budget) take(n int64) bool {
	if b.now.Add(n) > b.most {
		b.now.Add(-n)
		return false
	}
	return true
}

func (b *budget) give(n int64) { b.now.Add(-n) }

// enter has the drain wait for a request, until under.Done. false: it has begun.
func (e *events) enter() bool {
	e.door.Lock()
	defer e.door.Unlock()
	if e.draining {
		return false
	}
	e.under.Add(1)
	return true
}

// Drain implements [event.Running].
func (e *events) Drain(ctx context.Context) error {
	e.door.Lock()
	e.draining = true
	e.door.Unlock()
	var faults []error
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, s := range e.sources {
		all.Go(func() {
			if err := s.Drain(ctx); err != nil {
				mu.Lock()
				faults = append(faults, err)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	ended := make(chan struct{})
	go func() { e.under.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-ctx.Done():
		faults = append(faults, fmt.Errorf("drain events: %w", ctx.Err()))
	}
	return errors.Join(faults...)
}

// Close implements [event.Running]: it ends what was opened, sources apart, which end by Drain.
func (e *events) Close(ctx context.Context) error {
	var faults []error
	e.closing.Do(func() {
		if e.sender != nil && e.sender.sink != nil {
			faults = append(faults, e.sender.sink.Close(ctx))
		}
		if e.dead != nil {
			faults = append(faults, e.dead.Close(ctx))
		}
		if e.seen != nil {
			faults = append(faults, e.seen.Close(ctx))
		}
	})
	return errors.Join(faults...)
}
