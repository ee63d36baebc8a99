package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/dubbofn/dubbofn/auth"
	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/internal/certtest"
	"github.com/dubbofn/dubbofn/internal/metadatainfo"
	"github.com/dubbofn/dubbofn/internal/metadataservice"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/invoker/dubbo"
	"github.com/dubbofn/dubbofn/registry"
)

// asFunction makes the test binary a function, for tests that need a process of its own.
const asFunction = "DUBBOFN_TEST_AS_FUNCTION"

func TestMain(m *testing.M) {
	if os.Getenv(asFunction) != "" {
		Main(greeter(fn.Method("slow", slowly), fn.Method("told", told)))
		return
	}
	goleak.VerifyTestMain(m)
}

func slowly(name string) (string, error) {
	time.Sleep(100 * time.Millisecond)
	return hello(name)
}

const greetService = "org.example.GreetService"

func hello(name string) (string, error) { return "Hello, " + name + "!", nil }

func greeter(options ...fn.Option) *fn.Service {
	return fn.NewService(greetService, append(options, fn.Method("hello", hello))...)
}

// testConfig is a configuration on free loopback ports with an embedded registry of its own.
func testConfig(t *testing.T) Config {
	t.Helper()
	return Config{
		App: "greet", Registry: []string{"embedded://" + t.TempDir() + "/registry"}, Register: "auto", RegisterMode: "all", MetadataType: "remote", Mapping: "all", Bind: "127.0.0.1",
		MaxBytes: 64 << 20, MaxPayload: 8 << 20, MaxCalls: 100, MaxConnections: 100, Heartbeat: time.Minute, ReadTimeout: 10 * time.Second,
		DrainTimeout: 5 * time.Second, DrainQuiet: 20 * time.Millisecond, LogLevel: "error", LogFormat: "text",
	}
}

// start runs a function until the returned stop is called, which gives what Run returned.
func start(t *testing.T, c Config, parts ...Part) (at Addresses, stop func() error) {
	t.Helper()
	ready := make(chan Addresses, 1)
	ended := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	parts = append(parts, Hook(func(_ context.Context, a Addresses) { ready <- a }))
	go func() { ended <- Run(ctx, c, parts...) }()
	stopped := false
	stop = func() error {
		stopped = true
		cancel()
		return <-ended
	}
	t.Cleanup(func() {
		if !stopped {
			if err := stop(); err != nil {
				t.Errorf("Run: %v", err)
			}
		}
	})
	select {
	case at = <-ready:
	case err := <-ended:
		stopped = true
		cancel()
		t.Fatalf("Run ended: %v", err)
	case <-time.After(10 * time.Second):
		t.Fatal("not ready after 10 s")
	}
	return at, stop
}

// ask makes one call of a string method over Dubbo TCP.
func ask(t *testing.T, at Addresses, inv *invoker.Invocation) (invoker.Result, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	conn, err := dubbo.Dial(ctx, at.Dubbo.String(), dubbo.ConnConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}()
	return conn.Invoke(ctx, inv)
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

func TestFunctionIsRegisteredAnswersAndLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	c := testConfig(t)
	at, stop := start(t, c, greeter())
	result, err := ask(t, at, &invoker.Invocation{Service: invoker.ServiceKey{Interface: greetService}, Method: "hello", Args: []any{"Ada"}})
	if err != nil || result.Value != "Hello, Ada!" {
		t.Fatalf("hello: %v, %v", result.Value, err)
	}
	if code, body := get(t, "http://"+at.HTTP.String()+"/health/ready"); code != 200 || !strings.Contains(body, "UP") {
		t.Errorf("ready: %d %s", code, body)
	}
	instances := instancesIn(t, c)
	if len(instances) != 1 || instances[0].Address() != at.Dubbo.String() {
		t.Errorf("registered: %v, listening on %v", instances, at.Dubbo)
	}
	if err := stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
	if left := instancesIn(t, c); len(left) != 0 {
		t.Errorf("still registered after the end: %v", left)
	}
}

func instancesIn(t *testing.T, c Config) []registry.Instance {
	t.Helper()
	u, err := invoker.ParseURL(c.Registry[0])
	if err != nil {
		t.Fatal(err)
	}
	reg, err := registry.Embedded.Open(t.Context(), registryConfig(u, nil))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := reg.Close(); err != nil {
			t.Error(err)
		}
	}()
	all, err := reg.(registry.Lookup).Instances(t.Context(), registry.Name{App: c.App})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestMetadataServiceGivesTheRevisionThatIsRegistered(t *testing.T) {
	t.Parallel()
	c := testConfig(t)
	at, _ := start(t, c, greeter(fn.Version("1.0"), fn.Group("blue")))
	revision := instancesIn(t, c)[0].Revision()
	inv := &invoker.Invocation{Service: invoker.ServiceKey{Interface: metadataservice.Interface, Version: "1.0.0", Group: "greet"}, Method: "getMetadataInfo", Args: []any{revision}}
	var info metadatainfo.Info
	inv.Into = &info
	if _, err := ask(t, at, inv); err != nil {
		t.Fatal(err)
	}
	s := info.Services["blue/org.example.GreetService:1.0:dubbo"]
	if info.Revision != revision || info.App != "greet" || s == nil || s.Version == nil || *s.Version != "1.0" || s.Group == nil || *s.Group != "blue" || s.Port != 0 {
		t.Errorf("metadata: %+v, service %+v", info, s)
	}
	inv = &invoker.Invocation{Service: inv.Service, Method: "getServiceDefinition", Descriptor: "Ljava/lang/String;Ljava/lang/String;Ljava/lang/String;", Args: []any{greetService, "1.0", "blue"}}
	result, err := ask(t, at, inv)
	if err != nil {
		t.Fatal(err)
	}
	if s, _ := result.Value.(string); !json.Valid([]byte(s)) || !strings.Contains(s, `"hello"`) {
		t.Errorf("definition: %v", result.Value)
	}
}

