package archtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// Whoever copies a whole program from a document gets one that compiles.
func TestProgramsInDocumentsCompile(t *testing.T) {
	t.Parallel()
	block := regexp.MustCompile("(?s)```go\n((?:// main.go\n)?package main\n.*?)```")
	found := 0
	for _, path := range texts(t) {
		if filepath.Ext(path) != ".md" {
			continue
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range block.FindAllSubmatch(b, -1) {
			found++
			file := filepath.Join(t.TempDir(), "main.go")
			if err := os.WriteFile(file, m[1], 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), "go", "vet", file)
			cmd.Dir = top(t)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: a program does not compile: %v\n%s", path, err, out)
			}
		}
	}
	if found < 1 {
		t.Errorf("no program was found; README.md has one")
	}
}
