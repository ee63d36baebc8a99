package activator

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/registry"
)

// offering is a function that offers one service with one method.
func offering(t testing.TB, name, app, url string, options ...fn.Option) Function {
	t.Helper()
	set, err := fn.NewSet(app, fn.NewService(greetService, append(options, fn.Method("hello", func(context.Context, string) (string, error) { return "", nil }))...))
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := json.Marshal(set.Describe())
	if err != nil {
		t.Fatal(err)
	}
	return Function{Name: name, App: app, URL: url, Manifest: manifest}
}

// functionsOf is what /api/functions shows, by the source's name.
func functionsOf(a *Activator) map[string]described {
	all := map[string]described{}
	for _, d := range a.describe() {
		all[d.Function] = d
	}
	return all
}

func TestAFunctionThatMakesNoSenseIsRefusedByNameAndTheLastGoodOneStays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		p := newPlatform(t, n, "greet")
		good := p.function()
		change := func(c func(f *Function)) Function {
			f := p.function()
			c(&f)
			return f
		}
		src := &listed{}
		a, _ := activate(t, n, src, nil)
		for name, x := range map[string]struct {
			f    Function
			want string
		}{
			"no manifest":      {change(func(f *Function) { f.Manifest = nil }), "DUBBOFN_DESCRIBE=1"},
			"null":             {change(func(f *Function) { f.Manifest = Manifest("null") }), "DUBBOFN_DESCRIBE=1"},
			"no JSON":          {change(func(f *Function) { f.Manifest = Manifest("{") }), "manifest: unexpected end"},
			"another app":      {change(func(f *Function) { f.App = "other" }), `it is of application "greet", the function of "other"`},
			"another revision": {change(func(f *Function) { f.Manifest = append(Manifest(`{"revision":"0123",`), f.Manifest[1:]...) }), `it states revision "0123"`},
			"a changed timeout": {change(func(f *Function) {
				f.Manifest = bytes.Replace(withRevision(t, f.Manifest), []byte("10000"), []byte("20000"), 1)
			}), "states revision"},
			"no service":         {change(func(f *Function) { f.Manifest = Manifest(`{"app":"greet","services":[],"types":[]}`) }), "no service"},
			"no URL":             {change(func(f *Function) { f.URL = "" }), "want http://"},
			"a URL with a path":  {change(func(f *Function) { f.URL = "http://x/y" }), "neither a path"},
			"another scheme":     {change(func(f *Function) { f.URL = "dubbo://x" }), "want http://"},
			"less than no limit": {change(func(f *Function) { f.Concurrency = -1 }), "concurrency -1"},
			"the source's fault": {Function{Name: "greet", Fault: fmt.Errorf("no annotation")}, "no annotation"},
			"MetadataService": {change(func(f *Function) {
				f.Manifest = bytes.ReplaceAll(f.Manifest, []byte(greetService), []byte("org.apache.dubbo.metadata.MetadataService"))
			}), "answered by the activator itself"},
			"not an interface": {change(func(f *Function) {
				f.Manifest = bytes.ReplaceAll(f.Manifest, []byte(greetService), []byte("org/example"))
			}), "is not a Java interface"},
			"one with a revision": {change(func(f *Function) { f.Manifest = withRevision(t, f.Manifest) }), ""},
		} {
			src.set()
			src.set(x.f)
			d := functionsOf(a)["greet"]
			if (d.State == "refused") != (x.want != "") || !strings.Contains(d.Fault, x.want) {
				t.Errorf("%s: %+v, want a fault with %q", name, d, x.want)
			}
			if x.want == "" {
				continue
			}
			src.set(good)
			src.set(x.f)
			d = functionsOf(a)["greet"]
			if d.State != "asleep" || d.App != "greet" || !strings.Contains(d.Fault, x.want) || !strings.Contains(d.Fault, "stays") {
				t.Errorf("%s after a good one: %+v", name, d)
			}
		}
		mustHello(t, consume(t, n, "activator:20880"), "still")
	})
}

// withRevision states the revision of a manifest, as DUBBOFN_DESCRIBE does.
func withRevision(t testing.TB, m Manifest) Manifest {
	t.Helper()
	a, err := newApp(Function{Name: "x", URL: "http://x", Manifest: m}, &Config{})
	if err != nil {
		t.Fatal(err)
	}
	return append(Manifest(fmt.Sprintf(`{"revision":%q,`, a.metadata.Revision())), m[1:]...)
}

