package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/dubbofn/dubbofn/cold"
	"github.com/dubbofn/dubbofn/internal/hessian"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/invoker/cluster"
	"github.com/dubbofn/dubbofn/invoker/cluster/directory"
	"github.com/dubbofn/dubbofn/invoker/dubbo"
	"github.com/dubbofn/dubbofn/registry"
	"github.com/dubbofn/dubbofn/tracing"
)

// Client is what references share: registries, connections, metadata and Java types. Safe for concurrent use.
type Client struct {
	cfg      Config
	log      *slog.Logger
	types    *hessian.Types
	pool     *cold.Pool[cluster.Conn]
	budget   *dubbo.Budget
	cache    directory.MetadataCache
	passOn   map[string]bool // in lower case
	adapters map[string]registry.Adapter
	trust    trust

	tracer atomic.Pointer[tracing.Tracer] // nil: nothing is traced

	kept kept
	ctx  context.Context // ends with Close
	stop context.CancelFunc

	trying sync.WaitGroup // of late registries, references in the background, the keeper
	asking sync.Mutex     // of Invoker: one reference is made for all who ask at once

	mu         sync.Mutex
	opened     map[string]registry.Registry // by URL
	opening    map[string]chan struct{}     // by URL; closed when that is over
	late       map[string]*late             // by URL
	references map[*Service]struct{}
	held       map[string]*cold.Target[cluster.Conn] // what Warm keeps in the pool
	closed     bool
}

// New makes a client. It uses the registries of c that adapters can open, and the embedded one; they are opened by the first
// reference that needs them. The error joins every fault of c.
func New(c Config, adapters ...registry.Adapter) (*Client, error) {
	if err := c.resolve(); err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	cl := &Client{
		cfg: c, log: c.Log, types: hessian.NewTypes(), budget: dubbo.NewBudget(0),
		adapters: map[string]registry.Adapter{registry.Embedded.Name(): registry.Embedded},
		opened:   map[string]registry.Registry{}, opening: map[string]chan struct{}{}, late: map[string]*late{},
		references: map[*Service]struct{}{}, held: map[string]*cold.Target[cluster.Conn]{}, passOn: map[string]bool{},
	}
	cl.ctx, cl.stop = context.WithCancel(context.Background())
	for _, key := range c.PassOn {
		cl.passOn[strings.ToLower(strings.TrimSpace(key))] = true
	}
	if c.Tracer != nil {
		cl.tracer.Store(&c.Tracer)
	}
	if cl.log == nil {
		cl.log = slog.Default()
	}
	for _, a := range adapters {
		cl.adapters[a.Name()] = a
	}
	if err := cl.checkURLs(); err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	var err error
	if cl.trust, err = cl.newTrust(); err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	if err := cl.remember(); err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	pooled := c.pool()
	pooled.Log = cl.log
	cl.pool = cold.NewPool(func(ctx context.Context, name string) (cluster.Conn, error) { return cl.dial(ctx, name) }, pooled)
	return cl, nil
}

// checkURLs reports every URL whose scheme has no adapter.
func (c *Client) checkURLs() error {
	var faults []error
	check := func(variable string, u invoker.URL) {
		if c.adapters[u.Protocol] == nil {
			faults = append(faults, fmt.Errorf("%s=%q: this program has no registry adapter %q, only %s; hand it over, as nacos.Registry of github.com/dubbofn/dubbofn/registry/nacos is",
				variable, u, u.Protocol, strings.Join(slices.Sorted(maps.Keys(c.adapters)), ", ")))
		}
	}
	for _, u := range c.cfg.registries {
		check("DUBBOFN_REGISTRY", u)
	}
	if c.cfg.metadata != nil {
		check("DUBBOFN_METADATA_CENTER", *c.cfg.metadata)
	}
	if c.cfg.config != nil {
		check("DUBBOFN_CONFIG_CENTER", *c.cfg.config)
	}
	return errors.Join(faults...)
}

