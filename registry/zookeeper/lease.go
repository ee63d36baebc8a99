package zookeeper

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/dubbofn/dubbofn/registry"
)

// lease is a registration that is kept.
type lease struct {
	c     *center
	app   string
	since int64 // Unix milliseconds

	turn  chan struct{} // holds one while something is done, for as long as the server takes
	over  atomic.Bool
	now   registry.Registration
	nodes map[string][]byte // the ephemeral ones, by path
	stray map[string][]byte // others that may be there, and are to go
}

// alone runs a request when it is its turn, for at most as long as ctx lasts. A request that is given up goes on, and has the
// turn until it is done.
func (l *lease) alone(ctx context.Context, request func() error) error {
	select {
	case l.turn <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("the server has not answered what was asked before: %w", context.Cause(ctx))
	}
	if !l.c.begin() {
		<-l.turn
		return registry.ErrClosed
	}
	return l.c.run(ctx, func() error {
		defer func() { <-l.turn }()
		return request()
	})
}

// nodesOf gives the ephemeral nodes of a registration. Everything that can be refused here is.
func (c *center) nodesOf(r registry.Registration, since int64) (map[string][]byte, error) {
	if err := r.Validate(); err != nil {
		return nil, err
	}
	nodes := map[string][]byte{}
	if r.EffectiveLevels().Has(registry.AppInstance) {
		i, err := r.AppInstance(0)
		if err != nil {
			return nil, err
		}
		if nodes[c.s.instancePath(i)], err = payload(i, since); err != nil {
			return nil, err
		}
	}
	if r.EffectiveLevels().Has(registry.InterfaceLevel) {
		for _, s := range r.Metadata.Services {
			n, i, err := r.InterfaceInstance(s, 0)
			if err != nil {
				return nil, err
			}
			nodes[c.s.providersPath(n.Interface)+"/"+providerNode(i)] = []byte(i.Host)
		}
	}
	return nodes, nil
}

// documents writes metadata, definitions and mappings.
func (c *center) documents(r registry.Registration) error {
	levels, app := r.EffectiveLevels(), r.Metadata.App
	if levels.Has(registry.AppMetadata) {
		doc, err := r.Metadata.MarshalJSON()
		if err != nil {
			return err
		}
		if err := c.put(c.s.metadataPath(app, r.Metadata.Revision()), doc); err != nil {
			return err
		}
		for _, s := range r.Metadata.Services {
			if def, ok := r.Definitions[s.Key()]; ok {
				if err := c.put(c.s.definitionPath(s, app), def); err != nil {
					return err
				}
			}
		}
	}
	for _, iface := range r.Metadata.Interfaces() {
		if levels.Has(registry.Mapping) {
			if err := c.join(iface, app); err != nil {
				return err
			}
		}
		if levels.Has(registry.LegacyMapping) {
			if err := c.put(c.s.legacyPath(iface)+"/"+app, []byte(app)); err != nil {
				return err
			}
		}
	}
	return nil
}

// Register writes metadata and mappings, then instances.
func (c *center) Register(ctx context.Context, r registry.Registration) (registry.Lease, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l := &lease{c: c, app: r.Instance.App, now: r, since: time.Now().UnixMilli(), turn: make(chan struct{}, 1)}
	var err error
	if l.nodes, err = c.nodesOf(r, l.since); err != nil {
		return nil, err
	}
	c.mu.Lock()
	if c.closing {
		c.mu.Unlock()
		return nil, registry.ErrClosed
	}
	c.leases[l] = true
	c.mu.Unlock()
	l.own(l.nodes)
	if err := l.alone(ctx, func() error { return c.again(ctx, func() error { return c.write(r, l.nodes) }) }); err != nil {
		undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		defer cancel()
		return nil, errors.Join(fmt.Errorf("register %s: %w", r.Instance.App, err), l.End(undo))
	}
	return l, nil
}

// write writes documents and nodes.
func (c *center) write(r registry.Registration, nodes map[string][]byte) error {
	if err := c.documents(r); err != nil {
		return err
	}
	return c.holdAll(nodes)
}

func (c *center) holdAll(nodes map[string][]byte) error {
	for path, content := range nodes {
		if err := c.hold(path, content); err != nil {
			return fmt.Errorf("write %s: %w", cut(path), err)
		}
	}
	return nil
}

// own notes that nodes are this lease's from now on, even where another's may still be.
func (l *lease) own(nodes map[string][]byte) {
	l.c.mu.Lock()
	defer l.c.mu.Unlock()
	for path := range nodes {
		l.c.owners[path] = l
	}
}

