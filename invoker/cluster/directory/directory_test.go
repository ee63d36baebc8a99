package directory_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dubbofn/dubbofn/cold"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/invoker/cluster"
	"github.com/dubbofn/dubbofn/invoker/cluster/directory"
	"github.com/dubbofn/dubbofn/registry"
)

func TestDirectoryFindsApplicationsAndFollowsThem(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBook()
		b.app("shop", "r1", 2, service("", ""))
		run(t, b, directory.Config{}, func(t *testing.T, d *directory.Directory) {
			if err := d.Ready(t.Context()); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{"10.0.0.1:20881", "10.0.0.2:20881"}, addresses(d)); diff != "" {
				t.Error(diff)
			}
			settle()
			first := d.Snapshot().Providers[0]
			if !first.Ready() || first.Param("timeout") != "700" || first.Instance != nil {
				t.Errorf("ready %v, timeout %q, instance %v", first.Ready(), first.Param("timeout"), first.Instance)
			}
			b.app("shop", "r2", 3, service("", "")) // a roll-out: the same services
			settle()
			if got := addresses(d); len(got) != 3 || d.Snapshot().Providers[0] != first {
				t.Errorf("%v; the first provider is another though nothing about it changed", got)
			}
			b.app("mall", "r1", 5, service("", "")) // the mapping grows; its addresses are partly the same
			settle()
			if got := addresses(d); len(got) != 5 {
				t.Errorf("%v", got)
			}
		})
	})
}

func TestDirectoryTakesOnlyWhatTheConsumerMeans(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		want invoker.ServiceKey
		n    int
	}{
		"neither":        {invoker.ServiceKey{}, 1},
		"version 0.0.0":  {invoker.ServiceKey{Version: "0.0.0"}, 1},
		"version":        {invoker.ServiceKey{Version: "2.0"}, 2},
		"group":          {invoker.ServiceKey{Group: "blue"}, 3},
		"several groups": {invoker.ServiceKey{Group: "blue,green"}, 3},
		"any group":      {invoker.ServiceKey{Group: "*"}, 4},
		"no such":        {invoker.ServiceKey{Version: "9"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBook()
				b.app("a", "r", 1, service("", ""))
				b.app("b", "r", 2, service("2.0", ""))
				b.app("c", "r", 3, service("", "blue"))
				b.write(func() { // not the same addresses
					for n, app := range []string{"a", "b", "c"} {
						for i := range b.instances[app] {
							b.instances[app][i].Host = fmt.Sprintf("10.%d.0.%d", n, i)
						}
					}
				})
				c.want.Interface = users
				run(t, b, directory.Config{Service: c.want}, func(t *testing.T, d *directory.Directory) {
					if err := d.Ready(t.Context()); err != nil {
						t.Fatal(err)
					}
					settle()
					if got := addresses(d); len(got) != c.n {
						t.Errorf("%v, want %d", got, c.n)
					}
					if err := d.Snapshot().Err; c.n == 0 && (err == nil || !strings.Contains(err.Error(), "application c offers blue/"+users+":dubbo")) {
						t.Errorf("reason %v does not tell what there is", err)
					}
				})
			})
		})
	}
}

func TestDirectoryMigratesAsJavaDoes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		migration    directory.Migration
		before, then string // where the providers come from while no application offers the service, and once one does
	}{
		{directory.ApplicationFirst, "10.9.0.1:20880", "10.0.0.1:20881"},
		{directory.ForceApplication, "", "10.0.0.1:20881"},
		{directory.ForceInterface, "10.9.0.1:20880", "10.9.0.1:20880"},
	} {
		t.Run(string(c.migration), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBook()
				b.write(func() {
					b.instances["providers:"+users+"::"] = []registry.Instance{
						{Host: "10.9.0.1", Port: 20880, Metadata: map[string]string{"protocol": "dubbo", "timeout": "5"}},
						{Host: "10.9.0.2", Port: 20880, Metadata: map[string]string{"protocol": "tri"}},
						{Host: "10.9.0.3", Port: 20880, Metadata: map[string]string{"disabled": "true"}},
					}
				})
				run(t, b, directory.Config{Migration: c.migration}, func(t *testing.T, d *directory.Directory) {
					if err := d.Ready(t.Context()); err != nil {
						t.Fatal(err)
					}
					if got := strings.Join(addresses(d), ","); got != c.before {
						t.Errorf("before: %s, want %s", got, c.before)
					}
					b.app("shop", "r1", 1, service("", ""))
					time.Sleep(time.Second) // until it is connected to
					if got := strings.Join(addresses(d), ","); got != c.then {
						t.Errorf("then: %s, want %s", got, c.then)
					}
				})
			})
		})
	}
}

