package fn_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/invoker"
)

// call looks a method up and invokes it as the wire does.
func call(t *testing.T, set *fn.Set, service, method, descriptor string, args ...any) (invoker.Result, error) {
	t.Helper()
	return callWith(t, t.Context(), set, service, method, descriptor, nil, args...)
}

func callWith(t *testing.T, ctx context.Context, set *fn.Set, service, method, descriptor string, attachments map[string]any, args ...any) (invoker.Result, error) { //nolint:revive // t first, as testing wants it
	t.Helper()
	key, err := invoker.ParseServiceKey(service)
	if err != nil {
		t.Fatal(err)
	}
	i, sig, err := set.Lookup([]byte(key.Interface), []byte(key.Version), []byte(method), []byte(descriptor))
	if err != nil {
		return invoker.Result{}, err
	}
	if len(sig.Params) != len(args) {
		t.Fatalf("%s has %d parameters; want %d", method, len(sig.Params), len(args))
	}
	inv := &invoker.Invocation{Service: key, Method: method, Descriptor: descriptor, Args: args}
	for k, v := range attachments {
		inv.Attachments.Set(k, v)
	}
	res, err := i.Invoke(invoker.NewContext(ctx, inv), inv)
	res.Attachments = inv.Reply
	return res, err
}

func codeOf(t *testing.T, err error) invoker.Code {
	t.Helper()
	c, ok := invoker.CodeOf(err)
	if !ok {
		t.Fatalf("error %v (%T) has no code", err, err)
	}
	return c
}

func TestEveryShapeOfFunctionIsCalled(t *testing.T) {
	t.Parallel()
	var seen string
	set := newSet(t, fn.NewService("org.x.S",
		fn.Method("void", func() error { seen = "void"; return nil }),
		fn.Method("context", func(ctx context.Context) (string, error) { return invoker.FromContext(ctx).Method, nil }),
		fn.Method("several", func(_ context.Context, a string, b int32, c *float64, d []int64) (string, error) {
			return fmt.Sprint(a, b, c == nil, d), nil
		}),
		fn.Method("variadic", func(prefix string, v ...int32) (int, error) { return len(prefix) + len(v), nil }),
		fn.Method("dynamic", func(v any) (any, error) { return v, nil }),
		fn.Method("object", func(p *person) (*person, error) { return p, nil }),
		fn.Method("array", func(v []string) ([]string, error) { return v, nil }),
	))
	p := &person{Name: "Ann"}
	for _, c := range []struct {
		method, descriptor string
		args               []any
		want               any
	}{
		{"void", "", nil, nil},
		{"context", "", nil, "context"},
		{"several", "Ljava/lang/String;ILjava/lang/Double;[J", []any{"a", int32(2), (*float64)(nil), []int64{3}}, "a2 true [3]"},
		{"several", "Ljava/lang/String;ILjava/lang/Double;[J", []any{"a", int32(2), nil, nil}, "a2 true []"},
		{"variadic", "Ljava/lang/String;[I", []any{"ab", []int32{1, 2, 3}}, 5},
		{"variadic", "Ljava/lang/String;[I", []any{"ab", []int32(nil)}, 2},
		{"dynamic", "Ljava/lang/Object;", []any{nil}, nil},
		{"dynamic", "Ljava/lang/Object;", []any{p}, p},
		{"object", "Lorg/x/person;", []any{p}, p},
		{"array", "[Ljava/lang/String;", []any{[]string{"x"}}, []string{"x"}},
		{"array", "Ljava/util/List;", []any{[]string{"x"}}, []string{"x"}},
	} {
		res, err := call(t, set, "org.x.S", c.method, c.descriptor, c.args...)
		if err != nil {
			t.Errorf("%s(%v): %v", c.method, c.args, err)
			continue
		}
		if diff := cmp.Diff(c.want, res.Value); diff != "" {
			t.Errorf("%s(%v): %s", c.method, c.args, diff)
		}
	}
	if seen != "void" {
		t.Error("void did not run")
	}
}

func TestArgumentsOfOtherTypesAreRefusedNotRun(t *testing.T) {
	t.Parallel()
	set := newSet(t, fn.NewService("org.x.S", fn.Method("m", hello)))
	i, _, err := set.Lookup([]byte("org.x.S"), nil, []byte("m"), []byte("Ljava/lang/String;"))
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]any{{int32(1)}, {}, {"a", "b"}} {
		_, err := i.Invoke(t.Context(), &invoker.Invocation{Args: args})
		if codeOf(t, err) != invoker.CodeBadRequest {
			t.Errorf("m(%v): %v; want bad request", args, err)
		}
	}
}

