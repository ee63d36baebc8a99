package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"

	"github.com/dubbofn/dubbofn/auth"
	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/registry"
)

// ErrNothing says that nobody told which services to look at.
var ErrNothing = errors.New("no service to look at: name one, as org.example.GreetService, or let an activator or a manifest tell of some")

// Check looks at everything that c's consumer depends on, within c.Limit, and writes nothing. What depends on something that failed is
// skipped, and says on what. The error is for what no finding can say: a configuration that makes no sense, or [ErrNothing].
func Check(ctx context.Context, c Config) ([]Finding, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(c.Limit, defaultLimit))
	defer cancel()
	all := []Finding{}
	var front *examination // whose findings of the activator count
	for _, at := range c.registries() {
		x := &examination{cfg: c}
		err := errors.Join(x.trust(), x.parse(at))
		if err == nil {
			err = x.open(ctx)
		}
		if front == nil {
			x.lookAtActivator(ctx)
			front = x
		} else {
			x.front = front.front
		}
		if err == nil {
			err = x.services(ctx)
		}
		all = append(all, x.findings...)
		if err = errors.Join(err, x.close()); err != nil {
			return all, err
		}
	}
	return all, nil
}

// examination is one run of [Check] or [Fix].
type examination struct {
	cfg      Config
	url      invoker.URL // of the registry
	tls      *auth.TLS   // nil: the consumer speaks none
	place    registry.Registry
	instance registry.Lookup // where instances are
	center   registry.Lookup // where mappings and metadata are
	opened   []registry.Registry
	front    *front // nil: no activator
	findings []Finding
}

func (x *examination) add(f Finding) { x.findings = append(x.findings, f) }

// skip notes checks that were not made, and because of what.
func (x *examination) skip(service, because string, checks ...string) {
	for _, c := range checks {
		x.add(Finding{Check: c, State: Skipped, Service: service, Title: "not looked at", Why: because})
	}
}

func (x *examination) parse(at string) (err error) {
	x.url, err = invoker.ParseURL(at)
	return err
}

func (x *examination) trust() (err error) {
	c := x.cfg.TLS
	c.ClientAuth, c.Log = auth.ClientAuthNone, x.cfg.Log
	if x.tls, err = auth.NewTLS(c); err != nil {
		return fmt.Errorf("doctor: %w", err)
	}
	return nil
}

// services looks at each service; without a registry it says that it can't.
func (x *examination) services(ctx context.Context) error {
	names := x.cfg.Services
	if len(names) == 0 {
		names = x.known(ctx)
	}
	if len(names) == 0 && Worst(x.findings) != Bad {
		return ErrNothing
	}
	for _, name := range names {
		key, err := invoker.ParseServiceKey(name)
		if err != nil {
			return err
		}
		p := &patient{key: key, name: key.String(), revisions: map[revisionID]*revision{}}
		switch {
		case x.instance == nil:
			x.skip(p.name, "the registry can't be asked", "mapping", "instances", "metadata", "service", "revision", "address")
		case ctx.Err() != nil:
			x.skip(p.name, "the time was up: give more with --limit", "mapping", "instances", "metadata", "service", "revision", "address")
		default:
			x.look(ctx, p)
		}
	}
	return nil
}

// known gives the services that somebody tells of who is no registry.
func (x *examination) known(ctx context.Context) []string {
	found := map[string]bool{}
	if m := x.cfg.Manifest; m != nil {
		for _, s := range m.Services {
			found[invoker.ServiceKey{Interface: s.Interface, Version: s.Version, Group: s.Group}.String()] = true
		}
	}
	if len(found) > 0 || x.instance == nil {
		return slices.Sorted(maps.Keys(found))
	}
	for _, f := range x.front.all() {
		m, err := x.center.Metadata(ctx, f.App, f.Revision)
		if err != nil {
			all, lookErr := x.instance.Instances(ctx, registry.Name{App: f.App})
			if lookErr != nil || len(all) == 0 {
				continue
			}
			if m, err = x.askProvider(ctx, all[0], f.Revision); err != nil {
				continue
			}
		}
		for _, s := range m.Services {
			found[invoker.ServiceKey{Interface: s.Name, Version: s.Version, Group: s.Group}.String()] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// manifestOf gives what is, or should be, deployed under an application's name: the consumer's own, or the activator's.
func (x *examination) manifestOf(ctx context.Context, app string) *fn.Manifest {
	if m := x.cfg.Manifest; m != nil && m.App == app {
		return m
	}
	if _, ok := x.front.of(app); !ok {
		return nil
	}
	var m fn.Manifest
	if _, err := x.ask(ctx, "/api/functions/"+url.PathEscape(app)+"/manifest", &m); err != nil || m.App != app {
		return nil
	}
	return &m
}

// patient is a service that is looked at.
type patient struct {
	key  invoker.ServiceKey
	name string
	apps []*application
	// byInterface says that no application is found, and instances are those under the interface: they have no metadata.
	byInterface bool
	revisions   map[revisionID]*revision
}

// application is one that may offer it.
type application struct {
	name      string
	mapped    bool
	instances []registry.Instance
}

// look goes the way that a consumer goes. A step that leaves nothing to go on with says what is not looked at.
func (x *examination) look(ctx context.Context, p *patient) {
	steps := []struct {
		name  string
		check func(context.Context, *patient) bool
	}{
		{"mapping", x.mapping}, {"instances", x.instances}, {"metadata", x.metadata}, {"service", x.offered}, {"revision", x.agree}, {"applications", x.alone},
		{"address", x.addresses}, {"classes", x.classes}, {"timeout", x.timeouts},
	}
	for i, s := range steps {
		if ctx.Err() != nil {
			x.skip(p.name, "the time was up: give more with --limit", s.name)
			continue
		}
		if s.check(ctx, p) {
			continue
		}
		for _, left := range steps[i+1:] {
			x.skip(p.name, fmt.Sprintf("it depends on %q, which is not as it should be", s.name), left.name)
		}
		return
	}
}
