package cloudevent

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/dubbofn/dubbofn/fn/event"
	"github.com/dubbofn/dubbofn/invoker"
)

// broker opens sources that tell when they are drained, and refuses the host "bad".
type broker struct{ drained chan struct{} }

func (broker) Name() string { return "broker" }

func (b broker) OpenSource(_ context.Context, u invoker.URL, _ SourceConfig) (Source, error) {
	if u.Host == "bad" {
		return nil, errors.New("no such stream")
	}
	return b, nil
}

func (b broker) Drain(context.Context) error { close(b.drained); return nil }

func TestWhatWasOpenedEndsWhereTheRestIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*Config)
		want   []string
		opened bool
	}{
		"no host":           {func(c *Config) { c.Sink = "http://"; c.Dead = "https:///x" }, []string{"DUBBOFN_EVENTS_SINK", "DUBBOFN_EVENTS_DEAD"}, false},
		"no adapter":        {func(c *Config) { c.Sink = "nats://a:1/b"; c.Seen = "redis://a:1"; c.From = "broker://good:1/x" }, []string{"nats.Sink", "redis.Seen"}, false},
		"the second broker": {func(c *Config) { c.From = "broker://good:1/x,broker://bad:1/y" }, []string{"DUBBOFN_EVENTS_FROM", "no such stream"}, true},
		"no such broker":    {func(c *Config) { c.From = "kafka://a:1/x" }, []string{"kafka.Source"}, false},
	} {
		var s shop
		h := hostOf(s.set(t))
		h.Rules = []event.Rule{tickRule}
		cfg := Config{Mode: "binary", SeenFor: 1, SeenMost: 1, SeenBytes: 1, MaxEvent: 1024, MaxBytes: 1024, MaxBatch: 1, Hops: 1}
		c.change(&cfg)
		b := broker{make(chan struct{})}
		_, err := Events(b).open(t.Context(), h, cfg, nil)
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %s", name, err, want)
			}
		}
		select {
		case <-b.drained:
			if !c.opened {
				t.Errorf("%s: a source was opened", name)
			}
		default:
			if c.opened {
				t.Errorf("%s: a source goes on", name)
			}
		}
	}
}
