package client_test

import (
	"testing"

	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/fn/serve"
	"github.com/dubbofn/dubbofn/invoker"
)

// TestTagReachesAKnativeRevision has three Knative revisions of one function, of which the last two publish their names.
func TestTagReachesAKnativeRevision(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() + "/registry"
	for _, revision := range []string{"hello-00001", "hello-00002", "hello-00003"} {
		startWith(t, dir, "hello", func(c *serve.Config) {
			c.KService, c.KRevision, c.Register = "hello", revision, "yes"
			c.TagFromRevision = revision != "hello-00001"
		}, fn.NewService(users, fn.Method("who", func() (string, error) { return revision, nil }, fn.Idempotent)))
	}
	s := refer(t, newClient(t, dir))
	eventually(t, "all three are found", func() bool { return len(s.Providers()) == 3 })
	for tag, want := range map[string]string{"hello-00002": "hello-00002", "hello-00003": "hello-00003", "": "hello-00001", "hello-00009": "hello-00001"} {
		for range 20 {
			var got string
			inv := invoker.Invocation{Method: "who", Into: &got}
			if tag != "" {
				inv.Attachments.Set("dubbo.tag", tag)
			}
			if _, err := s.Invoke(t.Context(), &inv); err != nil || got != want {
				t.Fatalf("dubbo.tag %q reached %q, %v; want %q", tag, got, err, want)
			}
		}
	}
	if n := s.Stats()[0].Directory; n.Failures != 0 {
		t.Errorf("the directory's %+v", n)
	}
}
