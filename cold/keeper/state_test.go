package keeper_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dubbofn/dubbofn/cold/keeper"
	"github.com/dubbofn/dubbofn/cold/keeper/lent"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/registry"
	"github.com/dubbofn/dubbofn/registry/hint"
)

func embedded(tb testing.TB) registry.Registry {
	tb.Helper()
	r, err := registry.Embedded.Open(tb.Context(), registry.Config{Path: tb.TempDir() + "/registry"})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = r.Close() })
	return r
}

func registration(host string) registry.Registration {
	m := registry.Metadata{App: "orders", Services: []registry.Service{{Name: "org.example.Orders", Protocol: "dubbo"}}}
	return registry.Registration{Instance: registry.Instance{App: "orders", Host: host, Port: 20880}, Metadata: m}
}

// A process that starts knows the providers without a word from the registry, if one before it has asked for them; what it is told is current.
func TestKeeperHandsOutWhatTheRegistrySays(t *testing.T) {
	t.Parallel()
	r := embedded(t)
	if _, err := r.Register(t.Context(), registration("10.0.0.1")); err != nil {
		t.Fatal(err)
	}
	const source = "embedded://there"
	b := startKeeper(t, "", func(c *keeper.Config) { c.Registries = map[string]hint.Source{source: {Registry: r}} })
	first := borrow(t, b.unix)
	if len(first.State(t.Context())) != 0 {
		t.Error("a keeper that has just begun knows something")
	}
	first.Uses(
		lent.Watch{Source: source, Kind: string(hint.Apps), Name: "org.example.Orders"}, lent.Watch{Source: source, Kind: string(hint.Instances), Name: "orders"},
		lent.Watch{Source: source, Kind: string(hint.Rule), Name: "secret", Group: "dubbo"}, lent.Watch{Source: "elsewhere://", Kind: string(hint.Apps), Name: "x"},
	)
	until(t, "both are followed", func() bool { return b.Stats().Watches == 2 })
	if _, err := r.Register(t.Context(), registration("10.0.0.2")); err != nil {
		t.Fatal(err)
	}
	none := func(context.Context) (registry.Registry, error) { return nil, errors.New("the registry is down") }
	until(t, "a process that starts knows both instances", func() bool {
		state, err := hint.Decode(borrow(t, b.tcp).State(t.Context()))
		if err != nil {
			return false
		}
		var found []registry.Instance
		reg := hint.NewRegistry(source, hint.Memory{Hint: state}, none)
		_ = reg.WatchInstances(t.Context(), registry.Name{App: "orders"}, func(all []registry.Instance) { found = all })
		if len(found) != 2 || found[1].Host != "10.0.0.2" {
			return false
		}
		m, err := reg.Metadata(t.Context(), "orders", found[0].Revision())
		return err == nil && len(m.Services) == 1
	})
	stranger, err := lent.Open(t.Context(), lent.Config{Address: b.unix, App: "other", Instance: "i", Token: "the token of other", Budget: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stranger.Close() }()
	if len(stranger.State(t.Context())) != 0 {
		t.Error("another application is told of it")
	}
}

func TestKeeperForgetsWhatNobodyWants(t *testing.T) {
	t.Parallel()
	r := embedded(t)
	const source = "embedded://there"
	shop, err := keeper.NewApp("shop", secret, "127.0.0.1:*")
	if err != nil {
		t.Fatal(err)
	}
	b := startKeeper(t, "", func(c *keeper.Config) {
		c.Registries = map[string]hint.Source{source: {Registry: r}}
		c.Forget = time.Second
		c.Apps = func() []keeper.App { return []keeper.App{shop} }
	})
	p := startProvider(t, "p", "", nil)
	first := borrow(t, b.unix)
	first.Conn(t.Context(), plain(p))
	first.Uses(lent.Watch{Source: source, Kind: string(hint.Apps), Name: "org.example.Orders"})
	until(t, "it is kept", func() bool { s := b.Stats(); return s.Watches == 1 && s.Idle == 1 })
	until(t, "it is forgotten", func() bool {
		s := b.Stats()
		return s.Watches == 0 && s.Idle == 0 && s.Targets == 0 && p.server.Stats().Conns == 0
	})
	_ = first.Close()
	until(t, "the application is forgotten too", func() bool { return b.Stats().Apps == 0 })
}

func TestKeeperLetsGoOfAnApplicationThatIsTakenOut(t *testing.T) {
	t.Parallel()
	shop, err := keeper.NewApp("shop", secret, "127.0.0.1:*")
	if err != nil {
		t.Fatal(err)
	}
	out := make(chan struct{})
	b := startKeeper(t, "", func(c *keeper.Config) {
		c.Apps = func() []keeper.App {
			select {
			case <-out:
				return nil
			default:
				return []keeper.App{shop}
			}
		}
	})
	p := startProvider(t, "p", "", nil)
	warm(t, b, b.unix, p)
	user := borrow(t, b.tcp)
	user.State(t.Context())
	close(out)
	until(t, "all of it is gone", func() bool { s := b.Stats(); return s.Apps == 0 && s.Borrowers == 0 && p.server.Stats().Conns == 0 })
}

func TestUnusedLoansAreGivenUp(t *testing.T) {
	t.Parallel()
	b := startKeeper(t, "", nil)
	p := startProvider(t, "p", "", nil)
	warm(t, b, b.unix, p)
	br, err := lent.Open(t.Context(), lent.Config{Address: b.unix, App: "shop", Instance: "i", Token: secret, Budget: 5 * time.Second, Unused: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = br.Close() }()
	br.State(t.Context())
	until(t, "only the keeper's new one is left", func() bool { st := p.server.Stats(); return b.Stats().Idle == 1 && st.Accepted == 2 && st.Conns == 1 })
	if br.Conn(t.Context(), plain(p)) != nil {
		t.Error("one that was closed is given out")
	}
}

func TestKeeperForgetsNothingThatIsInUse(t *testing.T) {
	t.Parallel()
	b := startKeeper(t, "", func(c *keeper.Config) { c.Forget = time.Second })
	p := startProvider(t, "p", "", nil)
	warm(t, b, b.tcp, p)
	c := wrap(t, borrow(t, b.tcp).Conn(t.Context(), plain(p)))
	var got string
	_, err := c.Invoke(t.Context(), &invoker.Invocation{Service: invoker.ServiceKey{Interface: service}, Method: "sleep", Args: []any{int64(12000)}, Into: &got})
	if err != nil || got != "p:slept 12000" {
		t.Errorf("a call that takes longer than what nobody wants is kept: %q, %v", got, err)
	}
}

// heard tells that a log has said something.
type heard struct {
	what string
	once sync.Once
	said chan struct{}
}

func (h *heard) Write(b []byte) (int, error) {
	if strings.Contains(string(b), h.what) {
		h.once.Do(func() { close(h.said) })
	}
	return len(b), nil
}

func TestATargetThatWasGivenUpIsKeptAgainWhereItIsWanted(t *testing.T) {
	t.Parallel()
	givenUp := &heard{what: "is given up", said: make(chan struct{})}
	b := startKeeper(t, "", func(c *keeper.Config) {
		c.GiveUpAfter, c.Log = 20*time.Millisecond, slog.New(slog.NewTextHandler(givenUp, nil))
	})
	p := startProvider(t, "p", "", nil)
	p.stop()
	borrow(t, b.tcp).Conn(t.Context(), plain(p))
	<-givenUp.said
	q := startProvider(t, "q", p.address, nil)
	borrow(t, b.tcp).Conn(t.Context(), plain(q))
	until(t, "it is connected", func() bool { return b.Stats().Lines == 1 })
}
