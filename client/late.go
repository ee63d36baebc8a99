package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/registry"
)

// late is one of several registries that could not be reached when it was first wanted. It is tried until it is there, and whoever asks
// it waits for that.
type late struct {
	url      invoker.URL
	stop     context.CancelFunc
	here     chan struct{} // closed once registry is set
	registry registry.Registry
}

const (
	registryPatience = 3 * time.Second  // how long the others wait for a registry once one is there
	oneOpening       = 30 * time.Second // how long one attempt may take that nobody waits for
	minLatePause     = time.Second
	maxLatePause     = 30 * time.Second
)

var errLate = errors.New("no answer for a while")

// registries opens the registries. Of several, those that can't be reached come later, where one can; a refusal is an error.
func (c *Client) registries(ctx context.Context, background bool) ([]registry.Registry, error) {
	urls := c.cfg.registries
	all, errs := make([]registry.Registry, len(urls)), make([]error, len(urls))
	brief, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	enough := sync.OnceFunc(func() {
		patience := registryPatience
		if end, ok := ctx.Deadline(); ok {
			patience = min(patience, time.Until(end)/2)
		}
		timer := time.AfterFunc(patience, func() { cancel(errLate) })
		context.AfterFunc(brief, func() { timer.Stop() })
	})
	var opening sync.WaitGroup
	for i, u := range urls {
		if c.afterwards(ctx, u, background) {
			all[i] = c.remembered(u, u)
			continue
		}
		if l := c.pending(u); l != nil {
			all[i] = l
			continue
		}
		opening.Go(func() {
			if all[i], errs[i] = c.open(brief, u); errs[i] == nil {
				enough()
			}
		})
	}
	opening.Wait()
	fatal := slices.Clone(errs)
	if slices.ContainsFunc(all, func(r registry.Registry) bool { return r != nil }) {
		fatal = slices.DeleteFunc(fatal, func(err error) bool {
			return errors.Is(err, registry.ErrUnreachable) || errors.Is(err, errLate) || errors.Is(err, context.Canceled) && errors.Is(context.Cause(brief), errLate)
		})
	}
	if err := errors.Join(fatal...); err != nil {
		return nil, err
	}
	for i, err := range errs {
		if err != nil {
			all[i] = c.later(ctx, urls[i], err)
		}
	}
	return all, nil
}

// pending gives a registry that is not there yet, nil where it is or nobody has wanted it.
func (c *Client) pending(u invoker.URL) *late {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := keyOf(u)
	if c.opened[key] != nil {
		return nil
	}
	return c.late[key]
}

// center gives a registry for its rules, one that comes later too where it is one of those that providers are looked up in.
func (c *Client) center(ctx context.Context, u invoker.URL, background bool) (registry.Registry, error) {
	of := c.cfg.registries[0]
	if c.afterwards(ctx, of, background) {
		return c.remembered(of, u), nil
	}
	if l := c.pending(u); l != nil {
		return l, nil
	}
	if _, err := c.open(ctx, u); err != nil {
		return nil, err
	}
	return c.remembered(of, u), nil
}

// later begins to try a registry again, for all references. It outlives ctx; [Client.Close] ends it.
func (c *Client) later(ctx context.Context, u invoker.URL, why error) *late {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := keyOf(u)
	if l := c.late[key]; l != nil {
		return l
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	l := &late{url: u, stop: stop, here: make(chan struct{})}
	if c.closed { // the reference is refused
		stop()
		return l
	}
	c.late[key] = l
	c.log.Warn("client: a registry can't be reached; the others do meanwhile, and it is tried again", "registry", u, "error", why)
	c.trying.Go(func() { c.reach(ctx, l) })
	return l
}

// reach tries until the registry is there.
func (c *Client) reach(ctx context.Context, l *late) {
	defer l.stop()
	refused := false
	for pause := minLatePause; ; pause = min(2*pause, maxLatePause) {
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
		brief, cancel := context.WithTimeout(ctx, oneOpening)
		r, err := c.open(brief, l.url)
		cancel()
		if err == nil {
			l.registry = r
			close(l.here)
			c.log.Info("client: a registry is there now", "registry", l.url)
			return
		}
		if why := (*registry.Refusal)(nil); !refused && errors.As(err, &why) {
			refused = true
			c.log.Error("client: a registry that was waited for refuses; it is tried again", "registry", l.url, "error", err)
		}
	}
}

// wait gives the registry once it is there.
func (l *late) wait(ctx context.Context) (registry.Registry, error) {
	select {
	case <-l.here:
		return l.registry, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("registry %s: %w: %w", l.url, registry.ErrUnreachable, context.Cause(ctx))
	}
}

// ability waits for the registry and gives what else it is.
func ability[T any](ctx context.Context, l *late) (can T, err error) {
	r, err := l.wait(ctx)
	if err != nil {
		return can, err
	}
	can, ok := r.(T)
	if !ok {
		return can, fmt.Errorf("registry %s is no %T", l.url, &can)
	}
	return can, nil
}

// Register implements [registry.Registry].
func (l *late) Register(ctx context.Context, r registry.Registration) (registry.Lease, error) {
	to, err := l.wait(ctx)
	if err != nil {
		return nil, err
	}
	return to.Register(ctx, r)
}

// Close does nothing: the registry is the client's.
func (l *late) Close() error { return nil }

// Apps implements [registry.Lookup].
func (l *late) Apps(ctx context.Context, iface string) ([]string, error) {
	look, err := ability[registry.Lookup](ctx, l)
	if err != nil {
		return nil, err
	}
	return look.Apps(ctx, iface)
}

// Instances implements [registry.Lookup].
func (l *late) Instances(ctx context.Context, n registry.Name) ([]registry.Instance, error) {
	look, err := ability[registry.Lookup](ctx, l)
	if err != nil {
		return nil, err
	}
	return look.Instances(ctx, n)
}

// Metadata implements [registry.Lookup].
func (l *late) Metadata(ctx context.Context, app, revision string) (registry.Metadata, error) {
	look, err := ability[registry.Lookup](ctx, l)
	if err != nil {
		return registry.Metadata{}, err
	}
	return look.Metadata(ctx, app, revision)
}

// WatchApps implements [registry.Watcher].
func (l *late) WatchApps(ctx context.Context, iface string, each func(apps []string)) error {
	w, err := ability[registry.Watcher](ctx, l)
	if err != nil {
		return err
	}
	return w.WatchApps(ctx, iface, each)
}

// WatchInstances implements [registry.Watcher].
func (l *late) WatchInstances(ctx context.Context, n registry.Name, each func(instances []registry.Instance)) error {
	w, err := ability[registry.Watcher](ctx, l)
	if err != nil {
		return err
	}
	return w.WatchInstances(ctx, n, each)
}

// WatchRule implements [registry.RuleWatcher].
func (l *late) WatchRule(ctx context.Context, group, key string, each func(content string)) error {
	w, err := ability[registry.RuleWatcher](ctx, l)
	if err != nil {
		return err
	}
	return w.WatchRule(ctx, group, key, each)
}
