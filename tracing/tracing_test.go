package tracing_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/tracing"
)

// note is a tracer that remembers.
type note struct {
	starts []tracing.Start
	read   []string
	failed []error
	ended  int
	tags   map[string]string
}

func (n *note) Start(ctx context.Context, s tracing.Start) (context.Context, tracing.Span) {
	n.starts = append(n.starts, s)
	switch s.Kind {
	case tracing.Entry:
		n.read = append(n.read, s.Carrier.Get(tracing.KeySW8))
	case tracing.Exit:
		s.Carrier.Set(tracing.KeySW8, "of "+s.Peer)
	}
	return tracing.Within(ctx, n), n
}

func (n *note) IDs() (trace, span string) { return "t", "s" }

func (n *note) Flush(context.Context) error { return nil }
func (n *note) Close(context.Context) error { return nil }
func (n *note) Tag(k, v string) {
	if n.tags == nil {
		n.tags = map[string]string{}
	}
	n.tags[k] = v
}

func (n *note) Fail(err error) {
	if err != nil {
		n.failed = append(n.failed, err)
	}
}
func (n *note) End() { n.ended++ }

func TestEndpointsAreNamedAsTheJavaAgentNamesThem(t *testing.T) {
	t.Parallel()
	key := invoker.ServiceKey{Interface: "demo.Greeter", Version: "1.0.0"}
	for descriptor, want := range map[string]string{
		"":                                      "demo.Greeter.greet()",
		"Ljava/lang/String;":                    "demo.Greeter.greet(String)",
		"Ljava/lang/String;I[J[[Ldemo/A$B;":     "demo.Greeter.greet(String,int,long[],B[][])",
		"Ljava/util/Map;ZLjava/lang/Integer;[B": "demo.Greeter.greet(Map,boolean,Integer,byte[])",
		"Ljava/lang/String":                     "demo.Greeter.greet()",
		"[":                                     "demo.Greeter.greet()",
		"Q":                                     "demo.Greeter.greet()",
	} {
		if got := tracing.EndpointOf(key, "greet", descriptor); got != want {
			t.Errorf("%q: %s, want %s", descriptor, got, want)
		}
	}
	key.Group = "blue"
	if got := tracing.EndpointOf(key, "greet", ""); got != "blue/demo.Greeter.greet()" {
		t.Error(got)
	}
}

func TestAnArrivingCallContinuesWhatItsAttachmentsTell(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]any{"a string": "x", "a list of strings": []string{"x"}, "a decoded list": []any{"x", 1}} {
		var n note
		broken := errors.New("broken")
		chain := invoker.Chain(invoker.Func(func(ctx context.Context, _ *invoker.Invocation) (invoker.Result, error) {
			if trace, span := tracing.IDs(ctx); trace != "t" || span != "s" {
				t.Errorf("%s: the function is within %q %q", name, trace, span)
			}
			return invoker.Result{}, broken
		}), tracing.Provider(&n, func() string { return "here:1" }))
		inv := &invoker.Invocation{Service: invoker.ServiceKey{Interface: "a.B"}, Method: "c", Caller: invoker.Caller{Address: "10.0.0.1:5"}}
		inv.Attachments.Set("sw8", value)
		if _, err := chain.Invoke(t.Context(), inv); !errors.Is(err, broken) {
			t.Error(err)
		}
		if d := cmp.Diff([]string{"x"}, n.read); d != "" || n.ended != 1 || len(n.failed) != 1 || n.starts[0].Name != "a.B.c()" || n.starts[0].Peer != "10.0.0.1:5" || n.tags["url"] != "dubbo://here:1/a.B.c()" {
			t.Errorf("%s: %s%+v", name, d, n)
		}
	}
}

func TestStrangeAttachmentsCarryNothing(t *testing.T) {
	t.Parallel()
	for _, value := range []any{nil, 7, []string{}, []any{}, []any{7}, map[any]any{}, string(make([]byte, 1<<20))} {
		var a invoker.Attachments
		a.Set("sw8", value)
		if got := tracing.Attachments(&a).Get("sw8"); got != "" {
			t.Errorf("%T: %d bytes", value, len(got))
		}
	}
}

func TestEachTryHasAttachmentsOfItsOwn(t *testing.T) {
	t.Parallel()
	var n note
	inv := &invoker.Invocation{Service: invoker.ServiceKey{Interface: "a.B"}, Method: "c"}
	inv.Attachments.Set("sw8", "of the caller")
	_, one, end1 := tracing.Call(t.Context(), &n, "h:1", inv, time.Time{})
	_, two, end2 := tracing.Call(t.Context(), &n, "h:2", inv, time.Time{})
	end1(errors.New("gone"))
	end2(nil)
	got := []string{inv.Attachments.Get("sw8"), one.Attachments.Get("sw8"), two.Attachments.Get("sw8"), n.tags["url"]}
	if d := cmp.Diff([]string{"of the caller", "of h:1", "of h:2", "dubbo://h:2/a.B.c()"}, got); d != "" || n.ended != 2 || len(n.failed) != 1 {
		t.Errorf("%s%+v", d, n)
	}
}

func TestWithoutATracerNothingIsWrapped(t *testing.T) {
	t.Parallel()
	var last invoker.Invoker = fixed{}
	if got := tracing.Provider(nil, nil)(last); got != last {
		t.Error("there is a filter")
	}
}

type fixed struct{}

func (fixed) Invoke(context.Context, *invoker.Invocation) (invoker.Result, error) {
	return invoker.Result{}, nil
}
