package brokers_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/dubbofn/dubbofn/fn/cloudevent"
	"github.com/dubbofn/dubbofn/fn/cloudevent/kafka"
	"github.com/dubbofn/dubbofn/fn/cloudevent/nats"
	"github.com/dubbofn/dubbofn/internal/deliver"
	"github.com/dubbofn/dubbofn/invoker"
)

func sinkOf(t *testing.T, a cloudevent.SinkAdapter, url string) cloudevent.Sink {
	t.Helper()
	s, err := a.OpenSink(t.Context(), parse(t, url), cloudevent.SinkConfig{App: "brokers-test", Log: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 5*time.Second)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return s
}

// TestWhatIsSentArrivesAsItWas sends through a broker, in either mode, and takes it out of it again.
func TestWhatIsSentArrivesAsItWas(t *testing.T) {
	t.Parallel()
	h := newHub(t, natsServer(t, t.TempDir(), -1).Addr().String())
	k := newTopics(t, 1)
	for name, c := range map[string]struct {
		sink   cloudevent.SinkAdapter
		source cloudevent.SourceAdapter
		to     string
		from   string
	}{
		"nats":  {nats.Sink, nats.Source, "nats://" + h.addr + "/orders.new", h.url("durable=d")},
		"kafka": {kafka.Sink, kafka.Source, "kafka://" + k.addr + "/" + k.orders, k.url("group=g")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := make(chan event.Event, 10)
			s := source(t, c.source, c.from, cloudevent.SourceConfig{Handle: func(_ context.Context, e event.Event) deliver.Result {
				got <- e
				return deliver.Result{}
			}})
			for _, mode := range []string{"binary", "structured"} {
				sink := sinkOf(t, c.sink, c.to+"?mode="+mode)
				e := placed(mode, "k")
				e.SetSubject(`50 % "köln" €`)
				e.SetTime(time.Unix(1_700_000_000, 5000).UTC())
				e.SetExtension("sw8", "1-YWJj")
				if err := e.SetData("application/json", map[string]int{"n": 1}); err != nil {
					t.Fatal(err)
				}
				if err := sink.Send(t.Context(), e); err != nil {
					t.Fatal(err)
				}
				back := <-got
				want, _ := e.MarshalJSON()
				have, _ := back.MarshalJSON()
				if string(want) != string(have) {
					t.Errorf("%s: sent %s, got %s", mode, want, have)
				}
			}
			drain(t, s, 10*time.Second)
		})
	}
}

func TestASinkSaysWhyItDoesNotTakeAnEvent(t *testing.T) {
	t.Parallel()
	server := natsServer(t, t.TempDir(), -1)
	h := newHub(t, server.Addr().String())
	k := newTopics(t, 1)
	big := placed("1", "k")
	if err := big.SetData("application/octet-stream", make([]byte, 3<<20)); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		sink cloudevent.Sink
		e    event.Event
		code invoker.Code
		want string
	}{
		"no stream":         {sinkOf(t, nats.Sink, "nats://"+h.addr+"/nobody"), placed("1", "k"), invoker.CodeNotFound, "no stream takes it"},
		"no topic":          {sinkOf(t, kafka.Sink, "kafka://"+k.addr+"/nobody"), placed("1", "k"), invoker.CodeNotFound, "UNKNOWN_TOPIC"},
		"too large (nats)":  {sinkOf(t, nats.Sink, "nats://"+h.addr+"/orders.new"), big, invoker.CodeBadRequest, "payload"},
		"too large (kafka)": {sinkOf(t, kafka.Sink, "kafka://"+k.addr+"/"+k.orders), big, invoker.CodeBadRequest, "MESSAGE_TOO_LARGE"},
	} {
		err := c.sink.Send(t.Context(), c.e)
		var fault *invoker.Error
		if !errors.As(err, &fault) || fault.Code != c.code || fault.MaybeExecuted || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %v, %q, and that it is not there", name, err, c.code, c.want)
		}
	}
	away := sinkOf(t, nats.Sink, "nats://"+h.addr+"/orders.new")
	server.Shutdown()
	server.WaitForShutdown()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := away.Send(ctx, placed("2", "k")); err == nil {
		t.Error("a server that is away took an event")
	}
}

func TestNATSKeepsAnEventOnceThatIsSentTwice(t *testing.T) {
	t.Parallel()
	h := newHub(t, natsServer(t, t.TempDir(), -1).Addr().String())
	s := sinkOf(t, nats.Sink, "nats://"+h.addr+"/orders.{type}")
	for range 3 {
		if err := s.Send(t.Context(), placed("1", "k")); err != nil {
			t.Fatal(err)
		}
	}
	stream, err := h.js.Stream(t.Context(), "ORDERS")
	if err != nil {
		t.Fatal(err)
	}
	if n := stream.CachedInfo().State.Msgs; n != 1 {
		t.Errorf("%d messages, want 1", n)
	}
	if m, err := stream.GetMsg(t.Context(), 1); err != nil || m.Subject != "orders.org.example.order.placed" {
		t.Errorf("%v, %v", m, err)
	}
}

func TestWhatAURLAsksForMustBeThere(t *testing.T) {
	t.Parallel()
	h := newHub(t, natsServer(t, t.TempDir(), -1).Addr().String())
	k := newTopics(t, 1)
	for url, c := range map[string]struct {
		a    cloudevent.SourceAdapter
		want string
	}{
		"nats://" + h.addr + "/NOSUCH":                {nats.Source, `stream "NOSUCH"`},
		"nats://" + h.addr + "/ORDERS?dead=nowhere":   {nats.Source, `no stream takes dead="nowhere"`},
		"nats://" + h.addr + "/ORDERS?dead=orders.no": {nats.Source, "come back as events"},
		"kafka://" + k.addr + "/nosuch":               {kafka.Source, `no such topic as ["nosuch"]`},
		k.url("dead=nosuch"):                          {kafka.Source, `no such topic as ["nosuch"]`},
	} {
		_, err := c.a.OpenSource(t.Context(), parse(t, url), cloudevent.SourceConfig{App: "a", Log: quiet(), Handle: func(context.Context, event.Event) deliver.Result { return deliver.Result{} }})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", url, err, c.want)
		}
	}
	for url, a := range map[string]cloudevent.SourceAdapter{
		"nats://" + h.addr + "/MADE?create=made.>":              nats.Source,
		"kafka://" + k.addr + "/made-" + k.orders + "?create=2": kafka.Source,
	} {
		s, err := a.OpenSource(t.Context(), parse(t, url), cloudevent.SourceConfig{App: "a", Log: quiet(), Handle: func(context.Context, event.Event) deliver.Result { return deliver.Result{} }})
		if err != nil {
			t.Error(err)
			continue
		}
		drain(t, s, 10*time.Second)
	}
}
