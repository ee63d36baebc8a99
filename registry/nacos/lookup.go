package nacos

import (
	"context"
	"fmt"
	"slices"

	"github.com/dubbofn/dubbofn/registry"
)

// Apps gives the applications that either line's mapping names.
func (c *center) Apps(ctx context.Context, iface string) ([]string, error) {
	list, _, err := c.read(ctx, mappingKey(iface))
	if err != nil {
		return nil, fmt.Errorf("look up applications of %s: %w", iface, err)
	}
	apps := split(list)
	legacy, err := c.legacyApps(ctx, iface)
	if err != nil {
		if len(apps) == 0 {
			return nil, fmt.Errorf("look up applications of %s: %w", iface, err)
		}
		c.log.Debug("nacos: applications on Dubbo 2.7 could not be listed", "interface", iface, "error", err)
	}
	for _, a := range legacy {
		if !slices.Contains(apps, a) {
			apps = append(apps, a)
		}
	}
	slices.Sort(apps)
	return apps, nil
}

// Instances asks the naming service, not a cache.
func (c *center) Instances(ctx context.Context, n registry.Name) ([]registry.Instance, error) {
	if n.Pattern() {
		return c.instancesOf(ctx, n)
	}
	s, err := c.query(ctx, n.String())
	if err != nil {
		return nil, err
	}
	return usable(n, s), nil
}

// Metadata reads the config of an application's revision.
func (c *center) Metadata(ctx context.Context, app, revision string) (registry.Metadata, error) {
	doc, found, err := c.read(ctx, metadataKey(app, revision))
	if err != nil {
		return registry.Metadata{}, fmt.Errorf("look up metadata of %s: %w", app, err)
	}
	if !found {
		return registry.Metadata{}, fmt.Errorf("look up metadata of %s, revision %s: %w", app, revision, registry.ErrNotFound)
	}
	return registry.CheckMetadata([]byte(doc), app, revision)
}
