package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Embedded is the registry within one machine: a directory that the processes of one user share. It needs no server.
// An instance vanishes with the process that registered it, however that ends: each process holds a file lock (flock) that
// readers try. Files are replaced by rename, so readers see whole files only.
//
// The directory is the parameter "dir", else the URL's path, else "dubbofn-UID/registry" in the system's temporary folder.
// It must belong to the user and be closed to others. Systems without flock are refused.
const Embedded = embedded("embedded")

type embedded string

// Limits of what is read: anything larger was not written by this package.
const (
	maxRecordBytes = 1 << 20
	maxRecords     = 10000
)

// Name gives "embedded".
func (e embedded) Name() string { return string(e) }

// Open makes or joins the registry in the directory that c names.
func (e embedded) Open(_ context.Context, c Config) (Registry, error) {
	if c.Scheme != "" && c.Scheme != string(e) {
		return nil, fmt.Errorf("open embedded registry: scheme %q is not %q", c.Scheme, string(e))
	}
	if len(c.Addresses) > 0 && c.Addresses[0] != "" { // the first name of embedded://some/dir
		where := strings.TrimSuffix(strings.TrimSuffix(c.Addresses[0], ":0")+"/"+c.Path, "/")
		return nil, fmt.Errorf("open embedded registry: %s://%s: a directory is written %s:///%s", e, where, e, where)
	}
	dir := c.Params["dir"]
	switch {
	case dir != "":
	case c.Path != "":
		dir = "/" + strings.TrimPrefix(c.Path, "/")
	default:
		dir = filepath.Join(os.TempDir(), "dubbofn-"+strconv.Itoa(os.Getuid()), "registry")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open embedded registry: %w", err)
	}
	if err := private(dir); err != nil {
		return nil, fmt.Errorf("open embedded registry: %w", err)
	}
	alive, err := newMark(dir)
	if err != nil {
		return nil, fmt.Errorf("open embedded registry: %w", err)
	}
	log := c.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	r := &directory{dir: dir, mark: alive, log: log, closed: make(chan struct{}), leases: map[*record]bool{}}
	r.sweep()
	return r, nil
}

// private makes dir, and what is missing above it, for the user alone, and refuses one that others can enter.
func private(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is not a directory", dir)
	}
	if p := info.Mode().Perm(); p&0o077 != 0 {
		return fmt.Errorf("%s is open to others (mode %04o): it must be 0700", dir, p)
	}
	return owned(dir, info)
}

// directory is an open embedded registry. Its folders:
//
//	marks/ID                        a locked file a living process
//	new/ID-RANDOM                   a file that process ID is writing
//	instances/NAME/ID-N             an instance of application or service NAME, written by process ID
//	metadata/APP/REVISION           a metadata document
//	definitions/APP/SERVICE         a service definition
//	mapping/INTERFACE/APP           empty: APP offers INTERFACE
type directory struct {
	dir    string
	mark   *mark
	log    *slog.Logger
	closed chan struct{}
	wg     sync.WaitGroup // watches

	mu     sync.Mutex
	done   bool
	serial int
	leases map[*record]bool
}

// Register writes metadata, then mapping, then instances.
func (d *directory) Register(ctx context.Context, r Registration) (Lease, error) {
	if err := r.Validate(); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.done {
		return nil, ErrClosed
	}
	d.serial++
	l := &record{d: d, file: d.mark.id + "-" + strconv.Itoa(d.serial), names: map[string]bool{}}
	if err := l.write(r); err != nil {
		return nil, errors.Join(err, l.remove(nil))
	}
	d.leases[l] = true
	return l, nil
}

// Close removes what this handle registered, ends its watches and waits for them.
func (d *directory) Close() error {
	d.mu.Lock()
	if d.done {
		d.mu.Unlock()
		d.wg.Wait()
		return nil
	}
	d.done = true
	close(d.closed)
	var errs []error
	for l := range d.leases {
		errs = append(errs, l.remove(nil))
		l.over = true
	}
	d.leases = nil
	errs = append(errs, d.mark.release())
	d.mu.Unlock()
	d.wg.Wait()
	return errors.Join(errs...)
}

// record is a lease of the embedded registry. Its fields are guarded by the directory's mutex.
type record struct {
	d     *directory
	file  string
	now   Registration
	names map[string]bool // where instances stand
	over  bool
}

