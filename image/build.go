package image

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/dubbofn/dubbofn/internal/local"
)

// Build compiles the program, makes its image, and puts it where the configuration says. What it keeps meanwhile is in a temporary folder, which is gone at the
// end. Errors are, beside their text, [ErrConfig], [ErrRefused] or [ErrUnreachable] where they are of that kind, or come from ctx.
func Build(ctx context.Context, c Config) (r Result, err error) {
	p, err := c.check()
	if err != nil {
		return r, err
	}
	work, err := os.MkdirTemp("", "dubbofn-build-")
	if err != nil {
		return r, explainDisk("build "+p.dir, err)
	}
	defer func() { _ = os.RemoveAll(work) }() // what is left in the temporary folder harms nobody
	r = Result{Name: p.Name}
	b := &builder{plan: p, work: work, result: &r}
	if err := b.build(ctx); err != nil {
		if ctx.Err() != nil {
			return r, fmt.Errorf("build %s: %w", p.dir, context.Cause(ctx))
		}
		return r, explainDisk("build "+p.dir, err)
	}
	return r, b.put(ctx)
}

// builder makes one image.
type builder struct {
	*plan
	work   string
	result *Result
	source source
	built  []variant
	index  v1.ImageIndex // nil: one platform
}

// variant is the image of one platform.
type variant struct {
	platform v1.Platform
	path     string // of the program
	program  program
	image    v1.Image
	beside   v1.Image // the list of what is linked, as an artifact that refers to image
}

func (b *builder) build(ctx context.Context) (err error) {
	if b.source, err = b.inspect(ctx); err != nil {
		return err
	}
	for _, platform := range b.platforms {
		v, err := b.compiled(ctx, platform)
		if err != nil {
			return err
		}
		b.built = append(b.built, v)
	}
	if err := b.describe(ctx); err != nil {
		return err
	}
	if err := b.assemble(ctx); err != nil {
		return err
	}
	return b.measure()
}

// compiled builds the program for a platform.
func (b *builder) compiled(ctx context.Context, platform v1.Platform) (v variant, err error) {
	told := b.begin(fmt.Sprintf("compiling %s for %s", b.Name, platform), -1, false)
	defer func() { told.Done(err) }()
	v.platform, v.path = platform, filepath.Join(b.work, strings.ReplaceAll(platform.String(), "/", "-"), b.Name)
	if err := b.compile(ctx, platform, v.path); err != nil {
		return v, err
	}
	v.program, err = readProgram(v.path, b.Name)
	v.program.platform = platform.String()
	return v, err
}

// function tells whether the program is one of dubbofn's functions.
func (b *builder) function() bool {
	return !b.NoManifest && slices.Contains(b.source.Deps, servePackage)
}

// describe asks a function what it offers. That it does on this machine, as a program of its own where none of the platforms is this machine's.
func (b *builder) describe(ctx context.Context) (err error) {
	if !b.function() {
		return nil
	}
	own := v1.Platform{OS: runtime.GOOS, Architecture: runtime.GOARCH} // without a variant: this machine may be less than that
	var path string
	if at := slices.IndexFunc(b.built, func(v variant) bool { return v.platform.Equals(own) }); at >= 0 {
		path = b.built[at].path
	} else {
		v, err := b.compiled(ctx, own)
		if err != nil {
			return err
		}
		path = v.path
	}
	m, err := local.Describe(ctx, path, plain(b.Environment))
	if err != nil {
		return fmt.Errorf("build %s: it does not tell what it offers (a program that is no function is built by --no-manifest): %w", b.dir, err)
	}
	var text bytes.Buffer
	if err := json.Compact(&text, m.Text); err != nil {
		return fmt.Errorf("build %s: its manifest: %w", b.dir, err)
	}
	b.result.Manifest = text.Bytes()
	return nil
}

// plain is what a process needs at all, so that nobody's own settings get into an image by the manifest.
func plain(environment []string) []string {
	return slices.DeleteFunc(slices.Clone(environment), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return !slices.Contains([]string{"PATH", "HOME", "TMPDIR", "SYSTEMROOT"}, name)
	})
}

// measure fills in the result.
func (b *builder) measure() error {
	top := b.top()
	digest, err := top.Digest()
	if err != nil {
		return err
	}
	b.result.Digest = digest.String()
	if b.Tag == "" {
		const enough = 12 // hexadecimal digits: two contents of one repository have the same once in 16 million images
		b.Tag = digest.Hex[:enough]
	}
	b.result.Ref, b.result.Pinned = b.called()+":"+b.Tag, b.called()+"@"+b.result.Digest
	return nil
}

// called is the image's name as it was written.
func (b *builder) called() string {
	if b.Repository == "" {
		return b.repository.RepositoryStr()[strings.LastIndexByte(b.repository.RepositoryStr(), '/')+1:]
	}
	return b.Repository
}

// put writes the image to where it is wanted.
func (b *builder) put(ctx context.Context) error {
	if b.SBOM != "" {
		var all []program
		for _, v := range b.built {
			all = append(all, v.program)
		}
		text, err := sbom(all, b.Created)
		if err == nil {
			err = os.WriteFile(b.SBOM, append(text, '\n'), 0o644)
		}
		if err != nil {
			return explainDisk("sbom "+b.SBOM, err)
		}
		b.result.SBOM = b.SBOM
	}
	for _, where := range []struct {
		wanted bool
		write  func(context.Context) error
	}{{b.Layout != "", b.writeLayout}, {b.Tarball != "", b.writeTarball}, {b.Push, b.push}} {
		if !where.wanted {
			continue
		}
		if err := where.write(ctx); err != nil {
			if ctx.Err() != nil {
				return errors.Join(context.Cause(ctx), err)
			}
			return err
		}
	}
	return nil
}
