package image_test

import (
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/dubbofn/dubbofn/image"
)

// serveRegistry runs go-containerregistry's registry, and gives its address.
func serveRegistry(t *testing.T, options ...registry.Option) string {
	t.Helper()
	server := httptest.NewServer(registry.New(append(options, registry.Logger(log.New(io.Discard, "", 0)))...))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

func TestWhatIsPushedIsPulledAndRuns(t *testing.T) {
	t.Parallel()
	for _, referrers := range []bool{true, false} {
		host := serveRegistry(t, registry.WithReferrersSupport(referrers))
		c := config(t, helloModule(t))
		c.Platforms, c.Labels, c.Repository, c.Push = []string{"linux/amd64", "linux/arm64"}, map[string]string{"org.opencontainers.image.version": "v1"}, host+"/team/hello", true
		var pushed counted
		c.Progress = func(title string, _ int64, _ bool) image.Progress {
			if strings.HasPrefix(title, "pushing ") {
				return &pushed
			}
			return quiet{}
		}
		r := build(t, c)
		if !r.Pushed || r.Pinned != host+"/team/hello@"+r.Digest || pushed.n.Load() == 0 || pushed.n.Load() != pushed.total.Load() {
			t.Errorf("%+v; progress ended at %d of %d", r, pushed.n.Load(), pushed.total.Load())
		}
		transport := remote.WithTransport(c.Transport)
		tag, err := name.NewTag(r.Ref)
		if err != nil {
			t.Fatal(err)
		}
		img, err := remote.Image(tag, transport, remote.WithPlatform(v1.Platform{OS: "linux", Architecture: runtime.GOARCH}))
		if err != nil {
			t.Fatal(err)
		}
		m, err := img.Manifest()
		if err != nil || m.MediaType != types.OCIManifestSchema1 || m.Annotations["org.opencontainers.image.version"] != "v1" {
			t.Errorf("%+v, %v", m, err)
		}
		if out := runExtracted(t, img); out != "hello none 1970\n" {
			t.Errorf("it printed %q", out)
		}
		for _, p := range r.Platforms {
			checkBeside(t, tag.Digest(p.Digest), transport)
		}
		if again := build(t, c); again.Digest != r.Digest {
			t.Errorf("pushed again it is %s", again.Digest)
		}
	}
}

// checkBeside wants the list of modules beside an image.
func checkBeside(t *testing.T, of name.Digest, transport remote.Option) {
	t.Helper()
	all, err := remote.Referrers(of, transport)
	if err != nil {
		t.Fatal(err)
	}
	m, err := all.IndexManifest()
	if err != nil || len(m.Manifests) != 1 || m.Manifests[0].ArtifactType != "application/spdx+json" {
		t.Fatalf("the image's referrers are %+v, %v", m, err)
	}
	a, err := remote.Image(of.Digest(m.Manifests[0].Digest.String()), transport)
	if err != nil {
		t.Fatal(err)
	}
	layers, err := a.Layers()
	if err != nil || len(layers) != 1 {
		t.Fatal(layers, err)
	}
	r, err := layers[0].Compressed()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	var doc struct {
		SPDXVersion string `json:"spdxVersion"`
	}
	if err := json.NewDecoder(r).Decode(&doc); err != nil || doc.SPDXVersion != "SPDX-2.3" {
		t.Errorf("%+v, %v", doc, err)
	}
	_, _ = io.Copy(io.Discard, r)
}

// counted is a progress that counts.
type counted struct{ n, total atomic.Int64 }

func (c *counted) Add(n int64)   { c.n.Add(n) }
func (c *counted) Total(n int64) { c.total.Store(n) }
func (c *counted) Done(error)    {}

func TestAnImageIsBuiltOnAnother(t *testing.T) {
	t.Parallel()
	host := serveRegistry(t)
	// A base of Docker's kind, as most are: an image with a variable, a user and a label of its own.
	plain := config(t, helloModule(t))
	plain.Name, plain.Repository, plain.Push, plain.Tag = "base", host+"/base", true, "v1"
	build(t, plain)
	tag, err := name.NewTag(host + "/base:v1")
	if err != nil {
		t.Fatal(err)
	}
	transport := remote.WithTransport(plain.Transport)
	base, err := remote.Image(tag, transport)
	if err != nil {
		t.Fatal(err)
	}
	base, err = mutate.Config(mutate.MediaType(mutate.ConfigMediaType(base, types.DockerConfigJSON), types.DockerManifestSchema2),
		v1.Config{User: "root", Env: []string{"COLOUR=blue"}, Cmd: []string{"sh"}, Labels: map[string]string{"of": "base"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(tag, base, transport); err != nil {
		t.Fatal(err)
	}
	c := config(t, helloModule(t))
	c.Base, c.Repository, c.Push = tag.Name(), host+"/hello", true
	r := build(t, c)
	own, err := name.NewDigest(r.Pinned)
	if err != nil {
		t.Fatal(err)
	}
	img, err := remote.Image(own, transport)
	if err != nil {
		t.Fatal(err)
	}
	f, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if f.Config.User != "65532:65532" || f.Config.Entrypoint[0] != "/app/hello" || len(f.Config.Cmd) != 0 || f.Config.Env[0] != "COLOUR=blue" || f.Config.Labels["of"] != "base" ||
		f.Config.Labels["org.opencontainers.image.base.name"] != tag.Name() {
		t.Errorf("%+v", f.Config)
	}
	m, err := img.Manifest()
	if err != nil || len(m.Layers) != 3 || m.MediaType != types.DockerManifestSchema2 || m.Layers[2].MediaType != types.DockerLayer {
		t.Errorf("%+v, %v", m, err)
	}
	if out := runExtracted(t, img); out != "hello none 1970\n" {
		t.Errorf("it printed %q", out)
	}
	c.Base = host + "/nothing:v1"
	if _, err := image.Build(t.Context(), c); !errors.Is(err, image.ErrRefused) || !strings.Contains(err.Error(), "base "+c.Base+" for linux/"+runtime.GOARCH+": "+host+" has no such image") {
		t.Error(err)
	}
}

func TestARegistryThatWantsALoginGetsIt(t *testing.T) {
	t.Parallel()
	inner := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "ada" || password != "secret" {
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		inner.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	c := config(t, helloModule(t))
	c.Repository, c.Push = strings.TrimPrefix(server.URL, "http://")+"/hello", true
	for _, x := range []struct {
		login authn.Authenticator
		ok    bool
	}{{authn.Anonymous, false}, {&authn.Basic{Username: "ada", Password: "wrong"}, false}, {&authn.Basic{Username: "ada", Password: "secret"}, true}} {
		c.Keychain = keychain{x.login}
		r, err := image.Build(t.Context(), c)
		if x.ok && (err != nil || !r.Pushed) || !x.ok && (!errors.Is(err, image.ErrRefused) || !strings.Contains(err.Error(), "docker login")) {
			t.Errorf("%+v: %v", x.login, err)
		}
		if err != nil && strings.Contains(err.Error(), "wrong") {
			t.Errorf("the password is told: %v", err)
		}
	}
}

type keychain struct{ authn.Authenticator }

func (k keychain) Resolve(authn.Resource) (authn.Authenticator, error) { return k.Authenticator, nil }

func TestARegistryThatRefusesIsExplained(t *testing.T) {
	t.Parallel()
	dir := helloModule(t)
	for name, x := range map[string]struct {
		status int
		kind   error
		want   string
	}{
		"forbidden": {http.StatusForbidden, image.ErrRefused, "does not let you at team/hello; ask its owner"},
		"not there": {http.StatusNotFound, image.ErrRefused, "has no team/hello; some registries want a project"},
		"too large": {http.StatusRequestEntityTooLarge, image.ErrRefused, "takes no layer of this size"},
		"teapot":    {http.StatusTeapot, image.ErrRefused, "answers 418"},
		"broken":    {http.StatusBadGateway, image.ErrUnreachable, "answers 502: the fault is there"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/v2/" {
					w.WriteHeader(x.status)
				}
			}))
			t.Cleanup(server.Close)
			c := config(t, dir)
			c.Repository, c.Push = strings.TrimPrefix(server.URL, "http://")+"/team/hello", true
			r, err := image.Build(t.Context(), c)
			if r.Pushed || !errors.Is(err, x.kind) || !strings.Contains(err.Error(), x.want) || !strings.HasPrefix(err.Error(), "push "+r.Ref) {
				t.Errorf("%v; want %q", err, x.want)
			}
		})
	}
}

