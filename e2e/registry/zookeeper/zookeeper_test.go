// Package zookeeper_test runs the registries' suite against a real ZooKeeper server.
package zookeeper_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"
	"go.uber.org/goleak"

	"github.com/dubbofn/dubbofn/e2e/operator"
	"github.com/dubbofn/dubbofn/registry"
	"github.com/dubbofn/dubbofn/registry/registrytest"
	"github.com/dubbofn/dubbofn/registry/zookeeper"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// config gives the server's address from the environment; e2e/zookeeper.sh sets it.
func config(t *testing.T) registry.Config {
	t.Helper()
	a := os.Getenv("E2E_ZOOKEEPER")
	if _, _, err := net.SplitHostPort(a); err != nil {
		t.Fatalf("E2E_ZOOKEEPER is %q: want host:port of a running server (e2e/zookeeper.sh starts one)", a)
	}
	return registry.Config{Addresses: []string{a}, Params: map[string]string{}, Log: slog.New(slog.NewTextHandler(os.Stderr, nil))}
}

func open(t *testing.T, c registry.Config) registry.Registry {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	r, err := zookeeper.Registry.Open(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(r.Close(), r.Close()); err != nil {
			t.Error(err)
		}
	})
	return r
}

// raw is a connection of its own, as an operator has it.
func raw(t *testing.T) *zk.Conn {
	t.Helper()
	c, events, err := zk.Connect(config(t).Addresses, 10*time.Second, zk.WithLogInfo(false))
	if err != nil {
		t.Fatal(err)
	}
	for e := range events {
		if e.State == zk.StateHasSession {
			break
		}
	}
	t.Cleanup(func() {
		c.Close()
		for e := range events {
			_ = e
		}
	})
	return c
}

// put makes a node, and those above it.
func put(t *testing.T, c *zk.Conn, path, content string) {
	t.Helper()
	for i := 1; i < len(path); i++ {
		if path[i] == '/' {
			if _, err := c.Create(path[:i], nil, 0, zk.WorldACL(zk.PermAll)); err != nil && !errors.Is(err, zk.ErrNodeExists) {
				t.Fatal(err)
			}
		}
	}
	_, err := c.Create(path, []byte(content), 0, zk.WorldACL(zk.PermAll))
	if errors.Is(err, zk.ErrNodeExists) {
		_, err = c.Set(path, []byte(content), -1)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestZooKeeperPassesTheSuite(t *testing.T) {
	c := config(t)
	write, err := operator.Writer("zookeeper://" + c.Addresses[0])
	if err != nil {
		t.Fatal(err)
	}
	registrytest.Suite{
		Open:      func(ctx context.Context) (registry.Registry, error) { return zookeeper.Registry.Open(ctx, c) },
		Settle:    10 * time.Second,
		WriteRule: write,
	}.Run(t)
}

// TestALostSessionBringsEverythingBack: the server forgets the session, and with it the instance.
func TestALostSessionBringsEverythingBack(t *testing.T) {
	c := config(t)
	r := open(t, c)
	app := fmt.Sprintf("app-lost-%d", time.Now().UnixNano())
	reg := registry.Registration{
		Instance: registry.Instance{App: app, Host: "127.0.0.1", Port: 20880},
		Metadata: registry.Metadata{App: app, Services: []registry.Service{{Name: "org.example.Lost", Protocol: "dubbo"}}},
	}
	if _, err := r.Register(t.Context(), reg); err != nil {
		t.Fatal(err)
	}
	op := raw(t)
	path := "/services/" + app + "/127.0.0.1:20880"
	_, stat, err := op.Get(path)
	if err != nil {
		t.Fatal(err)
	}
	watched := make(chan int, 100)
	w, _ := open(t, c).(registry.Watcher)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- w.WatchInstances(ctx, registry.Name{App: app}, func(all []registry.Instance) { watched <- len(all) })
	}()
	if n := <-watched; n != 1 {
		t.Fatalf("%d instances, want 1", n)
	}
	if err := op.Delete(path, -1); err != nil { // as an expired session leaves it
		t.Fatal(err)
	}
	deadline := time.After(45 * time.Second)
	for back := false; !back; {
		select {
		case n := <-watched:
			back = n == 1
		case <-deadline:
			t.Fatal("not back")
		}
	}
	if _, again, err := op.Get(path); err != nil || again.EphemeralOwner != stat.EphemeralOwner {
		t.Errorf("owner %#x, want %#x: %v", again.EphemeralOwner, stat.EphemeralOwner, err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestNonsenseInTheRegistryLeavesTheRestAlone(t *testing.T) {
	var log bytes.Buffer
	c := config(t)
	c.Log = slog.New(slog.NewTextHandler(&log, nil))
	r, _ := open(t, c).(registry.Lookup)
	op := raw(t)
	app := fmt.Sprintf("app-nonsense-%d", time.Now().UnixNano())
	good := `{"name":"x","id":"i","address":"10.0.0.1","port":20880,"payload":{"@class":"x","metadata":{"dubbo.metadata.revision":"r"}}}`
	for name, content := range map[string]string{"good": good, "empty": "", "array": "[]", "port": `{"address":"a","port":99999}`, "address": `{"port":1}`, "big": `{"address":"` + strings.Repeat("x", 900_000)} {
		put(t, op, "/services/"+app+"/"+name, content)
	}
	all, err := r.Instances(t.Context(), registry.Name{App: app})
	if err != nil || len(all) != 1 || all[0].Address() != "10.0.0.1:20880" {
		t.Errorf("%v, %v", all, err)
	}
	if n := strings.Count(log.String(), "an instance is left out"); n != 5 {
		t.Errorf("%d lines about what was left out, want 5:\n%s", n, log.String())
	}
	iface := fmt.Sprintf("org.example.Nonsense%d", time.Now().UnixNano())
	for _, name := range []string{"nonsense", "%zz", "dubbo%3A%2F%2Fa", "dubbo%3A%2F%2F10.0.0.2%3A20880%2Fx%3Fversion%3D1%26a%3D"} {
		put(t, op, "/dubbo/"+iface+"/providers/"+name, "")
	}
	all, err = r.Instances(t.Context(), registry.Name{Interface: iface, Version: "1"})
	if err != nil || len(all) != 1 || all[0].Address() != "10.0.0.2:20880" {
		t.Errorf("%v, %v", all, err)
	}
	put(t, op, "/dubbo/metadata/"+app+"/lies", `{"app":"other","revision":"lies","services":{}}`)
	if _, err := r.Metadata(t.Context(), app, "lies"); err == nil || !strings.Contains(err.Error(), "other") {
		t.Errorf("metadata that lies: %v", err)
	}
	if _, err := r.Metadata(t.Context(), app, "none"); !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("metadata that is not there: %v", err)
	}
}

func TestOpenTellsWhyItCannot(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := zookeeper.Registry.Open(ctx, registry.Config{Addresses: []string{"127.0.0.1:1"}}); !errors.Is(err, registry.ErrUnreachable) {
		t.Errorf("nobody listens: %v", err)
	}
	_, err := zookeeper.Registry.Open(ctx, registry.Config{Scheme: "nacos", Params: map[string]string{"session": "1"}})
	for _, want := range []string{`scheme "nacos"`, "no address", `session "1"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v lacks %s", err, want)
		}
	}
}
