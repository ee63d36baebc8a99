package cloudevent

import (
	"container/list"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"sync"
	"time"

	sdk "github.com/cloudevents/sdk-go/v2/event"

	"github.com/dubbofn/dubbofn/fn/event"
	"github.com/dubbofn/dubbofn/invoker"
)

// Seen knows which events were handled, or are being. Safe for concurrent use.
type Seen interface {
	// Begin claims an event by its key, 64 hexadecimal digits, for at most lease: whoever dies meanwhile does not hold it for longer. The error says
	// that it can't be known now; nothing is claimed then.
	Begin(ctx context.Context, key string, lease time.Duration) (Claim, error)
	// Close ends everything that the store started. It is idempotent.
	Close(ctx context.Context) error
}

// Claim is what [Seen] knows of one event.
type Claim struct {
	State SeenState
	// Record is what Finish was given. Of [SeenDone] only.
	Record []byte
	// Finish says that the event was handled, and keeps a record for the window; Forget that it was not. One of them is called, once, by whoever
	// has [SeenNew]. If neither takes effect, the lease ends the claim.
	Finish func(ctx context.Context, record []byte) error
	Forget func(ctx context.Context) error

	// In memory what became of an event is kept as it is.
	kept *outcome
	keep func(outcome)
}

// SeenState says what is known of an event.
type SeenState int

// The states.
const (
	SeenNew     SeenState = iota // it is the caller's to handle
	SeenRunning                  // somebody handles it
	SeenDone
)

// SeenAdapter keeps what is known of events in a store that processes share: redis.Seen, nats.Seen.
type SeenAdapter interface {
	// Name is the scheme of its URLs.
	Name() string
	// OpenSeen refuses what u says wrong, with every fault at once. A store that is away is waited for by those who ask.
	OpenSeen(ctx context.Context, u invoker.URL, c SeenConfig) (Seen, error)
}

// SeenConfig is what a store is told.
type SeenConfig struct {
	App string        // the application: what it knows is its own
	For time.Duration // the window
	Log *slog.Logger
}

func openSeen(ctx context.Context, cfg Config, h event.Host, all []SeenAdapter) (Seen, error) {
	if cfg.Seen == "" {
		return newMemory(cfg.SeenFor, cfg.SeenMost, cfg.SeenBytes), nil
	}
	u, err := invoker.ParseURL(cfg.Seen)
	if err != nil {
		return nil, err
	}
	for _, a := range all {
		if a.Name() == u.Protocol {
			return a.OpenSeen(ctx, u, SeenConfig{App: h.App, For: cfg.SeenFor, Log: h.Log})
		}
	}
	return nil, fmt.Errorf("%s: this program has no such store; hand over cloudevent.Events(%s.Seen)", u, u.Protocol)
}

// keyOf tells events apart as CloudEvents does: by source and id, whatever else is said.
func keyOf(e sdk.Event) string {
	sum := sha256.Sum256([]byte(e.Source() + "\x00" + e.ID()))
	return hex.EncodeToString(sum[:])
}

// memory is what a process alone knows.
type memory struct {
	window time.Duration
	most   int
	limit  int64

	mu      sync.Mutex
	entries map[string]*entry
	done    *list.List // of *entry, the oldest first
	bytes   int64
}

type entry struct {
	key    string
	until  time.Time // of a claim: its lease's end; of a record: the window's
	record []byte
	kept   *outcome
	size   int64
	place  *list.Element // nil: under way
}

func newMemory(window time.Duration, most int, limit int64) *memory {
	return &memory{window: window, most: most, limit: limit, entries: map[string]*entry{}, done: list.New()}
}

// Begin implements [Seen].
func (m *memory) Begin(_ context.Context, key string, lease time.Duration) (Claim, error) {
	now := time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	for el := m.done.Front(); el != nil; el = m.done.Front() {
		e, _ := el.Value.(*entry)
		if now.Before(e.until) {
			break
		}
		m.remove(e)
	}
	switch e := m.entries[key]; {
	case e == nil:
	case e.place != nil:
		return Claim{State: SeenDone, Record: e.record, kept: e.kept}, nil
	case now.Before(e.until):
		return Claim{State: SeenRunning}, nil
	}
	mine := &entry{key: key, until: now.Add(lease)}
	m.entries[key] = mine
	return Claim{
		State:  SeenNew,
		Finish: func(_ context.Context, record []byte) error { m.finish(mine, record, nil); return nil },
		keep:   func(o outcome) { m.finish(mine, nil, &o) },
		Forget: func(context.Context) error { m.forget(mine); return nil },
	}, nil
}

func (m *memory) forget(e *entry) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.entries[e.key] == e { // else its lease has ended, and somebody else has it
		m.remove(e)
	}
}

func (m *memory) finish(e *entry, record []byte, kept *outcome) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.entries[e.key] != e || e.place != nil {
		return
	}
	size := int64(len(record)) + kept.size()
	if size > m.limit {
		record, kept, size = nil, nil, 0 // it is known as handled, without its reply
	}
	e.record, e.kept, e.size, e.until, e.place = record, kept, size, time.Now().Add(m.window), m.done.PushBack(e)
	m.bytes += size
	for m.done.Len() > m.most || m.bytes > m.limit {
		oldest, _ := m.done.Front().Value.(*entry)
		m.remove(oldest)
	}
}

// remove is called with the lock held.
func (m *memory) remove(e *entry) {
	if e.place != nil {
		m.done.Remove(e.place)
	}
	m.bytes -= e.size
	delete(m.entries, e.key)
}

// Close implements [Seen].
func (m *memory) Close(context.Context) error { return nil }
