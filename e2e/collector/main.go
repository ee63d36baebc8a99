// Command collector is an OpenTelemetry Collector of its own modules: it takes spans by OTLP (gRPC) and prints each as a line of JSON.
//
//	collector -listen 127.0.0.1:4317
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/provider/yamlprovider"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/otelcol"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
	"go.opentelemetry.io/collector/service/telemetry/otelconftelemetry"
)

const config = `yaml:
receivers:
  otlp:
    protocols:
      grpc:
        endpoint: %s
exporters:
  lines:
service:
  pipelines:
    traces:
      receivers: [otlp]
      exporters: [lines]
  telemetry:
    metrics:
      level: none
`

func main() {
	listen := flag.String("listen", "127.0.0.1:4317", "where spans are taken, by OTLP over gRPC")
	flag.Parse()
	c, err := otelcol.NewCollector(otelcol.CollectorSettings{
		BuildInfo: component.BuildInfo{Command: "collector", Version: "0.165.0"},
		Factories: factories,
		ConfigProviderSettings: otelcol.ConfigProviderSettings{ResolverSettings: confmap.ResolverSettings{
			URIs: []string{fmt.Sprintf(config, *listen)}, ProviderFactories: []confmap.ProviderFactory{yamlprovider.NewFactory()},
		}},
	})
	if err == nil {
		err = c.Run(context.Background())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "collector:", err)
		os.Exit(1)
	}
}

func factories() (f otelcol.Factories, err error) {
	f.Telemetry = otelconftelemetry.NewFactory()
	if f.Receivers, err = otelcol.MakeFactoryMap[receiver.Factory](otlpreceiver.NewFactory()); err != nil {
		return f, err
	}
	f.Exporters, err = otelcol.MakeFactoryMap[exporter.Factory](exporter.NewFactory(component.MustNewType("lines"),
		func() component.Config { return &struct{}{} },
		exporter.WithTraces(newLines, component.StabilityLevelDevelopment)))
	return f, err
}

// lines prints spans.
type lines struct {
	component.StartFunc
	component.ShutdownFunc
	mu  sync.Mutex
	out *json.Encoder
}

func newLines(context.Context, exporter.Settings, component.Config) (exporter.Traces, error) {
	return &lines{out: json.NewEncoder(os.Stdout)}, nil
}

func (*lines) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

// Span is a line.
type Span struct {
	Trace, Span, Parent, Service, Name, Kind, Status string
	Tags                                             map[string]any
}

func (l *lines) ConsumeTraces(_ context.Context, t ptrace.Traces) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range t.ResourceSpans().All() {
		service, _ := r.Resource().Attributes().Get("service.name")
		for _, scope := range r.ScopeSpans().All() {
			for _, s := range scope.Spans().All() {
				if err := l.out.Encode(Span{
					Trace: s.TraceID().String(), Span: s.SpanID().String(), Parent: s.ParentSpanID().String(), Service: service.AsString(),
					Name: s.Name(), Kind: s.Kind().String(), Status: s.Status().Code().String(), Tags: s.Attributes().AsRaw(),
				}); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