// TestDirectoryMigratesByRule begins where only applications count, and is told otherwise while it runs.
func TestDirectoryMigratesByRule(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBook()
		b.app("shop", "r1", 1, service("", ""))
		b.write(func() {
			b.instances["providers:"+users+"::"] = []registry.Instance{{Host: "10.9.0.1", Port: 20880, Metadata: map[string]string{"protocol": "dubbo"}}}
		})
		run(t, b, directory.Config{Migration: directory.ForceApplication}, func(t *testing.T, d *directory.Directory) {
			const app, iface = "10.0.0.1:20881", "10.9.0.1:20880"
			for n, c := range []struct {
				rule directory.Migration
				want string
			}{{"", app}, {directory.ForceInterface, iface}, {directory.ForceApplication, app}, {directory.ApplicationFirst, app}, {directory.ForceInterface, iface}, {"", app}} {
				d.SetRules(directory.Rules{Migration: c.rule})
				time.Sleep(time.Second) // until it is connected to
				if got := strings.Join(addresses(d), ","); got != c.want {
					t.Errorf("%d, rule %q: %s, want %s", n, c.rule, got, c.want)
				}
			}
			b.write(func() { delete(b.instances, "providers:"+users+"::") })
			settle()
			d.SetRules(directory.Rules{Migration: directory.ForceInterface})
			settle()
			if got := strings.Join(addresses(d), ","); got != app {
				t.Errorf("migrated to where nobody is: %q, want %s for the grace", got, app)
			}
		})
	})
}

func TestDirectoryFetchesMetadataOnceAndTriesAgainForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBook()
		b.slow = time.Second
		b.app("shop", "r1", 100, service("", ""))
		cache := &directory.MetadataCache{}
		run(t, b, directory.Config{Cache: cache}, func(t *testing.T, one *directory.Directory) {
			run(t, b, directory.Config{Cache: cache}, func(t *testing.T, other *directory.Directory) {
				if err := errors.Join(one.Ready(t.Context()), other.Ready(t.Context())); err != nil {
					t.Fatal(err)
				}
				if n := cache.Fetches(); n != 1 || b.fetched.Load() != 1 {
					t.Errorf("%d fetches, want 1", n)
				}
				b.app("shop", "r2", 100) // a revision without metadata, yet
				time.Sleep(time.Minute)
				if got := len(addresses(one)); got != 100 {
					t.Errorf("%d providers, want the last 100 while there is no metadata", got)
				}
				before := b.fetched.Load()
				time.Sleep(time.Hour)
				if b.fetched.Load()-before > 2*3600/10+10 || one.Stats().Failures < 10 {
					t.Errorf("%d more fetches in an hour, %+v", b.fetched.Load()-before, one.Stats())
				}
				if got := len(addresses(one)); got != 100 {
					t.Errorf("%d providers after an hour, want the last 100: their instances are there", got)
				}
				b.app("shop", "r2", 100, service("", ""))
				time.Sleep(11 * time.Second)
				if got := len(addresses(one)); got != 100 {
					t.Errorf("%d providers once there is metadata", got)
				}
			})
		})
	})
}

// TestDirectoryThatClosesWhileItFetchesConcernsNoOther is about two that want the same metadata.
func TestDirectoryThatClosesWhileItFetchesConcernsNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBook()
		b.slow = time.Second
		b.app("shop", "r1", 1, service("", ""))
		cache := &directory.MetadataCache{}
		run(t, b, directory.Config{Cache: cache}, func(t *testing.T, one *directory.Directory) {
			settle()
			run(t, b, directory.Config{Cache: cache}, func(t *testing.T, other *directory.Directory) {
				settle()
				_ = one.Close()
				if err := other.Ready(t.Context()); err != nil || len(addresses(other)) != 1 || other.Stats().Failures != 0 {
					t.Errorf("%v, providers %q, %+v; want the other to fetch it itself", err, addresses(other), other.Stats())
				}
			})
		})
	})
}

