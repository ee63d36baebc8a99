package directory_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/dubbofn/dubbofn/cold"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/invoker/cluster"
	"github.com/dubbofn/dubbofn/invoker/cluster/directory"
	"github.com/dubbofn/dubbofn/registry"
)

// TestProvidersKeepThePathThatTheyExportUnder has providers of Java whose ServiceConfig.setPath, or whose context path, says another than
// the interface.
func TestProvidersKeepThePathThatTheyExportUnder(t *testing.T) {
	t.Parallel()
	for published, want := range map[string]string{"": "", users: "", "/" + users: "", "shop/users": "shop/users", "/users": "users"} {
		for _, migration := range []directory.Migration{directory.ForceApplication, directory.ForceInterface} {
			synctest.Test(t, func(t *testing.T) {
				b := newBook()
				s := service("", "")
				s.Path = published
				b.app("users", "r1", 1, s)
				b.instances["providers:"+users+"::"] = []registry.Instance{{Host: "10.9.0.1", Port: 20880, Metadata: map[string]string{"path": published}}}
				run(t, b, directory.Config{Migration: migration}, func(t *testing.T, d *directory.Directory) {
					settle()
					if all := d.Snapshot().Providers; len(all) != 1 || all[0].Path != want {
						t.Errorf("%s, published as %q: %+v, want %q", migration, published, all, want)
					}
					b.write(func() { // the same provider exported anew
						b.instances["providers:"+users+"::"] = []registry.Instance{{Host: "10.9.0.1", Port: 20880, Metadata: map[string]string{"path": "next"}}}
					})
					settle()
					if all := d.Snapshot().Providers; migration == directory.ForceInterface && (len(all) != 1 || all[0].Path != "next") {
						t.Errorf("after a change: %+v", all)
					}
				})
			})
		}
	}
}

func TestAddressesMayNameThePath(t *testing.T) {
	t.Parallel()
	pool := cold.NewPool(func(context.Context, string) (cluster.Conn, error) { return &peer{done: make(chan struct{})}, nil }, cold.PoolConfig{})
	for url, want := range map[string]string{"dubbo://a": "", "dubbo://a/": "", "dubbo://a,b/" + users + "?timeout=5": "", "dubbo://a/shop/users": "shop/users"} {
		u, err := invoker.ParseURL(url)
		if err != nil {
			t.Fatal(err)
		}
		d, err := directory.NewStatic([]invoker.URL{u}, directory.Config{Service: invoker.ServiceKey{Interface: users}, Pool: pool, Lazy: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range d.Snapshot().Providers {
			if p.Path != want {
				t.Errorf("%s: %q, want %q", url, p.Path, want)
			}
		}
		_ = d.Close()
	}
	_ = pool.Close()
}
