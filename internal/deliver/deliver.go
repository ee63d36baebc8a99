// Package deliver brings events that a broker holds to whoever handles them, and says what the broker is to be told: what NATS and Kafka have in
// common. It knows neither.
package deliver

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/dubbofn/dubbofn/internal/lanes"
	"github.com/dubbofn/dubbofn/tracing"
)

// Outcome is what became of one try.
type Outcome int

// The outcomes.
const (
	Handled Outcome = iota // done; never again
	Refused                // can never work: to the dead letters at once
	Again                  // may work later
	Busy                   // the same event runs elsewhere: to be asked again soon, which counts as no try
)

// Result is what a [Handler] says of one try.
type Result struct {
	Outcome Outcome
	Code    int           // as HTTP would answer; for the dead letter
	Reason  string        // in a sentence; for the dead letter and the log
	After   time.Duration // how long to wait at least; 0: the backoff says
}

// Handler runs one event. It returns soon after ctx has ended.
type Handler func(ctx context.Context, e event.Event) Result

// Origin is where an event came from, for its span.
type Origin struct {
	Broker    string // "host:port", or several with commas between
	Queue     string // the topic, or the stream
	Component tracing.Component
}

type originKey struct{}

// From returns a context that tells a [Handler] where its events come from.
func From(ctx context.Context, o Origin) context.Context {
	return context.WithValue(ctx, originKey{}, o)
}

// OriginOf gives it, or an empty one.
func OriginOf(ctx context.Context) Origin {
	o, _ := ctx.Value(originKey{}).(Origin)
	return o
}

// Verdict is what is to be done with a message.
type Verdict struct {
	Done   bool          // it is handled
	Dead   bool          // it goes to the dead letters, for Result's reason
	Later  time.Duration // neither: how long it should rest before it comes again
	Tries  int           // how often it was tried, earlier tries included
	Result Result        // of the last try
}

// Config is how often, and how many at once.
type Config struct {
	Concurrency int           // calls at once
	Attempts    int           // tries before an event goes to the dead letters; 0: without end
	FirstWait   time.Duration // before the second try; doubled for each further one
	LongestWait time.Duration // what the doubling ends at
}

// Worker is made with [New]. Its methods may be called at any time by anyone.
type Worker struct {
	cfg    Config
	handle Handler
	lanes  *lanes.Lanes
	stop   chan struct{}
	once   sync.Once
}

// busyWait is how long an event rests that runs elsewhere, longer from time to time.
const busyWait, busyLongest = 50 * time.Millisecond, 2 * time.Second

// New gives a worker.
func New(cfg Config, handle Handler) *Worker {
	return &Worker{cfg: cfg, handle: handle, lanes: lanes.New(cfg.Concurrency), stop: make(chan struct{})}
}

// Add runs job in a goroutine, behind those with the same key; without one, at once.
func (w *Worker) Add(key string, job func()) { w.lanes.Add(key, job) }

// Stopping is closed by the first [Worker.Stop].
func (w *Worker) Stopping() <-chan struct{} { return w.stop }

// Stop begins no further try. What runs goes on.
func (w *Worker) Stop() { w.once.Do(func() { close(w.stop) }) }

// Wait returns when every job has ended.
func (w *Worker) Wait() { w.lanes.Wait() }

// Settle tries an event until it is clear what becomes of it: once, or where it can't be put back without losing its place (inPlace), until it is
// handled, refused, tried often enough, or the worker stops. It was tried so often before. drop, where it isn't nil, ends the tries as well.
func (w *Worker) Settle(ctx context.Context, e event.Event, tried int, inPlace bool, drop <-chan struct{}) Verdict {
	for busy := 0; ; {
		if !w.lanes.Enter(w.stop, drop) {
			return Verdict{Tries: tried}
		}
		r := w.handle(ctx, e)
		w.lanes.Leave()
		v := Verdict{Result: r}
		switch {
		case r.Outcome == Handled:
			v.Done = true
		case r.Outcome == Refused:
			v.Dead = true
		case r.Outcome == Busy:
			busy++
			if !w.Pause(max(r.After, backoff(busy, busyWait, busyLongest)), drop) {
				return Verdict{Tries: tried, Result: r}
			}
			continue
		case ctx.Err() != nil: // our own end, not the event's fault
			return Verdict{Tries: tried, Result: r}
		case w.cfg.Attempts > 0 && tried+1 >= w.cfg.Attempts:
			v.Dead = true
		default:
			v.Later = max(r.After, w.Backoff(tried+1))
		}
		tried++
		v.Tries = tried
		if v.Done || v.Dead || !inPlace || !w.Pause(v.Later, drop) {
			return v
		}
	}
}

// Pause waits. False: the worker stops, or drop was closed.
func (w *Worker) Pause(d time.Duration, drop <-chan struct{}) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-w.stop:
		return false
	case <-drop:
		return false
	}
}

// Persist runs what has to succeed before a message may be acknowledged, such as sending a dead letter, until it does. False: the worker stops, or
// drop was closed, and it did not.
func (w *Worker) Persist(drop <-chan struct{}, what func() error) bool {
	for n := 1; ; n++ {
		if what() == nil {
			return true
		}
		if !w.Pause(w.Backoff(n), drop) {
			return false
		}
	}
}

// Backoff is how long to wait after the nth try.
func (w *Worker) Backoff(n int) time.Duration { return backoff(n, w.cfg.FirstWait, w.cfg.LongestWait) }

// backoff doubles, and takes up to a quarter off, so that what failed together does not come back together.
func backoff(n int, first, most time.Duration) time.Duration {
	d := first
	for i := 1; i < n && d < most; i++ {
		d *= 2
	}
	d = min(d, most)
	return d - time.Duration(rand.Int64N(int64(d)/4+1))
}
