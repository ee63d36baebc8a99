package local

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/dubbofn/dubbofn/internal/supervise"
)

const (
	// settle is how long no file has changed before functions are built: an editor, or git, is done by then.
	settle = 100 * time.Millisecond
	// shownEvery is how often the status line's numbers are looked up.
	shownEvery = time.Second
	// heardIn is more than the activator needs to read a function's file.
	heardIn = 5 * time.Second
)

// accompany does what goes on while functions run: it builds those anew whose sources change, and counts calls for the status line. It ends with
// ctx, which wait waits for.
func (p *parts) accompany(ctx context.Context) (wait func()) {
	var all sync.WaitGroup
	all.Go(func() {
		if err := p.follow(ctx); err != nil {
			p.out.tell("%s changes of sources are not noticed: %v", p.out.paint(31, "✗"), err)
		}
	})
	if p.c.Status != nil {
		all.Go(func() { p.count(ctx) })
	}
	return all.Wait
}

// follow builds functions anew when their sources change, until ctx ends.
func (p *parts) follow(ctx context.Context) error {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return err
	}
	defer func() { _ = w.Close() }()
	made, changed := make([]sources, len(p.functions)), map[int]string{}
	for i := range p.functions {
		if err := p.look(ctx, w, i, made); err != nil {
			p.out.tell("%s changes of %s are not all noticed: %v", p.out.paint(31, "✗"), p.functions[i].name, err)
		}
		if file := made[i].since(p.functions[i].built); file != "" {
			changed[i] = file
		}
	}
	quiet := time.NewTimer(settle)
	defer quiet.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-w.Errors:
			p.c.Log.Warn("sources are watched", "error", err)
		case e := <-w.Events:
			if p.noticed(w, e, made, changed) {
				quiet.Reset(settle)
			}
		case <-quiet.C:
			for i, file := range changed {
				p.renew(ctx, &p.functions[i], file)
				if err := p.look(ctx, w, i, made); err != nil && ctx.Err() == nil {
					p.c.Log.Warn("sources are watched", "error", err)
				}
			}
			clear(changed)
		}
	}
}

// look finds out again what a function is made of. Programs are made of nothing that is seen.
func (p *parts) look(ctx context.Context, w *fsnotify.Watcher, i int, made []sources) error {
	dir, err := filepath.Abs(p.functions[i].path)
	if err != nil {
		return err
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil //nolint:nilerr // a directory that is gone for a moment keeps what was known of it
	}
	s, err := listSources(ctx, dir)
	if err != nil {
		return err
	}
	made[i] = s
	return s.watch(w)
}

// noticed notes which functions an event concerns.
func (p *parts) noticed(w *fsnotify.Watcher, e fsnotify.Event, made []sources, changed map[int]string) (some bool) {
	if e.Op == fsnotify.Chmod {
		return false
	}
	for i := range made {
		if e.Has(fsnotify.Create) && made[i].grown(e.Name) {
			_ = w.Add(e.Name) // it is gone again
			if matches, err := filepath.Glob(filepath.Join(e.Name, "*.go")); err != nil || len(matches) == 0 {
				continue
			}
		} else if !made[i].concerns(e.Name) {
			continue
		}
		changed[i], some = e.Name, true
	}
	return some
}

// renew builds a function anew and lets its next call have the new program. Where that can't be, the one before goes on.
func (p *parts) renew(ctx context.Context, f *function, file string) {
	begin := time.Now()
	p.out.update(f.name, func(s *shown) { s.building = true })
	next, same, err := p.rebuild(ctx, *f)
	which := "its next call has it"
	if err == nil && !same {
		var running int
		if running, err = p.swap(ctx, f, next); running != 0 {
			which = fmt.Sprintf("process %d finishes its calls, the next call has it", running)
		}
	}
	p.out.update(f.name, func(s *shown) { s.building = false })
	f.built = begin
	switch {
	case ctx.Err() != nil, err == nil && same:
	case err != nil:
		p.out.tell("%s %s goes on as it was: %v", p.out.paint(31, "✗"), f.name, err)
	default:
		p.out.tell("%s %s is built anew in %.1f s after a change of %s: %s", p.out.paint(36, "↻"), f.name, time.Since(begin).Seconds(), filepath.Base(file), which)
	}
}

