package invoker

import (
	"context"
	"slices"
)

// Invoker runs one call. It is safe for concurrent use.
//
// The error is a *[Error] when the framework or the peer's framework failed, a *[Exception] when a Java method threw,
// and any other error when a Go function returned one. A Result may carry attachments beside an error.
// The context's deadline is the call's.
type Invoker interface {
	Invoke(ctx context.Context, inv *Invocation) (Result, error)
}

// Func is a function that is an [Invoker].
type Func func(ctx context.Context, inv *Invocation) (Result, error)

// Invoke calls f.
func (f Func) Invoke(ctx context.Context, inv *Invocation) (Result, error) { return f(ctx, inv) }

// Filter wraps an [Invoker] with another. It is applied once, at construction, never per call.
type Filter func(Invoker) Invoker

// Chain wraps last with filters; the first filter is the outermost, so it sees a call first and its result last.
func Chain(last Invoker, filters ...Filter) Invoker {
	for _, filter := range slices.Backward(filters) {
		last = filter(last)
	}
	return last
}
