package client_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dubbofn/dubbofn/client"
	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/internal/tracetest"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/tracing"
)

func tracingClient(t *testing.T, r tracing.Tracer, change func(*client.Config)) *client.Client {
	t.Helper()
	cfg := client.Config{App: "consumer", Tracer: r, Log: slog.New(slog.DiscardHandler), ConnectTimeout: time.Second}
	if change != nil {
		change(&cfg)
	}
	c, err := client.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// closedPort is an address where nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestEachTryHasASpanWithItsProviderAsPeer(t *testing.T) {
	t.Parallel()
	provider := &tracetest.Recorder{Prefix: "p"}
	at := start(t, t.TempDir()+"/registry", "users", service(fn.Use(tracing.Provider(provider, nil)))).Dubbo.String()
	dead := closedPort(t)
	consumer := &tracetest.Recorder{Prefix: "c"}
	for range 8 { // whichever comes first by chance
		c := tracingClient(t, consumer, func(c *client.Config) { c.Lazy = true })
		s := refer(t, c, client.URL("dubbo://"+dead+"?weight=1000000", "dubbo://"+at+"?weight=1"), client.LoadBalance("random"))
		ctx, root := consumer.Start(t.Context(), tracing.Start{Kind: tracing.Local, Name: "root"})
		inv := &invoker.Invocation{Method: "getUser", Args: []any{int64(5)}}
		inv.Attachments.Set("mine", "1")
		if _, err := s.Invoke(ctx, inv); err != nil {
			t.Fatal(err)
		}
		root.End()
		if inv.Attachments.Get("sw8") != "" {
			t.Error("the caller's attachments have a try's span")
		}
	}
	entries, peers := provider.Spans(), map[string]int{}
	roots := map[string]bool{}
	for _, s := range consumer.Spans() {
		if s.Kind == tracing.Local {
			roots[s.ID] = true
			continue
		}
		peers[s.Peer]++
		if s.Kind != tracing.Exit || !roots[s.Parent] || s.Ended.IsZero() || s.Late || s.Name != users+".getUser(long)" || s.Component != tracing.ComponentDubbo ||
			s.Tags["url"] != "dubbo://"+s.Peer+"/"+s.Name || (s.Err != nil) != (s.Peer == dead) {
			t.Errorf("%+v", s)
		}
		if s.Peer == at {
			if len(entries) == 0 || entries[0].Trace != s.Trace || entries[0].Parent != s.ID || entries[0].Name != s.Name {
				t.Fatalf("%+v\n%+v", s, entries)
			}
			entries = entries[1:]
		}
	}
	if peers[at] != 8 || peers[dead] == 0 || len(entries) > 0 {
		t.Errorf("tries: %v, entries left %v", peers, entries)
	}
}

func TestSpansOfTriesTellTheirErrors(t *testing.T) {
	t.Parallel()
	at := start(t, t.TempDir()+"/registry", "users", service()).Dubbo.String()
	var consumer tracetest.Recorder
	s := refer(t, tracingClient(t, &consumer, nil), client.URL("dubbo://"+at), client.Timeout(100*time.Millisecond), client.Retries(0))
	for _, method := range []string{"fails", "slow", "nope"} {
		if err := s.Call(t.Context(), method, nil); err == nil {
			t.Errorf("%s did not fail", method)
		}
	}
	if err := s.OneWay(t.Context(), "nothing"); err != nil {
		t.Error(err)
	}
	var got []string
	for _, s := range consumer.Spans() {
		text := s.Name
		var e *invoker.Error
		var x *invoker.Exception
		switch {
		case errors.As(s.Err, &e):
			text += " " + e.Code.String()
		case errors.As(s.Err, &x):
			text += " threw"
		case s.Err != nil:
			text += s.Err.Error()
		}
		if s.Ended.IsZero() {
			text += " open"
		}
		got = append(got, text)
	}
	want := []string{users + ".fails() threw", users + ".slow() " + invoker.CodeTimeout.String(), users + ".nope() " + invoker.CodeNotFound.String(), users + ".nothing()"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWhatPassesOnIsTheTriesOwnSpanWithATracerOnly(t *testing.T) {
	t.Parallel()
	at := start(t, t.TempDir()+"/registry", "users", service()).Dubbo.String()
	within := func(key, value string) context.Context {
		inv := &invoker.Invocation{}
		inv.Attachments.Set(key, value)
		return invoker.NewContext(t.Context(), inv)
	}
	for _, traced := range []bool{false, true} {
		c := tracingClient(t, nil, nil)
		r := tracetest.Recorder{Prefix: "c"}
		if traced {
			c.Trace(&r)
		}
		s := refer(t, c, client.URL("dubbo://"+at))
		for key, want := range map[string]string{"sw8": "old/1", "traceparent": "00-old", "tx_xid": "9"} {
			var got string
			if err := s.Call(within(key, want), "attachment", &got, key); err != nil {
				t.Fatal(err)
			}
			if traced && key == "sw8" {
				last := r.Spans()[len(r.Spans())-1]
				want = last.Trace + "/" + last.ID
			}
			if got != want {
				t.Errorf("traced %t: %s is %q, want %q", traced, key, got, want)
			}
		}
	}
}

func TestAClientKeepsTheTracerThatItWasMadeWith(t *testing.T) {
	t.Parallel()
	at := start(t, t.TempDir()+"/registry", "users", service()).Dubbo.String()
	var own, other tracetest.Recorder
	c := tracingClient(t, &own, nil)
	c.Trace(&other)
	c.Trace(nil)
	if err := refer(t, c, client.URL("dubbo://"+at)).Call(t.Context(), "nothing", nil); err != nil {
		t.Fatal(err)
	}
	if len(own.Spans()) != 1 || len(other.Spans()) != 0 {
		t.Errorf("%d spans by its own, %d by the other", len(own.Spans()), len(other.Spans()))
	}
}
