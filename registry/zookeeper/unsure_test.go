package zookeeper

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dubbofn/dubbofn/registry"
)

// nodes gives what was made under a path and not taken away.
func (f *silent) nodes(under string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Sorted(func(yield func(string) bool) {
		for p := range maps.Keys(f.made) {
			if strings.HasPrefix(p, under) && !yield(p) {
				return
			}
		}
	})
}

// eventually waits until the nodes under a path are those.
func (f *silent) eventually(t *testing.T, under string, want ...string) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		diff := cmp.Diff(want, f.nodes(under))
		if diff == "" {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("nodes under %s (-want +got):\n%s", under, diff)
		}
	}
}

func (f *silent) fault(fault func(op int32, path string) (code int32, cut bool)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fails = fault
}

func atInterfaces(timeout string, names ...string) registry.Registration {
	m := registry.Metadata{App: "greet"}
	for _, n := range names {
		m.Services = append(m.Services, registry.Service{Name: n, Protocol: "dubbo", Params: map[string]string{"timeout": timeout}})
	}
	return registry.Registration{Instance: registry.Instance{App: "greet", Host: "10.0.0.1", Port: 20880}, Metadata: m, Levels: registry.InterfaceLevel}
}

// TestAnUpdateThatFailsLeavesNothingOfTheNew: a provider's parameters are in the name of its node.
func TestAnUpdateThatFailsLeavesNothingOfTheNew(t *testing.T) {
	t.Parallel()
	f, c := newSilent(t)
	l, err := c.Register(t.Context(), atInterfaces("1", "a.A", "b.B"))
	if err != nil {
		t.Fatal(err)
	}
	before := f.nodes("/dubbo/")
	const create = 1
	made := false
	f.fault(func(op int32, path string) (int32, bool) {
		if op == create && strings.Contains(path, "timeout%3D2") {
			if made {
				return -102, false // not allowed
			}
			made = true
		}
		return 0, false
	})
	var refused *registry.Refusal
	if err := l.Update(t.Context(), atInterfaces("2", "a.A", "b.B")); !errors.As(err, &refused) {
		t.Errorf("Update: %v", err)
	}
	f.fault(nil)
	f.eventually(t, "/dubbo/", before...)
	if err := l.End(t.Context()); err != nil {
		t.Error(err)
	}
	for _, p := range f.nodes("/dubbo/") {
		if strings.Contains(p, "timeout") {
			t.Errorf("left behind: %s", p)
		}
	}
}

// TestAnEndIsToldOnceThereIsAConnection: the session outlives a connection that was cut.
func TestAnEndIsToldOnceThereIsAConnection(t *testing.T) {
	t.Parallel()
	const node, remove = "/services/greet/10.0.0.1:20880", 2
	for name, limit := range map[string]time.Duration{"while End waits": 5 * time.Second, "after End": 20 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, c := newSilent(t)
			r := registry.Registration{Instance: registry.Instance{App: "greet", Host: "10.0.0.1", Port: 20880}, Metadata: registry.Metadata{App: "greet"}, Levels: registry.AppInstance}
			l, err := c.Register(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			cut := false
			f.fault(func(op int32, _ string) (int32, bool) {
				again := cut
				cut = cut || op == remove
				return 0, op == remove && !again
			})
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			if err := l.End(ctx); (err == nil) != (limit > time.Second) {
				t.Errorf("End: %v", err)
			}
			f.eventually(t, node)
		})
	}
}

// TestAnEndThatIsToldLateTakesNothingFromAnother: who could not deregister may register again meanwhile.
func TestAnEndThatIsToldLateTakesNothingFromAnother(t *testing.T) {
	t.Parallel()
	const node, remove = "/services/greet/10.0.0.1:20880", 2
	f, c := newSilent(t)
	r := registry.Registration{Instance: registry.Instance{App: "greet", Host: "10.0.0.1", Port: 20880}, Metadata: registry.Metadata{App: "greet"}, Levels: registry.AppInstance}
	l, err := c.Register(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	f.fault(func(op int32, _ string) (int32, bool) { return 0, op == remove })
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := l.End(ctx); err == nil {
		t.Error("End succeeded")
	}
	again, err := c.Register(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	removed := 0 // guarded by the server's mutex
	f.fault(func(op int32, _ string) (int32, bool) {
		if op == remove {
			removed++
		}
		return 0, false
	})
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		c.mu.Lock()
		n := len(c.leases)
		c.mu.Unlock()
		if n == 1 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%d leases are looked after", n)
		}
	}
	f.eventually(t, "/services/greet/", node)
	f.mu.Lock()
	if removed > 0 {
		t.Error("the node of the second was taken away")
	}
	f.mu.Unlock()
	if err := again.End(t.Context()); err != nil {
		t.Error(err)
	}
	f.eventually(t, "/services/greet/")
}
