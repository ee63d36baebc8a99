package registrytest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/dubbofn/dubbofn/registry"
)

func found(f *fixture) {
	a, b := f.open(), f.lookup(f.open())
	app, one, two := f.app("greet"), f.iface("one"), f.iface("two")
	reg := f.registration(app, 20880, one, two)
	reg.Metadata.Services[1].Group, reg.Metadata.Services[1].Version = "blue", "1.0.0"
	f.register(a, reg)
	for _, i := range []string{one, two} {
		eventually(f, "applications", func() ([]string, error) { return b.Apps(f.Context(), i) }, func(got []string) bool { return reflect.DeepEqual(got, []string{app}) })
	}
	got := f.instances(b, registry.Name{App: app}, "127.0.0.1:20880")[0]
	if got.App != app || got.Local() || got.Revision() != reg.Metadata.Revision() {
		f.Errorf("instance is %+v, want application %s, remote, revision %s", got, app, reg.Metadata.Revision())
	}
	if e := got.Endpoints(); !reflect.DeepEqual(e, []registry.Endpoint{{Port: 20880, Protocol: "dubbo"}}) {
		f.Errorf("endpoints are %+v", e)
	}
	if _, ok := got.Metadata["timestamp"]; ok {
		f.Errorf("the instance has a timestamp: Java would ramp it up over ten minutes")
	}
	m, err := b.Metadata(f.Context(), app, got.Revision())
	if err != nil {
		f.Fatal(err)
	}
	if m.Revision() != reg.Metadata.Revision() || len(m.Services) != 2 || m.App != app {
		f.Errorf("metadata is %+v, want %+v", m, reg.Metadata)
	}
	f.instances(b, registry.Name{Interface: one}) // no interface level unless asked for
}

func nothing(f *fixture) {
	l := f.lookup(f.open())
	if apps, err := l.Apps(f.Context(), f.iface("nobody")); err != nil || len(apps) != 0 {
		f.Errorf("applications are %v, %v; want none", apps, err)
	}
	if all, err := l.Instances(f.Context(), registry.Name{App: f.app("nobody")}); err != nil || len(all) != 0 {
		f.Errorf("instances are %v, %v; want none", all, err)
	}
	if _, err := l.Metadata(f.Context(), f.app("nobody"), "0123456789abcdef0123456789abcdef"); !errors.Is(err, registry.ErrNotFound) {
		f.Errorf("metadata's error is %v, want ErrNotFound", err)
	}
}

func levels(f *fixture) {
	a := f.open()
	b := f.lookup(f.open())
	for i, level := range []registry.Level{registry.AppMetadata, registry.Mapping, registry.LegacyMapping, registry.AppInstance, registry.InterfaceLevel} {
		app, iface := f.app(fmt.Sprint("level", i)), f.iface(fmt.Sprint("level", i))
		reg := f.registration(app, 20880+i, iface)
		reg.Levels = level
		f.register(a, reg)
		time.Sleep(f.s.Settle / 20) // what must not come would be late
		_, err := b.Metadata(f.Context(), app, reg.Metadata.Revision())
		if has := err == nil; has != level.Has(registry.AppMetadata) {
			f.Errorf("level %d: metadata there: %t (%v)", i, has, err)
		}
		apps, err := b.Apps(f.Context(), iface)
		if has := len(apps) == 1; err != nil || has != (level&(registry.Mapping|registry.LegacyMapping) != 0) {
			f.Errorf("level %d: applications are %v, %v", i, apps, err)
		}
		want := func(there registry.Level) []string {
			if level.Has(there) {
				return []string{reg.Instance.Address()}
			}
			return nil
		}
		f.instances(b, registry.Name{App: app}, want(registry.AppInstance)...)
		f.instances(b, registry.Name{Interface: iface}, want(registry.InterfaceLevel)...)
	}
}

