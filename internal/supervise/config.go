package supervise

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"time"
)

// Config says how a [Supervisor] behaves. Listener is needed; zero fields mean the defaults.
type Config struct {
	// Listener takes the requests for all functions, HTTP/1.1 and HTTP/2 with prior knowledge; the Host header says for which. The
	// Supervisor closes it.
	Listener net.Listener
	// Environment is what every process gets, as "NAME=value"; PORT, K_SERVICE, K_REVISION and K_CONFIGURATION come on top, and then the
	// function's own.
	Environment []string
	// Idle is how long a process stays without a request. Default: 30 s.
	Idle time.Duration
	// Start is how long a process may take to become ready, and how long a request waits for one. Default: 10 s.
	Start time.Duration
	// Grace is how long a process that was told to end (SIGTERM) may take before it is killed. Default: 15 s.
	Grace time.Duration
	// Output gets what the processes print, a line at a time. Default: nobody does.
	Output io.Writer
	// Colour gives each function's name in Output a colour of its own, for terminals.
	Colour bool
	// Changed is told when a function's Phase changes, in order for each function. It must neither block nor call the Supervisor. Default:
	// nobody is told.
	Changed func(State)
	// Log is told what happens. Default: nothing is logged.
	Log *slog.Logger
}

// Function is one program that serves HTTP/2 with prior knowledge on the port that PORT names, and answers 200 to GET /health/ready when
// it takes requests, as package fn/serve has it.
type Function struct {
	// Name is what logs call it and what K_SERVICE is.
	Name string
	// Host is the Host header of requests for it. Default: Name and ".local".
	Host string
	// Path is the program, Args its arguments.
	Path string
	Args []string
	// Environment is what only this function gets, as "NAME=value".
	Environment []string
}

const (
	defaultIdle  = 30 * time.Second
	defaultStart = 10 * time.Second
	defaultGrace = 15 * time.Second
)

// Validate reports every setting that makes no sense.
func (c Config) Validate() error {
	var faults []error
	if c.Listener == nil {
		faults = append(faults, errors.New("no Listener: want where requests come in"))
	}
	for name, d := range map[string]time.Duration{"Idle": c.Idle, "Start": c.Start, "Grace": c.Grace} {
		if d < 0 {
			faults = append(faults, fmt.Errorf("%s is %v: want 0 (the default) or more", name, d))
		}
	}
	for _, v := range c.Environment {
		if !strings.Contains(v, "=") {
			faults = append(faults, fmt.Errorf("environment %q: want NAME=value", v))
		}
	}
	return errors.Join(faults...)
}

func (c Config) withDefaults() Config {
	for _, d := range []struct {
		of *time.Duration
		is time.Duration
	}{{&c.Idle, defaultIdle}, {&c.Start, defaultStart}, {&c.Grace, defaultGrace}} {
		if *d.of == 0 {
			*d.of = d.is
		}
	}
	if c.Output == nil {
		c.Output = io.Discard
	}
	if c.Changed == nil {
		c.Changed = func(State) {}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}
