package activator

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	dirInterval  = 250 * time.Millisecond
	dirShare     = 100 // looking takes a hundredth of a core at most: at 10,000 files it takes some 20 ms
	maxFileBytes = maxManifestBytes + 64<<10
	maxFiles     = 10_000
)

// Dir is a [Source]: a directory with one NAME.json for each function, a [Function] in JSON. It is looked at four times a second, less often where
// there are thousands. Files should be replaced by rename; one that is caught half written is a fault until it is read again. Names that begin with a dot
// are left alone.
func Dir(path string) Source { return dir(path) }

type dir string

// Watch implements [Source]. Its error says that the directory can't be read at first.
func (d dir) Watch(ctx context.Context, each func([]Function)) error {
	w := watch{dir: string(d), files: map[string]file{}}
	if _, err := w.look(); err != nil {
		return fmt.Errorf("functions in %s: %w", d, err)
	}
	each(w.functions())
	t := time.NewTimer(w.pause())
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
		if changed, err := w.look(); err == nil && changed { // one that can't be read any more changes nothing
			each(w.functions())
		}
		t.Reset(w.pause())
	}
}

type watch struct {
	dir   string
	names []string // in order
	files map[string]file
	took  time.Duration // the last look
}

// pause is how long it is until the next look.
func (w *watch) pause() time.Duration { return max(dirInterval, dirShare*w.took) }

// file is what was last read of one.
type file struct {
	modified time.Time
	size     int64
	info     fs.FileInfo
	read     Function
}

func (f *file) is(info fs.FileInfo) bool {
	return f.info != nil && f.size == info.Size() && f.modified.Equal(info.ModTime()) && os.SameFile(f.info, info)
}

// look reads what has changed, and tells whether anything has.
func (w *watch) look() (changed bool, err error) {
	begun := time.Now()
	defer func() { w.took = time.Since(begun) }()
	entries, err := os.ReadDir(w.dir)
	if err != nil {
		return false, err
	}
	now := map[string]file{}
	var names []string
	for _, e := range entries {
		name := e.Name()
		if !strings.HasSuffix(name, ".json") || strings.HasPrefix(name, ".") || len(names) >= maxFiles {
			continue
		}
		path := filepath.Join(w.dir, name)
		info, err := os.Stat(path) // not Lstat: a mounted ConfigMap is made of links
		if errors.Is(err, fs.ErrNotExist) {
			continue // gone in the meantime
		}
		last := w.files[name]
		if err == nil && last.is(info) {
			now[name], names = last, append(names, name)
			continue
		}
		next := file{info: info, read: Function{Name: name}}
		if err != nil {
			next.read.Fault = err
		} else {
			next.size, next.modified = info.Size(), info.ModTime()
			next.read = readFunction(path, name)
		}
		changed = changed || last.info == nil || !sameFunction(last.read, next.read)
		now[name], names = next, append(names, name)
	}
	changed = changed || len(now) != len(w.files)
	w.files, w.names = now, names
	return changed, nil
}

func (w *watch) functions() []Function {
	all := make([]Function, 0, len(w.names))
	for _, n := range w.names {
		all = append(all, w.files[n].read)
	}
	return all
}

func readFunction(path, name string) Function {
	f, err := parseFunction(path)
	if err != nil {
		return Function{Name: name, Fault: fmt.Errorf("read %s: %w", path, err)}
	}
	f.Name = name
	return f
}

func parseFunction(path string) (f Function, err error) {
	r, err := os.Open(path)
	if err != nil {
		return f, err
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, maxFileBytes+1))
	if err != nil {
		return f, err
	}
	if len(b) > maxFileBytes {
		return f, fmt.Errorf("more than %d bytes", maxFileBytes)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields() // a field that is misspelt would count for nothing
	if err := d.Decode(&f); err != nil {
		return f, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return f, errors.New("something follows the JSON")
	}
	return f, nil
}

// sameFunction tells whether two readings are equal.
func sameFunction(a, b Function) bool {
	if a.Fault != nil || b.Fault != nil {
		return a.Fault != nil && b.Fault != nil && a.Fault.Error() == b.Fault.Error()
	}
	return a.Name == b.Name && a.App == b.App && a.URL == b.URL && a.Host == b.Host && a.Token == b.Token && a.KnativeRevision == b.KnativeRevision &&
		a.Concurrency == b.Concurrency && a.TimeoutSeconds == b.TimeoutSeconds && a.Created.Equal(b.Created) && bytes.Equal(a.Manifest, b.Manifest)
}
