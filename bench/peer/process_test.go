package peer

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/dubbofn/dubbofn/bench/service/measure"
)

// TestMain is a peer itself when it is started as one: it listens and waits for the end of its input, or answers plans.
func TestMain(m *testing.M) {
	switch os.Getenv("BENCH_PEER") {
	case "provider":
		os.Exit(listen(os.Getenv("BENCH_PEER_ADDRESS")))
	case "consumer":
		os.Exit(answer(os.Getenv("BENCH_PEER_ADDRESS")))
	}
	os.Exit(m.Run())
}

func TestProcessIsGoneAfterStop(t *testing.T) {
	t.Parallel()
	p := testPeer("provider")
	s, err := p.Start(t.Context(), Machine{Log: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	s.Stop()
	s.Stop()
	if err := syscall.Kill(s.PID, 0); err == nil {
		t.Errorf("process %d is still there", s.PID)
	}
}

func TestStartTellsWhenThePeerEnds(t *testing.T) {
	t.Parallel()
	p := Peer{Name: "brief", run: func(string, string, string) []string { return []string{"false"} }}
	if _, err := p.Start(t.Context(), Machine{Log: io.Discard}); err == nil || !strings.Contains(err.Error(), "ended before it listened") {
		t.Errorf("error %v does not say that it ended", err)
	}
	if _, err := testPeer("consumer").StartConsumer(t.Context(), Machine{Log: io.Discard}, "127.0.0.1:1"); err == nil || !strings.Contains(err.Error(), "ended without an answer") {
		t.Errorf("error %v does not say that the consumer was not ready", err)
	}
}

func TestConsumersAnswerPlansUntilTheyAreStopped(t *testing.T) {
	t.Parallel()
	s, err := testPeer("consumer").StartConsumer(t.Context(), Machine{Log: io.Discard}, "127.0.0.1:20880")
	if err != nil {
		t.Fatal(err)
	}
	for _, calls := range []int{7, 8} {
		o, err := s.Ask(t.Context(), measure.Plan{Case: "echo", MaxCalls: calls})
		if err != nil || o.Calls != uint64(calls) {
			t.Errorf("%d calls, %v; want %d", o.Calls, err, calls)
		}
	}
	if _, err := s.Ask(t.Context(), measure.Plan{Case: "wrong"}); err == nil || !strings.Contains(err.Error(), "no such case at 127.0.0.1:20880") {
		t.Errorf("error %v is not what the consumer said", err)
	}
	if _, err := s.Ask(t.Context(), measure.Plan{Case: "echo"}); err == nil {
		t.Error("a consumer that has ended answers")
	}
	s.Stop()
	if err := syscall.Kill(s.PID, 0); err == nil {
		t.Errorf("process %d is still there", s.PID)
	}
}

func TestWhatAConsumerSaysBesideAnswersGoesToTheLog(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	answers := make(chan []byte, 1)
	l := &lines{answers: answers, log: &log}
	for _, part := range []string{"star", "ting\n{\"calls\"", ":1}\n{\"calls\":2}\nend"} {
		if n, err := l.Write([]byte(part)); n != len(part) || err != nil {
			t.Fatalf("wrote %d of %d, %v", n, len(part), err)
		}
	}
	if got := string(<-answers); got != `{"calls":1}` {
		t.Errorf("answer %q", got)
	}
	if got := log.String(); got != "starting\n{\"calls\":2}\n" {
		t.Errorf("log %q", got)
	}
}

func TestAskEndsWithItsContext(t *testing.T) {
	t.Parallel()
	s, err := testPeer("consumer").StartConsumer(t.Context(), Machine{Log: io.Discard}, "127.0.0.1:20880")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	ctx, cancel := context.WithCancel(t.Context())
	go cancel()
	if _, err := s.Ask(ctx, measure.Plan{Case: "silence"}); err == nil || !strings.Contains(err.Error(), "without an answer") {
		t.Errorf("error %v does not say that there is no answer", err)
	}
}

func TestChooseRefusesUnknownPeers(t *testing.T) {
	t.Parallel()
	if _, err := Choose([]string{"dubbo-rust"}, 0, 0); err == nil || !strings.Contains(err.Error(), "dubbo-go") {
		t.Errorf("error %v does not name what there is", err)
	}
	peers, err := Choose([]string{"java", "dubbofn"}, 0, 0)
	if err != nil || len(peers) != 2 || peers[0].Name != "dubbofn" {
		t.Errorf("chose %v, %v; want dubbofn and java", peers, err)
	}
}

func TestChooseConsumers(t *testing.T) {
	t.Parallel()
	all, err := ChooseConsumers(ConsumerNames(), 0, 0)
	if err != nil || len(all) != len(ConsumerNames()) {
		t.Fatalf("chose %v, %v; want all", all, err)
	}
	for i, p := range all {
		if p.Name != ConsumerNames()[i] {
			t.Errorf("consumer %d is %s; want %s", i, p.Name, ConsumerNames()[i])
		}
	}
	if got := strings.Join(all[0].With("-x").run("/r", "a:1", "a:2"), " "); got != "/r/out/bin/dubbofn-consumer -address a:1 -pprof a:2 -x" {
		t.Errorf("command %q", got)
	}
}

func TestPinnedCommandsGoThroughTaskset(t *testing.T) {
	t.Parallel()
	cmd := Machine{Pinned: true, GOGC: "400"}.Command(t.Context(), 1, "x", "-y")
	if got := strings.Join(cmd.Args, " "); got != "taskset -c 1 x -y" {
		t.Errorf("command %q", got)
	}
	if got := cmd.Env[len(cmd.Env)-1]; got != "GOGC=400" {
		t.Errorf("environment ends with %q", got)
	}
}

// testPeer is this test's program, started as a peer of some kind.
func testPeer(kind string) Peer {
	return Peer{Name: "test", run: func(_, address, _ string) []string {
		env, err := exec.LookPath("env")
		if err != nil {
			env = "/usr/bin/env"
		}
		self, err := filepath.Abs(os.Args[0])
		if err != nil {
			self = os.Args[0]
		}
		return []string{env, "BENCH_PEER=" + kind, "BENCH_PEER_ADDRESS=" + address, self}
	}}
}
