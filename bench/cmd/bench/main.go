// Command bench measures the dubbofn provider beside its peers, or with -outbound its consumer: interleaved rounds, one load client (one
// provider) for all, ratios computed round by round. It prints a table and leaves out/results.json and out/results.svg (with -outbound
// out/outbound.json and .svg) and, with -codec, out/codec.txt.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/dubbofn/dubbofn/bench/load"
	"github.com/dubbofn/dubbofn/bench/peer"
	"github.com/dubbofn/dubbofn/bench/report"
)

const subject = "dubbofn"

// settings are the flags.
type settings struct {
	root, gogc, chart, cases        string
	warmRegistry                    string
	peers, shapes                   string // of providers
	consumers, providers, inFlight  string // of consumers
	pin, codec, outbound, selection bool
	warm, start, activator, events  bool
	tracing, scale                  bool
	scalePeers, series              string
	starts, javaStarts              int
	rounds, checkEvery, warmTargets int
	warmUp, javaWarmUp, roundWarmUp time.Duration
	measure, profile                time.Duration
	providerCore, clientCore        int
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func parseFlags() settings {
	var s settings
	flag.StringVar(&s.root, "root", ".", "the bench module's folder")
	flag.BoolVar(&s.outbound, "outbound", false, "measure consumers instead of providers")
	flag.StringVar(&s.consumers, "consumers", strings.Join(consumerNames(), ","), "with -outbound: the consumers to measure")
	flag.StringVar(&s.providers, "providers", "java,dubbofn", "with -outbound: the providers that they call, one after the other")
	flag.StringVar(&s.inFlight, "in-flight", "1,32,256", "with -outbound: calls in flight, separated by commas")
	flag.StringVar(&s.peers, "peers", strings.Join(peer.Names(), ","), "the providers to measure")
	flag.StringVar(&s.cases, "cases", "echo,user,users100,bytes64k", "the cases: "+strings.Join(load.Names(), ", "))
	flag.StringVar(&s.shapes, "shapes", "1x64", "connections x calls in flight over all of them, separated by commas: 1x1,1x64,16x64")
	flag.BoolVar(&s.pin, "pin", true, "the provider on one core, the client on another, where that is possible")
	flag.IntVar(&s.providerCore, "provider-core", 0, "with -pin")
	flag.IntVar(&s.clientCore, "client-core", 1, "with -pin")
	flag.StringVar(&s.gogc, "gogc", "", "GOGC of all Go peers alike; empty for Go's default")
	flag.IntVar(&s.rounds, "rounds", 5, "counted rounds")
	flag.DurationVar(&s.measure, "measure", 2*time.Second, "counted load in a round")
	flag.DurationVar(&s.roundWarmUp, "round-warm-up", 500*time.Millisecond, "load before it, in every round")
	flag.DurationVar(&s.warmUp, "warm-up", 3*time.Second, "load before the first round of a case, for Go peers")
	flag.DurationVar(&s.javaWarmUp, "java-warm-up", 20*time.Second, "the same for Java")
	flag.IntVar(&s.checkEvery, "check-every", 1024, "one answer in so many is checked in full")
	flag.DurationVar(&s.profile, "profile", 5*time.Second, "CPU profile of the Go frameworks after the rounds, under each case; 0 for none")
	flag.BoolVar(&s.codec, "codec", false, "measure the codecs instead of the providers")
	flag.BoolVar(&s.selection, "select", false, "measure how a consumer chooses among 100 and 10,000 providers instead")
	flag.BoolVar(&s.warm, "warm", false, "measure the first calls of processes that have just begun, with and without a keeper, instead")
	flag.StringVar(&s.warmRegistry, "warm-registry", "", "with -warm: where the providers are registered, nacos://host:8848; default: an embedded registry")
	flag.IntVar(&s.warmTargets, "warm-targets", 32, "with -warm: the providers that each calls")
	flag.BoolVar(&s.start, "start", false, "measure how long programs take from exec to their first reply instead")
	flag.IntVar(&s.starts, "starts", 40, "with -start: starts of each program, in each way")
	flag.IntVar(&s.javaStarts, "java-starts", 5, "with -start: the same for Java")
	flag.BoolVar(&s.activator, "activator", false, "measure what a call through the activator costs, and what memory it needs, instead")
	flag.BoolVar(&s.events, "events", false, "measure events over HTTP, beside functions-framework-go and the CloudEvents SDK, instead")
	flag.BoolVar(&s.tracing, "tracing", false, "measure calls whose spans are sent, can't be sent, and are not made, instead")
	flag.BoolVar(&s.scale, "scale", false, "measure how a call's cost grows with connections, calls in flight and payload instead")
	flag.StringVar(&s.series, "series", strings.Join(seriesNames(), ","), "with -scale: what grows")
	flag.StringVar(&s.scalePeers, "scale-peers", "limit-goroutine,dubbofn", "with -scale: the providers")
	flag.StringVar(&s.chart, "chart", "", "only draw the chart and print the table of this results.json")
	flag.Parse()
	return s
}

func run(ctx context.Context) error {
	s := parseFlags()
	root, err := filepath.Abs(s.root)
	if err != nil {
		return fmt.Errorf("find -root: %w", err)
	}
	if _, err := os.Stat(filepath.Join(root, "cmd", "bench")); err != nil {
		return fmt.Errorf("find -root: %q is not the bench module's folder: %w", root, err)
	}
	if s.chart != "" {
		r, err := report.Read(s.chart)
		if err != nil {
			return err
		}
		return finish(r, strings.TrimSuffix(s.chart, ".json")+".svg")
	}
	m := peer.Machine{Root: root, Log: os.Stderr, Pinned: s.pin, ProviderCore: s.providerCore, ClientCore: s.clientCore, GOGC: s.gogc}
	if s.pin {
		if err := peer.CanPin(); err != nil {
			fmt.Fprintln(os.Stderr, "bench: not pinned:", err)
			m.Pinned = false
		}
	}
	if s.rounds < 1 {
		return fmt.Errorf("check flags: -rounds %d is below 1", s.rounds)
	}
	if s.codec {
		return measureCodecs(ctx, m, s)
	}
	if s.selection {
		return measureSelection(ctx, m, s)
	}
	if s.warm {
		return measureWarm(ctx, m, s)
	}
	if s.start {
		return measureStarts(ctx, m, s)
	}
	if s.activator {
		return measureActivator(ctx, m, s)
	}
	if s.tracing {
		return measureTracing(ctx, m, s)
	}
	if s.events {
		return measureEvents(ctx, m, s)
	}
	if s.scale {
		return measureScale(ctx, m, s)
	}
	measured, file := measureProviders, "results.json"
	if s.outbound {
		measured, file = measureConsumers, "outbound.json"
	}
	results, err := measured(ctx, m, s)
	if err != nil {
		return err
	}
	path := filepath.Join(root, "out", file)
	if err := results.Write(path); err != nil {
		return err
	}
	return finish(results, strings.TrimSuffix(path, ".json")+".svg")
}

// finish draws the chart and prints the table.
func finish(r *report.Results, chart string) error {
	names := peer.Names()
	if r.Outbound {
		names = consumerNames()
	}
	err := r.Table(os.Stdout, names, subject)
	if err := errors.Join(err, r.Chart(chart, names)); err != nil {
		return err
	}
	fmt.Println("\nchart:", chart)
	return nil
}
