package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dubbofn/dubbofn/auth"
	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/internal/certtest"
	"github.com/dubbofn/dubbofn/registry"
)

func TestAHealthyServiceIsFoundHealthy(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	r := w.provider("greet", nil, greet())
	w.register(r)
	c := w.config()
	c.Admin = w.activator([]function{{App: "greet", State: "awake", Revision: r.Metadata.Revision(), Port: r.Instance.Port}}, []start{{App: "greet", FirstReply: second / 10}})
	_, all := w.check(c, "")
	seen := map[string]bool{}
	for _, f := range all {
		if f.State == Bad || f.State == Warn {
			t.Error(f)
		}
		seen[f.Check] = f.State == OK
	}
	for _, want := range []string{"registry", "activator", "mapping", "instances", "metadata", "service", "revision", "applications", "address", "function", "timeout"} {
		if !seen[want] {
			t.Errorf("%s was not found well: %v", want, all)
		}
	}
}

func TestWhatTheActivatorHasIsLookedAtWhereNothingIsNamed(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	r := w.provider("greet", nil, greet())
	w.register(r)
	c := w.config()
	c.Services = nil
	if _, err := Check(t.Context(), c); !errors.Is(err, ErrNothing) {
		t.Errorf("without anybody to tell of services: %v", err)
	}
	c.Admin = w.activator([]function{{App: "greet", State: "asleep", Revision: r.Metadata.Revision()}}, nil)
	if f, all := w.check(c, "address"); f.State != OK || f.Service != greetService {
		t.Error(all)
	}
}

func TestAMissingMappingIsNamedAndWritten(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	r := w.provider("greet", nil, greet())
	r.Levels = registry.AppMetadata | registry.AppInstance
	w.register(r)
	c := w.config()
	if f, all := w.check(c, "mapping"); f.State != Bad || !strings.Contains(f.Title, "nobody offers") || !strings.Contains(f.Mend, "dubbofn run") {
		t.Error(all)
	}
	c.Admin = w.activator([]function{{App: "greet", State: "asleep", Revision: r.Metadata.Revision()}}, nil)
	f, all := w.check(c, "mapping")
	if f.State != Bad || !strings.HasSuffix(f.Mend, " --fix mapping --app greet "+greetService) {
		t.Error(all)
	}
	if f, all := w.check(c, "address"); f.State != OK {
		t.Errorf("what can be looked at all the same was not: %v", all)
	}
	if _, err := Fix(t.Context(), c, FixMapping); err == nil {
		t.Error("a mapping of no application was written")
	}
	c.Apps = []string{"greed"}
	if _, err := Fix(t.Context(), c, FixMapping); err == nil || !strings.Contains(err.Error(), `"greed"`) {
		t.Errorf("an application that does not offer it: %v", err)
	}
	c.Apps = []string{"greet"}
	if f, all := w.check(c, "mapping"); f.State != OK {
		t.Errorf("a consumer that is told the application: %v", all)
	}
	if wrote, err := Fix(t.Context(), c, FixMapping); err != nil || len(wrote) != 1 {
		t.Fatal(wrote, err)
	}
	c.Apps = nil
	if f, all := w.check(c, "mapping"); f.State != OK {
		t.Error(all)
	}
}

func TestMissingMetadataIsNamedAndWrittenAsItsProviderTellsIt(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	r := w.provider("greet", nil, greet())
	r.Levels = registry.Mapping | registry.LegacyMapping | registry.AppInstance
	w.register(r)
	c := w.config()
	f, all := w.check(c, "metadata")
	if f.State != Bad || !strings.Contains(f.Title, "missing in the metadata centre") || !strings.Contains(f.Mend, "--fix metadata --app greet") {
		t.Error(all)
	}
	if f, all := w.check(c, "address"); f.State != Skipped || !strings.Contains(f.Why, `"metadata"`) {
		t.Errorf("what depends on it: %v", all)
	}
	if wrote, err := Fix(t.Context(), c, FixMetadata); err != nil || len(wrote) != 1 {
		t.Fatal(wrote, err)
	}
	if f, all := w.check(c, "metadata"); f.State != OK {
		t.Error(all)
	}
}

func TestAnotherGroupOrVersionIsNamed(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	w.register(w.provider("greet", nil, greet(fn.Group("blue"), fn.Version("1.0.0"))))
	f, all := w.check(w.config(), "service")
	for _, want := range []string{"blue/" + greetService + ":1.0.0", `group = "blue"`, `version = "1.0.0"`} {
		if f.State != Bad || !strings.Contains(f.Title+f.Why+f.Mend, want) {
			t.Errorf("%s is not named: %v", want, all)
		}
	}
	c := w.config()
	c.Services = []string{"blue/" + greetService + ":1.0.0"}
	if f, all := w.check(c, "address"); f.State != OK {
		t.Error(all)
	}
}

