package cluster

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// Access says which cluster, and as whom. Its zero value is what kubectl would take: $KUBECONFIG, else ~/.kube/config, else the pod's own
// service account.
type Access struct {
	Kubeconfig string // a file instead of those
	Context    string // of the kubeconfig; default: its current one
	Namespace  string // default: that of the context, else "default"
	// ActivatorNamespace is where the activator runs. Default: "dubbofn".
	ActivatorNamespace string
	// Admin is the activator's port for operators, "host:port" or a URL. Default: it is asked through the API server, which needs the right
	// to get services/proxy there.
	Admin string
	// Log is told what the API server warns of. Default: nothing is logged.
	Log *slog.Logger
}

// Cluster is a connection to a cluster's API server. It is safe for concurrent use.
type Cluster struct {
	access  Access
	objects dynamic.Interface
	http    *http.Client // for what is no object: logs, the activator
	base    *url.URL
	waits
}

// waits are how long is waited for what.
type waits struct {
	pace                time.Duration // between two looks
	settle, settleAgain time.Duration // until a fault is believed
	activator           time.Duration // while it does not answer
}

const (
	requestTimeout = 30 * time.Second
	maxAnswer      = 64 << 20 // bytes of the API server's
	pace           = 500 * time.Millisecond
)

func (a Access) loading() clientcmd.ClientConfig {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = a.Kubeconfig
	return clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{CurrentContext: a.Context})
}

// InNamespace tells which namespace functions go to. No cluster is asked.
func (a Access) InNamespace() (string, error) {
	if a.Namespace != "" {
		return a.Namespace, nil
	}
	n, _, err := a.loading().Namespace()
	if clientcmd.IsEmptyConfig(err) {
		return "default", nil
	}
	if err != nil {
		return "", fmt.Errorf("read the kubeconfig: %w", err)
	}
	return n, nil
}

// Connect reads the settings; nobody is asked yet.
func Connect(a Access) (*Cluster, error) {
	config, err := a.loading().ClientConfig()
	switch {
	case clientcmd.IsEmptyConfig(err):
		return nil, refuse(ErrUnreachable, "no cluster is named: neither $KUBECONFIG nor ~/.kube/config says one, and this is no pod; give --kubeconfig FILE")
	case err != nil:
		return nil, refuse(ErrUnreachable, "read the kubeconfig: %v; 'kubectl config get-contexts' lists what --context may be", err)
	}
	if a.Namespace, err = a.InNamespace(); err != nil {
		return nil, err
	}
	return connect(config, a)
}

func connect(config *rest.Config, a Access) (*Cluster, error) {
	if a.Log == nil {
		a.Log = slog.New(slog.DiscardHandler)
	}
	if a.ActivatorNamespace == "" {
		a.ActivatorNamespace = activatorNamespace
	}
	config = rest.CopyConfig(config)
	config.UserAgent, config.WarningHandler = "dubbofn", warnings{a.Log}
	config.QPS = -1 // a limit of the client's own is for controllers
	config.GroupVersion = nil
	base, _, err := rest.DefaultServerUrlFor(config)
	if err != nil {
		return nil, refuse(ErrUnreachable, "the API server's address %q: %v", config.Host, err)
	}
	streams, err := rest.HTTPClientFor(config) // a log that is followed may take days
	if err != nil {
		return nil, fmt.Errorf("read the kubeconfig: %w", err)
	}
	config.Timeout = requestTimeout
	config.Wrap(func(t http.RoundTripper) http.RoundTripper { return bounded{t} })
	objects, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("read the kubeconfig: %w", err)
	}
	return &Cluster{access: a, objects: objects, http: streams, base: base, waits: waits{pace, settle, settleAgain, activatorPatience}}, nil
}

// Namespace tells where functions go.
func (c *Cluster) Namespace() string { return c.access.Namespace }

// warnings are what the API server says beside its answers.
type warnings struct{ log *slog.Logger }

// HandleWarningHeader is [rest.WarningHandler]'s.
func (w warnings) HandleWarningHeader(_ int, _, text string) {
	w.log.Warn("the API server warns", "text", text)
}

// bounded cuts answers off that are longer than any should be.
type bounded struct{ next http.RoundTripper }

// RoundTrip is [http.RoundTripper]'s.
func (b bounded) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := b.next.RoundTrip(req)
	if err == nil {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(resp.Body, maxAnswer), resp.Body}
	}
	return resp, err
}

// get asks the API server for what is no object of its own. The caller closes the body.
func (c *Cluster) get(ctx context.Context, query url.Values, path ...string) (*http.Response, error) {
	u := c.base.JoinPath(path...)
	u.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		defer func() { _ = resp.Body.Close() }() // it is not needed
		return nil, statusOf(resp, strings.Join(path, "/"))
	}
	return resp, nil
}
