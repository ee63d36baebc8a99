//go:build unix

package local

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

// folderName begins the name of what a run keeps in the temporary folder.
const folderName = "dubbofn-run-"

// folder is a directory of one run's. A lock on a file in it, which the kernel takes away with the process, says that it lives.
type folder struct {
	path string
	lock *os.File
}

// newFolder makes one in a directory, and takes those away whose runs were killed.
func newFolder(in string) (*folder, error) {
	sweepFolders(in)
	made, err := os.MkdirTemp(in, "."+folderName)
	if err != nil {
		return nil, err
	}
	f := &folder{path: filepath.Join(in, filepath.Base(made)[1:])}
	f.lock, err = os.OpenFile(filepath.Join(made, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err == nil {
		err = syscall.Flock(int(f.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	}
	if err == nil {
		err = os.Rename(made, f.path) // it gets its name locked, so that nobody takes it for another's remains
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(made))
	}
	return f, nil
}

// remove takes it away. What can't be is left to the next run.
func (f *folder) remove() {
	_ = os.RemoveAll(f.path)
	_ = f.lock.Close()
}

// sweepFolders removes what this user's runs left that had no time to. What it may not touch, or has another form, stays.
func sweepFolders(in string) {
	all, err := filepath.Glob(filepath.Join(in, folderName+"*"))
	if err != nil {
		return
	}
	for _, path := range all {
		info, err := os.Lstat(path)
		if err != nil || !info.IsDir() {
			continue
		}
		if stat, ok := info.Sys().(*syscall.Stat_t); !ok || int(stat.Uid) != os.Getuid() {
			continue
		}
		lock, err := os.OpenFile(filepath.Join(path, "lock"), os.O_RDWR, 0)
		if err != nil {
			continue
		}
		if syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			_ = os.RemoveAll(path) // as above
		}
		_ = lock.Close()
	}
}
