package main

import (
	"fmt"
	"slices"

	"github.com/dubbofn/dubbofn/bench/report"
)

// point is a figure of a peer in a case.
type point struct{ c, peer, figure string }

func (p point) of(part *report.Part) []float64 { return part.Of(p.c, p.peer, p.figure) }

// alone is the figure itself.
func alone(p point) func(*report.Part) []float64 { return p.of }

// over divides one figure by another.
func over(a, b point) func(*report.Part) []float64 {
	return func(part *report.Part) []float64 { return report.Join(a.of(part), b.of(part), report.Ratio) }
}

// beyond subtracts one figure from another.
func beyond(a, b point) func(*report.Part) []float64 {
	return func(part *report.Part) []float64 { return report.Join(a.of(part), b.of(part), report.Difference) }
}

// growth is, in every round, what a call costs a peer in the case where that is most, over what it costs in the first, which begin names; empty: the
// first of all.
func growth(peer, begin string) func(*report.Part) []float64 {
	return func(part *report.Part) (worst []float64) {
		cases := part.Cases()
		if i := slices.Index(cases, begin); i > 0 {
			cases = cases[i:]
		}
		for i, c := range cases {
			ratios := report.Join(part.Of(c, peer, cpuFigure), part.Of(cases[0], peer, cpuFigure), report.Ratio)
			if i == 1 {
				worst = ratios
			} else if i > 1 {
				worst = report.Join(worst, ratios, func(a, b float64) float64 { return max(a, b) })
			}
		}
		return worst
	}
}

// goals are what is to be shown, in the order of the list.
func goals() []report.Goal {
	return slices.Concat(codecGoals(), providerGoals(), consumerGoals(), activatorGoals(), startGoals(), scaleGoals(), otherGoals())
}

func codecGoals() (all []report.Goal) {
	names := map[string]string{"user": "a POJO", "users100": "a list of 100"}
	for _, value := range []string{"user", "users100"} {
		for _, operation := range []string{"decode", "encode"} {
			c := operation + "/" + value
			all = append(all, report.Goal{Measure: "codec, " + operation + " " + names[value] + ": µs ÷ hessian-lite's", Part: "codec", Is: report.AtMost, Bound: 1,
				Values: over(point{c, subject, codecFigure}, point{c, hessianLite, codecFigure})})
		}
	}
	return append(all, report.Goal{Measure: "codec, decode a POJO: allocations (it, its list, 6 strings)", Part: "codec", Is: report.AtMost, Bound: 8, Values: alone(point{"decode/user", subject, allocsFigure})})
}

// The bar of providers.
const bareProvider = "limit-goroutine"

func providerGoals() []report.Goal {
	full := func(name string) string { return cell{name: name, connections: 16, inFlight: 64}.String() }
	one := cell{name: "user", connections: 1, inFlight: 1}.String()
	ratio := func(text, c, figure, peer, is string, bound float64) report.Goal {
		return report.Goal{Measure: "provider, " + text, Part: "providers", Is: is, Bound: bound, Values: over(point{c, subject, figure}, point{c, peer, figure})}
	}
	return []report.Goal{
		ratio("POJO, 16 × 64: calls/s ÷ dubbo-go's", full("user"), rateFigure, "dubbo-go", report.AtLeast, 6),
		ratio("POJO, 16 × 64: calls/s ÷ Java's", full("user"), rateFigure, "java", report.AtLeast, 2.5),
		ratio("POJO, 16 × 64: p99 ÷ dubbo-go's", full("user"), tailFigure, "dubbo-go", report.AtMost, 1),
		ratio("POJO, 16 × 64: p99 ÷ Java's", full("user"), tailFigure, "java", report.AtMost, 1),
		ratio("echo, 16 × 64: calls/s ÷ the bare server's", full("echo"), rateFigure, bareProvider, report.AtLeast, 0.6),
		ratio("100 POJOs out, 16 × 64: calls/s ÷ Java's", full("users100"), rateFigure, "java", report.AtLeast, 2),
		ratio("64 KiB, 16 × 64: calls/s ÷ the bare server's", full("bytes64k"), rateFigure, bareProvider, report.AtLeast, 0.7),
		{Measure: "provider, POJO, 1 × 1: p50 − the bare server's, µs", Part: "providers", Is: report.AtMost, Bound: 5, Values: beyond(point{one, subject, medianFigure}, point{one, bareProvider, medianFigure})},
	}
}

