package keeper_test

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dubbofn/dubbofn/auth"
	"github.com/dubbofn/dubbofn/cold/keeper"
	"github.com/dubbofn/dubbofn/cold/keeper/lent"
	"github.com/dubbofn/dubbofn/internal/certtest"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/invoker/dubbo"

	"crypto/tls"
)

func plain(p *provider) lent.Target { return lent.Target{Address: p.address} }

// warm has the keeper hold connections to providers.
func warm(tb testing.TB, b *testbed, address string, providers ...*provider) {
	tb.Helper()
	before := b.Stats()
	first := borrow(tb, address)
	for _, p := range providers {
		if c := first.Conn(tb.Context(), plain(p)); c != nil {
			tb.Fatalf("a keeper that has just begun has a connection to %s", p.name)
		}
	}
	until(tb, "the keeper is connected", func() bool {
		s := b.Stats()
		return s.Idle+s.Lines == before.Idle+before.Lines+len(providers)
	})
	_ = first.Close()
}

func TestKeeperLendsAWholePoolAndConnectsAnew(t *testing.T) {
	t.Parallel()
	b := startKeeper(t, "", nil)
	var providers []*provider
	for i := range 32 {
		providers = append(providers, startProvider(t, fmt.Sprint("p", i), "", nil))
	}
	warm(t, b, b.unix, providers...)
	for range 3 {
		second := borrow(t, b.unix)
		for _, p := range providers {
			nc := second.Conn(t.Context(), plain(p))
			if nc == nil {
				t.Fatalf("no connection to %s", p.name)
			}
			c := wrap(t, nc)
			if got, err := echo(t, c, "hello"); err != nil || got != p.name+":hello" {
				t.Fatalf("%s says %q, %v", p.name, got, err)
			}
		}
		if s := second.Stats(); s.Lent != 32 || s.Missed != 0 || s.Relayed != 0 {
			t.Errorf("borrowed %+v", s)
		}
		until(t, "the keeper has all again", func() bool { return b.Stats().Idle == 32 })
	}
	if s := b.Stats(); s.Lent != 96 || s.Targets != 32 || s.Cut != 0 || s.Strangers != 0 {
		t.Errorf("kept %+v", s)
	}
}

// Two who ask at the same time never get the same connection.
func TestKeeperLendsEachConnectionOnce(t *testing.T) {
	t.Parallel()
	b := startKeeper(t, "", nil)
	var providers []*provider
	for i := range 8 {
		providers = append(providers, startProvider(t, fmt.Sprint("p", i), "", nil))
	}
	warm(t, b, b.unix, providers...)
	var wg sync.WaitGroup
	for n := range 16 {
		wg.Go(func() {
			mine := borrow(t, b.unix)
			for _, p := range providers {
				if nc := mine.Conn(t.Context(), plain(p)); nc != nil {
					c := dubbo.NewConn(nc, dubbo.ConnConfig{})
					for i := range 10 {
						text := fmt.Sprint(n, "-", i)
						if got, err := echo(t, c, text); err != nil || got != p.name+":"+text {
							t.Errorf("%s says %q, %v; want %q", p.name, got, err, text)
						}
					}
					_ = c.Close()
				}
			}
		})
	}
	wg.Wait()
}

