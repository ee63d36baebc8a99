package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/registry"
)

const (
	registerTimeout = 10 * time.Second       // one attempt to connect and write
	registerRetry   = 500 * time.Millisecond // first pause between attempts; doubles up to registerPause
	registerPause   = 15 * time.Second
	endTimeout      = 5 * time.Second // deregistration, on the way out
)

// registrar keeps the function registered in every registry of the configuration.
type registrar struct {
	config   Config
	adapters map[string]registry.Adapter
	log      *slog.Logger

	open   map[string]registry.Registry // by URL as configured
	leases []registry.Lease             // in the order of registration: metadata before instances
}

// checkURLs reports every URL whose scheme has no adapter, with the line to add. A process that registers nothing needs none: what it calls
// itself finds its own.
func checkURLs(c Config, adapters map[string]registry.Adapter) error {
	if !c.registers() {
		return nil
	}
	var faults []error
	check := func(variable string, u invoker.URL) {
		if adapters[u.Protocol] != nil {
			return
		}
		names := make([]string, 0, len(adapters))
		for n := range adapters {
			names = append(names, n)
		}
		sort.Strings(names)
		add := ""
		if u.Protocol == "nacos" || u.Protocol == "zookeeper" {
			add = fmt.Sprintf(`; add it: import "github.com/dubbofn/dubbofn/registry/%s" and serve.Main(…, %[1]s.Registry)`, u.Protocol)
		}
		faults = append(faults, fmt.Errorf("%s=%q: this program has no registry adapter %q, only %s%s", variable, u.String(), u.Protocol, strings.Join(names, ", "), add))
	}
	for _, u := range c.registries {
		check("DUBBOFN_REGISTRY", u)
	}
	if c.MetadataCenter != "" {
		check("DUBBOFN_METADATA_CENTER", c.metadata)
	}
	if c.ConfigCenter != "" {
		check("DUBBOFN_CONFIG_CENTER", c.config)
	}
	return errors.Join(faults...)
}

// writing is one registration in one registry.
type writing struct {
	at invoker.URL
	r  registry.Registration
}

// plan says what is written where: metadata and mapping first, then the instances.
func (g *registrar) plan(r registry.Registration) []writing {
	var meta, instance registry.Level
	if g.config.RegisterMode != "interface" {
		meta, instance = registry.AppMetadata, registry.AppInstance
		if m := g.config.Mapping; m == "all" || m == "3" {
			meta |= registry.Mapping
		}
		if m := g.config.Mapping; m == "all" || m == "2.7" {
			meta |= registry.LegacyMapping
		}
	}
	if g.config.RegisterMode != "instance" {
		instance |= registry.InterfaceLevel
	}
	with := func(at invoker.URL, l registry.Level) writing {
		r := r
		r.Levels = l
		return writing{at, r}
	}
	if g.config.MetadataCenter != "" && meta != 0 {
		all := []writing{with(g.config.metadata, meta)}
		for _, u := range g.config.registries {
			all = append(all, with(u, instance))
		}
		return all
	}
	var all []writing
	for _, u := range g.config.registries {
		all = append(all, with(u, meta|instance))
	}
	return all
}

// register writes r everywhere. What can't be reached is tried again until ctx ends, each time telling why; a refusal or a
// configuration that can't be right ends it.
func (g *registrar) register(ctx context.Context, r registry.Registration, waiting func(why string)) error {
	for _, w := range g.plan(r) {
		pause := registerRetry
		for {
			err := g.write(ctx, w)
			if err == nil {
				break
			}
			err = fmt.Errorf("register in %s: %w", w.at, err)
			if ctx.Err() != nil || !unreachable(err) {
				return err
			}
			waiting(err.Error())
			g.log.Warn("not registered yet", "registry", w.at.String(), "error", err, "again_in", pause)
			select {
			case <-ctx.Done():
				return err
			case <-time.After(pause/2 + rand.N(pause/2)):
			}
			pause = min(2*pause, registerPause)
		}
		g.log.Info("registered", "registry", w.at.String(), "app", r.Instance.App, "address", r.Instance.Address(), "revision", r.Metadata.Revision())
	}
	return nil
}

// unreachable tells a registry that does not answer from one that says no.
func unreachable(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, registry.ErrUnreachable)
}

func (g *registrar) write(ctx context.Context, w writing) error {
	ctx, cancel := context.WithTimeout(ctx, registerTimeout)
	defer cancel()
	reg := g.open[w.at.String()]
	if reg == nil {
		var err error
		if reg, err = g.adapters[w.at.Protocol].Open(ctx, registryConfig(w.at, g.log)); err != nil {
			return err
		}
		g.open[w.at.String()] = reg
	}
	lease, err := reg.Register(ctx, w.r)
	if err != nil {
		return err
	}
	g.leases = append(g.leases, lease)
	return nil
}

// leave takes the instances away; metadata and mapping stay for the next start.
func (g *registrar) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, endTimeout)
	defer cancel()
	for _, l := range slices.Backward(g.leases) {
		if err := l.End(ctx); err != nil {
			g.log.Warn("deregistration failed; the registry will notice by itself", "error", err)
		}
	}
	g.leases = nil
}

func (g *registrar) close() {
	for u, reg := range g.open {
		if err := reg.Close(); err != nil {
			g.log.Warn("closing a registry failed", "registry", u, "error", err)
		}
	}
}

func registryConfig(u invoker.URL, log *slog.Logger) registry.Config {
	c := registry.Config{Scheme: u.Protocol, Path: u.Path, User: u.User, Password: u.Password, Params: u.Params, Log: log}
	if u.Host != "" {
		c.Addresses = u.Addresses(0)
	}
	if c.User == "" {
		c.User, c.Password = u.Param("username"), u.Param("password")
	}
	return c
}

// advertised gives the host to register: as configured, else the loopback address where everything is on one machine, else
// this machine's first address that others can reach.
func advertised(c Config) (string, error) {
	if c.Host != "" {
		return c.Host, nil
	}
	local := true
	for _, u := range c.registries {
		local = local && u.Protocol == "embedded"
	}
	if local {
		return "127.0.0.1", nil
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return "", fmt.Errorf("find this machine's address: %w; set DUBBOFN_HOST", err)
	}
	for _, a := range addrs {
		if ip, ok := a.(*net.IPNet); ok && ip.IP.IsGlobalUnicast() && ip.IP.To4() != nil {
			return ip.IP.String(), nil
		}
	}
	return "", errors.New("this machine has no address that others can reach; set DUBBOFN_HOST")
}
