package cold

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// WarmTarget is what should be warm before the first call.
type WarmTarget struct {
	Name     string
	Required bool // no call may come before it is warm, however long that takes
}

// WarmConfig says how a [Warmer] behaves. Zero fields mean the defaults.
type WarmConfig struct {
	Budget     time.Duration // how long targets that aren't required may hold calls up. Default: 300 ms
	AtOnce     int           // targets being warmed at the same time. Default: 64
	BackoffMin time.Duration // the pause after a failure of a required target, doubled up to BackoffMax. Default: 50 ms
	BackoffMax time.Duration // Default: 2 s
}

// Warmer warms targets, all of them at the same time.
type Warmer struct {
	cfg     WarmConfig
	begun   time.Time
	stop    context.CancelFunc
	running sync.WaitGroup
	room    chan struct{}

	mu       sync.Mutex
	missing  map[string]error // nil: no answer so far
	wanted   int              // targets whose first attempt hasn't ended
	required int              // required targets that aren't warm
	change   chan struct{}    // closed and made anew when one of the counts has become 0
}

// Warm begins to warm every target by calling warm, and returns. Of targets that aren't required one attempt is made; required ones are tried
// until they are warm or ctx ends. A name that comes twice counts once, required if either is. Close ends it.
func Warm(ctx context.Context, targets []WarmTarget, warm func(ctx context.Context, name string) error, c WarmConfig) *Warmer {
	set(&c.Budget, 300*time.Millisecond)
	set(&c.AtOnce, 64)
	set(&c.BackoffMin, 50*time.Millisecond)
	set(&c.BackoffMax, max(2*time.Second, c.BackoffMin))
	w := &Warmer{cfg: c, begun: time.Now(), room: make(chan struct{}, c.AtOnce), missing: map[string]error{}, change: make(chan struct{})}
	ctx, w.stop = context.WithCancel(ctx)
	required := map[string]bool{}
	var names []string
	for _, t := range targets {
		if _, twice := required[t.Name]; !twice {
			names = append(names, t.Name)
		}
		required[t.Name] = required[t.Name] || t.Required
	}
	for _, name := range names {
		w.missing[name] = nil
		w.wanted++
		if required[name] {
			w.required++
		}
	}
	for _, name := range names {
		w.running.Go(func() { w.warm(ctx, name, required[name], warm) })
	}
	return w
}

func (w *Warmer) warm(ctx context.Context, name string, required bool, warm func(context.Context, string) error) {
	pause := w.cfg.BackoffMin
	for first := true; ; first = false {
		err := w.attempt(ctx, name, warm)
		w.ended(name, required, first, err)
		if err == nil || !required {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		pause = min(2*pause, w.cfg.BackoffMax)
	}
}

func (w *Warmer) attempt(ctx context.Context, name string, warm func(context.Context, string) error) error {
	select {
	case w.room <- struct{}{}:
		defer func() { <-w.room }()
		return warm(ctx, name)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (w *Warmer) ended(name string, required, first bool, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if first {
		w.wanted--
	}
	if err == nil {
		delete(w.missing, name)
		if required {
			w.required--
		}
	} else {
		w.missing[name] = err
	}
	if w.wanted == 0 || w.required == 0 {
		close(w.change)
		w.change = make(chan struct{})
	}
}

var errNoAnswer = errors.New("no answer so far")

// Missing gives the targets that aren't warm now, each with the reason.
func (w *Warmer) Missing() map[string]error {
	w.mu.Lock()
	defer w.mu.Unlock()
	missing := make(map[string]error, len(w.missing))
	for name, err := range w.missing {
		if err == nil {
			err = errNoAnswer
		}
		missing[name] = err
	}
	return missing
}

// Wanted returns once every target is warm or has failed, or the budget, which began with Warm, is spent, or ctx has ended; it gives those that are
// missing then. Attempts that are under way go on.
func (w *Warmer) Wanted(ctx context.Context) (missing map[string]error) {
	budget, cancel := context.WithDeadline(ctx, w.begun.Add(w.cfg.Budget))
	defer cancel()
	_ = w.until(budget, func() bool { return w.wanted == 0 }) // what is missing says it
	return w.Missing()
}

// Required returns nil once every required target is warm, else, when ctx has ended, why not.
func (w *Warmer) Required(ctx context.Context) error {
	if err := w.until(ctx, func() bool { return w.required == 0 }); err != nil {
		return fmt.Errorf("warm required targets: %w; missing: %v", err, w.Missing())
	}
	return nil
}

func (w *Warmer) until(ctx context.Context, done func() bool) error {
	for {
		w.mu.Lock()
		ok, change := done(), w.change
		w.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-change:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Close ends the attempts and waits for them.
func (w *Warmer) Close() {
	w.stop()
	w.running.Wait()
}
