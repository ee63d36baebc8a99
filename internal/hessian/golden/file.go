// Package golden holds the values behind testdata/golden: what Java wrote there, as Go values. The tests of package hessian
// decode the files to them, and the end-to-end tests write them for Java to read (e2e/golden). The files come from
// e2e/golden/run.sh, which has the same values in Java (org.example.golden.Cases).
package golden

import (
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// File is one golden file.
type File struct {
	Line   string // "dubbo-2.7.23" or "dubbo-3.3.6"
	Case   string // the name of a Case
	From   string // the first line: the version of hessian-lite and the class
	Java   string // the second line: the value as Java source
	Body   []byte // what Java wrote; nil for a file that tells it by rule
	Length int    // by rule: how many bytes Java wrote
	SHA256 string // by rule: their hash, in hex
}

// Lines are the folders of golden files, one a line of Dubbo.
func Lines() []string { return []string{"dubbo-2.7.23", "dubbo-3.3.6"} }

// Read reads the golden files below dir (testdata/golden), in order of their names.
func Read(dir string) ([]File, error) {
	var files []File
	for _, line := range Lines() {
		paths, err := filepath.Glob(filepath.Join(dir, line, "*.hex"))
		if err != nil {
			return nil, err
		}
		for _, path := range paths {
			f := File{Line: line, Case: strings.TrimSuffix(filepath.Base(path), ".hex")}
			text, err := os.ReadFile(path)
			if err != nil {
				return nil, err
			}
			if err := f.parse(string(text)); err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
			files = append(files, f)
		}
	}
	return files, nil
}

func (f *File) parse(text string) error {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if len(lines) < 3 || !strings.HasPrefix(lines[0], "# hessian-lite ") || !strings.HasPrefix(lines[1], "# ") {
		return fmt.Errorf("no header of two lines, or nothing after it")
	}
	f.From, f.Java = lines[0][2:], lines[1][2:]
	if n, ok := strings.CutPrefix(lines[2], "length "); ok {
		f.SHA256 = strings.TrimPrefix(lines[3], "sha256 ")
		_, err := fmt.Sscan(n, &f.Length)
		return err
	}
	var err error
	f.Body, err = hex.DecodeString(strings.Join(lines[2:], ""))
	return err
}
