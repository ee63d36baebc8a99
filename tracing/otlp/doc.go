// Package otlp sends spans by OpenTelemetry's protocol, to a collector, Jaeger or Elastic APM, as a part of a program:
//
//	serve.Main(service, otlp.Tracer)
//
// It continues and writes W3C traceparent and tracestate. Spans are OpenTelemetry's own, named and told by its semantic conventions (1.37: RPC, HTTP,
// messaging, FaaS, CloudEvents); what is sent waits in a queue of ours, whose losses are counted. No global of OpenTelemetry's is set.
package otlp
