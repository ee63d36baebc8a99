package javagen_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dubbofn/dubbofn/internal/javagen"
)

func TestOnlyFilesWithTheMarkAreOverwritten(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "out")
	mark := "// " + javagen.Marker + "\n"
	first := []javagen.File{{Path: "README.md", Text: mark}, {Path: "api/src/main/java/a/A.java", Text: mark}, {Path: "api/src/main/java/a/Old.java", Text: mark}}
	w, err := javagen.Write(dir, first, false)
	if d := cmp.Diff(javagen.Written{Made: []string{"README.md", "api/src/main/java/a/A.java", "api/src/main/java/a/Old.java"}}, w); d != "" || err != nil {
		t.Fatal(err, d)
	}
	mine := filepath.Join(dir, "api/src/main/java/a/Mine.java")
	readme := filepath.Join(dir, "README.md")
	for name, text := range map[string]string{mine: "class Mine {}", readme: "mine"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	second := []javagen.File{{Path: "README.md", Text: mark}, {Path: "api/src/main/java/a/A.java", Text: mark + "class A {}"}}
	if _, err := javagen.Write(dir, second, false); err == nil || !strings.Contains(err.Error(), "README.md: they lack the line") {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "api/src/main/java/a/A.java")); string(text) != mark {
		t.Errorf("something was written all the same: %s %v", text, err)
	}
	w, err = javagen.Write(dir, second, true)
	if d := cmp.Diff(javagen.Written{Changed: []string{"README.md", "api/src/main/java/a/A.java"}, Removed: []string{"api/src/main/java/a/Old.java"}}, w); d != "" || err != nil {
		t.Fatal(err, d)
	}
	w, err = javagen.Write(dir, second, false)
	if d := cmp.Diff(javagen.Written{Same: []string{"README.md", "api/src/main/java/a/A.java"}}, w); d != "" || err != nil {
		t.Fatal(err, d)
	}
	if _, err := os.Stat(mine); err != nil {
		t.Error(err)
	}
}

func TestNothingIsWrittenOutsideTheFolder(t *testing.T) {
	t.Parallel()
	dir, outside := t.TempDir(), t.TempDir()
	if err := os.Symlink(outside, filepath.Join(dir, "api")); err != nil {
		t.Skip(err)
	}
	for _, path := range []string{"../x", "api/x"} {
		if _, err := javagen.Write(dir, []javagen.File{{Path: path, Text: "x"}}, true); err == nil {
			t.Errorf("%s was written", path)
		}
	}
	if all, err := os.ReadDir(outside); err != nil || len(all) > 0 {
		t.Error(all, err)
	}
}
