package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const twoStarts = `[
 {"app":"greet","instance":"greet-2","lane":"early","started":"2026-01-02T03:04:05.000Z","parked_us":11000,"knock_us":12000,"first_reply_us":12500,
  "ledger":{"app":"greet","instance":"greet-2","started":"2026-01-02T03:04:05.001Z","phases":[{"name":"init","at_us":2000,"took_us":3000}]}},
 {"app":"board","instance":"board-1","lane":"http","started":"2026-01-02T03:04:01.000Z","parked_us":400000,"first_reply_us":420000}]`

// ledger runs the command on an activator that answers so.
func ledger(t *testing.T, status int, answer string, args ...string) (string, error) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/ledger" {
			t.Errorf("asked for %s", r.URL)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	defer server.Close()
	var out bytes.Buffer
	c := rootCommand()
	c.SetOut(&out)
	c.SetArgs(append([]string{"ledger", "--admin", server.URL}, args...))
	err := c.ExecuteContext(t.Context())
	return out.String(), err
}

func TestLedgerDrawsColdStarts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args []string
		want []string
		not  string
	}{
		"the last":  {nil, []string{"answered after 12.5 ms, over the connection that the function dialled", "greet  greet-2  first reply after 11.5 ms", "parked", "init", "reply"}, "board"},
		"of an app": {[]string{"board"}, []string{"answered after 420.0 ms, over HTTP", "board  board-1  first reply after 420.0 ms"}, "greet"},
		"all":       {[]string{"-n", "0"}, []string{"greet  greet-2", "board  board-1"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := ledger(t, http.StatusOK, twoStarts, c.args...)
			if err != nil {
				t.Fatal(err)
			}
			for _, w := range c.want {
				if !strings.Contains(got, w) {
					t.Errorf("%q is not in\n%s", w, got)
				}
			}
			if c.not != "" && strings.Contains(got, c.not) {
				t.Errorf("%q is in\n%s", c.not, got)
			}
		})
	}
	got, err := ledger(t, http.StatusOK, twoStarts, "-o", "json", "-n", "2")
	var all []coldStart
	if err != nil || json.Unmarshal([]byte(got), &all) != nil || len(all) != 2 || all[1].App != "board" {
		t.Errorf("%v, %s", err, got)
	}
	if got, err := ledger(t, http.StatusOK, "[]"); err != nil || !strings.Contains(got, "no cold start yet") {
		t.Errorf("%v, %s", err, got)
	}
}

func TestNoColdStartIsAnEmptyListInJSON(t *testing.T) {
	t.Parallel()
	if got, err := ledger(t, http.StatusOK, "[]", "-o", "json"); err != nil || strings.TrimSpace(got) != "[]" {
		t.Errorf("%v, %s", err, got)
	}
}

func TestLedgerTellsWhatItDidNotGet(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]struct {
		status int
		answer string
	}{
		"answered 404 Not Found": {http.StatusNotFound, "no"}, "answered something else": {http.StatusOK, "<html>"},
		"a name that is too long": {http.StatusOK, `[{"app":"a","ledger":{"app":"a\u001b[31m","phases":[]}}]`},
	} {
		if got, err := ledger(t, c.status, c.answer); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, %s", want, err, got)
		}
	}
	c := rootCommand()
	c.SetArgs([]string{"ledger", "--admin", "127.0.0.1:1"})
	if err := c.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), "no activator answers at 127.0.0.1:1") || exitCode(err) != exitUnavailable {
		t.Error(err)
	}
	for _, args := range [][]string{{"ledger", "-o", "xml"}, {"run", "--idle", "x"}, {"ledger", "a", "b"}, {"activator", "x"}, {"keeper", "x"}, {"rnu"}, {"render", "x"}} {
		c := rootCommand()
		c.SetArgs(args)
		if err := c.ExecuteContext(t.Context()); !isUsage(err) {
			t.Errorf("%q: %v", args, err)
		}
	}
}
