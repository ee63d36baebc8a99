package main

import (
	"strings"
	"testing"

	"github.com/dubbofn/dubbofn/bench/report"
)

func crossings(activator, client, function, server, through1, direct1 float64) (all []crossing) {
	cell := report.Cell{Case: "user", Connections: 1, InFlight: 1}
	for round := 3; round >= 1; round-- { // in any order
		k := float64(round)
		all = append(all,
			crossing{Cell: cell, Way: posted, Round: round, Front: client * k, Back: server * k},
			crossing{Cell: cell, Way: through, Round: round, Front: activator * k, Back: function * k, P50: through1},
			crossing{Cell: cell, Way: apart, Round: round, Front: 2 * activator * k, Back: 2 * function * k, P50: through1 - 1},
			crossing{Cell: cell, Way: direct, Round: round, P50: direct1})
	}
	return all
}

func TestCrossingsAreComparedRoundByRound(t *testing.T) {
	t.Parallel()
	if err := checkCrossings(crossings(75, 51, 38, 30, 250, 60)); err != nil {
		t.Error(err)
	}
	err := checkCrossings(crossings(80, 50, 41, 30, 270, 60))
	for _, want := range []string{"the activator's CPU time", "1.60 (most 1.50)", "the function's CPU time", "1.37 (most 1.30)", "added to the median, µs: 210 (most 200)"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %q", err, want)
		}
	}
}

func TestStartsAreComparedRoundByRound(t *testing.T) {
	t.Parallel()
	starts := func(ms ...float64) (all []startRun) {
		for _, m := range ms {
			all = append(all, startRun{Millis: m})
		}
		return all
	}
	found := map[string][]startRun{bare: starts(4, 8, 4), greet: starts(6, 11, 5.8), linked: starts(12, 20, 11)}
	if err := checkStarts(found); err != nil {
		t.Error(err)
	}
	found[greet], found[linked] = starts(6.4, 12.8, 9), starts(13, 30, 13)
	err := checkStarts(found)
	for _, want := range []string{"greet takes 1.60 times", "greet + Nacos takes 3.25 times"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %q", err, want)
		}
	}
}