func consumerGoals() (all []report.Goal) {
	titles := []string{"echo", "POJO", "100 POJOs in", "64 KiB"}
	for i, name := range []string{"echo", "user", "users100", "bytes64k"} {
		c := cell{provider: subject, name: name, inFlight: 64}.String()
		for _, other := range []struct {
			peer, title string
			least       float64
		}{{"dubbo-go", "dubbo-go's", 4}, {"java", "Java's", 2}} {
			all = append(all, report.Goal{Measure: fmt.Sprintf("consumer, %s, 64 in flight: calls/s ÷ %s", titles[i], other.title), Part: "consumers", Is: report.AtLeast, Bound: other.least,
				Values: over(point{c, subject, rateFigure}, point{c, other.peer, rateFigure})})
		}
	}
	return all
}

func activatorGoals() (all []report.Goal) {
	one, full := cell{name: "user", connections: 1, inFlight: 1}.String(), cell{name: "user", connections: 16, inFlight: 64}.String()
	for _, c := range []struct{ name, title string }{{one, "1 × 1"}, {full, "16 × 64"}} {
		all = append(all,
			report.Goal{Measure: "activator, " + c.title + ": its CPU a call ÷ the bare client's", Part: "activator", Is: report.AtMost, Bound: 1.2,
				Values: over(point{c.name, through, frontFigure}, point{c.name, posted, frontFigure})},
			report.Goal{Measure: "activator, " + c.title + ": the function's CPU a call ÷ the bare server's", Part: "activator", Is: report.AtMost, Bound: 1.2,
				Values: over(point{c.name, through, backFigure}, point{c.name, posted, backFigure})},
			report.Goal{Measure: "lane without activator, " + c.title + ": the function's CPU a call ÷ the bare server's", Part: "activator",
				Values: over(point{c.name, lane, backFigure}, point{c.name, posted, backFigure})},
			report.Goal{Measure: "activator, " + c.title + ": calls/s ÷ straight to the function", Part: "activator",
				Values: over(point{c.name, through, rateFigure}, point{c.name, direct, rateFigure})})
	}
	all = append(all, report.Goal{Measure: "activator, 1 × 1: added to p50, µs", Part: "activator", Is: report.AtMost, Bound: 180, Values: beyond(point{one, through, medianFigure}, point{one, direct, medianFigure})})
	for _, what := range []string{connectedWhat, calledWhat} {
		all = append(all, report.Goal{Measure: "activator, bytes each: " + what, Part: "activator", Is: report.AtMost, Bound: 12_000, Values: alone(point{memoryCase, what, eachFigure})})
	}
	return all
}

func startGoals() (all []report.Goal) {
	for i, w := range startWays() {
		title := []string{"straight", "by sh"}[i]
		for _, p := range []struct {
			name string
			most float64
		}{{greet, 1.3}, {linked, 2.5}} {
			all = append(all, report.Goal{Measure: "start, " + title + ", " + p.name + ": ms ÷ the bare server's", Part: "start", Is: report.AtMost, Bound: p.most,
				Values: over(point{w.name, p.name, startFigure}, point{w.name, bare, startFigure})})
		}
	}
	return append(all,
		report.Goal{Measure: "idle, " + greet + ": MiB", Part: "footprint", Is: report.AtMost, Bound: 12, Values: alone(point{footprintCase, greet, residentFigure})},
		report.Goal{Measure: "idle, " + linked + ": MiB", Part: "footprint", Is: report.AtMost, Bound: 25, Values: alone(point{footprintCase, linked, residentFigure})})
}

