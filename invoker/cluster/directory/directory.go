package directory

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dubbofn/dubbofn/invoker/cluster"
	"github.com/dubbofn/dubbofn/registry"
)

// Directory is a [cluster.Directory] over a registry. Safe for concurrent use.
type Directory struct {
	cfg    Config
	src    Source
	ctx    context.Context // ends with Close
	stop   context.CancelFunc
	wg     sync.WaitGroup
	snap   atomic.Pointer[cluster.Snapshot]
	ready  chan struct{} // closed once there is an answer
	wake   chan struct{} // something has changed
	settle chan chan<- struct{}
	counts struct{ protected, failures, refused atomic.Int64 }

	mu         sync.Mutex
	apps       map[string]*app // those that offer the service
	mapped     bool            // apps is known
	mapErr     error           // why it isn't
	direct     []registry.Instance
	directSeen bool
	directErr  error
	rules      Rules
	following  struct{ apps, iface bool }
	emptySince time.Time
	protecting bool

	lingering   atomic.Bool                  // the same, for a list that has nobody to call
	lingerSince time.Time                    // since when; of the builder alone
	held        map[string]*cluster.Provider // by address; of the builder alone
	partSince   time.Time                    // when part of the first answer was there; of the builder alone
	told        []string                     // the applications that OnApps was told; of the builder alone
}

// app is an application that offers the service.
type app struct {
	name      string
	stop      context.CancelFunc
	instances []registry.Instance
	seen      bool
	err       error
	revisions map[string]*revision
}

// revision is an application's metadata, wanted or had.
type revision struct {
	meta  registry.Metadata
	had   bool
	tried bool
	err   error
	stop  context.CancelFunc
}

// New follows a service's providers in a registry. Its error says what makes no sense in c; a registry that can't be reached is
// none: it is tried again. The directory outlives ctx, whose values it keeps.
func New(ctx context.Context, src Source, c Config) (*Directory, error) {
	err := c.Validate()
	if _, ok := src.Registry.(registry.Watcher); !ok {
		err = errors.Join(err, fmt.Errorf("registry %s can't be looked up in", src.Name))
	}
	if src.Metadata == nil {
		src.Metadata = src.Registry
	}
	if _, ok := src.Metadata.(registry.Lookup); !ok {
		err = errors.Join(err, fmt.Errorf("the metadata center of %s can't be looked up in", src.Name))
	}
	if err != nil {
		return nil, fmt.Errorf("directory of %s: %w", c.Service, err)
	}
	d := &Directory{
		cfg: c.withDefaults(), src: src, ready: make(chan struct{}), wake: make(chan struct{}, 1), settle: make(chan chan<- struct{}),
		apps: map[string]*app{}, held: map[string]*cluster.Provider{}, rules: c.Rules,
	}
	d.ctx, d.stop = context.WithCancel(context.WithoutCancel(ctx))
	d.snap.Store(&cluster.Snapshot{Err: errors.New("the registry has not answered yet")})
	d.wg.Go(d.build)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.follow()
	return d, nil
}

// follow is called with the lock held; it begins to follow what counts now. What counted before is followed on: a migration may be
// taken back, and then nobody must wait.
func (d *Directory) follow() {
	if d.ctx.Err() != nil {
		return
	}
	step := d.step()
	if step != ForceInterface && !d.following.apps {
		d.following.apps = true
		d.wg.Go(d.followApps)
	}
	if step != ForceApplication && !d.following.iface {
		d.following.iface = true
		d.wg.Go(d.followInterface)
	}
}

// step is called with the lock held.
func (d *Directory) step() Migration { return cmp.Or(d.rules.Migration, d.cfg.Migration) }

// Snapshot implements [cluster.Directory].
func (d *Directory) Snapshot() *cluster.Snapshot { return d.snap.Load() }

// Ready implements [cluster.Directory].
func (d *Directory) Ready(ctx context.Context) error {
	select {
	case <-d.ready:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("find providers of %s: %w (%w)", d.cfg.Service, d.snap.Load().Err, context.Cause(ctx))
	}
}

