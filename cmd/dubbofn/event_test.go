package main

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// ran runs a command of dubbofn and gives what it printed and its exit code.
func ran(t *testing.T, args ...string) (out string, code int) {
	t.Helper()
	var b bytes.Buffer
	c := rootCommand()
	c.SetOut(&b)
	c.SetErr(&b)
	c.SetArgs(args)
	if err := c.ExecuteContext(t.Context()); err != nil {
		return b.String() + err.Error(), exitCode(err)
	}
	return b.String(), 0
}

func TestEventSendFindsTheFunctionAndTellsTheAnswer(t *testing.T) {
	t.Parallel()
	function := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.Host != "order.local" {
			http.Error(w, "who is "+req.Host, http.StatusBadGateway)
			return
		}
		switch req.Header.Get("Ce-Type") {
		case "placed":
			for name, v := range map[string]string{"Ce-Specversion": "1.0", "Ce-Id": "r", "Ce-Source": "/order", "Ce-Type": "accepted", "Content-Type": "application/json"} {
				w.Header().Set(name, v)
			}
			_, _ = w.Write([]byte(`{"left":` + req.Header.Get("Ce-Stock") + `}`))
		case "":
			w.WriteHeader(http.StatusAccepted) // structured
		case "spoilt":
			http.Error(w, "sold out", http.StatusUnprocessableEntity)
		default:
			http.Error(w, "no rule matches", http.StatusBadRequest)
		}
	}))
	defer function.Close()
	admin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`[{"app":"order","function":"order.json","url":"` + function.URL + `","host":"order.local"}]`))
	}))
	defer admin.Close()
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"order --type placed -e stock=6 -d {}", 0, `"left": 6`},
		{"order --type placed -e stock=6 -d {} -o json", 0, `"status": 200`},
		{"order --type placed --structured", 0, "✓ taken 202"},
		{"order --type spoilt", 1, "sold out"},
		{"order --type strange", 2, "no rule matches"},
		{"order", 2, "needs a --type"},
		{"order --type t -d {", 2, "--data is no JSON"},
		{"order --type t -e Stock=1", 2, `--extension "Stock=1"`},
		{"board --type t", 3, "it has order"},
		{"ftp://x --type t", 2, "want a function's name"},
		{function.URL + " --type placed", 6, "who is 127.0.0.1"},
	} {
		out, code := ran(t, append([]string{"event", "send", "--admin", admin.URL}, strings.Fields(c.args)...)...)
		if code != c.code || !strings.Contains(out, c.want) {
			t.Errorf("%s: %d\n%s\nwant %d, %q", c.args, code, out, c.code, c.want)
		}
	}
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := l.Addr().String()
	_ = l.Close()
	if out, code := ran(t, "event", "send", "http://"+gone, "--type", "t"); code != exitUnavailable {
		t.Errorf("%d %s", code, out)
	}
}

func TestEventSendReadsDataFromAFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "order.json")
	if err := os.WriteFile(file, []byte(`{"n":1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	f := eventFlags{kind: "t", source: "/s", data: "@" + file, contentType: "application/json"}
	if e, err := f.event(nil); err != nil || string(e.Data()) != `{"n":1}` || e.ID() == "" {
		t.Error(e, err)
	}
	f.data = "@-"
	if e, err := f.event(strings.NewReader(`[2]`)); err != nil || string(e.Data()) != `[2]` {
		t.Error(e, err)
	}
}
