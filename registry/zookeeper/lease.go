package zookeeper

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/dubbofn/dubbofn/registry"
)

// lease is a registration that is kept.
type lease struct {
	c     *center
	since int64 // Unix milliseconds

	turn  sync.Mutex // one at a time
	now   registry.Registration
	nodes map[string][]byte // the ephemeral ones, by path
	over  bool
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
		if err := c.write(c.s.metadataPath(app, r.Metadata.Revision()), doc); err != nil {
			return err
		}
		for _, s := range r.Metadata.Services {
			if def, ok := r.Definitions[s.Key()]; ok {
				if err := c.write(c.s.definitionPath(s, app), def); err != nil {
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
			if err := c.write(c.s.legacyPath(iface)+"/"+app, []byte(app)); err != nil {
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
	l := &lease{c: c, now: r, since: time.Now().UnixMilli()}
	nodes, err := c.nodesOf(r, l.since)
	if err != nil {
		return nil, err
	}
	if err := c.retry(ctx, func() error { return c.documents(r) }); err != nil {
		return nil, fmt.Errorf("register %s: %w", r.Instance.App, err)
	}
	if err := c.retry(ctx, func() error { return c.holdAll(nodes) }); err != nil {
		undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		defer cancel()
		return nil, errors.Join(fmt.Errorf("register %s: %w", r.Instance.App, err), c.do(undo, func() error { return c.leaveAll(nodes) }))
	}
	l.nodes = nodes
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return nil, registry.ErrClosed
	}
	c.leases[l] = true
	return l, nil
}

func (c *center) holdAll(nodes map[string][]byte) error {
	for path, content := range nodes {
		if err := c.hold(path, content); err != nil {
			return fmt.Errorf("write %s: %w", cut(path), err)
		}
	}
	return nil
}

func (c *center) leaveAll(nodes map[string][]byte) error {
	var errs []error
	for path := range nodes {
		errs = append(errs, c.leave(path))
	}
	return errors.Join(errs...)
}

// Update registers over what is there: what is new first, then what is no more.
func (l *lease) Update(ctx context.Context, r registry.Registration) error {
	l.turn.Lock()
	defer l.turn.Unlock()
	if l.over {
		return registry.ErrClosed
	}
	if err := l.now.CanBecome(r); err != nil {
		return err
	}
	c := l.c
	nodes, err := c.nodesOf(r, l.since)
	if err != nil {
		return err
	}
	if err := c.retry(ctx, func() error { return c.documents(r) }); err != nil {
		return fmt.Errorf("update registration of %s: %w", r.Instance.App, err)
	}
	if err := c.retry(ctx, func() error { return c.holdAll(nodes) }); err != nil {
		c.signal() // the keeper restores what was
		return fmt.Errorf("update registration of %s: %w", r.Instance.App, err)
	}
	gone := map[string][]byte{}
	for path, content := range l.nodes {
		if nodes[path] == nil {
			gone[path] = content
		}
	}
	l.now, l.nodes = r, nodes
	if err := c.retry(ctx, func() error { return c.leaveAll(gone) }); err != nil {
		return fmt.Errorf("update registration of %s: %w", r.Instance.App, err)
	}
	return nil
}

// End takes the instances away. What the server could not be told within ctx ends with the session.
func (l *lease) End(ctx context.Context) error {
	l.turn.Lock()
	defer l.turn.Unlock()
	if l.over {
		return nil
	}
	l.over = true
	c := l.c
	c.mu.Lock()
	delete(c.leases, l)
	c.mu.Unlock()
	if err := c.do(ctx, func() error { return c.leaveAll(l.nodes) }); err != nil {
		return fmt.Errorf("deregister %s: %w", l.now.Instance.App, err)
	}
	return nil
}

// restore writes again what is missing.
func (l *lease) restore(ctx context.Context) error {
	l.turn.Lock()
	defer l.turn.Unlock()
	if l.over {
		return nil
	}
	return l.c.do(ctx, func() error {
		if err := l.c.documents(l.now); err != nil {
			return err
		}
		return l.c.holdAll(l.nodes)
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
		leases := make([]*lease, 0, len(c.leases))
		for l := range c.leases {
			leases = append(leases, l)
		}
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
