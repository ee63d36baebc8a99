package activator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/dubbofn/dubbofn/auth"
	"github.com/dubbofn/dubbofn/invoker/dubbo"
	"github.com/dubbofn/dubbofn/registry"
	"github.com/dubbofn/dubbofn/tracing"
)

// Config says how an [Activator] behaves. Dubbo and Host are needed; zero fields mean the defaults.
type Config struct {
	// Dubbo is where consumers connect (20880). The Activator closes it.
	Dubbo net.Listener
	// Lane is where functions dial (20881). The Activator closes it. Default: no early lane.
	Lane net.Listener
	// Host and Port are what is registered. Port's default is that of Dubbo.
	Host string
	Port int
	// Ports may be listened on for functions whose services another function holds on Port; what is listened on is registered.
	// Default: none, such functions are refused.
	Ports []int
	// Listen opens one of Ports. Default: TCP on the address of Dubbo.
	Listen func(port int) (net.Listener, error)
	// Token is what functions are shown, and show, that have none of their own. Without any there is no early lane.
	Token string

	// ServerTLS is what consumers are shown; default: plain. ClientTLS is for functions whose URL is https; default: the system's roots.
	ServerTLS, ClientTLS *auth.TLS
	// Server bounds the wire on the consumers' side; its MaxInFlight and Budget bound what is parked in all. Its defaults here: 65536 calls.
	Server dubbo.ServerConfig
	// ParkedCalls and ParkedBytes bound what waits for one function; one more call gets status 100. Default: 20000, 64 MiB.
	ParkedCalls, ParkedBytes int
	// Forwards bounds the calls that are with one function at once over the platform's path; more wait here. Default: 1000.
	Forwards int
	// Fresh is how long a function is taken to be awake after an answer; after it, a call is parked and the function knocked on: that
	// costs an awake one a round trip. Keep it below the platform's shortest time to zero. Default: 2 s.
	Fresh time.Duration
	// Drain is how long consumers may take to turn away, and calls to end, once Run is to end and the stand-ins are deregistered; what is left then is
	// cut off. Deregistering takes 5 s at most before that, reading the last answers 3 s after it. Default: 20 s.
	Drain time.Duration
	// Tracer has spans made of calls: their arrival, their wait, each attempt to pass them on. Who made it closes it, after Run.
	// Default: nothing is traced; what consumers send of a trace goes on unchanged.
	Tracer tracing.Tracer
	// Log is told what happens. Default: nothing is logged.
	Log *slog.Logger
}

// Place is one registry that stand-ins are written to.
type Place struct {
	// Name is what logs call it: its URL without credentials.
	Name string
	// Open connects; it is tried again until it succeeds. The Activator closes what it gives.
	Open func(context.Context) (registry.Registry, error)
	// Levels are what is written there. Default: all, the interface level too. With a metadata centre: two places, its own first.
	Levels registry.Level
}

const (
	defaultInFlight    = 1 << 16
	defaultParkedCalls = 20_000
	defaultParkedBytes = 64 << 20
	defaultForwards    = 1000
	defaultFresh       = 2 * time.Second
	defaultDrain       = 20 * time.Second
	// defaultQuiet is longer than Nacos takes to tell consumers (it waits half a second for more news): Java 3.3.6 connects to an address that went
	// and came back before it heard of that after a minute only.
	defaultQuiet = time.Second
)

// Validate reports every setting that makes no sense.
func (c Config) Validate() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if c.Dubbo == nil {
		fault("Dubbo is nil: want the listener that consumers connect to")
	}
	if c.Host == "" {
		fault("Host is empty: want the address that consumers are to connect to")
	}
	for _, p := range append([]int{c.Port}, c.Ports...) {
		if p < 0 || p > 65535 {
			fault("port %d: want 0 to 65535", p)
		}
	}
	for name, n := range map[string]int{"ParkedCalls": c.ParkedCalls, "ParkedBytes": c.ParkedBytes, "Forwards": c.Forwards, "Fresh": int(c.Fresh), "Drain": int(c.Drain)} {
		if n < 0 {
			fault("%s is %d: want 0 (the default) or more", name, n)
		}
	}
	return errors.Join(append(faults, c.Server.Validate())...)
}

func (c Config) withLimits() Config {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Server.Log = c.Log
	c.Server.Quiet = cmp.Or(c.Server.Quiet, defaultQuiet)
	c.Server.MaxInFlight = cmp.Or(c.Server.MaxInFlight, defaultInFlight)
	if c.Server.Budget == nil {
		c.Server.Budget = dubbo.NewBudget(0)
	}
	c.ParkedCalls = cmp.Or(c.ParkedCalls, defaultParkedCalls)
	c.ParkedBytes = cmp.Or(c.ParkedBytes, defaultParkedBytes)
	c.Forwards = cmp.Or(c.Forwards, defaultForwards)
	c.Fresh = cmp.Or(c.Fresh, defaultFresh)
	c.Drain = cmp.Or(c.Drain, defaultDrain)
	return c
}
