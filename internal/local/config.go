package local

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dubbofn/dubbofn/internal/daemon"
	"github.com/dubbofn/dubbofn/registry"
)

// Config says what is run and how. Paths and Activator are needed; zero fields mean the defaults.
type Config struct {
	// Paths are directories with a function each, or programs.
	Paths []string
	// Activator is what the environment says of one. Where its functions are, its token, and the addresses that it binds to and registers
	// are set here.
	Activator daemon.Activator
	// NoKeeper leaves the keeper out, which keeps connections while functions sleep.
	NoKeeper bool
	// Environment is what functions get, as "NAME=value"; what names a single process (PORT, DUBBOFN_APP …) is left out.
	Environment []string
	// Registry is the URL, or several separated by commas or blanks, that functions look others up with, and that the activator is registered at. Default: that of Environment, else embedded://.
	Registry string
	// Adapters are the registries that a URL may name, beside the embedded one.
	Adapters []registry.Adapter
	// Idle, Start and Grace are as in package supervise.
	Idle, Start, Grace time.Duration
	// Cache is where programs are kept. Default: a folder of the user's cache.
	Cache string
	// Out is told, in lines for people, what happens. Default: nobody is.
	Out io.Writer
	// Colour lets Out have colours, for terminals.
	Colour bool
	// Status is told, in a line for people, how every function is, whenever that is something else. Default: nobody is.
	Status func(line string)
	// Log gets what the parts log. Default: nothing is logged.
	Log *slog.Logger
	// Ready is called once everything runs. It must not block.
	Ready func(Site)
}

// Site is where everything is.
type Site struct {
	// Dubbo is where consumers connect, Admin where operators ask: "127.0.0.1:20880".
	Dubbo, Admin string
	// Registry is the URL of the registry, or several, passwords included.
	Registry string
	// HTTP is where functions take events, as Knative's ingress would: each by the Host header NAME.local.
	HTTP string
	// Console is the URL of the console, with the token that opens it; empty without one.
	Console string
	// Keeper is where the keeper's operators ask; empty without one.
	Keeper string
}

// personal names the variables that are one process's own.
func personal() []string {
	return []string{
		"PORT", "K_SERVICE", "K_REVISION", "K_CONFIGURATION", "DUBBOFN_APP", "DUBBOFN_PORT", "DUBBOFN_HOST", "DUBBOFN_ADVERTISED_PORT", "DUBBOFN_REGISTER",
		"DUBBOFN_TOKEN", "DUBBOFN_ACTIVATOR", "DUBBOFN_KEEPER", "DUBBOFN_REGISTRY", "DUBBOFN_BIND", "DUBBOFN_DESCRIBE", "DUBBOFN_SNAPSHOT", "DUBBOFN_METRICS_PORT", "DUBBO_IP_TO_REGISTRY", "DUBBO_PORT_TO_REGISTRY",
	}
}

func (c Config) withDefaults() (Config, error) {
	if len(c.Paths) == 0 {
		return c, errors.New("no function: want a directory or more, each with a function")
	}
	for _, v := range c.Environment {
		if name, value, _ := strings.Cut(v, "="); name == "DUBBOFN_REGISTRY" && c.Registry == "" {
			c.Registry = value
		}
	}
	if c.Registry == "" {
		c.Registry = "embedded://"
	}
	c.Environment = slices.DeleteFunc(slices.Clone(c.Environment), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return slices.Contains(personal(), name)
	})
	c.Environment = append(c.Environment, "DUBBOFN_REGISTRY="+c.Registry, "DUBBOFN_BIND=127.0.0.1", "DUBBOFN_METRICS_PORT=0")
	if c.Idle == 0 {
		c.Idle = defaultIdle
	}
	if c.Out == nil {
		c.Out = io.Discard
	}
	if c.Status == nil {
		c.Status = func(string) {}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Ready == nil {
		c.Ready = func(Site) {}
	}
	if c.Cache == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return c, fmt.Errorf("a folder for programs: %w", err)
		}
		c.Cache = filepath.Join(cache, "dubbofn", "run")
	}
	return c, nil
}

const defaultIdle = 30 * time.Second
