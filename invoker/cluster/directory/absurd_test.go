package directory_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/dubbofn/dubbofn/invoker/cluster/directory"
	"github.com/dubbofn/dubbofn/registry"
)

// TestDirectorySaysWhatMakesNoSenseOfAnInstance has instances beside which there is no other, and then a sane one.
func TestDirectorySaysWhatMakesNoSenseOfAnInstance(t *testing.T) {
	t.Parallel()
	endpoints := func(s string) func(*registry.Instance) {
		return func(i *registry.Instance) { i.Metadata["dubbo.endpoints"] = s }
	}
	many := func(i *registry.Instance) {
		for n := range 600 {
			i.Metadata[fmt.Sprint("key", n)] = "x"
		}
	}
	for name, c := range map[string]struct {
		change  func(*registry.Instance)
		port    int    // of the service, in the metadata
		address string // "": it is left out
		words   string
	}{
		"a port over 65535":          {change: endpoints(`[{"port":70000,"protocol":"dubbo"}]`), words: "10.0.0.1:20880: its port is 70000"},
		"a port below 0":             {change: endpoints(`[{"port":-1,"protocol":"dubbo"}]`), words: "its port is -1"},
		"the port 0":                 {change: endpoints(`[{"port":0,"protocol":"dubbo"}]`), words: "its port is 0"},
		"a service's absurd port":    {change: func(*registry.Instance) {}, port: 1 << 40, words: "its port is 1099511627776"},
		"no host":                    {change: func(i *registry.Instance) { i.Host = "" }, words: `its host is ""`},
		"too many entries":           {change: many, words: "its metadata has 603 entries"},
		"10 MB":                      {change: func(i *registry.Instance) { i.Metadata["x"] = strings.Repeat("x", 10<<20) }, words: "bytes (limits 512 and 65536)"},
		"endpoints that are no JSON": {change: endpoints(`[{"port":20881,"protocol":`), address: "10.0.0.1:20880"},
		"endpoints of another shape": {change: endpoints(`{"dubbo":"20881"}`), address: "10.0.0.1:20880"},
		"a port that is text":        {change: endpoints(`[{"port":"20881","protocol":"dubbo"}]`), address: "10.0.0.1:20880"},
		"endpoints that say nothing": {change: endpoints(`[null,{}]`), address: "10.0.0.1:20880"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBook()
				s := service("", "")
				s.Port = c.port
				b.app("shop", "r1", 1, s)
				c.change(&b.instances["shop"][0])
				run(t, b, directory.Config{}, func(t *testing.T, d *directory.Directory) {
					_ = d.Ready(t.Context())
					got, err := strings.Join(addresses(d), ","), d.Snapshot().Err
					if got != c.address || c.words != "" && (err == nil || !strings.Contains(err.Error(), c.words)) {
						t.Errorf("%q, %v; want %q, and to hear %q", got, err, c.address, c.words)
					}
					b.app("mall", "r1", 9, service("", ""))
					b.write(func() { b.instances["mall"] = b.instances["mall"][8:] })
					settle()
					if got := strings.Join(addresses(d), ","); !strings.HasSuffix(got, "10.0.0.9:20881") {
						t.Errorf("%s, want the sane one too", got)
					}
				})
			})
		})
	}
}

// TestDirectoryOutlivesARegistryThatFlaps writes an empty list and the whole one as fast as it can.
func TestDirectoryOutlivesARegistryThatFlaps(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBook()
		b.app("shop", "r1", 3, service("", ""))
		run(t, b, directory.Config{}, func(t *testing.T, d *directory.Directory) {
			_ = d.Ready(t.Context())
			settle()
			before := d.Snapshot().Providers
			for n := range 2000 {
				b.app("shop", "r1", 0)
				if n%3 == 0 {
					settle()
				}
				if got := len(addresses(d)); got != 3 {
					t.Fatalf("%d providers at flap %d", got, n)
				}
				b.app("shop", "r1", 3)
			}
			settle()
			for i, p := range d.Snapshot().Providers {
				if p != before[i] || !p.Ready() {
					t.Errorf("%s is another than before, or not connected", p.Address)
				}
			}
			if n := b.fetched.Load(); n != 1 {
				t.Errorf("the metadata was fetched %d times", n)
			}
		})
	})
}

func TestDirectorySaysWhatMakesNoSenseAtInterfaceLevel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBook()
		name := "providers:" + users + "::"
		b.write(func() { b.instances[name] = []registry.Instance{{Host: "10.9.0.1"}, {Host: "a b", Port: 20880}} })
		run(t, b, directory.Config{}, func(t *testing.T, d *directory.Directory) {
			_ = d.Ready(t.Context())
			if err := d.Snapshot().Err; len(addresses(d)) != 0 || err == nil || !strings.Contains(err.Error(), "provider 10.9.0.1:0 at interface level: its port is 0") {
				t.Errorf("%v, %v", addresses(d), err)
			}
			b.write(func() {
				b.instances[name] = append([]registry.Instance{{Host: "10.9.0.2", Port: 20880}}, b.instances[name]...)
			})
			settle()
			if got := strings.Join(addresses(d), ","); got != "10.9.0.2:20880" {
				t.Errorf("%s, want the sane one", got)
			}
		})
	})
}