func TestDirectorySaysThatRulesDisableEveryProvider(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBook()
		b.app("shop", "r1", 3, service("", ""))
		run(t, b, directory.Config{}, func(t *testing.T, d *directory.Directory) {
			_ = d.Ready(t.Context())
			d.SetRules(directory.Rules{Override: func(*cluster.Provider) map[string]string { return map[string]string{"disabled": "true"} }})
			settle()
			if s := d.Snapshot(); len(s.Providers) != 0 || s.Err == nil || !strings.Contains(s.Err.Error(), "disabled") {
				t.Errorf("%d providers, %v; want to be told why there are none", len(s.Providers), s.Err)
			}
		})
	})
}

func TestDirectoryIsReadyWithTheWholeList(t *testing.T) {
	t.Parallel()
	for slow, want := range map[time.Duration]struct {
		providers int
		took      time.Duration
	}{
		100 * time.Millisecond: {2, 100 * time.Millisecond},
		8 * time.Second:        {1, time.Second}, // part of it will do in the end
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newBook()
			b.slow, b.late = slow, "plain"
			b.app("shop", "gray", 2, service("", ""))
			b.write(func() {
				b.metadata["shop/plain"] = b.metadata["shop/gray"]
				b.instances["shop"][0].Metadata["dubbo.metadata.revision"] = "plain"
			})
			run(t, b, directory.Config{}, func(t *testing.T, d *directory.Directory) {
				begin := time.Now()
				if err := d.Ready(t.Context()); err != nil {
					t.Fatal(err)
				}
				if got, took := len(addresses(d)), time.Since(begin); got != want.providers || took != want.took {
					t.Errorf("metadata that takes %v: ready with %d after %v, want %d after %v", slow, got, took, want.providers, want.took)
				}
			})
		})
	}
}

func TestDirectoryDoesNotBelieveAnEmptyListAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBook()
		b.app("shop", "r1", 3, service("", ""))
		run(t, b, directory.Config{EmptyGrace: 30 * time.Second}, func(t *testing.T, d *directory.Directory) {
			_ = d.Ready(t.Context())
			for range 5 { // it flaps
				b.app("shop", "r1", 0)
				time.Sleep(20 * time.Second)
				if got := len(addresses(d)); got != 3 || !d.Stats().Protecting {
					t.Fatalf("%d providers, want the last 3", got)
				}
				b.app("shop", "r1", 3)
				time.Sleep(time.Second)
			}
			if s := d.Stats(); s.Protected != 5 || s.Protecting {
				t.Errorf("%+v", s)
			}
			b.app("shop", "r1", 0)
			time.Sleep(31 * time.Second)
			if got := len(addresses(d)); got != 0 || d.Stats().Protecting {
				t.Errorf("%d providers after the grace", got)
			}
			if err := d.Snapshot().Err; err == nil || !strings.Contains(err.Error(), "shop has no instance") {
				t.Errorf("reason %v", err)
			}
		})
	})
}

func TestDirectoryAsksInstancesThatKeepTheirMetadata(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBook()
		b.app("shop", "r1", 3)
		b.write(func() {
			for _, i := range b.instances["shop"] {
				i.Metadata["dubbo.metadata.storage-type"] = "local"
			}
		})
		asked := 0
		local := func(_ context.Context, i registry.Instance, _ string) (registry.Metadata, error) {
			if asked++; asked < 3 {
				return registry.Metadata{}, errors.New("no answer from " + i.Host)
			}
			return registry.Metadata{App: "shop", Services: []registry.Service{service("", "")}}, nil
		}
		run(t, b, directory.Config{Local: local, Migration: directory.ForceApplication}, func(t *testing.T, d *directory.Directory) {
			_ = d.Ready(t.Context())
			if got := len(addresses(d)); got != 3 || asked != 3 {
				t.Errorf("%d providers, %d asked", got, asked)
			}
		})
	})
}

