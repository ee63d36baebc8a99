package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// The activator as package deploy's manifests have it.
const (
	activatorNamespace = "dubbofn"
	activatorName      = "dubbofn-activator"
	activatorPort      = "http-admin"
)

// seen is a function as the activator shows it (/api/functions).
type seen struct {
	App             string `json:"app"`
	Function        string `json:"function"` // "NAMESPACE/NAME"
	State           string `json:"state"`
	Fault           string `json:"fault"`
	Visible         bool   `json:"visible"`
	Revision        string `json:"revision"`
	KnativeRevision string `json:"knative_revision"`
}

var (
	errNoActivator   = errors.New("no activator is there")
	errActivatorDown = errors.New("the activator does not answer")
)

// ask gives what the activator knows, by its name for it. errNoActivator: there is none; errActivatorDown: no replica of it answers now.
func (c *Cluster) ask(ctx context.Context) (map[string]seen, error) {
	resp, err := c.admin(ctx, "api/functions")
	switch {
	case c.access.Admin != "" && err != nil:
		return nil, fmt.Errorf("%w at %s: %w", errActivatorDown, c.access.Admin, err)
	case apierrors.IsNotFound(err):
		return nil, fmt.Errorf("%w: namespace %s has no Service %s", errNoActivator, c.access.ActivatorNamespace, activatorName)
	case status(err) >= http.StatusInternalServerError:
		return nil, fmt.Errorf("%w: %w", errActivatorDown, err)
	case err != nil:
		return nil, c.explain("ask the activator", err)
	}
	defer func() { _ = resp.Body.Close() }() // it was read
	var all []seen
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(&all); err != nil {
		return nil, fmt.Errorf("ask the activator: it answers something else than /api/functions: %w", err)
	}
	by := make(map[string]seen, len(all))
	for _, s := range all {
		by[s.Function] = s
	}
	return by, nil
}

// admin asks the activator's port for operators: one of its replicas, where there are several.
func (c *Cluster) admin(ctx context.Context, path string) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	resp, err := c.adminGet(ctx, path)
	if err != nil {
		cancel()
		return nil, err
	}
	resp.Body = closing{resp.Body, cancel}
	return resp, nil
}

func (c *Cluster) adminGet(ctx context.Context, path string) (*http.Response, error) {
	if c.access.Admin == "" {
		return c.get(ctx, nil, "api/v1/namespaces", c.access.ActivatorNamespace, "services", activatorName+":"+activatorPort, "proxy", path)
	}
	at := c.access.Admin
	if !strings.Contains(at, "://") {
		at = "http://" + at
	}
	u, err := url.Parse(at)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.JoinPath(path).String(), http.NoBody)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req) // it is not the API server: it gets no credentials of it
	if err == nil && resp.StatusCode != http.StatusOK {
		defer func() { _ = resp.Body.Close() }() // it is not needed
		err = statusOf(resp, path)
	}
	return resp, err
}

// closing ends a request's context with its body.
type closing struct {
	io.ReadCloser
	cancel context.CancelFunc
}

// Close is [io.Closer]'s.
func (c closing) Close() error {
	defer c.cancel()
	return c.ReadCloser.Close()
}
