// Package brokers_test runs events through real brokers, and asks real stores which were handled.
package brokers_test

import (
	"log/slog"
	"net"
	"os"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/goleak"

	"github.com/dubbofn/dubbofn/fn/cloudevent"
	"github.com/dubbofn/dubbofn/invoker"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// address gives a server's host:port from the environment, where e2e/brokers.sh puts it.
func address(t *testing.T, variable string) string {
	t.Helper()
	a := os.Getenv(variable)
	if _, _, err := net.SplitHostPort(a); err != nil {
		t.Fatalf("%s is %q: want host:port of a running server (e2e/brokers.sh starts one)", variable, a)
	}
	return a
}

// natsServer starts a NATS server with JetStream in this process. Given the same folder and port, it is the same server again.
func natsServer(t *testing.T, dir string, port int) *server.Server {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: port, JetStream: true, StoreDir: dir, NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the NATS server is not ready after 10 s")
	}
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	return s
}

func parse(t *testing.T, s string) invoker.URL {
	t.Helper()
	u, err := invoker.ParseURL(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func quiet() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
}

func source(t *testing.T, a cloudevent.SourceAdapter, url string, c cloudevent.SourceConfig) cloudevent.Source {
	t.Helper()
	c.App, c.Log = "brokers-test", quiet()
	s, err := a.OpenSource(t.Context(), parse(t, url), c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
