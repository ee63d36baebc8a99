package hint_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/dubbofn/dubbofn/registry"
	"github.com/dubbofn/dubbofn/registry/hint"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const source = "fake://there"

// fake is a registry of which a test says what it holds.
type fake struct {
	mu       sync.Mutex
	apps     []string
	byApp    map[string][]registry.Instance
	rules    map[string]string
	metadata map[string]registry.Metadata
	asked    int // for metadata
	changed  chan struct{}
}

func newFake() *fake {
	return &fake{
		apps: []string{"shop"}, byApp: map[string][]registry.Instance{"shop": {instance("10.0.0.1", "r1")}}, rules: map[string]string{"shop.tag-router": "force: true"},
		metadata: map[string]registry.Metadata{"r1": document("first"), "r2": document("second")}, changed: make(chan struct{}),
	}
}

func instance(host, revision string) registry.Instance {
	return registry.Instance{App: "shop", Host: host, Port: 20880, Metadata: map[string]string{"dubbo.metadata.revision": revision, "dubbo.metadata.storage-type": "remote"}}
}

func document(name string) registry.Metadata {
	return registry.Metadata{App: "shop", Digest: "d", Services: []registry.Service{{Name: "org.example." + name, Protocol: "dubbo", Params: map[string]string{"timeout": "1"}}}}
}

func (f *fake) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
	close(f.changed)
	f.changed = make(chan struct{})
}

func watch[V any](ctx context.Context, f *fake, look func() V, each func(V)) error {
	var last string
	for {
		f.mu.Lock()
		v, changed := look(), f.changed
		f.mu.Unlock()
		if now := fmt.Sprintf("%v", v); now != last {
			last = now
			each(v)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil
		}
	}
}

func (f *fake) WatchApps(ctx context.Context, _ string, each func([]string)) error {
	return watch(ctx, f, func() []string { return f.apps }, each)
}

func (f *fake) WatchInstances(ctx context.Context, n registry.Name, each func([]registry.Instance)) error {
	return watch(ctx, f, func() []registry.Instance { return f.byApp[n.String()] }, each)
}

func (f *fake) WatchRule(ctx context.Context, _, key string, each func(string)) error {
	return watch(ctx, f, func() string { return "\x00"[:0] + f.rules[key] }, func(s string) { each(s) })
}
func (f *fake) Apps(context.Context, string) ([]string, error) { return f.apps, nil }
func (f *fake) Instances(_ context.Context, n registry.Name) ([]registry.Instance, error) {
	return f.byApp[n.String()], nil
}

func (f *fake) Metadata(_ context.Context, _, revision string) (registry.Metadata, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked++
	m, ok := f.metadata[revision]
	if !ok {
		return m, registry.ErrNotFound
	}
	return m, nil
}

func (f *fake) Register(context.Context, registry.Registration) (registry.Lease, error) {
	return nil, errors.New("nothing is registered here")
}
func (f *fake) Close() error { return nil }

func keys() []hint.Key {
	return []hint.Key{
		{Source: source, Kind: hint.Apps, Name: "org.example.first"}, {Source: source, Kind: hint.Instances, Name: "shop"},
		{Source: source, Kind: hint.Rule, Name: "shop.tag-router", Group: "dubbo"},
	}
}

// followed gives what a follower knows of keys, once it knows it all.
func followed(t *testing.T, f *fake) *hint.State {
	t.Helper()
	fo := hint.NewFollower(t.Context(), map[string]hint.Source{source: {Registry: f}}, nil)
	for _, k := range keys() {
		if err := fo.Follow(k); err != nil {
			t.Fatal(err)
		}
	}
	synctest.Wait()
	s, err := hint.Decode(fo.Encode(keys()))
	if err != nil {
		t.Fatal(err)
	}
	if err := fo.Close(); err != nil {
		t.Error(err)
	}
	return s
}

