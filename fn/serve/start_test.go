package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dubbofn/dubbofn/cold"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/invoker/dubbo"
)

// outbound is a part that calls other services, by hand.
type outbound struct {
	mu       sync.Mutex
	restored map[string][]byte
	times    int
	warmed   []string
	warm     func(ctx context.Context, target string) error
	sections map[string][]byte
	used     []string
}

func (*outbound) Name() string { return "client" }

func (o *outbound) Restore(sections map[string][]byte, ledger *cold.Ledger) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.restored = sections
	o.times++
	ledger.Begin(cold.PhaseKeeper)()
}

func (o *outbound) Warm(ctx context.Context, target string) error {
	o.mu.Lock()
	o.warmed = append(o.warmed, target)
	o.mu.Unlock()
	if o.warm == nil {
		return nil
	}
	return o.warm(ctx, target)
}

func (o *outbound) Save() (map[string][]byte, []string) { return o.sections, o.used }

func (o *outbound) targets() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Sorted(slices.Values(o.warmed))
}

func TestSnapshotGoesFromOneProcessToTheNext(t *testing.T) {
	t.Parallel()
	c := testConfig(t)
	c.Snapshot = filepath.Join(t.TempDir(), "snapshot")
	c.Warm = []string{"org.example.Declared"}
	first := &outbound{sections: map[string][]byte{"registry": []byte("10.0.0.1:20880")}, used: []string{"order", "org.example.Declared", "", "bad\nname"}}
	_, stop := start(t, c, greeter(), first)
	if first.restored != nil || first.times != 1 {
		t.Errorf("the first process is given %v, %d times", first.restored, first.times)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	second := &outbound{}
	start(t, c, greeter(), second)
	if d := cmp.Diff(first.sections, second.restored); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"order", "org.example.Declared"}, second.targets()); d != "" {
		t.Error(d)
	}
}

func TestSnapshotThatIsNoneIsPassedOver(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{"torn": "dfnsnap\x01 and not much more of it than that", "empty": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := testConfig(t)
			c.Snapshot = filepath.Join(t.TempDir(), "snapshot")
			if err := os.WriteFile(c.Snapshot, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			o := &outbound{}
			start(t, c, greeter(), o)
			if o.restored != nil || o.times != 1 {
				t.Errorf("restored %v, %d times", o.restored, o.times)
			}
		})
	}
}

func TestSnapshotComesWithTheActivatorsGreeting(t *testing.T) {
	t.Parallel()
	owner := func(app string) []byte {
		b, err := cold.Snapshot{Owner: app, Made: time.Now(), Sections: map[string][]byte{"client/registry": []byte("state"), "used": []byte("order")}}.Encode()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for name, c := range map[string]struct {
		snapshot []byte
		want     map[string][]byte
		warmed   []string
	}{
		"its own":    {owner("greet"), map[string][]byte{"registry": []byte("state")}, []string{"order"}},
		"another's":  {owner("order"), nil, nil},
		"rubbish":    {[]byte("rubbish"), nil, nil},
		"none there": {nil, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			act := newReplica(t, testToken, c.snapshot).start()
			cfg := knativeConfig(t)
			cfg.Activator, cfg.WarmBudget = act.address(), time.Minute
			o := &outbound{sections: map[string][]byte{"registry": []byte("new")}, used: []string{"stock"}}
			begin := time.Now()
			start(t, cfg, greeter(), o)
			if took := time.Since(begin); took > 10*time.Second {
				t.Errorf("ready after %v", took)
			}
			if d := cmp.Diff(c.want, o.restored); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff(c.warmed, o.targets()); d != "" {
				t.Error(d)
			}
			// The activator fetches the next one's.
			resp, b, err := post(t, act.lane(), "greet", nil, map[string]string{headerSnapshot: "1"})
			if err != nil || resp.StatusCode != http.StatusOK {
				t.Fatalf("%v, %v", resp, err)
			}
			next, err := cold.DecodeSnapshot(b, "greet", time.Minute)
			if err != nil || string(next.Sections["client/registry"]) != "new" || string(next.Sections["used"]) != "stock" {
				t.Errorf("got %+v, %v", next, err)
			}
		})
	}
}

// An activator that greets nobody costs the budget, not the start.
func TestSilentActivatorCostsNoMoreThanTheBudget(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0") // nobody accepts
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	c := knativeConfig(t)
	c.Activator, c.WarmBudget = l.Addr().String(), 50*time.Millisecond
	begin := time.Now()
	_, stop := start(t, c, greeter(), &outbound{})
	if took := time.Since(begin); took > 3*time.Second {
		t.Errorf("ready after %v", took)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	if took := time.Since(begin); took > 4*time.Second {
		t.Errorf("ended after %v", took)
	}
}

func TestFunctionIsReadyOnceItsTargetsAreWarmOrTheBudgetIsSpent(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		warm func(context.Context, string) error
		most time.Duration
		want time.Duration
	}{
		"warm":   {nil, time.Second, 0},
		"failed": {func(context.Context, string) error { return errors.New("refused") }, time.Second, 0},
		"waiting": {func(ctx context.Context, _ string) error {
			<-ctx.Done()
			return ctx.Err()
		}, 5 * time.Second, 100 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := testConfig(t)
			cfg.Warm, cfg.WarmBudget = []string{"order", " stock"}, 100*time.Millisecond
			o := &outbound{warm: c.warm}
			begin := time.Now()
			start(t, cfg, greeter(), o)
			if took := time.Since(begin); took < c.want || took > c.most {
				t.Errorf("ready after %v, want %v to %v", took, c.want, c.most)
			}
			if d := cmp.Diff([]string{"order", "stock"}, o.targets()); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestFunctionIsNotReadyWithoutARequiredTarget(t *testing.T) {
	t.Parallel()
	c := testConfig(t)
	c.Warm, c.WarmBudget, c.HTTPPort = []string{"order!"}, time.Millisecond, freePort(t)
	there := make(chan struct{})
	o := &outbound{warm: func(context.Context, string) error {
		select {
		case <-there:
			return nil
		default:
			return errors.New("refused")
		}
	}}
	ready, ended := make(chan struct{}), make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		ended <- Run(ctx, c, greeter(), o, Hook(func(context.Context, Addresses) { close(ready) }))
	}()
	until(t, "it says what it waits for", func() bool {
		resp, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/health/ready", c.HTTPPort))
		if err != nil {
			return false
		}
		defer func() { _ = resp.Body.Close() }()
		b, _ := io.ReadAll(resp.Body)
		return resp.StatusCode == http.StatusServiceUnavailable && strings.Contains(string(b), "warming up: order")
	})
	select {
	case <-ready:
		t.Error("ready")
	default:
	}
	close(there)
	<-ready
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return portOf(l.Addr())
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not in 10 s: %s", what)
		}
	}
}

