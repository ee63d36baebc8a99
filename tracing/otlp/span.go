package otlp

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/dubbofn/dubbofn/internal/fault"
)

// maxValue bounds a tag's value.
const maxValue = 2 << 10

// span implements [tracing.Span]; OpenTelemetry's own is safe for concurrent use, and does nothing after its end.
type span struct{ of trace.Span }

// Tag implements [tracing.Span]: names that OpenTelemetry has others for are translated.
func (s span) Tag(key, value string) {
	if !s.of.IsRecording() {
		return
	}
	value = clean(value[:min(len(value), maxValue)])
	switch key {
	case "url":
		key = "url.full"
	case "http.method":
		key = "http.request.method"
	case "mq.topic", "mq.queue":
		key = "messaging.destination.name"
	case "cloudevents.id", "cloudevents.source", "cloudevents.type":
		key = strings.Replace(key, ".", ".event_", 1)
	case "status_code":
		if n, err := strconv.Atoi(value); err == nil {
			s.of.SetAttributes(attribute.Int("http.response.status_code", n))
			return
		}
	case "faas.coldstart":
		s.of.SetAttributes(attribute.Bool(key, value == "true"))
		return
	}
	s.of.SetAttributes(attribute.String(clean(key), value))
}

// Fail implements [tracing.Span].
func (s span) Fail(err error) {
	if err == nil || !s.of.IsRecording() {
		return
	}
	kind, message, stack := fault.Of(err)
	s.of.SetStatus(codes.Error, clean(message))
	told := []attribute.KeyValue{attribute.String("exception.type", clean(kind)), attribute.String("exception.message", clean(message))}
	if stack != "" {
		told = append(told, attribute.String("exception.stacktrace", clean(stack)))
	}
	s.of.AddEvent("exception", trace.WithAttributes(told...))
	s.of.SetAttributes(attribute.String("error.type", clean(kind)))
}

// End implements [tracing.Span].
func (s span) End() { s.of.End() }

// IDs gives the trace and the span in hexadecimal.
func (s span) IDs() (trace, id string) {
	c := s.of.SpanContext()
	return c.TraceID().String(), c.SpanID().String()
}

// clean makes text of what may be anything: one byte that is no UTF-8 would cost the whole batch.
func clean(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// weigh counts one span, and about what it takes in memory.
func weigh(s sdk.ReadOnlySpan) (spans, bytes int) {
	bytes = 600 + len(s.Name()) + len(s.Status().Description)
	bytes += weighAttributes(s.Attributes())
	for _, e := range s.Events() {
		bytes += 100 + weighAttributes(e.Attributes)
	}
	return 1, bytes
}

func weighAttributes(all []attribute.KeyValue) (bytes int) {
	for _, a := range all {
		bytes += 64 + len(a.Key)
		if a.Value.Type() == attribute.STRING {
			bytes += len(a.Value.AsString())
		}
	}
	return bytes
}