func TestRevisionIsTheSameWhereverTheFunctionRuns(t *testing.T) {
	t.Parallel()
	var revisions []string
	for _, host := range []string{"127.0.0.1", "127.0.0.2"} {
		c := testConfig(t)
		c.Host = host
		start(t, c, greeter())
		revisions = append(revisions, instancesIn(t, c)[0].Revision())
	}
	c := testConfig(t)
	start(t, c, greeter(fn.Timeout(time.Second)))
	if other := instancesIn(t, c)[0].Revision(); revisions[0] != revisions[1] || revisions[0] == other {
		t.Errorf("revisions %v, with another timeout %s", revisions, other)
	}
}

func TestLaneOnKnativeStaysClosedWithoutAToken(t *testing.T) {
	t.Parallel()
	for _, token := range []string{"", "secret"} {
		c := testConfig(t)
		c.KService, c.Token = "greet", token
		at, _ := start(t, c, greeter())
		if at.Dubbo != nil {
			t.Errorf("the Dubbo port is open on Knative: %v", at.Dubbo)
		}
		if got := knock(t, at); got != http.StatusUnauthorized {
			t.Errorf("token %q: %d", token, got)
		}
	}
}

// The lane is no way around what the Dubbo port asks of consumers.
func TestLaneStaysClosedWithoutATokenWhereConsumersMustShowACertificate(t *testing.T) {
	t.Parallel()
	a, err := certtest.New(t.TempDir(), "ours")
	if err != nil {
		t.Fatal(err)
	}
	cert, key, err := a.Issue("provider", "provider.example", 1, time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	for _, closed := range []bool{true, false} {
		c := testConfig(t)
		c.TLSCert, c.TLSKey, c.TLSCA = cert, key, a.File
		if !closed {
			c.TLSClientAuth = auth.ClientAuthNone
		}
		at, _ := start(t, c, greeter())
		if got := knock(t, at); (got == http.StatusUnauthorized) != closed {
			t.Errorf("closed %v: %d", closed, got)
		}
	}
}

// knock gives the status of an empty POST /dubbo without a token.
func knock(t *testing.T, at Addresses) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+at.HTTP.String()+"/dubbo", strings.NewReader(""))
	if err != nil {
		t.Fatal(err)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Error(err)
	}
	return resp.StatusCode
}

func TestEveryFaultOfThePartsIsReportedBeforeAnythingIsOpened(t *testing.T) {
	t.Parallel()
	c := testConfig(t)
	c.Registry = []string{"nacos://127.0.0.1:8848"}
	err := Run(t.Context(), c, fn.NewService(greetService, fn.Method("hello", 5)))
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"hello", "nacos.Registry", `no registry adapter "nacos", only embedded`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error lacks %q:\n%v", want, err)
		}
	}
	if err := Run(t.Context(), testConfig(t), alien{}); err == nil || !strings.Contains(err.Error(), `part "alien" (serve.alien)`) || !strings.Contains(err.Error(), "no service") {
		t.Errorf("an unknown part: %v", err)
	}
}

type alien struct{}

func (alien) Name() string { return "alien" }

// absent is a registry that can't be reached at first.
type absent struct {
	registry.Adapter
	tries atomic.Int32
	fault error
}

func (a *absent) Name() string { return "absent" }

func (a *absent) Open(ctx context.Context, c registry.Config) (registry.Registry, error) {
	if a.tries.Add(1) == 1 {
		return nil, a.fault
	}
	c.Scheme = "embedded"
	return a.Adapter.Open(ctx, c)
}

func TestUnreachableRegistryIsTriedAgainAndARefusalEndsTheStart(t *testing.T) {
	t.Parallel()
	c := testConfig(t)
	dir := strings.TrimPrefix(c.Registry[0], "embedded://")
	c.Registry = []string{"absent://" + dir}
	a := &absent{Adapter: registry.Embedded, fault: fmt.Errorf("dial: %w", registry.ErrUnreachable)}
	start(t, c, greeter(), a)
	if a.tries.Load() != 2 {
		t.Errorf("%d tries, want 2", a.tries.Load())
	}
	no := &absent{Adapter: registry.Embedded, fault: &registry.Refusal{What: "login", Reason: "wrong password"}}
	c.Registry = []string{"absent://" + t.TempDir() + "/registry"}
	err := Run(t.Context(), c, greeter(), no)
	var refusal *registry.Refusal
	if !errors.As(err, &refusal) || no.tries.Load() != 1 || !strings.Contains(err.Error(), "wrong password") {
		t.Errorf("after a refusal: %v, %d tries", err, no.tries.Load())
	}
}

func TestDrainLetsACallEndThatIsRunning(t *testing.T) {
	t.Parallel()
	begun := make(chan struct{})
	slow := fn.NewService(greetService, fn.Method("slow", func(ctx context.Context) (string, error) {
		close(begun)
		select {
		case <-time.After(200 * time.Millisecond):
			return "done", nil
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}))
	at, stop := start(t, testConfig(t), slow)
	answer := make(chan string, 1)
	go func() {
		result, err := ask(t, at, &invoker.Invocation{Service: invoker.ServiceKey{Interface: greetService}, Method: "slow"})
		answer <- fmt.Sprint(result.Value, err)
	}()
	<-begun
	if err := stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
	if got := <-answer; got != "done<nil>" {
		t.Errorf("the running call got %s", got)
	}
}
