package cloudevent

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/dubbofn/dubbofn/internal/tracetest"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/tracing"
)

// drawer is a sink that keeps what it is sent.
type drawer struct {
	sent []event.Event
	err  error
}

func (d *drawer) Send(_ context.Context, e event.Event) error {
	d.sent = append(d.sent, e)
	return d.err
}

func (d *drawer) Span(event.Event) tracing.Start {
	return tracing.Start{Kind: tracing.Exit, Name: "drawer", Peer: "drawer:1", Layer: tracing.LayerMQ}
}

func (d *drawer) Close(context.Context) error { return nil }

func TestWhatAnEmittedEventLacksIsFilledIn(t *testing.T) {
	t.Parallel()
	d := &drawer{}
	s := &sender{sink: d, source: "/shop", overrides: map[string]string{"region": "eu"}}
	ctx := s.within(t.Context())
	bare := event.New()
	bare.SetType("org.example.order.placed")
	full := placed(t)
	full.SetTime(time.Unix(1, 0).UTC())
	for _, e := range []event.Event{bare, bare, full} {
		if err := Emit(ctx, e); err != nil {
			t.Fatal(err)
		}
	}
	first, second, third := d.sent[0], d.sent[1], d.sent[2]
	if first.ID() == "" || first.ID() == second.ID() || first.Source() != "/shop" || time.Since(first.Time()) > time.Minute || first.Extensions()["region"] != "eu" {
		t.Errorf("%v", first)
	}
	if third.ID() != "1" || third.Source() != "/shop" || !third.Time().Equal(time.Unix(1, 0)) {
		t.Errorf("%v", third)
	}
	if bare.ID() != "" || bare.Extensions()["region"] != nil || full.Extensions()["region"] != nil {
		t.Error("the caller's events were changed")
	}
}

func TestWhatIsNoEventIsNotSent(t *testing.T) {
	t.Parallel()
	d := &drawer{}
	var fault *invoker.Error
	if err := Emit((&sender{sink: d, source: "/shop"}).within(t.Context()), event.Event{}); !errors.As(err, &fault) || fault.MaybeExecuted || len(d.sent) != 0 {
		t.Errorf("an event without a type: %v", err)
	}
	for name, ctx := range map[string]context.Context{"outside of a call": t.Context(), "without a sink": (&sender{}).within(t.Context())} {
		if err := Emit(ctx, placed(t)); !errors.As(err, &fault) || !strings.Contains(err.Error(), "K_SINK") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnEmittedEventContinuesTheTrace(t *testing.T) {
	t.Parallel()
	d := &drawer{}
	r := &tracetest.Recorder{Prefix: "s"}
	ctx, call := r.Start(t.Context(), tracing.Start{Kind: tracing.Entry, Name: "call"})
	if err := Emit((&sender{sink: d, source: "/shop", tracer: r}).within(ctx), placed(t)); err != nil {
		t.Fatal(err)
	}
	d.err = errors.New("the broker is away")
	if err := Emit((&sender{sink: d, source: "/shop", tracer: r}).within(ctx), placed(t)); err == nil {
		t.Error("no error")
	}
	call.End()
	spans := r.Spans()
	if len(spans) != 3 {
		t.Fatalf("%d spans", len(spans))
	}
	sent := spans[1]
	if sent.Kind != tracing.Exit || sent.Peer != "drawer:1" || sent.Parent != spans[0].ID || sent.Tags["cloudevents.id"] != "1" || sent.Err != nil || sent.Ended.IsZero() {
		t.Errorf("%+v", sent)
	}
	if got := d.sent[0].Extensions()["sw8"]; got != sent.Trace+"/"+sent.ID {
		t.Errorf("extension sw8 is %v", got)
	}
	if spans[2].Err == nil {
		t.Error("a span of what was not sent tells of no error")
	}
}

func TestOverridesAreReadAndChecked(t *testing.T) {
	t.Parallel()
	got, err := readOverrides(`{"extensions":{"region":"eu","a1":"b"}}`)
	if err != nil || got["region"] != "eu" || got["a1"] != "b" {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"region=eu", `{"extensions":{"Re-gion":"eu"}}`, `{"extensions":{"a":1}}`} {
		if _, err := readOverrides(bad); err == nil || !strings.Contains(err.Error(), "K_CE_OVERRIDES") {
			t.Errorf("%s: %v", bad, err)
		}
	}
	if got, err := readOverrides(""); got != nil || err != nil {
		t.Errorf("%v, %v", got, err)
	}
}

func TestASinkThatNobodyCanOpenIsToldWithWhatToHandOver(t *testing.T) {
	t.Parallel()
	c := SinkConfig{App: "shop", Log: slog.New(slog.DiscardHandler)}
	for setting, want := range map[string]string{
		"kafka://h:9092/t": "cloudevent.Events(kafka.Sink)", "nats://h/s": "cloudevent.Events(nats.Sink)", "amqp://h/q": "want http, https", "http://": "want http://", "nonsense": "protocol",
	} {
		if _, err := openSink(t.Context(), setting, c, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", setting, err, want)
		}
	}
	s, err := openSink(t.Context(), "https://u:geheim@sink.example/in?x=1", c, nil)
	if err != nil {
		t.Fatal(err)
	}
	if start := s.Span(placed(t)); start.Peer != "sink.example:443" || start.Component != tracing.ComponentHTTPClient || start.Name != "CloudEvents/org.example.order.placed" {
		t.Errorf("%+v", start)
	}
	if h, ok := s.(*httpSink); !ok || strings.Contains(h.op(), "geheim") {
		t.Error("the password is shown")
	}
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
