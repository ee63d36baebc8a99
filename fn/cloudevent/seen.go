package cloudevent

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"time"

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
func keyOf(e *incoming) digest {
	var room [256]byte
	b := append(room[:0], e.source...)
	b = append(b, 0)
	return sha256.Sum256(append(b, e.id...))
}

// claim is one of either store: a process's own needs no functions made for it.
type claim struct {
	Claim
	memory *memory
	key    digest
	serial uint64
}

// begin is [Seen.Begin].
func (e *events) begin(ctx context.Context, key digest, lease time.Duration) (claim, error) {
	if m, here := e.seen.(*memory); here {
		state, record, serial := m.begin(key, lease)
		return claim{Claim{State: state, Record: record}, m, key, serial}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	c, err := e.seen.Begin(ctx, hex.EncodeToString(key[:]), lease)
	return claim{Claim: c}, err
}

// finish is [Claim].Finish, forget its Forget. The store is given time of its own: the sender's may be over.
func (c *claim) finish(ctx context.Context, record []byte) error {
	if c.memory != nil {
		c.memory.finish(c.key, c.serial, record)
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTime)
	defer cancel()
	return c.Finish(ctx, record)
}

func (c *claim) forget(ctx context.Context) error {
	if c.memory != nil {
		c.memory.forget(c.key, c.serial)
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTime)
	defer cancel()
	return c.Forget(ctx)
}

// memory is what a process alone knows. Nothing of an event in it points to anything, since the collector looks at each pointer again and again: a hundred
// thousand events that were handled would else cost those that come as much as their handling does.
type memory struct {
	window time.Duration
	most   int
	limit  int64

	mu      sync.Mutex
	entries map[digest]entry
	done    []finished // from first on; the oldest first
	first   int
	serial  uint64
	bytes   int64
	shelves map[uint32]*shelf // of records, by number
	shelf   uint32            // the one that is filled
}

// shelf holds the records of events that were handled one after the other, which are forgotten one after the other too.
type shelf struct {
	b    []byte
	kept int // records in b that are not forgotten
}

// shelfBytes is how large a shelf is; a record that is larger has one of its own.
const shelfBytes = 256 << 10

// place is where a record is. The zero value is an empty one.
type place struct{ shelf, at, size uint32 }

// put keeps a record.
func (m *memory) put(record []byte) place {
	if len(record) == 0 {
		return place{}
	}
	s := m.shelves[m.shelf]
	if s == nil || cap(s.b)-len(s.b) < len(record) {
		m.shelf++
		s = &shelf{b: make([]byte, 0, max(shelfBytes, len(record)))}
		m.shelves[m.shelf] = s
	}
	p := place{m.shelf, uint32(len(s.b)), uint32(len(record))}
	s.b = append(s.b, record...)
	s.kept++
	return p
}

// at gives a record, which is not to be changed. What is put on the shelf later is behind it.
func (m *memory) at(p place) []byte {
	if p.size == 0 {
		return nil
	}
	end := p.at + p.size
	return m.shelves[p.shelf].b[p.at:end:end]
}

// take takes a record off its shelf, and the shelf away with the last.
func (m *memory) take(p place) {
	if p.size == 0 {
		return
	}
	s := m.shelves[p.shelf]
	if s.kept--; s.kept > 0 {
		return
	}
	if p.shelf == m.shelf { // it is filled from its beginning again, in bytes of its own: a record may still be read
		m.shelf++
	}
	delete(m.shelves, p.shelf)
}

// digest is a key as bytes.
type digest [sha256.Size]byte

// entry is one event.
type entry struct {
	serial uint64 // of its claim: each has its own
	until  int64  // UnixNano. Of a claim: its lease's end; of a record: the window's
	done   bool
	record place
}

// finished is one whose record is kept.
type finished struct {
	key    digest
	serial uint64
}

func newMemory(window time.Duration, most int, limit int64) *memory {
	return &memory{window: window, most: most, limit: limit, entries: map[digest]entry{}, shelves: map[uint32]*shelf{}}
}

// Begin implements [Seen].
func (m *memory) Begin(_ context.Context, key string, lease time.Duration) (Claim, error) {
	var d digest
	if n, err := hex.Decode(d[:], []byte(key)); err != nil || n != len(d) {
		return Claim{}, fmt.Errorf("begin event: key %.80q: want %d hexadecimal digits", key, 2*len(d))
	}
	state, record, serial := m.begin(d, lease)
	if state != SeenNew {
		return Claim{State: state, Record: record}, nil
	}
	return Claim{
		State:  SeenNew,
		Finish: func(_ context.Context, record []byte) error { m.finish(d, serial, record); return nil },
		Forget: func(context.Context) error { m.forget(d, serial); return nil },
	}, nil
}

// begin claims an event. Its claim has the serial number.
func (m *memory) begin(d digest, lease time.Duration) (state SeenState, record []byte, serial uint64) {
	now := time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	for m.first < len(m.done) && m.entries[m.done[m.first].key].until <= now.UnixNano() {
		m.drop()
	}
	switch e, ok := m.entries[d]; {
	case !ok:
	case e.done:
		return SeenDone, m.at(e.record), 0
	case e.until > now.UnixNano():
		return SeenRunning, nil, 0
	}
	m.serial++
	m.entries[d] = entry{serial: m.serial, until: now.Add(lease).UnixNano()}
	return SeenNew, nil, m.serial
}

func (m *memory) forget(d digest, serial uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e := m.entries[d]; e.serial == serial && !e.done { // else its lease has ended, and somebody else has it
		delete(m.entries, d)
	}
}

func (m *memory) finish(d digest, serial uint64, record []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e := m.entries[d]; e.serial != serial || e.done {
		return
	}
	if int64(len(record)) > min(m.limit, math.MaxUint32) {
		record = nil // it is known as handled, without its reply
	}
	m.entries[d] = entry{serial: serial, until: time.Now().Add(m.window).UnixNano(), done: true, record: m.put(record)}
	m.done = append(m.done, finished{d, serial})
	m.bytes += int64(len(record))
	for len(m.done)-m.first > m.most || m.bytes > m.limit {
		m.drop()
	}
}

// drop forgets the oldest record. It is called with the lock held.
func (m *memory) drop() {
	f := m.done[m.first]
	m.first++
	if e := m.entries[f.key]; e.serial == f.serial {
		m.bytes -= int64(e.record.size)
		m.take(e.record)
		delete(m.entries, f.key)
	}
	if m.first > len(m.done)/2 && m.first > 1024 { // the room in front is as large as what is left
		m.done = append(m.done[:0], m.done[m.first:]...)
		m.first = 0
	}
}

// Close implements [Seen].
func (m *memory) Close(context.Context) error { return nil }
