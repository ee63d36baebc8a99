package directory_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dubbofn/dubbofn/invoker/cluster"
	"github.com/dubbofn/dubbofn/invoker/cluster/directory"
	"github.com/dubbofn/dubbofn/registry"
)

// TestDirectoryKeepsWhoTakesCallsWhileNobodyListedDoes is about a registry that lists a dead instance yet and a live one no more, for a
// moment: Java's providers delete their node in ZooKeeper and write it again when they have reconnected (curator-x-discovery 5.1).
func TestDirectoryKeepsWhoTakesCallsWhileNobodyListedDoes(t *testing.T) {
	t.Parallel()
	const dead, live, next = "10.0.0.1:20881", "10.0.0.2:20881", "10.0.0.3:20881"
	// listed has the registry list these, of three.
	listed := func(b *book, which ...int) {
		b.app("shop", "r1", 3, service("", ""))
		b.write(func() {
			var some []registry.Instance
			for _, i := range which {
				some = append(some, b.instances["shop"][i])
			}
			b.instances["shop"] = some
		})
	}
	begin := func(t *testing.T, c directory.Config, test func(t *testing.T, b *book, d *directory.Directory)) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			b := newBook()
			b.down = map[string]bool{dead: true}
			listed(b, 0, 1)
			run(t, b, c, func(t *testing.T, d *directory.Directory) {
				_ = d.Ready(t.Context())
				settle()
				test(t, b, d)
			})
		})
	}
	expect := func(t *testing.T, d *directory.Directory, when, want string) {
		t.Helper()
		if got := strings.Join(addresses(d), ","); got != want {
			t.Errorf("%s: %s, want %s", when, got, want)
		}
	}
	t.Run("for a while", func(t *testing.T) {
		t.Parallel()
		begin(t, directory.Config{EmptyGrace: 30 * time.Second}, func(t *testing.T, b *book, d *directory.Directory) {
			listed(b, 0)
			settle()
			expect(t, d, "without the live one", dead+","+live)
			if s := d.Stats(); !s.Protecting || s.Protected != 1 {
				t.Errorf("%+v", s)
			}
			listed(b, 0, 1)
			settle()
			expect(t, d, "with it", dead+","+live)
			if d.Stats().Protecting {
				t.Error("it is still protecting")
			}
			listed(b, 0)
			time.Sleep(29 * time.Second)
			expect(t, d, "before the grace is over", dead+","+live)
			time.Sleep(2 * time.Second)
			expect(t, d, "after it", dead)
		})
	})
	t.Run("until one listed takes calls", func(t *testing.T) {
		t.Parallel()
		begin(t, directory.Config{}, func(t *testing.T, b *book, d *directory.Directory) {
			listed(b, 0)
			time.Sleep(10 * time.Second)
			expect(t, d, "meanwhile", dead+","+live)
			listed(b, 0, 2)
			time.Sleep(time.Second)
			expect(t, d, "with another", dead+","+next)
		})
	})
	t.Run("not where it goes", func(t *testing.T) {
		t.Parallel()
		begin(t, directory.Config{}, func(t *testing.T, b *book, d *directory.Directory) {
			for _, p := range d.Snapshot().Providers {
				if c, ok := p.Target.Conn(); ok {
					_ = c.Close()
				}
			}
			b.write(func() { b.down[live] = true })
			settle()
			listed(b, 0)
			settle()
			expect(t, d, "with nobody that takes calls", dead)
		})
	})
	t.Run("not where rules disable it", func(t *testing.T) {
		t.Parallel()
		begin(t, directory.Config{}, func(t *testing.T, _ *book, d *directory.Directory) {
			d.SetRules(directory.Rules{Override: func(p *cluster.Provider) map[string]string {
				if p.Address == live {
					return map[string]string{"disabled": "true"}
				}
				return nil
			}})
			settle()
			expect(t, d, "with it disabled", dead)
		})
	})
	t.Run("not where lists are believed at once", func(t *testing.T) {
		t.Parallel()
		begin(t, directory.Config{EmptyGrace: -1}, func(t *testing.T, b *book, d *directory.Directory) {
			listed(b, 0)
			settle()
			expect(t, d, "without the live one", dead)
		})
	})
}

// TestDirectoryHoldsNobodyForAnotherAppsMetadata: beyond the grace only those stay whose own instances are there.
func TestDirectoryHoldsNobodyForAnotherAppsMetadata(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBook()
		b.app("shop", "r1", 3, service("", ""))
		b.write(func() {
			b.apps = append(b.apps, "lost")
			b.instances["lost"] = []registry.Instance{unread("lost", "10.2.0.1")}
		})
		run(t, b, directory.Config{EmptyGrace: 30 * time.Second}, func(t *testing.T, d *directory.Directory) {
			_ = d.Ready(t.Context())
			settle()
			if got := len(addresses(d)); got != 3 {
				t.Fatalf("%d providers, want 3", got)
			}
			b.write(func() { b.instances["shop"] = []registry.Instance{unread("shop", "10.0.0.2")} }) // a new version of one of them
			time.Sleep(29 * time.Second)
			if got := len(addresses(d)); got != 3 || !d.Stats().Protecting {
				t.Errorf("%d providers within the grace, want the last 3", got)
			}
			for range 2 {
				time.Sleep(2 * time.Second)
				if got := addresses(d); len(got) != 1 || !strings.HasPrefix(got[0], "10.0.0.2:") {
					t.Errorf("%v after the grace, want the one whose instance is there", got)
				}
				time.Sleep(time.Hour)
			}
			b.write(func() { b.instances["shop"] = nil })
			settle()
			if got := addresses(d); len(got) != 0 || d.Stats().Protecting {
				t.Errorf("%v, want nobody", got)
			}
			if err := d.Snapshot().Err; err == nil || !strings.Contains(err.Error(), "lost at 10.2.0.1") {
				t.Errorf("reason %v", err)
			}
		})
	})
}

// unread is an instance of a revision that has no metadata.
func unread(app, host string) registry.Instance {
	return registry.Instance{App: app, Host: host, Port: 20880, Metadata: map[string]string{"dubbo.metadata.revision": "r2", "dubbo.metadata.storage-type": "remote"}}
}

// Rules may be there before anything else: they must not make a list that nobody has asked for yet pass for an answer.
func TestDirectoryIsNotReadyBeforeTheGivenApplicationsAreRead(t *testing.T) {
	t.Parallel()
	for range 200 {
		synctest.Test(t, func(t *testing.T) {
			b := newBook()
			b.app("shop", "r1", 2, service("", ""))
			run(t, b, directory.Config{ProvidedBy: []string{"shop"}, Migration: directory.ForceApplication}, func(t *testing.T, d *directory.Directory) {
				d.SetRules(directory.Rules{})
				if err := d.Ready(t.Context()); err != nil {
					t.Fatal(err)
				}
				if got := addresses(d); len(got) != 2 {
					t.Errorf("it is ready with %v: %v", got, d.Snapshot().Err)
				}
			})
		})
	}
}
