package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dubbofn/dubbofn/cold/keeper/lent"
)

// short is a folder for a socket, whose path has to be short.
func short(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "k") //nolint:usetesting // t.TempDir's are as long as the test's name
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// store runs a keeper with a socket and a port until the test ends.
func store(t *testing.T, env map[string]string) (*Store, string) {
	t.Helper()
	dir := short(t)
	all := map[string]string{
		"DUBBOFN_KEEPER_SOCKET": filepath.Join(dir, "s"), "DUBBOFN_KEEPER_PORT": "0", "DUBBOFN_ADMIN_PORT": "0", "DUBBOFN_BIND": "127.0.0.1",
		"DUBBOFN_TOKEN": "t", "DUBBOFN_KEEPER_TARGETS": "127.0.0.0/8:*", "DUBBOFN_REGISTRY": "embedded://" + filepath.Join(dir, "registry"),
	}
	maps.Copy(all, env)
	for name, value := range all {
		t.Setenv(name, value)
	}
	c, err := KeeperFromEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.Listen(t.Context(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		http.DefaultClient.CloseIdleConnections()
	})
	return s, all["DUBBOFN_KEEPER_SOCKET"]
}

func connected(t *testing.T, address, app, token string) bool {
	t.Helper()
	b, err := lent.Open(t.Context(), lent.Config{Address: address, App: app, Instance: "i", Token: token, Budget: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.Close() }()
	b.State(t.Context())
	return b.Stats().Connected
}

func TestAKeeperServesSocketPortAndOperators(t *testing.T) {
	s, socket := store(t, nil)
	for _, at := range []string{"unix://" + socket, s.Relay.String()} {
		if !connected(t, at, "greet", "t") || connected(t, at, "greet", "another") {
			t.Errorf("%s: who has the token is let in, and nobody else", at)
		}
	}
	for path, want := range map[string]string{"/health/ready": "ok", "/metrics": "dubbofn_keeper_strangers_total 2\n"} {
		resp, err := http.Get("http://" + s.Admin.String() + path)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK || !strings.Contains(string(b), want) {
			t.Errorf("%s: %s %s", path, resp.Status, b)
		}
	}
}

func TestAKeeperKnowsTheApplicationsOfAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "apps")
	if err := os.WriteFile(file, []byte("board secret 10.0.0.0/8:20880\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, _ := store(t, map[string]string{"DUBBOFN_KEEPER_APPS": file})
	for app, c := range map[string]struct {
		token string
		want  bool
	}{"board": {"secret", true}, "greet": {"t", true}} {
		if got := connected(t, s.Relay.String(), app, c.token); got != c.want {
			t.Errorf("%s with %s: %t", app, c.token, got)
		}
	}
	if connected(t, s.Relay.String(), "board", "t") {
		t.Error("an application with a token of its own was let in with the common one")
	}
}

func TestAKeeperTakesThePlaceOfOneThatWasKilled(t *testing.T) {
	path := filepath.Join(short(t), "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	if err := removeSocket(t.Context(), path); err == nil || !strings.Contains(err.Error(), "another keeper is there") {
		t.Error(err)
	}
	l.SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := removeSocket(t.Context(), path); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Error("the socket is still there")
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := removeSocket(t.Context(), path); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path); err != nil {
		t.Error("what is no socket was removed")
	}
}

func TestEveryFaultOfAKeeperIsReported(t *testing.T) {
	for name, value := range map[string]string{
		"DUBBOFN_KEEPER_SOCKET": "relative", "DUBBOFN_KEEPER_PORT": "70000", "DUBBOFN_BIND": "x", "DUBBOFN_HEARTBEAT": "1ms", "DUBBOFN_KEEPER_FORGET": "0s",
		"DUBBOFN_TLS_KEY": "k", "DUBBOFN_LOG_FORMAT": "xml", "DUBBOFN_CONFIG_CENTER": "nowhere", "DUBBOFN_TOKEN": "", "DUBBOFN_KEEPER_APPS": "",
	} {
		t.Setenv(name, value)
	}
	_, err := KeeperFromEnvironment()
	for _, want := range []string{
		"DUBBOFN_KEEPER_SOCKET", "DUBBOFN_KEEPER_PORT", "DUBBOFN_BIND", "DUBBOFN_HEARTBEAT", "DUBBOFN_KEEPER_FORGET", "DUBBOFN_TLS_KEY", "DUBBOFN_LOG_FORMAT",
		"DUBBOFN_CONFIG_CENTER", "nobody could use the keeper",
	} {
		if !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%q is not in\n%v", want, err)
		}
	}
}
