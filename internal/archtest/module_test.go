package archtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// listed is what `go list -json` tells of a package, as far as it matters here.
type listed struct {
	ImportPath, Dir, Name                        string
	Standard                                     bool
	Imports, TestImports, XTestImports           []string
	GoFiles, TestGoFiles, XTestGoFiles, CgoFiles []string
	Module                                       *struct{ Path string }
}

func (p listed) rel() string { return strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, root), "/") }

// top is the module's folder.
func top(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func goList(t *testing.T, args ...string) []listed {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list", "-json"}, args...)...)
	cmd.Dir = top(t)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(cmd.Args, " "), err, &complaint)
	}
	var pkgs []listed
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
}

// parse reads the named files of a package.
func parse(t *testing.T, p listed, names ...string) []*source {
	t.Helper()
	var files []*source
	for _, name := range names {
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, &source{Path: filepath.ToSlash(filepath.Join(p.rel(), name)), Fset: fset, File: f})
	}
	return files
}

// texts gives the files of the repository that people read or run: as git has them, or as they lie there.
func texts(t *testing.T) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(top(t), func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if slices.Contains([]string{".git", "build", "target", "out", "run"}, d.Name()) {
				return filepath.SkipDir
			}
			return nil
		}
		if d.Name() != ".git" { // a file, in a linked work tree
			names = append(names, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
