package kafka

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/dubbofn/dubbofn/fn/cloudevent"
	"github.com/dubbofn/dubbofn/internal/cebind"
	"github.com/dubbofn/dubbofn/internal/eventurl"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/tracing"
)

// Sink sends events to a topic: kafka://[user:password@]host[:9092][,host2…]/TOPIC?mode=binary|structured, and what says how to connect as Source
// has it. A record's key is the event's extension partitionkey, or the attribute that key=NAME names.
const Sink = sinkAdapter("kafka")

type sinkAdapter string

// Name gives "kafka".
func (a sinkAdapter) Name() string { return string(a) }

// OpenSink makes a client, which connects when something is sent.
func (a sinkAdapter) OpenSink(_ context.Context, u invoker.URL, c cloudevent.SinkConfig) (cloudevent.Sink, error) {
	s := eventurl.New(u)
	options := connection(s, u, c.App, c.Log)
	modes := []string{"binary", "structured"}
	if c.Structured {
		modes = []string{"structured", "binary"}
	}
	k := &sink{topic: u.Path, peer: strings.Join(u.Addresses(defaultPort), ","), key: s.Text("key", "partitionkey"), structured: s.OneOf("mode", modes...) == "structured"}
	if !validTopic(k.topic) {
		s.Fault("topic %q: want its name as the path, kafka://host:9092/TOPIC", k.topic)
	}
	if err := s.Err(); err != nil {
		return nil, err
	}
	var err error
	// What is sent is waited for one by one, so there is nothing to gather.
	if k.cl, err = kgo.NewClient(append(options, kgo.ProducerLinger(0), kgo.MaxBufferedBytes(keptBytes*16))...); err != nil {
		return nil, fmt.Errorf("kafka: sink: %w", err)
	}
	return k, nil
}

// sink is a client and a topic.
type sink struct {
	topic      string
	peer       string
	key        string
	structured bool
	cl         *kgo.Client
}

// Send returns once every replica that is in sync has the event.
func (s *sink) Send(ctx context.Context, e event.Event) error {
	op := "send event to kafka topic " + s.topic
	headers, body := cebind.Kafka.Write(e)
	if s.structured {
		var err error
		if headers, body, err = cebind.WriteJSON(e); err != nil {
			return &invoker.Error{Code: invoker.CodeBadRequest, Op: op, Err: err}
		}
	}
	r := &kgo.Record{Topic: s.topic, Headers: recordHeaders(headers), Value: body}
	if key, ok := cebind.Attribute(e, s.key); ok {
		r.Key = []byte(key)
	}
	err := s.cl.ProduceSync(ctx, r).FirstErr()
	if err == nil {
		return nil
	}
	fault := &invoker.Error{Code: invoker.CodeUnavailable, Op: op, Err: err}
	var word *kerr.Error
	switch {
	case errors.Is(err, kerr.UnknownTopicOrPartition):
		fault.Code, fault.Remote = invoker.CodeNotFound, true
	case errors.As(err, &word) && !word.Retriable, errors.Is(err, kerr.MessageTooLarge):
		fault.Code, fault.Remote = invoker.CodeBadRequest, true
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, kgo.ErrRecordTimeout):
		fault.Code, fault.MaybeExecuted = invoker.CodeTimeout, true
	default:
		fault.MaybeExecuted = true
	}
	return fault
}

// Span is that of the Java agent's Kafka plugin.
func (s *sink) Span(event.Event) tracing.Start {
	return tracing.Start{Kind: tracing.Exit, Name: "Kafka/" + s.topic + "/Producer", Peer: s.peer, Layer: tracing.LayerMQ, Component: tracing.ComponentKafkaProducer}
}

// Close waits for what is being sent.
func (s *sink) Close(ctx context.Context) error {
	err := s.cl.Flush(ctx)
	s.cl.Close()
	if err != nil {
		return fmt.Errorf("kafka: close sink: %w; an event was being sent", err)
	}
	return nil
}
