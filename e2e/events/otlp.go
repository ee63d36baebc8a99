package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.37.0"
)

// collected is a span as the collector prints it.
type collected struct {
	Trace, Span, Parent, Service, Name, Kind, Status string
	Tags                                             map[string]any
}

// runOTLP sends an event with OpenTelemetry's own HTTP client, and reads the trace back from the collector.
func runOTLP(ctx context.Context, s settings) error {
	id, err := sendTraced(ctx, s)
	if err != nil {
		return err
	}
	var all []collected
	err = until(ctx, patience, func(context.Context) (err error) {
		if all, err = readSpans(s.spans, id); err != nil {
			return err
		}
		return oneTrace(all, s.app)
	})
	if err != nil {
		return err
	}
	fmt.Printf("otlp: OpenTelemetry's HTTP client -> event -> function -> Go provider; one trace %s of %d spans at the collector, all linked ok\n", id, len(all))
	if s.verbose {
		for _, c := range all {
			fmt.Printf("    %s %-14s %-60s %s under %s %v\n", c.Span, c.Service, c.Name, c.Kind, c.Parent, c.Tags)
		}
	}
	return nil
}

// sendTraced posts an event within a span, and gives the trace's id.
func sendTraced(ctx context.Context, s settings) (id string, err error) {
	exporter, err := otlptracegrpc.New(ctx, otlptracegrpc.WithEndpoint(s.collector), otlptracegrpc.WithInsecure())
	if err != nil {
		return "", err
	}
	provider := trace.NewTracerProvider(trace.WithSyncer(exporter), trace.WithResource(resource.NewSchemaless(semconv.ServiceName("otel-sender"))))
	defer func() { err = errors.Join(err, provider.Shutdown(ctx)) }()
	otel.SetTracerProvider(provider)
	ctx, span := provider.Tracer("e2e").Start(ctx, "order")
	defer span.End()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, strings.NewReader(`{"name":"Ada"}`))
	if err != nil {
		return "", err
	}
	for k, v := range binary("otel-1", "org.dubbofn.tick", "Content-Type", plainJSON) {
		req.Header.Set(k, v)
	}
	client := http.Client{Transport: otelhttp.NewTransport(http.DefaultTransport, otelhttp.WithPropagators(propagation.TraceContext{}), otelhttp.WithTracerProvider(provider))}
	res, err := client.Do(req)
	if err != nil {
		return "", err
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return "", fmt.Errorf("the event was answered with %s, want 200 and a reply", res.Status)
	}
	return span.SpanContext().TraceID().String(), nil
}

func readSpans(path, trace string) (all []collected, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var c collected
		if json.Unmarshal(lines.Bytes(), &c) == nil && c.Trace == trace { // its log is there too
			all = append(all, c)
		}
	}
	return all, lines.Err()
}

// oneTrace checks that one span begins, that every other one hangs under one that is there, and that the way is the call's.
func oneTrace(all []collected, app string) error {
	by := map[string]collected{}
	for _, c := range all {
		by[c.Span] = c
	}
	var faults []error
	roots := 0
	for _, c := range all {
		if c.Parent == "" {
			roots++
		} else if _, ok := by[c.Parent]; !ok {
			faults = append(faults, fmt.Errorf("%s of %s is under a span that is not there", c.Name, c.Service))
		}
	}
	if roots != 1 {
		faults = append(faults, fmt.Errorf("%d spans begin the trace, want 1", roots))
	}
	var end *collected
	for _, c := range all {
		if c.Service == echoApp && c.Kind == "Server" {
			end = &c
		}
	}
	if end == nil {
		return errors.Join(append(faults, fmt.Errorf("of %d spans none is the provider's", len(all)))...)
	}
	var way []string
	for at, ok := *end, true; ok && len(way) < 20; at, ok = by[at.Parent] {
		way = append(way, at.Service+":"+at.Kind)
	}
	text := strings.Join(way, " ")
	for _, want := range []string{echoApp + ":Server", app + ":Client", app + ":Server", "otel-sender:Client", "otel-sender:Internal"} {
		_, rest, ok := strings.Cut(text, want)
		if !ok {
			faults = append(faults, fmt.Errorf("the way back from the provider is %s, want %s next", strings.Join(way, " "), want))
			break
		}
		text = rest
	}
	return errors.Join(faults...)
}

// echoApp is the application of the provider in Go.
const echoApp = "e2e-echo"
