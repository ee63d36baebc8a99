package local

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// module writes one of several packages, and gives where it is.
func module(t *testing.T, files map[string]string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestTheSourcesAreThePackagesOfTheModuleThatAreUsed(t *testing.T) {
	t.Parallel()
	dir := module(t, map[string]string{
		"go.mod":         "module m\n\ngo 1.26\n",
		"f/main.go":      "package main\n\nimport _ \"m/a\"\nimport _ \"fmt\"\nimport _ \"m/missing\"\n\nfunc main() {}\n",
		"f/main_test.go": "package main\n", "f/notes.txt": "",
		"a/a.go": "package a\n\nimport _ \"embed\"\n\n//go:embed static/page.html\nvar Page string\n", "a/static/page.html": "hello", "b/b.go": "package b\n",
	})
	in := func(name string) string { return filepath.Join(dir, name) }
	s, err := listSources(t.Context(), in("f"))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{dir, in("a"), in("f")}; !slices.Equal(s.code, want) || !slices.Equal(s.embedded, []string{in("a/static")}) {
		t.Errorf("%+v", s)
	}
	for name, want := range map[string]bool{
		"f/main.go": true, "f/new.go": true, "f/main_test.go": false, "f/notes.txt": false, "f/.main.go.swp": false, "f/main.go~": false, "f/_x.go": false,
		"a/a.go": true, "a/asm.s": true, "a/static/page.html": true, "a/static/new.css": true, "b/b.go": false, "go.mod": true, "go.sum": true, "f/f": false,
	} {
		if s.concerns(in(name)) != want {
			t.Errorf("%s: %t", name, !want)
		}
	}
	if err := os.Chtimes(in("a/static/page.html"), time.Time{}, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if got := s.since(time.Now().Add(time.Minute)); got != in("a/static/page.html") {
		t.Errorf("%q was changed", got)
	}
	if err := os.MkdirAll(in("f/sub/testdata"), 0o700); err != nil {
		t.Fatal(err)
	}
	if !s.grown(in("f/sub")) || s.grown(in("f/sub/testdata")) || s.grown(in("f/main.go")) || s.grown(in("other/x")) || !s.concerns(in("f/sub/x.go")) {
		t.Errorf("%+v: want what is made in a package, and is no test's data", s)
	}
}
