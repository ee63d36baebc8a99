package registry

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"strings"
)

// escape makes a name fit for a file: "/" and what else a path can't hold is percent-encoded, and so is a leading dot,
// which marks files that are still being written.
func escape(name string) string {
	e := url.PathEscape(name)
	if strings.HasPrefix(e, ".") {
		e = "%2E" + e[1:]
	}
	if e == "" {
		e = "%"
	}
	return e
}

func unescape(file string) string {
	if file == "%" {
		return ""
	}
	s, err := url.PathUnescape(file)
	if err != nil {
		return file
	}
	return s
}

// list gives the files of a directory, without those that are still being written; none when there is no directory.
func list(dir string) ([]string, error) {
	f, err := os.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names, err := f.Readdirnames(maxRecords + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if len(names) > maxRecords {
		return nil, fmt.Errorf("%s holds more than %d files", dir, maxRecords)
	}
	kept := names[:0]
	for _, n := range names {
		if !strings.HasPrefix(n, ".") {
			kept = append(kept, n)
		}
	}
	return kept, nil
}

// readSmall reads a file of at most maxRecordBytes.
func readSmall(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxRecordBytes+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxRecordBytes {
		return nil, fmt.Errorf("%s has more than %d bytes", path, maxRecordBytes)
	}
	return b, nil
}
