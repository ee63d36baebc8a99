package image

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// What is wrong, beside what the text says.
var (
	// ErrConfig is a [Config] that nothing can be made of: a name, a platform, a folder.
	ErrConfig = errors.New("image: what is asked for can't be")
	// ErrRefused is a registry that wants a login, or does not let this one in.
	ErrRefused = errors.New("image: refused by the registry")
	// ErrUnreachable is a registry that does not answer, or not as one does.
	ErrUnreachable = errors.New("image: registry unreachable")
)

// fault is a text of its own that is also one of the errors above.
type fault struct {
	text       string
	kind, from error
}

// Error gives the text.
func (f *fault) Error() string { return f.text }

// Unwrap gives what it is and what it comes from.
func (f *fault) Unwrap() []error {
	if f.from == nil {
		return []error{f.kind}
	}
	return []error{f.kind, f.from}
}

func configFault(format string, args ...any) error {
	return &fault{text: fmt.Sprintf(format, args...), kind: ErrConfig}
}

// programForm is what a program may be called: it is a file in the image and, by default, the application's name.
var programForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)

// plan is a configuration whose faults are told.
type plan struct {
	Config
	dir        string // as Config has it, for people
	absolute   string
	repository name.Repository
	platforms  []v1.Platform
	base       name.Reference // nil: none
}

// check completes a configuration and tells all its faults at once.
func (c Config) check() (*plan, error) {
	p := &plan{Config: c, dir: cmp.Or(c.Dir, ".")}
	var faults []error
	add := func(err error) {
		if err != nil {
			faults = append(faults, err)
		}
	}
	var err error
	if p.absolute, err = filepath.Abs(p.dir); err != nil {
		return nil, err
	}
	p.Name = cmp.Or(c.Name, filepath.Base(p.absolute))
	if !programForm.MatchString(p.Name) {
		add(configFault("program name %q: want letters, digits, '.', '_' and '-'; give it another one by --name", p.Name))
	}
	add(p.names())
	p.platforms, err = parsePlatforms(c.Platforms, c.Tarball != "" && !c.Push && c.Layout == "")
	add(err)
	if c.Tarball != "" && len(p.platforms) > 1 {
		add(configFault("a tarball holds the image of one platform, not of %s: say which by --platform, or write an OCI layout by --layout", platformList(p.platforms)))
	}
	if c.Base != "" {
		if p.base, err = name.ParseReference(c.Base); err != nil {
			add(configFault("base %q: %v", c.Base, err))
		}
	}
	if p.Created.IsZero() {
		p.Created = time.Unix(0, 0)
	}
	p.Created = p.Created.UTC()
	if p.Keychain == nil {
		p.Keychain = authn.DefaultKeychain
	}
	return p, errors.Join(faults...)
}

// names checks how the image is called.
func (p *plan) names() error {
	repository := p.Repository
	if repository == "" {
		if p.Push {
			return configFault("push: to which registry? want HOST/NAME, e.g. registry.example.org/team/%s", strings.ToLower(p.Name))
		}
		repository = strings.ToLower(p.Name)
	}
	if strings.ContainsRune(repository, '@') {
		return configFault("image name %q: it has a digest; want HOST/NAME or HOST/NAME:TAG: what is built gives the digest", repository)
	}
	if p.Push && !hasHost(repository) {
		return configFault("image name %q: it names no registry; want HOST/NAME, e.g. registry.example.org/team/%s, or docker.io/USER/NAME", repository, repository)
	}
	var options []name.Option
	if p.PlainHTTP {
		options = append(options, name.Insecure)
	}
	var err error
	if p.repository, err = name.NewRepository(repository, options...); err != nil {
		if low := strings.ToLower(repository); low != repository {
			return configFault("image name %q: want small letters: %q", repository, low)
		}
		return configFault("image name %q: %v", repository, err)
	}
	switch p.Tag {
	case "":
	case "latest":
		return configFault("tag latest: it says nothing of what it is, and nodes ask the registry for it at every start; want another, or none, for one that the content gives")
	default:
		if _, err := name.NewTag(p.repository.Name() + ":" + p.Tag); err != nil {
			return configFault("tag %q: want letters, digits, '.', '_' and '-', up to 128", p.Tag)
		}
	}
	return nil
}

