package activator

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/dubbofn/dubbofn/internal/metadataservice"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/invoker/dubbo"
	"github.com/dubbofn/dubbofn/registry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	greetService = "org.example.GreetService"
	token        = "a token of the test"
	patience     = 20 * time.Second
)

// listed is a Source whose functions the test sets.
type listed struct {
	mu   sync.Mutex
	each func([]Function)
	all  []Function
}

func (l *listed) Watch(ctx context.Context, each func([]Function)) error {
	l.mu.Lock()
	l.each = each
	each(l.all)
	l.mu.Unlock()
	<-ctx.Done()
	l.mu.Lock()
	l.each = nil
	l.mu.Unlock()
	return nil
}

func (l *listed) set(all ...Function) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = all
	if l.each != nil {
		l.each(all)
	}
}

// activate runs an activator until the test ends, on the network.
func activate(t testing.TB, n *network, src Source, change func(*Config), places ...Place) (*Activator, func() error) {
	t.Helper()
	return activateAs(t, n, "activator", src, change, places...)
}

func activateAs(t testing.TB, n *network, name string, src Source, change func(*Config), places ...Place) (*Activator, func() error) {
	t.Helper()
	c := Config{Host: "127.0.0.1", Dubbo: n.listen(name + ":20880"), Lane: n.listen(name + ":20881"), Token: token, Drain: 10 * time.Second,
		Listen: func(port int) (net.Listener, error) { return n.listen(name + ":" + strconv.Itoa(port)), nil }}
	c.Server.Quiet = 20 * time.Millisecond
	if testing.Verbose() {
		c.Log = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	if change != nil {
		change(&c)
	}
	a, err := New(c, src, places...)
	if err != nil {
		t.Fatal(err)
	}
	a.dial = n.dial
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	end := sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() {
		if err := end(); err != nil {
			t.Errorf("Run: %v", err)
		}
		if st := a.stats(); st.InFlight != 0 || st.Bytes != 0 {
			t.Errorf("left behind: %+v", st)
		}
	})
	for a.phase.Load() != nil {
		time.Sleep(time.Millisecond)
	}
	return a, end
}

// consume connects a consumer.
func consume(t testing.TB, n *network, address string) *dubbo.Conn {
	t.Helper()
	nc, err := n.dial(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	c := dubbo.NewConn(nc, dubbo.ConnConfig{})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func invocation(method string, args ...any) *invoker.Invocation {
	return &invoker.Invocation{Service: invoker.ServiceKey{Interface: greetService, Version: "1.0.0"}, Method: method, Args: args}
}

// call calls and gives the answer.
func callWith(ctx context.Context, c *dubbo.Conn, inv *invoker.Invocation) (string, error) {
	res, err := c.Invoke(ctx, inv)
	if err != nil {
		return "", err
	}
	s, _ := res.Value.(string)
	return s, nil
}

func mustHello(t testing.TB, c *dubbo.Conn, id string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if got, err := callWith(ctx, c, invocation("hello", id)); err != nil || got != "hello "+id {
		t.Fatalf("hello %s: %q, %v", id, got, err)
	}
}

// until waits for something that happens elsewhere.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	end := time.After(patience)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("waited %v: %s", patience, what)
		}
	}
}

// embedded is a place in the embedded registry of a directory, and what looks there.
func embedded(t testing.TB, dir string) (Place, registry.Registry) {
	t.Helper()
	open := func(ctx context.Context) (registry.Registry, error) {
		return registry.Embedded.Open(ctx, registry.Config{Params: map[string]string{"dir": dir}})
	}
	r, err := open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return Place{Name: "embedded", Open: open}, r
}

func revisionOf(t testing.TB, p *platform) string {
	t.Helper()
	return metadataservice.Metadata(p.set().Describe()).Revision()
}

func codeOf(err error) (invoker.Code, bool) {
	var e *invoker.Error
	if !errors.As(err, &e) {
		return 0, false
	}
	return e.Code, true
}

func mayHaveRun(err error) bool {
	var e *invoker.Error
	return errors.As(err, &e) && e.MaybeExecuted
}

func instances(t testing.TB, r registry.Registry, app string) []registry.Instance {
	t.Helper()
	all, err := r.(registry.Lookup).Instances(t.Context(), registry.Name{App: app})
	if err != nil {
		t.Error(err)
	}
	return all
}

func metadataOf(t testing.TB, r registry.Registry, app, revision string) (registry.Metadata, error) {
	t.Helper()
	return r.(registry.Lookup).Metadata(t.Context(), app, revision)
}

// watchInstances follows an app; what it gives says how few instances were there at any time.
func watchInstances(t testing.TB, r registry.Registry, app string) (fewest func() int) {
	t.Helper()
	least := 1 << 30
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = r.(registry.Watcher).WatchInstances(ctx, registry.Name{App: app}, func(all []registry.Instance) { least = min(least, len(all)) })
	}()
	return func() int {
		cancel()
		<-done
		return least
	}
}