func pattern(f *fixture) {
	a, b := f.open(), f.open()
	iface := f.iface("pattern")
	add := func(port int, version, group string) registry.Lease {
		reg := f.registration(f.app(fmt.Sprint("pattern", port)), port, iface)
		reg.Levels = registry.InterfaceLevel
		reg.Metadata.Services[0].Version, reg.Metadata.Services[0].Group = version, group
		return f.register(a, reg)
	}
	every, groups := registry.Name{Interface: iface, Version: "*", Group: "*"}, registry.Name{Interface: iface, Version: "1.0", Group: "a,b"}
	early := watchInstances(f, b, every) // when there is no such service yet
	first := add(20881, "1.0", "a")
	add(20882, "2.0", "b")
	add(20883, "", "")
	late := watchInstances(f, b, groups)
	f.instances(f.lookup(b), every, "127.0.0.1:20881", "127.0.0.1:20882", "127.0.0.1:20883")
	f.instances(f.lookup(b), groups, "127.0.0.1:20881")
	add(20884, "1.0", "b")
	told := func(h *history[registry.Instance], addresses ...string) {
		f.Helper()
		h.until(fmt.Sprint(addresses), func(all []registry.Instance) bool { return slices.Equal(addressesOf(all), addresses) })
	}
	told(early, "127.0.0.1:20881", "127.0.0.1:20882", "127.0.0.1:20883", "127.0.0.1:20884")
	told(late, "127.0.0.1:20881", "127.0.0.1:20884")
	if err := first.End(f.Context()); err != nil {
		f.Fatal(err)
	}
	told(early, "127.0.0.1:20882", "127.0.0.1:20883", "127.0.0.1:20884")
	told(late, "127.0.0.1:20884")
	early.end()
	late.end()
}

func interfaceLevel(f *fixture) {
	a, b := f.open(), f.lookup(f.open())
	app, iface := f.app("old"), f.iface("old")
	reg := f.registration(app, 20881, iface)
	reg.Levels = registry.InterfaceLevel
	s := &reg.Metadata.Services[0]
	s.Group, s.Version = "blue", "2.0.0"
	s.Params = map[string]string{"timeout": "3000", "token": "s3cret", "dubbo.tag": "gray", "methods": "a,b,c"}
	f.register(a, reg)
	got := f.instances(b, registry.Name{Interface: iface, Version: "2.0.0", Group: "blue"}, "127.0.0.1:20881")[0]
	for k, want := range map[string]string{
		"interface": iface, "path": iface, "protocol": "dubbo", "category": "providers", "group": "blue", "version": "2.0.0",
		"application": app, "side": "provider", "timeout": "3000", "token": "s3cret", "dubbo.tag": "gray", "methods": "", "timestamp": "",
	} {
		if got.Metadata[k] != want {
			f.Errorf("%s is %q, want %q", k, got.Metadata[k], want)
		}
	}
	f.instances(b, registry.Name{Interface: iface}) // another version and group
}

func localStorage(f *fixture) {
	a, b := f.open(), f.lookup(f.open())
	for i, c := range []struct {
		storage registry.Storage
		params  string
	}{
		{registry.Local3, `{"dubbo":"2.0.2","port":"20880",`},
		{registry.Local27, `{"dubbo":{"dubbo":"2.0.2","port":"20880","version":"1.0.0"}}`},
	} {
		app := f.app(fmt.Sprint("local", i))
		reg := f.registration(app, 20880, f.iface("local"))
		reg.Storage = c.storage
		f.register(a, reg)
		got := f.instances(b, registry.Name{App: app}, "127.0.0.1:20880")[0]
		if p := got.Metadata["dubbo.metadata-service.url-params"]; !got.Local() || !strings.HasPrefix(p, c.params) {
			f.Errorf("storage %d: instance is %+v, want parameters that begin with %s", c.storage, got, c.params)
		}
	}
}

func metadataFirst(f *fixture) {
	a, b := f.open(), f.open()
	look := f.lookup(b)
	for i := range 5 {
		app, iface := f.app(fmt.Sprint("first", i)), f.iface(fmt.Sprint("first", i))
		seen := make(chan error, 100)
		ctx, stop := context.WithCancel(f.Context())
		done := make(chan error, 1)
		w := f.watcher(b)
		go func() {
			done <- w.WatchInstances(ctx, registry.Name{App: app}, func(all []registry.Instance) {
				for _, in := range all {
					_, err := look.Metadata(ctx, app, in.Revision())
					if err == nil {
						var apps []string
						if apps, err = look.Apps(ctx, iface); err == nil && len(apps) != 1 {
							err = fmt.Errorf("applications are %v", apps)
						}
					}
					seen <- err
				}
			})
		}()
		time.Sleep(f.s.Settle / 50)
		f.register(a, f.registration(app, 20880, iface))
		select {
		case err := <-seen:
			if err != nil {
				f.Errorf("when the instance was told: %v", err)
			}
		case <-time.After(f.s.Settle):
			f.Errorf("the instance was not told within %s", f.s.Settle)
		}
		stop()
		if err := <-done; err != nil {
			f.Errorf("watch: %v", err)
		}
	}
}

