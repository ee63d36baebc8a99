// Command bench measures dubbofn beside its peers: interleaved rounds, ratios computed round by round. What it measures is a list of parts; each
// prints a table and a chart and takes its place in out/results.json, and at the end the goals are compared with what was measured.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
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
	root, gogc, chart, cases       string
	warmRegistry                   string
	peers, shapes                  string // of providers
	consumers, providers, inFlight string // of consumers
	scalePeers, series             string
	pin, all, quick, goals         bool
	parts                          []part // that were chosen
	starts, javaStarts             int
	rounds, checkEvery             int
	warmTargets                    int
	warmUp, javaWarmUp             time.Duration
	roundWarmUp, measure, profile  time.Duration
	providerCore, clientCore       int
}

// part is one thing that is measured.
type part struct {
	flag, about string
	measure     func(context.Context, peer.Machine, settings) ([]*report.Part, error)
	takes       func(settings) time.Duration // about, without building
}

// parts are all, in the order in which they are measured. The first is the default.
func parts() []part {
	return []part{
		{"inbound", "measure what providers serve (the default)", measureProviders, timeOfProviders},
		{"outbound", "measure consumers", measureConsumers, timeOfConsumers},
		{"activator", "measure what a call through the activator costs, beside a bare POST and one to the function's lane, and what memory it needs", measureActivator, timeOfActivator},
		{"scale", "measure how a call's cost grows with connections, calls in flight and payload", measureScale, timeOfScale},
		{"start", "measure how long programs take from exec to their first reply", measureStarts, timeOfStarts},
		{"warm", "measure the first calls of processes that have just begun, with and without a keeper", measureWarm, timeOfWarm},
		{"footprint", "measure the memory of programs that have nothing to do, and the size of their binaries", measureFootprint, timeOfFootprint},
		{"codec", "measure the codecs", measureCodecs, timeOfCodecs},
		{"select", "measure how a consumer chooses among 100 and 10,000 providers", measureSelection, timeOfSelection},
		{"events", "measure events over HTTP, beside functions-framework-go and the CloudEvents SDK", measureEvents, timeOfEvents},
		{"tracing", "measure calls whose spans are sent, can't be sent, and are not made", measureTracing, timeOfTracing},
	}
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

// quickly are the flags of -quick, where they are not given.
func quickly() map[string]string {
	return map[string]string{"rounds": "2", "measure": "300ms", "round-warm-up": "200ms", "warm-up": "500ms", "java-warm-up": "4s", "profile": "0", "starts": "3", "java-starts": "1",
		"in-flight": "64", "providers": subject, "series": "connections,in-flight"}
}

// declare declares the flags that are no parts.
func (s *settings) declare(f *flag.FlagSet) {
	f.StringVar(&s.root, "root", ".", "the bench module's folder")
	f.BoolVar(&s.all, "all", false, "measure all parts, one after the other")
	f.BoolVar(&s.quick, "quick", false, "short rounds, and few: a look, no figures to quote")
	f.BoolVar(&s.goals, "goals", false, "measure nothing: compare out/results.json with the goals; exit status 1 where one is missed")
	f.StringVar(&s.chart, "chart", "", "measure nothing: print the tables of this results.json and draw its charts beside it")
	f.IntVar(&s.rounds, "rounds", 5, "counted rounds")
	f.DurationVar(&s.measure, "measure", 2*time.Second, "counted load in a round")
	f.DurationVar(&s.roundWarmUp, "round-warm-up", 500*time.Millisecond, "load before it, in every round")
	f.DurationVar(&s.warmUp, "warm-up", 3*time.Second, "load before the first round of a case, for Go peers")
	f.DurationVar(&s.javaWarmUp, "java-warm-up", 20*time.Second, "the same for Java")
	f.StringVar(&s.cases, "cases", "echo,user,users100,bytes64k", "the cases of providers and consumers: "+strings.Join(load.Names(), ", "))
	f.StringVar(&s.peers, "peers", strings.Join(peer.Names(), ","), "with -inbound: the providers to measure")
	f.StringVar(&s.shapes, "shapes", "1x1,16x64", "with -inbound, -activator: connections x calls in flight over all of them, separated by commas")
	f.StringVar(&s.consumers, "consumers", strings.Join(consumerNames(), ","), "with -outbound: the consumers to measure")
	f.StringVar(&s.providers, "providers", "java,dubbofn", "with -outbound: the providers that they call, one after the other")
	f.StringVar(&s.inFlight, "in-flight", "1,64", "with -outbound: calls in flight, separated by commas")
	f.StringVar(&s.series, "series", strings.Join(seriesNames(), ","), "with -scale: what grows")
	f.StringVar(&s.scalePeers, "scale-peers", "limit-goroutine,dubbofn", "with -scale: the providers")
	f.IntVar(&s.starts, "starts", 40, "with -start: starts of each program, in each way")
	f.IntVar(&s.javaStarts, "java-starts", 5, "with -start: the same for Java")
	f.StringVar(&s.warmRegistry, "warm-registry", "", "with -warm: where the providers are registered, nacos://host:8848; default: an embedded registry")
	f.IntVar(&s.warmTargets, "warm-targets", 32, "with -warm: the providers that each calls")
	f.BoolVar(&s.pin, "pin", true, "the provider on one core, the client on another, where that is possible")
	f.IntVar(&s.providerCore, "provider-core", 0, "with -pin")
	f.IntVar(&s.clientCore, "client-core", 1, "with -pin")
	f.StringVar(&s.gogc, "gogc", "", "GOGC of all Go peers alike; empty for Go's default")
	f.IntVar(&s.checkEvery, "check-every", 1024, "one answer in so many is checked in full")
	f.DurationVar(&s.profile, "profile", 5*time.Second, "CPU profile of the Go frameworks after the rounds, under each case; 0 for none")
}

func parseFlags(args []string) (settings, error) {
	var s settings
	f := flag.NewFlagSet("bench", flag.ExitOnError)
	s.declare(f)
	chosen := map[string]*bool{}
	for _, p := range parts() {
		chosen[p.flag] = f.Bool(p.flag, false, p.about)
	}
	if err := f.Parse(args); err != nil {
		return s, err
	}
	if s.quick {
		given := map[string]bool{}
		f.Visit(func(one *flag.Flag) { given[one.Name] = true })
		for name, value := range quickly() {
			if !given[name] {
				if err := f.Set(name, value); err != nil {
					return s, err
				}
			}
		}
	}
	for _, p := range parts() {
		if s.all || *chosen[p.flag] {
			s.parts = append(s.parts, p)
		}
	}
	if len(s.parts) == 0 {
		s.parts = parts()[:1]
	}
	if s.rounds < 1 || f.NArg() > 0 {
		return s, fmt.Errorf("check flags: -rounds %d is below 1, or %q are no flags", s.rounds, f.Args())
	}
	return s, nil
}

func run(ctx context.Context) error {
	s, err := parseFlags(os.Args[1:])
	if err != nil {
		return err
	}
	root, err := filepath.Abs(s.root)
	if err != nil {
		return fmt.Errorf("find -root: %w", err)
	}
	if _, err := os.Stat(filepath.Join(root, "cmd", "bench")); err != nil {
		return fmt.Errorf("find -root: %q is not the bench module's folder: %w", root, err)
	}
	file := filepath.Join(root, "out", "results.json")
	if s.chart != "" {
		file = s.chart
	}
	if s.goals || s.chart != "" {
		return showAgain(file, s.goals)
	}
	m := peer.Machine{Root: root, Log: os.Stderr, Pinned: s.pin, ProviderCore: s.providerCore, ClientCore: s.clientCore, GOGC: s.gogc}
	if s.pin {
		if err := peer.CanPin(); err != nil {
			fmt.Fprintln(os.Stderr, "bench: not pinned:", err)
			m.Pinned = false
		}
	}
	return measureAll(ctx, m, s, file)
}

// measureAll measures the chosen parts. One that fails does not keep the others from it.
func measureAll(ctx context.Context, m peer.Machine, s settings, file string) error {
	var total time.Duration
	for _, p := range s.parts {
		total += p.takes(s)
	}
	progress("%d parts: %d minutes or so, and what building takes", len(s.parts), int(total.Minutes())+1)
	var faults []error
	var measured []*report.Part
	for i, p := range s.parts {
		progress("part %d of %d: %s, about %v", i+1, len(s.parts), p.flag, p.takes(s).Round(time.Second))
		found, err := p.measure(ctx, m, s)
		if err != nil {
			progress("%s failed: %v", p.flag, err)
			faults = append(faults, fmt.Errorf("%s: %w", p.flag, err))
		}
		measured = append(measured, found...)
		if err := errors.Join(keep(file, found), show(found, filepath.Dir(file))); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return errors.Join(faults...)
		}
	}
	return errors.Join(append(faults, finish(measured))...)
}

