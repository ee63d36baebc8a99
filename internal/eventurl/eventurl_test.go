package eventurl_test

import (
	"strings"
	"testing"
	"time"

	"github.com/dubbofn/dubbofn/internal/eventurl"
	"github.com/dubbofn/dubbofn/invoker"
)

func read(t *testing.T, s string) *eventurl.Settings {
	t.Helper()
	u, err := invoker.ParseURL(s)
	if err != nil {
		t.Fatal(err)
	}
	return eventurl.New(u)
}

func TestParametersAreRead(t *testing.T) {
	t.Parallel()
	s := read(t, "kafka://u:p@a:1,b:2/topic?group=g&concurrency=3&order=key&wait=1500ms&x=true")
	if got := s.Text("group", "none"); got != "g" {
		t.Error(got)
	}
	if got := s.Text("dead", "none"); got != "none" {
		t.Error(got)
	}
	if got := s.Int("concurrency", 10, 1, 100); got != 3 {
		t.Error(got)
	}
	if got := s.OneOf("order", "partition", "key"); got != "key" {
		t.Error(got)
	}
	if got := s.OneOf("mode", "binary", "structured"); got != "binary" {
		t.Error(got)
	}
	if got := s.Duration("wait", time.Second, 0, time.Minute); got != 1500*time.Millisecond {
		t.Error(got)
	}
	if !s.Bool("x") || s.Bool("y") {
		t.Error("x is true, y is not given")
	}
	if s.TLS(nil) != nil {
		t.Error("TLS that nobody asked for")
	}
	if err := s.Err(); err != nil {
		t.Error(err)
	}
}

func TestEveryFaultIsToldAtOnceAndNoPassword(t *testing.T) {
	t.Parallel()
	s := read(t, "kafka://u:geheim@a:1/topic?concurrency=0&order=any&wait=soon&tls=maybe&cert=/x&grp=g")
	s.Int("concurrency", 10, 1, 100)
	s.OneOf("order", "partition", "key")
	s.Duration("wait", time.Second, 0, time.Minute)
	s.TLS(nil)
	s.Text("group", "")
	err := s.Err()
	if err == nil {
		t.Fatal("no fault")
	}
	for _, want := range []string{`concurrency="0"`, `order="any": want partition, key`, `wait="soon"`, `tls="maybe"`, "both or neither", `unknown parameter "grp"`, "group"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in %v", want, err)
		}
	}
	if strings.Contains(err.Error(), "geheim") {
		t.Errorf("the password is in %v", err)
	}
}