// Update writes over what is there; names that are no longer offered go last.
func (l *record) Update(ctx context.Context, r Registration) error {
	if err := r.Validate(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	if l.over {
		return ErrClosed
	}
	if err := l.now.CanBecome(r); err != nil {
		return err
	}
	if err := l.write(r); err != nil {
		return errors.Join(err, l.write(l.now))
	}
	return nil
}

// End removes the instances.
func (l *record) End(context.Context) error {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	if l.over {
		return nil
	}
	l.over = true
	delete(l.d.leases, l)
	return l.remove(nil)
}

// write puts r in place: everything is checked before the first file is touched.
func (l *record) write(r Registration) error {
	levels := r.EffectiveLevels()
	stand := map[string]Instance{}
	if levels.Has(AppInstance) {
		i, err := r.AppInstance(0)
		if err != nil {
			return err
		}
		stand[Name{App: i.App}.String()] = i
	}
	if levels.Has(InterfaceLevel) {
		for _, s := range r.Metadata.Services {
			n, i, err := r.InterfaceInstance(s, 0)
			if err != nil {
				return err
			}
			stand[n.String()] = i
		}
	}
	if levels.Has(AppMetadata) {
		doc, err := json.Marshal(r.Metadata)
		if err != nil {
			return err
		}
		if err := l.d.put(doc, "metadata", r.Metadata.App, r.Metadata.Revision()); err != nil {
			return err
		}
		for key, def := range r.Definitions {
			if err := l.d.put(def, "definitions", r.Metadata.App, key); err != nil {
				return err
			}
		}
	}
	if levels&(Mapping|LegacyMapping) != 0 {
		for _, iface := range r.Metadata.Interfaces() {
			if err := l.d.put(nil, "mapping", iface, r.Metadata.App); err != nil {
				return err
			}
		}
	}
	for name, i := range stand {
		b, err := json.Marshal(i)
		if err != nil {
			return err
		}
		l.names[name] = true
		if err := l.d.put(b, "instances", name, l.file); err != nil {
			return err
		}
	}
	l.now = r
	return l.remove(stand)
}

// remove takes away the instances that are not in keep.
func (l *record) remove(keep map[string]Instance) error {
	var errs []error
	for name := range l.names {
		if _, ok := keep[name]; ok {
			continue
		}
		if err := os.Remove(filepath.Join(l.d.dir, "instances", escape(name), l.file)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, fmt.Errorf("deregister %s: %w", name, err))
			continue
		}
		delete(l.names, name)
	}
	return errors.Join(errs...)
}

// put writes a file under folder/name/file by rename; the same content is left alone.
func (d *directory) put(content []byte, folder, name, file string) error {
	if len(content) > maxRecordBytes {
		return fmt.Errorf("write %s of %s: %d bytes, the limit is %d", folder, name, len(content), maxRecordBytes)
	}
	dir, drafts := filepath.Join(d.dir, folder, escape(name)), filepath.Join(d.dir, "new")
	path := filepath.Join(dir, escape(file))
	if old, err := readSmall(path); err == nil && string(old) == string(content) {
		return nil
	}
	if err := errors.Join(os.MkdirAll(dir, 0o700), os.MkdirAll(drafts, 0o700)); err != nil {
		return fmt.Errorf("write %s of %s: %w", folder, name, err)
	}
	t, err := os.CreateTemp(drafts, d.mark.id+"-*")
	if err != nil {
		return fmt.Errorf("write %s of %s: %w", folder, name, err)
	}
	_, err = t.Write(content)
	if err = errors.Join(err, t.Close()); err == nil {
		err = os.Rename(t.Name(), path)
	}
	if err != nil {
		os.Remove(t.Name())
		return fmt.Errorf("write %s of %s: %w", folder, name, err)
	}
	return nil
}

// Apps gives the applications under an interface.
func (d *directory) Apps(ctx context.Context, iface string) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	files, err := list(filepath.Join(d.dir, "mapping", escape(iface)))
	if err != nil {
		return nil, fmt.Errorf("look up applications of %s: %w", iface, err)
	}
	var apps []string
	for _, f := range files {
		apps = append(apps, unescape(f))
	}
	sort.Strings(apps)
	return apps, nil
}

