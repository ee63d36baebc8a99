package otlp

import (
	"net"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/dubbofn/dubbofn/tracing"
)

// maxName bounds a span's name.
const maxName = 512

func kind(s tracing.Start) trace.SpanKind {
	messages := s.Layer == tracing.LayerMQ
	switch {
	case s.Kind == tracing.Entry && messages:
		return trace.SpanKindConsumer
	case s.Kind == tracing.Entry:
		return trace.SpanKindServer
	case s.Kind == tracing.Exit && messages:
		return trace.SpanKindProducer
	case s.Kind == tracing.Exit:
		return trace.SpanKindClient
	default:
		return trace.SpanKindInternal
	}
}

// called takes "[group/]interface.method(Types)" apart.
func called(name string) (service, method string) {
	name, _, _ = strings.Cut(name, "(")
	name = name[strings.LastIndexByte(name, '/')+1:]
	dot := strings.LastIndexByte(name, '.')
	if dot < 0 {
		return "", name
	}
	return name[:dot], name[dot+1:]
}

// name gives a span's name: of a call "interface/method", of others what it is anyway.
func name(s tracing.Start) string {
	n := clean(s.Name[:min(len(s.Name), maxName)])
	if s.Layer == tracing.LayerRPC && s.Component == tracing.ComponentDubbo {
		if service, method := called(n); service != "" {
			return service + "/" + method
		}
	}
	return n
}

// attributes tells what the span is of.
func (t *tracer) attributes(s tracing.Start) []attribute.KeyValue {
	all := make([]attribute.KeyValue, 0, 8)
	add := func(key, value string) { all = append(all, attribute.String(key, clean(value))) }
	switch s.Layer {
	case tracing.LayerRPC:
		service, method := called(s.Name)
		add("rpc.system", "apache_dubbo")
		add("rpc.service", service)
		add("rpc.method", method)
	case tracing.LayerMQ:
		system, destination := messaging(s)
		if system != "" {
			add("messaging.system", system)
		}
		if destination != "" {
			add("messaging.destination.name", destination)
		}
		if s.Kind == tracing.Entry {
			add("messaging.operation.type", "process")
		} else {
			add("messaging.operation.type", "send")
		}
	default: // HTTP's are tags; others have none
	}
	if t.function && s.Kind == tracing.Entry {
		add("faas.trigger", trigger(s))
	}
	if s.Peer == "" {
		return all
	}
	side := "client"
	if s.Kind == tracing.Exit || s.Layer == tracing.LayerMQ {
		side = "server"
	}
	host, port, err := net.SplitHostPort(s.Peer)
	if err != nil {
		host = s.Peer
	}
	add(side+".address", host)
	if n, err := strconv.Atoi(port); err == nil {
		all = append(all, attribute.Int(side+".port", n))
	}
	return all
}

// messaging tells of "Kafka/topic/Producer" and its like what the broker is, and where messages go.
func messaging(s tracing.Start) (system, destination string) {
	broker, rest, ok := strings.Cut(s.Name, "/")
	if !ok || broker == "CloudEvents" {
		broker, rest = "", ""
	}
	if s.Component == tracing.ComponentKafkaProducer || s.Component == tracing.ComponentKafkaConsumer {
		broker = "kafka"
	}
	rest = strings.TrimSuffix(strings.TrimSuffix(rest, "/Producer"), "/Consumer")
	return strings.ToLower(broker), rest
}

// trigger is what made a function run.
func trigger(s tracing.Start) string {
	switch {
	case s.Layer == tracing.LayerMQ || strings.HasPrefix(s.Name, "CloudEvents/"):
		return "pubsub"
	case s.Layer == tracing.LayerHTTP:
		return "http"
	default:
		return "other"
	}
}
