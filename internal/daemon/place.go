package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/dubbofn/dubbofn/cold/activator"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/registry"
)

// Logger makes the log of a program, by DUBBOFN_LOG_LEVEL and DUBBOFN_LOG_FORMAT.
func Logger(w io.Writer, level, format string) *slog.Logger {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		l = slog.LevelInfo
	}
	options := &slog.HandlerOptions{Level: l}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// open finds the adapter of each place; nothing is connected yet.
func open(all []place, log *slog.Logger, adapters []registry.Adapter) ([]activator.Place, error) {
	byName := map[string]registry.Adapter{registry.Embedded.Name(): registry.Embedded}
	for _, a := range adapters {
		byName[a.Name()] = a
	}
	var places []activator.Place
	var faults []error
	for _, p := range all {
		adapter := byName[p.url.Protocol]
		if adapter == nil {
			faults = append(faults, fmt.Errorf("registry %q: there is no adapter for %q", p.url.String(), p.url.Protocol))
			continue
		}
		cfg := registryConfig(p.url, log)
		places = append(places, activator.Place{
			Name: p.url.String(), Levels: p.levels,
			Open: func(ctx context.Context) (registry.Registry, error) { return adapter.Open(ctx, cfg) },
		})
	}
	return places, errors.Join(faults...)
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

// advertised gives the host to register: as configured, else the loopback address where everything is on one machine, else this machine's
// first address that others can reach.
func advertised(host string, all []place) (string, error) {
	if host != "" {
		return host, nil
	}
	if !slices.ContainsFunc(all, func(p place) bool { return p.url.Protocol != registry.Embedded.Name() }) {
		return "127.0.0.1", nil
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return "", fmt.Errorf("find this machine's address: %w", err)
	}
	for _, a := range addresses {
		if ip, ok := a.(*net.IPNet); ok && ip.IP.IsGlobalUnicast() && ip.IP.To4() != nil {
			return ip.IP.String(), nil
		}
	}
	return "", errors.New("this machine has no address that others can reach")
}

// shutTime is how long an operator's request may take once the program has ended.
const shutTime = time.Second

// beside serves h on l while run runs, which ends when ctx or the serving does.
func beside(ctx context.Context, l net.Listener, h http.Handler, run func(context.Context) error) error {
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() {
		err := server.Serve(l)
		if errors.Is(err, http.ErrServerClosed) {
			err = nil
		}
		stop()
		ended <- err
	}()
	err := run(ctx)
	shut, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutTime)
	defer cancel()
	if server.Shutdown(shut) != nil {
		_ = server.Close() // whoever still reads is cut off
	}
	return errors.Join(err, <-ended)
}
