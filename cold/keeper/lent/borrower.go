// Package lent is how a process borrows from the keeper of its machine or node: it asks once, when it starts, for all that is kept for its application, and
// is ready some hundred microseconds later, with connections to its providers and with what the registries say. Where the keeper is absent, slow or unwilling,
// nothing is lost but that: no caller waits longer than Config.Budget for it.
//
// It links nothing but the standard library, and knows no Dubbo: connections are [net.Conn].
package lent

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dubbofn/dubbofn/internal/keeperwire"
)

// Target is a provider, and how it is spoken to.
type Target = keeperwire.Target

// Watch is one thing that a registry is asked for.
type Watch = keeperwire.Watch

// Borrower is a process's connection with its keeper. Safe for concurrent use.
type Borrower struct {
	cfg    Config
	ctx    context.Context // ends with Close
	stop   context.CancelFunc
	wg     sync.WaitGroup
	budget time.Time     // until when the first answer is waited for
	first  chan struct{} // closed once the first attempt has ended, well or not

	mu      sync.Mutex
	closed  bool
	link    *link // nil while there is none
	tried   time.Time
	trying  bool
	lent    map[string][]net.Conn
	state   []byte
	lessons keeperwire.Lesson // all that was used so far, for whichever keeper comes next
	known   struct {
		lend, relay map[Target]bool
		watches     map[Watch]bool
	}

	counts struct{ lent, relayed, missed atomic.Int64 }
}

// Open begins to ask, in the background, and gives a Borrower at once. It outlives ctx, whose values it keeps; Close ends it. The error says what makes no sense in c.
func Open(ctx context.Context, c Config) (*Borrower, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("borrow from the keeper: %w", err)
	}
	b := &Borrower{cfg: c.withDefaults(), first: make(chan struct{}), lent: map[string][]net.Conn{}}
	b.known.lend, b.known.relay, b.known.watches = map[Target]bool{}, map[Target]bool{}, map[Watch]bool{}
	b.ctx, b.stop = context.WithCancel(context.WithoutCancel(ctx))
	b.budget = time.Now().Add(b.cfg.Budget)
	b.trying, b.tried = true, time.Now()
	b.wg.Go(func() {
		defer close(b.first)
		b.connect(true)
	})
	return b, nil
}

// Stats is what a borrower has had.
type Stats struct {
	Connected bool
	Lent      int64 // connections that came with their descriptors, and were used
	Relayed   int64 // channels
	Missed    int64 // connections that the keeper did not have
}

// Stats gives the counters.
func (b *Borrower) Stats() Stats {
	b.mu.Lock()
	defer b.mu.Unlock()
	return Stats{Connected: b.link != nil, Lent: b.counts.lent.Load(), Relayed: b.counts.relayed.Load(), Missed: b.counts.missed.Load()}
}

// wait waits for the first answer, until the budget is spent, or ctx ends.
func (b *Borrower) wait(ctx context.Context) {
	select {
	case <-b.first:
		return
	default:
	}
	t := time.NewTimer(time.Until(b.budget))
	defer t.Stop()
	select {
	case <-b.first:
	case <-t.C:
	case <-ctx.Done():
	}
}

// State gives what the registries say, as the keeper knows it: bytes for hint.Decode. They are nil where it has none, or has not answered in time.
func (b *Borrower) State(ctx context.Context) []byte {
	b.wait(ctx)
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.state
}

// Conn gives a connection to a target: one that was lent, else a channel to one that the keeper has. It gives nil where there is neither, at once, or within the budget where the keeper is still being asked;
// then the caller connects by itself, and the keeper keeps the target for the next who start.
func (b *Borrower) Conn(ctx context.Context, t Target) net.Conn {
	b.wait(ctx)
	b.mu.Lock()
	if c := b.takeLent(t); c != nil {
		b.mu.Unlock()
		b.counts.lent.Add(1)
		return c
	}
	l := b.link
	b.mu.Unlock()
	relayed := b.relays(t)
	if l != nil && relayed {
		if c := l.open(ctx, t, b.cfg.Budget); c != nil {
			b.counts.relayed.Add(1)
			b.learned(t)
			return c
		}
	}
	b.counts.missed.Add(1)
	b.learned(t)
	b.again()
	return nil
}

// relays tells whether a target's connections stay with the keeper: those over TLS, and all of a process that does not see its socket.
func (b *Borrower) relays(t Target) bool {
	kind, _ := network(b.cfg.Address)
	return t.TLS || kind != "unix"
}

// takeLent is called with the lock held.
func (b *Borrower) takeLent(t Target) net.Conn {
	for have := b.lent[t.Address]; !t.TLS && len(have) > 0; have = b.lent[t.Address] {
		if b.lent[t.Address] = have[1:]; len(have) == 1 {
			delete(b.lent, t.Address)
		}
		if fresh(have[0]) {
			b.learn(keeperwire.Lesson{Lend: []Target{t}})
			return have[0]
		}
		_ = have[0].Close()
	}
	return nil
}

