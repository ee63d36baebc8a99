package registrytest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/dubbofn/dubbofn/registry"
)

func watched(f *fixture) {
	a, b := f.open(), f.open()
	app := f.app("watched")
	h := watchInstances(f, b, registry.Name{App: app})
	if first := h.all()[0]; len(first) != 0 {
		f.Errorf("first state is %v, want none", first)
	}
	reg := f.registration(app, 20880, f.iface("a"))
	lease := f.register(a, reg)
	h.until("an instance", func(all []registry.Instance) bool {
		return len(all) == 1 && all[0].Revision() == reg.Metadata.Revision()
	})
	next := f.registration(app, 20880, f.iface("a"), f.iface("b"))
	if err := lease.Update(f.Context(), next); err != nil {
		f.Fatal(err)
	}
	h.until("the new revision", func(all []registry.Instance) bool {
		return len(all) == 1 && all[0].Revision() == next.Metadata.Revision()
	})
	if err := lease.End(f.Context()); err != nil {
		f.Fatal(err)
	}
	h.until("no instance", func(all []registry.Instance) bool { return len(all) == 0 })
	h.end()
	var revisions []string
	for _, s := range h.all() {
		for _, i := range s {
			revisions = append(revisions, i.Revision())
		}
	}
	if want := []string{reg.Metadata.Revision(), next.Metadata.Revision()}; !reflect.DeepEqual(revisions, want) {
		f.Errorf("revisions told are %v, want %v", revisions, want)
	}
}

func updateStays(f *fixture) {
	a, b := f.open(), f.open()
	app := f.app("stays")
	reg := f.registration(app, 20880, f.iface("a"))
	lease := f.register(a, reg)
	h := watchInstances(f, b, registry.Name{App: app})
	h.until("an instance", func(all []registry.Instance) bool { return len(all) == 1 })
	var last registry.Registration
	for i := range 10 {
		last = f.registration(app, 20880, f.iface("a"), f.iface(fmt.Sprint("n", i)))
		if err := lease.Update(f.Context(), last); err != nil {
			f.Fatal(err)
		}
	}
	h.until("the last revision", func(all []registry.Instance) bool {
		return len(all) == 1 && all[0].Revision() == last.Metadata.Revision()
	})
	h.end()
	there := false
	for _, s := range h.all() {
		if there && len(s) != 1 {
			f.Errorf("an update left first: %d instances were told", len(s))
		}
		there = there || len(s) == 1
	}
}

func updateMoves(f *fixture) {
	a, b := f.open(), f.lookup(f.open())
	app, one, two := f.app("moves"), f.iface("one"), f.iface("two")
	reg := f.registration(app, 20880, one)
	reg.Levels = registry.InterfaceLevel
	lease := f.register(a, reg)
	f.instances(b, registry.Name{Interface: one}, "127.0.0.1:20880")
	next := f.registration(app, 20880, two)
	next.Levels = registry.InterfaceLevel | registry.AppLevel
	if err := lease.Update(f.Context(), next); err != nil {
		f.Fatal(err)
	}
	f.instances(b, registry.Name{Interface: two}, "127.0.0.1:20880")
	f.instances(b, registry.Name{App: app}, "127.0.0.1:20880")
	f.instances(b, registry.Name{Interface: one})
	if err := lease.End(f.Context()); err != nil {
		f.Fatal(err)
	}
	f.instances(b, registry.Name{Interface: two})
	f.instances(b, registry.Name{App: app})
}

func updateRefused(f *fixture) {
	a, b := f.open(), f.lookup(f.open())
	app := f.app("same")
	lease := f.register(a, f.registration(app, 20880, f.iface("a")))
	for _, other := range []registry.Registration{f.registration(app, 20881, f.iface("a")), f.registration(f.app("other"), 20880, f.iface("a"))} {
		if err := lease.Update(f.Context(), other); err == nil {
			f.Errorf("an update to %s of %s was taken", other.Instance.Address(), other.Instance.App)
		}
	}
	f.instances(b, registry.Name{App: app}, "127.0.0.1:20880")
}

func siblings(f *fixture) {
	a, b, l := f.open(), f.open(), f.lookup(f.open())
	app := f.app("two")
	one := f.register(a, f.registration(app, 20880, f.iface("a")))
	f.register(b, f.registration(app, 20881, f.iface("a")))
	f.instances(l, registry.Name{App: app}, "127.0.0.1:20880", "127.0.0.1:20881")
	if err := one.End(f.Context()); err != nil {
		f.Fatal(err)
	}
	f.instances(l, registry.Name{App: app}, "127.0.0.1:20881")
}

func siblingsInOneHandle(f *fixture) {
	a, b := f.open(), f.open()
	app := f.app("three")
	h := watchInstances(f, b, registry.Name{App: app})
	var leases []registry.Lease
	for i := range 3 {
		leases = append(leases, f.register(a, f.registration(app, 20880+i, f.iface("a"))))
	}
	l := f.lookup(b)
	f.instances(l, registry.Name{App: app}, "127.0.0.1:20880", "127.0.0.1:20881", "127.0.0.1:20882")
	next := f.registration(app, 20881, f.iface("a"), f.iface("b"))
	if err := leases[1].Update(f.Context(), next); err != nil {
		f.Fatal(err)
	}
	for i, rest := range [][]string{{"127.0.0.1:20881", "127.0.0.1:20882"}, {"127.0.0.1:20882"}, nil} {
		if err := leases[i].End(f.Context()); err != nil {
			f.Fatal(err)
		}
		f.instances(l, registry.Name{App: app}, rest...)
	}
	h.until("no instance", func(all []registry.Instance) bool { return len(all) == 0 })
	h.end()
	states, first := h.all(), true
	for i, s := range states {
		if len(s) == 0 && !first && i < len(states)-1 {
			f.Errorf("the list was empty while there were instances: %v", states)
		}
		first = first && len(s) == 0
	}
}