// keep has parts take their places in the file, which is read now: another run may have changed it meanwhile.
func keep(file string, parts []*report.Part) error {
	results, err := report.Read(file)
	if err != nil {
		return err
	}
	for _, one := range parts {
		results.Put(one)
	}
	results.Goals = results.Judge(goals())
	folder := filepath.Dir(file)
	return errors.Join(os.MkdirAll(folder, 0o755), results.Write(file), report.GoalsChart(filepath.Join(folder, "goals.svg"), results.Goals))
}

// showAgain prints what a file has; with justGoals the error says that some are missed.
func showAgain(file string, justGoals bool) error {
	results, err := report.Read(file)
	if err == nil && len(results.Parts) == 0 {
		err = fmt.Errorf("%s has no figures", file)
	}
	if err != nil {
		return err
	}
	if !justGoals {
		return errors.Join(keep(file, nil), show(results.Parts, filepath.Dir(file)), finish(results.Parts))
	}
	missed, err := report.GoalsTable(os.Stdout, results.Judge(goals()))
	if err == nil && missed > 0 {
		err = fmt.Errorf("%d goals are missed", missed)
	}
	return err
}

// show prints the tables of parts and draws their charts.
func show(all []*report.Part, folder string) error {
	for _, p := range all {
		chart := filepath.Join(folder, strings.ReplaceAll(p.Name, " ", "-")+".svg")
		if err := errors.Join(p.Table(os.Stdout), p.Chart(chart)); err != nil {
			return err
		}
		fmt.Println("\nchart:", chart)
	}
	return nil
}

// finish prints the goals of the parts that were measured.
func finish(measured []*report.Part) error {
	results := &report.Results{Parts: measured}
	judged := slices.DeleteFunc(results.Judge(goals()), func(j report.Judged) bool {
		return !slices.ContainsFunc(measured, func(p *report.Part) bool { return p.Name == j.Part })
	})
	if len(judged) == 0 {
		return nil
	}
	_, err := report.GoalsTable(os.Stdout, judged)
	return err
}