func scaleGoals() []report.Goal {
	spread := cell{name: "user", connections: 100, inFlight: 64}.String()
	each := cell{name: "user", connections: 100, inFlight: 100}.String()
	return []report.Goal{
		{Measure: "growing to 10,000 connections, a call on each: CPU a call, worst ÷ first", Part: "scale connections", Is: report.AtMost, Bound: 1.5, Values: growth(subject, "")},
		{Measure: "… from 100 connections, where it is no longer idle between calls", Part: "scale connections", Values: growth(subject, each)},
		{Measure: "… from 100 connections, of the bare server", Part: "scale connections", Values: growth(bareProvider, each)},
		{Measure: "growing to 10,000 calls in flight: CPU a call, worst ÷ first", Part: "scale in-flight", Is: report.AtMost, Bound: 1.5, Values: growth(subject, "")},
		{Measure: "growing to 10,000 functions behind an activator: its CPU a call, worst ÷ first", Part: "scale " + functionSeries, Is: report.AtMost, Bound: 1.5, Values: growth(relayPeer, "")},
		{Measure: "growing from 100 to 10,000 connections, 64 calls over all: CPU a call, worst ÷ first", Part: "scale shared", Is: report.AtMost, Bound: 1.5, Values: growth(subject, spread)},
		{Measure: "… of the bare server", Part: "scale shared", Values: growth(bareProvider, spread)},
		{Measure: "… from 1 connection, where 64 requests come in one read", Part: "scale shared", Values: growth(subject, "")},
		{Measure: "… from 1 connection, of the bare server", Part: "scale shared", Values: growth(bareProvider, "")},
	}
}

// otherGoals are older ones.
func otherGoals() (all []report.Goal) {
	for _, n := range eventsInFlight() {
		c := eventCase(n)
		all = append(all, report.Goal{Measure: "events, " + c + ": events/s ÷ functions-framework-go's", Part: "events", Is: report.AtLeast, Bound: 2,
			Values: over(point{c, subject, rateFigure}, point{c, eventPeers()[0], rateFigure})})
	}
	for _, c := range tracingCells() {
		for _, f := range []struct {
			figure string
			most   float64
		}{{medianFigure, 1.05}, {tailFigure, 1.25}} {
			all = append(all, report.Goal{Measure: fmt.Sprintf("tracing, %d × %d, backend down: %s ÷ backend up's", c.connections, c.inFlight, f.figure), Part: "tracing", Is: report.AtMost, Bound: f.most,
				Values: over(point{c.String(), away, f.figure}, point{c.String(), taking, f.figure})})
		}
	}
	c, _ := warmWay{Name: "client: " + relayKept + ", TLS"}.names("nacos:", 32, 0)
	for _, f := range []struct {
		figure string
		least  float64
	}{{firstFigure, 15}, {lastFigure, 5}} {
		all = append(all, report.Goal{Measure: "warm start, client, TLS, Nacos: " + f.figure + ", nothing kept ÷ by the keeper's relay", Part: "warm", Is: report.AtLeast, Bound: f.least,
			Values: over(point{c, nothingKept, f.figure}, point{c, relayKept, f.figure})})
	}
	return append(all,
		report.Goal{Measure: "choice among 10,000 providers, dearest of all balancers: ns", Part: "choice", Is: report.AtMost, Bound: 2000, Values: dearest("", manyFigure, "")},
		report.Goal{Measure: "choice, dearest growth from 100 to 10,000 providers", Part: "choice", Is: report.AtMost, Bound: 3, Values: dearest("select", manyFigure, fewFigure)},
		report.Goal{Measure: "choice, most allocations", Part: "choice", Is: report.AtMost, Bound: 0, Values: dearest("", allocsFigure, "")})
}

// dearest is the largest median of a figure, or of its ratio to another, among the choices of a case; of all cases where it is empty.
func dearest(of, figure, than string) func(*report.Part) []float64 {
	return func(part *report.Part) []float64 {
		var worst []float64
		for _, c := range []string{"select", "routed"} {
			for _, peer := range part.Peers(c) {
				v := report.SpreadOf(part.Of(c, peer, figure)).Median
				if than != "" {
					v /= report.SpreadOf(part.Of(c, peer, than)).Median
				}
				if of == "" || of == c {
					worst = []float64{slices.Max(append(worst, v))}
				}
			}
		}
		return worst
	}
}