// learned tells the keeper of a target that is used.
func (b *Borrower) learned(t Target) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.relays(t) {
		b.learn(keeperwire.Lesson{Relay: []Target{t}})
	} else {
		b.learn(keeperwire.Lesson{Lend: []Target{t}})
	}
}

// Uses tells the keeper what is asked of the registries, so that it follows it for the next who start. It does not wait.
func (b *Borrower) Uses(watches ...Watch) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.learn(keeperwire.Lesson{Watches: watches})
}

// Targets gives what connections were asked for so far, sorted.
func (b *Borrower) Targets() []Target {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := map[Target]bool{}
	maps.Copy(all, b.known.lend)
	maps.Copy(all, b.known.relay)
	return slices.SortedFunc(maps.Keys(all), func(x, y Target) int {
		return slices.Compare([]string{x.Address, x.Name}, []string{y.Address, y.Name})
	})
}

// learn is called with the lock held; it sends what the keeper does not know yet.
func (b *Borrower) learn(l keeperwire.Lesson) {
	var news keeperwire.Lesson
	add := func(known map[Target]bool, from []Target, all, news *[]Target) {
		for _, t := range from {
			if !known[t] && t.Validate() == nil && len(*all) < keeperwire.MaxTargets {
				known[t] = true
				*all, *news = append(*all, t), append(*news, t)
			}
		}
	}
	add(b.known.lend, l.Lend, &b.lessons.Lend, &news.Lend)
	add(b.known.relay, l.Relay, &b.lessons.Relay, &news.Relay)
	for _, w := range l.Watches {
		if !b.known.watches[w] && len(b.lessons.Watches) < keeperwire.MaxTargets {
			b.known.watches[w] = true
			b.lessons.Watches, news.Watches = append(b.lessons.Watches, w), append(news.Watches, w)
		}
	}
	if b.link != nil && len(news.Lend)+len(news.Relay)+len(news.Watches) > 0 {
		b.link.learn(news)
	}
}

// again begins to connect with the keeper where there is no connection, and the last attempt was some time ago.
func (b *Borrower) again() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed || b.link != nil || b.trying || time.Since(b.tried) < time.Second {
		return
	}
	b.trying, b.tried = true, time.Now()
	b.wg.Go(func() { b.connect(false) })
}

// connect makes one attempt, and serves the link that it makes until that ends.
func (b *Borrower) connect(lend bool) {
	l, err := dial(b.ctx, b.cfg, lend)
	b.mu.Lock()
	b.trying = false
	if err == nil && b.closed {
		err = errors.New("closed")
		l.end()
		for _, c := range l.conns {
			_ = c.Close()
		}
	}
	if err != nil {
		b.mu.Unlock()
		if b.ctx.Err() == nil {
			b.cfg.Log.Info("keeper: nothing can be borrowed; connections are made as ever", "keeper", b.cfg.Address, "error", err)
		}
		return
	}
	for n, address := range l.answer.Lent {
		b.lent[address] = append(b.lent[address], l.conns[n])
	}
	b.state, b.link = l.state, l
	if len(b.lessons.Lend)+len(b.lessons.Relay)+len(b.lessons.Watches) > 0 {
		l.learn(b.lessons)
	}
	b.mu.Unlock()
	b.wg.Go(func() {
		err := l.run()
		b.mu.Lock()
		b.link = nil
		b.mu.Unlock()
		if b.ctx.Err() == nil {
			b.cfg.Log.Info("keeper: the connection ended; the next who want one connect again", "keeper", b.cfg.Address, "error", err)
		}
	})
	if len(l.conns) > 0 {
		b.wg.Go(func() { b.expire(l.conns) })
	}
}

// expire closes connections that nobody has used: nobody reads from them, so that they would miss heartbeats, and that a provider is going.
func (b *Borrower) expire(lent []net.Conn) {
	t := time.NewTimer(b.cfg.Unused)
	defer t.Stop()
	select {
	case <-t.C:
	case <-b.ctx.Done():
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for address, have := range b.lent {
		b.lent[address] = slices.DeleteFunc(have, func(c net.Conn) bool {
			old := slices.Contains(lent, c)
			if old {
				_ = c.Close()
			}
			return old
		})
		if len(b.lent[address]) == 0 {
			delete(b.lent, address)
		}
	}
}

// Close ends the connection with the keeper, and with it all channels. Connections that were lent and are in use stay. Calling it again does nothing.
func (b *Borrower) Close() error {
	b.mu.Lock()
	b.closed = true
	l := b.link
	b.mu.Unlock()
	b.stop()
	if l != nil {
		l.end()
	}
	b.wg.Wait()
	return nil
}
