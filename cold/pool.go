// Package cold keeps what should outlive a cold start: connections first. It knows no Dubbo.
package cold

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Conn is what a [Pool] holds. It is shared by all who use its address, so it must be safe for concurrent use.
//
// A Conn that also has Ping(context.Context) error is pinged when nobody has used it for a while; one that has
// Finish(context.Context) error is ended by that, which lets what is in flight end first, instead of by Close.
type Conn interface {
	Available() bool       // new work may go this way; false once the connection ended or the peer announced that it is going
	Done() <-chan struct{} // closed when the connection has ended
	Close() error
}

// Dial opens a connection. Its context has the values of the caller who first asked for the address, but not the caller's end.
type Dial[C Conn] func(ctx context.Context, address string) (C, error)

// PoolConfig says how a [Pool] behaves. Zero fields mean the defaults.
type PoolConfig struct {
	PerAddress    int           // connections to each address, dialled at the same time. Default: 1
	DialTimeout   time.Duration // how long one attempt, or one ping, may take. Default: 3 s
	PingAfter     time.Duration // a connection that nobody used for so long is pinged. Default: never
	Lifetime      time.Duration // a connection this old is replaced, once the new one is there. Default: never
	Jitter        float64       // the share of Lifetime by which it is shortened at random, 0 to 1. Default: 0.1
	BackoffMin    time.Duration // the pause after a failed attempt, doubled with each, up to BackoffMax; between two attempts that a peer accepted and cut, too. Default: 100 ms
	BackoffMax    time.Duration // Default: 5 s
	GiveUpAfter   time.Duration // attempts end after failing for so long; then the next Get dials. Default: 10 min
	WarmAtOnce    int           // first attempts that no caller waits for, under way at once. Default: 64
	FinishTimeout time.Duration // how long what is in flight on a connection that is let go may take. Default: 10 s
	Log           *slog.Logger  // Default: nothing is logged
}

// Validate reports every setting that makes no sense.
func (c PoolConfig) Validate() error {
	var faults []error
	if c.PerAddress < 0 || c.PerAddress > 1024 {
		faults = append(faults, fmt.Errorf("PerAddress %d: want 1 to 1024, or 0 for 1", c.PerAddress))
	}
	if c.WarmAtOnce < 0 {
		faults = append(faults, fmt.Errorf("WarmAtOnce %d: want 1 or more, or 0 for 64", c.WarmAtOnce))
	}
	if c.Jitter < 0 || c.Jitter > 1 {
		faults = append(faults, fmt.Errorf("jitter %v: want 0 to 1", c.Jitter))
	}
	for name, d := range map[string]time.Duration{
		"DialTimeout": c.DialTimeout, "PingAfter": c.PingAfter, "Lifetime": c.Lifetime, "BackoffMin": c.BackoffMin,
		"BackoffMax": c.BackoffMax, "GiveUpAfter": c.GiveUpAfter, "FinishTimeout": c.FinishTimeout,
	} {
		if d < 0 {
			faults = append(faults, fmt.Errorf("%s %v: want a positive duration, or 0 for the default", name, d))
		}
	}
	if c.BackoffMax > 0 && c.BackoffMin > c.BackoffMax {
		faults = append(faults, fmt.Errorf("BackoffMin %v: want at most BackoffMax, %v", c.BackoffMin, c.BackoffMax))
	}
	return errors.Join(faults...)
}

