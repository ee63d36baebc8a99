// hold keeps a registration in a Nacos server that is killed and started again by someone else, and tells how long it took
// after each restart until everything was back: the instance, at both levels, the metadata and both mappings. What is there
// is asked over HTTP, not through the registry under test.
//
//	hold -nacos 127.0.0.1:8848 -restarts 5 -limit 30s
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dubbofn/dubbofn/registry"
	"github.com/dubbofn/dubbofn/registry/nacos"
)

func main() {
	address := flag.String("nacos", "127.0.0.1:8848", "host:port")
	restarts := flag.Int("restarts", 5, "how many to wait for")
	limit := flag.Duration("limit", 30*time.Second, "how long after a restart everything must be back")
	verbose := flag.Bool("v", false, "log what the registry says")
	flag.Parse()
	if err := run(context.Background(), *address, *restarts, *limit, *verbose); err != nil {
		fmt.Fprintln(os.Stderr, "hold:", err)
		os.Exit(1)
	}
}

const app, iface = "hold-app", "org.example.HoldService"

func run(ctx context.Context, address string, restarts int, limit time.Duration, verbose bool) error {
	level := slog.LevelError
	if verbose {
		level = slog.LevelInfo
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	r, err := nacos.Registry.Open(ctx, registry.Config{Addresses: []string{strings.TrimPrefix(address, "nacos://")}, Log: log})
	if err != nil {
		return err
	}
	err = hold(ctx, r, strings.TrimPrefix(address, "nacos://"), restarts, limit)
	return errors.Join(err, r.Close())
}

func hold(ctx context.Context, r registry.Registry, address string, restarts int, limit time.Duration) error {
	reg := registry.Registration{
		Instance: registry.Instance{App: app, Host: "127.0.0.1", Port: 20880},
		Metadata: registry.Metadata{App: app, Services: []registry.Service{{Name: iface, Protocol: "dubbo", Params: map[string]string{"timeout": "10000"}}}},
		Levels:   registry.AppLevel | registry.InterfaceLevel,
	}
	if _, err := r.Register(ctx, reg); err != nil {
		return err
	}
	s := server{address: address, revision: reg.Metadata.Revision()}
	fmt.Println("HOLDING", app, s.revision)
	var took []time.Duration
	for n := 1; n <= restarts; n++ {
		for s.usable() {
			time.Sleep(50 * time.Millisecond)
		}
		down := time.Now()
		for !s.usable() {
			time.Sleep(50 * time.Millisecond)
		}
		up := time.Now()
		for missing := s.missing(); missing != ""; missing = s.missing() {
			if time.Since(up) > limit {
				return fmt.Errorf("restart %d: %s is not back %s after the server was usable", n, missing, limit)
			}
			time.Sleep(20 * time.Millisecond)
		}
		took = append(took, time.Since(up))
		fmt.Printf("RESTART %d: down %.1f s, everything back %.2f s after the server was usable\n", n, up.Sub(down).Seconds(), took[n-1].Seconds())
	}
	slices.Sort(took)
	fmt.Printf("%d restarts: back after %.2f s (median), %.2f s (most)\n", restarts, took[len(took)/2].Seconds(), took[len(took)-1].Seconds())
	return nil
}

// server asks Nacos over HTTP.
type server struct{ address, revision string }

// usable tells whether HTTP and gRPC answer.
func (s server) usable() bool {
	if _, ok := s.get("/nacos/v1/console/health/readiness"); !ok {
		return false
	}
	host, port, err := net.SplitHostPort(s.address)
	if err != nil {
		return false
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		return false
	}
	c, err := net.DialTimeout("tcp", net.JoinHostPort(host, strconv.Itoa(n+1000)), time.Second)
	if err != nil {
		return false
	}
	return c.Close() == nil
}

// missing names the first thing that is not there.
func (s server) missing() string {
	for _, c := range []struct{ what, path, holds string }{
		{"the instance", "/nacos/v1/ns/instance/list?serviceName=" + app, s.revision},
		{"the interface-level instance", "/nacos/v1/ns/instance/list?serviceName=" + url.QueryEscape("providers:"+iface+"::"), `"port":20880`},
		{"the metadata", "/nacos/v1/cs/configs?dataId=" + app + "&group=" + s.revision, s.revision},
		{"the mapping", "/nacos/v1/cs/configs?dataId=" + iface + "&group=mapping", app},
		{"the mapping for 2.7", "/nacos/v1/cs/configs?dataId=" + app + "&group=mapping-" + iface, app},
	} {
		if body, ok := s.get(c.path); !ok || !strings.Contains(body, c.holds) {
			return c.what
		}
	}
	return ""
}

func (s server) get(path string) (string, bool) {
	client := http.Client{Timeout: 2 * time.Second}
	r, err := client.Get("http://" + s.address + path)
	if err != nil {
		return "", false
	}
	defer r.Body.Close()
	b, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	return string(b), err == nil && r.StatusCode == http.StatusOK
}
