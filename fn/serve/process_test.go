package serve

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/dubbofn/dubbofn/cold"
	"github.com/dubbofn/dubbofn/internal/earlylane"
)

// process is a function in a process of its own, as Knative starts one.
type process struct {
	*exec.Cmd
	log  *logBuffer
	http string
}

type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func startProcess(t *testing.T, activator string) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	p := &process{Cmd: exec.Command(self), log: &logBuffer{}, http: fmt.Sprintf("127.0.0.1:%d", port)}
	p.Stderr = p.log
	p.Env = append(os.Environ(), asFunction+"=1", "K_SERVICE=greet", "K_REVISION=greet-00002", fmt.Sprint("PORT=", port), "DUBBOFN_BIND=127.0.0.1",
		"DUBBOFN_TOKEN="+testToken, "DUBBOFN_ACTIVATOR="+activator, "DUBBOFN_DRAIN_QUIET=50ms")
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.Process.Kill()
		_ = p.Wait()
		if t.Failed() {
			t.Logf("the process says:\n%s", p.log)
		}
	})
	return p
}

// The whole way of a wake: exec, early lane, calls, SIGTERM in the middle of them. Each call is answered, or surely did not run.
func TestProcessEndsWithoutLosingACall(t *testing.T) {
	t.Parallel()
	act := newReplica(t, testToken, nil).start()
	p := startProcess(t, act.address())
	l := act.lane()
	call := frame(t, "slow")
	var answered, notRun atomic.Int32
	var callers sync.WaitGroup
	for range 10 {
		callers.Go(func() {
			for {
				resp, b, err := post(t, l, "greet", call, nil)
				switch {
				case errors.Is(err, earlylane.ErrNotRun), err == nil && resp.Header.Get("Dubbofn-Refused") != "":
					notRun.Add(1)
					return
				case err != nil || resp.StatusCode != http.StatusOK || !bytes.Contains(b, []byte("Hello, Ada!")):
					t.Errorf("%v, %q, %v", resp, b, err)
					return
				}
				answered.Add(1)
			}
		})
	}
	until(t, "calls are answered", func() bool { return answered.Load() > 20 })
	_, held := sendKnock(t, p.http)
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	callers.Wait()
	<-held
	if err := p.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	if notRun.Load() != 10 {
		t.Errorf("%d callers were sent away, want 10", notRun.Load())
	}
	line := regexp.MustCompile(`msg="cold start" .*ledger.total=\S+.* ledger.lane=\S+ .*ledger.frame=\S+ ledger.reply=\S+`)
	if !line.MatchString(p.log.String()) || strings.Count(p.log.String(), "cold start") != 1 {
		t.Errorf("no ledger in the log:\n%s", p.log)
	}
}

func TestProcessTellsWhenItWasStarted(t *testing.T) {
	t.Parallel()
	act := newReplica(t, testToken, nil).start()
	begin := time.Now()
	startProcess(t, act.address())
	l := act.lane()
	var r cold.Record
	if err := r.UnmarshalJSON(l.ledger); err != nil {
		t.Fatal(err)
	}
	const tick = 20 * time.Millisecond
	if r.Started.Before(begin.Add(-tick)) || r.Started.After(time.Now()) || r.Total() > time.Since(begin)+tick {
		t.Errorf("begun at %v: %+v", begin, r)
	}
}

// A process that is killed leaves open whether its calls ran. The next one gets its lane.
func TestProcessThatIsKilledIsReplaced(t *testing.T) {
	t.Parallel()
	act := newReplica(t, testToken, nil).start()
	first := startProcess(t, act.address())
	l := act.lane()
	call := frame(t, "slow")
	failed := make(chan error, 1)
	go func() {
		_, _, err := post(t, l, "greet", call, nil)
		failed <- err
	}()
	until(t, "the call is there", func() bool { return l.InFlight() == 1 })
	time.Sleep(20 * time.Millisecond) // and runs
	if err := first.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := <-failed; err == nil || errors.Is(err, earlylane.ErrNotRun) {
		t.Errorf("got %v", err)
	}
	<-l.Done()
	startProcess(t, act.address())
	if resp, _, err := post(t, act.lane(), "greet", call, nil); err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("%v, %v", resp, err)
	}
}