// open gives a registry, connected once. Nobody waits for one that is being opened but those who want it.
func (c *Client) open(ctx context.Context, u invoker.URL) (registry.Registry, error) {
	key := keyOf(u)
	c.mu.Lock()
	for c.opening[key] != nil {
		over := c.opening[key]
		c.mu.Unlock()
		select {
		case <-over: // where it failed, this one tries: the other may have had less time
		case <-ctx.Done():
			return nil, fmt.Errorf("open registry %s: %w", u, context.Cause(ctx))
		}
		c.mu.Lock()
	}
	if r := c.opened[key]; r != nil || c.closed {
		c.mu.Unlock()
		if r == nil {
			return nil, errClosed
		}
		return r, nil
	}
	over := make(chan struct{})
	c.opening[key] = over
	c.mu.Unlock()

	r, err := c.connect(ctx, u)

	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.opening, key)
	close(over)
	if err != nil {
		return nil, fmt.Errorf("open registry %s: %w", u, err)
	}
	if c.closed {
		return nil, errors.Join(errClosed, r.Close())
	}
	c.opened[key] = r
	return r, nil
}

// keyOf tells URLs apart, by their secrets too, which [invoker.URL.String] hides. It is never shown.
func keyOf(u invoker.URL) string { return fmt.Sprintf("%#v", u) }

func (c *Client) connect(ctx context.Context, u invoker.URL) (registry.Registry, error) {
	cfg := registry.Config{Scheme: u.Protocol, Path: u.Path, User: u.User, Password: u.Password, Params: u.Params, Log: c.log}
	if u.Host != "" {
		cfg.Addresses = u.Addresses(0)
	}
	return c.adapters[u.Protocol].Open(ctx, cfg)
}

var errClosed = errors.New("the client was closed")

// sources opens the registries, or has them opened by the first who needs them.
func (c *Client) sources(ctx context.Context, background bool) ([]directory.Source, error) {
	if u := c.cfg.metadata; u != nil && !c.afterwards(ctx, c.cfg.registries[0], background) {
		if _, err := c.open(ctx, *u); err != nil {
			return nil, err
		}
	}
	registries, err := c.registries(ctx, background)
	if err != nil {
		return nil, err
	}
	var all []directory.Source
	for i, u := range c.cfg.registries {
		src := directory.Source{Name: u.String(), Registry: c.noted(u, registries[i])}
		if c.cfg.metadata != nil {
			src.Metadata = c.remembered(u, *c.cfg.metadata)
		}
		all = append(all, src)
	}
	return all, nil
}

// zone gives what a registry's URL says of the choice among several.
func zone(u invoker.URL, c *cluster.Cluster) (cluster.Zone, error) {
	z := cluster.Zone{Name: u.String(), Cluster: c, Preferred: u.Param("preferred") == "true", Zone: u.Param("zone")}
	if w := u.Param("weight"); w != "" {
		n, err := strconv.Atoi(w)
		if err != nil || n < 1 {
			return z, fmt.Errorf("registry %s: weight %q: want a whole number, 1 or more", u, w)
		}
		z.Weight = n
	}
	return z, nil
}

// Close ends every reference, connection and registry, and waits for them: calls in flight have some seconds. Calling it again does
// nothing.
func (c *Client) Close() error {
	c.mu.Lock()
	c.closed = true
	references, opened, pending := c.references, c.opened, c.late
	c.references, c.opened, c.late = map[*Service]struct{}{}, map[string]registry.Registry{}, map[string]*late{}
	c.mu.Unlock()
	for _, l := range pending {
		l.stop()
	}
	c.stop()
	c.trying.Wait()
	var errs []error
	for s := range references {
		errs = append(errs, s.end())
	}
	errs = append(errs, c.pool.Close())
	if c.kept.borrower != nil { // after the calls that are relayed
		errs = append(errs, c.kept.borrower.Close())
	}
	for _, r := range opened {
		errs = append(errs, r.Close())
	}
	return errors.Join(errs...)
}

// Stat gives the connections' counters.
func (c *Client) Stat() cold.Stat { return c.pool.Stat() }

type contextKey struct{}

// NewContext returns a context that carries a client to [Reference].
func NewContext(ctx context.Context, c *Client) context.Context {
	return context.WithValue(ctx, contextKey{}, c)
}