// leaveAll takes nodes away, except those that another lease owns by now.
func (l *lease) leaveAll(nodes map[string][]byte) error {
	c := l.c
	var errs []error
	for path := range nodes {
		c.mu.Lock()
		owner := c.owners[path]
		c.mu.Unlock()
		if owner != nil && owner != l {
			continue
		}
		if err := c.leave(path); err != nil {
			errs = append(errs, err)
			continue
		}
		c.mu.Lock()
		switch c.owners[path] {
		case l:
			delete(c.owners, path)
		case nil:
		default:
			c.signal() // it may have been the other's that went
		}
		c.mu.Unlock()
	}
	return errors.Join(errs...)
}

// Update registers over what is there: what is new first, then what is no more.
func (l *lease) Update(ctx context.Context, r registry.Registration) error {
	if l.over.Load() {
		return registry.ErrClosed
	}
	nodes, err := l.c.nodesOf(r, l.since)
	if err != nil {
		return err
	}
	return l.alone(ctx, func() error {
		if l.over.Load() {
			return registry.ErrClosed
		}
		if err := l.now.CanBecome(r); err != nil {
			return err
		}
		before := l.nodes
		l.stray = without(union(l.stray, nodes), before)
		l.own(nodes)
		err := l.c.again(ctx, func() error {
			if err := l.c.write(r, nodes); err != nil {
				return err
			}
			return l.leaveAll(without(union(l.stray, before), nodes))
		})
		if err != nil {
			l.c.signal() // the keeper restores what was
			return fmt.Errorf("update registration of %s: %w", r.Instance.App, err)
		}
		l.now, l.nodes, l.stray = r, nodes, nil
		return nil
	})
}

func union(a, b map[string][]byte) map[string][]byte {
	all := map[string][]byte{}
	maps.Copy(all, a)
	maps.Copy(all, b)
	return all
}

func without(a, b map[string][]byte) map[string][]byte {
	left := map[string][]byte{}
	for path, content := range a {
		if _, ok := b[path]; !ok {
			left[path] = content
		}
	}
	return left
}

// End takes the instances away. What the server could not be told within ctx is told later, while the registry is open.
func (l *lease) End(ctx context.Context) error {
	if !l.over.CompareAndSwap(false, true) {
		return nil
	}
	if err := l.alone(ctx, func() error { return l.c.again(ctx, l.leave) }); err != nil {
		l.c.signal()
		return fmt.Errorf("deregister %s: %w", l.app, err)
	}
	return nil
}

// leave takes away what is there of a lease that is over; then nobody has to look after it.
func (l *lease) leave() error {
	if err := l.leaveAll(union(l.nodes, l.stray)); err != nil {
		return err
	}
	l.c.mu.Lock()
	delete(l.c.leases, l)
	l.c.mu.Unlock()
	return nil
}

// restore writes again what is missing, and takes away what is too much.
func (l *lease) restore(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, l.c.most)
	defer cancel()
	return l.alone(ctx, func() error {
		return l.c.again(ctx, func() error {
			if l.over.Load() {
				return l.leave()
			}
			if err := l.c.write(l.now, l.nodes); err != nil {
				return err
			}
			if err := l.leaveAll(l.stray); err != nil {
				return err
			}
			l.stray = nil
			return nil
		})
	})
}

// keep restores what a lost session took away, and looks now and then whether all is there.
func (c *center) keep() {
	ctx, cancel := c.life()
	defer cancel()
	failed := 0
	for {
		wait := checkEvery
		if failed > 0 {
			wait = min(pauseFirst<<min(failed, 10), pauseLast)
		}
		t := time.NewTimer(wait)
		select {
		case <-c.over:
			t.Stop()
			return
		case <-c.wake:
		case <-t.C:
		}
		t.Stop()
		c.mu.Lock()
		leases := slices.Collect(maps.Keys(c.leases))
		c.mu.Unlock()
		var err error
		for _, l := range leases {
			err = errors.Join(err, l.restore(ctx))
		}
		if failed++; err == nil {
			failed = 0
		} else if ctx.Err() == nil {
			c.log.Warn("zookeeper: a registration could not be looked after, trying again", "error", err)
		}
	}
}

// life is a context that ends with the registry.
func (c *center) life() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(c.ctx)
	c.wg.Go(func() {
		<-c.over
		cancel()
	})
	return ctx, cancel
}