// hasHost tells whether a name begins with a registry, as docker decides it.
func hasHost(repository string) bool {
	host, _, ok := strings.Cut(repository, "/")
	return ok && (strings.ContainsAny(host, ".:") || host == "localhost")
}

// ParseName cuts "HOST/NAME:TAG" into the name and the tag, which may be missing.
func ParseName(s string) (repository, tag string) {
	if at := strings.LastIndexByte(s, ':'); at > strings.LastIndexByte(s, '/') && !strings.ContainsRune(s, '@') {
		return s[:at], s[at+1:]
	}
	return s, ""
}

// parsePlatforms gives platforms, or the default ones.
func parsePlatforms(names []string, local bool) (all []v1.Platform, err error) {
	if len(names) == 0 {
		if local {
			return []v1.Platform{{OS: "linux", Architecture: runtime.GOARCH}}, nil
		}
		return []v1.Platform{{OS: "linux", Architecture: "amd64"}, {OS: "linux", Architecture: "arm64"}}, nil
	}
	var faults []error
	for _, s := range names {
		p, err := parsePlatform(strings.TrimSpace(s))
		if err != nil {
			faults = append(faults, err)
			continue
		}
		if slices.ContainsFunc(all, func(o v1.Platform) bool { return o.Equals(p) }) {
			faults = append(faults, configFault("platform %q: it is there twice", s))
			continue
		}
		all = append(all, p)
	}
	return all, errors.Join(faults...)
}

func parsePlatform(s string) (v1.Platform, error) {
	parts := strings.Split(s, "/")
	if len(parts) < 2 || len(parts) > 3 || slices.Contains(parts, "") {
		return v1.Platform{}, configFault("platform %q: want OS/ARCHITECTURE, as linux/amd64, or linux/arm/v7", s)
	}
	p := v1.Platform{OS: parts[0], Architecture: parts[1]}
	if len(parts) == 3 {
		p.Variant = parts[2]
	}
	if p.OS != "linux" {
		return p, configFault("platform %q: images are of linux", s)
	}
	architectures := []string{"386", "amd64", "arm", "arm64", "loong64", "ppc64le", "riscv64", "s390x"} // those that Go and OCI both know, with a libc-free linux
	if !slices.Contains(architectures, p.Architecture) {
		return p, configFault("platform %q: want one of the architectures %s", s, strings.Join(architectures, ", "))
	}
	known := map[string][]string{"arm": {"v5", "v6", "v7"}, "amd64": {"v1", "v2", "v3", "v4"}, "arm64": {"v8"}}
	if p.Variant != "" && !slices.Contains(known[p.Architecture], p.Variant) {
		return p, configFault("platform %q: %s has no variant %q", s, p.Architecture, p.Variant)
	}
	return p, nil
}

// goSettings are those of the go command for a platform. The level of the architecture is always said, so that nobody's own setting changes what is built.
func goSettings(p v1.Platform) []string {
	s := []string{"CGO_ENABLED=0", "GOOS=" + p.OS, "GOARCH=" + p.Architecture}
	switch p.Architecture {
	case "amd64":
		s = append(s, "GOAMD64="+cmp.Or(p.Variant, "v1"))
	case "arm":
		s = append(s, "GOARM="+strings.TrimPrefix(cmp.Or(p.Variant, "v7"), "v"))
	case "arm64":
		s = append(s, "GOARM64=v8.0")
	}
	return s
}

func platformList(all []v1.Platform) string {
	var names []string
	for _, p := range all {
		names = append(names, p.String())
	}
	return strings.Join(names, ", ")
}
