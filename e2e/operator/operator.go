// Package operator writes governance rules into real registries as their operators do: through the registry's own API.
package operator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-zookeeper/zk"
)

// Writer gives what writes a rule into a registry (nacos://host:port, zookeeper://host:port); a document "" takes the rule away.
func Writer(registry string) (func(ctx context.Context, group, key, doc string) error, error) {
	u, err := url.Parse(registry)
	if err != nil {
		return nil, err
	}
	switch u.Scheme {
	case "nacos":
		return func(ctx context.Context, group, key, doc string) error { return toNacos(ctx, u.Host, group, key, doc) }, nil
	case "zookeeper":
		return func(_ context.Context, group, key, doc string) error { return toZooKeeper(u.Host, group, key, doc) }, nil
	}
	return nil, fmt.Errorf("registry %q: want nacos://… or zookeeper://…", registry)
}

// toNacos uses Nacos's HTTP API, as its console does.
func toNacos(ctx context.Context, address, group, key, doc string) error {
	form := url.Values{"dataId": {key}, "group": {group}, "content": {doc}}
	method, at := http.MethodPost, "http://"+address+"/nacos/v1/cs/configs"
	if doc == "" {
		method, at, form = http.MethodDelete, at+"?"+form.Encode(), nil
	}
	req, err := http.NewRequestWithContext(ctx, method, at, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Close = true // nothing is left behind
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 1<<16))
	if err == nil && strings.TrimSpace(string(answer)) != "true" {
		err = fmt.Errorf("nacos answers %s %q to %s %s", res.Status, answer, method, key)
	}
	return err
}

// toZooKeeper writes the node that Dubbo's config centre has for a rule.
func toZooKeeper(address, group, key, doc string) error {
	c, events, err := zk.Connect([]string{address}, 10*time.Second, zk.WithLogInfo(false))
	if err != nil {
		return err
	}
	defer c.Close()
	for e := range events {
		if e.State == zk.StateHasSession {
			break
		}
	}
	path := "/dubbo/config/" + group + "/" + key
	if doc == "" {
		return c.Delete(path, -1)
	}
	for i := 1; i < len(path); i++ {
		if path[i] == '/' {
			if _, err := c.Create(path[:i], nil, 0, zk.WorldACL(zk.PermAll)); err != nil && !errors.Is(err, zk.ErrNodeExists) {
				return err
			}
		}
	}
	if _, err = c.Set(path, []byte(doc), -1); errors.Is(err, zk.ErrNoNode) {
		_, err = c.Create(path, []byte(doc), 0, zk.WorldACL(zk.PermAll))
	}
	return err
}
