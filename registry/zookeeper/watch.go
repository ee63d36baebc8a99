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
	paths map[string]armed
	dirty map[string]bool
	all   bool // everything is to be read again
	wake  chan struct{}
}

// armed is whether the server will tell of the next change at a path. One watch is enough: the client library keeps each that is
// set until it is told of, however often the same is asked for.
type armed uint8

const (
	disarmed armed = iota
	arming
	onPresent // there was a node
	onAbsent
)

// mark notes that a path has changed, which uses up its watch; "" means that anything may have.
func (w *watch) mark(path string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if path != "" {
		if _, ok := w.paths[path]; !ok {
			return
		}
		w.paths[path] = disarmed
	}
	w.all = w.all || path == ""
	w.dirty[path] = true
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// disarm notes that the server forgot every watch.
func (w *watch) disarm() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for p := range w.paths {
		w.paths[p] = disarmed
	}
}

// state tells whether a path is armed; the path is followed from now on.
func (w *watch) state(path string) armed {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.paths[path]
	w.paths[path] = s
	return s
}

// set notes what came of arming, unless the path has changed meanwhile.
func (w *watch) set(path string, s armed) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s == arming || w.paths[path] == arming {
		w.paths[path] = s
	}
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
	maps.DeleteFunc(w.paths, func(p string, _ armed) bool { return !keep(p) })
}

// lookEvery is how often a watch looks although it was told nothing; each pause is up to a half longer by chance.
const lookEvery = time.Minute

// follow gives the first state and every different one until ctx ends or the registry closes. A look that fails changes nothing.
func follow[T any](ctx context.Context, c *center, look func(ctx context.Context, w *watch) (T, error), each func(T)) error {
	w := &watch{paths: map[string]armed{}, dirty: map[string]bool{}, all: true, wake: make(chan struct{}, 1)}
	c.mu.Lock()
	if c.closing {
		c.mu.Unlock()
		return registry.ErrClosed
	}
	c.watches[w] = true
	c.wg.Add(1)
	c.mu.Unlock()
	defer c.wg.Done()
	defer c.unwatch(w)
	last, err := look(ctx, w)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	each(last)
	var fault string // that was told, while it stays
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
				if fault != err.Error() {
					fault = err.Error()
					c.log.Warn("zookeeper: a look failed, the last state stands", "error", err)
				}
			}
			continue
		}
		failed, fault = 0, ""
		if !reflect.DeepEqual(now, last) {
			last = now
			each(now)
		}
	}
}

func (c *center) unwatch(w *watch) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.watches, w)
}

// look runs requests for a watch, bounded in time. What comes later is dropped.
func look[T any](ctx context.Context, c *center, request func() (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, c.most)
	defer cancel()
	return ask(ctx, c.do, request)
}

// ask runs a request by do or retry, whose answer nobody takes once ctx has ended.
func ask[T any](ctx context.Context, how func(context.Context, func() error) error, request func() (T, error)) (T, error) {
	answer := make(chan T, 1)
	err := how(ctx, func() error {
		v, err := request()
		if err == nil {
			answer <- v
		}
		return err
	})
	if err != nil {
		var none T
		return none, err
	}
	return <-answer, nil
}

const lookTimeout = 10 * time.Second

// read reads a node, none where it is not there, and sees that a watch is set: plain reads it, watched does so and sets one.
func (c *center) read(w *watch, path string, plain, watched func() error) (found bool, err error) {
	for range 3 {
		state := disarmed
		if w != nil {
			state = w.state(path)
		}
		if w == nil || state == onPresent || state == onAbsent {
			err := plain()
			absent := errors.Is(err, zk.ErrNoNode)
			if err != nil && !absent {
				return false, err
			}
			if w == nil || absent == (state == onAbsent) {
				return !absent, nil
			}
		}
		w.set(path, arming)
		err := watched()
		if err == nil {
			w.set(path, onPresent)
			return true, nil
		}
		if !errors.Is(err, zk.ErrNoNode) {
			w.set(path, disarmed)
			return false, err
		}
		there, _, _, err := c.conn.ExistsW(path)
		if err != nil {
			w.set(path, disarmed)
			return false, err
		}
		if !there {
			w.set(path, onAbsent)
			return false, nil
		}
		w.set(path, disarmed)
	}
	return false, fmt.Errorf("read %s: it comes and goes", path)
}

// children gives a node's children, none where it is not there, and sets a watch for either.
func (c *center) children(w *watch, path string) (names []string, err error) {
	found, err := c.read(w, path,
		func() (err error) { names, _, err = c.conn.Children(path); return err },
		func() (err error) { names, _, _, err = c.conn.ChildrenW(path); return err })
	if !found {
		return nil, err
	}
	return names, err
}

