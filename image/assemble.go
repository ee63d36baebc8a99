package image

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// ManifestLabel is the label of a function's image with its manifest (fn.Manifest, JSON); deployments have it as an annotation of the same name.
const ManifestLabel = "dubbofn.dev/manifest"

// Labels that every image has (https://github.com/opencontainers/image-spec/blob/v1.1.1/annotations.md).
const (
	titleLabel      = "org.opencontainers.image.title"
	createdLabel    = "org.opencontainers.image.created"
	baseLabel       = "org.opencontainers.image.base.name"
	baseDigestLabel = "org.opencontainers.image.base.digest"
	refAnnotation   = "org.opencontainers.image.ref.name" // in layouts: the tag
)

// assemble puts the layers together, for each platform, and the platforms under one index.
func (b *builder) assemble(ctx context.Context) error {
	var system *layer
	if b.base == nil {
		files, err := b.system(ctx, b.result)
		if err != nil {
			return err
		}
		l, err := b.layer(ctx, "packing certificates and time zones", "system", files, types.OCILayer)
		if err != nil {
			return err
		}
		l.madeBy = "certificates, time zones, users"
		system = &l
	}
	for i := range b.built {
		if err := b.assembleOne(ctx, &b.built[i], system); err != nil {
			return err
		}
	}
	if len(b.built) == 1 {
		return nil
	}
	b.index = mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, v := range b.built {
		platform := v.platform
		b.index = mutate.AppendManifests(b.index, mutate.IndexAddendum{Add: v.image, Descriptor: v1.Descriptor{Platform: &platform}})
	}
	b.index, _ = mutate.Annotations(b.index, b.labels()).(v1.ImageIndex) // it gives what it gets
	return nil
}

func (b *builder) layer(ctx context.Context, title, name string, files []file, kind types.MediaType) (layer, error) {
	total := int64(0)
	for _, f := range files {
		total += int64(len(f.content))
	}
	told := b.begin(title, total, true)
	l, err := writeLayer(ctx, filepath.Join(b.work, name+".tar.gz"), files, b.Created, kind, told)
	told.Done(err)
	return l, err
}

// assembleOne makes the image of a platform.
func (b *builder) assembleOne(ctx context.Context, v *variant, system *layer) error {
	base, kind, err := b.baseOf(ctx, v.platform)
	if err != nil {
		return err
	}
	var layers []layer
	if system != nil {
		layers = append(layers, *system)
	}
	own, err := b.programLayer(ctx, v, kind)
	if err != nil {
		return err
	}
	layers = append(layers, own)
	uncompressed, err := sizeOf(ctx, base)
	if err != nil {
		return err
	}
	var adds []mutate.Addendum
	for _, l := range layers {
		uncompressed += l.uncompressed
		adds = append(adds, mutate.Addendum{Layer: l, MediaType: kind, History: v1.History{Created: v1.Time{Time: b.Created}, CreatedBy: "dubbofn build", Comment: l.madeBy}})
	}
	if v.image, err = mutate.Append(base, adds...); err != nil {
		return err
	}
	if v.image, err = b.configure(v, base); err != nil {
		return err
	}
	if v.beside, err = b.artifact(v); err != nil {
		return err
	}
	return b.measureOne(v, uncompressed)
}

func (b *builder) programLayer(ctx context.Context, v *variant, kind types.MediaType) (l layer, err error) {
	files := []file{{name: programs, mode: 0o755}, {name: programs + "/" + b.Name, mode: 0o555, path: v.path}}
	told := b.begin(fmt.Sprintf("packing %s for %s", b.Name, v.platform), v.program.bytes, true)
	l, err = writeLayer(ctx, v.path+".tar.gz", files, b.Created, kind, told)
	told.Done(err)
	l.madeBy = b.Name
	return l, err
}

// baseOf is what the program is put on, and the kind of its layers.
func (b *builder) baseOf(ctx context.Context, platform v1.Platform) (v1.Image, types.MediaType, error) {
	if b.base == nil {
		return mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON), types.OCILayer, nil
	}
	img, err := remote.Image(b.base, append(b.remote(ctx), remote.WithPlatform(platform))...)
	if err != nil {
		return nil, "", explainRegistry("base "+b.Base+" for "+platform.String(), b.base.Context(), err)
	}
	kind, err := img.MediaType()
	if err != nil {
		return nil, "", explainRegistry("base "+b.Base, b.base.Context(), err)
	}
	if kind == types.DockerManifestSchema2 {
		return img, types.DockerLayer, nil
	}
	return img, types.OCILayer, nil
}

// configure says how the program is run.
func (b *builder) configure(v *variant, base v1.Image) (v1.Image, error) {
	config, err := v.image.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Variant = v.platform.OS, v.platform.Architecture, v.platform.Variant
	config.Created, config.Author, config.Container = v1.Time{Time: b.Created}, "", ""
	c := &config.Config
	c.User, c.WorkingDir, c.Entrypoint, c.Cmd = fmt.Sprintf("%d:%d", user, user), "/", []string{"/" + programs + "/" + b.Name}, nil
	if b.base == nil {
		c.Env = []string{"PATH=/" + programs}
	}
	if b.function() {
		c.Env = append(slices.DeleteFunc(c.Env, func(v string) bool { return len(v) > 5 && v[:5] == "PORT=" }), "PORT=8080")
		c.ExposedPorts = map[string]struct{}{"8080/tcp": {}, "20880/tcp": {}}
	}
	labels := b.labels()
	if b.base != nil {
		digest, err := base.Digest()
		if err != nil {
			return nil, err
		}
		labels[baseLabel], labels[baseDigestLabel] = b.base.Name(), digest.String()
	}
	annotations := maps.Clone(labels)
	if b.result.Manifest != nil {
		labels[ManifestLabel] = string(b.result.Manifest)
	}
	if c.Labels == nil {
		c.Labels = map[string]string{}
	}
	maps.Copy(c.Labels, labels)
	img, err := mutate.ConfigFile(v.image, config)
	if err != nil {
		return nil, err
	}
	if kind, err := img.MediaType(); err != nil || kind != types.OCIManifestSchema1 {
		return img, err // Docker's own manifests have no annotations
	}
	img, _ = mutate.Annotations(img, annotations).(v1.Image) // it gives what it gets
	return img, nil
}

// labels are those of the image, without its manifest.
func (b *builder) labels() map[string]string {
	all := map[string]string{titleLabel: b.Name, createdLabel: b.Created.Format(time.RFC3339)}
	maps.Copy(all, b.Labels)
	return all
}

// measureOne adds a platform to the result.
func (b *builder) measureOne(v *variant, uncompressed int64) error {
	digest, err := v.image.Digest()
	if err != nil {
		return err
	}
	m, err := v.image.Manifest()
	if err != nil {
		return err
	}
	size, err := v.image.Size()
	if err != nil {
		return err
	}
	size += m.Config.Size
	for _, l := range m.Layers {
		size += l.Size
	}
	b.result.Platforms = append(b.result.Platforms, Platform{
		Platform: v.platform.String(), Digest: digest.String(), CompressedBytes: size, UncompressedBytes: uncompressed,
		ProgramBytes: v.program.bytes, Modules: len(linked(v.program.info)) - 1, // Go's library is none
	})
	return nil
}
