package main

import (
	"bytes"
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
	r, err := measureConsumers(t.Context(), peer.Machine{Root: root, Log: io.Discard}, s)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(r.Runs); n != 5*2*2*2 {
		t.Errorf("%d runs; want one for each of 5 cases, 2 numbers in flight, 2 consumers, 2 rounds", n)
	}
	for _, run := range r.Runs {
		if run.Calls == 0 || run.Checked == 0 || run.P50 <= 0 || run.P50 > run.P99 || run.Peer == subject && run.ClientAllocs < 1 {
			t.Errorf("%s, %s does not hold together: %+v", run.Peer, run.Cell, run.Outcome)
		}
	}
	var out bytes.Buffer
	if err := r.Table(&out, consumerNames(), subject); err != nil {
		t.Fatal(err)
	}
	if want := "users100, 8 in flight at provider dubbofn"; !strings.Contains(out.String(), want) {
		t.Errorf("the table lacks %q:\n%s", want, out.String())
	}
}
