package console

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
)

// Mode is what the console may do.
type Mode string

// The modes.
const (
	Off  Mode = "off"  // there is no console
	Read Mode = "read" // it shows
	Call Mode = "call" // it calls methods too
)

// MinTokenBytes is how short a token may be: it is all that is between a stranger and what the console may do.
const MinTokenBytes = 12

// Config says what the console shows, and to whom. Token and API are needed; in mode Call, Dial is.
type Config struct {
	// Mode is Read or Call. Default: Read.
	Mode Mode
	// Token is what whoever looks must show.
	Token string
	// API answers the activator's /api/….
	API http.Handler
	// Dial connects to where an application is served.
	Dial func(ctx context.Context, app string) (net.Conn, error)
	// Doctor gives doctor's findings, which are shown as their JSON. Default: there is none.
	Doctor func(context.Context) (any, error)
	// Log is told of refused logins and of calls. Default: nothing is logged.
	Log *slog.Logger
}

// Validate reports every setting that makes no sense.
func (c Config) Validate() error {
	var faults []error
	if c.Mode != "" && c.Mode != Read && c.Mode != Call {
		faults = append(faults, fmt.Errorf("console: mode %q: want read or call", c.Mode))
	}
	if len(c.Token) < MinTokenBytes {
		faults = append(faults, fmt.Errorf("console: the token has %d bytes: want %d or more", len(c.Token), MinTokenBytes))
	}
	if c.API == nil {
		faults = append(faults, errors.New("console: API is nil"))
	}
	if c.Mode == Call && c.Dial == nil {
		faults = append(faults, errors.New("console: Dial is nil: calls have nowhere to go"))
	}
	return errors.Join(faults...)
}
