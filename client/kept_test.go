package client_test

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dubbofn/dubbofn/auth"
	"github.com/dubbofn/dubbofn/client"
	"github.com/dubbofn/dubbofn/cold"
	"github.com/dubbofn/dubbofn/cold/keeper"
	"github.com/dubbofn/dubbofn/fn/serve"
	"github.com/dubbofn/dubbofn/internal/certtest"
	"github.com/dubbofn/dubbofn/registry"
	"github.com/dubbofn/dubbofn/registry/hint"
)

const keeperToken = "the token of shop"

var _ serve.Outbound = (*client.Client)(nil)

// startKeeper runs a keeper that follows the embedded registry under dir, which consumers know as away://dir. It gives its unix socket and its TCP address.
func startKeeper(t *testing.T, dir string, tlsOf func(string) (*tls.Config, error)) (k *keeper.Keeper, unix, tcp string) {
	t.Helper()
	r, err := registry.Embedded.Open(t.Context(), registry.Config{Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	shop, err := keeper.NewApp("shop", keeperToken, "*:*")
	if err != nil {
		t.Fatal(err)
	}
	k, err = keeper.New(t.Context(), keeper.Config{
		Apps: func() []keeper.App { return []keeper.App{shop} }, TLS: tlsOf, Registries: map[string]hint.Source{"away://" + dir: {Registry: r}}, BackoffMin: 5 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(t.TempDir(), "keeper.sock")
	u, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for _, l := range []net.Listener{u, l} {
		wg.Go(func() { _ = k.Serve(context.Background(), l) })
	}
	t.Cleanup(func() {
		if err := errors.Join(k.Close(), r.Close()); err != nil {
			t.Error(err)
		}
		wg.Wait()
	})
	return k, "unix://" + socket, l.Addr().String()
}

// mute is a registry that does not answer.
type mute struct{}

func (mute) Name() string { return "away" }

func (mute) Open(ctx context.Context, _ registry.Config) (registry.Registry, error) {
	<-ctx.Done()
	return nil, context.Cause(ctx)
}

func keptClient(t *testing.T, a registry.Adapter, dir string, change func(*client.Config)) *client.Client {
	t.Helper()
	cfg := client.Config{App: "shop", Registry: []string{"away://" + dir}, Timeout: 20 * time.Second, Token: keeperToken, KeeperWait: 5 * time.Second, Log: slog.New(slog.DiscardHandler)}
	change(&cfg)
	c, err := client.New(cfg, a)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func get(t *testing.T, s *client.Service) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var u User
	if err := s.Call(ctx, "getUser", &u, int64(42)); err != nil || u.Name != "Ada" {
		t.Fatalf("%+v, %v", u, err)
	}
}

// The first process of an application teaches the keeper; the next one calls while its registry is down, over a connection that it did not make.
func TestClientBeginsWithWhatTheKeeperHas(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"descriptors", "relay", "relay of TLS"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir() + "/registry"
			var server tlsFiles
			change := func(*serve.Config) {}
			var tlsOf func(string) (*tls.Config, error)
			if way == "relay of TLS" {
				server = newTLSFiles(t)
				change = func(c *serve.Config) { c.TLSCert, c.TLSKey = server.cert, server.key }
				own, err := auth.NewTLS(auth.TLSConfig{CAFile: server.ca, ClientAuth: auth.ClientAuthNone})
				if err != nil {
					t.Fatal(err)
				}
				tlsOf = func(string) (*tls.Config, error) { return own.Client(), nil }
			}
			startWith(t, dir, "users", change, service())
			k, unix, tcp := startKeeper(t, dir, tlsOf)
			settings := func(c *client.Config) {
				c.Keeper, c.TLSCA = unix, server.ca
				if way == "relay" {
					c.Keeper = tcp
				}
			}
			a := newAway()
			a.there.Store(true)
			first := keptClient(t, a, dir, settings)
			s, err := first.Reference(t.Context(), users)
			if err != nil {
				t.Fatal(err)
			}
			get(t, s)
			eventually(t, "the keeper has learned", func() bool { st := k.Stats(); return st.Idle+st.Lines == 1 && st.Watches >= 4 })
			if err := first.Close(); err != nil {
				t.Error(err)
			}
			down := newAway()
			var c *client.Client
			eventually(t, "the keeper knows the provider", func() bool {
				c = keptClient(t, down, dir, settings)
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
				defer cancel()
				s, err = c.Reference(ctx, users)
				return err == nil && len(s.Providers()) == 1
			})
			before := k.Stats()
			get(t, s)
			get(t, s)
			if after := k.Stats(); way != "descriptors" && after.Relayed < before.Relayed+2 || way == "descriptors" && after.Lent == 0 {
				t.Errorf("the calls did not go over what the keeper has: %+v", after)
			}
			// The registry comes back, and its word counts.
			down.there.Store(true)
			start(t, dir, "users", service())
			eventually(t, "both providers are known", func() bool { return len(s.Providers()) == 2 })
		})
	}
}

func TestClientDoesWithoutAKeeper(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() + "/registry"
	start(t, dir, "users", service())
	for name, change := range map[string]func(*client.Config){
		"absent":    func(c *client.Config) { c.Keeper = "unix:///nowhere/keeper.sock" },
		"no token":  func(c *client.Config) { c.Keeper, c.Token = "127.0.0.1:1", "" },
		"no keeper": func(*client.Config) {},
		"not in time": func(c *client.Config) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = l.Close() })
			c.Keeper, c.KeeperWait = l.Addr().String(), 5*time.Millisecond
		},
	} {
		a := newAway()
		a.there.Store(true)
		s, err := keptClient(t, a, dir, change).Reference(t.Context(), users)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		get(t, s)
	}
	if _, err := client.New(client.Config{Keeper: "keeper.sock"}); err == nil || !strings.Contains(err.Error(), "DUBBOFN_KEEPER") {
		t.Errorf("an address that is none: %v", err)
	}
}

