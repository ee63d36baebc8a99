package supervise

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// buffer is a writer that many write to.
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

// site is a Supervisor that runs for a test.
type site struct {
	*Supervisor
	t      *testing.T
	url    string
	out    *buffer
	log    *buffer
	client *http.Client
	end    func()
}

// run starts a Supervisor of functions that behave as their words say: name → words for child.
func run(t *testing.T, cfg Config, functions map[string]string) *site {
	t.Helper()
	var all []Function
	for name, how := range functions {
		all = append(all, Function{Name: name, Path: os.Args[0], Environment: []string{"CHILD=serve " + how, "EXTRA=x", "GORACE=atexit_sleep_ms=0"}})
	}
	return runAll(t, cfg, all)
}

// runPath starts one of a function "a" that is a program of its own.
func runPath(t *testing.T, path string) *site {
	t.Helper()
	return runAll(t, Config{}, []Function{{Name: "a", Path: path, Environment: []string{"GORACE=atexit_sleep_ms=0"}}})
}

func runAll(t *testing.T, cfg Config, all []Function) *site {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, url: "http://" + l.Addr().String(), out: &buffer{}, log: &buffer{}}
	cfg.Listener, cfg.Output = l, s.out
	cfg.Log = slog.New(slog.NewTextHandler(s.log, nil))
	if s.Supervisor, err = New(cfg, all...); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	s.client = &http.Client{Transport: &http.Transport{Protocols: &protocols}}
	s.end = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		s.client.CloseIdleConnections()
	})
	t.Cleanup(s.end)
	return s
}

// ask sends one request to a function and gives the answer's status, the process that gave it, and the body.
func (s *site) ask(name, path, body string) (status int, pid, text string) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Host = name + ".local"
	resp, err := s.client.Do(req)
	if err != nil {
		return 0, "", err.Error()
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, "", err.Error()
	}
	return resp.StatusCode, resp.Header.Get("Pid"), strings.TrimSpace(string(b))
}

func (s *site) until(what string, ok func() bool) {
	s.t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("%s: not within 10 s; states %+v, log\n%s", what, s.States(), s.log)
		}
	}
}

func alive(pid string) bool {
	n, err := strconv.Atoi(pid)
	return err == nil && syscall.Kill(n, 0) == nil
}

func TestTheFirstRequestStartsTheFunctionOnceHoweverManyCome(t *testing.T) {
	t.Parallel()
	count := filepath.Join(t.TempDir(), "count")
	s := run(t, Config{}, map[string]string{"a": "late=30ms count=" + count, "b": ""})
	var wg sync.WaitGroup
	var pids sync.Map
	for i := range 500 {
		wg.Go(func() {
			status, pid, text := s.ask("a", "/echo", strconv.Itoa(i))
			if status != http.StatusOK || text != strconv.Itoa(i) {
				t.Errorf("%d: %d %q", i, status, text)
			}
			pids.Store(pid, true)
		})
	}
	wg.Wait()
	n := 0
	pids.Range(func(any, any) bool { n++; return true })
	if started, _ := os.ReadFile(count); n != 1 || bytes.Count(started, []byte("\n")) != 1 {
		t.Errorf("%d processes answered; started: %q", n, started)
	}
	for _, st := range s.States() {
		if want := map[string]Phase{"a": Awake, "b": Asleep}[st.Name]; st.Phase != want {
			t.Errorf("%+v, want %s", st, want)
		}
	}
}

