package main

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/dubbofn/dubbofn/client"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/invoker/cluster"
	"github.com/dubbofn/dubbofn/registry/nacos"
	"github.com/dubbofn/dubbofn/registry/zookeeper"
)

// refer makes a reference as any consumer has it, by the same environment: to the providers at directURL, else to those in the
// registry. Errors of the registry and the cluster go to log.
func refer(ctx context.Context, registryURL, directURL string, key invoker.ServiceKey, log io.Writer, options ...client.Option) (*client.Client, *client.Service, error) {
	cfg, err := client.FromEnvironment()
	if err != nil {
		return nil, nil, usageError{err}
	}
	cfg.Registry, cfg.Lazy, cfg.EmptyGrace = strings.Split(cmp.Or(registryURL, defaultRegistry()), ","), true, -1
	cfg.Log = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelError}))
	c, err := client.New(cfg, nacos.Registry, zookeeper.Registry)
	if err != nil {
		return nil, nil, usageError{err}
	}
	options = append(options, client.Version(key.Version), client.Group(key.Group))
	if directURL != "" {
		u, err := invoker.ParseURL(directURL)
		if err != nil {
			return nil, nil, usageError{err}
		}
		options = append(options, client.Version(cmp.Or(key.Version, u.Param("version"))), client.Group(cmp.Or(key.Group, u.Param("group"))), client.URL(directURL))
	}
	s, err := c.Reference(ctx, key.Interface, options...)
	if err != nil {
		return nil, nil, errors.Join(err, c.Close())
	}
	return c, s, nil
}

// missing tells an error that means that nobody offers the service, which has an exit code of its own.
func missing(err error) bool { return errors.Is(err, cluster.ErrNoProvider) }

// defaultRegistry is where to look when the command line does not say. It is no flag's default, which the help shows: it may hold a password.
func defaultRegistry() string { return cmp.Or(os.Getenv("DUBBOFN_REGISTRY"), "embedded://") }

// environment is handed on whole to the functions that are asked or run.
func environment() []string { return os.Environ() }

// adminAddress is where the activator's port for operators is, when the command line does not say.
func adminAddress() string { return os.Getenv("DUBBOFN_ADMIN") }
