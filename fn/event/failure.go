package event

import "context"

// Failure is what a function itself returned as its error, before it was made a Java exception: whoever retries wants to know more than a consumer is told.
type Failure struct{ Err error }

type failureKey struct{}

// WithFailure returns a context in which a call's own error is kept.
func WithFailure(ctx context.Context) (context.Context, *Failure) {
	f := new(Failure)
	return context.WithValue(ctx, failureKey{}, f), f
}

// KeepFailure keeps it, where somebody wants to know.
func KeepFailure(ctx context.Context, err error) {
	if f, ok := ctx.Value(failureKey{}).(*Failure); ok {
		f.Err = err
	}
}
