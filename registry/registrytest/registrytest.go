package registrytest

import (
	"context"
	"crypto/rand"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dubbofn/dubbofn/registry"
)

// Suite says how to test a registry.
type Suite struct {
	// Open gives a new handle on the registry under test, as another process would have one. The suite closes it.
	Open func(ctx context.Context) (registry.Registry, error)
	// WriteRule writes a governance rule as an operator does, "" to take it away; nil for a registry that is no config centre.
	WriteRule func(ctx context.Context, group, key, content string) error
	// Settle is how long a change may take until a watch tells; zero means 5 s.
	Settle time.Duration
	// MaxInstanceChars is the limit on an instance's metadata; zero means that there is none.
	MaxInstanceChars int
}

// Run runs the suite, each test in parallel to the others.
func (s Suite) Run(t *testing.T) {
	t.Helper()
	if s.Settle == 0 {
		s.Settle = 5 * time.Second
	}
	for _, c := range []struct {
		name string
		test func(*fixture)
	}{
		{"a registration is found by another handle", found},
		{"what is not there is empty or ErrNotFound", nothing},
		{"levels are written one by one", levels},
		{"interface level carries the parameters that steer consumers", interfaceLevel},
		{"a pattern finds every version and group that it means, new ones too", pattern},
		{"local storage is announced for one line", localStorage},
		{"metadata and mapping are there before the instance", metadataFirst},
		{"a watch tells of an instance that comes, changes and goes", watched},
		{"an update never leaves first", updateStays},
		{"an update moves between interfaces", updateMoves},
		{"an update of another address or application is refused", updateRefused},
		{"instances of one application do not disturb each other", siblings},
		{"siblings in one handle end one by one", siblingsInOneHandle},
		{"eight applications join one interface at once", mapping},
		{"a mapping that grows is told to its watch", mappingWatched},
		{"many registrations in one handle at once", many},
		{"all faults of a registration are told together", faults},
		{"an instance over the limit is refused with its size", tooLarge},
		{"a rule is followed from none to none", rules},
		{"what leases leave behind can be forgotten", forgotten},
		{"ending twice does nothing and updating after is ErrClosed", endedTwice},
		{"closing ends leases and watches", closing},
		{"a context that ended stops a registration", canceled},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.test(&fixture{T: t, s: s, id: strings.ToLower(rand.Text()[:10])})
		})
	}
}

// fixture is one test's names and handles.
type fixture struct {
	*testing.T
	s  Suite
	id string
}

func (f *fixture) app(name string) string   { return "app-" + name + "-" + f.id }
func (f *fixture) iface(name string) string { return "org.example." + name + ".T" + f.id }

// open gives a handle that is closed when the test ends.
func (f *fixture) open() registry.Registry {
	f.Helper()
	ctx, cancel := context.WithTimeout(f.Context(), 30*time.Second)
	defer cancel()
	r, err := f.s.Open(ctx)
	if err != nil {
		f.Fatalf("open: %v", err)
	}
	f.Cleanup(func() {
		if err := r.Close(); err != nil {
			f.Errorf("close: %v", err)
		}
	})
	return r
}

func (f *fixture) lookup(r registry.Registry) registry.Lookup {
	f.Helper()
	l, ok := r.(registry.Lookup)
	if !ok {
		f.Fatalf("%T is not a Lookup", r)
	}
	return l
}

func (f *fixture) watcher(r registry.Registry) registry.Watcher {
	f.Helper()
	w, ok := r.(registry.Watcher)
	if !ok {
		f.Fatalf("%T is not a Watcher", r)
	}
	return w
}

// registration is one of an application with the given interfaces.
func (f *fixture) registration(app string, port int, ifaces ...string) registry.Registration {
	m := registry.Metadata{App: app}
	for _, i := range ifaces {
		m.Services = append(m.Services, registry.Service{Name: i, Protocol: "dubbo", Params: map[string]string{"timeout": "10000", "retries": "0"}})
	}
	return registry.Registration{Instance: registry.Instance{App: app, Host: "127.0.0.1", Port: port}, Metadata: m}
}

func (f *fixture) register(r registry.Registry, reg registry.Registration) registry.Lease {
	f.Helper()
	ctx, cancel := context.WithTimeout(f.Context(), 30*time.Second)
	defer cancel()
	l, err := r.Register(ctx, reg)
	if err != nil {
		f.Fatalf("register: %v", err)
	}
	return l
}

// eventually looks until the state is as it should be; a push can be slower than the answer to a write.
func eventually[T any](f *fixture, what string, look func() (T, error), ok func(T) bool) T {
	f.Helper()
	end := time.Now().Add(f.s.Settle)
	for {
		v, err := look()
		if err == nil && ok(v) {
			return v
		}
		if time.Now().After(end) {
			f.Fatalf("%s: after %s it is %+v (error %v)", what, f.s.Settle, v, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (f *fixture) instances(l registry.Lookup, n registry.Name, addresses ...string) []registry.Instance {
	f.Helper()
	return eventually(f, "instances of "+n.String(), func() ([]registry.Instance, error) { return l.Instances(f.Context(), n) },
		func(all []registry.Instance) bool { return reflect.DeepEqual(addressesOf(all), addresses) })
}

func addressesOf(all []registry.Instance) []string {
	var a []string
	for _, i := range all {
		a = append(a, i.Address())
	}
	return a
}

// history is what a watch told.
type history[T any] struct {
	f    *fixture
	stop context.CancelFunc
	done chan error

	mu     sync.Mutex
	states [][]T
	inside int
	twice  bool
}

// watch starts a watch and waits for its first state.
func watch[T any](f *fixture, run func(context.Context, func([]T)) error) *history[T] {
	f.Helper()
	ctx, stop := context.WithCancel(f.Context())
	h := &history[T]{f: f, stop: stop, done: make(chan error, 1)}
	go func() { h.done <- run(ctx, h.add) }()
	h.until("the first state", func([]T) bool { return true })
	return h
}

func watchInstances(f *fixture, r registry.Registry, n registry.Name) *history[registry.Instance] {
	f.Helper()
	w := f.watcher(r)
	return watch(f, func(ctx context.Context, each func([]registry.Instance)) error { return w.WatchInstances(ctx, n, each) })
}

func (h *history[T]) add(s []T) {
	h.mu.Lock()
	h.inside++
	h.twice = h.twice || h.inside > 1
	h.states = append(h.states, s)
	h.mu.Unlock()
	time.Sleep(time.Millisecond) // so that a second call at the same time would be seen
	h.mu.Lock()
	h.inside--
	h.mu.Unlock()
}

func (h *history[T]) all() [][]T {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([][]T(nil), h.states...)
}

// until waits for a last state that is as it should be.
func (h *history[T]) until(what string, ok func([]T) bool) {
	h.f.Helper()
	end := time.Now().Add(h.f.s.Settle)
	for {
		all := h.all()
		if len(all) > 0 && ok(all[len(all)-1]) {
			return
		}
		if time.Now().After(end) {
			h.f.Fatalf("%s: after %s the watch told %+v", what, h.f.s.Settle, all)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// end stops the watch, which must return nil, and checks that it never told twice at a time.
func (h *history[T]) end() {
	h.f.Helper()
	h.stop()
	select {
	case err := <-h.done:
		if err != nil {
			h.f.Errorf("watch ended with %v, want nil", err)
		}
	case <-time.After(h.f.s.Settle):
		h.f.Errorf("watch did not end within %s", h.f.s.Settle)
	}
	if h.twice {
		h.f.Errorf("watch told two states at a time")
	}
}
