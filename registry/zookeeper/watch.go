package zookeeper

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"reflect"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/dubbofn/dubbofn/registry"
)

// watch is one that is followed: the paths that it read, and which of them have changed since.
type watch struct {
	mu    sync.Mutex
	paths map[string]bool // those that a watch is set for
	dirty map[string]bool
	all   bool // everything is to be read again
	wake  chan struct{}
}

// mark notes that a path has changed; "" means that anything may have.
func (w *watch) mark(path string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if path != "" && !w.paths[path] {
		return
	}
	w.all = w.all || path == ""
	w.dirty[path] = true
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// watching notes that a watch is about to be set.
func (w *watch) watching(path string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.paths[path] = true
}

// take gives what has changed since.
func (w *watch) take() (dirty map[string]bool, all bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	dirty, all = w.dirty, w.all
	w.dirty, w.all = map[string]bool{}, false
	return dirty, all
}

// forget drops paths that are no more.
func (w *watch) forget(keep func(path string) bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	maps.DeleteFunc(w.paths, func(p string, _ bool) bool { return !keep(p) })
}

// lookEvery is how often a watch looks although it was told nothing; each pause is up to a half longer by chance.
const lookEvery = time.Minute

// follow gives the first state and every different one until ctx ends or the registry closes. A look that fails changes nothing.
func follow[T any](ctx context.Context, c *center, look func(ctx context.Context, w *watch) (T, error), each func(T)) error {
	w := &watch{paths: map[string]bool{}, dirty: map[string]bool{}, all: true, wake: make(chan struct{}, 1)}
	c.mu.Lock()
	if c.closing {
		c.mu.Unlock()
		return registry.ErrClosed
	}
	c.watches[w] = true
	c.wg.Add(1)
	c.mu.Unlock()
	defer c.wg.Done()
	defer func() {
		c.mu.Lock()
		delete(c.watches, w)
		c.mu.Unlock()
	}()
	last, err := look(ctx, w)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	each(last)
	for failed := 0; ; {
		t := time.NewTimer(lookEvery)
		if failed > 0 {
			t.Reset(min(pauseFirst<<min(failed, 10), pauseLast))
		}
		select {
		case <-ctx.Done():
			t.Stop()
			return nil
		case <-c.over:
			t.Stop()
			return registry.ErrClosed
		case <-w.wake:
		case <-t.C:
			w.mark("")
		}
		t.Stop()
		now, err := look(ctx, w)
		if err != nil {
			if failed++; ctx.Err() == nil {
				w.mark("")
				<-w.wake // the timer begins again, not at once
				c.log.Warn("zookeeper: a look failed, the last state stands", "error", err)
			}
			continue
		}
		failed = 0
		if !reflect.DeepEqual(now, last) {
			last = now
			each(now)
		}
	}
}

// look runs requests for a watch, bounded in time.
func (c *center) look(ctx context.Context, request func() error) error {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	return c.do(ctx, request)
}

const lookTimeout = 10 * time.Second

// children gives a node's children, none where it is not there, and sets a watch for either.
func (c *center) children(w *watch, path string) ([]string, error) {
	for range 3 {
		if w == nil {
			names, _, err := c.conn.Children(path)
			if errors.Is(err, zk.ErrNoNode) {
				return nil, nil
			}
			return names, err
		}
		w.watching(path)
		names, _, _, err := c.conn.ChildrenW(path)
		if !errors.Is(err, zk.ErrNoNode) {
			return names, err
		}
		there, _, _, err := c.conn.ExistsW(path)
		if err != nil || !there {
			return nil, err
		}
	}
	return nil, fmt.Errorf("read %s: it comes and goes", path)
}

// content gives a node's content, false where it is not there, and sets a watch for either.
func (c *center) content(w *watch, path string) ([]byte, bool, error) {
	for range 3 {
		if w == nil {
			b, _, err := c.conn.Get(path)
			if errors.Is(err, zk.ErrNoNode) {
				return nil, false, nil
			}
			return b, err == nil, err
		}
		w.watching(path)
		b, _, _, err := c.conn.GetW(path)
		if !errors.Is(err, zk.ErrNoNode) {
			return b, err == nil, err
		}
		there, _, _, err := c.conn.ExistsW(path)
		if err != nil || !there {
			return nil, false, err
		}
	}
	return nil, false, fmt.Errorf("read %s: it comes and goes", path)
}

// apps gives the applications that either line's mapping has.
func (c *center) apps(w *watch, iface string) ([]string, error) {
	if strings.Contains(iface, "/") {
		return nil, fmt.Errorf("interface %q: a name has no slash", iface)
	}
	b, _, err := c.content(w, c.s.mappingPath(iface))
	if err != nil {
		return nil, err
	}
	all := splitApps(string(b))
	legacy, err := c.children(w, c.s.legacyPath(iface))
	if err != nil {
		return nil, err
	}
	all = append(all, legacy...)
	sort.Strings(all)
	return slices.Compact(all), nil
}

// Apps reads both lines' mappings.
func (c *center) Apps(ctx context.Context, iface string) (apps []string, err error) {
	err = c.retry(ctx, func() error {
		var err error
		apps, err = c.apps(nil, iface)
		return err
	})
	return apps, err
}

// WatchApps follows both lines' mappings.
func (c *center) WatchApps(ctx context.Context, iface string, each func([]string)) error {
	return follow(ctx, c, func(ctx context.Context, w *watch) (apps []string, err error) {
		w.take()
		err = c.look(ctx, func() error {
			var err error
			apps, err = c.apps(w, iface)
			return err
		})
		return apps, err
	}, each)
}

// Instances reads the instances under a name.
func (c *center) Instances(ctx context.Context, n registry.Name) (all []registry.Instance, err error) {
	err = c.retry(ctx, func() error {
		var err error
		all, err = c.instances(nil, n, map[string]registry.Instance{}, nil, true)
		return err
	})
	return all, err
}

// WatchInstances follows the instances under a name: what has changed is read again, no more.
func (c *center) WatchInstances(ctx context.Context, n registry.Name, each func([]registry.Instance)) error {
	known := map[string]registry.Instance{} // by node
	return follow(ctx, c, func(ctx context.Context, w *watch) (all []registry.Instance, err error) {
		dirty, everything := w.take()
		err = c.look(ctx, func() error {
			var err error
			all, err = c.instances(w, n, known, dirty, everything)
			return err
		})
		return all, err
	}, each)
}

// instances reads those under a name; known holds what was read before, and is brought up to date.
func (c *center) instances(w *watch, n registry.Name, known map[string]registry.Instance, dirty map[string]bool, everything bool) ([]registry.Instance, error) {
	if n.Interface != "" {
		return c.providers(w, n)
	}
	base := c.s.appPath(n.App)
	names, err := c.children(w, base)
	if err != nil {
		return nil, err
	}
	there := make(map[string]bool, len(names))
	var all []registry.Instance
	for _, name := range names {
		p := base + "/" + name
		there[p] = true
		i, ok := known[p]
		if !ok || everything || dirty[p] {
			b, found, err := c.content(w, p)
			if err != nil {
				return nil, err
			}
			if !found {
				delete(known, p)
				continue
			}
			if i, err = parsePayload(n.App, b); err != nil {
				c.log.Warn("zookeeper: an instance is left out", "node", cut(p), "error", err)
				delete(known, p)
				continue
			}
			known[p] = i
		}
		all = append(all, i)
	}
	maps.DeleteFunc(known, func(p string, _ registry.Instance) bool { return !there[p] })
	if w != nil {
		w.forget(func(p string) bool { return there[p] || p == base })
	}
	registry.SortInstances(all)
	return all, nil
}

// providers reads those at interface level.
func (c *center) providers(w *watch, n registry.Name) ([]registry.Instance, error) {
	names, err := c.children(w, c.s.providersPath(n.Interface))
	if err != nil {
		return nil, err
	}
	var all []registry.Instance
	for _, name := range names {
		i, err := parseProvider(name)
		if err != nil {
			c.log.Warn("zookeeper: a provider is left out", "error", err)
			continue
		}
		if same(n.Version, i.Metadata["version"]) && same(n.Group, i.Metadata["group"]) {
			all = append(all, i)
		}
	}
	registry.SortInstances(all)
	return all, nil
}

// same compares a version or group with a provider's; "0.0.0" means none, "*" any.
func same(want, have string) bool {
	plain := func(s string) string {
		if s == "0.0.0" {
			return ""
		}
		return s
	}
	return want == "*" || plain(want) == plain(have)
}

// Metadata reads an application's metadata of one revision.
func (c *center) Metadata(ctx context.Context, app, revision string) (registry.Metadata, error) {
	p := c.s.metadataPath(app, revision)
	if p != path.Clean(p) || app == "" || revision == "" {
		return registry.Metadata{}, fmt.Errorf("metadata of %q, revision %q: names have no slashes, and are not empty", app, revision)
	}
	var b []byte
	var found bool
	err := c.retry(ctx, func() error {
		var err error
		b, found, err = c.content(nil, p)
		return err
	})
	switch {
	case err != nil:
		return registry.Metadata{}, fmt.Errorf("look up metadata of %s: %w", app, err)
	case !found:
		return registry.Metadata{}, fmt.Errorf("look up metadata of %s, revision %s: %w", app, revision, registry.ErrNotFound)
	case len(b) > registry.MaxMetadataBytes:
		return registry.Metadata{}, fmt.Errorf("metadata of %s, revision %s has %d bytes (limit %d)", app, revision, len(b), registry.MaxMetadataBytes)
	}
	return registry.CheckMetadata(b, app, revision)
}

// maxRuleBytes bounds a rule's document.
const maxRuleBytes = 1 << 20

// WatchRule follows /dubbo/config/dubbo/KEY.
func (c *center) WatchRule(ctx context.Context, group, key string, each func(string)) error {
	if group == "" || key == "" || strings.Contains(group+key, "/") {
		return fmt.Errorf("rule %q of group %q: neither is empty or has a slash", key, group)
	}
	p := c.s.rulePath(group, key)
	return follow(ctx, c, func(ctx context.Context, w *watch) (doc string, err error) {
		w.take()
		err = c.look(ctx, func() error {
			b, _, err := c.content(w, p)
			if err == nil && len(b) > maxRuleBytes {
				return fmt.Errorf("rule %s has %d bytes (limit %d)", key, len(b), maxRuleBytes)
			}
			doc = string(b)
			return err
		})
		return doc, err
	}, each)
}