func TestFollowerKnowsWhatItWasToldToFollow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		fo := hint.NewFollower(t.Context(), map[string]hint.Source{source: {Registry: f}}, nil)
		for range 2 {
			for _, k := range keys() {
				if err := fo.Follow(k); err != nil {
					t.Fatal(err)
				}
			}
		}
		synctest.Wait()
		before, version := string(fo.Encode(keys())), fo.Version()
		for _, want := range []string{"10.0.0.1", "force: true", "org.example.first", `"shop"`} {
			if !strings.Contains(before, want) {
				t.Errorf("%q is not in %s", want, before)
			}
		}
		f.set(func() { f.byApp["shop"] = []registry.Instance{instance("10.0.0.2", "r2")} })
		synctest.Wait()
		after := string(fo.Encode(keys()))
		if strings.Contains(after, "10.0.0.1") || !strings.Contains(after, "10.0.0.2") || !strings.Contains(after, "org.example.second") || strings.Contains(after, `"version":"r1"`) {
			t.Errorf("after a change: %s", after)
		}
		if fo.Version() == version {
			t.Error("the version is the same")
		}
		if only := string(fo.Encode(keys()[2:])); strings.Contains(only, "10.0.0.2") || strings.Contains(only, "second") {
			t.Errorf("more than was wanted: %s", only)
		}
		fo.Unfollow(keys()[1])
		if left := string(fo.Encode(keys())); strings.Contains(left, "10.0.0.2") || strings.Contains(left, "second") {
			t.Errorf("after Unfollow: %s", left)
		}
		if err := fo.Close(); err != nil {
			t.Error(err)
		}
		if err := fo.Follow(keys()[1]); err != nil {
			t.Error(err)
		}
	})
}

func TestFollowerRefusesWhatIsNoConsumersBusiness(t *testing.T) {
	t.Parallel()
	fo := hint.NewFollower(t.Context(), map[string]hint.Source{source: {Registry: newFake()}}, nil)
	defer func() { _ = fo.Close() }()
	for name, k := range map[string]hint.Key{
		"another registry":      {Source: "fake://elsewhere", Kind: hint.Apps, Name: "a"},
		"another document":      {Source: source, Kind: hint.Rule, Name: "database.password", Group: "dubbo"},
		"another group":         {Source: source, Kind: hint.Rule, Name: "shop.tag-router", Group: "SECRETS"},
		"no kind":               {Source: source, Name: "a"},
		"no name":               {Source: source, Kind: hint.Apps},
		"an absurd name":        {Source: source, Kind: hint.Apps, Name: strings.Repeat("a", 2000)},
		"a name with a newline": {Source: source, Kind: hint.Apps, Name: "a\nb"},
	} {
		if err := fo.Follow(k); err == nil {
			t.Errorf("%s: followed", name)
		}
	}
}

// told gathers what a watch calls back with.
type told[V any] struct {
	mu  sync.Mutex
	all []V
}

func (t *told[V]) each(v V) { t.mu.Lock(); defer t.mu.Unlock(); t.all = append(t.all, v) }
func (t *told[V]) got() []V { t.mu.Lock(); defer t.mu.Unlock(); return append([]V(nil), t.all...) }