func TestProvidersUnderTheInterfaceAloneAreFound(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	r := w.provider("greet", nil, greet(fn.Version("1.0.0")))
	r.Levels = registry.InterfaceLevel
	w.register(r)
	if f, all := w.check(w.config(), "service"); f.State != Bad || !strings.Contains(f.Title, greetService+":1.0.0") {
		t.Errorf("another version: %v", all)
	}
	c := w.config()
	c.Services = []string{greetService + ":1.0.0"}
	f, all := w.check(c, "address")
	if f.State != OK || Worst(all) != Skipped {
		t.Error(all)
	}
	r.Levels = registry.Mapping // by an application that ran once
	w.register(r)
	if f, all := w.check(c, "address"); f.State != OK {
		t.Error(all)
	}
}

func TestWhatIsToldOverTripleIsSkipped(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	r := w.provider("greet", nil, greet())
	r.Storage, r.TriplePort = registry.LocalV2, 50051
	w.register(r)
	if f, all := w.check(w.config(), "metadata"); f.State != Skipped || !strings.Contains(f.Why, "Triple") {
		t.Error(all)
	}
}

func TestMetadataThatTheProviderKeepsIsAskedForOverTLSToo(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	dir := t.TempDir()
	ca, err := certtest.New(dir, "ca")
	if err != nil {
		t.Fatal(err)
	}
	cert, key, err := ca.Issue("greet", "127.0.0.1", 2, time.Now().Add(1000*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	certs, err := auth.NewTLS(auth.TLSConfig{CertFile: cert, KeyFile: key, ClientAuth: auth.ClientAuthNone})
	if err != nil {
		t.Fatal(err)
	}
	r := w.provider("greet", certs, greet())
	r.Levels = registry.Mapping | registry.LegacyMapping | registry.AppInstance
	w.register(r)
	c := w.config()
	c.TLS = auth.TLSConfig{CAFile: ca.File}
	if _, err := Fix(t.Context(), c, FixMetadata); err != nil {
		t.Fatal(err)
	}
	if f, all := w.check(c, "address"); f.State != OK {
		t.Error(all)
	}
}

func TestAStaleBuildIsNamedWithWhatItLacks(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	w.register(w.provider("greet", nil, greet()))
	newer := w.provider("greet", nil, greet(fn.Method("bye", func(s string) (string, error) { return s, nil })))
	w.register(newer)
	c := w.config()
	c.Admin = w.activator([]function{{App: "greet", State: "awake", Revision: newer.Metadata.Revision()}}, nil)
	f, all := w.check(c, "revision")
	if f.State != Bad || !strings.Contains(f.Title, "stale") || !strings.Contains(f.Why, "lacks bye(java.lang.String)") || f.Mend == "" {
		t.Error(all)
	}
}

func TestTwoApplicationsOnOneInterfaceAreNamed(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	w.register(w.provider("greet", nil, greet()))
	w.register(w.provider("old-greet", nil, greet()))
	c := w.config()
	if f, all := w.check(c, "applications"); f.State != Bad || !strings.Contains(f.Title, "greet and old-greet") || f.Mend != "dubbofn undeploy old-greet" {
		t.Error(all)
	}
	c.Apps = []string{"old-greet"}
	if f, all := w.check(c, "applications"); f.State != Bad || f.Mend != "dubbofn undeploy greet" {
		t.Errorf("the one that the consumer was told of is to stay: %v", all)
	}
}

func TestAClosedPortIsNamed(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	r := w.provider("greet", nil, greet())
	r.Instance.Port = unused(t)
	w.register(r)
	c := w.config()
	f, all := w.check(c, "address")
	if f.State != Bad || !strings.Contains(f.Title, "port closed: 127.0.0.1:") || f.Mend != "unset DUBBOFN_ADVERTISED_PORT" || f.Restart != "provider" {
		t.Error(all)
	}
	c.Admin = w.activator([]function{{App: "greet", State: "asleep", Revision: r.Metadata.Revision(), URL: "http://10.1.2.3:80"}}, nil)
	if f, all := w.check(c, "address"); f.Mend != "kubectl -n dubbofn set env deployment/dubbofn-activator DUBBOFN_ADVERTISED_PORT-" {
		t.Errorf("an activator in a cluster: %v", all)
	}
}

func TestATimeoutBelowAColdStartIsNamed(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	r := w.provider("greet", nil, greet(fn.Timeout(5*time.Second)))
	w.register(r)
	c := w.config()
	c.Admin = w.activator([]function{{App: "greet", State: "asleep", Revision: r.Metadata.Revision()}}, []start{{App: "greet", FirstReply: second}, {App: "other", FirstReply: 100 * second}, {App: "greet", FirstReply: 2 * second}})
	for _, test := range []struct {
		own  time.Duration
		want State
	}{{0, OK}, {time.Second, Bad}, {2 * time.Second, Bad}, {2500 * time.Millisecond, Warn}, {4 * time.Second, OK}} {
		c.Timeout = test.own
		f, all := w.check(c, "timeout")
		if f.State != test.want {
			t.Errorf("%s: %s, want %s: %v", test.own, f.State, test.want, all)
		}
		if (f.State == Bad || f.State == Warn) && f.Mend != "export DUBBOFN_CALL_TIMEOUT=4s" {
			t.Errorf("%s: %v", test.own, f)
		}
	}
}

func TestAnActivatorThatIsAwayIsNamedUnlessItWasAGuess(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	c := w.config()
	c.Admin = fmt.Sprintf("127.0.0.1:%d", unused(t))
	if f, all := w.check(c, "activator"); f.State != Bad || f.Mend != "dubbofn activator" {
		t.Error(all)
	}
	c.AdminMaybe = true
	if f, all := w.check(c, "activator"); f.State != Skipped {
		t.Error(all)
	}
}

func TestEveryRegistryIsLookedAt(t *testing.T) {
	t.Parallel()
	w, empty := newWard(t), newWard(t)
	r := w.provider("greet", nil, greet())
	w.register(r)
	c := w.config()
	c.Registry = []string{w.url + "," + empty.url}
	c.Admin = w.activator([]function{{App: "greet", State: "asleep", Revision: r.Metadata.Revision()}}, nil)
	_, all := w.check(c, "")
	count := map[string]int{}
	for _, f := range all {
		if f.State == OK || f.State == Bad {
			count[f.Check+" "+string(f.State)]++
		}
	}
	if count["registry ok"] != 2 || count["activator ok"] != 1 || count["mapping ok"] != 1 || count["mapping bad"] != 1 {
		t.Errorf("%v: %v", count, all)
	}
}

func TestARefusedFunctionIsNamedWhereItMatters(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	fault := "service " + greetService + ` is held by application "greet" on port 20880: no port of its own is left (Ports: [])`
	c := w.config()
	c.Admin = w.activator([]function{{Function: "copy.json", State: "refused", Fault: fault}}, nil)
	if f, all := w.check(c, "function"); f.State != Bad || f.Mend != "export DUBBOFN_PORTS=20900-20919" {
		t.Error(all)
	}
	c.Services = []string{"org.example.Other"}
	if f, _ := w.check(c, "function"); f.State != "" {
		t.Errorf("another service's function: %v", f)
	}
}

// hanging is a registry that never answers.
type hanging struct{ registry.Registry }

func (hanging) Name() string { return "hanging" }
func (h hanging) Open(context.Context, registry.Config) (registry.Registry, error) {
	return h, nil
}
func (hanging) Close() error { return nil }
func (hanging) Apps(ctx context.Context, _ string) ([]string, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (hanging) Instances(ctx context.Context, _ registry.Name) ([]registry.Instance, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (hanging) Metadata(ctx context.Context, _, _ string) (registry.Metadata, error) {
	<-ctx.Done()
	return registry.Metadata{}, ctx.Err()
}

func TestTimeIsBounded(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	begin := time.Now()
	c := Config{Registry: []string{"hanging://127.0.0.1:1"}, Services: []string{greetService}, Adapters: []registry.Adapter{hanging{}}, Limit: 100 * time.Millisecond}
	f, all := w.check(c, "registry")
	if f.State != Bad || time.Since(begin) > 10*time.Second {
		t.Error(time.Since(begin), all)
	}
	if f, _ := w.check(c, "mapping"); f.State != Skipped {
		t.Errorf("what depends on it: %v", all)
	}
}

// silent refuses to be written to.
type silent struct{ registry.Adapter }

type readOnly struct {
	registry.Registry
	registry.Lookup
	wrote *bool
}

func (s silent) Open(ctx context.Context, c registry.Config) (registry.Registry, error) {
	r, err := s.Adapter.Open(ctx, c)
	if err != nil {
		return nil, err
	}
	return readOnly{Registry: r, Lookup: r.(registry.Lookup), wrote: new(bool)}, nil
}

func (readOnly) Register(context.Context, registry.Registration) (registry.Lease, error) {
	panic("something was written")
}

func TestCheckWritesNothing(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	r := w.provider("greet", nil, greet())
	r.Levels = registry.AppInstance
	w.register(r)
	dir := strings.TrimPrefix(w.url, "embedded://?dir=")
	before := listing(t, dir)
	c := w.config()
	c.Adapters, c.Apps = []registry.Adapter{silent{registry.Embedded}}, []string{"greet"}
	w.check(c, "")
	if after := listing(t, dir); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
}

func listing(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, ".json") {
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, "%s: %s\n", path, text)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestConfigurationsThatMakeNoSenseAreRefusedAtOnce(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]Config{
		"no registry":      {},
		"consumer line":    {Registry: []string{"embedded://"}, Line: "2.6"},
		"no adapter":       {Registry: []string{"consul://127.0.0.1"}, Services: []string{"a.B"}},
		"negative":         {Registry: []string{"embedded://"}, Limit: -1},
		"a service's name": {Registry: []string{"embedded://"}, Services: []string{"a/b/c:d:e"}},
	} {
		if all, err := Check(t.Context(), c); err == nil {
			t.Errorf("%s: %v", want, all)
		}
	}
	if _, err := Fix(t.Context(), Config{Registry: []string{"embedded://"}, Services: []string{"a.B"}}, "everything"); err == nil {
		t.Error("something else was to be fixed")
	}
}
