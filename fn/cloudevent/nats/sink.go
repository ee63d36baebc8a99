package nats

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"github.com/cloudevents/sdk-go/v2/event"
	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/dubbofn/dubbofn/fn/cloudevent"
	"github.com/dubbofn/dubbofn/internal/cebind"
	"github.com/dubbofn/dubbofn/internal/eventurl"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/tracing"
)

// Sink sends events to a subject that a stream takes: nats://[user:password@]host[:4222][,host2…]/SUBJECT?mode=binary|structured, and what says how to
// connect as Source has it. A dot in the subject is a dot; "{type}" in it becomes the event's type.
const Sink = sinkAdapter("nats")

type sinkAdapter string

// Name gives "nats".
func (a sinkAdapter) Name() string { return string(a) }

// OpenSink connects, and leaves it to those who send to wait for a server that is away.
func (a sinkAdapter) OpenSink(_ context.Context, u invoker.URL, c cloudevent.SinkConfig) (cloudevent.Sink, error) {
	s := eventurl.New(u)
	servers, options := connection(s, u, c.App, c.Log)
	modes := []string{"binary", "structured"}
	if c.Structured {
		modes = []string{"structured", "binary"}
	}
	k := &sink{subject: u.Path, peer: strings.Join(u.Addresses(defaultPort), ","), structured: s.OneOf("mode", modes...) == "structured", log: c.Log}
	if k.subject == "" || strings.ContainsAny(k.subject, "*> /\t") {
		s.Fault("subject %q: want it as the path, nats://host:4222/SUBJECT", k.subject)
	}
	if err := s.Err(); err != nil {
		return nil, err
	}
	conn, err := dial(servers, options)
	if err != nil {
		return nil, err
	}
	if k.js, err = jetstream.New(conn); err != nil {
		conn.Close()
		return nil, fmt.Errorf("nats: %w", err)
	}
	k.conn = conn
	return k, nil
}

// sink is a connection and a subject.
type sink struct {
	subject    string
	peer       string
	structured bool
	conn       *client.Conn
	js         jetstream.JetStream
	log        *slog.Logger
	sending    sync.WaitGroup
}

// typeMark is what of a subject the event's type takes the place of.
const typeMark = "{type}"

func (s *sink) subjectOf(e event.Event) string {
	return strings.ReplaceAll(s.subject, typeMark, strings.Map(func(r rune) rune {
		if r <= ' ' || strings.ContainsRune("*>", r) {
			return '-'
		}
		return r
	}, e.Type()))
}

// Send returns once a stream has the event. The server takes the event once, though it is sent twice within the stream's window for duplicates: the message's
// id is made of source and id.
func (s *sink) Send(ctx context.Context, e event.Event) error {
	s.sending.Add(1)
	defer s.sending.Done()
	op := "send event to nats subject " + s.subject
	headers, body := cebind.NATS.Write(e)
	if s.structured {
		var err error
		if headers, body, err = cebind.WriteJSON(e); err != nil {
			return &invoker.Error{Code: invoker.CodeBadRequest, Op: op, Err: err}
		}
	}
	m := &client.Msg{Subject: s.subjectOf(e), Header: client.Header{}, Data: body}
	setHeaders(m.Header, headers)
	m.Header.Set(jetstream.MsgIDHeader, e.Source()+" "+e.ID())
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, askTimeout)
		defer cancel()
	}
	_, err := s.js.PublishMsg(ctx, m)
	if err == nil {
		return nil
	}
	fault := &invoker.Error{Code: invoker.CodeUnavailable, Op: op, Err: err}
	var refused *jetstream.APIError
	switch {
	case errors.Is(err, jetstream.ErrNoStreamResponse):
		fault.Code, fault.Err = invoker.CodeNotFound, fmt.Errorf("no stream takes it: %w", err)
	case errors.As(err, &refused), errors.Is(err, client.ErrMaxPayload):
		fault.Code, fault.Remote = invoker.CodeBadRequest, refused != nil
	default:
		fault.MaybeExecuted = true // what was written while the connection broke is sent once it is back
		if errors.Is(err, context.DeadlineExceeded) {
			fault.Code = invoker.CodeTimeout
		}
	}
	return fault
}

// Span is like the spans of the Java agent's plugins for message queues.
func (s *sink) Span(event.Event) tracing.Start {
	return tracing.Start{Kind: tracing.Exit, Name: "NATS/" + s.subject + "/Producer", Peer: s.peer, Layer: tracing.LayerMQ}
}

// Close waits for what is being sent.
func (s *sink) Close(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		s.sending.Wait()
		close(done)
	}()
	var err error
	select {
	case <-done:
	case <-ctx.Done():
		err = fmt.Errorf("nats: close sink: %w; an event was being sent", ctx.Err())
	}
	s.conn.Close()
	<-done // who waits for the connection is told that it is closed
	return err
}