func (c PoolConfig) withDefaults() PoolConfig {
	set(&c.PerAddress, 1)
	set(&c.DialTimeout, 3*time.Second)
	set(&c.Jitter, 0.1)
	set(&c.BackoffMin, 100*time.Millisecond)
	set(&c.BackoffMax, max(5*time.Second, c.BackoffMin))
	set(&c.GiveUpAfter, 10*time.Minute)
	set(&c.WarmAtOnce, 64)
	set(&c.FinishTimeout, 10*time.Second)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

func set[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// ErrClosed says that the pool was closed, or the address given back.
var ErrClosed = errors.New("closed")

// Pool shares connections by address: all who hold an address use the same ones. Safe for concurrent use.
type Pool[C Conn] struct {
	dial Dial[C]
	cfg  PoolConfig
	ctx  context.Context // ends with Close
	stop context.CancelFunc
	wg   sync.WaitGroup
	room chan struct{} // for first attempts that no caller waits for

	mu      sync.Mutex
	targets map[string]*Target[C]
	closed  bool

	dials, failures, ended, pings, renewed atomic.Int64
	dialling, open                         atomic.Int64
}

// NewPool makes a pool. It panics when dial is nil or c is invalid.
func NewPool[C Conn](dial Dial[C], c PoolConfig) *Pool[C] {
	if dial == nil {
		panic("cold: NewPool needs a dial function")
	}
	if err := c.Validate(); err != nil {
		panic(fmt.Sprintf("cold: NewPool: %v", err))
	}
	p := &Pool[C]{dial: dial, cfg: c.withDefaults(), targets: map[string]*Target[C]{}}
	p.room = make(chan struct{}, p.cfg.WarmAtOnce)
	p.ctx, p.stop = context.WithCancel(context.Background())
	return p
}

// Stat is what a pool holds now, and has done since it was made.
type Stat struct {
	Targets  int   // addresses held
	Open     int64 // connections that live
	Ready    int   // addresses with a connection that takes work
	Dialling int64 // attempts under way
	Dials    int64 // attempts in all
	Failures int64 // attempts that failed
	Ended    int64 // connections that ended by themselves
	Pings    int64 // pings sent
	Renewed  int64 // connections replaced for their age, or by Reset
}

// Stat gives the counters.
func (p *Pool[C]) Stat() Stat {
	s := Stat{
		Open: p.open.Load(), Dialling: p.dialling.Load(), Dials: p.dials.Load(), Failures: p.failures.Load(),
		Ended: p.ended.Load(), Pings: p.pings.Load(), Renewed: p.renewed.Load(),
	}
	for _, t := range p.all() {
		s.Targets++
		if t.Ready() {
			s.Ready++
		}
	}
	return s
}

func (p *Pool[C]) all() []*Target[C] {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make([]*Target[C], 0, len(p.targets))
	for _, t := range p.targets {
		all = append(all, t)
	}
	return all
}

// Hold gives the target of an address. Each Hold needs one [Target.Release]. It starts nothing. A closed pool's targets give
// [ErrClosed].
func (p *Pool[C]) Hold(address string) *Target[C] {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.targets[address]
	if t == nil {
		t = newTarget(p, address)
		if p.closed {
			t.released = true
			return t
		}
		p.targets[address] = t
	}
	t.holders++
	return t
}

// Warm connects to addresses that are held and waits for them; its error joins those of the addresses
// that can't be reached. Those are tried again in the background (see PoolConfig).
func (p *Pool[C]) Warm(ctx context.Context, addresses ...string) error {
	errs := make([]error, len(addresses))
	var wg sync.WaitGroup
	room := make(chan struct{}, p.cfg.WarmAtOnce)
	for i, a := range addresses {
		t := p.Hold(a)
		room <- struct{}{}
		wg.Go(func() {
			defer func() { <-room; t.Release() }()
			_, errs[i] = t.Get(ctx)
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Reset replaces every connection, as after a thaw, when peers may have forgotten them: each stays in use until its
// successor is there.
func (p *Pool[C]) Reset() {
	for _, t := range p.all() {
		t.renew()
	}
}

// Close ends every connection once what is in flight on it has ended, and waits for that and for everything else that was
// started. Calling it again does nothing.
func (p *Pool[C]) Close() error {
	p.mu.Lock()
	p.closed = true
	all := p.targets
	p.targets = map[string]*Target[C]{}
	p.mu.Unlock()
	for _, t := range all {
		t.end()
	}
	p.stop()
	p.wg.Wait()
	return nil
}
