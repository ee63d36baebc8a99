// Package registry_test runs the registries' suite against real servers.
package registry_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

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
	registrytest.Suite{
		Open: func(ctx context.Context) (registry.Registry, error) {
			return open(ctx, c)
		},
		Settle:           10 * time.Second,
		MaxInstanceChars: 1024,
		WriteRule: func(ctx context.Context, key, content string) error {
			return publish(ctx, c.Addresses[0], key, content)
		},
	}.Run(t)
}

// publish writes a config through Nacos's own HTTP API, as its console does; "" deletes it.
func publish(ctx context.Context, address, key, content string) error {
	form := url.Values{"dataId": {key}, "group": {"dubbo"}, "content": {content}}
	method, at := http.MethodPost, "http://"+address+"/nacos/v1/cs/configs"
	if content == "" {
		method, at, form = http.MethodDelete, at+"?"+form.Encode(), nil
	}
	req, err := http.NewRequestWithContext(ctx, method, at, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 1<<16))
	if err == nil && strings.TrimSpace(string(answer)) != "true" {
		err = fmt.Errorf("nacos answers %s %q to %s %s", res.Status, answer, method, key)
	}
	http.DefaultClient.CloseIdleConnections()
	return err
}
