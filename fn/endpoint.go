package fn

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"log/slog"
	"runtime/debug"
	"sync/atomic"

	"github.com/dubbofn/dubbofn/fn/event"
	"github.com/dubbofn/dubbofn/invoker"
)

// endpoint is one method of one service, ready to be called.
type endpoint struct {
	op     string // "call org.example.GreetService.greet", for errors
	chain  invoker.Invoker
	throws []thrown
	log    *atomic.Pointer[slog.Logger]
}

// newEndpoint folds the filters: the service's, the method's, the token, the function.
func newEndpoint(key invoker.ServiceKey, name string, filters []invoker.Filter, token string, throws []thrown, log *atomic.Pointer[slog.Logger], last invoker.Func) *endpoint {
	e := &endpoint{op: "call " + key.String() + "." + name, throws: throws, log: log}
	var inner invoker.Invoker = invoker.Func(func(ctx context.Context, inv *invoker.Invocation) (res invoker.Result, err error) {
		defer e.recover(ctx, &err)
		return last(ctx, inv)
	})
	if token != "" {
		inner = checkToken(token)(inner)
	}
	e.chain = invoker.Chain(inner, filters...)
	return e
}

// Invoke refuses what comes too late, runs the chain, and gives its errors the form that a provider answers with.
func (e *endpoint) Invoke(ctx context.Context, inv *invoker.Invocation) (res invoker.Result, err error) {
	if cause := ctx.Err(); cause != nil {
		code := invoker.CodeCanceled
		if errors.Is(cause, context.DeadlineExceeded) {
			code = invoker.CodeTimeout
		}
		return invoker.Result{}, invoker.Errorf(code, e.op, "no time left, not run: %w", cause)
	}
	res, err = e.run(ctx, inv)
	if err != nil {
		event.KeepFailure(ctx, err)
		err = e.answer(ctx, err)
	}
	return res, err
}

// run has a recover of its own, so that a panic in a filter ends the call and not the process.
func (e *endpoint) run(ctx context.Context, inv *invoker.Invocation) (res invoker.Result, err error) {
	defer e.recover(ctx, &err)
	return e.chain.Invoke(ctx, inv)
}

// answer is outcome, for errors whose own methods may panic.
func (e *endpoint) answer(ctx context.Context, cause error) (err error) {
	defer func() {
		if err == errFailed { //nolint:errorlint // set by recover as it is
			err = &invoker.Exception{Class: runtimeException, Message: errFailed.Error()}
		}
	}()
	defer e.recover(ctx, &err)
	return outcome(ctx, e.op, cause, e.throws)
}

// errFailed is all that a caller learns of a panic.
var errFailed error = failed{}

type failed struct{}

func (failed) Error() string { return "method failed" }

// Panicked lets filters tell it from other errors.
func (failed) Panicked() {}

// recover turns a panic into errFailed. It must be deferred itself.
func (e *endpoint) recover(ctx context.Context, err *error) {
	p := recover()
	if p == nil {
		return
	}
	e.log.Load().ErrorContext(ctx, "method panicked", "op", e.op, "panic", p, "stack", string(debug.Stack()))
	*err = errFailed
}

// checkToken refuses calls that don't carry the token (Java: TokenFilter, 3.3), in a time that tells nothing of it. The answer
// tells nothing either.
func checkToken(token string) invoker.Filter {
	want := sha256.Sum256([]byte(token))
	return func(next invoker.Invoker) invoker.Invoker {
		return invoker.Func(func(ctx context.Context, inv *invoker.Invocation) (invoker.Result, error) {
			got := sha256.Sum256([]byte(inv.Attachments.Get("token")))
			if subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
				return invoker.Result{}, invoker.Errorf(invoker.CodeUnauthenticated, "", "refused")
			}
			return next.Invoke(ctx, inv)
		})
	}
}
