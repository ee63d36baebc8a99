package hint

import (
	"context"
	"fmt"
	"reflect"
	"sync"

	"github.com/dubbofn/dubbofn/registry"
)

// Registry answers with what is remembered of a registry until that answers itself. The registry is opened by the first who needs it, and those who
// have a hint don't wait for that. Watches call back with the hint, as soon as there is one, then with what the registry says, where that differs. It is a
// [registry.Registry], Lookup, Watcher and RuleWatcher. Safe for concurrent use.
type Registry struct {
	source string
	open   func(ctx context.Context) (registry.Registry, error)
	memory Memory
}

// Memory is what a [Registry] begins with, and what it notes. All may be nil.
type Memory struct {
	Hint  *State    // what is remembered; more may be merged into it later
	Seen  *State    // what the registry says is noted here; a watch that begins again, or a second one, begins with that
	Asked func(Key) // is told of what is watched, when a watch begins
}

// NewRegistry makes one. open is called whenever the registry is needed, and must give the same each time. Closing a Registry closes nothing: the
// one that was opened is that of whoever opens it.
func NewRegistry(source string, m Memory, open func(ctx context.Context) (registry.Registry, error)) *Registry {
	return &Registry{source: source, open: open, memory: m}
}

// Register implements [registry.Registry].
func (r *Registry) Register(ctx context.Context, reg registry.Registration) (registry.Lease, error) {
	from, err := r.open(ctx)
	if err != nil {
		return nil, err
	}
	return from.Register(ctx, reg)
}

// Close implements [registry.Registry]: it does nothing.
func (r *Registry) Close() error { return nil }

// as opens the registry and gives it as one that can do more.
func as[T any](ctx context.Context, r *Registry) (T, error) {
	var none T
	from, err := r.open(ctx)
	if err != nil {
		return none, err
	}
	t, ok := from.(T)
	if !ok {
		return none, fmt.Errorf("registry %s can't do that: it is no %v", r.source, reflect.TypeFor[T]())
	}
	return t, nil
}

// follow gives the hint, if there is one before the registry has answered, then what watch calls back with.
func follow[V any](r *Registry, k Key, of func(entry) V, to func(V) entry, each func(V), watch func(func(V)) error) error {
	if r.memory.Asked != nil {
		r.memory.Asked(k)
	}
	var mu sync.Mutex // each is never called twice at a time
	var hinted *entry
	answered := false
	give := func() bool {
		e, ok := r.memory.Seen.get(k) // not what is older than what the registry has said already
		if !ok {
			e, ok = r.memory.Hint.get(k)
		}
		ok = ok && e.tells()
		mu.Lock()
		defer mu.Unlock()
		if ok && !answered && hinted == nil {
			hinted = &e
			each(of(e))
		}
		return ok || answered
	}
	if merged := r.memory.Hint.merged(); !give() && merged != nil {
		over := make(chan struct{})
		var wg sync.WaitGroup
		defer wg.Wait()
		defer close(over)
		wg.Go(func() {
			for {
				select {
				case <-merged:
				case <-over:
					return
				}
				merged = r.memory.Hint.merged()
				if give() {
					return
				}
			}
		})
	}
	return watch(func(v V) {
		e := to(v)
		e.Key = k
		r.note(e)
		mu.Lock()
		defer mu.Unlock()
		first := !answered
		answered = true
		if first && hinted != nil && same(of(*hinted), v) {
			return
		}
		each(v)
	})
}

// tells says whether an entry is a hint: that there was nobody is none, for the registry may know better by now, and whoever begins waits for that. That there was
// no rule is one.
func (e entry) tells() bool {
	return e.Key.Kind == Rule || len(e.Apps)+len(e.Instances) > 0
}

func (r *Registry) note(e entry) {
	if r.memory.Seen != nil {
		r.memory.Seen.set(e)
	}
}

// same compares states; an empty list is as good as none.
func same(a, b any) bool {
	va, vb := reflect.ValueOf(a), reflect.ValueOf(b)
	return va.Kind() == reflect.Slice && va.Len() == 0 && vb.Len() == 0 || reflect.DeepEqual(a, b)
}

// WatchApps implements [registry.Watcher].
func (r *Registry) WatchApps(ctx context.Context, iface string, each func(apps []string)) error {
	k := Key{Source: r.source, Kind: Apps, Name: iface}
	return follow(r, k, func(e entry) []string { return e.Apps }, func(v []string) entry { return entry{Apps: v} }, each, func(note func([]string)) error {
		w, err := as[registry.Watcher](ctx, r)
		if err != nil {
			return err
		}
		return w.WatchApps(ctx, iface, note)
	})
}

// WatchInstances implements [registry.Watcher].
func (r *Registry) WatchInstances(ctx context.Context, n registry.Name, each func(instances []registry.Instance)) error {
	k := instancesKey(r.source, n)
	return follow(r, k, func(e entry) []registry.Instance { return e.Instances }, func(v []registry.Instance) entry { return entry{Instances: v} }, each, func(note func([]registry.Instance)) error {
		w, err := as[registry.Watcher](ctx, r)
		if err != nil {
			return err
		}
		return w.WatchInstances(ctx, n, note)
	})
}

// WatchRule implements [registry.RuleWatcher]. In a registry that knows no rules there is none.
func (r *Registry) WatchRule(ctx context.Context, group, key string, each func(content string)) error {
	k := Key{Source: r.source, Kind: Rule, Name: key, Group: group}
	return follow(r, k, func(e entry) string { return e.Text }, func(v string) entry { return entry{Text: v} }, each, func(note func(string)) error {
		from, err := r.open(ctx)
		if err != nil {
			return err
		}
		w, ok := from.(registry.RuleWatcher)
		if !ok {
			note("")
			<-ctx.Done()
			return nil
		}
		return w.WatchRule(ctx, group, key, note)
	})
}

// Apps implements [registry.Lookup]; it asks the registry.
func (r *Registry) Apps(ctx context.Context, iface string) ([]string, error) {
	l, err := as[registry.Lookup](ctx, r)
	if err != nil {
		return nil, err
	}
	return l.Apps(ctx, iface)
}

// Instances implements [registry.Lookup]; it asks the registry.
func (r *Registry) Instances(ctx context.Context, n registry.Name) ([]registry.Instance, error) {
	l, err := as[registry.Lookup](ctx, r)
	if err != nil {
		return nil, err
	}
	return l.Instances(ctx, n)
}

// Metadata implements [registry.Lookup]. What is remembered of a revision is as good as what the registry would say: a revision's metadata doesn't change.
func (r *Registry) Metadata(ctx context.Context, app, revision string) (registry.Metadata, error) {
	k := Key{Source: r.source, Kind: Metadata, Name: app, Version: revision}
	if e, ok := r.memory.Hint.get(k); ok {
		r.note(e)
		return registry.Metadata{App: e.Metadata.App, Services: e.Metadata.Services, Digest: e.Metadata.Digest}, nil
	}
	l, err := as[registry.Lookup](ctx, r)
	if err != nil {
		return registry.Metadata{}, err
	}
	m, err := l.Metadata(ctx, app, revision)
	if err == nil {
		r.note(entry{Key: k, Metadata: &metadata{m.App, m.Services, m.Digest}})
	}
	return m, err
}