func TestAttachmentsAndCallerReachTheFunctionAndReplyGoesBack(t *testing.T) {
	t.Parallel()
	set := newSet(t, fn.NewService("org.x.S", fn.Method("m", func(ctx context.Context) (any, error) {
		inv := invoker.FromContext(ctx)
		inv.Reply.Set("pong", "yes")
		v, _ := inv.Attachments.Value("n")
		return v, nil
	})))
	res, err := callWith(t, t.Context(), set, "org.x.S", "m", "", map[string]any{"n": int32(7)})
	if err != nil || res.Value != int32(7) || res.Attachments.Get("pong") != "yes" {
		t.Errorf("m() = %v, %v, pong %q; want 7 and yes", res.Value, err, res.Attachments.Get("pong"))
	}
}

func TestTheRightTokenIsNeeded(t *testing.T) {
	t.Parallel()
	ran := false
	set := newSet(t, fn.NewService("org.x.S", fn.Token("s3cret"), fn.Method("m", func() error { ran = true; return nil })))
	for _, c := range []struct {
		token any
		ok    bool
	}{{"s3cret", true}, {"s3cre", false}, {"", false}, {nil, false}, {int32(3), false}} {
		for _, method := range []string{"m", "$echo", "$invoke"} {
			ran = false
			descriptor, args := "", []any(nil)
			switch method {
			case "$echo":
				descriptor, args = "Ljava/lang/Object;", []any{"x"}
			case "$invoke":
				descriptor, args = genericDescriptor, []any{"m", []string{}, []any{}}
			}
			var attachments map[string]any
			if c.token != nil {
				attachments = map[string]any{"token": c.token}
			}
			_, err := callWith(t, t.Context(), set, "org.x.S", method, descriptor, attachments, args...)
			if c.ok != (err == nil) {
				t.Errorf("%s with token %v: %v; want ok=%v", method, c.token, err, c.ok)
			}
			if err != nil {
				if codeOf(t, err) != invoker.CodeUnauthenticated || strings.Contains(err.Error(), "s3c") || strings.Contains(err.Error(), "org.x") {
					t.Errorf("%s with token %v: %v; want unauthenticated, and nothing told", method, c.token, err)
				}
				if ran {
					t.Errorf("%s with token %v ran the function", method, c.token)
				}
			}
		}
	}
}

func TestCallsWithNoTimeLeftAreNotRun(t *testing.T) {
	t.Parallel()
	ran := false
	set := newSet(t, fn.NewService("org.x.S", fn.Method("m", func() error { ran = true; return nil })))
	late, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	_, err := callWith(t, late, set, "org.x.S", "m", "", nil)
	var e *invoker.Error
	if !errors.As(err, &e) || e.Code != invoker.CodeTimeout || e.MaybeExecuted || ran {
		t.Errorf("a late call: %v, ran %v; want a timeout that has not run", err, ran)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err = callWith(t, gone, set, "org.x.S", "m", "", nil); codeOf(t, err) != invoker.CodeCanceled || ran {
		t.Errorf("a canceled call: %v, ran %v; want canceled", err, ran)
	}
}

func TestADeadlineThatPassesWhileRunningIsATimeout(t *testing.T) {
	t.Parallel()
	set := newSet(t, fn.NewService("org.x.S", fn.Method("m", func(ctx context.Context) error {
		<-ctx.Done()
		return fmt.Errorf("asked the database: %w", ctx.Err())
	})))
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_, err := callWith(t, ctx, set, "org.x.S", "m", "", nil)
	var e *invoker.Error
	if !errors.As(err, &e) || e.Code != invoker.CodeTimeout || !e.MaybeExecuted || !strings.Contains(e.Error(), "org.x.S.m") {
		t.Errorf("%v; want a timeout that may have run and names the method", err)
	}
}

// record is a slog handler that keeps its text.
type record struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.buf.Write(p)
}

