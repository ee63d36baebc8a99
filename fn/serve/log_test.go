package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"strings"
	"testing"
	"testing/slogtest"

	"github.com/google/go-cmp/cmp"

	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/tracing"
)

// numbered is a span that tells logs who it is.
type numbered struct{ tracing.Span }

func (numbered) IDs() (trace, span string) { return "7c9e.1", "42" }

func inCall(ctx context.Context) context.Context {
	inv := &invoker.Invocation{Service: invoker.ServiceKey{Interface: greetService, Version: "1"}, Method: "hello"}
	return invoker.NewContext(tracing.Within(ctx, numbered{}), inv)
}

// line reads the only line that was logged, without its time.
func line(t *testing.T, b *bytes.Buffer) map[string]any {
	t.Helper()
	var got map[string]any
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	delete(got, "time")
	delete(got, "level")
	return got
}

func TestLinesTellTheirCall(t *testing.T) {
	t.Parallel()
	call := map[string]any{"trace_id": "7c9e.1", "span_id": "42", "service": greetService, "method": "hello"}
	with := func(more map[string]any) map[string]any {
		all := map[string]any{"msg": "sold"}
		for _, m := range []map[string]any{call, more} {
			maps.Copy(all, m)
		}
		return all
	}
	for name, c := range map[string]struct {
		log  func(ctx context.Context, l *slog.Logger)
		want map[string]any
	}{
		"plain":       {func(ctx context.Context, l *slog.Logger) { l.InfoContext(ctx, "sold", "n", 3) }, with(map[string]any{"n": 3.0})},
		"with":        {func(ctx context.Context, l *slog.Logger) { l.With("shop", "a").InfoContext(ctx, "sold") }, with(map[string]any{"shop": "a"})},
		"said itself": {func(ctx context.Context, l *slog.Logger) { l.InfoContext(ctx, "sold", "method", "mine") }, with(map[string]any{"method": "mine"})},
		"group":       {func(ctx context.Context, l *slog.Logger) { l.WithGroup("g").InfoContext(ctx, "sold", "n", 3) }, with(map[string]any{"g": map[string]any{"n": 3.0}})},
		"in a group": {func(ctx context.Context, l *slog.Logger) {
			l.With("x", 1).WithGroup("g").With("y", 2).WithGroup("h").InfoContext(ctx, "sold", "z", 3)
		}, with(map[string]any{"x": 1.0, "g": map[string]any{"y": 2.0, "h": map[string]any{"z": 3.0}}})},
		"no call":        {func(_ context.Context, l *slog.Logger) { l.Info("sold") }, map[string]any{"msg": "sold"}},
		"no call, group": {func(_ context.Context, l *slog.Logger) { l.WithGroup("g").Info("sold", "n", 3) }, map[string]any{"msg": "sold", "g": map[string]any{"n": 3.0}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			c.log(inCall(t.Context()), newLogger(&b, Config{LogFormat: "json"}))
			if diff := cmp.Diff(c.want, line(t, &b)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTextLinesTellTheirCallToo(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	newLogger(&b, Config{LogFormat: "text"}).ErrorContext(inCall(t.Context()), "sold out", "error", errors.New("none left"))
	if want := `level=ERROR msg="sold out" error="none left" trace_id=7c9e.1 span_id=42 service=` + greetService + " method=hello\n"; !strings.HasSuffix(b.String(), want) {
		t.Errorf("%s does not end with %s", b.String(), want)
	}
}

func TestLoggerIsAHandlerLikeAnyOther(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]bool{"outside of calls": false, "in a call": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			slogtest.Run(t, func(*testing.T) slog.Handler {
				b.Reset()
				h := newLogger(&b, Config{LogFormat: "json"}).Handler()
				if open {
					return inside{h}
				}
				return h
			}, func(t *testing.T) map[string]any {
				var got map[string]any
				if err := json.Unmarshal(b.Bytes(), &got); err != nil {
					t.Fatal(err)
				}
				return got
			})
		})
	}
}

func TestLinesOfThePackageSlogTellTheirCallWithoutALineInMain(t *testing.T) {
	t.Parallel()
	act := newReplica(t, testToken, nil).start()
	p := startProcess(t, act.address())
	resp, b, err := post(t, act.lane(), "greet", frame(t, "told"), nil)
	if err != nil || !bytes.Contains(b, []byte("Hello, Ada!")) {
		t.Fatalf("%v, %q, %v", resp, b, err)
	}
	want := `level=INFO msg="was asked" name=Ada service=` + greetService + " method=told\n"
	until(t, "the line is there", func() bool { return strings.Contains(p.log.String(), want) })
}

// told logs as any function may.
func told(ctx context.Context, name string) (string, error) {
	slog.InfoContext(ctx, "was asked", "name", name)
	return hello(name)
}

// inside has every line logged within a call.
type inside struct{ slog.Handler }

func (i inside) Handle(ctx context.Context, r slog.Record) error {
	return i.Handler.Handle(inCall(ctx), r)
}
func (i inside) WithAttrs(a []slog.Attr) slog.Handler { return inside{i.Handler.WithAttrs(a)} }
func (i inside) WithGroup(g string) slog.Handler      { return inside{i.Handler.WithGroup(g)} }

func TestLevelThatIsOffCostsNoAllocation(t *testing.T) { //nolint:paralleltest // it counts allocations
	l, ctx := newLogger(io.Discard, Config{LogLevel: "warn", LogFormat: "json"}), inCall(t.Context())
	if n := testing.AllocsPerRun(100, func() { l.InfoContext(ctx, "sold", "shop", "a") }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkLog(b *testing.B) {
	l := newLogger(io.Discard, Config{LogLevel: "info", LogFormat: "json"})
	for name, ctx := range map[string]context.Context{"in a call": inCall(b.Context()), "outside": b.Context()} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				l.InfoContext(ctx, "sold", "shop", "a")
			}
		})
		b.Run(name+", level off", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				l.DebugContext(ctx, "sold", "shop", "a")
			}
		})
	}
}
