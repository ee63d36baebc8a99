package invoker

import "context"

// Invocation is one call on its way. It belongs to the call: filters may change it, nobody keeps it afterwards.
type Invocation struct {
	Service     ServiceKey
	Method      string      // the Java method's name: "greet"
	Descriptor  string      // its parameters as the JVM writes them: "Ljava/lang/String;I"; empty when unknown
	Args        []any       // one value a parameter
	Attachments Attachments // what the caller sent beside the arguments
	Reply       Attachments // what goes back beside the result (provider side)
	OneWay      bool        // the caller waits for no answer
	Caller      Caller      // who calls (provider side); zero on the consumer side
	Path        string      // consumer side: what the provider exports the service under; empty where that is the interface
	Countdown   Countdown   // consumer side: whether the provider holds its own calls to the time that is left
	Into        any         // consumer side: a pointer that the result is decoded into; nil for the dynamic form in Result.Value
}

// Countdown says whether a provider that is called is told to count down: to hold the calls that it makes meanwhile to the time that is
// left of this one (Java: enable-timeout-countdown, attachment _TO).
type Countdown uint8

// What a Countdown may be.
const (
	CountdownInherited Countdown = iota // as the call that this one is made within, if any
	CountdownOn
	CountdownOff
)

// Caller is what a provider knows of its consumer.
type Caller struct {
	Application string // attachment "remote.application", else "application"; empty when the consumer does not tell
	Address     string // "ip:port" of the connection, or what a trusted activator reported
}

// Result is what came back. Value is nil for void, for null, and beside an error.
type Result struct {
	Value       any
	Attachments Attachments
}

type contextKey struct{}

// NewContext returns a context that carries inv to the user's function.
func NewContext(ctx context.Context, inv *Invocation) context.Context {
	return context.WithValue(ctx, contextKey{}, inv)
}

// FromContext gives the invocation that a function is running for: its attachments, its caller, and Reply to answer with
// attachments. It is nil outside a call. The value is the call's own: it must not be used after the function returned.
func FromContext(ctx context.Context) *Invocation {
	inv, _ := ctx.Value(contextKey{}).(*Invocation)
	return inv
}
