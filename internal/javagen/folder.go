package javagen

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// Written says what became of a project's files, by path.
type Written struct {
	Made    []string `json:"made,omitempty"`
	Changed []string `json:"changed,omitempty"`
	Same    []string `json:"same,omitempty"`
	Removed []string `json:"removed,omitempty"` // what an earlier run made of classes that are no more
}

// Write puts a project into a folder, which it makes. A file that is there and does not carry the [Marker] is another's: then nothing is written at
// all, unless force is set. Java files with the marker that are not among the project's are taken away, so that no old class remains.
func Write(dir string, files []File, force bool) (w Written, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return w, fmt.Errorf("java: %w", err)
	}
	root, err := os.OpenRoot(dir) // no link leads out of it
	if err != nil {
		return w, fmt.Errorf("java: %w", err)
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	var foreign []string
	var due []File
	for _, f := range files {
		have, err := root.ReadFile(f.Path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			w.Made, due = append(w.Made, f.Path), append(due, f)
		case err != nil:
			return Written{}, fmt.Errorf("java: %w", err)
		case string(have) == f.Text:
			w.Same = append(w.Same, f.Path)
		default:
			if !marked(have) {
				foreign = append(foreign, f.Path)
			}
			w.Changed, due = append(w.Changed, f.Path), append(due, f)
		}
	}
	if len(foreign) > 0 && !force {
		return Written{}, fmt.Errorf("java: %s: %s: they lack the line %q, so they are not this command's to overwrite; choose another folder by -o, or --force", dir, strings.Join(foreign, ", "), Marker)
	}
	for _, f := range due {
		if err := put(root, f); err != nil {
			return Written{}, fmt.Errorf("java: %w", err)
		}
	}
	w.Removed, err = removeOld(root, files)
	return w, err
}

func put(root *os.Root, f File) error {
	if err := root.MkdirAll(path.Dir(f.Path), 0o755); err != nil {
		return err
	}
	return root.WriteFile(f.Path, []byte(f.Text), 0o644)
}

// headBytes is how much of a file may come before its mark.
const headBytes = 512

func marked(text []byte) bool {
	return bytes.Contains(text[:min(len(text), headBytes)], []byte(Marker))
}

// removeOld takes Java files away that were made for a class that is no more.
func removeOld(root *os.Root, files []File) (removed []string, err error) {
	for _, below := range []string{"api/src/main/java", "example/src/main/java"} {
		err := fs.WalkDir(root.FS(), below, func(name string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil // nothing is there
			}
			if err != nil || !d.Type().IsRegular() || !strings.HasSuffix(name, ".java") || slices.ContainsFunc(files, func(f File) bool { return f.Path == name }) {
				return err
			}
			f, err := root.Open(name)
			if err != nil {
				return err
			}
			head, err := io.ReadAll(io.LimitReader(f, headBytes))
			if err = errors.Join(err, f.Close()); err == nil && marked(head) {
				removed = append(removed, name)
				err = root.Remove(name)
			}
			return err
		})
		if err != nil {
			return removed, fmt.Errorf("java: remove what an earlier run made: %w", err)
		}
	}
	return removed, nil
}
