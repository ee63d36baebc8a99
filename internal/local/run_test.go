package local

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/dubbofn/dubbofn/client"
	"github.com/dubbofn/dubbofn/internal/daemon"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func environment(t *testing.T) []string {
	t.Helper()
	var kept []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "DUBBOFN_") {
			kept = append(kept, v)
		}
	}
	return append(kept, "DUBBOFN_DRAIN_QUIET=1ms", "PORT=1", "K_SERVICE=not-this")
}

// start runs the two examples and gives where they are, what is told, and what ends them.
func start(t *testing.T) (at Site, out *buffer, end func()) {
	t.Helper()
	a, err := daemon.ActivatorFromEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	a.Port, a.AdminPort, a.DrainTimeout = 0, 0, time.Second
	out = &buffer{}
	ready := make(chan Site, 1)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	c := Config{
		Paths: []string{"../../examples/functions/greet", "../../examples/functions/board"}, Activator: a, Environment: environment(t),
		Registry: "embedded://" + filepath.Join(t.TempDir(), "one") + ",embedded://" + filepath.Join(t.TempDir(), "other"), Idle: 300 * time.Millisecond, Cache: t.TempDir(), Out: out,
		Ready: func(s Site) { ready <- s },
	}
	go func() { done <- Run(ctx, c) }()
	select {
	case at = <-ready:
	case err := <-done:
		t.Fatal(err)
	}
	end = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(end)
	return at, out, end
}

func TestFunctionsRunOnlyWhileTheyAreCalled(t *testing.T) {
	t.Parallel()
	at, out, end := start(t)
	cfg, err := client.FromEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	cfg.Registry = strings.Split(at.Registry, ",")[1:]
	c, err := client.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	board, err := c.Reference(t.Context(), "org.example.BoardService")
	if err != nil {
		t.Fatal(err)
	}
	until := func(what string) {
		t.Helper()
		for end := time.Now().Add(15 * time.Second); !strings.Contains(out.String(), what); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%q is not in\n%s", what, out)
			}
		}
	}
	for range 2 {
		var lines []string
		if err := board.Call(t.Context(), "welcome", &lines, []string{"Ada", "Bob"}, "fr"); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if !cmp.Equal(lines, []string{"Bonjour, Ada!", "Bonjour, Bob!"}) {
			t.Errorf("%q", lines)
		}
		until("board is asleep")
		until("greet is asleep")
	}
	resp, err := http.Get("http://" + at.Admin + "/api/ledger")
	if err != nil {
		t.Fatal(err)
	}
	var starts []struct{ App, Lane string }
	if err := json.NewDecoder(resp.Body).Decode(&starts); err != nil || len(starts) < 3 {
		t.Errorf("ledger %+v, %v", starts, err)
	}
	resp.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	end()
	for _, want := range []string{"functions/greet (1 of 2)\nbuilt greet in ", "org.example.BoardService: welcome", "● board is awake after", "greet │ ", "call one    dubbofn call --registry " + at.Registry + " org.example.GreetService hello Ada"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
}

func TestWhatCannotBeRunIsReported(t *testing.T) {
	t.Parallel()
	broken := filepath.Join(t.TempDir(), "broken")
	if err := os.MkdirAll(broken, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"main.go": "package main\nfunc main() { nothing() }\n", "go.mod": "module broken\n"} {
		if err := os.WriteFile(filepath.Join(broken, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	other := filepath.Join(t.TempDir(), "other.sh")
	if err := os.WriteFile(other, []byte("#!/bin/sh\necho hello\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for want, paths := range map[string][]string{
		"undefined: nothing": {broken}, "no such file": {filepath.Join(t.TempDir(), "nowhere")}, "it printed no manifest": {other}, "can't be executed": {text}, "no function": nil,
	} {
		err := Run(t.Context(), Config{Paths: paths, Environment: os.Environ(), Cache: t.TempDir()})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
}

func TestACertificateOfTheActivatorChangesNoManifest(t *testing.T) {
	t.Parallel()
	var manifests []string
	for _, tls := range [][]string{nil, {"DUBBOFN_TLS_CERT=/nowhere/cert.pem", "DUBBOFN_TLS_KEY=/nowhere/key.pem"}} {
		functions, err := prepare(t.Context(), Config{
			Paths: []string{"../../examples/functions/greet"}, Environment: append(environment(t), tls...), Cache: t.TempDir(),
		}, &console{out: io.Discard})
		if err != nil {
			t.Fatal(err)
		}
		manifests = append(manifests, string(functions[0].manifest.Text))
	}
	if manifests[0] != manifests[1] {
		t.Errorf("%s\n%s", manifests[0], manifests[1])
	}
}

func TestAPathThatIsTooLongForASocketIsReported(t *testing.T) {
	t.Parallel()
	p := &parts{}
	if err := p.keep(t.Context(), "/"+strings.Repeat("x", maxSocketPath), "token"); err == nil || !strings.Contains(err.Error(), "TMPDIR") {
		t.Error(err)
	}
}

func TestAProgramThatDoesNotSayWhatItOffersIsNotWaitedForForever(t *testing.T) {
	t.Parallel()
	server := filepath.Join(t.TempDir(), "server.sh")
	if err := os.WriteFile(server, []byte("#!/bin/sh\nsleep 20\necho never\n"), 0o700); err != nil { // sleep outlives the shell, and has its output
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	begin := time.Now()
	_, err := Describe(ctx, server, os.Environ())
	if err == nil || !strings.Contains(err.Error(), "calls serve.Main") || time.Since(begin) > 10*time.Second {
		t.Errorf("after %v: %v", time.Since(begin), err)
	}
}

func TestAnExampleCallHasAnArgumentForEachParameter(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"": "", "Ljava/lang/String;": "Ada", "I[JLjava/util/List;Lorg/example/User;": "1 '[]' '[]' '{}'", "ZLjava/lang/Boolean;D": "true true 1", "[": "", "[[Ljava/lang/String;": "'[]'",
	} {
		if got := sample(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
