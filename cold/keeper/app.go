package keeper

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/dubbofn/dubbofn/internal/keeperwire"
	"github.com/dubbofn/dubbofn/internal/rights"
	"github.com/dubbofn/dubbofn/invoker/dubbo"
	"github.com/dubbofn/dubbofn/registry/hint"
)

// app is what is kept for one application.
type app struct {
	k     *Keeper
	name  string
	peers int // guarded by the keeper's lock
	ctx   context.Context
	stop  context.CancelFunc

	mu      sync.Mutex
	ended   bool
	targets map[keeperwire.Target]*target
	watches map[hint.Key]time.Time // when somebody last wanted it
	state   []byte                 // what the registries say, as it was at version
	version uint64
	stale   bool // watches has changed since
}

func newApp(k *Keeper, name string) *app {
	a := &app{k: k, name: name, targets: map[keeperwire.Target]*target{}, watches: map[hint.Key]time.Time{}, stale: true}
	a.ctx, a.stop = context.WithCancel(k.ctx)
	return a
}

// lend takes all that can be given away out of the pool. Once it was given away, or is not needed, done is to be called: then the keeper connects anew.
func (a *app) lend() (addresses []string, conns []net.Conn, done func()) {
	a.mu.Lock()
	var from []*target
	for _, t := range a.targets {
		if t.idle.Load() != nil && len(from) < rights.Max {
			from = append(from, t)
		}
	}
	a.mu.Unlock()
	slices.SortFunc(from, func(x, y *target) int { return cmp.Compare(x.key.Address, y.key.Address) })
	var idle []*dubbo.Idle
	var asked []*target
	for _, t := range from {
		if i := t.idle.Load(); i != nil {
			idle, asked = append(idle, i), append(asked, t)
		}
	}
	var given []*target
	for n, c := range dubbo.Lend(idle...) {
		if c != nil {
			addresses, conns, given = append(addresses, asked[n].key.Address), append(conns, c), append(given, asked[n])
			asked[n].touch()
			asked[n].idle.CompareAndSwap(idle[n], nil)
		}
	}
	return addresses, conns, func() {
		for n, c := range conns {
			_ = c.Close() // the borrower has its own descriptor, or is gone
			given[n].taken <- struct{}{}
		}
	}
}

// ready gives the targets that can be relayed to at once.
func (a *app) ready() (all []keeperwire.Target) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, t := range a.targets {
		if t.line.Load() != nil && len(all) < keeperwire.MaxTargets {
			all = append(all, t.key)
		}
	}
	return all
}

// lineTo gives the connection that leads to a target, nil where there is none now.
func (a *app) lineTo(key keeperwire.Target) *line {
	a.mu.Lock()
	t := a.targets[key]
	a.mu.Unlock()
	if t == nil {
		return nil
	}
	t.touch()
	return t.line.Load()
}

// want has targets kept, within the limits; the error says what is not.
func (a *app) want(declared App, keys []keeperwire.Target, relay bool) error {
	var faults []error
	for _, key := range keys {
		if err := a.k.allows(declared, key); err != nil {
			faults = append(faults, err)
			continue
		}
		if err := a.keep(key, relay || key.TLS); err != nil {
			faults = append(faults, err)
			break
		}
	}
	return errors.Join(faults...)
}

func (a *app) keep(key keeperwire.Target, relay bool) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ended {
		return nil
	}
	t := a.targets[key]
	if t != nil && t.hopeless.Load() { // somebody wants it again
		a.drop(t)
		t = nil
	}
	if t == nil {
		if len(a.targets) >= a.k.cfg.MaxTargets && !a.evict() {
			a.k.counts.refused.Add(1)
			return fmt.Errorf("app %q has %d targets (limit %d)", a.name, len(a.targets), a.k.cfg.MaxTargets)
		}
		t = newTarget(a, key)
		a.targets[key] = t
	}
	t.touch()
	t.start(relay)
	return nil
}

// evictAfter is how long a target must have been unused to make room for another.
const evictAfter = time.Minute

// evict is called with the lock held; it makes room for a target by letting the one go that was longest unused.
func (a *app) evict() bool {
	var oldest *target
	for _, t := range a.targets {
		if t.touchIfBusy(); oldest == nil || t.used.Load() < oldest.used.Load() {
			oldest = t
		}
	}
	if oldest == nil || time.Since(time.Unix(0, oldest.used.Load())) < evictAfter {
		return false
	}
	a.drop(oldest)
	return true
}

// drop is called with the lock held.
func (a *app) drop(t *target) {
	delete(a.targets, t.key)
	t.stop()
}

// follow has things of registries followed.
func (a *app) follow(watches []keeperwire.Watch) error {
	var faults []error
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ended {
		return nil
	}
	for _, w := range watches {
		key := hint.Key{Source: w.Source, Kind: hint.Kind(w.Kind), Name: w.Name, Group: w.Group, Version: w.Version, Interface: w.Interface}
		if _, known := a.watches[key]; !known {
			if len(a.watches) >= a.k.cfg.MaxWatches {
				a.k.counts.refused.Add(1)
				faults = append(faults, fmt.Errorf("app %q has %d things of registries followed (limit %d)", a.name, len(a.watches), a.k.cfg.MaxWatches))
				break
			}
			if err := a.k.following(key); err != nil {
				faults = append(faults, err)
				continue
			}
			a.stale = true
		}
		a.watches[key] = time.Now()
	}
	return errors.Join(faults...)
}

// registryState gives what the registries say of all that the application's functions have asked for.
func (a *app) registryState() []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.watches) == 0 {
		return nil
	}
	if v := a.k.follower.Version(); a.stale || a.version != v {
		keys := make([]hint.Key, 0, len(a.watches))
		for key := range a.watches {
			keys = append(keys, key)
		}
		state := a.k.follower.Encode(keys)
		if len(state) > maxHeldState {
			a.state, a.stale = nil, true // made anew each time: there may be thousands of applications
			return state
		}
		a.state, a.version, a.stale = state, v, false
	}
	return a.state
}

// maxHeldState is how much of an application's registry state is held ready.
const maxHeldState = 64 << 10

// tend forgets what nobody has wanted for long, and what the application may no longer have. It tells whether nothing is left.
func (a *app) tend(now time.Time, declared App) (empty bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	old := now.Add(-a.k.cfg.Forget)
	for key, t := range a.targets {
		if t.touchIfBusy(); t.used.Load() < old.UnixNano() || t.hopeless.Load() || !declared.Allows(key.Address) {
			a.drop(t)
		}
	}
	for key, wanted := range a.watches {
		if wanted.Before(old) {
			delete(a.watches, key)
			a.stale = true
			a.k.unfollow(key)
		}
	}
	return len(a.targets)+len(a.watches) == 0
}

// end lets everything go.
func (a *app) end() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ended = true
	for _, t := range a.targets {
		a.drop(t)
	}
	for key := range a.watches {
		a.k.unfollow(key)
	}
	a.watches = map[hint.Key]time.Time{}
	a.stop()
}