// tlsOf makes what providers and the keeper speak TLS with.
func tlsOf(t *testing.T) (server *tls.Config, client func(string) (*tls.Config, error)) {
	t.Helper()
	dir := t.TempDir()
	ca, err := certtest.New(dir, "ca")
	if err != nil {
		t.Fatal(err)
	}
	cert, key, err := ca.Issue("provider", "127.0.0.1", 2, time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	s, err := auth.NewTLS(auth.TLSConfig{CertFile: cert, KeyFile: key})
	if err != nil {
		t.Fatal(err)
	}
	if server, err = s.Server(); err != nil {
		t.Fatal(err)
	}
	c, err := auth.NewTLS(auth.TLSConfig{CAFile: ca.File, ServerName: "*", ClientAuth: auth.ClientAuthNone})
	if err != nil {
		t.Fatal(err)
	}
	return server, func(string) (*tls.Config, error) { return c.Client(), nil }
}

// Borrowers whose requests have equal numbers share a connection; each gets its own answers and nobody else's.
func TestNoAnswerReachesAStranger(t *testing.T) {
	t.Parallel()
	server, client := tlsOf(t)
	b := startKeeper(t, "", func(c *keeper.Config) { c.TLS = client })
	plainly := startProvider(t, "plain", "", nil)
	secretly := startProvider(t, "tls", "", server)
	warm(t, b, b.tcp, plainly)
	first := borrow(t, b.unix)
	target := lent.Target{Address: secretly.address, TLS: true, Name: "127.0.0.1"}
	if first.Conn(t.Context(), target) != nil {
		t.Fatal("a TLS connection is there at once")
	}
	until(t, "the TLS connection is there", func() bool { return b.Stats().Lines == 2 })
	var wg sync.WaitGroup
	for n := range 6 {
		address, to, p := b.tcp, plain(plainly), plainly
		if n%2 == 1 {
			address, to, p = b.unix, target, secretly
		}
		mine := borrow(t, address)
		nc := mine.Conn(t.Context(), to)
		if nc == nil {
			t.Fatalf("borrower %d has no connection", n)
		}
		c := wrap(t, nc)
		for k := range 8 {
			wg.Go(func() {
				for i := range 100 {
					text := fmt.Sprint(n, "-", k, "-", i, strings.Repeat("x", i*i%5000))
					if got, err := echo(t, c, text); err != nil || got != p.name+":"+text {
						t.Errorf("borrower %d asked %.20q and got %.20q, %v", n, text, got, err)
						return
					}
				}
			})
		}
	}
	wg.Wait()
	if s := b.Stats(); s.Lines != 2 || s.Relayed < 4800 || s.Opened != 6 || s.Lent != 0 {
		t.Errorf("kept %+v", s)
	}
}

func TestRelayPassesOnLargeAndOneWayFramesAndHeartbeats(t *testing.T) {
	t.Parallel()
	b := startKeeper(t, "", nil)
	p := startProvider(t, "p", "", nil)
	warm(t, b, b.tcp, p)
	c := wrap(t, borrow(t, b.tcp).Conn(t.Context(), plain(p)))
	text := strings.Repeat("ab", 2<<20)
	for range 3 {
		if got, err := echo(t, c, text); err != nil || got != "p:"+text {
			t.Fatalf("%d bytes, %v", len(got), err)
		}
	}
	before := p.calls.Load()
	if _, err := c.Invoke(t.Context(), &invoker.Invocation{Service: invoker.ServiceKey{Interface: service}, Method: "echo", Args: []any{"x"}, OneWay: true}); err != nil {
		t.Fatal(err)
	}
	until(t, "the one-way call has run", func() bool { return p.calls.Load() == before+1 })
	if err := c.Ping(t.Context()); err != nil {
		t.Errorf("a heartbeat: %v", err)
	}
	if c.Remote() != p.address {
		t.Errorf("the connection leads to %s, want %s", c.Remote(), p.address)
	}
}

func TestKeeperDropsAnswersThatNobodyWaitsFor(t *testing.T) {
	t.Parallel()
	b := startKeeper(t, "", nil)
	p := startProvider(t, "p", "", nil)
	warm(t, b, b.tcp, p)
	for range 5 {
		hasty := borrow(t, b.tcp)
		c := wrap(t, hasty.Conn(t.Context(), plain(p)))
		go func() {
			_, _ = c.Invoke(t.Context(), &invoker.Invocation{Service: invoker.ServiceKey{Interface: service}, Method: "sleep", Args: []any{int64(30)}}) // it is cut off
		}()
		until(t, "the call is there", func() bool { return p.calls.Load() > 0 })
		p.calls.Store(0)
		_ = hasty.Close()
		next := wrap(t, borrow(t, b.tcp).Conn(t.Context(), plain(p)))
		for i := range 20 {
			if got, err := echo(t, next, fmt.Sprint(i)); err != nil || got != fmt.Sprint("p:", i) {
				t.Fatalf("got %q, %v", got, err)
			}
			time.Sleep(2 * time.Millisecond)
		}
		p.calls.Store(0)
	}
}

func TestKeeperRefusesStrangers(t *testing.T) {
	t.Parallel()
	b := startKeeper(t, "", nil)
	p := startProvider(t, "p", "", nil)
	warm(t, b, b.unix, p)
	for name, c := range map[string]lent.Config{
		"a wrong token":      {App: "shop", Token: "wrong"},
		"another's token":    {App: "other", Token: secret},
		"an app not known":   {App: "nobody", Token: secret},
		"a friend of others": {App: "other", Token: "the token of other"}, // it is let in, and has nothing of shop's
	} {
		for _, address := range []string{b.unix, b.tcp} {
			c.Address, c.Instance, c.Budget = address, name, 5*time.Second
			br, err := lent.Open(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			if nc := br.Conn(t.Context(), plain(p)); nc != nil {
				t.Errorf("%s: got a connection", name)
			}
			if got, want := br.Stats().Connected, name == "a friend of others"; got != want {
				t.Errorf("%s at %s: connected %v", name, address, got)
			}
			_ = br.Close()
		}
	}
	until(t, "all strangers are counted", func() bool { return b.Stats().Strangers == 6 })
}

func TestKeeperChecksTheUserOfAUnixSocket(t *testing.T) {
	t.Parallel()
	b := startKeeper(t, "", func(c *keeper.Config) { c.UIDs = []int{os.Getuid() + 1} })
	br := borrow(t, b.unix)
	if br.State(t.Context()); br.Stats().Connected {
		t.Error("another user is let in")
	}
	br = borrow(t, b.tcp)
	if br.State(t.Context()); !br.Stats().Connected {
		t.Error("TCP has no users, and is refused")
	}
}

func TestKeeperKeepsOnlyWhatAnApplicationMayHave(t *testing.T) {
	t.Parallel()
	b := startKeeper(t, "", nil)
	br := borrow(t, b.unix)
	for _, t2 := range []lent.Target{{Address: "192.0.2.1:20880"}, {Address: "example.org:20880"}, {Address: "127.0.0.1:1", TLS: true}} {
		if br.Conn(t.Context(), t2) != nil {
			t.Errorf("got a connection to %s", t2.Address)
		}
	}
	until(t, "all are refused", func() bool { return b.Stats().Forbidden >= 2 })
	if s := b.Stats(); s.Targets != 0 || s.Dials != 0 {
		t.Errorf("kept %+v", s)
	}
}

func TestKeeperDropsADeadProviderAndComesBack(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"descriptors", "relay"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			b := startKeeper(t, "", nil)
			address := b.unix
			if way == "relay" {
				address = b.tcp
			}
			p := startProvider(t, "p", "", nil)
			warm(t, b, address, p)
			user := borrow(t, address)
			nc := user.Conn(t.Context(), plain(p))
			if nc == nil {
				t.Fatal("no connection")
			}
			c := wrap(t, nc)
			p.stop()
			<-c.Done()
			until(t, "it is dropped", func() bool { s := b.Stats(); return s.Idle+s.Lines == 0 && s.Failures > 0 })
			if got := borrow(t, address).Conn(t.Context(), plain(p)); got != nil {
				t.Error("a connection to a dead provider is given out")
			}
			p = startProvider(t, "p", p.address, nil)
			until(t, "it is back", func() bool { s := b.Stats(); return s.Idle+s.Lines == 1 })
			if way == "descriptors" {
				user = borrow(t, address)
			}
			if got, err := echo(t, wrap(t, user.Conn(t.Context(), plain(p))), "again"); err != nil || got != "p:again" {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

// A provider that drains says READONLY: what is held of it is not given away.
func TestKeeperDropsWhatSaysReadonly(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"descriptors", "relay"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			b := startKeeper(t, "", nil)
			address := b.unix
			if way == "relay" {
				address = b.tcp
			}
			p := startProvider(t, "p", "", nil)
			warm(t, b, address, p)
			var c *dubbo.Conn
			if way == "relay" {
				c = wrap(t, borrow(t, address).Conn(t.Context(), plain(p)))
				if _, err := echo(t, c, "x"); err != nil {
					t.Fatal(err)
				}
			}
			drained := make(chan error, 1)
			go func() { drained <- p.server.Drain(t.Context()) }()
			until(t, "it is dropped", func() bool { return b.Stats().Lost >= 1 })
			if c != nil {
				<-c.Leaving()
			}
			if err := <-drained; err != nil {
				t.Error(err)
			}
			p.stop()
			until(t, "nothing is left", func() bool { s := b.Stats(); return s.Idle+s.Lines == 0 })
		})
	}
}

func TestBorrowerWaitsNoLongerThanItsBudget(t *testing.T) {
	t.Parallel()
	absent := "unix://" + t.TempDir() + "/none.sock"
	silent := silentListener(t)
	for name, address := range map[string]string{"absent": absent, "absent over TCP": "127.0.0.1:1", "silent": silent} {
		begin := time.Now()
		b, err := lent.Open(t.Context(), lent.Config{Address: address, App: "shop", Instance: "i", Token: secret, Budget: 20 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		if b.State(t.Context()) != nil || b.Conn(t.Context(), lent.Target{Address: "127.0.0.1:2"}) != nil {
			t.Errorf("%s: something was lent", name)
		}
		for range 100 {
			b.Conn(t.Context(), lent.Target{Address: "127.0.0.1:2"})
		}
		if took := time.Since(begin); took > 2*time.Second {
			t.Errorf("%s: it took %v", name, took)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := lent.Open(t.Context(), lent.Config{Address: "keeper.sock"}); err == nil {
		t.Error("a configuration without sense is taken")
	}
}

// A keeper that is killed costs its borrowers the relayed connections, and nothing else; the next one learns what is used from those who are still there.
func TestBorrowersOutliveTheirKeeper(t *testing.T) {
	t.Parallel()
	socket := t.TempDir() + "/keeper.sock"
	p, q := startProvider(t, "p", "", nil), startProvider(t, "q", "", nil)
	b := startKeeper(t, socket, nil)
	warm(t, b, b.unix, p)
	user := borrow(t, b.unix)
	c := wrap(t, user.Conn(t.Context(), plain(p)))
	b.stop()
	if got, err := echo(t, c, "still"); err != nil || got != "p:still" {
		t.Errorf("over what was lent: %q, %v", got, err)
	}
	if user.Conn(t.Context(), plain(q)) != nil {
		t.Error("a dead keeper gives a connection")
	}
	b = startKeeper(t, socket, nil)
	until(t, "the new keeper has learned of both", func() bool {
		if user.Conn(t.Context(), plain(q)) != nil {
			t.Fatal("a connection was relayed, which nobody asked for")
		}
		return b.Stats().Idle == 2
	})
	if got, err := echo(t, wrap(t, borrow(t, b.unix).Conn(t.Context(), plain(q))), "x"); err != nil || got != "q:x" {
		t.Errorf("%q, %v", got, err)
	}
}

func descriptors(tb testing.TB) int {
	tb.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		tb.Fatal(err)
	}
	return len(all)
}

// It runs alone: it counts what the whole process has open.
func TestAThousandLoansLeakNothing(t *testing.T) {
	cycles := 1000
	if testing.Short() {
		cycles = 100
	}
	for _, way := range []string{"descriptors", "relay"} {
		t.Run(way, func(t *testing.T) {
			b := startKeeper(t, "", nil)
			address := b.unix
			if way == "relay" {
				address = b.tcp
			}
			p, q := startProvider(t, "p", "", nil), startProvider(t, "q", "", nil)
			warm(t, b, address, p, q)
			settled := func() bool { s := b.Stats(); return s.Borrowers == 0 && s.Idle+s.Lines == 2 }
			cycle := func() {
				br, err := lent.Open(t.Context(), lent.Config{Address: address, App: "shop", Instance: "i", Token: secret, Budget: 5 * time.Second})
				if err != nil {
					t.Fatal(err)
				}
				nc := br.Conn(t.Context(), plain(p))
				if nc == nil {
					t.Fatal("no connection")
				}
				c := dubbo.NewConn(nc, dubbo.ConnConfig{})
				if got, err := echo(t, c, "x"); err != nil || got != "p:x" {
					t.Fatalf("%q, %v", got, err)
				}
				_ = c.Close()
				_ = br.Close() // with the connection to q, which was lent and not used
				until(t, "the keeper has both again", settled)
			}
			for range 10 {
				cycle()
			}
			until(t, "the providers have noticed", func() bool { return p.server.Stats().Conns <= 1 && q.server.Stats().Conns <= 1 })
			fds, goroutines := descriptors(t), runtime.NumGoroutine()
			for range cycles {
				cycle()
			}
			until(t, "no descriptor is left over", func() bool { return descriptors(t) <= fds })
			until(t, "no goroutine is left over", func() bool { return runtime.NumGoroutine() <= goroutines+2 })
		})
	}
}

func TestAppsAreRead(t *testing.T) {
	t.Parallel()
	apps, err := keeper.ParseApps("# app token targets\nshop s3cret 10.0.0.0/8:20880,*.example.org:*,[fd00::]/8:1,orders:20880\n\nquiet t0ken\nall t *:*\n")
	if err != nil || len(apps) != 3 || apps[0].Token != "s3cret" {
		t.Fatalf("%+v, %v", apps, err)
	}
	for address, want := range map[string]bool{
		"10.1.2.3:20880": true, "10.1.2.3:20881": false, "11.0.0.1:20880": false, "a.example.org:5": true, "example.org:5": false, "A.EXAMPLE.org:5": true, "[fd00::1]:1": true,
		"[::ffff:10.0.0.1]:20880": true, "orders:20880": true, "orders.:20880": false, "10.0.0.0/8:20880": false, "evil.org:20880": false, "nonsense": false,
	} {
		if got := apps[0].Allows(address); got != want {
			t.Errorf("%s: %v, want %v", address, got, want)
		}
	}
	if apps[1].Allows("10.0.0.1:20880") || !apps[2].Allows("anything:1") {
		t.Error("no targets mean none, * means all")
	}
	_, err = keeper.ParseApps("one\nshop hush a\nshop hush *:x\nx t h:1 more\nshop t a*b:1\nb t [::1:2\n")
	if err == nil || strings.Contains(err.Error(), "hush") {
		t.Errorf("got %v", err)
	}
	for _, want := range []string{"line 1", "line 2", "line 3", "twice", "line 4", "line 5"} {
		if err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
	path := t.TempDir() + "/apps"
	if err := os.WriteFile(path, []byte("shop s *:1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	get, err := keeper.ReadApps(path, nil)
	if err != nil || len(get()) != 1 {
		t.Errorf("read %v", err)
	}
	if _, err := keeper.ReadApps(path+"x", nil); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}
