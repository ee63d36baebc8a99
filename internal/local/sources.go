package local

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

// sources are the directories of what a function's program is made of, as far as that is its own: packages of its module, or of its workspace.
type sources struct {
	code     []string // whose Go files count
	embedded []string // whose every file counts
}

// listSources asks go. What it can't resolve yet, because somebody is in the middle of a change, is left out.
func listSources(ctx context.Context, dir string) (s sources, err error) {
	list := exec.CommandContext(ctx, "go", "list", "-e", "-deps", "-json=Dir,Module,EmbedFiles", ".")
	list.Dir, list.WaitDelay = dir, patience
	tie(list)
	runtime.LockOSThread() // see tie
	defer runtime.UnlockOSThread()
	text, err := list.Output()
	if err != nil {
		return s, fmt.Errorf("go list in %s: %w", dir, err)
	}
	for d := json.NewDecoder(bytes.NewReader(text)); ; {
		var p struct {
			Dir        string
			EmbedFiles []string
			Module     *struct {
				Main  bool
				GoMod string
			}
		}
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return s, fmt.Errorf("go list in %s: %w", dir, err)
		}
		if p.Dir == "" || p.Module == nil || !p.Module.Main {
			continue
		}
		s.code = append(s.code, p.Dir, filepath.Dir(p.Module.GoMod))
		for _, f := range p.EmbedFiles {
			s.embedded = append(s.embedded, filepath.Dir(filepath.Join(p.Dir, f)))
		}
	}
	s.code = slices.Compact(slices.Sorted(slices.Values(append(s.code, dir))))
	s.embedded = slices.Compact(slices.Sorted(slices.Values(s.embedded)))
	return s, nil
}

// concerns tells whether a file is one that the program is made of.
func (s sources) concerns(file string) bool {
	dir, name := filepath.Split(file)
	dir = filepath.Clean(dir)
	if strings.HasPrefix(name, ".") || strings.HasSuffix(name, "~") {
		return false // editors'
	}
	if slices.Contains(s.embedded, dir) {
		return true
	}
	if !slices.Contains(s.code, dir) || strings.HasPrefix(name, "_") || strings.HasSuffix(name, "_test.go") {
		return false
	}
	switch name {
	case "go.mod", "go.sum", "go.work":
		return true
	}
	return slices.Contains([]string{".go", ".s", ".S", ".c", ".h"}, filepath.Ext(name))
}

// since gives a file that was changed after a time; "" where none was.
func (s sources) since(t time.Time) string {
	for _, dir := range slices.Concat(s.code, s.embedded) {
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue // it is gone: there is nothing to build
		}
		for _, e := range entries {
			info, err := e.Info()
			if file := filepath.Join(dir, e.Name()); err == nil && info.ModTime().After(t) && !info.IsDir() && s.concerns(file) {
				return file
			}
		}
	}
	return ""
}

// watch has the directories watched; what can't be is joined in the error.
func (s sources) watch(w *fsnotify.Watcher) error {
	var faults []error
	for _, dir := range slices.Concat(s.code, s.embedded) {
		if err := w.Add(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			faults = append(faults, fmt.Errorf("%s: %w", dir, err))
		}
	}
	return errors.Join(faults...)
}

// grown adds a directory that was made in one of them: a package that is about to be written, perhaps.
func (s *sources) grown(dir string) bool {
	name := filepath.Base(dir)
	if !slices.Contains(s.code, filepath.Dir(dir)) || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "testdata" || name == "node_modules" {
		return false
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return false
	}
	s.code = append(s.code, dir)
	return true
}