func TestAProcessKnowsWhoItIs(t *testing.T) {
	t.Parallel()
	s := run(t, Config{Environment: []string{"EXTRA=overruled"}}, map[string]string{"a": ""})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/echo", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "A.local:80"
	resp, err := s.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if got, want := resp.Header.Get("Service"), "a a-00001 x HTTP/2.0 A.local:80"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestAnIdleFunctionGoesToSleepAndWakesAgain(t *testing.T) {
	t.Parallel()
	s := run(t, Config{Idle: 60 * time.Millisecond}, map[string]string{"a": ""})
	_, first, _ := s.ask("a", "/echo", "")
	s.until("sleep", func() bool { return s.States()[0].Phase == Asleep && !alive(first) })
	if status, second, text := s.ask("a", "/echo", "x"); status != http.StatusOK || second == first || text != "x" {
		t.Errorf("%d from %s %q, the first was %s", status, second, text, first)
	}
	if !strings.Contains(s.out.String(), "a │ ended after 1\n") {
		t.Errorf("it did not end by itself: %q", s.out)
	}
}

// A held request is what keeps a process for calls that come in another way.
func TestARequestInFlightKeepsTheProcess(t *testing.T) {
	t.Parallel()
	s := run(t, Config{Idle: 30 * time.Millisecond}, map[string]string{"a": ""})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/hold?for=300ms", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "a.local"
	begin := time.Now()
	resp, err := s.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	pid := resp.Header.Get("Pid")
	s.until("the state", func() bool { return s.States()[0].InFlight == 1 })
	if _, err := io.ReadAll(resp.Body); err != nil || time.Since(begin) < 300*time.Millisecond || !alive(pid) {
		t.Errorf("held %v, alive %t, %v", time.Since(begin), alive(pid), err)
	}
	s.until("sleep", func() bool { return !alive(pid) })
}

func TestAFunctionThatCrashesOnStartIsReportedAndTriedWithPauses(t *testing.T) {
	t.Parallel()
	count := filepath.Join(t.TempDir(), "count")
	s := run(t, Config{Start: 400 * time.Millisecond}, map[string]string{"a": "crash count=" + count})
	status, _, text := s.ask("a", "/echo", "")
	if status != http.StatusBadGateway || !strings.Contains(text, "it ended: exit status 3") {
		t.Errorf("%d %q", status, text)
	}
	started, _ := os.ReadFile(count)
	if n := bytes.Count(started, []byte("\n")); n < 2 || n > 4 {
		t.Errorf("%d starts within 400 ms; want 2 at once, then pauses of 100 ms, 200 ms …", n)
	}
	if log := s.log.String(); !strings.Contains(log, `error="it ended: exit status 3" stderr="the disk is full"`) {
		t.Errorf("log: %s", log)
	}
}

func TestACrashIsNoticedByNobodyIfTheNextStartSucceeds(t *testing.T) {
	t.Parallel()
	s := run(t, Config{}, map[string]string{"a": "crash-once=" + filepath.Join(t.TempDir(), "mark")})
	if status, _, text := s.ask("a", "/echo", "x"); status != http.StatusOK || text != "x" || s.States()[0].Err != nil {
		t.Errorf("%d %q %+v", status, text, s.States())
	}
}

func TestAFunctionThatNeverIsReadyIsKilledInTime(t *testing.T) {
	t.Parallel()
	for how, want := range map[string]string{"silent": "it did not listen on PORT", "unready": "GET /health/ready gave 503", "unready stubborn": "503"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			s := run(t, Config{Start: 500 * time.Millisecond}, map[string]string{"a": how})
			begin := time.Now()
			status, _, text := s.ask("a", "/echo", "")
			if status != http.StatusGatewayTimeout && status != http.StatusBadGateway || time.Since(begin) > 5*time.Second {
				t.Errorf("%d %q after %v", status, text, time.Since(begin))
			}
			s.until("the log line", func() bool { return strings.Contains(s.log.String(), want) })
			s.until("its end", func() bool { return s.States()[0].Phase == Asleep })
		})
	}
}

