package nacos

import (
	"context"
	"fmt"
	"sync"

	"github.com/nacos-group/nacos-sdk-go/v2/model"

	"github.com/dubbofn/dubbofn/registry"
)

// lease is a registration that is kept.
type lease struct {
	c *center

	turn sync.Mutex            // one Update at a time
	now  registry.Registration // this and the following are guarded by the center's mutex
	over bool
}

// standsOf gives what a registration wants to be under each name. Everything that can be refused here is.
func standsOf(r registry.Registration) (map[string]model.Instance, error) {
	if err := r.Validate(); err != nil {
		return nil, err
	}
	stands := map[string]model.Instance{}
	if r.EffectiveLevels().Has(registry.AppInstance) {
		i, err := r.AppInstance(maxInstanceChars)
		if err != nil {
			return nil, err
		}
		stands[i.App] = entry(i)
	}
	if r.EffectiveLevels().Has(registry.InterfaceLevel) {
		for _, s := range r.Metadata.Services {
			n, i, err := r.InterfaceInstance(s, maxInstanceChars)
			if err != nil {
				return nil, err
			}
			stands[n.String()] = entry(i)
		}
	}
	return stands, nil
}

// want notes what a lease wants and gives the slots that this changes, those to leave last. The center's mutex is held.
func (c *center) want(l *lease, stands map[string]model.Instance) []*slot {
	var changed, left []*slot
	for name, i := range stands {
		s := c.slots[name]
		if s == nil {
			s = &slot{name: name, want: map[*lease]model.Instance{}}
			c.slots[name] = s
		}
		s.want[l], s.last, s.dirty = i, i, true
		changed = append(changed, s)
	}
	for name, s := range c.slots {
		if _, stays := stands[name]; stays {
			continue
		}
		if _, was := s.want[l]; was {
			delete(s.want, l)
			s.dirty = true
			left = append(left, s)
		}
	}
	return append(changed, left...)
}

// Update registers over what is there. When that fails the old content is wanted again, and is restored.
func (l *lease) Update(ctx context.Context, r registry.Registration) error {
	l.turn.Lock()
	defer l.turn.Unlock()
	stands, err := standsOf(r)
	if err != nil {
		return err
	}
	c := l.c
	c.mu.Lock()
	old, over := l.now, l.over
	c.mu.Unlock()
	if over {
		return registry.ErrClosed
	}
	if err := old.CanBecome(r); err != nil {
		return err
	}
	before, err := standsOf(old)
	if err != nil {
		return err
	}
	if err := c.documents(ctx, r); err != nil {
		return fmt.Errorf("update registration of %s: %w", r.Instance.App, err)
	}
	c.mu.Lock()
	if l.over {
		c.mu.Unlock()
		return registry.ErrClosed
	}
	l.now = r
	changed := c.want(l, stands)
	c.mu.Unlock()
	if err := c.applyAll(ctx, changed); err != nil {
		c.mu.Lock()
		if !l.over {
			l.now = old
			c.want(l, before)
		}
		c.mu.Unlock()
		c.signal()
		return fmt.Errorf("update registration of %s: %w", r.Instance.App, err)
	}
	return nil
}

// End takes the instances away. What the server could not be told within ctx is told later, while the registry is open.
func (l *lease) End(ctx context.Context) error {
	c := l.c
	c.mu.Lock()
	if l.over {
		c.mu.Unlock()
		return nil
	}
	l.over = true
	delete(c.leases, l)
	changed := c.want(l, nil)
	app := l.now.Instance.App
	c.mu.Unlock()
	if err := c.applyAll(ctx, changed); err != nil {
		c.signal()
		return fmt.Errorf("deregister %s: %w", app, err)
	}
	return nil
}