func TestOneAppIsOneFunctions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		src := &listed{}
		a, _ := activate(t, n, src, nil)
		old, young := offering(t, "b", "greet", "http://old"), offering(t, "a", "greet", "http://young")
		old.Created, young.Created = time.Unix(1, 0), time.Unix(2, 0)
		check := func(when, served, refused string) {
			t.Helper()
			all := functionsOf(a)
			if all[served].App != "greet" || all[served].Fault != "" || all[refused].State != "refused" || !strings.Contains(all[refused].Fault, `"greet" is claimed by `+served) || !strings.Contains(all[refused].Fault, "DUBBOFN_APP") {
				t.Errorf("%s: %+v", when, all)
			}
		}
		src.set(young, old)
		check("both new", "b", "a")
		src.set()
		src.set(young)
		src.set(old, young)
		check("the older came later", "a", "b")
		src.set(old)
		src.set(young, old)
		check("the younger came back", "b", "a")
		young.Created = old.Created
		src.set()
		src.set(old, young)
		check("of one age", "a", "b")
	})
}

func TestAServiceThatIsHeldGetsAnotherPortOrIsRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		p := newPlatform(t, n, "greet")
		other := offering(t, "other", "other", "http://greet", fn.Version("1.0.0"))
		third := offering(t, "third", "third", "http://greet", fn.Version("1.0.0"))
		apart := offering(t, "apart", "apart", "http://greet", fn.Version("1.0.0"), fn.Group("g"))
		place, reg := embedded(t, t.TempDir()+"/registry")
		src := &listed{all: []Function{p.function()}}
		a, _ := activate(t, n, src, func(c *Config) { c.Ports = []int{20901} }, place)
		src.set(other, third, apart, p.function())
		all := functionsOf(a)
		if all["greet"].Port != 20880 || all["apart"].Port != 20880 || all["other"].Port != 20901 ||
			!strings.Contains(all["third"].Fault, `service org.example.GreetService:1.0.0 is held by application "greet" on port 20880`) {
			t.Fatalf("served: %+v", all)
		}
		until(t, "all are registered", func() bool {
			return len(instances(t, reg, "other")) == 1 && len(instances(t, reg, "apart")) == 1
		})
		if got := instances(t, reg, "other")[0].Address(); got != "127.0.0.1:20901" {
			t.Errorf("other is at %s", got)
		}
		c := consume(t, n, "activator:20901")
		if _, err := callWith(t.Context(), c, invocation("hello", "other's")); err != nil {
			t.Errorf("on its own port: %v", err)
		}
		// The holder goes: the one with a port of its own stays there, the refused one has the main port.
		src.set(other, third)
		all = functionsOf(a)
		if all["other"].Port != 20901 || all["third"].Port != 20880 || all["third"].Fault != "" {
			t.Errorf("afterwards: %+v", all)
		}
		src.set(third)
		until(t, "its port is closed", func() bool { _, err := n.dial(t.Context(), "activator:20901"); return err != nil })
		<-c.Done()
		src.set(third, other)
		if got := functionsOf(a)["other"].Port; got != 20901 {
			t.Errorf("back again at %d", got)
		}
	})
}

func TestDirFollowsItsFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name string, f Function) {
		t.Helper()
		b, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, ".new"), b, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(dir, ".new"), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	greet := offering(t, "", "greet", "http://greet")
	greet.Host, greet.Token, greet.KnativeRevision, greet.Concurrency, greet.TimeoutSeconds = "greet.local", "t", "r", 5, 60
	write("greet.json", greet)
	var mu sync.Mutex
	var last []Function
	calls := 0
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- Dir(dir).Watch(ctx, func(all []Function) {
			mu.Lock()
			defer mu.Unlock()
			last = all
			calls++
		})
	}()
	see := func(what string, ok func(all []Function) bool) {
		t.Helper()
		until(t, what, func() bool {
			mu.Lock()
			defer mu.Unlock()
			return ok(last)
		})
	}
	see("the first", func(all []Function) bool { return len(all) == 1 })
	greet.Name = "greet.json"
	if got := last[0]; !sameFunction(got, greet) || got.Fault != nil {
		t.Errorf("read %+v, want %+v", got, greet)
	}
	write("other.json", offering(t, "", "other", "http://other"))
	see("a second", func(all []Function) bool { return len(all) == 2 && all[1].App == "other" })
	if err := os.WriteFile(filepath.Join(dir, "other.json"), []byte(`{"app": "other", "ur`), 0o600); err != nil {
		t.Fatal(err)
	}
	see("it is broken", func(all []Function) bool { return len(all) == 2 && all[1].Fault != nil && all[1].Name == "other.json" })
	if err := os.WriteFile(filepath.Join(dir, "other.json"), []byte(`{"app": "other", "urll": "http://x"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	see("it is misspelt", func(all []Function) bool {
		return len(all) == 2 && all[1].Fault != nil && strings.Contains(all[1].Fault.Error(), "urll")
	})
	write("other.json", offering(t, "", "other", "http://elsewhere"))
	see("it is mended", func(all []Function) bool { return len(all) == 2 && all[1].URL == "http://elsewhere" })
	if err := os.Remove(filepath.Join(dir, "greet.json")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{".hidden.json", "notes.txt"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	see("one is gone", func(all []Function) bool { return len(all) == 1 && all[0].App == "other" })
	mu.Lock()
	before := calls
	mu.Unlock()
	time.Sleep(3 * dirInterval)
	mu.Lock()
	if calls != before {
		t.Error("it tells of nothing new")
	}
	mu.Unlock()
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := Dir(dir+"/absent").Watch(t.Context(), func([]Function) {}); err == nil {
		t.Error("a directory that isn't there")
	}
}

// faulty is a registry that fails as the test says.
type faulty struct {
	registry.Registry
	mu       sync.Mutex
	register func() error
	written  []registry.Registration
	ended    int
}

func (f *faulty) Register(_ context.Context, r registry.Registration) (registry.Lease, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.register(); err != nil {
		return nil, err
	}
	f.written = append(f.written, r)
	return &faultyLease{f}, nil
}

func (f *faulty) Close() error { return nil }

type faultyLease struct{ f *faulty }

func (l *faultyLease) Update(_ context.Context, r registry.Registration) error {
	l.f.mu.Lock()
	defer l.f.mu.Unlock()
	l.f.written = append(l.f.written, r)
	return nil
}

func (l *faultyLease) End(context.Context) error {
	l.f.mu.Lock()
	defer l.f.mu.Unlock()
	l.f.ended++
	return nil
}

func TestStandInsWaitForTheirRegistries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		down, opens := true, 0
		centre := &faulty{register: func() error { return nil }}
		nacos := &faulty{register: func() error {
			if down {
				return fmt.Errorf("register: %w", registry.ErrUnreachable)
			}
			return nil
		}}
		no := &faulty{register: func() error { return &registry.Refusal{What: "instance", Reason: "no"} }}
		open := func(f *faulty) func(context.Context) (registry.Registry, error) {
			return func(context.Context) (registry.Registry, error) {
				if opens++; opens <= 2 {
					return nil, registry.ErrUnreachable
				}
				return f, nil
			}
		}
		places := []Place{
			{Name: "centre", Open: open(centre), Levels: registry.AppMetadata | registry.Mapping | registry.LegacyMapping},
			{Name: "nacos", Open: open(nacos), Levels: registry.AppInstance | registry.InterfaceLevel},
			{Name: "no", Open: open(no), Levels: registry.AppInstance},
		}
		src := &listed{all: []Function{offering(t, "a", "greet", "http://a")}}
		go func() {
			time.Sleep(20 * time.Second)
			nacos.mu.Lock()
			defer nacos.mu.Unlock()
			down = false
		}()
		begin := time.Now()
		_, end := activate(t, n, src, nil, places...)
		if took := time.Since(begin); took < 20*time.Second || took > 60*time.Second {
			t.Errorf("ready after %v", took)
		}
		if err := end(); err != nil {
			t.Error(err)
		}
		if len(centre.written) != 1 || len(nacos.written) != 1 || len(no.written) != 0 || centre.ended != 1 || nacos.ended != 1 {
			t.Errorf("written %d, %d, %d times, ended %d, %d", len(centre.written), len(nacos.written), len(no.written), centre.ended, nacos.ended)
		}
		if l := centre.written[0].Levels; l.Has(registry.AppInstance) || !l.Has(registry.AppMetadata) {
			t.Errorf("levels of the centre: %b", l)
		}
	})
}

// remembering is a registry that keeps what it is told in maps.
type remembering struct {
	faulty
	shown     map[string]string // by app: the revision that another activator's instance shows
	forgotten []string
}

func (r *remembering) Instances(_ context.Context, n registry.Name) ([]registry.Instance, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.shown[n.App] == "" {
		return nil, nil
	}
	return []registry.Instance{{App: n.App, Metadata: map[string]string{"dubbo.metadata.revision": r.shown[n.App]}}}, nil
}

func (r *remembering) Apps(context.Context, string) ([]string, error) { return nil, nil }

func (r *remembering) Metadata(context.Context, string, string) (registry.Metadata, error) {
	return registry.Metadata{}, registry.ErrNotFound
}

func (r *remembering) Forget(_ context.Context, app, revision string, interfaces []string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forgotten = append(r.forgotten, fmt.Sprint(app, " ", revision, " ", interfaces))
	return nil
}

func TestMetadataThatNobodyShowsIsTakenAwayAfterADay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		reg := &remembering{faulty: faulty{register: func() error { return nil }}, shown: map[string]string{}}
		first, second := offering(t, "a", "greet", "http://a"), offering(t, "a", "greet", "http://a", fn.Timeout(time.Second))
		src := &listed{all: []Function{first}}
		activate(t, n, src, nil, Place{Name: "x", Open: func(context.Context) (registry.Registry, error) { return reg, nil }})
		check := func(when string, want ...string) {
			t.Helper()
			synctest.Wait()
			reg.mu.Lock()
			defer reg.mu.Unlock()
			if d := cmp.Diff(want, reg.forgotten); d != "" {
				t.Errorf("%s: %s", when, d)
			}
		}
		old, now := revisionIn(t, first), revisionIn(t, second)
		reg.shown["greet"] = old // by a replica that is slow to follow
		src.set(second)
		time.Sleep(26 * time.Hour)
		check("it is shown elsewhere")
		reg.mu.Lock()
		reg.shown["greet"] = now
		reg.mu.Unlock()
		time.Sleep(26 * time.Hour)
		check("nobody shows it", "greet "+old+" []")
		src.set()
		time.Sleep(12 * time.Hour)
		src.set(second) // it comes back
		time.Sleep(24 * time.Hour)
		check("it is wanted again", "greet "+old+" []")
		src.set()
		reg.mu.Lock()
		reg.shown = nil
		reg.mu.Unlock()
		time.Sleep(26 * time.Hour)
		check("the app is gone", "greet "+old+" []", "greet "+now+" ["+greetService+"]")
	})
}

func revisionIn(t testing.TB, f Function) string {
	t.Helper()
	a, err := newApp(f, &Config{})
	if err != nil {
		t.Fatal(err)
	}
	return a.metadata.Revision()
}

func TestConfigsTellAllTheirFaults(t *testing.T) {
	t.Parallel()
	_, err := New(Config{Port: 70000, Ports: []int{-1}, Fresh: -1}, nil, Place{Name: "x"})
	if err == nil {
		t.Fatal("it is taken")
	}
	for _, want := range []string{"Dubbo is nil", "Host is empty", "port 70000", "port -1", "Fresh is -1", "source is nil", `place "x"`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v: want it to hold %q", err, want)
		}
	}
}

func TestASourceThatFailsEndsTheRun(t *testing.T) {
	t.Parallel()
	n := newNetwork()
	a, err := New(Config{Host: "127.0.0.1", Dubbo: n.listen("a:20880"), Lane: n.listen("a:20881")}, Dir(t.TempDir()+"/absent"))
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "absent") {
		t.Errorf("Run gave %v", err)
	}
}

func TestAListenerThatFailsEndsTheRun(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a, err := New(Config{Host: "127.0.0.1", Dubbo: l, Drain: time.Second}, &listed{all: []Function{offering(t, "a", "greet", "http://a")}})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- a.Run(t.Context()) }()
	until(t, "it serves", func() bool { return a.phase.Load() == nil })
	_ = l.Close()
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("Run gave %v", err)
	}
}
