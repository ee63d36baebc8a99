// Command events checks what events and traces come to, beside real parts that events.sh starts: SkyWalking's OAP server and Java agent, Knative
// Eventing's channel, an OpenTelemetry Collector, Nacos, Java consumers and providers of either line.
//
//	events probes       -url … -kept FILE                         requests good and bad, and their answers
//	events conformance  -url … -kept FILE -tool … -files …        the CloudEvents project's own tool
//	events senders      -kept FILE ID…                            what the CloudEvents SDKs for other languages have sent
//	events chain        -url CHANNEL -reply ADDRESS -oap …        event → channel → function → Java, and the reply; retries; dead letters
//	events wake         -oap … java … -- java …                   two Java consumers → activator → functions that sleep → Java
//	events otlp         -url … -collector ADDRESS -spans FILE     OpenTelemetry's HTTP client → event → function → Go
//	events flush        -function PROGRAM                         SIGTERM right after traced calls
//	events outage       -function PROGRAM                         the backend away, slow, refusing
//	events topology     -oap …                                    what calls what, as the OAP server draws it
//
// Each prints a line that ends with "ok" for what it has shown, and exits with 1 when anything is not as it should be.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

type settings struct {
	url, direct, reply, kept string
	tool, files              string
	app, provider, activator string
	collector, spans, out    string
	function, dir            string
	port, calls              int
	oap                      oap
	verbose                  bool
	commands                 [][]string
}

func main() {
	run, ok := map[string]func(context.Context, settings) error{
		"probes":      func(ctx context.Context, s settings) error { return sendProbes(ctx, s.url, s.kept) },
		"conformance": func(ctx context.Context, s settings) error { return conformance(ctx, s.tool, s.files, s.url, s.kept) },
		"senders":     func(_ context.Context, s settings) error { return senders(s.kept, s.commands) },
		"chain":       runChain, "wake": runWake, "otlp": runOTLP, "flush": runFlush, "outage": runOutage, "sent": runSent,
		"topology": func(ctx context.Context, s settings) error {
			edges, err := s.oap.topology(ctx)
			fmt.Println(strings.Join(edges, "\n"))
			return err
		},
	}[append(os.Args, "")[1]]
	if !ok {
		fmt.Fprintln(os.Stderr, "events: want one of probes, conformance, senders, chain, wake, otlp, flush, outage, sent, topology")
		os.Exit(2)
	}
	s := parse(os.Args[1], os.Args[2:])
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, s)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "events %s: %v\n", os.Args[1], err)
		os.Exit(1)
	}
}

func parse(name string, args []string) (s settings) {
	f := flag.NewFlagSet(name, flag.ExitOnError)
	f.StringVar(&s.url, "url", "http://127.0.0.1:8080/", "where events are sent")
	f.StringVar(&s.direct, "direct", "http://127.0.0.1:8080/", "the function itself, where -url is a channel before it")
	f.StringVar(&s.reply, "reply", "127.0.0.1:8082", "where replies and dead letters are taken")
	f.StringVar(&s.kept, "kept", "kept.jsonl", "what the function's method keep writes")
	f.StringVar(&s.tool, "tool", "cloudevents", "the conformance tool")
	f.StringVar(&s.files, "files", "", "the conformance tool's events")
	f.StringVar(&s.app, "app", "e2e-chain", "the function's application")
	f.StringVar(&s.provider, "provider", "", "the Java provider's host:port")
	f.StringVar(&s.activator, "activator", "", "the activator's host:port")
	f.StringVar(&s.collector, "collector", "127.0.0.1:4317", "where spans are sent by OTLP")
	f.StringVar(&s.spans, "spans", "", "the spans that the collector prints")
	f.StringVar(&s.out, "out", "", "a folder for traces as JSON")
	f.StringVar(&s.function, "function", "function", "the function's program")
	f.StringVar(&s.dir, "dir", "", "a folder for what is written")
	f.IntVar(&s.port, "port", 28880, "the first of six ports")
	f.IntVar(&s.calls, "calls", 5000, "how many calls are made")
	f.StringVar(&s.oap.address, "oap", "127.0.0.1:12800", "where the OAP server answers GraphQL")
	f.BoolVar(&s.verbose, "v", false, "draw traces")
	_ = f.Parse(args) // it exits
	var command []string
	for _, a := range append(f.Args(), "--") {
		if a != "--" {
			command = append(command, a)
		} else if command != nil {
			s.commands, command = append(s.commands, command), nil
		}
	}
	return s
}
