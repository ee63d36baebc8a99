package nacos

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/dubbofn/dubbofn/registry"
)

// signal wakes the keeper; it never blocks.
func (c *center) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// namingUp is called by the SDK when the naming service is connected: with the old connection the server forgot its instances
// and subscriptions. Where it lost its data, metadata may be gone too.
func (c *center) namingUp() {
	c.mu.Lock()
	for _, s := range c.slots {
		s.dirty = s.dirty || len(s.want) > 0
	}
	for _, s := range c.subs {
		s.dirty = true
	}
	c.docs = c.docs || len(c.leases) > 0
	c.mu.Unlock()
	c.signal()
}

// configUp is called by the SDK when the config service is connected.
func (c *center) configUp() {
	c.mu.Lock()
	for _, l := range c.listens {
		l.dirty = true
	}
	c.docs = c.docs || len(c.leases) > 0
	c.mu.Unlock()
	c.signal()
}

// keep restores what is to be restored until ctx ends.
func (c *center) keep(ctx context.Context) {
	next := func() time.Duration { return c.s.check*4/5 + rand.N(c.s.check*2/5) }
	timer := time.NewTimer(next())
	defer timer.Stop()
	var again <-chan time.Time // nil while nothing is to be tried again
	for checks, tries := 1, 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-c.wake:
		case <-again:
		case <-timer.C:
			c.check(ctx, checks%documentsEvery == 0)
			checks++
			timer.Reset(next())
		}
		start := time.Now()
		did, err := c.restore(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			if tries%10 == 0 {
				c.log.Warn("nacos: registrations could not be restored, trying again", "error", err)
			}
			again = time.After(pauseOf(tries))
			tries++
			continue
		}
		if did > 0 {
			c.log.Info("nacos: registrations restored", "names", did, "took", time.Since(start), "tries", tries+1)
		}
		again, tries = nil, 0
	}
}

// How long instances wait for metadata when both are to be restored: consumers that know the revision need the instance only,
// and with each second more of them find nobody. Without a connection to the config service there is little hope.
const (
	documentsPatience  = 2 * time.Second
	documentsNoService = 300 * time.Millisecond
)

// restore does what is marked, and says how many names of instances it wrote. What fails stays marked.
func (c *center) restore(ctx context.Context) (int, error) {
	c.mu.Lock()
	docs := c.docs
	c.docs = false
	var slots []*slot
	for _, s := range c.slots {
		if s.dirty {
			slots = append(slots, s)
		}
	}
	leases := slices.Collect(maps.Keys(c.leases))
	c.mu.Unlock()
	limit, cancel := context.WithTimeout(ctx, 4*c.s.timeout)
	defer cancel()
	written := make(chan error, 1)
	if docs {
		go func() { written <- c.restoreDocuments(limit, leases) }()
		wait := documentsPatience
		if !c.config.client.IsRunning() {
			wait = documentsNoService
		}
		patience := time.NewTimer(wait)
		defer patience.Stop()
		select {
		case err := <-written:
			written <- err
		case <-patience.C:
		case <-ctx.Done():
		}
	} else {
		written <- nil
	}
	err := errors.Join(c.applyAll(limit, slots), c.restoreWatches(limit))
	if e := <-written; e != nil {
		c.mu.Lock()
		c.docs = true
		c.mu.Unlock()
		err = errors.Join(err, e)
	}
	return len(slots), err
}

// restoreDocuments tries again while the connection is still coming.
func (c *center) restoreDocuments(ctx context.Context, leases []*lease) error {
	return atOnce(leases, func(l *lease) error {
		for n := 0; ; n++ {
			c.mu.Lock()
			r, over := l.now, l.over
			c.mu.Unlock()
			if over {
				return nil
			}
			err := c.documents(ctx, r)
			var refused *registry.Refusal
			if err == nil || errors.As(err, &refused) {
				return err
			}
			if pause(ctx, n) != nil {
				return err
			}
		}
	})
}

// check marks what the server does not have as it should. Without a connection there is nothing to ask: everything is marked
// when it comes back.
func (c *center) check(ctx context.Context, docs bool) {
	if !c.naming.client.IsRunning() || !c.config.client.IsRunning() {
		c.log.Warn("nacos: not connected")
		return
	}
	c.mu.Lock()
	c.docs = c.docs || docs && len(c.leases) > 0
	var slots []*slot
	for _, s := range c.slots {
		if len(s.want) > 0 && !s.dirty {
			slots = append(slots, s)
		}
	}
	for _, s := range c.subs {
		s.dirty = true
	}
	for _, l := range c.listens {
		l.dirty = true
	}
	c.mu.Unlock()
	limit, cancel := context.WithTimeout(ctx, 2*c.s.timeout)
	defer cancel()
	err := atOnce(slots, func(s *slot) error {
		service, err := c.query(limit, s.name)
		if err != nil {
			return err
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		if !held(service, slices.Collect(maps.Values(s.want))) {
			s.dirty = true
			c.log.Warn("nacos: the server does not have what was registered", "name", s.name)
		}
		return nil
	})
	if err != nil && ctx.Err() == nil {
		c.log.Debug("nacos: registrations could not be checked", "error", err)
	}
}
