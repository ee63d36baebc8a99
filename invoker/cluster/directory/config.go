package directory

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/dubbofn/dubbofn/cold"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/invoker/cluster"
	"github.com/dubbofn/dubbofn/registry"
)

// Source is where providers are registered.
type Source struct {
	Name     string            // what errors and the log call it: the registry's URL
	Registry registry.Registry // must be a registry.Lookup and registry.Watcher
	Metadata registry.Registry // the metadata centre, with the mapping. Default: Registry
}

// Migration says which of Dubbo's two ways of registration counts (Java: MigrationStep, 3.3.6).
type Migration string

// The migration steps, by Java's names.
const (
	ApplicationFirst Migration = "APPLICATION_FIRST" // applications, and interfaces while no application offers the service
	ForceApplication Migration = "FORCE_APPLICATION"
	ForceInterface   Migration = "FORCE_INTERFACE"
)

// Config says whose providers are wanted, and how.
type Config struct {
	Service    invoker.ServiceKey // version and group may be "*"; a group may be several, separated by commas
	ProvidedBy []string           // the applications; empty: those that the registry has for the interface
	Migration  Migration          // Default: ApplicationFirst
	EmptyGrace time.Duration      // how long an empty list keeps the last one, and one of unreachable providers those that take calls; negative: not at all. Default: 60 s
	Lazy       bool               // connect to a provider at its first call. Default: connect to all at once, a few at a time
	Pool       *cold.Pool[cluster.Conn]
	Cache      *MetadataCache // Default: one of its own
	// Local asks an instance for its application's metadata, where it is not in the metadata centre.
	Local func(ctx context.Context, i registry.Instance, revision string) (registry.Metadata, error)
	// Connection names a provider's connections in the pool. Default: by its address.
	Connection func(p *cluster.Provider) string
	Rules      Rules // that hold from the beginning
	// OnApps is told the applications that offer the service, sorted, at first before the directory is ready, then whenever they change.
	OnApps func(apps []string)
	Log    *slog.Logger // Default: nothing is logged
}

// Validate reports every setting that makes no sense.
func (c Config) Validate() error {
	var faults []error
	if c.Service.Interface == "" {
		faults = append(faults, errors.New("no service: want the name of a Java interface"))
	}
	switch c.Migration {
	case "", ApplicationFirst, ForceApplication, ForceInterface:
	default:
		faults = append(faults, fmt.Errorf("migration %q: want %s, %s or %s", c.Migration, ApplicationFirst, ForceApplication, ForceInterface))
	}
	if c.Pool == nil {
		faults = append(faults, errors.New("no pool of connections"))
	}
	return errors.Join(faults...)
}

const defaultGrace = time.Minute

func (c Config) withDefaults() Config {
	if c.Migration == "" {
		c.Migration = ApplicationFirst
	}
	if c.EmptyGrace == 0 {
		c.EmptyGrace = defaultGrace
	}
	if c.Cache == nil {
		c.Cache = &MetadataCache{}
	}
	if c.Connection == nil {
		c.Connection = func(p *cluster.Provider) string { return p.Address }
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// Rules are the governance rules that hold now.
type Rules struct {
	Routers []cluster.Router
	// Override gives what configurators say of a provider, nil for nothing. It is called when the list or the rules change.
	Override func(p *cluster.Provider) map[string]string
	// Migration wins over the configuration's; "" says nothing.
	Migration Migration
}

// Stats is what a Directory has done since it was made, and is doing.
type Stats struct {
	Providers  int
	Protecting bool  // an empty list, or one with nobody to call, is not believed now
	Protected  int64 // how often one was not
	Failures   int64 // fetches of metadata that failed, each to be tried again
	Refused    int64 // instances left out because what they say of themselves makes no sense
}
