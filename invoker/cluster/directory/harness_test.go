package directory_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/dubbofn/dubbofn/cold"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/invoker/cluster"
	"github.com/dubbofn/dubbofn/invoker/cluster/directory"
	"github.com/dubbofn/dubbofn/registry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const users = "org.example.Users"

// book is a registry that the test writes in.
type book struct {
	mu        sync.Mutex
	changed   chan struct{}
	apps      []string
	instances map[string][]registry.Instance // by registry.Name.String()
	metadata  map[string]registry.Metadata   // by app/revision
	slow      time.Duration                  // what fetching metadata takes
	late      string                         // the only revision of which that is so; "" for all
	fetched   atomic.Int64
	broken    error           // what watches end with
	down      map[string]bool // addresses that refuse connections
}

func newBook() *book {
	return &book{changed: make(chan struct{}), instances: map[string][]registry.Instance{}, metadata: map[string]registry.Metadata{}}
}

func (b *book) Register(context.Context, registry.Registration) (registry.Lease, error) {
	return nil, errors.New("not offered")
}
func (b *book) Close() error { return nil }

func (b *book) write(change func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change()
	close(b.changed)
	b.changed = make(chan struct{})
}

func (b *book) Apps(context.Context, string) ([]string, error) { return b.apps, nil }
func (b *book) Instances(_ context.Context, n registry.Name) ([]registry.Instance, error) {
	return b.instances[n.String()], nil
}

func (b *book) Metadata(ctx context.Context, app, revision string) (registry.Metadata, error) {
	b.mu.Lock()
	slow := b.slow
	if b.late != "" && b.late != revision {
		slow = 0
	}
	b.fetched.Add(1)
	m, ok := b.metadata[app+"/"+revision]
	b.mu.Unlock()
	select {
	case <-time.After(slow):
	case <-ctx.Done():
		return m, ctx.Err()
	}
	if !ok {
		return m, registry.ErrNotFound
	}
	return m, nil
}

func (b *book) watch(ctx context.Context, each func()) error {
	for {
		b.mu.Lock()
		changed, broken := b.changed, b.broken
		b.mu.Unlock()
		if broken != nil {
			return broken
		}
		each()
		select {
		case <-changed:
		case <-ctx.Done():
			return nil
		}
	}
}

func (b *book) WatchApps(ctx context.Context, _ string, each func([]string)) error {
	return b.watch(ctx, func() { b.mu.Lock(); all := b.apps; b.mu.Unlock(); each(all) })
}

func (b *book) WatchInstances(ctx context.Context, n registry.Name, each func([]registry.Instance)) error {
	return b.watch(ctx, func() { b.mu.Lock(); all := b.instances[n.String()]; b.mu.Unlock(); each(all) })
}

// app writes an application of n instances that offers services, under a revision.
func (b *book) app(name, revision string, n int, services ...registry.Service) {
	b.write(func() {
		if !strings.Contains(strings.Join(b.apps, ","), name) {
			b.apps = append(b.apps, name)
		}
		if services != nil {
			b.metadata[name+"/"+revision] = registry.Metadata{App: name, Services: services}
		}
		var all []registry.Instance
		for i := range n {
			all = append(all, registry.Instance{App: name, Host: fmt.Sprintf("10.0.0.%d", i+1), Port: 20880, Metadata: map[string]string{
				"dubbo.metadata.revision": revision, "dubbo.metadata.storage-type": "remote", "dubbo.endpoints": `[{"port":20881,"protocol":"dubbo"}]`,
			}})
		}
		b.instances[name] = all
	})
}

func service(version, group string) registry.Service {
	return registry.Service{Name: users, Version: version, Group: group, Protocol: "dubbo", Params: map[string]string{"timeout": "700"}}
}

// peer is a connection to nowhere.
type peer struct {
	once sync.Once
	done chan struct{}
}

func (p *peer) Available() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}
func (p *peer) Done() <-chan struct{} { return p.done }
func (p *peer) Close() error          { p.once.Do(func() { close(p.done) }); return nil }
func (p *peer) Invoke(context.Context, *invoker.Invocation) (invoker.Result, error) {
	return invoker.Result{}, nil
}

// run runs a test in a bubble, with a directory over a book.
func run(t *testing.T, b *book, c directory.Config, test func(t *testing.T, d *directory.Directory)) {
	t.Helper()
	pool := cold.NewPool(func(_ context.Context, address string) (cluster.Conn, error) {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.down[address] {
			return nil, errors.New("connection refused")
		}
		return &peer{done: make(chan struct{})}, nil
	}, cold.PoolConfig{})
	c.Pool = pool
	if c.Service.Interface == "" {
		c.Service.Interface = users
	}
	d, err := directory.New(t.Context(), directory.Source{Name: "book://", Registry: b}, c)
	if err != nil {
		t.Fatal(err)
	}
	test(t, d)
	if err := errors.Join(d.Close(), d.Close(), pool.Close()); err != nil {
		t.Error(err)
	}
	if s := pool.Stat(); s.Open != 0 {
		t.Errorf("%d connections left", s.Open)
	}
}

func addresses(d *directory.Directory) []string {
	var all []string
	for _, p := range d.Snapshot().Providers {
		all = append(all, p.Address)
	}
	return all
}

func settle() { time.Sleep(time.Millisecond); synctest.Wait() }
