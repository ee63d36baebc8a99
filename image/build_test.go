package image_test

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/dubbofn/dubbofn/image"
)

func TestTheSameSourcesGiveTheSameBytesAnywhere(t *testing.T) {
	t.Parallel()
	var results []image.Result
	var layouts, lists [][]byte
	for _, place := range []string{"here", "there/and/deeper"} {
		top := t.TempDir()
		c := config(t, module(t, filepath.Join(top, place, "hello"), hello))
		c.Platforms, c.Certificates = nil, "" // both, and this machine's
		c.Layout, c.SBOM = filepath.Join(top, "layout"), filepath.Join(top, "hello.spdx.json")
		results = append(results, build(t, c))
		list, err := os.ReadFile(c.SBOM)
		if err != nil {
			t.Fatal(err)
		}
		layouts, lists = append(layouts, tree(t, c.Layout)), append(lists, list)
	}
	a, b := results[0], results[1]
	if a.Digest != b.Digest || a.Ref != b.Ref || !bytes.Equal(layouts[0], layouts[1]) || !bytes.Equal(lists[0], lists[1]) {
		t.Errorf("%+v and %+v; layouts of %d and %d bytes: want the same", a, b, len(layouts[0]), len(layouts[1]))
	}
	if len(a.Platforms) != 2 || a.Platforms[0].Digest == a.Platforms[1].Digest || a.Ref != "hello:"+a.Digest[7:19] || a.Pinned != "hello@"+a.Digest {
		t.Errorf("%+v", a)
	}
	other := build(t, config(t, module(t, filepath.Join(t.TempDir(), "hello"), strings.Replace(hello, "hello", "hallo", 1))))
	if other.Digest == a.Platforms[0].Digest || other.Digest == a.Platforms[1].Digest {
		t.Error("another program has the same digest")
	}
}

func TestTimesInTheImageAreTheOneThatIsAskedFor(t *testing.T) {
	t.Parallel()
	c := config(t, helloModule(t))
	c.Created, c.Tarball = time.Unix(1_700_000_000, 0), filepath.Join(t.TempDir(), "hello.tar")
	build(t, c)
	img, err := tarball.ImageFromPath(c.Tarball, nil)
	if err != nil {
		t.Fatal(err)
	}
	f, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if !f.Created.Equal(c.Created) || f.Config.Labels["org.opencontainers.image.created"] != "2023-11-14T22:13:20Z" || !f.History[1].Created.Equal(c.Created) {
		t.Errorf("%+v", f)
	}
	each(t, img, func(h *tar.Header, _ io.Reader) {
		if !h.ModTime.Equal(c.Created) {
			t.Errorf("%s is of %v", h.Name, h.ModTime)
		}
	})
}

// each calls f with every file of an image, layer by layer.
func each(t *testing.T, img v1.Image, f func(*tar.Header, io.Reader)) {
	t.Helper()
	r := mutate.Extract(img)
	defer func() { _ = r.Close() }()
	for tr := tar.NewReader(r); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		f(h, tr)
	}
}

// runExtracted checks what is in an image, and runs its program on this machine's files.
func runExtracted(t *testing.T, img v1.Image) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "hello")
	modes := map[string]int64{}
	each(t, img, func(h *tar.Header, r io.Reader) {
		modes[strings.TrimSuffix(h.Name, "/")] = h.Mode
		owner := 0
		if strings.TrimSuffix(h.Name, "/") == "home/nonroot" {
			owner = 65532
		}
		if h.Uid != owner || h.Gid != owner {
			t.Errorf("%s is of %d:%d", h.Name, h.Uid, h.Gid)
		}
		if h.Name == "app/hello" {
			b, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(program, b, 0o700); err != nil {
				t.Fatal(err)
			}
		}
	})
	for file, mode := range map[string]int64{"etc/passwd": 0o644, "tmp": 0o1777, "app": 0o755, "app/hello": 0o555, "usr/share/zoneinfo/Europe/Berlin": 0o644} {
		if modes[file] != mode {
			t.Errorf("%s has mode %o, want %o", file, modes[file], mode)
		}
	}
	out, err := exec.CommandContext(t.Context(), program).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

func TestATarballIsLoadedAndItsProgramRuns(t *testing.T) {
	t.Parallel()
	c := config(t, helloModule(t))
	c.Tarball, c.LDFlags, c.Tag = filepath.Join(t.TempDir(), "hello.tar"), "-X main.version=v1.2.3", "v1.2.3"
	r := build(t, c)
	img, err := tarball.ImageFromPath(c.Tarball, nil)
	if err != nil {
		t.Fatal(err)
	}
	if out := runExtracted(t, img); out != "hello v1.2.3 1970\n" {
		t.Errorf("it printed %q", out)
	}
	manifest, err := tarball.LoadManifest(func() (io.ReadCloser, error) { return os.Open(c.Tarball) })
	if err != nil || len(manifest) != 1 || len(manifest[0].RepoTags) != 1 || manifest[0].RepoTags[0] != "hello:v1.2.3" || r.Ref != "hello:v1.2.3" {
		t.Errorf("%+v, %v, %s", manifest, err, r.Ref)
	}
	p := r.Platforms[0]
	if p.CompressedBytes < 500_000 || p.CompressedBytes >= p.UncompressedBytes || p.ProgramBytes >= p.UncompressedBytes || p.Modules != 1 {
		t.Errorf("%+v", p)
	}
}