// rebuild makes the next program beside the one that there is. same says that it is no other.
func (p *parts) rebuild(ctx context.Context, f function) (next function, same bool, err error) {
	next = f
	next.renewed++
	sweepNext(filepath.Dir(f.binary))
	into, err := os.MkdirTemp(filepath.Dir(f.binary), "next-")
	if err != nil {
		return next, false, err
	}
	defer func() {
		if err != nil || same {
			err = errors.Join(err, os.RemoveAll(into))
		}
	}()
	if next.binary, err = Build(ctx, f.path, into); err != nil {
		return next, false, err
	}
	if same, err = equal(f.binary, next.binary); err != nil || same {
		return next, same, err
	}
	if next.manifest, err = Describe(ctx, next.binary, append(bare(p.c.Environment), "K_SERVICE="+f.name)); err != nil {
		return next, false, err
	}
	offers := map[string]string{}
	for _, other := range p.functions {
		if other.name == f.name {
			other = next
		}
		if err := claim(offers, other.path, other.manifest); err != nil {
			return next, false, err
		}
	}
	return next, false, nil
}

// abandoned is the age of what only a run that was killed can have left.
const abandoned = time.Hour

// sweepNext takes programs away whose runs were killed while they built them. What can't be is left to the next run.
func sweepNext(dir string) {
	all, err := filepath.Glob(filepath.Join(dir, "next-*"))
	if err != nil {
		return
	}
	for _, path := range all {
		if info, err := os.Stat(path); err == nil && time.Since(info.ModTime()) > abandoned {
			_ = os.RemoveAll(path)
		}
	}
}

// swap has the activator know the next program, and then every start be of it; running is the process that makes room. Where the activator does not take
// it, everything is as before.
func (p *parts) swap(ctx context.Context, f *function, next function) (running int, err error) {
	made := next.binary
	defer func() { _ = os.RemoveAll(filepath.Dir(made)) }() // what stays is swept by another run
	next.binary = f.binary
	if err := p.tell(next); err != nil {
		return 0, err
	}
	if err := p.heard(ctx, next); err != nil {
		return 0, errors.Join(err, p.tell(*f))
	}
	if err := os.Rename(made, next.binary); err != nil { // a process that runs keeps the file that it had
		return 0, errors.Join(err, p.tell(*f))
	}
	*f = next
	p.out.update(f.name, func(s *shown) {
		s.app = next.manifest.App
		if s.phase == supervise.Awake {
			s.renewing, running = true, s.pid
		}
	})
	return running, p.supervisor.Renew(f.name)
}

// heard waits until the activator serves a function as it is now.
func (p *parts) heard(ctx context.Context, f function) error {
	ctx, cancel := context.WithTimeout(ctx, heardIn)
	defer cancel()
	every := time.NewTicker(20 * time.Millisecond)
	defer every.Stop()
	for {
		var all []struct {
			Function, Fault string
			KnativeRevision string `json:"knative_revision"`
		}
		text, err := p.ask(ctx, "/api/functions")
		if err == nil {
			err = json.Unmarshal(text, &all)
		}
		for _, a := range all {
			switch {
			case a.Function != f.name+".json":
			case a.KnativeRevision == supervise.Revision(f.name, f.renewed):
				return nil
			case a.Fault != "":
				err = errors.New(a.Fault)
			}
		}
		select {
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("the activator did not take it within %v", heardIn), err)
		case <-every.C:
		}
	}
}

// ask gets something of the activator's for operators.
func (p *parts) ask(ctx context.Context, path string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.site.Admin+path, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return io.ReadAll(resp.Body)
}

// count looks up the status line's numbers until ctx ends.
func (p *parts) count(ctx context.Context) {
	every := time.NewTicker(shownEvery)
	defer every.Stop()
	for {
		if text, err := p.ask(ctx, "/metrics"); err == nil {
			p.out.count(countCalls(string(text)))
		}
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
	}
}

// equal tells whether two files have the same bytes.
func equal(a, b string) (bool, error) {
	x, err := os.ReadFile(a)
	if err != nil {
		return false, err
	}
	y, err := os.ReadFile(b)
	return bytes.Equal(x, y), err
}
