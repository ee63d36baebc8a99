package rule

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dubbofn/dubbofn/invoker/cluster"
	"github.com/dubbofn/dubbofn/registry"
)

// Set is the rules that hold for one consumer of one service.
type Set struct {
	Routers       []cluster.Router
	Configurators []Configurator // the service's after the application's, which they win over
	Migration     string         // which way of registration counts, by Java's names; "" where no rule says it
}

// Override gives what the configurators say of a provider, nil for nothing.
func (s Set) Override(p *cluster.Provider) map[string]string {
	if len(s.Configurators) == 0 {
		return nil
	}
	to := map[string]string{}
	for _, c := range s.Configurators {
		c.Apply(p, to)
	}
	if len(to) == 0 {
		return nil
	}
	return to
}

// None is what holds without a config centre: providers' own tags count.
func None() Set { return Set{Routers: []cluster.Router{Tag{}}} }

// Watch follows the rules of a consumer. Safe for concurrent use.
//
// The documents are Dubbo's: "<interface>:<version>:<group>.condition-router" and ".configurators", "<consumer's
// application>.condition-router", ".configurators" and ".migration", and "<provider's application>.tag-router" and ".condition-router". A document
// that makes no sense is refused and logged, and the last good one goes on holding; an empty one, or one without a tag or condition,
// takes its rule away.
type Watch struct {
	center   registry.RuleWatcher
	consumer Consumer
	each     func(Set)
	log      *slog.Logger
	ctx      context.Context // ends with Close
	stop     context.CancelFunc
	wg       sync.WaitGroup
	first    pending

	mu    sync.Mutex
	apps  map[string]context.CancelFunc // the providers' applications
	held  map[string]any                // a Tag, Condition or Configurator by its key
	fault map[string]error              // what was refused last
}

// NewWatch begins to follow, and calls each with the rules that hold: first with none, then after each change, never twice at a
// time. It outlives ctx; Close ends it.
func NewWatch(ctx context.Context, center registry.RuleWatcher, consumer Consumer, log *slog.Logger, each func(Set)) *Watch {
	w := &Watch{center: center, consumer: consumer, each: each, log: log, apps: map[string]context.CancelFunc{}, held: map[string]any{}, fault: map[string]error{}}
	w.ctx, w.stop = context.WithCancel(context.WithoutCancel(ctx))
	each(w.set())
	for _, scope := range []string{w.service(), consumer.Application} {
		if scope != "" {
			w.follow(w.ctx, scope+conditions)
			w.follow(w.ctx, scope+configurators)
		}
	}
	if consumer.Application != "" {
		w.follow(w.ctx, consumer.Application+migration)
	}
	return w
}

const (
	conditions    = ".condition-router"
	configurators = ".configurators"
	tags          = ".tag-router"
	migration     = ".migration"
)

// group is where Dubbo keeps a rule (Java: DynamicConfiguration.DEFAULT_GROUP, MigrationRuleListener; 3.3.6).
func group(key string) string {
	if strings.HasSuffix(key, migration) {
		return "DUBBO_SERVICEDISCOVERY_MIGRATION"
	}
	return "dubbo"
}

