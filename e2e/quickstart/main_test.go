package main

import (
	"strings"
	"testing"
)

func TestBlocksAreFoundWithWhatTheyAre(t *testing.T) {
	t.Parallel()
	all, err := blocks(strings.NewReader("x\n```sh\na\nb\n```\n\n<!-- not run: why -->\n```sh background\nc\n```\n```go file=x.go\n```\n"))
	if err != nil || len(all) != 3 || all[0].text != "a\nb\n" || all[0].line != 2 || all[1].notRun != "why" || all[2].notRun != "" || all[2].info != "go file=x.go" {
		t.Errorf("%+v, %v", all, err)
	}
	if _, err := blocks(strings.NewReader("```sh\n")); err == nil {
		t.Error("a block without an end is one")
	}
}

func TestLinesAppearInTheirOrder(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ got, want, missing string }{
		{"a\nb\nc\n", "a\nc\n", ""},
		{"a\nb\n", "b\na\n", "a"},
		{"took 12.3 ms (x)\n", "took … ms (x)\n", ""},
		{"ab\n", "a\n", "a"},
		{"a\n", "…\n", ""},
		{"  indented\n", "indented", ""},
	} {
		if m := firstMissing(c.got, c.want); m != c.missing {
			t.Errorf("%q in %q: %q, want %q", c.want, c.got, m, c.missing)
		}
	}
}
