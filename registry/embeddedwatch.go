package registry

import (
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"time"
)

// pollEvery is how often a watch of the embedded registry looks, on average; each pause is up to a third shorter or longer.
const pollEvery = 150 * time.Millisecond

// WatchApps polls the mapping of an interface.
func (d *directory) WatchApps(ctx context.Context, iface string, each func(apps []string)) error {
	return poll(ctx, d, func() ([]string, error) { return d.Apps(ctx, iface) }, each)
}

// WatchInstances polls the instances under a name.
func (d *directory) WatchInstances(ctx context.Context, n Name, each func(instances []Instance)) error {
	return poll(ctx, d, func() ([]Instance, error) { return d.Instances(ctx, n) }, each)
}

// WatchRule polls the file rules/KEY in the registry's directory, with the key escaped as all names are there: an operator writes
// it with an editor, or with a rename.
func (d *directory) WatchRule(ctx context.Context, _, key string, each func(content string)) error {
	file := filepath.Join(d.dir, "rules", escape(key))
	look := func() ([]string, error) {
		b, err := readSmall(file)
		if errors.Is(err, fs.ErrNotExist) {
			return []string{""}, nil
		}
		return []string{string(b)}, err
	}
	return poll(ctx, d, look, func(content []string) { each(content[0]) })
}

// poll gives the first state and every different one until ctx ends or the registry is closed.
func poll[T any](ctx context.Context, d *directory, look func() ([]T, error), each func([]T)) error {
	d.mu.Lock()
	if d.done {
		d.mu.Unlock()
		return ErrClosed
	}
	d.wg.Add(1)
	d.mu.Unlock()
	defer d.wg.Done()
	last, err := look()
	if err != nil {
		return err
	}
	each(last)
	t := time.NewTimer(0)
	defer t.Stop()
	<-t.C
	var fault string // that was told, while it stays
	for {
		t.Reset(pollEvery*2/3 + rand.N(pollEvery*2/3))
		select {
		case <-ctx.Done():
			return nil
		case <-d.closed:
			return ErrClosed
		case <-t.C:
		}
		now, err := look()
		if err != nil {
			if ctx.Err() == nil && err.Error() != fault {
				fault = err.Error()
				d.log.Warn("embedded registry: a look failed, the last state stands", "error", err)
			}
			continue
		}
		fault = ""
		if len(now) == 0 && len(last) == 0 || reflect.DeepEqual(now, last) {
			continue
		}
		last = now
		each(now)
	}
}
