package image

import (
	"net/http"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
)

// Config says what an image is made of and where it goes. Zero fields mean the defaults; without Push, Tarball and Layout the image is made and
// measured, and kept nowhere.
type Config struct {
	// Dir is the folder with the program's main package. Default: the current one.
	Dir string
	// Name is the program's name, and so the default of the application's. Default: the folder's name.
	Name string
	// Repository is the image's name without a tag: "registry.example.org/team/greet". Pushing needs it. Default: Name.
	Repository string
	// Tag is the image's tag. Default: one that its content gives, the same for the same content. "latest" is refused: it says nothing of what it
	// is, and kubelets ask the registry for it at every start.
	Tag string
	// Push sends it to the registry that Repository names.
	Push bool
	// Tarball is a file for `docker load`, Layout a folder for an OCI layout, SBOM a file for the list of what is linked in (SPDX 2.3, JSON).
	// A tarball has one platform.
	Tarball, Layout, SBOM string
	// Platforms are "linux/amd64", "linux/arm64", "linux/arm/v7", "linux/amd64/v3" and the like. Default: linux/amd64 and linux/arm64; for a
	// tarball alone the machine's own architecture.
	Platforms []string
	// Base is an image to build on, "gcr.io/distroless/static:nonroot". Default: none, but certificates, time zones, /etc/passwd and /tmp.
	Base string
	// Certificates is a PEM file with those that the image trusts. Default: this machine's. "none": none. Not used with a Base, which has its own.
	Certificates string
	// LDFlags are more flags of the linker: "-X main.version=v1.2.3".
	LDFlags string
	// Labels are more labels, which the manifests have as annotations too: "org.opencontainers.image.version".
	Labels map[string]string
	// Created is the time that everything in the image is said to be made at. Default: 1970-01-01, so that time does not change the image.
	Created time.Time
	// NoReferrer leaves out the lists of modules that are put beside the image, for registries that refuse them.
	NoReferrer bool
	// NoManifest is for a program that links package serve and is no function: it is not asked what it offers.
	NoManifest bool
	// Environment is what the go command gets, as "NAME=value".
	Environment []string
	// PlainHTTP speaks to the registry without TLS. Registries on this machine (localhost, 127.0.0.1, [::1]) are always spoken to so.
	PlainHTTP bool
	// Keychain knows the passwords of registries. Default: what `docker login` and `podman login` keep.
	Keychain authn.Keychain
	// Transport is what registries are asked by. Default: go-containerregistry's, which obeys HTTPS_PROXY.
	Transport http.RoundTripper
	// Progress is called when long work begins, with its number of bytes or -1, and told how it goes. Default: nobody is told.
	Progress func(title string, total int64, bytes bool) Progress
}

// Progress is told how long work goes. Add may be called by any goroutine.
type Progress interface {
	Add(n int64)
	Total(n int64)
	Done(err error)
}
