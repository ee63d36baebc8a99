package archtest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// What belongs to the place where the code was written, or was left for later, is no part of the project.
func TestTextsNameNoMachineAndNoUnfinishedWork(t *testing.T) {
	t.Parallel()
	private := regexp.MustCompile(`(^|[\s"'(=:])/(wo` + `rk|ro` + `ot|ho` + `me/[a-z]+|tm` + `p/pl` + `an)/`)
	later := regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X)\b`)
	for _, path := range texts(t) {
		if strings.HasSuffix(path, ".sum") {
			continue
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !utf8.Valid(b) {
			continue
		}
		for i, line := range strings.Split(string(b), "\n") {
			if m := private.FindString(line); m != "" {
				t.Errorf("%s:%d: names a folder of one machine: %s", path, i+1, m)
			}
			if m := later.FindString(strings.ReplaceAll(line, "context.TO"+"DO", "")); m != "" && !strings.Contains(path, "testdata") {
				t.Errorf("%s:%d: unfinished: %s", path, i+1, strings.TrimSpace(line))
			}
		}
	}
}

func TestLinksInDocumentsLeadSomewhere(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`(?:\]\(|src="|srcset="|href=")([^)"\s]+)`)
	for _, path := range texts(t) {
		if filepath.Ext(path) != ".md" {
			continue
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(b), -1) {
			target, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			file := path
			if target != "" {
				file = filepath.Join(filepath.Dir(path), target)
			}
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s: link to %s: no such file", path, m[1])
				continue
			}
			if anchor != "" && filepath.Ext(file) == ".md" && !hasHeading(t, file, anchor) {
				t.Errorf("%s: link to %s: no such heading", path, m[1])
			}
		}
	}
}

// hasHeading tells whether a Markdown file has the heading that an anchor means, as GitHub makes anchors.
func hasHeading(t *testing.T, file, anchor string) bool {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	drop := regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	for line := range strings.SplitSeq(string(b), "\n") {
		if !strings.HasPrefix(line, "#") {
			continue
		}
		text := drop.ReplaceAllString(strings.ToLower(strings.TrimSpace(strings.TrimLeft(line, "#"))), "")
		if strings.ReplaceAll(text, " ", "-") == anchor {
			return true
		}
	}
	return false
}

func TestReadmeFitsOnAFewScreens(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile(filepath.Join(top(t), "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(b), "\n"); n > maxReadmeSize {
		t.Errorf("README.md: %d lines (limit %d)", n, maxReadmeSize)
	}
}

func TestDesignDescribesEveryPackage(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile(filepath.Join(top(t), "docs", "design.md"))
	if err != nil {
		t.Fatal(err)
	}
	for pkg := range layers() {
		if !strings.Contains(string(b), "`"+pkg+"`") {
			t.Errorf("docs/design.md: nothing about `%s`", pkg)
		}
	}
}
