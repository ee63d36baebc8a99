package main

import (
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestASecondInterruptEndsWhatIsDraining(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := exec.Command(self, "activator")
	p.Env = append(os.Environ(), asCommand+"=1", "DUBBOFN_FUNCTIONS="+t.TempDir()+"/", "DUBBOFN_REGISTRY=embedded://"+filepath.Join(t.TempDir(), "registry"),
		"DUBBOFN_BIND=127.0.0.1", "DUBBOFN_PORT=0", "DUBBOFN_LANE_PORT=0", "DUBBOFN_ADMIN_PORT=0")
	said, err := p.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Process.Kill() })
	var log strings.Builder
	var admin []string
	for b := make([]byte, 1<<10); admin == nil; {
		n, err := said.Read(b)
		if log.Write(b[:n]); err != nil {
			t.Fatalf("%v\n%s", err, &log)
		}
		admin = regexp.MustCompile(`http=(\S+:\d+)`).FindStringSubmatch(log.String())
	}
	until := func(want string) {
		t.Helper()
		for begin := time.Now(); ; time.Sleep(time.Millisecond) {
			resp, err := http.Get("http://" + admin[1] + "/health/ready")
			if err != nil {
				t.Fatal(err)
			}
			text, _ := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if strings.HasPrefix(string(text), want) {
				return
			}
			if time.Since(begin) > 10*time.Second {
				t.Fatalf("it says %q, not %q", text, want)
			}
		}
	}
	defer http.DefaultClient.CloseIdleConnections()
	until("ok")
	_ = p.Process.Signal(os.Interrupt)
	until("draining") // for a second at least
	_ = p.Process.Signal(os.Interrupt)
	_, _ = io.Copy(io.Discard, said)
	_ = p.Wait()
	if s, ok := p.ProcessState.Sys().(syscall.WaitStatus); !ok || !s.Signaled() {
		t.Errorf("it drained to its end: %v", p.ProcessState)
	}
}

func TestTheHelpShowsNoPassword(t *testing.T) {
	t.Setenv("DUBBOFN_REGISTRY", "nacos://user:secret@127.0.0.1:8848")
	for _, command := range []string{"call", "describe", "run"} {
		out, _, err := run(t, command, "--help")
		if err != nil || strings.Contains(out, "secret") || !strings.Contains(out, "DUBBOFN_REGISTRY") {
			t.Errorf("%s: %v\n%s", command, err, out)
		}
	}
}
