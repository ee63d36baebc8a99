package peer

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// TestMain is a peer itself when it is started as one: it listens and waits for the end of its input.
func TestMain(m *testing.M) {
	if port := os.Getenv("BENCH_PEER_PORT"); port != "" {
		os.Exit(listen(port))
	}
	os.Exit(m.Run())
}

func TestProcessIsGoneAfterStop(t *testing.T) {
	t.Parallel()
	p := testPeer()
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
	p := Peer{Name: "brief", run: func(string, int, string) []string { return []string{"false"} }}
	if _, err := p.Start(t.Context(), Machine{Log: io.Discard}); err == nil || !strings.Contains(err.Error(), "ended before it listened") {
		t.Errorf("error %v does not say that it ended", err)
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

func testPeer() Peer {
	return Peer{Name: "test", run: func(_ string, port int, _ string) []string {
		env, err := exec.LookPath("env")
		if err != nil {
			env = "/usr/bin/env"
		}
		self, err := filepath.Abs(os.Args[0])
		if err != nil {
			self = os.Args[0]
		}
		return []string{env, "BENCH_PEER_PORT=" + strconv.Itoa(port), self}
	}}
}