func TestARegistryThatIsNotReachedIsExplained(t *testing.T) {
	t.Parallel()
	dir := helloModule(t)
	plain := httptest.NewServer(http.NotFoundHandler())
	gone := strings.TrimPrefix(plain.URL, "http://")
	plain.Close()
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	unsecured := serveRegistry(t)
	for name, x := range map[string]struct {
		repository string
		through    string // where it really is
		want       string
	}{
		"nobody listens":       {gone + "/hello", "", "nothing listens at " + gone},
		"no such host":         {"registry.invalid/hello", "", `there is no host "registry.invalid"`},
		"TLS where none is":    {"registry.example.org/hello", unsecured, "speaks HTTP without TLS; --plain-http"},
		"an unknown authority": {"registry.example.org/hello", strings.TrimPrefix(secure.URL, "https://"), "the certificate of registry.example.org is not trusted here"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := config(t, dir)
			c.Repository, c.Push = x.repository, true
			if x.through != "" {
				c.Transport = redirected(t, x.through)
			}
			if _, err := image.Build(t.Context(), c); !errors.Is(err, image.ErrUnreachable) || !strings.Contains(err.Error(), x.want) {
				t.Errorf("%v; want %q", err, x.want)
			}
		})
	}
}

func TestARegistryWithoutTLSIsSpokenToWhenAsked(t *testing.T) {
	t.Parallel()
	c := config(t, helloModule(t))
	c.Repository, c.Push, c.PlainHTTP, c.Transport, c.NoReferrer = "registry.example.org/hello", true, true, redirected(t, serveRegistry(t)), true
	if r := build(t, c); !r.Pushed {
		t.Errorf("%+v", r)
	}
	c.Layout = filepath.Join(t.TempDir(), "layout")
	if r := build(t, c); r.Layout == "" || !r.Pushed {
		t.Errorf("%+v", r)
	}
}
