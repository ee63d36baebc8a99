package main

import (
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dubbofn/dubbofn/bench/peer"
)

func TestInFlightIsAListOfNumbers(t *testing.T) {
	t.Parallel()
	got, err := parseInFlight("1,32,256")
	if err != nil || len(got) != 3 || got[2] != 256 {
		t.Errorf("got %v, %v", got, err)
	}
	for _, wrong := range []string{"", "0", "1,,2", "x"} {
		if _, err := parseInFlight(wrong); err == nil || !strings.Contains(err.Error(), "1,32,256") {
			t.Errorf("%q: error %v does not say what would do", wrong, err)
		}
	}
}

// TestConsumersAreMeasured builds and runs the provider and the consumer of this repository, each in a process of its own, in every case.
func TestConsumersAreMeasured(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	s := settings{consumers: "limit,dubbofn", providers: "dubbofn", cases: "echo,user,users100,bytes1k,bytes64k", inFlight: "1,8", rounds: 2,
		roundWarmUp: 20 * time.Millisecond, warmUp: 20 * time.Millisecond, measure: 100 * time.Millisecond, checkEvery: 4}
	found, err := measureConsumers(t.Context(), peer.Machine{Root: root, Log: io.Discard}, s)
	if err != nil {
		t.Fatal(err)
	}
	p := found[0]
	for _, name := range []string{"echo", "user", "users100", "bytes1k", "bytes64k"} {
		for _, inFlight := range []int{1, 8} {
			c := cell{provider: subject, name: name, inFlight: inFlight}.String()
			for _, consumer := range []string{limit, subject} {
				rates, middles, tails := p.Of(c, consumer, rateFigure), p.Of(c, consumer, medianFigure), p.Of(c, consumer, tailFigure)
				if len(rates) != 2 || min(rates[0], middles[0]) <= 0 || middles[0] > tails[0] || consumer == subject && p.Of(c, consumer, "allocations a call")[0] < 1 {
					t.Errorf("%s, %s does not hold together: %v calls/s, p50 %v, p99 %v", c, consumer, rates, middles, tails)
				}
			}
		}
	}
	if text, want := printed(t, p), "users100, 8 in flight at provider dubbofn"; !strings.Contains(text, want) {
		t.Errorf("the table lacks %q:\n%s", want, text)
	}
}