func TestFunctionThatNothingCanBeWarmedForSaysSo(t *testing.T) {
	t.Parallel()
	c := testConfig(t)
	c.Warm = []string{"order"}
	if err := Run(t.Context(), c, greeter()); err == nil || !strings.Contains(err.Error(), `DUBBOFN_WARM="order"`) {
		t.Errorf("got %v", err)
	}
}

func TestConfigOfTheStartIsChecked(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		field string
		c     Config
		want  string
	}{
		{"no host", Config{Activator: ":20881"}, `DUBBOFN_ACTIVATOR=":20881"`},
		{"a URL", Config{Activator: "http://activator"}, `DUBBOFN_ACTIVATOR="http://activator"`},
		{"a port", Config{Activator: "activator:seven"}, `DUBBOFN_ACTIVATOR="activator:seven"`},
		{"nothing between commas", Config{Activator: "a:1,,b"}, `DUBBOFN_ACTIVATOR="a:1,,b"`},
		{"a high port", Config{Activator: "activator:70000"}, `DUBBOFN_ACTIVATOR="activator:70000"`},
		{"hold", Config{Hold: time.Millisecond}, `DUBBOFN_HOLD="1ms" is too short`},
		{"budget", Config{WarmBudget: -1}, `DUBBOFN_WARM_BUDGET="-1ns" is too short`},
		{"warm", Config{Warm: []string{"a", "!"}}, `DUBBOFN_WARM="!" is no target`},
	} {
		if err := errors.Join(c.c.resolve()...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.field, err, c.want)
		}
	}
	for s, want := range map[string]string{"activator": "activator 20881", "activator.": "activator. 20881", "activator:1": "activator 1", "::1": "::1 20881", "[::1]": "::1 20881", "[::1]:7": "::1 7", "10.0.0.1": "10.0.0.1 20881"} {
		host, port, err := splitActivator(s)
		if got := fmt.Sprint(host, " ", port); err != nil || got != want {
			t.Errorf("%q: got %q, %v; want %q", s, got, err, want)
		}
	}
}

func TestLedgerTellsOfTheFirstCall(t *testing.T) {
	t.Parallel()
	c := testConfig(t)
	c.Ledger = true
	at, _ := start(t, c, greeter())
	ask := func() cold.Record {
		conn, err := dubbo.Dial(t.Context(), at.Dubbo.String(), dubbo.ConnConfig{})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		inv := &invoker.Invocation{Service: invoker.ServiceKey{Interface: greetService}, Method: "hello", Args: []any{"Ada"}}
		inv.Attachments.Set("dubbofn.ledger", "true")
		res, err := conn.Invoke(t.Context(), inv)
		if err != nil {
			t.Fatal(err)
		}
		var r cold.Record
		if err := json.Unmarshal([]byte(res.Attachments.Get("dubbofn.ledger")), &r); err != nil {
			t.Fatalf("%v: %v", res.Attachments, err)
		}
		return r
	}
	names := func(r cold.Record) (all []cold.Phase) {
		for _, e := range r.Entries {
			all = append(all, e.Name)
		}
		return all
	}
	if got := ask(); slices.Contains(names(got), cold.PhaseReply) || got.App != "greet" || got.Instance != instanceName() {
		t.Errorf("while the first call runs: %+v", got)
	}
	var second cold.Record
	until(t, "the first reply is told", func() bool {
		second = ask()
		return slices.Contains(names(second), cold.PhaseReply)
	})
	want := []cold.Phase{cold.PhaseInit, cold.PhaseListen, cold.PhaseRegistry, cold.PhaseReady, cold.PhaseFrame, cold.PhaseReply}
	got := slices.DeleteFunc(names(second), func(p cold.Phase) bool { return p == cold.PhaseProcess || p == cold.PhaseRuntime })
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	var header cold.Record
	c = knativeConfig(t)
	at, _ = start(t, c, greeter())
	resp, _, err := post(t, h2c(t), at.HTTP.String(), frame(t, "hello"), map[string]string{"Dubbofn-Ledger": "1"})
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(resp.Header.Get("Dubbofn-Ledger")), &header); err != nil || len(header.Entries) < 3 {
		t.Errorf("the header %q: %v", resp.Header.Get("Dubbofn-Ledger"), err)
	}
}
