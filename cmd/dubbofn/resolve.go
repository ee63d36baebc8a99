package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/registry"
	"github.com/dubbofn/dubbofn/registry/nacos"
)

// target is one provider's address and what its metadata says of the service.
type target struct {
	address string
	key     invoker.ServiceKey
	app     string            // empty for a direct URL
	params  map[string]string // what the provider published; nil for a direct URL
}

// resolve finds a provider of the service: the address of a direct URL, else the first in the registry that offers this version and group.
func resolve(ctx context.Context, registryURL, directURL string, key invoker.ServiceKey) (target, error) {
	if directURL != "" {
		return resolveURL(directURL, key)
	}
	reg, err := openRegistry(ctx, registryURL)
	if err != nil {
		return target{}, err
	}
	t, err := find(ctx, reg, key)
	if closeErr := reg.Close(); err == nil && closeErr != nil {
		err = fmt.Errorf("close registry: %w", closeErr)
	}
	return t, err
}

func resolveURL(s string, key invoker.ServiceKey) (target, error) {
	u, err := invoker.ParseURL(s)
	if err != nil {
		return target{}, usageError{err}
	}
	if u.Protocol != "dubbo" || u.Host == "" {
		return target{}, usagef("--url %q: want dubbo://host[:20880]", u)
	}
	if key.Version == "" {
		key.Version = u.Param("version")
	}
	if key.Group == "" {
		key.Group = u.Param("group")
	}
	return target{address: u.Addresses(20880)[0], key: key, params: map[string]string{"token": u.Params["token"]}}, nil
}

func openRegistry(ctx context.Context, s string) (registry.Registry, error) {
	u, err := invoker.ParseURL(s)
	if err != nil {
		return nil, usageError{err}
	}
	adapters := map[string]registry.Adapter{registry.Embedded.Name(): registry.Embedded, nacos.Registry.Name(): nacos.Registry}
	a := adapters[u.Protocol]
	if a == nil {
		return nil, usagef("--registry %q: no adapter for %q; want embedded:// or nacos://host:8848", u, u.Protocol)
	}
	c := registry.Config{Scheme: u.Protocol, Path: u.Path, User: u.User, Password: u.Password, Params: u.Params}
	if u.Host != "" {
		c.Addresses = u.Addresses(0)
	}
	reg, err := a.Open(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("open registry %s: %w", u, err)
	}
	return reg, nil
}

// find looks at application level first, then at interface level.
func find(ctx context.Context, reg registry.Registry, key invoker.ServiceKey) (target, error) {
	look, ok := reg.(registry.Lookup)
	if !ok {
		return target{}, errors.New("this registry can't be looked up in")
	}
	apps, err := look.Apps(ctx, key.Interface)
	if err != nil {
		return target{}, fmt.Errorf("look up %s: %w", key.Interface, err)
	}
	var seen []string
	for _, app := range apps {
		instances, err := look.Instances(ctx, registry.Name{App: app})
		if err != nil {
			return target{}, fmt.Errorf("look up instances of %s: %w", app, err)
		}
		for _, i := range instances {
			m, err := look.Metadata(ctx, app, i.Revision())
			if err != nil {
				seen = append(seen, fmt.Sprintf("%s at %s (no metadata: %v)", app, i.Address(), err))
				continue
			}
			for _, s := range m.Services {
				if s.Name == key.Interface && s.Version == key.Version && s.Group == key.Group {
					return target{address: endpoint(i, s), key: key, app: app, params: s.Params}, nil
				}
				seen = append(seen, s.Key())
			}
		}
	}
	instances, err := look.Instances(ctx, registry.Name{Interface: key.Interface, Version: key.Version, Group: key.Group})
	if err != nil {
		return target{}, fmt.Errorf("look up %s at interface level: %w", key, err)
	}
	for _, i := range instances {
		return target{address: i.Address(), key: key, app: i.App, params: i.Metadata}, nil
	}
	why := "no application is mapped to the interface, and nothing is registered at interface level"
	if len(apps) > 0 {
		why = "mapped to " + strings.Join(apps, ", ") + ", which has no instance that offers it"
	}
	if len(seen) > 0 {
		why += "; there is " + strings.Join(seen, ", ")
	}
	return target{}, invoker.Errorf(invoker.CodeNotFound, "find a provider of "+key.String(), "%s", why)
}

// endpoint is the instance's host with the port of the dubbo protocol: the service's own where it has one (Java does the same).
func endpoint(i registry.Instance, s registry.Service) string {
	if s.Port > 0 {
		i.Port = s.Port
		return i.Address()
	}
	for _, e := range i.Endpoints() {
		if e.Protocol == "dubbo" {
			i.Port = e.Port
			break
		}
	}
	return i.Address()
}

// defaultRegistry is where to look when the command line does not say.
func defaultRegistry() string { return cmp.Or(os.Getenv("DUBBOFN_REGISTRY"), "embedded://") }