func TestAProgramThatIsMissingIsReported(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	sup, err := New(Config{Listener: l, Start: 500 * time.Millisecond}, Function{Name: "a", Path: "/nowhere/a"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- sup.Run(ctx) }()
	resp, err := http.Get("http://" + l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	b, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if resp.StatusCode != http.StatusNotFound || !strings.Contains(string(b), "there are a.local") {
		t.Errorf("%s %s", resp.Status, b)
	}
	req, _ := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+l.Addr().String(), nil)
	req.Host = "a.local"
	if resp, err = http.DefaultClient.Do(req); err != nil {
		t.Fatal(err)
	}
	b, _ = io.ReadAll(resp.Body)
	resp.Body.Close()
	if resp.StatusCode != http.StatusBadGateway || !strings.Contains(string(b), "no such file") {
		t.Errorf("%s %s", resp.Status, b)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestAProcessThatDiesInACallFailsThatCallOnly(t *testing.T) {
	t.Parallel()
	s := run(t, Config{}, map[string]string{"a": ""})
	if status, _, text := s.ask("a", "/die", ""); status != http.StatusBadGateway || !strings.Contains(text, "gave no answer") {
		t.Errorf("%d %q", status, text)
	}
	if status, _, text := s.ask("a", "/echo", "x"); status != http.StatusOK || text != "x" {
		t.Errorf("%d %q", status, text)
	}
	s.until("the log line", func() bool { return strings.Contains(s.log.String(), "function ended unasked") })
}

func TestAStubbornProcessIsKilledAfterItsGrace(t *testing.T) {
	t.Parallel()
	s := run(t, Config{Idle: 20 * time.Millisecond, Grace: 1500 * time.Millisecond}, map[string]string{"a": "stubborn"})
	_, first, _ := s.ask("a", "/echo", "")
	s.until("sleep", func() bool { return s.States()[0].Draining == 1 })
	if status, second, _ := s.ask("a", "/echo", ""); status != http.StatusOK || second == first || !alive(first) {
		t.Errorf("while it drains, another one answers: %d from %s, the first %s", status, second, first)
	}
	s.until("its end", func() bool { return !alive(first) })
}

func TestTheEndOfTheSupervisorIsThatOfItsProcesses(t *testing.T) {
	t.Parallel()
	s := run(t, Config{Grace: time.Second}, map[string]string{"a": "orphan", "b": "late=5s", "c": "stubborn"})
	_, a, _ := s.ask("a", "/echo", "")
	_, c, _ := s.ask("c", "/echo", "")
	waiting := make(chan int, 1)
	go func() {
		status, _, _ := s.ask("b", "/echo", "")
		waiting <- status
	}()
	s.until("b starts", func() bool {
		for _, st := range s.States() {
			if st.Name == "b" && st.PID != 0 {
				return true
			}
		}
		return false
	})
	begin := time.Now()
	s.end()
	if status := <-waiting; status != http.StatusServiceUnavailable {
		t.Errorf("who waited for b got %d", status)
	}
	if alive(a) || alive(c) || time.Since(begin) > 4*time.Second {
		t.Errorf("a %t, c %t alive after %v", alive(a), alive(c), time.Since(begin))
	}
	var orphan int
	if _, err := fmt.Sscanf(s.out.String(), "a │ orphan %d", &orphan); err == nil {
		_ = syscall.Kill(orphan, syscall.SIGKILL)
	}
}

// supervisor is a Supervisor in a process of its own, to be killed.
func supervisor() {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	s, err := New(Config{Listener: l}, Function{Name: "a", Path: os.Args[0], Environment: []string{"CHILD=stubborn"}})
	if err != nil {
		panic(err)
	}
	fmt.Println(l.Addr())
	_ = s.Run(context.Background())
}

func TestProcessesEndWithASupervisorThatIsKilled(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = []string{"CHILD=supervisor"}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var at string
	if _, err := fmt.Fscanln(out, &at); err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, url: "http://" + at, client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
	_, pid, _ := s.ask("a", "/echo", "")
	if !alive(pid) {
		t.Fatalf("process %q", pid)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	for end := time.Now().Add(5 * time.Second); alive(pid) && time.Now().Before(end); {
		time.Sleep(5 * time.Millisecond)
	}
	if alive(pid) {
		t.Errorf("process %s outlived its supervisor", pid)
	}
}

func TestLinesCarryTheirFunctionsName(t *testing.T) {
	t.Parallel()
	s := run(t, Config{}, map[string]string{"a": "chatty", "longer": "chatty"})
	s.ask("a", "/echo", "")
	s.ask("longer", "/echo", "")
	s.until("output", func() bool { return strings.Count(s.out.String(), "\n") == 6 })
	for _, want := range []string{"a      │ one\n", "a      │ two words\n", "longer │ three\n"} {
		if !strings.Contains(s.out.String(), want) {
			t.Errorf("%q is not in %q", want, s.out)
		}
	}
}

func TestALineWithoutAnEndIsToldWhenTheProcessEnds(t *testing.T) {
	t.Parallel()
	s := run(t, Config{}, map[string]string{"a": "cut"})
	s.ask("a", "/echo", "")
	s.end()
	if out := s.out.String(); !strings.Contains(out, "a │ the last words\n") {
		t.Errorf("output %q", out)
	}
}

func TestLongLinesAreCutAndTheLastOnesKept(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	l := &lines{to: &printer{out: &out}, prefix: "> "}
	for i := range 100 {
		fmt.Fprintf(l, "%d\n", i)
	}
	_, _ = l.Write(bytes.Repeat([]byte("x"), 3*maxLine+1))
	if got := l.last(); !strings.HasPrefix(got, "84\n85\n") || !strings.HasSuffix(got, "x\nx") || len(got) > 4*maxLine {
		t.Errorf("%d bytes: %.20q … %q", len(got), got, got[len(got)-5:])
	}
	if n := strings.Count(out.String(), "> "); n != 104 {
		t.Errorf("%d lines", n)
	}
	if got := prefix("a", 3, 1, true); got != "\x1b[35ma   │\x1b[0m " {
		t.Errorf("%q", got)
	}
}

// Processes are killed at any moment, while requests come without pause and zero is reached now and then: every request has an
// answer in time, and never do two processes take requests.
func TestRandomKillsLoseNoRequestWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	s := run(t, Config{Idle: 20 * time.Millisecond, Start: 5 * time.Second}, map[string]string{"a": ""})
	end := time.Now().Add(3 * time.Second)
	var wg sync.WaitGroup
	var good, failed, kills atomic.Int64
	for range 8 {
		wg.Go(func() {
			for time.Now().Before(end) {
				switch status, _, text := s.ask("a", "/echo", "x"); {
				case status == http.StatusOK && text == "x":
					good.Add(1)
				case status == http.StatusBadGateway || strings.Contains(text, "stream error"): // cut within the answer
					failed.Add(1)
				default:
					t.Errorf("%d %q", status, text)
				}
				time.Sleep(time.Duration(rand.IntN(40)) * time.Millisecond)
			}
		})
	}
	wg.Go(func() {
		for time.Now().Before(end) {
			time.Sleep(time.Duration(rand.IntN(150)) * time.Millisecond)
			if pid := s.States()[0].PID; pid != 0 && syscall.Kill(pid, syscall.SIGKILL) == nil {
				kills.Add(1)
			}
		}
	})
	wg.Wait()
	t.Logf("%d answered, %d failed, %d kills, %d starts", good.Load(), failed.Load(), kills.Load(), s.States()[0].Starts)
	if good.Load() < 10 || kills.Load() == 0 || failed.Load() > 8*kills.Load() {
		t.Error("too few answers, or failures that no kill explains")
	}
}

func TestSettingsThatMakeNoSenseAreAllReported(t *testing.T) {
	t.Parallel()
	_, err := New(Config{Idle: -1, Environment: []string{"X"}}, Function{}, Function{Name: "a", Path: "x"}, Function{Name: "b", Host: "A.local", Path: "x"})
	for _, want := range []string{"no Listener", "Idle is -1ns", `environment "X"`, "function 1", "functions a and b have the same host"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
	if _, err := New(Config{}); err == nil || !strings.Contains(err.Error(), "no functions") {
		t.Error(err)
	}
}
