package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"

	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/registry"
	"github.com/dubbofn/dubbofn/registry/nacos"
)

// iface is the service that all providers offer; the applications offer it plain, and over TLS.
const (
	iface    = "org.bench.EchoService"
	appPlain = "bench-plain"
	appTLS   = "bench-tls"
)

// openRegistry connects to what a URL names.
func openRegistry(ctx context.Context, text string) (registry.Registry, invoker.URL, error) {
	u, err := invoker.ParseURL(text)
	if err != nil {
		return nil, u, err
	}
	cfg := registry.Config{Scheme: u.Protocol, Path: u.Path, User: u.User, Password: u.Password, Params: u.Params}
	if u.Host != "" {
		cfg.Addresses = u.Addresses(0)
	}
	for _, a := range []registry.Adapter{registry.Embedded, nacos.Registry} {
		if a.Name() == u.Protocol {
			r, err := a.Open(ctx, cfg)
			return r, u, err
		}
	}
	return nil, u, fmt.Errorf("registry %q: want embedded or nacos", text)
}

// register writes the providers down, each address an instance. A registry's client holds one instance of an application, so there is one for each.
func register(ctx context.Context, text, app string, addresses []string, params map[string]string) (end func() error, err error) {
	var opened []registry.Registry
	end = func() error {
		var errs []error
		for _, r := range opened {
			errs = append(errs, r.Close())
		}
		return errors.Join(errs...)
	}
	m := registry.Metadata{App: app, Services: []registry.Service{{Name: iface, Protocol: "dubbo", Params: params}}}
	for _, a := range addresses {
		r, _, err := openRegistry(ctx, text)
		if err != nil {
			return end, err
		}
		opened = append(opened, r)
		host, port, _ := net.SplitHostPort(a)
		n, err := strconv.Atoi(port)
		if err != nil {
			return end, err
		}
		if _, err := r.Register(ctx, registry.Registration{Instance: registry.Instance{App: app, Host: host, Port: n}, Metadata: m}); err != nil {
			return end, err
		}
	}
	return end, nil
}
