package client_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dubbofn/dubbofn/client"
	"github.com/dubbofn/dubbofn/registry"
)

// away is an embedded registry that can't be reached until it is there.
type away struct {
	there *atomic.Bool
	tries *atomic.Int64
}

func newAway() away { return away{&atomic.Bool{}, &atomic.Int64{}} }

func (away) Name() string { return "away" }

func (a away) Open(ctx context.Context, c registry.Config) (registry.Registry, error) {
	a.tries.Add(1)
	if !a.there.Load() {
		return nil, registry.ErrUnreachable
	}
	return registry.Embedded.Open(ctx, registry.Config{Path: c.Path})
}

// page is a log that a test reads.
type page struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (p *page) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.b.Write(b)
}

func (p *page) count(words string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Count(p.b.String(), words)
}

func TestARegistryThatIsAwayJoinsWhenItComes(t *testing.T) {
	t.Parallel()
	here, there := t.TempDir()+"/registry", t.TempDir()+"/registry"
	start(t, here, "users", service())
	start(t, there, "users", service())
	obey(t, there, users+"::.configurators", "configVersion: v3.0\nscope: service\nkey: "+users+"\nconfigs:\n- side: consumer\n  parameters: {nothing.mock: \"force:throw org.example.Closed\"}\n")
	a, log := newAway(), &page{}
	c, err := client.New(client.Config{Registry: []string{"away://b" + there, "embedded://" + here}, Log: slog.New(slog.NewTextHandler(log, nil))}, a)
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	first, second := refer(t, c), refer(t, c)
	if d := time.Since(begin); d > 2*time.Second {
		t.Errorf("references took %v", d)
	}
	for _, s := range []*client.Service{first, second} {
		if err := s.Call(t.Context(), "nothing", nil); err != nil || len(s.Providers()) != 1 {
			t.Errorf("%v; %d providers", err, len(s.Providers()))
		}
	}
	eventually(t, "it is tried again", func() bool { return a.tries.Load() > 2 })
	a.there.Store(true)
	for _, s := range []*client.Service{first, second, refer(t, c)} {
		eventually(t, "its providers join", func() bool { return len(s.Providers()) == 2 })
		eventually(t, "its rules hold, which is the first", func() bool { return s.Call(t.Context(), "nothing", nil) != nil })
	}
	if away, came := log.count("can't be reached"), log.count("is there now"); away != 1 || came != 1 {
		t.Errorf("logged %d and %d times", away, came)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func TestARegistryThatIsSilentHoldsUpNoReferenceThatHasAnother(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() + "/registry"
	start(t, dir, "users", service())
	c, err := client.New(client.Config{Registry: []string{"silent://a", "embedded://" + dir}, Log: slog.New(slog.DiscardHandler)}, silent{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	s, err := c.Reference(ctx, users)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Call(t.Context(), "nothing", nil); err != nil {
		t.Error(err)
	}
	begin := time.Now()
	if err := c.Close(); err != nil || time.Since(begin) > 5*time.Second {
		t.Errorf("closing took %v: %v", time.Since(begin), err)
	}
}

func TestOfSeveralRegistriesOneMustAnswerAndNoneRefuse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() + "/registry"
	for name, x := range map[string]struct {
		registries []string
		refused    bool
		words      []string
	}{
		"none answers":                 {[]string{"away://a", "away://b"}, false, []string{"away://a", "away://b"}},
		"the only one":                 {[]string{"away://a"}, false, []string{"away://a"}},
		"one refuses":                  {[]string{"locked://me:wrong@b" + dir, "embedded://" + dir}, true, []string{"locked://me"}},
		"one refuses, and one is away": {[]string{"away://a", "locked://me:wrong@b" + dir, "embedded://" + dir}, true, []string{"locked://me"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := client.New(client.Config{Registry: x.registries, Log: slog.New(slog.DiscardHandler)}, newAway(), locked{})
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.Reference(t.Context(), users)
			var refusal *registry.Refusal
			if err == nil || errors.As(err, &refusal) != x.refused || errors.Is(err, registry.ErrUnreachable) == x.refused {
				t.Errorf("%v", err)
			}
			for _, w := range x.words {
				if err != nil && !strings.Contains(err.Error(), w) {
					t.Errorf("%v does not name %s", err, w)
				}
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
