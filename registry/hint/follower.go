package hint

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/dubbofn/dubbofn/registry"
)

// Source is a registry that a [Follower] follows.
type Source struct {
	Registry registry.Registry // must be a registry.Watcher
	Metadata registry.Registry // the metadata centre, with the mapping; must be a registry.Lookup. Default: Registry
	Rules    registry.Registry // the config centre. Default: Registry
}

// Follower keeps a [State] current by following what it is told to. Safe for concurrent use.
type Follower struct {
	sources map[string]Source
	log     *slog.Logger
	state   State
	ctx     context.Context // ends with Close
	stop    context.CancelFunc
	wg      sync.WaitGroup

	mu      sync.Mutex
	follows map[Key]*following
}

// following is a watch that runs.
type following struct {
	stop      context.CancelFunc
	revisions map[string]context.CancelFunc // metadata being fetched, or had
}

// NewFollower makes one of registries by their names, as [Key.Source] has them. It outlives ctx, whose values it keeps; Close ends it. A nil log logs nothing.
func NewFollower(ctx context.Context, sources map[string]Source, log *slog.Logger) *Follower {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	f := &Follower{sources: map[string]Source{}, log: log, follows: map[Key]*following{}}
	for name, s := range sources {
		if s.Metadata == nil {
			s.Metadata = s.Registry
		}
		if s.Rules == nil {
			s.Rules = s.Registry
		}
		f.sources[name] = s
	}
	f.ctx, f.stop = context.WithCancel(context.WithoutCancel(ctx))
	return f
}

// Follow begins to follow what a key asks for, unless it does already. It fails where the key makes no sense, or is of a registry that is not followed here.
func (f *Follower) Follow(k Key) error {
	if err := k.Validate(); err != nil {
		return err
	}
	s, ok := f.sources[k.Source]
	if !ok {
		return fmt.Errorf("hint: registry %q is not followed here", k.Source)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.follows[k] != nil || f.ctx.Err() != nil || k.Kind == Metadata {
		return nil
	}
	ctx, stop := context.WithCancel(f.ctx)
	w := &following{stop: stop, revisions: map[string]context.CancelFunc{}}
	f.follows[k] = w
	f.wg.Go(func() { f.run(ctx, k, s, w) })
	return nil
}

// Unfollow ends what Follow began, and forgets what it found.
func (f *Follower) Unfollow(k Key) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if w := f.follows[k]; w != nil {
		w.stop()
		delete(f.follows, k)
		for rev := range w.revisions {
			f.state.drop(Key{Source: k.Source, Kind: Metadata, Name: k.Name, Version: rev})
		}
	}
	f.state.drop(k)
}

// Encode gives what is known of these keys, with the metadata that belongs to it, for [Decode].
func (f *Follower) Encode(keys []Key) []byte { return f.state.EncodeKeys(keys) }

// Version changes whenever what is known does.
func (f *Follower) Version() uint64 {
	f.state.mu.Lock()
	defer f.state.mu.Unlock()
	return f.state.version
}

// Close ends all watches and waits for them.
func (f *Follower) Close() error {
	f.mu.Lock() // of Follow, so that nothing begins after this
	f.stop()
	f.mu.Unlock()
	f.wg.Wait()
	return nil
}

const (
	minPause = 100 * time.Millisecond
	maxPause = 10 * time.Second
)

// run watches until ctx ends; a watch that ends before is begun again.
func (f *Follower) run(ctx context.Context, k Key, s Source, w *following) {
	pause := minPause
	for {
		begin := time.Now()
		err := f.watch(ctx, k, s, w)
		if ctx.Err() != nil {
			return
		}
		if time.Since(begin) > maxPause {
			pause = minPause
		}
		f.log.Warn("hint: a watch ended, beginning again", "registry", k.Source, "kind", k.Kind, "name", k.Name, "error", err, "after", pause)
		if !sleep(ctx, pause) {
			return
		}
		pause = min(2*pause, maxPause)
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d/2 + rand.N(d/2+1))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (f *Follower) watch(ctx context.Context, k Key, s Source, w *following) error {
	note := func(e entry) {
		f.mu.Lock()
		defer f.mu.Unlock()
		if ctx.Err() == nil { // not one that was let go meanwhile
			e.Key = k
			f.state.set(e)
		}
	}
	cannot := func(what string) error { return fmt.Errorf("registry %s knows no %s", k.Source, what) }
	switch k.Kind {
	case Apps:
		r, ok := s.Metadata.(registry.Watcher)
		if !ok {
			return cannot("applications")
		}
		return r.WatchApps(ctx, k.Name, func(apps []string) { note(entry{Apps: apps}) })
	case Rule:
		r, ok := s.Rules.(registry.RuleWatcher)
		if !ok {
			return cannot("rules")
		}
		return r.WatchRule(ctx, k.Group, k.Name, func(text string) { note(entry{Text: text}) })
	}
	r, ok := s.Registry.(registry.Watcher)
	if !ok {
		return cannot("instances")
	}
	return r.WatchInstances(ctx, k.name(), func(all []registry.Instance) {
		note(entry{Instances: all})
		if !k.Interface {
			f.want(ctx, k, s, w, all)
		}
	})
}

// maxRevisions bounds the metadata that is kept of one application.
const maxRevisions = 16

// want fetches the metadata of revisions that are new, and forgets that of revisions that no instance shows any more.
func (f *Follower) want(ctx context.Context, k Key, s Source, w *following, all []registry.Instance) {
	look, ok := s.Metadata.(registry.Lookup)
	if !ok {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	shown := map[string]bool{}
	for _, i := range all {
		rev := i.Revision()
		if rev == "" || rev == "0" || len(rev) > maxKeyBytes/2 || shown[rev] || len(shown) == maxRevisions {
			continue
		}
		shown[rev] = true
		if w.revisions[rev] == nil && ctx.Err() == nil {
			ctx, stop := context.WithCancel(ctx)
			w.revisions[rev] = stop
			f.wg.Go(func() { f.fetch(ctx, look, Key{Source: k.Source, Kind: Metadata, Name: k.Name, Version: rev}) })
		}
	}
	for rev, stop := range w.revisions {
		if !shown[rev] {
			stop()
			delete(w.revisions, rev)
			f.state.drop(Key{Source: k.Source, Kind: Metadata, Name: k.Name, Version: rev})
		}
	}
}

// fetch gets a revision's metadata, trying for as long as it is wanted. What instances keep themselves is not asked for: it can't be had here at all.
func (f *Follower) fetch(ctx context.Context, look registry.Lookup, k Key) {
	for pause := minPause; ; pause = min(2*pause, 6*maxPause) {
		timed, cancel := context.WithTimeout(ctx, maxPause)
		m, err := look.Metadata(timed, k.Name, k.Version)
		cancel()
		if err == nil {
			f.mu.Lock()
			if ctx.Err() == nil {
				f.state.set(entry{Key: k, Metadata: &metadata{m.App, m.Services, m.Digest}})
			}
			f.mu.Unlock()
			return
		}
		if !sleep(ctx, pause) {
			return
		}
	}
}
