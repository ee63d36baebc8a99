package registrytest

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/dubbofn/dubbofn/registry"
)

// forgotten: metadata and mappings outlive a lease, until they are forgotten; what others have stays.
func forgotten(f *fixture) {
	r := f.open()
	forgetter, ok := r.(interface {
		Forget(ctx context.Context, app, revision string, interfaces []string) error
	})
	if !ok {
		f.Fatalf("%T forgets nothing", r)
	}
	l := f.lookup(r)
	gone, stays, shared, own := f.app("gone"), f.app("stays"), f.iface("Shared"), f.iface("Own")
	first, second := f.registration(gone, 20880, shared, own), f.registration(gone, 20880, shared)
	lease := f.register(r, first)
	f.register(r, f.registration(stays, 20881, shared))
	if err := lease.Update(f.Context(), second); err != nil {
		f.Fatal(err)
	}
	if err := lease.End(f.Context()); err != nil {
		f.Fatal(err)
	}
	metadata := func(m registry.Metadata) bool {
		_, err := l.Metadata(f.Context(), gone, m.Revision())
		if err != nil && !errors.Is(err, registry.ErrNotFound) {
			f.Error(err)
		}
		return err == nil
	}
	if !metadata(first.Metadata) || !metadata(second.Metadata) {
		f.Error("metadata goes with its lease")
	}
	if err := forgetter.Forget(f.Context(), gone, first.Metadata.Revision(), nil); err != nil {
		f.Fatal(err)
	}
	eventually(f, "one revision is forgotten, the other not", func() ([2]bool, error) {
		return [2]bool{metadata(first.Metadata), metadata(second.Metadata)}, nil
	}, func(there [2]bool) bool { return there == [2]bool{false, true} })
	var all sync.WaitGroup // an application that joins meanwhile is not lost
	joins := f.app("joins")
	all.Go(func() { f.register(f.open(), f.registration(joins, 20882, shared)) })
	for range 2 { // what isn't there is no error
		if err := forgetter.Forget(f.Context(), gone, second.Metadata.Revision(), []string{shared, f.iface("Unknown")}); err != nil {
			f.Fatal(err)
		}
	}
	all.Wait()
	eventually(f, "the application has left the mapping, the others have not", func() ([]string, error) { return l.Apps(f.Context(), shared) }, func(apps []string) bool {
		return !slices.Contains(apps, gone) && slices.Contains(apps, stays) && slices.Contains(apps, joins)
	})
	if metadata(second.Metadata) {
		f.Error("its metadata is there still")
	}
}
