package start

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestMain is a program that is started when it is called as one.
func TestMain(m *testing.M) {
	address := os.Getenv("BENCH_START_ADDRESS")
	switch os.Getenv("BENCH_START") {
	case "http":
		_ = http.ListenAndServe(address, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})) // it is killed
	case "refuses":
		_ = http.ListenAndServe(address, http.NotFoundHandler())
	case "ends":
		os.Exit(1)
	case "silent":
		l, err := net.Listen("tcp", address)
		if err != nil {
			os.Exit(1)
		}
		_, _ = l.Accept()
		select {}
	}
	goleak.VerifyTestMain(m)
}

func program(t *testing.T, kind string) (*exec.Cmd, Call) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), "BENCH_START="+kind, "BENCH_START_ADDRESS="+address)
	return cmd, Call{Address: address, Request: []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), Check: HTTP, Pause: time.Millisecond}
}

func TestFirstReplyIsTimedAndTheProgramIsGone(t *testing.T) {
	t.Parallel()
	cmd, c := program(t, "http")
	begun := time.Now()
	took, cpu, err := First(t.Context(), cmd, -1, c)
	if err != nil {
		t.Fatal(err)
	}
	if took <= 0 || took > time.Since(begun) || cpu <= 0 {
		t.Errorf("it took %v, %v of CPU, within %v", took, cpu, time.Since(begun))
	}
	if cmd.ProcessState == nil || cmd.ProcessState.Success() {
		t.Errorf("the program was not killed: %v", cmd.ProcessState)
	}
}

func TestProgramsThatGiveNoReplyAreNamed(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]string{"ends": "ended before it listened", "refuses": "404", "silent": "timeout"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			if kind == "silent" {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, 500*time.Millisecond)
				defer cancel()
			}
			cmd, c := program(t, kind)
			if _, _, err := First(ctx, cmd, -1, c); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), cmd.Path) {
				t.Errorf("%v, want %q", err, want)
			}
		})
	}
}

func TestRepliesAreChecked(t *testing.T) {
	t.Parallel()
	const good = "\xda\xbb\x02\x14\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x91N"
	for text, right := range map[string]bool{good: true, good[:17]: false, strings.Replace(good, "\x14", "\x46", 1): false, "HTTP/1.1 200 OK\r\n\r\n": false, "": false} {
		if err := Dubbo(bufio.NewReader(strings.NewReader(text))); (err == nil) != right {
			t.Errorf("%q: %v", text, err)
		}
	}
}
