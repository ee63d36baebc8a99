package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/dubbofn/dubbofn/invoker"
)

const maxAdminBytes = 8 << 20 // of an activator's answer

// askActivator asks an activator's port for operators ("host:port" or "http://host:port") for what is at a path, and reads its JSON.
func askActivator(ctx context.Context, admin, path string, into any) error {
	at := admin
	if !strings.Contains(at, "://") {
		at = "http://" + at
	}
	u, err := url.Parse(at)
	if err != nil || u.Host == "" {
		return usagef("--admin %q: want host:port or http://host:port", admin)
	}
	path, query, _ := strings.Cut(path, "?")
	u = u.JoinPath(path)
	u.RawQuery = query
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return usageError{err}
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return invoker.Errorf(invoker.CodeUnavailable, "GET "+path, "no activator answers at %s: %v; is one running ('dubbofn run'), or is it elsewhere (--admin)?", admin, err)
	}
	defer func() { _ = resp.Body.Close() }() // it was read
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAdminBytes))
	if err != nil {
		return fmt.Errorf("GET %s: %w", path, err)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s answered %s; is it an activator's port for operators?", path, admin, resp.Status)
	}
	if err := json.Unmarshal(b, into); err != nil {
		return fmt.Errorf("GET %s: %s answered something else: %w", path, admin, err)
	}
	return nil
}