func TestDirectoryLeavesOutOnlyWhatMakesNoSense(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBook()
		b.app("shop", "r1", 4, service("", ""))
		b.write(func() {
			all := b.instances["shop"]
			all[0].Host = "not a host"
			big := maps.Clone(all[1].Metadata)
			big["x"] = strings.Repeat("x", 10<<20)
			all[1].Metadata = big
			all[2].Metadata = map[string]string{"dubbo.metadata.revision": "lies", "dubbo.metadata.storage-type": "remote"}
			b.metadata["shop/lies"] = registry.Metadata{App: "shop", Services: []registry.Service{{Name: "org.example.Other", Protocol: "dubbo"}}}
		})
		run(t, b, directory.Config{}, func(t *testing.T, d *directory.Directory) {
			_ = d.Ready(t.Context())
			if got := strings.Join(addresses(d), ","); got != "10.0.0.4:20881" {
				t.Errorf("%s, want only the sane one", got)
			}
			if s := d.Stats(); s.Refused != 2 {
				t.Errorf("%+v, want 2 refused", s)
			}
		})
	})
}

func TestDirectoryBeginsWatchesAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBook()
		b.broken = errors.New("connection refused")
		run(t, b, directory.Config{}, func(t *testing.T, d *directory.Directory) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := d.Ready(ctx); err != nil {
				t.Errorf("Ready: %v; a registry that says no is an answer", err)
			}
			if err := d.Snapshot().Err; err == nil || !strings.Contains(err.Error(), "connection refused") {
				t.Errorf("reason %v", err)
			}
			b.write(func() { b.broken = nil })
			b.app("shop", "r1", 3, service("", ""))
			time.Sleep(11 * time.Second)
			if got := len(addresses(d)); got != 3 {
				t.Errorf("%d providers after the registry came back", got)
			}
		})
	})
}

func TestDirectoryAppliesRulesWithoutLosingAConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBook()
		b.app("shop", "r1", 3, service("", ""))
		run(t, b, directory.Config{}, func(t *testing.T, d *directory.Directory) {
			_ = d.Ready(t.Context())
			before := d.Snapshot().Providers
			d.SetRules(directory.Rules{Override: func(p *cluster.Provider) map[string]string {
				if p.Address == "10.0.0.2:20881" {
					return map[string]string{"disabled": "true"}
				}
				return map[string]string{"timeout": "90"}
			}})
			settle()
			after := d.Snapshot().Providers
			if len(after) != 2 || after[0].Param("timeout") != "90" || after[0].Target != before[0].Target || !after[0].Ready() {
				t.Errorf("%d providers, timeout %q", len(after), after[0].Param("timeout"))
			}
			d.SetRules(directory.Rules{})
			settle()
			if got := d.Snapshot().Providers; len(got) != 3 || got[0].Param("timeout") != "700" {
				t.Errorf("%d providers after the rule went", len(got))
			}
		})
	})
}

// tenThousand makes a directory of so many instances, none of them connected to.
func tenThousand(b *testing.B) (*book, *directory.Directory) {
	b.Helper()
	book := newBook()
	book.app("shop", "r1", 10000, service("", ""))
	for i := range book.instances["shop"] {
		book.instances["shop"][i].Host = fmt.Sprintf("10.%d.%d.1", i/250, i%250)
	}
	pool := cold.NewPool(func(context.Context, string) (cluster.Conn, error) { return nil, errors.New("none") }, cold.PoolConfig{})
	d, err := directory.New(b.Context(), directory.Source{Name: "book://", Registry: book}, directory.Config{Service: invoker.ServiceKey{Interface: users}, Pool: pool, Lazy: true})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = d.Close()
		_ = pool.Close()
	})
	for len(d.Snapshot().Providers) != 10000 {
		time.Sleep(time.Millisecond)
	}
	return book, d
}

func BenchmarkChangeOfOneInTenThousand(b *testing.B) {
	book, d := tenThousand(b)
	b.ResetTimer()
	for i := range b.N {
		before := d.Snapshot()
		book.write(func() {
			next := append([]registry.Instance(nil), book.instances["shop"]...)
			next[5000].Port = 1 + i%60000
			next[5000].Metadata = maps.Clone(next[5000].Metadata)
			next[5000].Metadata["n"] = fmt.Sprint(i)
			book.instances["shop"] = next
		})
		for d.Snapshot() == before {
			time.Sleep(50 * time.Microsecond)
		}
	}
	b.StopTimer()
}

// BenchmarkMemory is what 10,000 providers take in a directory, with what the registry told of each, connections apart.
func BenchmarkMemory(b *testing.B) {
	for range b.N {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		book, d := tenThousand(b)
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/10000, "bytes/provider")
		runtime.KeepAlive(book)
		runtime.KeepAlive(d)
	}
}
