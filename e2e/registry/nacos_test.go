// Package registry_test runs the registries' suite against real servers.
package registry_test

import (
	"context"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/dubbofn/dubbofn/e2e/operator"
	"github.com/dubbofn/dubbofn/registry"
	"github.com/dubbofn/dubbofn/registry/nacos"
	"github.com/dubbofn/dubbofn/registry/registrytest"
)

// address gives the server's address from the environment; the scripts of this folder's parent set it.
func address(t *testing.T) string {
	t.Helper()
	a := strings.TrimPrefix(os.Getenv("E2E_NACOS"), "nacos://")
	if _, _, err := net.SplitHostPort(a); err != nil {
		t.Fatalf("E2E_NACOS is %q: want nacos://host:port of a running server (e2e/nacos.sh starts one)", a)
	}
	return a
}

func open(ctx context.Context, c registry.Config) (registry.Registry, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	return nacos.Registry.Open(ctx, c)
}

func TestNacosPassesTheSuite(t *testing.T) {
	c := config(t)
	write, err := operator.Writer("nacos://" + c.Addresses[0])
	if err != nil {
		t.Fatal(err)
	}
	registrytest.Suite{
		Open: func(ctx context.Context) (registry.Registry, error) {
			return open(ctx, c)
		},
		Settle:           20 * time.Second, // new services are looked for every 10 s
		MaxInstanceChars: 1024,
		WriteRule:        write,
	}.Run(t)
}
