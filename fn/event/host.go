package event

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/tracing"
)

// Host is what a process offers to whatever brings it events. Everything in it is safe for concurrent use.
type Host struct {
	App, Instance string
	// Rules are those that stand in code (fn.OnEvent), each with its service.
	Rules []Rule
	// Method gives a method of the process's own services. own is false where the service is none of them; the error then is nil.
	Method func(t Target) (m Method, own bool, err error)
	// ReadHessian reads one value in Hessian's dynamic form.
	ReadHessian func(b []byte) (any, error)
	// Local runs one call of the process's own services as one that came by a frame: the same filters, the same limit of calls, the same drain. The
	// invocation has a Service, a Method, a Descriptor and arguments of the method's Go types.
	Local invoker.Invoker
	// Remote gives what calls a service of somebody else's; nil where the program has no client among its parts.
	Remote func(ctx context.Context, key invoker.ServiceKey) (invoker.Invoker, error)
	// Tracer makes spans; nil: none.
	Tracer tracing.Tracer
	Log    *slog.Logger
	// Observe is told of each event that was answered; rule is "" where none fitted. outcome is a word of a closed set. nil: nobody is told.
	Observe func(rule, outcome string, took time.Duration)
}

// Method is one method of a process's own services.
type Method struct {
	Descriptor string
	Parameters []string // Java's types
	Void       bool
	Timeout    time.Duration // as published: what a call may take
	// Argument makes a value of the ith parameter's type from what encoding/json gives (numbers as json.Number), or from what Hessian does.
	Argument func(i int, v any) (any, error)
	// FromJSON is Argument, straight from a text, for the types that it is possible for. Where ok is false Argument says what is wrong, if anything is.
	FromJSON func(i int, text []byte) (v any, ok bool)
	// ToJSON writes a result, for the types that it is possible for.
	ToJSON func(v any) (text []byte, ok bool)
	// Result gives a result as maps, lists and plain values, as Java's generic callers get it.
	Result func(v any) (any, error)
}

// Receiver is a part of a program that takes events, as cloudevent.Events() is. One that also has the method Filter() invoker.Filter has it around every
// method of the program, so that whatever calls them they can send events.
type Receiver interface {
	Name() string
	// Open checks everything, reports every fault at once, and begins to take events from where the environment says. ctx bounds the opening.
	Open(ctx context.Context, h Host) (Running, error)
}

// Running takes events: over HTTP as the Handler of "/", for POST and OPTIONS.
type Running interface {
	http.Handler
	// Drain takes no more events from brokers, refuses those that come over HTTP with status 503, and returns when those under way have ended, or with ctx's
	// error. It is called once.
	Drain(ctx context.Context) error
	// Close follows, once no method runs any more: until then they may send events.
	Close(ctx context.Context) error
}
