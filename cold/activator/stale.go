package activator

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/dubbofn/dubbofn/registry"
)

const (
	// staleAfter is how long no instance may have shown a revision until its metadata is taken away.
	staleAfter = 24 * time.Hour
	staleLook  = time.Hour
)

// stale is what was written of apps, and is wanted no more: metadata of revisions, and interfaces in mappings. Consumers may still need it for a
// while, and other activators may show it. What an activator that has ended left behind stays. Safe for concurrent use.
type stale struct {
	mu  sync.Mutex
	all map[staleKey]*staleEntry
}

// forgetter is what the registries of dubbofn are beside [registry.Registry].
type forgetter interface {
	Forget(ctx context.Context, app, revision string, interfaces []string) error
}

type staleKey struct{ app, revision string }

type staleEntry struct {
	interfaces []string
	since      time.Time // when it was last shown, as far as is known
}

// add notes what was written before something else, or nothing, was.
func (x *stale) add(was *registry.Registration) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.all == nil {
		x.all = map[staleKey]*staleEntry{}
	}
	x.all[staleKey{was.Metadata.App, was.Metadata.Revision()}] = &staleEntry{was.Metadata.Interfaces(), time.Now()}
}

// drop is for what is wanted again.
func (x *stale) drop(is *registry.Registration) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.all, staleKey{is.Metadata.App, is.Metadata.Revision()})
}

// due gives what has been there long enough.
func (x *stale) due(now time.Time) map[staleKey]staleEntry {
	x.mu.Lock()
	defer x.mu.Unlock()
	due := map[staleKey]staleEntry{}
	for k, e := range x.all {
		if now.Sub(e.since) >= staleAfter {
			due[k] = *e
		}
	}
	return due
}

// done forgets an entry, or has it wait anew where it is still shown.
func (x *stale) done(k staleKey, shown bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	e := x.all[k]
	switch {
	case e == nil:
	case shown:
		e.since = time.Now()
	default:
		delete(x.all, k)
	}
}

// sweep takes away what is stale, now and then.
func (x *standins) sweep(ctx context.Context) {
	t := time.NewTicker(staleLook)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		for k, e := range x.stale.due(time.Now()) {
			shown, err := x.forgetStale(ctx, k, e)
			if err != nil {
				x.log.Warn("activator: old metadata stays for now", "app", k.app, "revision", k.revision, "error", err)
				continue
			}
			if !shown {
				x.log.Info("activator: old metadata was taken away", "app", k.app, "revision", k.revision)
			}
			x.stale.done(k, shown)
		}
	}
}

// forgetStale takes one revision away everywhere, unless some instance shows it.
func (x *standins) forgetStale(ctx context.Context, k staleKey, e staleEntry) (shown bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, standinTimeout)
	defer cancel()
	var here *registry.Registration
	x.mu.Lock()
	if n := x.all[k.app]; n != nil {
		here = n.want.Load()
	}
	x.mu.Unlock()
	if here != nil && here.Metadata.Revision() == k.revision {
		return true, nil
	}
	if here != nil { // what it offers still is in the mapping for good
		e.interfaces = slices.DeleteFunc(slices.Clone(e.interfaces), func(i string) bool { return slices.Contains(here.Metadata.Interfaces(), i) })
	}
	for _, p := range x.places {
		reg, err := p.open(ctx)
		if err != nil {
			return false, err
		}
		look, ok := reg.(registry.Lookup)
		if !ok || !p.Levels.Has(registry.AppInstance) {
			continue
		}
		all, err := look.Instances(ctx, registry.Name{App: k.app})
		if err != nil {
			return false, err
		}
		for _, i := range all {
			if i.Revision() == k.revision || here == nil { // an app that is gone here is served elsewhere
				return true, nil
			}
		}
	}
	for _, p := range x.places {
		reg, err := p.open(ctx)
		if err != nil {
			return false, err
		}
		f, ok := reg.(forgetter)
		if !ok || !p.Levels.Has(registry.AppMetadata) {
			continue
		}
		if err := f.Forget(ctx, k.app, k.revision, e.interfaces); err != nil {
			return false, fmt.Errorf("%s: %w", p.Name, err)
		}
	}
	return false, nil
}