func TestRegistryBeginsWithTheHintAndGoesOnWithTheRegistry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		state := followed(t, f)
		f.set(func() { f.byApp["shop"] = []registry.Instance{instance("10.0.0.2", "r2")} })
		there := make(chan struct{})
		var seen hint.State
		r := hint.NewRegistry(source, hint.Memory{Hint: state, Seen: &seen}, func(ctx context.Context) (registry.Registry, error) {
			select {
			case <-there:
				return f, nil
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		})
		ctx, stop := context.WithCancel(t.Context())
		var apps told[[]string]
		var instances told[[]registry.Instance]
		var rules told[string]
		var wg sync.WaitGroup
		wg.Go(func() { _ = r.WatchApps(ctx, "org.example.first", apps.each) })
		wg.Go(func() { _ = r.WatchInstances(ctx, registry.Name{App: "shop"}, instances.each) })
		wg.Go(func() { _ = r.WatchRule(ctx, "dubbo", "shop.tag-router", rules.each) })
		synctest.Wait()
		if diff := cmp.Diff([][]registry.Instance{{instance("10.0.0.1", "r1")}}, instances.got()); diff != "" {
			t.Errorf("before the registry is there, - want + got:\n%s", diff)
		}
		if m, err := r.Metadata(ctx, "shop", "r1"); err != nil || m.Services[0].Name != "org.example.first" || m.Digest != "d" {
			t.Errorf("metadata %+v, %v", m, err)
		}
		close(there)
		synctest.Wait()
		if diff := cmp.Diff([][]string{{"shop"}}, apps.got()); diff != "" {
			t.Errorf("applications are told again though nothing changed:\n%s", diff)
		}
		if diff := cmp.Diff([]string{"force: true"}, rules.got()); diff != "" {
			t.Errorf("rules:\n%s", diff)
		}
		if diff := cmp.Diff([]registry.Instance{instance("10.0.0.2", "r2")}, instances.got()[1]); diff != "" {
			t.Errorf("the registry's word does not count:\n%s", diff)
		}
		if m, err := r.Metadata(ctx, "shop", "r2"); err != nil || m.Services[0].Name != "org.example.second" {
			t.Errorf("metadata %+v, %v", m, err)
		}
		if diff := cmp.Diff(keys(), seen.Keys(), cmp.Transformer("set", func(in []hint.Key) map[hint.Key]bool {
			m := map[hint.Key]bool{}
			for _, k := range in {
				m[k] = true
			}
			return m
		})); diff != "" {
			t.Errorf("seen:\n%s", diff)
		}
		again, err := hint.Decode(seen.Encode())
		if err != nil || !again.Has(source) || again.Has("other") {
			t.Errorf("what was seen can't be remembered: %v", err)
		}
		stop()
		wg.Wait()
	})
}

func TestRegistryWithoutAHintIsTheRegistry(t *testing.T) {
	t.Parallel()
	f := newFake()
	refused := errors.New("refused")
	var fault error
	r := hint.NewRegistry(source, hint.Memory{}, func(context.Context) (registry.Registry, error) { return f, fault })
	ctx, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	var instances told[[]registry.Instance]
	if err := r.WatchInstances(ctx, registry.Name{App: "shop"}, instances.each); err != nil || len(instances.got()) != 1 {
		t.Errorf("%v, %v", instances.got(), err)
	}
	if _, err := r.Metadata(ctx, "shop", "r9"); !errors.Is(err, registry.ErrNotFound) {
		t.Error(err)
	}
	fault = refused
	if err := r.WatchApps(ctx, "a", func([]string) {}); !errors.Is(err, refused) {
		t.Error(err)
	}
	if _, err := r.Apps(ctx, "a"); !errors.Is(err, refused) {
		t.Error(err)
	}
}

func TestStateThatMakesNoSenseIsRefused(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"no JSON": "x", "another version": `{"version":2}`, "a key of nothing": `{"version":1,"entries":[{"key":{"kind":"apps"}}]}`,
		"metadata without any": `{"version":1,"entries":[{"key":{"kind":"metadata","name":"a"}}]}`, "too much": `"` + strings.Repeat("a", hint.MaxBytes) + `"`,
	} {
		if _, err := hint.Decode([]byte(text)); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"version":1,"entries":[{"key":{"source":"s","kind":"apps","name":"a"},"apps":["b"]},{"key":{"source":"s","kind":"metadata","name":"a","version":"1"},"metadata":{"app":"a"}}]}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		s, err := hint.Decode(in)
		if err != nil {
			return
		}
		once := s.Encode()
		again, err := hint.Decode(once)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(once), string(again.Encode())); diff != "" {
			t.Error(diff)
		}
	})
}

// A hint that comes late counts for as long as the registry has not answered.
func TestRegistryTakesAHintThatComesLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		state := followed(t, f)
		there := make(chan struct{})
		var late hint.State
		var asked told[hint.Key]
		r := hint.NewRegistry(source, hint.Memory{Hint: &late, Asked: asked.each}, func(ctx context.Context) (registry.Registry, error) {
			select {
			case <-there:
				return f, nil
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		})
		ctx, stop := context.WithCancel(t.Context())
		var instances told[[]registry.Instance]
		var apps told[[]string]
		var wg sync.WaitGroup
		wg.Go(func() { _ = r.WatchInstances(ctx, registry.Name{App: "shop"}, instances.each) })
		synctest.Wait()
		late.Merge(&hint.State{})
		synctest.Wait()
		if got := instances.got(); got != nil {
			t.Errorf("told %v out of nothing", got)
		}
		late.Merge(state)
		synctest.Wait()
		if got := instances.got(); len(got) != 1 || got[0][0].Host != "10.0.0.1" {
			t.Errorf("the late hint: %v", got)
		}
		f.set(func() { f.byApp["shop"] = nil })
		close(there)
		synctest.Wait()
		late.Merge(state)
		wg.Go(func() { _ = r.WatchApps(ctx, "org.example.first", apps.each) })
		synctest.Wait()
		if got := instances.got(); len(got) != 2 || len(got[1]) != 0 {
			t.Errorf("after the registry has answered: %v", got)
		}
		if got := apps.got(); len(got) != 1 || len(asked.got()) != 2 {
			t.Errorf("applications %v, asked for %v", got, asked.got())
		}
		stop()
		wg.Wait()
	})
}

