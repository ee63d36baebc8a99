package daemon

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/registry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// settings are what the environment says here, with a few that differ: not parallel, since the environment is the process's.
func settings(t *testing.T, env map[string]string) (Activator, error) {
	t.Helper()
	for name, value := range env {
		t.Setenv(name, value)
	}
	return ActivatorFromEnvironment()
}

func TestDefaultsMakeSense(t *testing.T) {
	c, err := settings(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.directory != "" || c.namespaces != nil || c.Port != 20880 || c.LanePort != 20881 || c.AdminPort != 9090 || len(c.places) != 1 {
		t.Errorf("%+v", c)
	}
	if err := c.resolve(); err != nil {
		t.Error(err)
	}
}

func TestEveryFaultIsReportedWithWhatWouldDo(t *testing.T) {
	_, err := settings(t, map[string]string{
		"DUBBOFN_FUNCTIONS": "kubernetes", "DUBBOFN_PORT": "70000", "DUBBOFN_MAX_CALLS": "0", "DUBBOFN_BIND": "here", "DUBBOFN_LOG_LEVEL": "loud",
		"DUBBOFN_PORTS": "9-5", "DUBBOFN_FRESH": "1us", "DUBBOFN_REGISTRY": "nacos", "DUBBOFN_REGISTER_MODE": "none", "DUBBOFN_TLS_CERT": "x", "DUBBOFN_MAX_BYTES": "1KiB",
		"DUBBOFN_TOKEN": "secret", "DUBBOFN_HEARTBEAT": "soon",
	})
	if err == nil {
		t.Fatal("nothing was refused")
	}
	for _, want := range []string{
		`DUBBOFN_FUNCTIONS="kubernetes"`, `DUBBOFN_PORT="70000"`, `DUBBOFN_MAX_CALLS="0"`, `DUBBOFN_BIND="here"`, `DUBBOFN_LOG_LEVEL="loud"`, `DUBBOFN_PORTS="9-5"`,
		`DUBBOFN_FRESH=`, `DUBBOFN_REGISTRY`, `DUBBOFN_REGISTER_MODE="none"`, `DUBBOFN_TLS_KEY`, `DUBBOFN_MAX_BYTES`, `DUBBOFN_HEARTBEAT="soon"`, "want",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in\n%v", want, err)
		}
	}
	if strings.Contains(err.Error(), "secret") {
		t.Errorf("a secret is shown: %v", err)
	}
}

func TestFunctionsAreNamedByPlatformOrDirectory(t *testing.T) {
	for in, want := range map[string]struct {
		directory  string
		namespaces []string
	}{"knative": {}, "knative:a,b": {"", []string{"a", "b"}}, "./functions": {"./functions", nil}, "/etc/functions:1": {"/etc/functions:1", nil}} {
		c, err := settings(t, map[string]string{"DUBBOFN_FUNCTIONS": in})
		if err != nil || c.directory != want.directory || !cmp.Equal(c.namespaces, want.namespaces) {
			t.Errorf("%q: %q %q %v", in, c.directory, c.namespaces, err)
		}
	}
}

func TestPortsAreARange(t *testing.T) {
	t.Parallel()
	for in, want := range map[string][]int{"": nil, "5": {5}, "5-7": {5, 6, 7}, " 5 - 6 ": {5, 6}} {
		if got, ok := portRange(in); !ok || !cmp.Equal(got, want) {
			t.Errorf("%q: %v %t", in, got, ok)
		}
	}
	for _, in := range []string{"x", "5-", "-5", "7-5", "0", "70000", "1-70000"} {
		if got, ok := portRange(in); ok && in != "5-" {
			t.Errorf("%q: %v", in, got)
		}
	}
}

