package nacos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_request"
	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_response"
	"github.com/nacos-group/nacos-sdk-go/v2/common/security"

	"github.com/dubbofn/dubbofn/registry"
)

const (
	maxListed   = 100_000 // names of services, asked for in one page as Java does: the server's order is not the same each time
	maxMatching = 1_000   // of them, that a pattern means
	listsACheck = 3       // Nacos 2 tells nobody of new names: how often they are looked for each time that all is looked after
)

// matching lists the names that a pattern means (Java: NacosRegistry.filterServiceNames, 3.3.6).
func (c *center) matching(ctx context.Context, n registry.Name) ([]registry.Name, error) {
	req := rpc_request.NewServiceListRequest(namingNamespace(c.s.namespace), "", c.s.group, 1, maxListed, "")
	r, err := c.naming.ask(ctx, req, security.BuildNamingResourceByRequest(req))
	if err != nil {
		return nil, fmt.Errorf("list services for %s: %w", n, err)
	}
	l, ok := r.(*rpc_response.ServiceListResponse)
	if !ok || !l.IsSuccess() {
		return nil, refusal("listing services for "+n.String(), r)
	}
	names := n.Among(l.ServiceNames)
	if len(l.ServiceNames) < l.Count || len(names) > maxMatching {
		return nil, fmt.Errorf("list services for %s: %d of %d services that the server told of %d (limits %d and %d): name the version and group", n, len(names), len(l.ServiceNames), l.Count, maxMatching, maxListed)
	}
	return names, nil
}

// instancesOf asks for the instances under every name that a pattern means.
func (c *center) instancesOf(ctx context.Context, n registry.Name) ([]registry.Instance, error) {
	names, err := c.matching(ctx, n)
	if err != nil {
		return nil, err
	}
	g := gathering{parts: map[registry.Name][]registry.Instance{}}
	err = atOnce(names, func(name registry.Name) error {
		all, err := c.Instances(ctx, name)
		g.mu.Lock()
		defer g.mu.Unlock()
		g.parts[name] = all
		return err
	})
	return g.all(), err
}

// gathering is a watch of a pattern: the watches of the names that it means.
type gathering struct {
	c     *center
	n     registry.Name
	wg    sync.WaitGroup
	state *state[registry.Instance]

	mu    sync.Mutex
	parts map[registry.Name][]registry.Instance
	whole bool // each name has told its first state
}

// watchPattern follows every name that a pattern means, new ones too.
func (c *center) watchPattern(ctx context.Context, n registry.Name, each func([]registry.Instance)) error {
	if !c.begin() {
		return registry.ErrClosed
	}
	defer c.wg.Done()
	over := ctx
	ctx, stop := context.WithCancel(ctx)
	g := &gathering{c: c, n: n, state: newState[registry.Instance](), parts: map[registry.Name][]registry.Instance{}}
	defer g.wg.Wait()
	defer stop()
	if err := g.look(ctx); err != nil {
		return err
	}
	g.mu.Lock()
	g.whole = true
	g.state.set(g.all())
	g.mu.Unlock()
	g.wg.Go(func() { g.keepLooking(ctx) })
	return g.state.follow(over, c.over, each)
}

// look begins to follow the names that are new, and waits for their first states.
func (g *gathering) look(ctx context.Context) error {
	names, err := g.c.matching(ctx, g.n)
	if err != nil {
		return err
	}
	var fresh []registry.Name
	g.mu.Lock()
	for _, name := range names {
		if _, ok := g.parts[name]; !ok {
			fresh = append(fresh, name)
		}
	}
	g.mu.Unlock()
	return atOnce(fresh, func(name registry.Name) error {
		first := make(chan error, 1)
		tell := sync.OnceFunc(func() { first <- nil })
		g.wg.Go(func() {
			err := g.c.WatchInstances(ctx, name, func(all []registry.Instance) {
				g.put(name, all)
				tell()
			})
			if err != nil { // before the first state, or the registry closes
				select {
				case first <- err:
				default:
				}
			}
			tell()
		})
		return <-first
	})
}

func (g *gathering) put(name registry.Name, all []registry.Instance) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.parts[name] = all
	if g.whole {
		g.state.set(g.all())
	}
}

// all is called with the lock held, or when nothing else has it.
func (g *gathering) all() []registry.Instance {
	var all []registry.Instance
	for _, some := range g.parts {
		all = append(all, some...)
	}
	registry.SortInstances(all)
	return all
}

// keepLooking looks for new names until ctx ends or the registry closes.
func (g *gathering) keepLooking(ctx context.Context) {
	every := g.c.s.check / listsACheck
	var fault string // that was told, while it stays
	for {
		t := time.NewTimer(every*4/5 + rand.N(every*2/5))
		select {
		case <-ctx.Done():
		case <-g.c.over:
		case <-t.C:
		}
		t.Stop()
		if g.c.isClosing() || ctx.Err() != nil {
			return
		}
		err := g.look(ctx)
		switch {
		case err == nil || ctx.Err() != nil || errors.Is(err, registry.ErrClosed):
			fault = ""
		case err.Error() != fault:
			fault = err.Error()
			g.c.log.Warn("nacos: new services could not be looked for, the last state stands", "error", err)
		}
	}
}
