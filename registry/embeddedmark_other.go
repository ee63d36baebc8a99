//go:build !unix

package registry

import (
	"errors"
	"io/fs"
)

// mark needs flock, which this system does not have.
type mark struct{ id string }

func newMark(string) (*mark, error) {
	return nil, errors.New("this system has no flock: use another registry")
}

func (m *mark) release() error        { return nil }
func held(string) bool                { return false }
func owned(string, fs.FileInfo) error { return nil }