func TestMetadataGoesToItsOwnCentreFirst(t *testing.T) {
	t.Parallel()
	never := func(string, any, string) { t.Error("refused") }
	all, err := places([]string{"nacos://a:1,b:2", "zookeeper://c:3"}, "nacos://m:4", "all", never)
	if err != nil || len(all) != 3 {
		t.Fatal(all, err)
	}
	meta := registry.AppMetadata | registry.Mapping | registry.LegacyMapping
	if all[0].levels != meta || all[0].url.Host != "m" || all[1].levels != registry.AppInstance|registry.InterfaceLevel || all[2].url.Host != "c" {
		t.Errorf("%+v", all)
	}
	if all, _ = places(nil, "", "all", never); len(all) != 1 || all[0].url.Protocol != "embedded" || all[0].levels != meta|registry.AppInstance|registry.InterfaceLevel {
		t.Errorf("%+v", all)
	}
}

func TestTheAddressToRegisterIsOneThatConsumersReach(t *testing.T) {
	t.Parallel()
	at := func(scheme string) []place { return []place{{url: invoker.URL{Protocol: scheme}}} }
	if got, err := advertised("", at("embedded")); got != "127.0.0.1" || err != nil {
		t.Error(got, err)
	}
	if got, err := advertised("x.example.org", at("nacos")); got != "x.example.org" || err != nil {
		t.Error(got, err)
	}
	if got, err := advertised("", at("nacos")); strings.HasPrefix(got, "127.") || got == "" && err == nil {
		t.Error(got, err)
	}
}

// front listens on free ports of loopback.
func front(t *testing.T, change func(*Activator)) (*Front, error) {
	t.Helper()
	c, err := settings(t, map[string]string{
		"DUBBOFN_FUNCTIONS": t.TempDir() + "/", "DUBBOFN_REGISTRY": "embedded://" + filepath.Join(t.TempDir(), "r"), "DUBBOFN_BIND": "127.0.0.1",
		"DUBBOFN_PORT": "0", "DUBBOFN_LANE_PORT": "0", "DUBBOFN_ADMIN_PORT": "0", "DUBBOFN_TOKEN": "t", "DUBBOFN_DRAIN_TIMEOUT": "1s",
	})
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(&c)
	}
	return c.Listen(slog.New(slog.DiscardHandler))
}

const oneFunction = `{"app":"greet","url":"http://127.0.0.1:1","manifest":{"app":"greet","services":[{"interface":"org.example.GreetService","methods":[{"name":"hello","descriptor":"Ljava/lang/String;","timeout":1000}]}]}}`

func TestAnActivatorServesTheFunctionsOfADirectory(t *testing.T) {
	var dir string
	f, err := front(t, func(c *Activator) { dir = c.directory })
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "greet.json"), []byte(oneFunction), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx) }()
	get := func(path string) (int, string) {
		resp, err := http.Get("http://" + f.Admin.String() + path)
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
	var functions []struct{ App, State string }
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end) && len(functions) == 0; time.Sleep(5 * time.Millisecond) {
		if status, _ := get("/health/ready"); status != http.StatusOK {
			continue
		}
		_, text := get("/api/functions")
		if err := json.Unmarshal([]byte(text), &functions); err != nil {
			t.Fatal(err)
		}
	}
	if len(functions) != 1 || functions[0].App != "greet" || functions[0].State != "asleep" {
		t.Errorf("functions %+v", functions)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestAnActivatorThatCannotListenLeavesNothingOpen(t *testing.T) {
	f, err := front(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := strings.Cut(f.Admin.String(), ":")
	_, err = front(t, func(c *Activator) { c.AdminPort = int(must(t, port)) })
	if err == nil || !strings.Contains(err.Error(), "DUBBOFN_ADMIN_PORT chooses another port") {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := f.Run(ctx); err != nil {
		t.Error(err)
	}
	if _, err := front(t, func(c *Activator) { c.Registry = []string{"consul://x"} }); err == nil || !strings.Contains(err.Error(), `no adapter for "consul"`) {
		t.Error(err)
	}
}

func must(t *testing.T, number string) (n int64) {
	t.Helper()
	if err := json.Unmarshal([]byte(number), &n); err != nil {
		t.Fatal(err)
	}
	return n
}
