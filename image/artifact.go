package image

import (
	"context"
	"encoding/json"
	"errors"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// emptyConfig is what artifacts without a configuration have (OCI image specification 1.1, "Guidance for an Empty Descriptor"). Its media type is that of the
// artifact, as before 1.1: registries that don't know artifactType yet take the type from there.
const emptyConfig = "{}"

// artifact is a manifest with a subject and one file, which registries show as a referrer of the subject (OCI distribution specification 1.1).
type artifact struct {
	raw  []byte
	file v1.Layer
}

// artifact makes the list of what is linked into a program one that refers to its image.
func (b *builder) artifact(v *variant) (v1.Image, error) {
	text, err := sbom([]program{v.program}, b.Created)
	if err != nil {
		return nil, err
	}
	a := &artifact{file: static.NewLayer(text, sbomType)}
	file, err := partial.Descriptor(a.file)
	if err != nil {
		return nil, err
	}
	config, err := partial.Descriptor(static.NewLayer([]byte(emptyConfig), sbomType))
	if err != nil {
		return nil, err
	}
	subject, err := partial.Descriptor(v.image)
	if err != nil {
		return nil, err
	}
	file.Annotations = map[string]string{titleLabel: b.Name + ".spdx.json"}
	a.raw, err = json.Marshal(v1.Manifest{
		SchemaVersion: 2, MediaType: types.OCIManifestSchema1, ArtifactType: sbomType, Config: *config, Layers: []v1.Descriptor{*file},
		Subject:     &v1.Descriptor{MediaType: subject.MediaType, Digest: subject.Digest, Size: subject.Size},
		Annotations: map[string]string{createdLabel: b.labels()[createdLabel]},
	})
	if err != nil {
		return nil, err
	}
	return partial.CompressedToImage(a)
}

// MediaType is that of an image's manifest.
func (a *artifact) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }

// RawManifest is the manifest.
func (a *artifact) RawManifest() ([]byte, error) { return a.raw, nil }

// RawConfigFile is the empty configuration.
func (a *artifact) RawConfigFile() ([]byte, error) { return []byte(emptyConfig), nil }

// LayerByDigest is the file.
func (a *artifact) LayerByDigest(h v1.Hash) (partial.CompressedLayer, error) {
	if own, err := a.file.Digest(); err != nil || own == h {
		return a.file, err
	}
	config := static.NewLayer([]byte(emptyConfig), sbomType)
	if own, err := config.Digest(); err != nil || own == h {
		return config, err
	}
	return nil, errors.New("artifact: no such blob: " + h.String())
}

// sizeOf is what the layers of an image are on the disk, as far as reading them tells.
func sizeOf(ctx context.Context, img v1.Image) (size int64, err error) {
	layers, err := img.Layers()
	if err != nil {
		return 0, err
	}
	for _, l := range layers {
		r, err := l.Uncompressed()
		if err != nil {
			return 0, err
		}
		n, err := io.Copy(&counter{w: io.Discard, ctx: ctx, told: silent{}}, r)
		if err = errors.Join(err, r.Close()); err != nil {
			return 0, err
		}
		size += n
	}
	return size, nil
}
