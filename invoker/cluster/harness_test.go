package cluster

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/dubbofn/dubbofn/cold"
	"github.com/dubbofn/dubbofn/invoker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// host plays a provider: what happens to calls, and how many came.
type host struct {
	name    string
	mu      sync.Mutex
	answer  func(ctx context.Context, inv *invoker.Invocation) (invoker.Result, error)
	refuses bool
	slow    time.Duration // what connecting takes
	leaving atomic.Bool
	calls   atomic.Int64
	once    sync.Once
	done    chan struct{}
}

func (h *host) Available() bool {
	select {
	case <-h.done:
		return false
	default:
		return !h.leaving.Load()
	}
}
func (h *host) Done() <-chan struct{} { return h.done }
func (h *host) Close() error          { h.once.Do(func() { close(h.done) }); return nil }

func (h *host) Invoke(ctx context.Context, inv *invoker.Invocation) (invoker.Result, error) {
	h.calls.Add(1)
	h.mu.Lock()
	answer := h.answer
	h.mu.Unlock()
	if answer == nil {
		return invoker.Result{Value: h.name}, nil
	}
	return answer(ctx, inv)
}

// fails makes every call end with an error.
func (h *host) fails(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answer = func(context.Context, *invoker.Invocation) (invoker.Result, error) { return invoker.Result{}, err }
}

// hosts is a network of them, and a directory that knows them.
type hosts struct {
	tb   testing.TB
	pool *cold.Pool[Conn]
	all  []*host
	snap atomic.Pointer[Snapshot]
}

func (d *hosts) Snapshot() *Snapshot         { return d.snap.Load() }
func (d *hosts) Ready(context.Context) error { return nil }
func (d *hosts) Close() error                { return nil }

// network makes n hosts, sorted by address and connected, with what each publishes.
func network(tb testing.TB, n int, params ...map[string]string) *hosts {
	tb.Helper()
	d := unconnected(tb, n, params...)
	for _, p := range d.Snapshot().Providers {
		if _, err := p.Target.Get(tb.Context()); err != nil {
			tb.Fatal(err)
		}
	}
	return d
}

// unconnected is a network that nobody has connected to yet.
func unconnected(tb testing.TB, n int, params ...map[string]string) *hosts {
	tb.Helper()
	d := &hosts{tb: tb}
	at := map[string]*host{}
	d.pool = cold.NewPool(func(_ context.Context, address string) (Conn, error) {
		h := at[address]
		time.Sleep(h.slow)
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.refuses {
			return nil, errors.New("connection refused")
		}
		h.done, h.once = make(chan struct{}), sync.Once{}
		return h, nil
	}, cold.PoolConfig{})
	tb.Cleanup(func() { _ = d.pool.Close() })
	snap := &Snapshot{}
	for i := range n {
		h := &host{name: fmt.Sprintf("10.0.%d.%d:20880", 100+i/100, 101+i%100), done: make(chan struct{})}
		at[h.name] = h
		d.all = append(d.all, h)
		p := Provider{Address: h.name, Target: d.pool.Hold(h.name)}
		if len(params) > 0 {
			p.Service = params[i%len(params)]
		}
		snap.Providers = append(snap.Providers, NewProvider(p))
	}
	d.snap.Store(snap)
	return d
}

// cluster makes one over the hosts.
func (d *hosts) cluster(c Config) *Cluster {
	d.tb.Helper()
	c.Service = invoker.ServiceKey{Interface: "org.example.Users"}
	cl, err := New(d, c)
	if err != nil {
		d.tb.Fatal(err)
	}
	d.tb.Cleanup(func() { _ = cl.Close() })
	return cl
}

func call(args ...any) *invoker.Invocation {
	return &invoker.Invocation{Service: invoker.ServiceKey{Interface: "org.example.Users"}, Method: "get", Args: args}
}

// notRun and mayHaveRun are what a connection reports.
func notRun() error {
	return invoker.Errorf(invoker.CodeUnavailable, "call", "connection refused")
}

func mayHaveRun() error {
	return &invoker.Error{Code: invoker.CodeUnavailable, Op: "call", Err: errors.New("connection reset"), MaybeExecuted: true}
}

// drawn gives fixed numbers in place of chance.
func drawn(numbers ...int64) random {
	i := 0
	return func(n int64) int64 {
		v := numbers[i%len(numbers)] % n
		i++
		return v
	}
}
