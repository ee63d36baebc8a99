package javaimport

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Placed is a file on the disk.
type Placed struct {
	Path string `json:"path"`
	// State is "made", "renewed", of a file that an import had made before, or "kept", of a skeleton that was there already.
	State string `json:"state"`
}

// Place writes the package's files into a folder, which is made. Skeletons that are there are kept; other files are written over only if an
// import made them. Where one was not, nothing is written.
func (r *Result) Place(dir string) (placed []Placed, err error) {
	write := map[string][]byte{}
	for _, f := range r.Files {
		p := Placed{Path: filepath.Join(dir, f.Name), State: "made"}
		have, err := os.ReadFile(p.Path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			write[p.Path] = f.Text
		case err != nil:
			return nil, fmt.Errorf("import: %w", err)
		case f.Skeleton:
			p.State = "kept"
		case !bytes.HasPrefix(have, []byte(Generated)):
			return nil, fmt.Errorf("import: %s is there and was not made by an import: move it away, or choose another folder with -d", p.Path)
		default:
			p.State, write[p.Path] = "renewed", f.Text
		}
		placed = append(placed, p)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("import: %w", err)
	}
	for path, text := range write {
		if err := os.WriteFile(path, text, 0o644); err != nil {
			return nil, fmt.Errorf("import: %w", err)
		}
	}
	return placed, nil
}

// Main gives the file that makes a program of the package, which has this import path. It is a skeleton.
func (r *Result) Main(path string) File {
	var w source
	w.skeleton = true
	for i, s := range r.Services {
		if i == 0 {
			w.comment("", fmt.Sprintf("The function offers %s, with what is in package %s.", s.Interface, r.Package))
			w.line("func main() {\n\tserve.Main(nacos.Registry,")
		}
		w.line("\t\t%[1]s.New%[2]s(&%[1]s.%[3]s{}),", r.Package, s.Name, s.Handler)
	}
	w.line("\t)\n}")
	text := fmt.Sprintf("package main\n\nimport (\n\t%q\n\t%q\n\n\t%q\n)\n\n%s", own+"fn/serve", own+"registry/nacos", path, w.String())
	return File{Name: "main.go", Text: []byte(text), Skeleton: true}
}