// content gives a node's content, false where it is not there, and sets a watch for either.
func (c *center) content(w *watch, path string) (b []byte, found bool, err error) {
	found, err = c.read(w, path,
		func() (err error) { b, _, err = c.conn.Get(path); return err },
		func() (err error) { b, _, _, err = c.conn.GetW(path); return err })
	if !found {
		return nil, false, err
	}
	return b, true, err
}

// contents gives the contents of many nodes, those that are there, as content does. Several are on their way at once, since a
// server may be far away.
func (c *center) contents(w *watch, paths []string) (map[string][]byte, error) {
	const workers = 64
	var mu sync.Mutex
	var fault error
	all := make(map[string][]byte, len(paths))
	next := func() (path string, more bool) {
		mu.Lock()
		defer mu.Unlock()
		if len(paths) == 0 || fault != nil {
			return "", false
		}
		path, paths = paths[0], paths[1:]
		return path, true
	}
	var wg sync.WaitGroup
	for range min(workers, len(paths)) {
		wg.Go(func() {
			for p, more := next(); more; p, more = next() {
				b, found, err := c.content(w, p)
				mu.Lock()
				if fault == nil {
					fault = err
				}
				if found {
					all[p] = b
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return all, fault
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
func (c *center) Apps(ctx context.Context, iface string) ([]string, error) {
	return ask(ctx, c.retry, func() ([]string, error) { return c.apps(nil, iface) })
}

// WatchApps follows both lines' mappings.
func (c *center) WatchApps(ctx context.Context, iface string, each func([]string)) error {
	return follow(ctx, c, func(ctx context.Context, w *watch) ([]string, error) {
		w.take()
		return look(ctx, c, func() ([]string, error) { return c.apps(w, iface) })
	}, each)
}

// Instances reads the instances under a name.
func (c *center) Instances(ctx context.Context, n registry.Name) ([]registry.Instance, error) {
	return ask(ctx, c.retry, func() ([]registry.Instance, error) {
		return c.instances(nil, n, map[string]registry.Instance{}, nil, true)
	})
}

// WatchInstances follows the instances under a name: what has changed is read again, no more.
func (c *center) WatchInstances(ctx context.Context, n registry.Name, each func([]registry.Instance)) error {
	known := map[string]registry.Instance{} // by node
	return follow(ctx, c, func(ctx context.Context, w *watch) ([]registry.Instance, error) {
		dirty, everything := w.take()
		mine := known
		all, err := look(ctx, c, func() ([]registry.Instance, error) { return c.instances(w, n, mine, dirty, everything) })
		if err != nil {
			known = map[string]registry.Instance{} // the request may still run, and has the old one; everything is read again
		}
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
	var unread []string
	for _, name := range names {
		p := base + "/" + name
		there[p] = true
		if _, ok := known[p]; !ok || everything || dirty[p] {
			unread = append(unread, p)
			delete(known, p)
		}
	}
	contents, err := c.contents(w, unread)
	if err != nil {
		return nil, err
	}
	for p, b := range contents {
		i, err := parsePayload(n.App, b)
		if err != nil {
			c.log.Warn("zookeeper: an instance is left out", "node", cut(p), "error", err)
			continue
		}
		known[p] = i
	}
	maps.DeleteFunc(known, func(p string, _ registry.Instance) bool { return !there[p] })
	if w != nil {
		w.forget(func(p string) bool { return there[p] || p == base })
	}
	var all []registry.Instance
	for _, name := range names {
		if i, ok := known[base+"/"+name]; ok {
			all = append(all, i)
		}
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
		if n.Covers(i.Metadata["version"], i.Metadata["group"]) {
			all = append(all, i)
		}
	}
	registry.SortInstances(all)
	return all, nil
}

// Metadata reads an application's metadata of one revision.
func (c *center) Metadata(ctx context.Context, app, revision string) (registry.Metadata, error) {
	p := c.s.metadataPath(app, revision)
	if p != path.Clean(p) || app == "" || revision == "" {
		return registry.Metadata{}, fmt.Errorf("metadata of %q, revision %q: names have no slashes, and are not empty", app, revision)
	}
	b, err := ask(ctx, c.retry, func() ([]byte, error) {
		b, found, err := c.content(nil, p)
		if err == nil && !found {
			err = registry.ErrNotFound
		}
		return b, err
	})
	switch {
	case err != nil && !errors.Is(err, registry.ErrNotFound):
		return registry.Metadata{}, fmt.Errorf("look up metadata of %s: %w", app, err)
	case err != nil:
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
	return follow(ctx, c, func(ctx context.Context, w *watch) (string, error) {
		w.take()
		return look(ctx, c, func() (string, error) {
			b, _, err := c.content(w, p)
			if err == nil && len(b) > maxRuleBytes {
				return "", fmt.Errorf("rule %s has %d bytes (limit %d)", key, len(b), maxRuleBytes)
			}
			return string(b), err
		})
	}, each)
}
