//go:build unix

package registry

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// mark is a file that a living process holds locked. The kernel lets go of it when the process ends.
type mark struct {
	id   string
	file *os.File
}

// newMark locks a new file before it gets its name, so that nobody ever sees it unlocked while its process lives.
func newMark(dir string) (*mark, error) {
	marks := filepath.Join(dir, "marks")
	if err := os.MkdirAll(marks, 0o700); err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(marks, ".new-*")
	if err != nil {
		return nil, err
	}
	m := &mark{id: rand.Text(), file: f}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(marks, m.id))
	}
	if err != nil {
		os.Remove(f.Name())
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
	}
	return m, nil
}

func (m *mark) release() error {
	dir := filepath.Dir(m.file.Name())
	err := os.Remove(filepath.Join(dir, m.id))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, m.file.Close())
}

// held tells whether the mark's process lives. A lock taken here for a moment hurts nobody: marks are never locked twice.
func held(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	return errors.Is(syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB), syscall.EWOULDBLOCK)
}

// owned refuses a directory of another user.
func owned(dir string, info fs.FileInfo) error {
	if s, ok := info.Sys().(*syscall.Stat_t); ok && int(s.Uid) != os.Geteuid() {
		return fmt.Errorf("%s belongs to user %d, not to user %d", dir, s.Uid, os.Geteuid())
	}
	return nil
}