// A list that was empty holds nobody up, and lets nobody begin without providers: the registry is waited for.
func TestRegistryTakesNoEmptyListForAHint(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		state, err := hint.Decode([]byte(`{"version":1,"entries":[{"key":{"source":"fake://there","kind":"instances","name":"shop"}},
			{"key":{"source":"fake://there","kind":"rule","name":"shop.tag-router","group":"dubbo"}}]}`))
		if err != nil {
			t.Fatal(err)
		}
		r := hint.NewRegistry(source, hint.Memory{Hint: state}, func(ctx context.Context) (registry.Registry, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		ctx, stop := context.WithCancel(t.Context())
		var instances told[[]registry.Instance]
		var rules told[string]
		var wg sync.WaitGroup
		wg.Go(func() { _ = r.WatchInstances(ctx, registry.Name{App: "shop"}, instances.each) })
		wg.Go(func() { _ = r.WatchRule(ctx, "dubbo", "shop.tag-router", rules.each) })
		synctest.Wait()
		if got := instances.got(); got != nil {
			t.Errorf("told %v", got)
		}
		if got := rules.got(); len(got) != 1 {
			t.Errorf("that there is no rule is told %d times, want once", len(got))
		}
		stop()
		wg.Wait()
	})
}

// broken is a registry whose watches end when a test says so.
type broken struct {
	*fake
	end chan struct{}
}

func (b *broken) WatchInstances(ctx context.Context, n registry.Name, each func([]registry.Instance)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-b.end:
			cancel()
		case <-ctx.Done():
		}
	}()
	return b.fake.WatchInstances(ctx, n, each)
}

// Whoever watches begins again when a watch ends: what the registry has said by then is not taken back for what was remembered before.
func TestAWatchThatBeginsAgainDoesNotGoBackToTheHint(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		state := followed(t, f)
		b := &broken{f, make(chan struct{})}
		f.byApp["shop"] = []registry.Instance{instance("10.0.0.9", "r1")}
		r := hint.NewRegistry(source, hint.Memory{Hint: state, Seen: &hint.State{}}, func(context.Context) (registry.Registry, error) { return b, nil })
		ctx, cancel := context.WithCancel(t.Context())
		var instances told[[]registry.Instance]
		ended := make(chan error, 2)
		begin := func() {
			go func() { ended <- r.WatchInstances(ctx, registry.Name{App: "shop"}, instances.each) }()
			synctest.Wait()
		}
		begin()
		if got := instances.got(); len(got) != 2 || got[0][0].Host != "10.0.0.1" || got[1][0].Host != "10.0.0.9" {
			t.Fatalf("told %v", got)
		}
		b.end <- struct{}{}
		<-ended
		begin()
		if got := instances.got(); len(got) != 3 || got[2][0].Host != "10.0.0.9" {
			t.Errorf("told %v after the watch began again", got)
		}
		cancel()
		<-ended
	})
}

func TestWhatIsOlderTakesNothingBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		old := followed(t, f)
		f.byApp["shop"] = nil
		f.rules = map[string]string{"shop.tag-router": "force: false"}
		current := followed(t, f)
		var s hint.State
		s.Merge(current)
		s.MergeOlder(old)
		if got, want := string(s.EncodeKeys(keys())), string(current.EncodeKeys(keys())); got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
		s.Merge(old)
		if got, want := string(s.EncodeKeys(keys())), string(old.EncodeKeys(keys())); got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
	})
}
