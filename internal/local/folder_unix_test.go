//go:build unix

package local

import (
	"os"
	"path/filepath"
	"testing"
)

// What a run that was killed left is taken away by the next one; what lives, and what is somebody else's, stays.
func TestTheFolderOfARunThatWasKilledIsTakenAway(t *testing.T) {
	t.Parallel()
	in := t.TempDir()
	killed, err := newFolder(in)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(killed.path, "function.json"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	lives, err := newFolder(in)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(killed.path); err != nil {
		t.Errorf("it lived, and was taken away: %v", err)
	}
	_ = killed.lock.Close() // as the kernel does with a process that ends
	foreign, target := filepath.Join(in, folderName+"foreign"), filepath.Join(in, "target")
	for _, dir := range []string{foreign, target} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(target, "lock"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(in, folderName+"link")
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	next, err := newFolder(in)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(killed.path); !os.IsNotExist(err) {
		t.Errorf("what was killed has left %s: %v", killed.path, err)
	}
	for _, path := range []string{lives.path, next.path, foreign, link, filepath.Join(target, "lock")} {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
	lives.remove()
	next.remove()
	if left, err := filepath.Glob(filepath.Join(in, "*"+folderName+"*")); err != nil || len(left) != 2 {
		t.Errorf("left: %v, %v", left, err)
	}
}
