//go:build !unix

package local

import "os"

// folder is a directory of one run's. There are no locks here that end with their process: what a run that was killed left stays.
type folder struct{ path string }

func newFolder(in string) (*folder, error) {
	path, err := os.MkdirTemp(in, "dubbofn-run-")
	return &folder{path}, err
}

func (f *folder) remove() { _ = os.RemoveAll(f.path) } // what is left in the temporary folder harms nobody
