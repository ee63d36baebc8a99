package lent

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"time"
)

// Config says where the keeper is, and who asks. Zero fields mean the defaults.
type Config struct {
	Address  string        // "unix:///run/dubbofn/keeper.sock" or "host:port". Required
	App      string        // the Dubbo application. Required
	Instance string        // the pod or the process, for the keeper's log. Required
	Token    string        // the application's. Required
	Budget   time.Duration // how long the keeper is waited for. Default: 5 ms
	Unused   time.Duration // how long connections that were lent wait for their first use; then they are closed. Default: 30 s
	Log      *slog.Logger  // Default: nothing is logged
}

const (
	defaultBudget = 5 * time.Millisecond
	defaultUnused = 30 * time.Second
	scheme        = "unix://"
)

// Validate reports every setting that makes no sense.
func (c Config) Validate() error {
	var faults []error
	if err := CheckAddress(c.Address); err != nil {
		faults = append(faults, err)
	}
	for _, f := range [...]struct{ name, value string }{{"App", c.App}, {"Instance", c.Instance}, {"Token", c.Token}} {
		if f.value == "" {
			faults = append(faults, fmt.Errorf("no %s", f.name))
		}
	}
	if c.Budget < 0 || c.Unused < 0 {
		faults = append(faults, fmt.Errorf("durations %v and %v: want positive ones, or 0 for the default", c.Budget, c.Unused))
	}
	return errors.Join(faults...)
}

// CheckAddress tells whether an address is one of a keeper.
func CheckAddress(address string) error {
	if path, ok := strings.CutPrefix(address, scheme); ok {
		if !filepath.IsAbs(path) || len(path) > 100 { // sockaddr_un has room for 107
			return fmt.Errorf("keeper %q: want an absolute path of at most 100 bytes, as unix:///run/dubbofn/keeper.sock", address)
		}
		return nil
	}
	if host, port, err := net.SplitHostPort(address); err != nil || host == "" || port == "" || strings.Contains(host, "/") {
		return fmt.Errorf("keeper %q: want unix:///PATH or HOST:PORT", address)
	}
	return nil
}

// network splits an address for net.Dial.
func network(address string) (kind, where string) {
	if path, ok := strings.CutPrefix(address, scheme); ok {
		return "unix", path
	}
	return "tcp", address
}

func (c Config) withDefaults() Config {
	if c.Budget == 0 {
		c.Budget = defaultBudget
	}
	if c.Unused == 0 {
		c.Unused = defaultUnused
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}
