package local

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/dubbofn/dubbofn/internal/supervise"
)

func TestAPasswordOfTheRegistryIsNotTold(t *testing.T) {
	t.Parallel()
	for registry, want := range map[string]string{
		"embedded://":                                  "dubbofn call --registry embedded:// S m",
		"nacos://a:8848?namespace=x&group=y":           "dubbofn call --registry 'nacos://a:8848?namespace=x&group=y' S m",
		"nacos://bob:s3cret@a:8848":                    "dubbofn call S m",
		"embedded:///a,nacos://a:8848?password=s3cret": "dubbofn call S m",
	} {
		var out bytes.Buffer
		c := &console{out: &out}
		c.introduce(Site{Dubbo: "127.0.0.1:1", Registry: registry}, []function{{name: "s", manifest: offering(t)}})
		if got := out.String(); strings.Contains(got, "s3cret") || !strings.Contains(got, "  "+want+"\n") || !strings.Contains(got, "found in "+registry[:8]) {
			t.Errorf("%s:\n%s", registry, got)
		}
	}
}

func TestAFunctionThatEndsWithTheCommandIsNotCalledIdle(t *testing.T) {
	t.Parallel()
	end := make(chan struct{})
	var out bytes.Buffer
	c := &console{out: &out, idle: 30 * time.Second, ending: end}
	told := func(phase supervise.Phase) string {
		out.Reset()
		c.changed(supervise.State{Name: "greet", Phase: phase})
		return out.String()
	}
	told(supervise.Awake)
	if got := told(supervise.Asleep); !strings.Contains(got, "nobody called it for 30s") {
		t.Errorf("while the command runs: %q", got)
	}
	told(supervise.Awake)
	close(end)
	if got := told(supervise.Asleep); got != "○ greet is told to end\n" {
		t.Errorf("at its end: %q", got)
	}
}

func offering(t *testing.T) (m Manifest) {
	t.Helper()
	if err := json.Unmarshal([]byte(`{"app":"s","services":[{"interface":"S","methods":[{"name":"m"}]}]}`), &m); err != nil {
		t.Fatal(err)
	}
	return m
}
