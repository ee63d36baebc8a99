package doctor

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/dubbofn/dubbofn/auth"
	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/internal/environ"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/registry"
)

// Lines of Dubbo that a consumer may be of.
const (
	Line27 = "2.7"
	Line3  = "3.x"
)

// Config says what is looked at, and as which consumer. Registry and Adapters are needed.
type Config struct {
	// Services are what the consumer refers to: "[group/]interface[:version]". Default: everything that Manifest and the activator tell of.
	Services []string
	// Apps are applications that the consumer was told of (provided-by), and which the mapping need not name.
	Apps []string
	// Registry is where the consumer looks, one or more Dubbo URLs as DUBBOFN_REGISTRY has them. MetadataCenter is where metadata and mappings
	// are, where that is elsewhere.
	Registry       []string
	MetadataCenter string
	// Adapters are the registries that can be opened; the embedded one always can.
	Adapters []registry.Adapter
	// Line is the consumer's Dubbo: Line27 or Line3. Default: both must be served.
	Line string
	// Timeout is what the consumer itself has set. Default: nothing, what is published counts.
	Timeout time.Duration
	// Admin is the activator's port for operators, "host:port". Default: there is no activator to look at.
	Admin string
	// AdminMaybe says that Admin is a guess: nobody there is no fault.
	AdminMaybe bool
	// Manifest is what should be deployed. Default: nil, nothing is compared with it.
	Manifest *fn.Manifest
	// Classes are prefixes of class names that the consumer trusts beside those that its Dubbo does, a file's lines; ClassesFile is that
	// file's name, for the mend.
	Classes     []string
	ClassesFile string
	// TLS is how the consumer speaks TLS, and Secret whether it does so to everybody.
	TLS    auth.TLSConfig
	Secret bool
	// Limit bounds the whole examination. Default: 20 s.
	Limit time.Duration
	// Log is told what registries log. Default: nothing is logged.
	Log *slog.Logger
}

const defaultLimit = 20 * time.Second

// registries gives the URLs one by one. A comma may stand between two of them, and between the servers of one.
func (c Config) registries() []string {
	return environ.SplitURLs(strings.Split(strings.Join(c.Registry, ","), ","))
}

// Validate reports every setting that makes no sense.
func (c Config) Validate() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	for _, s := range c.Services {
		if _, err := invoker.ParseServiceKey(s); err != nil {
			faults = append(faults, err)
		}
	}
	urls := c.registries()
	for _, s := range append(urls, c.MetadataCenter) {
		if _, err := invoker.ParseURL(s); s != "" && err != nil {
			faults = append(faults, err)
		}
	}
	if len(urls) == 0 {
		fault("no registry: want a URL, as nacos://127.0.0.1:8848")
	}
	if c.Line != "" && c.Line != Line27 && c.Line != Line3 {
		fault("consumer line %q: want %s or %s", c.Line, Line27, Line3)
	}
	if c.Timeout < 0 || c.Limit < 0 {
		fault("timeout %s, limit %s: want 0 (the default) or more", c.Timeout, c.Limit)
	}
	return errors.Join(faults...)
}