// Ready waits until every document was answered once, or ctx ends.
func (w *Watch) Ready(ctx context.Context) error {
	for {
		none, changed := w.first.state()
		if none {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// pending counts documents that were not answered yet.
type pending struct {
	mu      sync.Mutex
	n       int
	changed chan struct{} // closed when n changes
}

func (p *pending) add(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.n += n
	if p.changed != nil {
		close(p.changed)
		p.changed = nil
	}
}

func (p *pending) state() (none bool, changed <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.changed == nil {
		p.changed = make(chan struct{})
	}
	return p.n == 0, p.changed
}

// SetApps follows the rules of the applications that offer the service.
func (w *Watch) SetApps(apps []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ctx.Err() != nil {
		return
	}
	for _, app := range apps {
		if w.apps[app] == nil && app != "" {
			ctx, stop := context.WithCancel(w.ctx)
			w.apps[app] = stop
			w.follow(ctx, app+tags)
			if app != w.consumer.Application {
				w.follow(ctx, app+conditions)
			}
		}
	}
	for app, stop := range w.apps {
		if !slices.Contains(apps, app) {
			stop()
			delete(w.apps, app)
			gone := []string{app + tags}
			if app != w.consumer.Application {
				gone = append(gone, app+conditions)
			}
			for _, key := range gone {
				delete(w.held, key)
				delete(w.fault, key)
			}
		}
	}
	w.each(w.set())
}

// Faults gives what was refused, by key, where the key's document still is what was refused.
func (w *Watch) Faults() map[string]error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.fault)
}

// Close ends the watch and waits for it. Calling it again does nothing.
func (w *Watch) Close() error {
	w.mu.Lock()
	w.stop()
	w.mu.Unlock()
	w.wg.Wait()
	return nil
}

// follow follows one document for as long as ctx lasts, whatever becomes of the config centre.
func (w *Watch) follow(ctx context.Context, key string) {
	w.first.add(1)
	answered := sync.OnceFunc(func() { w.first.add(-1) })
	w.wg.Go(func() {
		defer answered()
		for pause := firstPause; ctx.Err() == nil; pause = min(2*pause, lastPause) {
			begin := time.Now()
			err := w.center.WatchRule(ctx, group(key), key, func(doc string) {
				w.take(ctx, key, doc)
				answered()
			})
			answered()
			if ctx.Err() != nil {
				return
			}
			if time.Since(begin) > lastPause {
				pause = firstPause
			}
			w.log.Warn("rule: a watch ended, beginning again", "key", key, "error", err, "after", pause)
			select {
			case <-time.After(pause):
			case <-ctx.Done():
			}
		}
	})
}

const (
	firstPause = 200 * time.Millisecond
	lastPause  = 30 * time.Second
)

// take reads a document and makes it hold.
func (w *Watch) take(ctx context.Context, key, doc string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if ctx.Err() != nil {
		return
	}
	before := w.held[key]
	parsed, err := w.parse(key, doc)
	if err != nil {
		w.fault[key] = err
		w.log.Error("rule: a rule is refused; the last good one goes on holding", "key", key, "held", before != nil, "faults", err)
		return
	}
	delete(w.fault, key)
	if parsed == nil {
		delete(w.held, key)
		if before != nil {
			w.log.Info("rule: a rule was taken away", "key", key)
			w.each(w.set())
		}
		return
	}
	w.held[key] = parsed
	w.log.Info("rule: a rule holds", "key", key)
	w.each(w.set())
}

// parse reads a document; nil: it is no rule.
func (w *Watch) parse(key, doc string) (any, error) {
	switch {
	case doc == "":
		return nil, nil
	case strings.HasSuffix(key, tags):
		t, err := ParseTag(doc)
		if len(t.Tags) == 0 {
			return nil, err
		}
		return t, err
	case strings.HasSuffix(key, migration):
		return ParseMigration(doc)
	case strings.HasSuffix(key, conditions):
		c, err := ParseCondition(doc)
		if len(c.lines) == 0 {
			return nil, err
		}
		return c, err
	default:
		c, err := ParseConfigurator(doc)
		return c.of(w.consumer), err
	}
}

// set is called with the lock held; it puts together what holds: tags first, then conditions of the service, of the consumer's
// application and of the providers'.
func (w *Watch) set() Set {
	var s Set
	service := w.service()
	apps := slices.Sorted(maps.Keys(w.apps))
	tag := Tag{}
	for _, app := range apps { // of several applications the first that has a rule counts
		if t, ok := w.held[app+tags].(Tag); ok {
			tag = t
			break
		}
	}
	s.Routers = append(s.Routers, tag)
	scopes := append([]string{service, w.consumer.Application}, apps...)
	for i, scope := range scopes {
		if c, ok := w.held[scope+conditions].(Condition); ok && slices.Index(scopes, scope) == i {
			s.Routers = append(s.Routers, c.of(w.consumer)...)
		}
	}
	for _, scope := range []string{w.consumer.Application, service} {
		if c, ok := w.held[scope+configurators].(Configurator); ok {
			s.Configurators = append(s.Configurators, c)
		}
	}
	if m, ok := w.held[w.consumer.Application+migration].(Migration); ok {
		s.Migration = m.of(w.consumer, apps)
	}
	return s
}

// service is the name that the service's rules have (Java: URL.getColonSeparatedKey, 3.3.6).
func (w *Watch) service() string {
	k := w.consumer.Service
	if k.Version == "0.0.0" {
		k.Version = ""
	}
	return k.Interface + ":" + k.Version + ":" + k.Group
}
