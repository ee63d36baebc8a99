package keeper

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/dubbofn/dubbofn/invoker/dubbo"
	"github.com/dubbofn/dubbofn/registry/hint"
)

// Config says what a [Keeper] keeps, and for whom. Zero fields mean the defaults.
type Config struct {
	// Apps gives the applications that may use it, each with its token. It is asked at every connection, so it may change. Required.
	Apps func() []App
	// TLS gives what to speak TLS with on behalf of an application. What name a certificate must have is added by the keeper, where the borrower says it. Default: no TLS.
	TLS func(app string) (*tls.Config, error)
	// Registries are followed for what functions need, by the URL without credentials that functions know them by. Default: none.
	Registries map[string]hint.Source
	// UIDs are the users whose processes may use a unix socket. Default: the keeper's own, and root. A negative one stands for all.
	UIDs []int
	Log  *slog.Logger // Default: nothing is logged

	Heartbeat   time.Duration // as a consumer's. Default: 60 s, as Dubbo has it
	DialTimeout time.Duration // for an attempt to connect. Default: 3 s
	BackoffMin  time.Duration // the pause after a failed attempt, doubled with each, up to BackoffMax. Default: 200 ms
	BackoffMax  time.Duration // Default: 30 s
	LoanPause   time.Duration // a process that has just begun has the machine to itself for so long before what it was lent is made anew. Default: 50 ms
	GiveUpAfter time.Duration // a target that fails for so long is forgotten until somebody wants it again. Default: 10 min
	Forget      time.Duration // a target, or a thing of a registry, that nobody wanted for so long is forgotten. Default: 24 h
	CallTimeout time.Duration // how long a relayed call is waited for that says nothing of its time. Default: 10 min

	MaxConns    int // borrowers' connections. Default: 1024
	MaxPerApp   int // of one application. Default: 256
	MaxTargets  int // of one application. Default: 256
	MaxWatches  int // things of registries that are followed for one application. Default: 1024
	MaxChannels int // of one borrower. Default: 1024
	MaxInFlight int // relayed calls of one borrower. Default: 4096
	MaxBytes    int // of a frame's body, in either direction. Default: 8 MiB
	PeerBytes   int // held for one borrower, in each direction: frames that are arriving, answers that it does not read. Default: 32 MiB
	TotalBytes  int // answers that borrowers do not read, in all. Default: 256 MiB
}

// Validate reports every setting that makes no sense.
func (c Config) Validate() error {
	var faults []error
	if c.Apps == nil {
		faults = append(faults, errors.New("no Apps: nobody could use the keeper"))
	}
	for name, d := range map[string]time.Duration{
		"Heartbeat": c.Heartbeat, "DialTimeout": c.DialTimeout, "BackoffMin": c.BackoffMin, "BackoffMax": c.BackoffMax, "LoanPause": c.LoanPause, "GiveUpAfter": c.GiveUpAfter,
		"Forget": c.Forget, "CallTimeout": c.CallTimeout,
	} {
		if d < 0 {
			faults = append(faults, fmt.Errorf("%s %v: want a positive duration, or 0 for the default", name, d))
		}
	}
	for name, n := range map[string]int{
		"MaxConns": c.MaxConns, "MaxPerApp": c.MaxPerApp, "MaxTargets": c.MaxTargets, "MaxWatches": c.MaxWatches, "MaxChannels": c.MaxChannels,
		"MaxInFlight": c.MaxInFlight, "MaxBytes": c.MaxBytes, "PeerBytes": c.PeerBytes, "TotalBytes": c.TotalBytes,
	} {
		if n < 0 || n > 1<<30 {
			faults = append(faults, fmt.Errorf("%s %d: want 1 to %d, or 0 for the default", name, n, 1<<30))
		}
	}
	if c.BackoffMax > 0 && c.BackoffMin > c.BackoffMax {
		faults = append(faults, fmt.Errorf("BackoffMin %v: want at most BackoffMax, %v", c.BackoffMin, c.BackoffMax))
	}
	return errors.Join(faults...)
}

func (c Config) withDefaults() Config {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	set(&c.Heartbeat, time.Minute)
	set(&c.DialTimeout, 3*time.Second)
	set(&c.BackoffMin, 200*time.Millisecond)
	set(&c.BackoffMax, max(30*time.Second, c.BackoffMin))
	set(&c.LoanPause, 50*time.Millisecond)
	set(&c.GiveUpAfter, 10*time.Minute)
	set(&c.Forget, 24*time.Hour)
	set(&c.CallTimeout, 10*time.Minute)
	set(&c.MaxConns, 1024)
	set(&c.MaxPerApp, 256)
	set(&c.MaxTargets, 256)
	set(&c.MaxWatches, 1024)
	set(&c.MaxChannels, 1024)
	set(&c.MaxInFlight, 4096)
	set(&c.MaxBytes, dubbo.DefaultMaxBytes)
	set(&c.PeerBytes, 32<<20)
	set(&c.TotalBytes, 256<<20)
	return c
}

func set[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
