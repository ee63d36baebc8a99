package cloudevent

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/tracing"
)

// Emit sends an event to where this process sends its events (DUBBOFN_EVENTS_SINK, else K_SINK), and returns once it is taken. ctx is that of the
// call which emits it. What the event lacks is filled in: id, source (the application), time, and, of a traced call, the extensions that continue its
// trace. The error is an *[invoker.Error]: its MaybeExecuted says whether the event may be there all the same. Sent again with the same id and source, it
// is the same event to whoever looks for duplicates.
func Emit(ctx context.Context, e event.Event) error {
	s, ok := ctx.Value(senderKey{}).(*sender)
	if !ok || s.sink == nil {
		return invoker.Errorf(invoker.CodeClient, "emit event", "this process sends no events: set DUBBOFN_EVENTS_SINK or K_SINK; and ctx must be that of the call")
	}
	return s.send(ctx, e)
}

type senderKey struct{}

// sender completes events and sends them.
type sender struct {
	sink      Sink // nil: none was configured
	source    string
	overrides map[string]string // extensions that an operator sets (K_CE_OVERRIDES)
	tracer    tracing.Tracer    // nil: no spans
}

// within returns a context in which [Emit] works.
func (s *sender) within(ctx context.Context) context.Context {
	return context.WithValue(ctx, senderKey{}, s)
}

// send sends an event, whose caller's copy stays as it is.
func (s *sender) send(ctx context.Context, e event.Event) (err error) {
	if s.sink == nil {
		return invoker.Errorf(invoker.CodeClient, "emit event", "no sink")
	}
	e, err = s.complete(e)
	if err != nil {
		return &invoker.Error{Code: invoker.CodeClient, Op: "emit event", Err: err}
	}
	if s.tracer != nil {
		start := s.sink.Span(e)
		start.Carrier = extensions{&e}
		var span tracing.Span
		ctx, span = s.tracer.Start(ctx, start)
		span.Tag("cloudevents.id", e.ID())
		span.Tag("cloudevents.source", e.Source())
		span.Tag("cloudevents.type", e.Type())
		defer func() {
			span.Fail(err)
			span.End()
		}()
	}
	return s.sink.Send(ctx, e)
}

// complete fills in what an event lacks.
func (s *sender) complete(given event.Event) (event.Event, error) {
	if given.Context == nil { // event.Event{}
		given.SetSpecVersion(event.CloudEventsVersionV1)
	}
	e := given.Clone()
	if e.ID() == "" {
		e.SetID(rand.Text())
	}
	if e.Source() == "" {
		e.SetSource(s.source)
	}
	if e.Time().IsZero() {
		e.SetTime(time.Now())
	}
	for name, v := range s.overrides {
		e.SetExtension(name, v)
	}
	if err := e.Validate(); err != nil {
		return e, fmt.Errorf("not an event: %w", err)
	}
	return e, nil
}

// readOverrides reads K_CE_OVERRIDES, as Knative's sink bindings set it: {"extensions": {"name": "value"}}.
func readOverrides(setting string) (map[string]string, error) {
	if setting == "" {
		return nil, nil
	}
	var o struct {
		Extensions map[string]string `json:"extensions"`
	}
	if err := json.Unmarshal([]byte(setting), &o); err != nil {
		return nil, fmt.Errorf("K_CE_OVERRIDES: want {\"extensions\": {\"name\": \"value\"}}: %w", err)
	}
	var faults []error
	probe := event.New()
	for name, v := range o.Extensions {
		if err := probe.Context.SetExtension(name, v); err != nil {
			faults = append(faults, fmt.Errorf("K_CE_OVERRIDES: extension %.40q: %w", name, err))
		}
	}
	return o.Extensions, errors.Join(faults...)
}
