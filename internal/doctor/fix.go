package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dubbofn/dubbofn/internal/metadataservice"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/registry"
)

// What [Fix] can write.
const (
	FixMapping  = "mapping"  // that an application offers an interface, for both Dubbo lines
	FixMetadata = "metadata" // of the revisions that instances show, as their providers tell it, or as the manifest has it
)

// Fix writes what a registry, the first of c, lacks of c.Services, and nothing else: for [FixMapping] of c.Apps, which must offer them; for [FixMetadata] of
// the applications that the mapping names, or of c.Apps. It tells what it wrote, a line each.
func Fix(ctx context.Context, c Config, what string) (wrote []string, err error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if what != FixMapping && what != FixMetadata {
		return nil, fmt.Errorf("fix %q: want %s or %s", what, FixMapping, FixMetadata)
	}
	if len(c.Services) == 0 {
		return nil, ErrNothing
	}
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(c.Limit, defaultLimit))
	defer cancel()
	x := &examination{cfg: c}
	if err := errors.Join(x.trust(), x.parse(c.registries()[0])); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, x.close()) }()
	if err := x.open(ctx); err != nil {
		return nil, err
	}
	if x.center == nil {
		return nil, fmt.Errorf("fix %s: %s", what, x.findings[len(x.findings)-1].Title)
	}
	for _, name := range c.Services {
		key, err := invoker.ParseServiceKey(name)
		if err != nil {
			return wrote, err
		}
		fix := x.fixMapping
		if what == FixMetadata {
			fix = x.fixMetadata
		}
		lines, err := fix(ctx, key)
		wrote = append(wrote, lines...)
		if err != nil {
			return wrote, fmt.Errorf("fix %s of %s: %w", what, name, err)
		}
	}
	return wrote, nil
}

func (x *examination) fixMapping(ctx context.Context, key invoker.ServiceKey) (wrote []string, err error) {
	if len(x.cfg.Apps) == 0 {
		return nil, errors.New("which application? --app names it")
	}
	there := x.offering(ctx, key.Interface, x.cfg.Apps)
	for _, app := range x.cfg.Apps {
		if !slices.Contains(there, app) {
			return wrote, fmt.Errorf("application %q has no instance whose metadata offers %s; it is registered first", app, key.Interface)
		}
		err := x.write(ctx, registry.Registration{
			Instance: registry.Instance{App: app}, Levels: registry.Mapping | registry.LegacyMapping,
			Metadata: registry.Metadata{App: app, Services: []registry.Service{{Name: key.Interface, Protocol: "dubbo"}}},
		})
		if err != nil {
			return wrote, err
		}
		wrote = append(wrote, fmt.Sprintf("mapping: %s is offered by %s", key.Interface, app))
	}
	return wrote, nil
}

func (x *examination) fixMetadata(ctx context.Context, key invoker.ServiceKey) (wrote []string, err error) {
	apps := x.cfg.Apps
	if len(apps) == 0 {
		if apps, err = x.center.Apps(ctx, key.Interface); err != nil {
			return nil, err
		}
	}
	done := map[revisionID]bool{}
	for _, app := range apps {
		all, err := x.instance.Instances(ctx, registry.Name{App: app})
		if err != nil {
			return wrote, err
		}
		for _, i := range all {
			id := revisionID{app, i.Revision()}
			if done[id] || i.Local() || id.revision == "" {
				continue
			}
			if m, err := x.center.Metadata(ctx, app, id.revision); err == nil && m.Revision() == id.revision {
				continue
			}
			m, err := x.restored(ctx, i)
			if err != nil {
				return wrote, err
			}
			if err := x.write(ctx, registry.Registration{Instance: registry.Instance{App: app}, Levels: registry.AppMetadata, Metadata: m}); err != nil {
				return wrote, err
			}
			done[id] = true
			wrote = append(wrote, fmt.Sprintf("metadata: revision %s of %s", id.revision, app))
		}
	}
	if len(wrote) == 0 {
		wrote = append(wrote, fmt.Sprintf("metadata: nothing is missing of %s", strings.Join(apps, ", ")))
	}
	return wrote, nil
}

// restored gives the metadata of the revision that an instance shows, from the manifest or from the instance itself. It is the revision's only
// where its hash says so.
func (x *examination) restored(ctx context.Context, i registry.Instance) (registry.Metadata, error) {
	if m := x.manifestOf(ctx, i.App); m != nil {
		if md := metadataservice.Metadata(*m); md.Revision() == i.Revision() {
			return md, nil
		}
	}
	md, err := x.askProvider(ctx, i, i.Revision())
	if err != nil {
		return md, fmt.Errorf("ask %s for its metadata: %w; --manifest may give it instead", i.Address(), err)
	}
	if md.Revision() != i.Revision() {
		return md, fmt.Errorf("what %s tells is revision %s, it shows %s: start it again, it then writes both anew", i.Address(), short(md.Revision()), short(i.Revision()))
	}
	return md, nil
}

// write registers something that stays when the registration ends.
func (x *examination) write(ctx context.Context, r registry.Registration) error {
	lease, err := x.place.Register(ctx, r)
	if err != nil {
		return err
	}
	return lease.End(ctx)
}
