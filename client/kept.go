package client

import (
	"context"
	"crypto/tls"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/dubbofn/dubbofn/cold"
	"github.com/dubbofn/dubbofn/cold/keeper/lent"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/invoker/dubbo"
	"github.com/dubbofn/dubbofn/registry"
	"github.com/dubbofn/dubbofn/registry/hint"
)

// kept is what outlives the processes of an application: a keeper has it, or a snapshot.
type kept struct {
	borrower *lent.Borrower // nil without a keeper
	answered chan struct{}  // closed once the keeper has answered, or won't in time
	hint     hint.State     // what is remembered of the registries
	seen     hint.State     // what they say
	sessions sessions
	marks    marks

	mu      sync.Mutex
	used    map[string]bool   // the names of connections that were made
	watched map[hint.Key]bool // what was asked of the registries
}

// remember begins to ask the keeper, where there is one.
func (c *Client) remember() error {
	k := &c.kept
	k.answered, k.used, k.watched = make(chan struct{}), map[string]bool{}, map[hint.Key]bool{}
	if c.cfg.Keeper == "" || c.cfg.Token == "" {
		if c.cfg.Keeper != "" {
			c.log.Warn("client: DUBBOFN_KEEPER is set, and DUBBOFN_TOKEN is not: the keeper would not know who asks, and is left alone")
		}
		close(k.answered)
		return nil
	}
	var err error
	k.borrower, err = lent.Open(c.ctx, lent.Config{
		Address: c.cfg.Keeper, App: c.cfg.App, Instance: instance(), Token: c.cfg.Token, Budget: c.cfg.KeeperWait, Log: c.log,
	})
	if err != nil {
		return err
	}
	begun := time.Now()
	c.trying.Go(func() {
		defer close(k.answered)
		b := k.borrower.State(c.ctx)
		if k.borrower.Stats().Connected {
			k.marks.add(cold.PhaseKeeper, begun)
		}
		if len(b) == 0 {
			return
		}
		state, err := hint.Decode(b)
		if err != nil {
			c.log.Warn("client: what the keeper knows of the registries makes no sense", "error", err)
			return
		}
		k.hint.Merge(state)
	})
	return nil
}

// instance names this process in the keeper's log.
func instance() string {
	name, err := os.Hostname()
	if err != nil {
		name = "unknown"
	}
	return name + "-" + strconv.Itoa(os.Getpid())
}

// afterwards tells whether a registry is begun to be used before it is open: where nobody waits for it, and where something is remembered of it. It waits
// for the keeper, for some milliseconds.
func (c *Client) afterwards(ctx context.Context, u invoker.URL, background bool) bool {
	if background {
		return true
	}
	select {
	case <-c.kept.answered:
	case <-ctx.Done():
	}
	return c.kept.hint.Has(u.String())
}

// remembered gives a registry that begins with what is remembered of it. What a metadata or config centre says is remembered under the registry
// that it belongs to, as a keeper has it.
func (c *Client) remembered(of, u invoker.URL) registry.Registry {
	return hint.NewRegistry(of.String(), hint.Memory{Hint: &c.kept.hint, Seen: &c.kept.seen, Asked: c.asked}, func(ctx context.Context) (registry.Registry, error) {
		return c.open(ctx, u)
	})
}

// noted gives a registry that is open already, and notes what it says.
func (c *Client) noted(u invoker.URL, r registry.Registry) registry.Registry {
	if _, coming := r.(*late); coming || r == nil {
		return r
	}
	return c.remembered(u, u)
}

// asked notes what this process asks of the registries, and tells the keeper.
func (c *Client) asked(k hint.Key) {
	c.kept.mu.Lock()
	if len(c.kept.watched) < maxWatched {
		c.kept.watched[k] = true
	}
	c.kept.mu.Unlock()
	if c.kept.borrower != nil {
		c.kept.borrower.Uses(lent.Watch{Source: k.Source, Kind: string(k.Kind), Name: k.Name, Group: k.Group, Version: k.Version, Interface: k.Interface})
	}
}

// dial makes a connection by its name in the pool: one that the keeper has, else a new one.
func (c *Client) dial(ctx context.Context, name string) (*dubbo.Conn, error) {
	address, secret := c.trust.at(name)
	if nc := c.borrow(ctx, address, secret); nc != nil {
		c.kept.use(name)
		return dubbo.NewConn(nc, c.connConfig(nil)), nil
	}
	conn, err := dubbo.Dial(ctx, address, c.connConfig(c.trust.config(secret, c.kept.sessions.at(address))))
	if err == nil {
		c.kept.use(name)
	}
	return conn, err
}

func (c *Client) connConfig(t *tls.Config) dubbo.ConnConfig {
	return dubbo.ConnConfig{Types: c.types, Log: c.log, Budget: c.budget, TLS: t}
}

// borrow gives a connection that the keeper has, nil where it has none.
func (c *Client) borrow(ctx context.Context, address string, secret bool) net.Conn {
	if c.kept.borrower == nil {
		return nil
	}
	target := lent.Target{Address: address, TLS: secret}
	if secret && c.cfg.TLSServerName != "*" {
		if target.Name = c.cfg.TLSServerName; target.Name == "" {
			target.Name, _, _ = net.SplitHostPort(address)
		}
	}
	return c.kept.borrower.Conn(ctx, target)
}

const (
	maxUsed    = 256
	maxWatched = 1024
)

func (k *kept) use(name string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.used) < maxUsed {
		k.used[name] = true
	}
}