// Close implements [cluster.Directory].
func (d *Directory) Close() error {
	d.mu.Lock() // of SetRules, so that nothing begins after this
	d.stop()
	d.mu.Unlock()
	d.wg.Wait()
	for _, p := range d.held {
		p.Target.Release()
	}
	d.held = nil
	return nil
}

// SetRules makes rules hold from now on: soon, and surely once [Directory.Settle] has returned.
func (d *Directory) SetRules(r Rules) {
	d.mu.Lock()
	d.rules = r
	d.follow()
	d.mu.Unlock()
	d.changed()
}

// Settle waits until the snapshot shows all that was known when it was called, or ctx or the directory ends.
func (d *Directory) Settle(ctx context.Context) error {
	done := make(chan struct{})
	select {
	case d.settle <- done:
	case <-d.ctx.Done():
		return context.Cause(d.ctx)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case <-done:
	case <-d.ctx.Done():
		return context.Cause(d.ctx)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}

// Stats gives the counters.
func (d *Directory) Stats() Stats {
	d.mu.Lock()
	defer d.mu.Unlock()
	return Stats{
		Providers: len(d.snap.Load().Providers), Protecting: d.protecting || d.lingering.Load(), Protected: d.counts.protected.Load(),
		Failures: d.counts.failures.Load(), Refused: d.counts.refused.Load(),
	}
}

func (d *Directory) changed() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// retry runs a watch for ever: one that ends with an error is begun again, after a pause that grows.
func (d *Directory) retry(ctx context.Context, what string, watch func() error) {
	pause := minPause
	for {
		begin := time.Now()
		err := watch()
		if ctx.Err() != nil {
			return
		}
		if time.Since(begin) > maxPause {
			pause = minPause
		}
		d.cfg.Log.Warn("directory: a watch ended, beginning again", "watch", what, "registry", d.src.Name, "error", err, "after", pause)
		if !sleep(ctx, pause) {
			return
		}
		pause = min(2*pause, maxPause)
	}
}

const (
	minPause = 100 * time.Millisecond
	maxPause = 10 * time.Second
)

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// followInterface follows the providers that are registered under the interface.
func (d *Directory) followInterface() {
	w, _ := d.src.Registry.(registry.Watcher)
	for _, name := range d.names() {
		d.wg.Go(func() {
			d.retry(d.ctx, name.String(), func() error {
				err := w.WatchInstances(d.ctx, name, func(all []registry.Instance) {
					d.mu.Lock()
					d.direct, d.directSeen, d.directErr = all, true, nil
					d.mu.Unlock()
					d.changed()
				})
				d.mu.Lock()
				if !d.directSeen {
					d.directErr = err
				}
				d.mu.Unlock()
				d.changed()
				return err
			})
		})
	}
}

// names are what the service is listed under at interface level, a pattern where the consumer takes several. Java, too, looks under the
// consumer's own version and group.
func (d *Directory) names() []registry.Name {
	k := d.cfg.Service
	return []registry.Name{{Interface: k.Interface, Version: k.Version, Group: k.Group}}
}

// followApps follows the applications that offer the service.
func (d *Directory) followApps() {
	if len(d.cfg.ProvidedBy) > 0 {
		d.setApps(d.cfg.ProvidedBy)
		return
	}
	w, ok := d.src.Metadata.(registry.Watcher)
	if !ok {
		w, _ = d.src.Registry.(registry.Watcher)
	}
	d.retry(d.ctx, "applications of "+d.cfg.Service.Interface, func() error {
		err := w.WatchApps(d.ctx, d.cfg.Service.Interface, d.setApps)
		d.mu.Lock()
		if !d.mapped {
			d.mapErr = err
		}
		d.mu.Unlock()
		d.changed()
		return err
	})
}

// setApps begins to follow applications that are new, and leaves those that are gone. An empty mapping takes none away: Dubbo
// never takes an application out of one, so that an empty one is a fault of the registry's.
func (d *Directory) setApps(names []string) {
	d.mu.Lock()
	d.mapped, d.mapErr = true, nil
	for _, name := range names {
		if d.apps[name] == nil {
			ctx, stop := context.WithCancel(d.ctx)
			a := &app{name: name, stop: stop, revisions: map[string]*revision{}}
			d.apps[name] = a
			d.wg.Go(func() { d.followInstances(ctx, a) })
		}
	}
	if len(names) > 0 {
		for name, a := range d.apps {
			if !slices.Contains(names, name) {
				a.stop()
				delete(d.apps, name)
			}
		}
	}
	d.mu.Unlock()
	d.changed()
}

func (d *Directory) followInstances(ctx context.Context, a *app) {
	w, _ := d.src.Registry.(registry.Watcher)
	d.retry(ctx, "instances of "+a.name, func() error {
		err := w.WatchInstances(ctx, registry.Name{App: a.name}, func(all []registry.Instance) {
			d.mu.Lock()
			a.instances, a.seen, a.err = all, true, nil
			d.wantRevisions(ctx, a)
			d.mu.Unlock()
			d.changed()
		})
		d.mu.Lock()
		if !a.seen {
			a.err = err
		}
		d.mu.Unlock()
		d.changed()
		return err
	})
}

// wantRevisions is called with the lock held; it begins to fetch the metadata of revisions that are new, and gives up those that
// no instance shows any more.
func (d *Directory) wantRevisions(ctx context.Context, a *app) {
	shown := map[string]bool{}
	for _, i := range a.instances {
		rev := i.Revision()
		if rev == "" || rev == "0" || shown[rev] {
			continue
		}
		shown[rev] = true
		if a.revisions[rev] == nil {
			ctx, stop := context.WithCancel(ctx)
			r := &revision{stop: stop}
			a.revisions[rev] = r
			d.wg.Go(func() { d.fetch(ctx, a, rev, r) })
		}
	}
	for rev, r := range a.revisions {
		if !shown[rev] {
			r.stop()
			delete(a.revisions, rev)
		}
	}
}

// fetch gets a revision's metadata, trying for as long as it is wanted.
func (d *Directory) fetch(ctx context.Context, a *app, rev string, r *revision) {
	pause := minPause
	for {
		m, err := d.metadata(ctx, a, rev)
		d.mu.Lock()
		r.tried, r.err = true, err
		if err == nil {
			r.meta, r.had = m, true
		}
		d.mu.Unlock()
		d.changed()
		if err == nil || ctx.Err() != nil {
			return
		}
		d.counts.failures.Add(1)
		d.cfg.Log.Warn("directory: no metadata; its instances are left out until there is", "app", a.name, "revision", rev, "registry", d.src.Name, "error", err, "again", pause)
		if !sleep(ctx, pause) {
			return
		}
		pause = min(2*pause, maxPause)
	}
}

// metadata asks the metadata centre, or the instances themselves where they keep it.
func (d *Directory) metadata(ctx context.Context, a *app, rev string) (registry.Metadata, error) {
	ctx, cancel := context.WithTimeout(ctx, maxPause)
	defer cancel()
	d.mu.Lock()
	var local []registry.Instance
	remote := false
	for _, i := range a.instances {
		if i.Revision() == rev {
			if i.Local() {
				local = append(local, i)
			} else {
				remote = true
			}
		}
	}
	d.mu.Unlock()
	return d.cfg.Cache.get(ctx, metadataKey{d.src.Name, a.name, rev}, func() (registry.Metadata, error) {
		var errs []error
		if !remote && d.cfg.Local != nil {
			for _, i := range local[:min(len(local), maxAsked)] {
				m, err := d.cfg.Local(ctx, i, rev)
				if err == nil {
					return m, nil
				}
				errs = append(errs, err)
			}
		}
		look, _ := d.src.Metadata.(registry.Lookup) // Dubbo 2.7 writes it there too where it keeps it itself
		m, err := look.Metadata(ctx, a.name, rev)
		if err == nil {
			return m, nil
		}
		return registry.Metadata{}, errors.Join(append(errs, err)...)
	})
}

// maxAsked is how many instances are asked for metadata before pausing.
const maxAsked = 3