// What one process knew is handed to the next as sections of a snapshot.
func TestClientGoesOnFromASnapshot(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() + "/registry"
	files := newTLSFiles(t)
	startWith(t, dir, "users", func(c *serve.Config) { c.TLSCert, c.TLSKey = files.cert, files.key }, service())
	a := newAway()
	a.there.Store(true)
	settings := func(c *client.Config) { c.TLSCA = files.ca }
	first := keptClient(t, a, dir, settings)
	s, err := first.Reference(t.Context(), users)
	if err != nil {
		t.Fatal(err)
	}
	get(t, s)
	sections, used := first.Save()
	if len(used) != 1 || !strings.HasPrefix(used[0], "tls+") || len(sections["registry"]) == 0 || len(sections["tls"]) == 0 {
		t.Fatalf("saved %d bytes of registry, %d of tls, used %q", len(sections["registry"]), len(sections["tls"]), used)
	}
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	next := keptClient(t, mute{}, dir, settings)
	s, err = next.Reference(t.Context(), users, client.Background())
	if err != nil {
		t.Fatal(err)
	}
	if s.Providers() != nil || s.Stats() != nil {
		t.Error("a reference that is not connected has providers")
	}
	brief, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := s.Call(brief, "nothing", nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a call before anything is known: %v", err)
	}
	ledger := cold.NewLedger("shop", "i")
	next.Restore(map[string][]byte{"registry": []byte("nonsense"), "tls": []byte("nonsense")}, ledger)
	next.Restore(sections, ledger)
	for _, target := range append(used, users, "users") {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		if err := next.Warm(ctx, target); err != nil {
			t.Errorf("warm %s: %v", target, err)
		}
		cancel()
	}
	get(t, s)
	if err := next.Warm(t.Context(), "org.example.Nobody"); err == nil || !strings.Contains(err.Error(), "no reference") {
		t.Errorf("warm what nobody refers to: %v", err)
	}
	if again, _ := next.Save(); string(again["registry"]) != string(sections["registry"]) {
		t.Errorf("what was remembered is not handed on while the registry is silent:\n%s\n%s", again["registry"], sections["registry"])
	}
}

func TestBackgroundReferencesEndWithTheirClient(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() + "/registry"
	c := keptClient(t, mute{}, dir, func(*client.Config) {})
	s, err := c.Reference(t.Context(), users, client.Background())
	if err != nil {
		t.Fatal(err)
	}
	other, err := c.Reference(t.Context(), users, client.Background())
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Close(); err != nil {
		t.Error(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if err := s.Call(t.Context(), "nothing", nil); err == nil {
		t.Error("a call of a closed client runs")
	}
}

type tlsFiles struct{ ca, cert, key string }

func newTLSFiles(t *testing.T) tlsFiles {
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
	return tlsFiles{ca.File, cert, key}
}
