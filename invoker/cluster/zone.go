package cluster

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/dubbofn/dubbofn/invoker"
)

// Zone is the providers that one registry knows.
type Zone struct {
	Name      string // the registry's, for errors
	Cluster   *Cluster
	Preferred bool   // goes before all others while it has a provider that takes calls
	Zone      string // what a call's attachment registry_zone is compared with
	Weight    int    // its share of the calls that nothing else decides. Default: 100
}

// ZoneAware chooses among several registries (Java: ZoneAwareClusterInvoker, 3.3.6): one that is preferred; else one of the
// zone that the call names in the attachment registry_zone, which registry_zone_force makes a must; else one by weight. A
// registry without a provider that takes calls is passed over while another has one. Sticky calls stay with the registry that
// was chosen by weight. Safe for concurrent use.
type ZoneAware struct {
	zones []Zone
	total int64
	rand  random
	last  atomic.Pointer[Cluster] // where sticky calls went
}

// NewZoneAware makes a ZoneAware of one or more zones.
func NewZoneAware(zones ...Zone) (*ZoneAware, error) {
	z := &ZoneAware{zones: zones, rand: draw}
	if len(zones) == 0 {
		return nil, errors.New("no zone: want at least one registry")
	}
	for i := range zones {
		switch w := zones[i].Weight; {
		case w < 0:
			return nil, fmt.Errorf("registry %s: weight %d: want 0 or more", zones[i].Name, w)
		case w == 0:
			zones[i].Weight = defaultWeight
		}
		z.total += int64(zones[i].Weight)
	}
	return z, nil
}

// Invoke implements [invoker.Invoker].
func (z *ZoneAware) Invoke(ctx context.Context, inv *invoker.Invocation) (invoker.Result, error) {
	c, err := z.choose(inv)
	if err != nil {
		return invoker.Result{}, err
	}
	return c.Invoke(ctx, inv)
}

func (z *ZoneAware) choose(inv *invoker.Invocation) (*Cluster, error) {
	for _, o := range z.zones {
		if o.Preferred && o.Cluster.Available() {
			return o.Cluster, nil
		}
	}
	if want := inv.Attachments.Get("registry_zone"); want != "" {
		for _, o := range z.zones {
			if o.Zone == want && o.Cluster.Available() {
				return o.Cluster, nil
			}
		}
		if strings.EqualFold(inv.Attachments.Get("registry_zone_force"), "true") {
			return nil, invoker.Errorf(invoker.CodeUnavailable, "call "+inv.Service.String()+"."+methodOf(inv), "%w in zone %q, which the call insists on (registry_zone_force); the registries are %s", ErrNoProvider, want, z.text())
		}
	}
	sticky := z.zones[0].Cluster.sticks(inv)
	if c := z.last.Load(); sticky && c != nil && c.Available() {
		return c, nil
	}
	offset := z.rand(z.total)
	at := 0
	for i, o := range z.zones {
		if offset -= int64(o.Weight); offset < 0 {
			at = i
			break
		}
	}
	for i := range z.zones {
		if o := z.zones[(at+i)%len(z.zones)]; o.Cluster.Available() {
			if sticky {
				z.last.Store(o.Cluster)
			}
			return o.Cluster, nil
		}
	}
	// None is connected: one that at least knows a provider will connect.
	for i := range z.zones {
		if o := z.zones[(at+i)%len(z.zones)]; len(o.Cluster.dir.Snapshot().Providers) > 0 {
			return o.Cluster, nil
		}
	}
	return z.zones[at].Cluster, nil
}

// sticks tells whether a call is to stay where those before it went.
func (c *Cluster) sticks(inv *invoker.Invocation) bool {
	return c.method(c.dir.Snapshot(), methodOf(inv)).settings.sticky
}

func (z *ZoneAware) text() string {
	all := make([]string, len(z.zones))
	for i, o := range z.zones {
		all[i] = fmt.Sprintf("%s (zone %q)", o.Name, o.Zone)
	}
	return strings.Join(all, ", ")
}