func TestALayoutIsWrittenAgainInItsPlace(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "layout")
	first := config(t, helloModule(t))
	first.Layout = dir
	before := build(t, first)
	fresh := tree(t, dir)
	second := config(t, module(t, filepath.Join(t.TempDir(), "hello"), strings.Replace(hello, "hello", "hallo", 1)))
	second.Layout = dir
	if r := build(t, second); r.Digest == before.Digest {
		t.Fatal("another program has the same digest")
	}
	build(t, first)
	if again := tree(t, dir); !bytes.Equal(again, fresh) {
		t.Errorf("the layout has %d bytes, written twice %d", len(fresh), len(again))
	}
	third := config(t, module(t, filepath.Join(t.TempDir(), "other"), hello))
	third.Layout = dir
	build(t, third)
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(index); err != nil {
		t.Error(err)
	}
	m, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, d := range m.Manifests {
		kind := strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(d.ArtifactType, "application/"), "vnd.oci."), "+json")
		names = append(names, d.Annotations["org.opencontainers.image.title"]+" "+strings.TrimSuffix(kind, ".v1"))
	}
	if got := strings.Join(names, ","); got != "hello image.config,hello spdx,other image.config,other spdx" {
		t.Errorf("the layout has %q", got)
	}
}

func TestAFunctionsImageHasItsManifest(t *testing.T) {
	t.Parallel()
	dir := filepath.Join("..", "examples", "functions", "greet")
	c := config(t, dir)
	c.Tarball, c.Environment = filepath.Join(t.TempDir(), "greet.tar"), append(c.Environment, "DUBBOFN_APP=another", "PORT=1")
	r := build(t, c)
	img, err := tarball.ImageFromPath(c.Tarball, nil)
	if err != nil {
		t.Fatal(err)
	}
	f, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	var m struct {
		App      string
		Services []struct{ Interface string }
	}
	if err := json.Unmarshal([]byte(f.Config.Labels[image.ManifestLabel]), &m); err != nil || string(r.Manifest) != f.Config.Labels[image.ManifestLabel] {
		t.Fatal(err, r.Manifest)
	}
	if m.App != "greet" || len(m.Services) != 1 || m.Services[0].Interface != "org.example.GreetService" {
		t.Errorf("%+v", m)
	}
	if f.Config.User != "65532:65532" || strings.Join(f.Config.Entrypoint, " ") != "/app/greet" || strings.Join(f.Config.Env, " ") != "PATH=/app PORT=8080" || f.Architecture != runtime.GOARCH {
		t.Errorf("%+v", f)
	}
	c.Platforms, c.Tarball = []string{"linux/arm64"}, "" // which this machine does not run
	if runtime.GOARCH == "arm64" {
		c.Platforms = []string{"linux/amd64"}
	}
	if other := build(t, c); !bytes.Equal(other.Manifest, r.Manifest) {
		t.Errorf("for another platform the manifest is %s", other.Manifest)
	}
}

func TestAProgramThatIsNoFunctionHasNoManifest(t *testing.T) {
	t.Parallel()
	c := config(t, filepath.Join("testdata", "tool"))
	if _, err := image.Build(t.Context(), c); err == nil || !strings.Contains(err.Error(), "it does not tell what it offers") || !strings.Contains(err.Error(), "--no-manifest") {
		t.Error(err)
	}
	c.NoManifest = true
	if r := build(t, c); r.Manifest != nil {
		t.Errorf("its manifest is %s", r.Manifest)
	}
}

func TestACancelledBuildLeavesNothing(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	c := config(t, helloModule(t))
	c.Layout = filepath.Join(t.TempDir(), "layout")
	c.Progress = func(string, int64, bool) image.Progress {
		cancel()
		return quiet{}
	}
	if _, err := image.Build(ctx, c); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, err := os.Stat(c.Layout); err == nil {
		t.Error("it wrote the layout")
	}
}

type quiet struct{}

func (quiet) Add(int64)   {}
func (quiet) Total(int64) {}
func (quiet) Done(error)  {}

// A node pulls an image before the first call that it serves: how large it may be is part of the promise, and docs/images.md has the figures.
func TestAFunctionWithNacosAndSkyWalkingIsSmall(t *testing.T) {
	if testing.Short() {
		t.Skip("it compiles Nacos's client twice")
	}
	t.Parallel()
	c := config(t, filepath.Join("testdata", "greet"))
	c.Platforms, c.Certificates = nil, ""
	r := build(t, c)
	const limit = 20_000_000
	for _, p := range r.Platforms {
		t.Logf("%s: %.1f MB to pull, %.1f MB unpacked, of which the program is %.1f MB; %d modules", p.Platform, float64(p.CompressedBytes)/1e6, float64(p.UncompressedBytes)/1e6, float64(p.ProgramBytes)/1e6, p.Modules)
		if p.CompressedBytes > limit {
			t.Errorf("%s: %d bytes to pull, want no more than %d", p.Platform, p.CompressedBytes, limit)
		}
	}
}
