package client

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dubbofn/dubbofn/cold"
	"github.com/dubbofn/dubbofn/invoker/cluster"
	"github.com/dubbofn/dubbofn/registry/hint"
)

// The sections of a snapshot.
const (
	sectionRegistry = "registry" // what the registries said (package registry/hint)
	sectionTLS      = "tls"      // tickets of TLS sessions
)

// Name gives "client": with it, a client is a part of a function (serve.Outbound), and what it knows outlives the process.
func (c *Client) Name() string { return "client" }

// Restore takes over what an earlier process of the application left (serve.Outbound): what the registries said, until they answer themselves, and
// sessions of TLS. It waits for nothing.
func (c *Client) Restore(sections map[string][]byte, ledger *cold.Ledger) {
	c.kept.marks.tell(ledger)
	if b := sections[sectionRegistry]; len(b) > 0 {
		state, err := hint.Decode(b)
		if err != nil {
			c.log.Warn("client: what is remembered of the registries makes no sense", "error", err)
		} else {
			c.kept.hint.MergeOlder(state) // than what the keeper says
		}
	}
	if b := sections[sectionTLS]; len(b) > 0 {
		if err := c.kept.sessions.restore(b); err != nil {
			c.log.Warn("client: remembered TLS sessions make no sense", "error", err)
		}
	}
}

// Save gives what the next process should know (serve.Outbound).
func (c *Client) Save() (sections map[string][]byte, used []string) {
	c.kept.mu.Lock()
	defer c.kept.mu.Unlock()
	var known hint.State // what was only remembered is handed on, too, where the registry did not answer in this process's time
	known.Merge(&c.kept.hint)
	known.Merge(&c.kept.seen)
	sections = map[string][]byte{sectionRegistry: known.EncodeKeys(slices.Collect(maps.Keys(c.kept.watched)))}
	if b := c.kept.sessions.save(); b != nil {
		sections[sectionTLS] = b
	}
	return sections, slices.Sorted(maps.Keys(c.kept.used))
}

// Warm connects (serve.Outbound): to "host:port", with "tls+" before it over TLS, or to the providers of an interface or application that there is a
// reference for. It returns nil once one of them takes calls. What was connected stays until the client is closed.
func (c *Client) Warm(ctx context.Context, target string) error {
	if strings.Contains(target, ":") {
		t, err := c.hold(target)
		if err != nil {
			return fmt.Errorf("warm %s: %w", target, err)
		}
		_, err = t.Get(ctx)
		return err
	}
	var all []error
	for _, s := range c.referring() {
		if found, err := s.warm(ctx, target); err != nil {
			all = append(all, err)
		} else if found {
			return nil
		}
	}
	if len(all) == 0 {
		return fmt.Errorf("warm %s: there is no reference to such an interface, and none to one of such an application's", target)
	}
	return errors.Join(all...)
}

// hold keeps an address in the pool until the client is closed.
func (c *Client) hold(name string) (*cold.Target[cluster.Conn], error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.held[name]
	switch {
	case t != nil:
	case c.closed:
		return nil, errClosed
	case len(c.held) >= maxUsed:
		return nil, fmt.Errorf("%d addresses are kept warm (limit %d)", len(c.held), maxUsed)
	default:
		t = c.pool.Hold(name)
		c.held[name] = t
	}
	return t, nil
}

func (c *Client) referring() []*Service {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Collect(maps.Keys(c.references))
}

// warm waits until a provider takes calls, where the target is this reference's interface or an application that offers it.
func (s *Service) warm(ctx context.Context, target string) (found bool, err error) {
	if err := s.wait(ctx); err != nil {
		return false, err
	}
	mine := target == s.ref.key.Interface
	for _, d := range s.directories {
		if err := d.Ready(ctx); err != nil {
			return false, err
		}
		snap := d.Snapshot()
		if mine && len(snap.Providers) == 0 {
			err = errors.Join(err, snap.Err)
		}
		for _, p := range snap.Providers {
			if !mine && p.App != target {
				continue
			}
			_, why := p.Target.Get(ctx)
			if why == nil {
				return true, nil
			}
			err = errors.Join(err, why)
		}
	}
	return false, err
}

// marks is what took how long, for a ledger that may be known only later.
type marks struct {
	mu     sync.Mutex
	ledger *cold.Ledger
	early  []mark
}

type mark struct {
	phase      cold.Phase
	begin, end time.Time
}

// maxEarly bounds the marks that wait for a ledger, which many clients never have.
const maxEarly = 64

// add notes that a phase lasted from begin until now.
func (m *marks) add(p cold.Phase, begin time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	end := time.Now()
	if m.ledger != nil {
		m.ledger.Mark(p, begin, end)
	} else if len(m.early) < maxEarly {
		m.early = append(m.early, mark{p, begin, end})
	}
}

// tell hands the marks to a ledger, those to come as well.
func (m *marks) tell(l *cold.Ledger) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range m.early {
		l.Mark(e.phase, e.begin, e.end)
	}
	m.ledger, m.early = l, nil
}
