package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dubbofn/dubbofn/bench/peer"
	"github.com/dubbofn/dubbofn/bench/report"
	"github.com/dubbofn/dubbofn/bench/service/measure"
)

// limit is the consumer that is the bar: the load client, which encoded its frames at start and decodes hardly anything.
const limit = "limit"

// javaThreads lets the Java provider carry out as many calls as are in flight; by default it refuses what 200 threads can't take.
const javaThreads = "512"

func consumerNames() []string { return append([]string{limit}, peer.ConsumerNames()...) }

func parseInFlight(s string) (counts []int, err error) {
	for one := range strings.SplitSeq(s, ",") {
		n, err := strconv.Atoi(one)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("check flags: -in-flight %q: want calls in flight, 1 or more, like 1,32,256", one)
		}
		counts = append(counts, n)
	}
	return counts, nil
}

// measureConsumers has the consumers call one provider after the other: every case, every number of calls in flight.
func measureConsumers(ctx context.Context, m peer.Machine, s settings) ([]*report.Part, error) {
	inFlight, err1 := parseInFlight(s.inFlight)
	cases, err2 := parseCases(s.cases)
	names := strings.Split(s.consumers, ",")
	consumers, err3 := peer.ChooseConsumers(slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == limit }), s.warmUp, s.javaWarmUp)
	providers, err4 := peer.Choose(strings.Split(s.providers, ","), s.warmUp, s.javaWarmUp)
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return nil, err
	}
	if err := buildAll(ctx, m, slices.Concat(providers, consumers)); err != nil {
		return nil, err
	}
	b := &bench{machine: m, settings: s, part: &report.Part{Name: "consumers", Title: "calls a second of one consumer", Bar: subject, Compared: []string{rateFigure, cpuFigure},
		Conditions: conditions(ctx, m, s, consumers)}}
	about := &b.part.Conditions.Peers
	if slices.Contains(names, limit) {
		*about = slices.Insert(*about, 0, limit+": the load client: frames encoded once, answers compared as bytes, 1 connection")
	}
	for _, p := range providers {
		*about = append(*about, "provider "+p.Name+": "+p.About)
		if p.Name == "java" {
			p = p.With(javaThreads)
		}
		if err := b.series(ctx, p, consumers, slices.Contains(names, limit), cases, inFlight); err != nil {
			return nil, err
		}
	}
	return b.done(), nil
}

// timeOfConsumers is that of measureConsumers.
func timeOfConsumers(s settings) time.Duration {
	cases, consumers, providers := count(s.cases), count(s.consumers), count(s.providers)
	turns := cases * consumers * providers * count(s.inFlight) * s.rounds
	return s.turns(turns) + time.Duration(cases*providers)*(s.javaWarmUp+time.Duration(consumers-1)*s.warmUp) + s.profiling(2*cases*providers) + 10*time.Second
}

// series starts a provider and the consumers, measures them, and ends all.
func (b *bench) series(ctx context.Context, p peer.Peer, consumers []peer.Peer, withLimit bool, cases []string, inFlight []int) error {
	progress("start provider %s", p.Name)
	provider, err := p.Start(ctx, b.machine)
	if err != nil {
		return err
	}
	defer provider.Stop()
	defer b.stop()
	if withLimit {
		err := b.take(runner{name: limit, warmUp: b.settings.warmUp, run: func(ctx context.Context, _ cell, plan measure.Plan) (measure.Outcome, error) {
			return b.load(ctx, provider, 1, plan)
		}})
		if err != nil {
			return err
		}
	}
	for _, c := range consumers {
		if err := b.startConsumer(ctx, c, provider); err != nil {
			return err
		}
	}
	for _, c := range cases {
		if err := b.warm(ctx, cell{provider: p.Name, name: c, inFlight: slices.Max(inFlight)}); err != nil {
			return err
		}
		for _, n := range inFlight {
			if err := b.rounds(ctx, cell{provider: p.Name, name: c, inFlight: n}, true); err != nil {
				return err
			}
		}
	}
	if err := b.keepMemory("resident memory, at provider " + p.Name); err != nil {
		return err
	}
	return b.profiles(ctx, cases, cell{provider: p.Name, inFlight: slices.Max(inFlight)})
}

func (b *bench) startConsumer(ctx context.Context, c peer.Peer, provider *peer.Process) error {
	progress("start consumer %s", c.Name)
	process, err := c.StartConsumer(ctx, b.machine, provider.Address)
	if err != nil {
		return err
	}
	return b.take(runner{name: c.Name, warmUp: c.WarmUp, process: process, run: func(ctx context.Context, _ cell, plan measure.Plan) (measure.Outcome, error) {
		plan.PID = provider.PID
		return process.Ask(ctx, plan)
	}})
}
