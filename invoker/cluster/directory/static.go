package directory

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/invoker/cluster"
)

// defaultPort is Dubbo's.
const defaultPort = 20880

// Static is a [cluster.Directory] of given addresses. Safe for concurrent use.
type Static struct {
	mu     sync.Mutex
	list   []*cluster.Provider
	snap   *cluster.Snapshot
	closed bool
}

// NewStatic makes a Static of one or more dubbo:// URLs, each with one or more addresses. Their parameters are what the providers
// publish. Of c, Service, Pool, Connection, Lazy and Rules count.
func NewStatic(urls []invoker.URL, c Config) (*Static, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c = c.withDefaults()
	s := &Static{snap: &cluster.Snapshot{}}
	var faults []error
	var seen []string
	for _, u := range urls {
		if u.Protocol != "dubbo" || u.Host == "" {
			faults = append(faults, fmt.Errorf("%q: want dubbo://host[:20880][,host…][?key=value…]", u))
			continue
		}
		for _, a := range u.Addresses(defaultPort) {
			if slices.Contains(seen, a) {
				continue
			}
			seen = append(seen, a)
			p := cluster.Provider{Address: a, App: u.Params["application"], Path: pathOf(u.Path, c.Service.Interface), Service: u.Params}
			p.Target = c.Pool.Hold(c.Connection(&p))
			s.list = append(s.list, cluster.NewProvider(p))
		}
	}
	if len(seen) == 0 && len(faults) == 0 {
		faults = append(faults, errors.New("no address: want dubbo://host[:20880]"))
	}
	if len(faults) > 0 {
		_ = s.Close()
		return nil, errors.Join(faults...)
	}
	slices.SortFunc(s.list, func(a, b *cluster.Provider) int { return strings.Compare(a.Address, b.Address) })
	for _, p := range s.list {
		if !c.Lazy {
			p.Target.Warm()
		}
	}
	s.SetRules(c.Rules)
	return s, nil
}

// Snapshot implements [cluster.Directory].
func (s *Static) Snapshot() *cluster.Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.snap
}

// SetRules makes rules hold from now on.
func (s *Static) SetRules(r Rules) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := &cluster.Snapshot{Routers: r.Routers}
	for _, p := range s.list {
		w := *p
		w.Override = nil
		if r.Override != nil {
			w.Override = r.Override(&w)
		}
		if w.Param("disabled") != "true" && w.Param("enabled") != "false" {
			next.Providers = append(next.Providers, p.Next(w))
		}
	}
	if len(next.Providers) == 0 {
		next.Err = errors.New("configurators disable every address that was given")
	}
	s.snap = next
}

// Ready implements [cluster.Directory]: there is nothing to wait for.
func (s *Static) Ready(context.Context) error { return nil }

// Close implements [cluster.Directory].
func (s *Static) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.closed = true
		for _, p := range s.list {
			p.Target.Release()
		}
	}
	return nil
}