// Instances gives those whose process is alive, and removes the others.
func (d *directory) Instances(ctx context.Context, n Name) ([]Instance, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if !n.Pattern() {
		return d.under(n)
	}
	names, err := list(filepath.Join(d.dir, "instances"))
	if err != nil {
		return nil, fmt.Errorf("look up instances of %s: %w", n, err)
	}
	for i := range names {
		names[i] = unescape(names[i])
	}
	var all []Instance
	for _, name := range n.Among(names) {
		some, err := d.under(name)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	SortInstances(all)
	return all, nil
}

// under gives the instances of one name.
func (d *directory) under(n Name) ([]Instance, error) {
	dir := filepath.Join(d.dir, "instances", escape(n.String()))
	files, err := list(dir)
	if err != nil {
		return nil, fmt.Errorf("look up instances of %s: %w", n, err)
	}
	byAddress := map[string]Instance{}
	known := map[string]bool{}
	for _, f := range files {
		path := filepath.Join(dir, f)
		id, _, _ := strings.Cut(f, "-")
		if _, ok := known[id]; !ok {
			known[id] = id == d.mark.id || held(filepath.Join(d.dir, "marks", id))
		}
		if !known[id] {
			os.Remove(path)
			continue
		}
		b, err := readSmall(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue // left in the meantime
		}
		var i Instance
		if err == nil {
			err = json.Unmarshal(b, &i)
		}
		if err != nil {
			d.log.Warn("embedded registry: a record is unreadable", "file", path, "error", err)
			continue
		}
		byAddress[i.Address()] = i
	}
	all := slices.Collect(maps.Values(byAddress))
	SortInstances(all)
	return all, nil
}

// Metadata reads a document and checks that it is what its place says.
func (d *directory) Metadata(ctx context.Context, app, revision string) (Metadata, error) {
	if err := ctx.Err(); err != nil {
		return Metadata{}, err
	}
	b, err := readSmall(filepath.Join(d.dir, "metadata", escape(app), escape(revision)))
	if errors.Is(err, fs.ErrNotExist) {
		return Metadata{}, fmt.Errorf("look up metadata of %s, revision %s: %w", app, revision, ErrNotFound)
	}
	if err != nil {
		return Metadata{}, fmt.Errorf("look up metadata of %s: %w", app, err)
	}
	return CheckMetadata(b, app, revision)
}

// Forget takes away the metadata document of one revision of an application ("": of none), and takes the application out of the
// mappings of interfaces, as both Dubbo lines read them. What isn't there is no error. That nobody needs it is the caller's to know.
func (d *directory) Forget(ctx context.Context, app, revision string, interfaces []string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.done {
		return ErrClosed
	}
	var errs []error
	forget := func(folder, name, file string) {
		if err := os.Remove(filepath.Join(d.dir, folder, escape(name), escape(file))); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, fmt.Errorf("forget %s of %s: %w", folder, name, err))
		}
	}
	if revision != "" {
		forget("metadata", app, revision)
	}
	for _, iface := range interfaces {
		forget("mapping", iface, app)
	}
	return errors.Join(errs...)
}

// sweep removes the marks of processes that are gone, and what they were writing; their records are removed by whoever meets them.
func (d *directory) sweep() {
	marks, drafts := filepath.Join(d.dir, "marks"), filepath.Join(d.dir, "new")
	files, err := os.ReadDir(marks)
	if err != nil {
		d.log.Warn("embedded registry: marks are unreadable", "error", err)
		return
	}
	for _, f := range files {
		path := filepath.Join(marks, f.Name())
		if f.Name() == d.mark.id || held(path) {
			continue
		}
		if strings.HasPrefix(f.Name(), ".") { // one that is being made is not held at first
			if info, err := f.Info(); err != nil || time.Since(info.ModTime()) < unmarked {
				continue
			}
		}
		os.Remove(path)
	}
	left, err := list(drafts)
	if err != nil {
		d.log.Warn("embedded registry: drafts are unreadable", "error", err)
		return
	}
	for _, f := range left {
		if id, _, _ := strings.Cut(f, "-"); id != d.mark.id && !held(filepath.Join(marks, id)) {
			os.Remove(filepath.Join(drafts, f))
		}
	}
}

// unmarked is how long making a mark may take.
const unmarked = time.Minute
