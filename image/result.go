package image

import "encoding/json"

// Result is an image that was made.
type Result struct {
	// Name is the program's.
	Name string `json:"name"`
	// Ref is the image's name with its tag; Digest that of its index, or of its manifest where it has one platform: "sha256:…".
	Ref    string `json:"ref"`
	Digest string `json:"digest"`
	// Pinned is the name with the digest instead of the tag: the one to deploy, where it was pushed.
	Pinned string `json:"pinned"`
	// Pushed tells whether it is in its registry.
	Pushed bool `json:"pushed"`
	// Tarball, Layout and SBOM are where it was written.
	Tarball string `json:"tarball,omitempty"`
	Layout  string `json:"layout,omitempty"`
	SBOM    string `json:"sbom,omitempty"`
	// Platforms are in the order of the configuration.
	Platforms []Platform `json:"platforms"`
	// Manifest is what the function says of itself (fn.Manifest); nil where the program is no function.
	Manifest json.RawMessage `json:"manifest,omitempty"`
	// Warnings are what a person should know.
	Warnings []string `json:"warnings,omitempty"`
}

// Platform is the image for one platform.
type Platform struct {
	Platform string `json:"platform"` // "linux/amd64"
	Digest   string `json:"digest"`   // of its manifest
	// CompressedBytes is what is pulled: layers, configuration and manifest. UncompressedBytes is what the layers are on the disk.
	CompressedBytes   int64 `json:"compressedBytes"`
	UncompressedBytes int64 `json:"uncompressedBytes"`
	// ProgramBytes is the program alone, Modules how many are linked in, its own included.
	ProgramBytes int64 `json:"programBytes"`
	Modules      int   `json:"modules"`
}