func TestAPanicTellsTheLogAndNotTheCaller(t *testing.T) {
	t.Parallel()
	boom := func() error { panic("secret-42") }
	filter := func(invoker.Invoker) invoker.Invoker {
		return invoker.Func(func(context.Context, *invoker.Invocation) (invoker.Result, error) { panic("secret-42") })
	}
	set := newSet(t, fn.NewService("org.x.S",
		fn.Method("function", boom),
		fn.Method("filter", func() error { return nil }, fn.Use(filter)),
		fn.Method("error", func() error { return (*bizError)(nil) }, fn.Throws[*bizError]()),
	))
	for _, method := range []string{"function", "filter", "error"} {
		var log record
		set.Logger(slog.New(slog.NewTextHandler(&log, nil)))
		_, err := call(t, set, "org.x.S", method, "")
		var e *invoker.Exception
		if !errors.As(err, &e) || e.Class != "java.lang.RuntimeException" || e.Message != "method failed" {
			t.Errorf("%s: %v; want method failed", method, err)
		}
		if text := log.buf.String(); !strings.Contains(text, "org.x.S."+method) || !strings.Contains(text, "call_test.go") && method != "error" {
			t.Errorf("%s: the log has no stack: %s", method, text)
		}
	}
}

func TestFiltersSeeTheErrorThatTheFunctionReturned(t *testing.T) {
	t.Parallel()
	cause := errors.New("no such order")
	var seen error
	watch := func(next invoker.Invoker) invoker.Invoker {
		return invoker.Func(func(ctx context.Context, inv *invoker.Invocation) (invoker.Result, error) {
			res, err := next.Invoke(ctx, inv)
			seen = err
			return res, err
		})
	}
	set := newSet(t, fn.NewService("org.x.S", fn.Method("m", func() error { return cause }, fn.Use(watch))))
	_, err := call(t, set, "org.x.S", "m", "")
	if !errors.Is(seen, cause) {
		t.Errorf("the filter saw %v; want the function's own error", seen)
	}
	var e *invoker.Exception
	if !errors.As(err, &e) {
		t.Errorf("the caller got %v; want an exception", err)
	}
}

func TestAFilterMayAnswerInstead(t *testing.T) {
	t.Parallel()
	full := func(invoker.Invoker) invoker.Invoker {
		return invoker.Func(func(context.Context, *invoker.Invocation) (invoker.Result, error) {
			return invoker.Result{}, invoker.Errorf(invoker.CodeExhausted, "limit", "3 in flight (limit 3)")
		})
	}
	set := newSet(t, fn.NewService("org.x.S", fn.Use(full), fn.Method("m", hello)))
	if _, err := call(t, set, "org.x.S", "m", "Ljava/lang/String;", "x"); codeOf(t, err) != invoker.CodeExhausted {
		t.Errorf("%v; want exhausted", err)
	}
}

func TestEveryServiceEchoes(t *testing.T) {
	t.Parallel()
	set := newSet(t, fn.NewService("org.x.S", fn.Method("m", hello)))
	for _, v := range []any{"ping", nil, int32(4), []any{"a"}} {
		res, err := call(t, set, "org.x.S", "$echo", "Ljava/lang/Object;", v)
		if err != nil || !cmp.Equal(res.Value, v) {
			t.Errorf("$echo(%v) = %v, %v", v, res.Value, err)
		}
	}
}

func TestGroupsAreServedApart(t *testing.T) {
	t.Parallel()
	whoami := func(name string) fn.Option { return fn.Method("whoami", func() (string, error) { return name, nil }) }
	set := newSet(t,
		fn.NewService("org.x.S", whoami("plain")),
		fn.NewService("org.x.S", fn.Version("2.0.0"), fn.Group("g1"), whoami("g1-2")),
		fn.NewService("org.x.S", fn.Version("2.0.0"), fn.Group("g2"), whoami("g2-2")))
	for service, want := range map[string]string{"org.x.S": "plain", "org.x.S:0.0.0": "plain", "g1/org.x.S:2.0.0": "g1-2", "g2/org.x.S:2.0.0": "g2-2"} {
		if res, err := call(t, set, service, "whoami", ""); err != nil || res.Value != want {
			t.Errorf("%s: %v, %v; want %s", service, res.Value, err, want)
		}
	}
	for service, want := range map[string]string{
		"g3/org.x.S:2.0.0": `group "g3"; it is in group "g1", group "g2"`,
		"org.x.S:2.0.0":    `no group; it is in group "g1"`,
		"g1/org.x.S":       `it is in no group`,
		"g1/org.x.S:3.0.0": `no version "3.0.0" of org.x.S; there is g1/org.x.S:2.0.0, g2/org.x.S:2.0.0, org.x.S`,
	} {
		_, err := call(t, set, service, "whoami", "")
		if codeOf(t, err) != invoker.CodeNotFound || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want not found, saying %q", service, err, want)
		}
	}
}
