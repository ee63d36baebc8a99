package local

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dubbofn/dubbofn/client"
	"github.com/dubbofn/dubbofn/internal/daemon"
	"github.com/dubbofn/dubbofn/internal/scaffold"
)

// made gives a new function's folder.
func made(t *testing.T, name, iface string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	if _, err := scaffold.New(t.Context(), scaffold.Config{Dir: dir, Interface: iface, Source: "../..", Environment: os.Environ()}); err != nil {
		t.Fatal(err)
	}
	return dir
}

// edit replaces text of a file as editors do: a whole file is moved over it.
func edit(t *testing.T, file, from, to string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(b), from) {
		t.Fatalf("%s: %v; want %q in it", file, err, from)
	}
	if err := os.WriteFile(file+"~", []byte(strings.Replace(string(b), from, to, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+"~", file); err != nil {
		t.Fatal(err)
	}
}

// site is a run of one function for a test.
type site struct {
	t    *testing.T
	out  *buffer
	call func(method string, reply any, args ...any) error
}

func runOne(t *testing.T, dir string) *site {
	t.Helper()
	a, err := daemon.ActivatorFromEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	a.Port, a.AdminPort, a.DrainTimeout = 0, 0, time.Second
	s := &site{t: t, out: &buffer{}}
	ready, done := make(chan Site, 1), make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	c := Config{
		Paths: []string{dir}, Activator: a, Environment: environment(t), Registry: "embedded://" + filepath.Join(t.TempDir(), "registry"), Idle: time.Minute, Cache: t.TempDir(), Out: s.out,
		Status: func(string) {}, Ready: func(s Site) { ready <- s },
	}
	go func() { done <- Run(ctx, c) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	var at Site
	select {
	case at = <-ready:
	case err := <-done:
		done <- nil
		t.Fatal(err)
	}
	cfg, err := client.FromEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	cfg.Registry = []string{at.Registry}
	consumer, err := client.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = consumer.Close() })
	ref, err := consumer.Reference(t.Context(), "org.example.HelloService")
	if err != nil {
		t.Fatal(err)
	}
	s.call = func(method string, reply any, args ...any) error {
		return ref.Call(t.Context(), method, reply, args...)
	}
	return s
}

// until waits for a text that there was not after so many bytes before.
func (s *site) until(after int, what string) {
	s.t.Helper()
	for end := time.Now().Add(60 * time.Second); !strings.Contains(s.out.String()[after:], what); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("%q is not in\n%s", what, s.out.String()[after:])
		}
	}
}

func TestAFunctionIsBuiltAnewUnderCallsOfWhichNoneIsLost(t *testing.T) {
	t.Parallel()
	dir := made(t, "hello", "")
	service := filepath.Join(dir, "service.go")
	s := runOne(t, dir)
	var calls, news atomic.Int64
	var wg sync.WaitGroup
	end := make(chan struct{})
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-end:
					return
				default:
				}
				var reply string
				if err := s.call("hello", &reply, "Ada"); err != nil {
					t.Errorf("call %d: %v", calls.Load(), err)
					return
				}
				calls.Add(1)
				if strings.HasPrefix(reply, "Hi, ") {
					news.Add(1)
				}
			}
		})
	}
	s.until(0, "hello is awake")
	edit(t, service, `"Hello, " + name`, `"Hi, " + name`)
	s.until(0, "finishes its calls, the next call has it")
	for begin := time.Now(); news.Load() < 100 && time.Since(begin) < 20*time.Second; {
		time.Sleep(time.Millisecond)
	}
	if news.Load() < 100 {
		t.Errorf("of %d calls %d had the new program", calls.Load(), news.Load())
	}

	// What does not compile, or can't be a method of Java's, changes nothing, and is told with its place.
	const fault = "\tvar unused int\n\twords := "
	at := len(s.out.String())
	edit(t, service, "\twords := ", fault)
	s.until(at, "hello goes on as it was: build "+dir)
	s.until(at, filepath.Join(dir, "service.go")+":")
	s.until(at, "declared and not used: unused")
	edit(t, service, fault, "\twords := ")
	at = len(s.out.String())
	edit(t, service, "fn.Method(\"hello\", Hello, fn.Idempotent),", "fn.Method(\"hello\", Hello, fn.Idempotent),\n\t\tfn.Method(\"hello\", Hello),")
	s.until(at, "hello goes on as it was: describe ")

	// A method more, in a file more.
	at = len(s.out.String())
	edit(t, service, "\t\tfn.Method(\"hello\", Hello),", "\t\tfn.Method(\"bye\", Bye),")
	if err := os.WriteFile(filepath.Join(dir, "bye.go"), []byte("package main\n\nfunc Bye(name string) (string, error) { return \"Bye, \" + name, nil }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.until(at, "hello is built anew")
	close(end)
	wg.Wait()
	var reply string
	if err := s.call("bye", &reply, "Ada"); err != nil || reply != "Bye, Ada" {
		t.Errorf("%q, %v", reply, err)
	}
	t.Logf("%d calls, none lost\n%s", calls.Load(), s.out)
}

func TestFunctionsOfWhichACallCouldMeanEitherAreNotRun(t *testing.T) {
	t.Parallel()
	one, other := made(t, "one", "org.example.GreetService"), made(t, "other", "org.example.GreetService")
	err := Run(t.Context(), Config{Paths: []string{one, other}, Environment: environment(t), Cache: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "functions "+one+" and "+other+" both offer org.example.GreetService") || !strings.Contains(err.Error(), "fn.Group") {
		t.Error(err)
	}
}

func TestAFolderThatIsNoFunctionIsToldWhatItLacks(t *testing.T) {
	t.Parallel()
	for want, files := range map[string]map[string]string{
		"there is no go.mod in it, nor above it: 'dubbofn new NAME'": {"main.go": "package main\n\nfunc main() {}\n"},
		"no Go files in":             {"go.mod": "module m\n"},
		"its package is not main":    {"go.mod": "module m\n", "a.go": "package a\n"},
		"a/a.go:3:1: syntax error: ": {"go.mod": "module m\n", "main.go": "package main\n\nimport _ \"m/a\"\n\nfunc main() {}\n", "a/a.go": "package a\n\nfun x() {}\n"},
	} {
		dir := module(t, files)
		_, err := Build(t.Context(), dir, t.TempDir())
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