func endedTwice(f *fixture) {
	a := f.open()
	reg := f.registration(f.app("twice"), 20880, f.iface("a"))
	lease := f.register(a, reg)
	for range 2 {
		if err := lease.End(f.Context()); err != nil {
			f.Errorf("end: %v", err)
		}
	}
	if err := lease.Update(f.Context(), reg); !errors.Is(err, registry.ErrClosed) {
		f.Errorf("update after the end gives %v, want ErrClosed", err)
	}
	again := f.register(a, reg) // the name is free again
	f.instances(f.lookup(f.open()), registry.Name{App: reg.Instance.App}, "127.0.0.1:20880")
	if err := again.End(f.Context()); err != nil {
		f.Error(err)
	}
}

func closing(f *fixture) {
	ctx, cancel := context.WithTimeout(f.Context(), 30*time.Second)
	defer cancel()
	a, err := f.s.Open(ctx)
	if err != nil {
		f.Fatal(err)
	}
	b := f.lookup(f.open())
	app := f.app("closing")
	lease := f.register(a, f.registration(app, 20880, f.iface("a")))
	f.instances(b, registry.Name{App: app}, "127.0.0.1:20880")
	h := watchInstances(f, a, registry.Name{App: app})
	for range 2 {
		if err := a.Close(); err != nil {
			f.Errorf("close: %v", err)
		}
	}
	select {
	case err := <-h.done:
		if !errors.Is(err, registry.ErrClosed) {
			f.Errorf("the watch ended with %v, want ErrClosed", err)
		}
	case <-time.After(f.s.Settle):
		f.Errorf("the watch did not end within %s", f.s.Settle)
	}
	h.stop()
	f.instances(b, registry.Name{App: app})
	if err := lease.End(f.Context()); err != nil {
		f.Errorf("end after close: %v", err)
	}
	if _, err := a.Register(f.Context(), f.registration(app, 20880, f.iface("a"))); !errors.Is(err, registry.ErrClosed) {
		f.Errorf("register after close gives %v, want ErrClosed", err)
	}
	if err := f.watcher(a).WatchApps(f.Context(), f.iface("a"), func([]string) {}); !errors.Is(err, registry.ErrClosed) {
		f.Errorf("watch after close gives %v, want ErrClosed", err)
	}
}

func canceled(f *fixture) {
	a, b := f.open(), f.lookup(f.open())
	ctx, cancel := context.WithCancel(f.Context())
	cancel()
	app := f.app("canceled")
	if _, err := a.Register(ctx, f.registration(app, 20880, f.iface("a"))); !errors.Is(err, context.Canceled) {
		f.Errorf("register gives %v, want context.Canceled", err)
	}
	time.Sleep(f.s.Settle / 20)
	f.instances(b, registry.Name{App: app})
}

// rules writes rules of the kinds that there are, beside each other, and one that is too large.
func rules(f *fixture) {
	r := f.open()
	w, ok := r.(registry.RuleWatcher)
	if f.s.WriteRule == nil || !ok {
		if ok || f.s.WriteRule != nil {
			f.Errorf("%T is a RuleWatcher: %v; the suite can write rules: %v", r, ok, f.s.WriteRule != nil)
		}
		return
	}
	group := func(key string) string {
		if strings.HasSuffix(key, ".migration") {
			return "DUBBO_SERVICEDISCOVERY_MIGRATION"
		}
		return "dubbo"
	}
	write := func(key, content string) {
		f.Helper()
		ctx, cancel := context.WithTimeout(f.Context(), 30*time.Second)
		defer cancel()
		if err := f.s.WriteRule(ctx, group(key), key, content); err != nil {
			f.Fatalf("write rule %s: %v", key, err)
		}
	}
	kinds := []string{f.iface("Ruled") + ":1.0:blue.condition-router", f.app("ruled") + ".tag-router", f.app("ruled") + ".configurators", f.app("ruled") + ".migration"}
	for n, key := range kinds {
		h := watch(f, func(ctx context.Context, each func([]string)) error {
			return w.WatchRule(ctx, group(key), key, func(content string) { each([]string{content}) })
		})
		told := func(what, content string) {
			f.Helper()
			h.until(what, func(got []string) bool { return got[0] == content })
		}
		told("no rule", "")
		write(kinds[(n+1)%len(kinds)], fmt.Sprintf("# of another key, %d\n", n))
		for _, content := range []string{"configVersion: v3.0\n", "# größer ✓\n" + strings.Repeat("# 100 characters\n", 6000)} {
			write(key, content)
			told("a rule", content)
		}
		write(key, "")
		told("no rule any more", "")
		write(kinds[(n+1)%len(kinds)], "")
		h.end()
	}
}
