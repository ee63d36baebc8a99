package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/match"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// top is what the image's name stands for: the index of all platforms, or the only image.
func (b *builder) top() interface {
	remote.Taggable
	Digest() (v1.Hash, error)
} {
	if b.index != nil {
		return b.index
	}
	return b.built[0].image
}

// remote is how registries are asked.
func (p *plan) remote(ctx context.Context) []remote.Option {
	all := []remote.Option{remote.WithContext(ctx), remote.WithAuthFromKeychain(p.Keychain), remote.WithUserAgent("dubbofn")}
	if p.Transport != nil {
		all = append(all, remote.WithTransport(p.Transport))
	}
	return all
}

// push sends the image to its registry, then what is beside it.
func (b *builder) push(ctx context.Context) (err error) {
	to := b.repository.Tag(b.Tag)
	told := b.begin("pushing "+b.result.Ref, -1, true)
	defer func() { told.Done(err) }()
	updates, heard := make(chan v1.Update, 16), make(chan struct{})
	go func() {
		defer close(heard)
		tell(updates, told)
	}()
	if b.index != nil {
		err = remote.WriteIndex(to, b.index, append(b.remote(ctx), remote.WithProgress(updates))...)
	} else {
		err = remote.Write(to, b.built[0].image, append(b.remote(ctx), remote.WithProgress(updates))...)
	}
	<-heard // remote closes updates
	if err != nil {
		return explainRegistry("push "+b.result.Ref, b.repository, err)
	}
	b.result.Pushed = true
	if b.NoReferrer {
		return nil
	}
	for _, v := range b.built {
		digest, err := v.beside.Digest()
		if err != nil {
			return err
		}
		if err := remote.Write(b.repository.Digest(digest.String()), v.beside, b.remote(ctx)...); err != nil {
			return explainRegistry("push what is linked into "+b.result.Ref+" beside it (--no-referrer leaves it out)", b.repository, err)
		}
	}
	return nil
}

// tell hands on how far a transfer is, until it ends.
func tell(updates <-chan v1.Update, told Progress) {
	var total, complete int64
	for u := range updates {
		if u.Error != nil {
			continue
		}
		if u.Total > total {
			total = u.Total
			told.Total(total)
		}
		if u.Complete > complete {
			told.Add(u.Complete - complete)
			complete = u.Complete
		}
	}
}

// writeLayout writes an OCI image layout, or adds the image to the one that is there, in the place of the last of its name.
func (b *builder) writeLayout(context.Context) (err error) {
	told := b.begin("writing "+b.Layout, -1, false)
	defer func() { told.Done(err) }()
	if err := b.addTo(b.Layout); err != nil {
		return explainDisk("layout "+b.Layout, err)
	}
	b.result.Layout = b.Layout
	return nil
}

func (b *builder) addTo(dir string) error {
	path, err := layout.FromPath(dir)
	if err != nil {
		if left, err := os.ReadDir(dir); err == nil && len(left) > 0 {
			return configFault("layout %s: it is a folder with something else in it; want an OCI layout, an empty folder, or a new one", dir)
		}
		if path, err = layout.Write(dir, empty.Index); err != nil {
			return err
		}
	}
	own := func(d v1.Descriptor) bool { return d.Annotations[titleLabel] == b.Name }
	if err := path.RemoveDescriptors(match.Matcher(own)); err != nil {
		return err
	}
	// What containerd calls an image that it imports.
	named := layout.WithAnnotations(map[string]string{titleLabel: b.Name, refAnnotation: b.Tag, "io.containerd.image.name": b.repository.Tag(b.Tag).Name()})
	if b.index != nil {
		err = path.AppendIndex(b.index, named)
	} else {
		err = path.AppendImage(b.built[0].image, named, layout.WithPlatform(b.built[0].platform))
	}
	if err != nil {
		return err
	}
	if !b.NoReferrer {
		for _, v := range b.built {
			if err := path.AppendImage(v.beside, layout.WithAnnotations(map[string]string{titleLabel: b.Name})); err != nil {
				return err
			}
		}
	}
	left, err := path.GarbageCollect()
	if err != nil {
		return err
	}
	for _, h := range left { // of what was there before
		if err := path.RemoveBlob(h); err != nil {
			return err
		}
	}
	return nil
}

// writeTarball writes what `docker load` and `podman load` read.
func (b *builder) writeTarball(ctx context.Context) (err error) {
	told := b.begin("writing "+b.Tarball, -1, true)
	defer func() { told.Done(err) }()
	tag, err := name.NewTag(b.result.Ref)
	if err != nil {
		return fmt.Errorf("tarball %s: %w", b.Tarball, err)
	}
	err = replace(b.Tarball, func(w io.Writer) error {
		return tarball.Write(tag, b.built[0].image, &counter{w: w, ctx: ctx, told: told})
	})
	if err != nil {
		return explainDisk("tarball "+b.Tarball, err)
	}
	b.result.Tarball = b.Tarball
	return nil
}

// replace writes a file whole or not at all; what is no regular file, as a pipe, is written to as it is.
func replace(path string, write func(io.Writer) error) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		return errors.Join(write(f), f.Close())
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".dubbofn-")
	if err != nil {
		return err
	}
	err = errors.Join(write(f), f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