func mapping(f *fixture) {
	iface := f.iface("shared")
	var want []string
	errs := make(chan error, 8)
	for i := range 8 {
		app := f.app(fmt.Sprint("m", i))
		want = append(want, app)
		r := f.open()
		reg := f.registration(app, 20880+i, iface)
		go func() {
			ctx, cancel := context.WithTimeout(f.Context(), 60*time.Second)
			defer cancel()
			_, err := r.Register(ctx, reg)
			errs <- err
		}()
	}
	for range 8 {
		if err := <-errs; err != nil {
			f.Error(err)
		}
	}
	l := f.lookup(f.open())
	eventually(f, "applications", func() ([]string, error) { return l.Apps(f.Context(), iface) }, func(got []string) bool { return reflect.DeepEqual(got, want) })
}

func mappingWatched(f *fixture) {
	a, b := f.open(), f.open()
	iface := f.iface("growing")
	w := f.watcher(b)
	h := watch(f, func(ctx context.Context, each func([]string)) error { return w.WatchApps(ctx, iface, each) })
	var want []string
	for i := range 3 {
		want = append(want, f.app(fmt.Sprint(i)))
		f.register(a, f.registration(want[i], 20880, iface))
		h.until("applications", func(got []string) bool { return reflect.DeepEqual(got, want) })
	}
	h.end()
}

func many(f *fixture) {
	a, b := f.open(), f.lookup(f.open())
	errs := make(chan error, 16)
	for i := range 16 {
		reg := f.registration(f.app(fmt.Sprint(i)), 20880+i, f.iface(fmt.Sprint(i)))
		go func() {
			ctx, cancel := context.WithTimeout(f.Context(), 30*time.Second)
			defer cancel()
			_, err := a.Register(ctx, reg)
			errs <- err
		}()
	}
	for range 16 {
		if err := <-errs; err != nil {
			f.Error(err)
		}
	}
	for i := range 16 {
		f.instances(b, registry.Name{App: f.app(fmt.Sprint(i))}, fmt.Sprint("127.0.0.1:", 20880+i))
	}
}

func faults(f *fixture) {
	a := f.open()
	reg := f.registration("", 0, "not an interface")
	reg.Instance.Host = ""
	reg.Metadata.Services[0].Group = "a/b"
	_, err := a.Register(f.Context(), reg)
	if err == nil {
		f.Fatal("a registration without anything was taken")
	}
	for _, want := range []string{"no application", "host", "port 0", `"not an interface"`, `"a/b"`} {
		if !strings.Contains(err.Error(), want) {
			f.Errorf("%q is not in the error: %v", want, err)
		}
	}
}

func tooLarge(f *fixture) {
	if f.s.MaxInstanceChars == 0 {
		return // nothing is too large
	}
	a, b := f.open(), f.lookup(f.open())
	app, iface := f.app("large"), f.iface("large")
	reg := f.registration(app, 20880, iface)
	probe, err := reg.AppInstance(0)
	if err != nil {
		f.Fatal(err)
	}
	used := 0
	for k, v := range probe.Metadata {
		used += len(k) + len(v)
	}
	reg.Instance.Metadata = map[string]string{"note": strings.Repeat("x", f.s.MaxInstanceChars-used-len("note"))}
	lease := f.register(a, reg) // exactly at the limit
	f.instances(b, registry.Name{App: app}, "127.0.0.1:20880")
	if err := lease.End(f.Context()); err != nil {
		f.Fatal(err)
	}
	f.instances(b, registry.Name{App: app})
	reg.Instance.Metadata["note"] += "x"
	for _, level := range []registry.Level{registry.AppLevel, registry.InterfaceLevel} {
		reg.Levels = level
		if level == registry.InterfaceLevel {
			reg.Metadata.Services[0].Params["greet.timeout"] = strings.Repeat("9", f.s.MaxInstanceChars)
		}
		_, err := a.Register(f.Context(), reg)
		if err == nil || !strings.Contains(err.Error(), fmt.Sprint(f.s.MaxInstanceChars)) || !strings.Contains(err.Error(), "characters") {
			f.Errorf("level %d: error is %v, want one that names the size and the limit %d", level, err, f.s.MaxInstanceChars)
		}
	}
	f.instances(b, registry.Name{App: app})
	f.instances(b, registry.Name{Interface: iface})
}
