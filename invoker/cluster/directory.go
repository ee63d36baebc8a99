// Package cluster sends a call to one of the providers of a service.
package cluster

import (
	"context"
	"errors"

	"github.com/dubbofn/dubbofn/cold"
	"github.com/dubbofn/dubbofn/invoker"
)

// Conn is a connection to a provider that calls can be sent on; *dubbo.Conn is one.
type Conn interface {
	invoker.Invoker
	cold.Conn
}

// Directory knows the providers of one service. Safe for concurrent use.
type Directory interface {
	// Snapshot gives what is known now; never nil. It is cheap: nothing is computed or copied.
	Snapshot() *Snapshot
	// Ready waits for the first answer of a registry, whatever it says. Its error tells why there is none when ctx ends.
	Ready(ctx context.Context) error
	// Close stops following and gives connections back. It is idempotent and waits for what was started.
	Close() error
}

// Snapshot is what a [Directory] knows at one moment. Nothing of it is ever changed: a change is another Snapshot.
type Snapshot struct {
	Providers []*Provider // sorted by address
	Routers   []Router    // in the order in which they narrow a call's choice
	Err       error       // why there are no providers; nil where there are some
}

// Router narrows the providers that a call may go to. It is a value that never changes; a new rule is a new Router.
// Safe for concurrent use.
type Router interface {
	// AppendKey appends what of the call decides where it goes. Calls with the same key are routed alike, so that the
	// outcome is kept: what does not matter to the rule must not be in it.
	AppendKey(key []byte, inv *invoker.Invocation) []byte
	// Route gives the providers that are left, in their order: in itself when none is ruled out. It changes nothing. Of several
	// shares each call gets one, by chance; no share means that no provider is left.
	Route(inv *invoker.Invocation, in []*Provider) []Share
}

// Share is providers, and how many calls are for them in proportion to other shares.
type Share struct {
	Weight    int // at least 1
	Providers []*Provider
}

// Whole is the share of a router that doesn't part the calls.
func Whole(providers []*Provider) []Share { return []Share{{Weight: 1, Providers: providers}} }

// ErrNoProvider is within the error of a call that no provider was there for.
var ErrNoProvider = errors.New("no provider")
