package image

import (
	"cmp"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// sbomType is the media type of a list of what is linked, and the type of the artifact that it is in.
const sbomType = "application/spdx+json"

// The parts of SPDX 2.3 that are written (https://spdx.github.io/spdx-spec/v2.3/, schema spdx-schema.json).
type (
	spdx struct {
		Version       string         `json:"spdxVersion"`
		License       string         `json:"dataLicense"`
		ID            string         `json:"SPDXID"`
		Name          string         `json:"name"`
		Namespace     string         `json:"documentNamespace"`
		Creation      spdxCreation   `json:"creationInfo"`
		Packages      []spdxPackage  `json:"packages"`
		Relationships []spdxRelation `json:"relationships"`
	}
	spdxCreation struct {
		Created  string   `json:"created"`
		Creators []string `json:"creators"`
	}
	spdxPackage struct {
		Name          string         `json:"name"`
		ID            string         `json:"SPDXID"`
		Version       string         `json:"versionInfo,omitempty"`
		Location      string         `json:"downloadLocation"`
		FilesAnalyzed bool           `json:"filesAnalyzed"`
		Purpose       string         `json:"primaryPackagePurpose,omitempty"`
		Source        string         `json:"sourceInfo,omitempty"`
		Concluded     string         `json:"licenseConcluded"`
		Declared      string         `json:"licenseDeclared"`
		Copyright     string         `json:"copyrightText"`
		Checksums     []spdxChecksum `json:"checksums,omitempty"`
		References    []spdxExternal `json:"externalRefs,omitempty"`
	}
	spdxExternal struct {
		Category string `json:"referenceCategory"`
		Type     string `json:"referenceType"`
		Locator  string `json:"referenceLocator"`
	}
	spdxChecksum struct {
		Algorithm string `json:"algorithm"`
		Value     string `json:"checksumValue"`
	}
	spdxRelation struct {
		Element string `json:"spdxElementId"`
		Type    string `json:"relationshipType"`
		Related string `json:"relatedSpdxElement"`
	}
)

// program is one that was built, and what it says of itself.
type program struct {
	name, platform string
	sum            string // SHA-256
	bytes          int64
	info           *debug.BuildInfo
}

func readProgram(path, name string) (p program, err error) {
	f, err := os.Open(path)
	if err != nil {
		return p, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	p.name = name
	if p.info, err = buildinfo.Read(f); err != nil {
		return p, fmt.Errorf("what is linked into %s: %w; want a program that Go built", path, err)
	}
	settings := map[string]string{}
	for _, s := range p.info.Settings {
		settings[s.Key] = s.Value
	}
	p.platform = settings["GOOS"] + "/" + settings["GOARCH"]
	sum := sha256.New()
	if p.bytes, err = io.Copy(sum, io.NewSectionReader(f, 0, 1<<62)); err != nil {
		return p, err
	}
	p.sum = hex.EncodeToString(sum.Sum(nil))
	return p, nil
}

// SBOM lists what is linked into a Go program, as it says itself: its own module, those that it needs, and Go's. It is SPDX 2.3 in JSON, said to be made at created. The
// same program and time give the same bytes.
func SBOM(path, name string, created time.Time) ([]byte, error) {
	p, err := readProgram(path, name)
	if err != nil {
		return nil, err
	}
	return sbom([]program{p}, created)
}

const unsaid = "NOASSERTION"

// sbom lists what is linked into programs, each module once.
func sbom(all []program, created time.Time) ([]byte, error) {
	const document = "SPDXRef-DOCUMENT"
	doc := spdx{
		Version: "SPDX-2.3", License: "CC0-1.0", ID: document, Name: all[0].name,
		Creation: spdxCreation{Created: created.UTC().Format(time.RFC3339), Creators: []string{"Tool: dubbofn"}},
	}
	modules := map[string]spdxPackage{}
	whole := sha256.New()
	for _, p := range all {
		fmt.Fprintln(whole, p.name, p.platform, p.sum)
		own := spdxPackage{
			Name: p.name, ID: spdxID("Program", p.name, p.platform), Version: version(p.info.Main), Location: unsaid, Purpose: "APPLICATION",
			Source: "built from " + p.info.Path + " for " + p.platform + " by " + p.info.GoVersion, Concluded: unsaid, Declared: unsaid, Copyright: unsaid,
			Checksums: []spdxChecksum{{"SHA256", p.sum}},
		}
		doc.Packages = append(doc.Packages, own)
		doc.Relationships = append(doc.Relationships, spdxRelation{document, "DESCRIBES", own.ID})
		for _, m := range linked(p.info) {
			modules[m.ID] = m
			doc.Relationships = append(doc.Relationships, spdxRelation{own.ID, "CONTAINS", m.ID})
		}
	}
	for _, id := range slices.Sorted(maps.Keys(modules)) {
		doc.Packages = append(doc.Packages, modules[id])
	}
	doc.Namespace = "https://dubbofn.dev/spdx/" + all[0].name + "-" + hex.EncodeToString(whole.Sum(nil))
	return json.MarshalIndent(doc, "", "  ")
}

// linked gives the modules of a program: its own, those that it needs as they were replaced, and Go's standard library.
func linked(info *debug.BuildInfo) (all []spdxPackage) {
	modules := append([]*debug.Module{{Path: "stdlib", Version: strings.TrimPrefix(strings.Fields(info.GoVersion)[0], "go")}, &info.Main}, info.Deps...)
	for _, m := range modules {
		source := ""
		if m.Sum != "" {
			source = "go.sum has " + m.Sum
		}
		if r := m.Replace; r != nil {
			source = "in the place of " + m.Path + "@" + m.Version
			if version(*r) != "" { // else a folder, whose name says nothing elsewhere
				m = r
			}
		}
		if m.Path == "" {
			continue
		}
		p := spdxPackage{
			Name: m.Path, ID: spdxID("Module", m.Path, version(*m)), Version: version(*m), Location: unsaid, Purpose: "LIBRARY", Source: source, Concluded: unsaid, Declared: unsaid,
			Copyright: unsaid, References: []spdxExternal{{"PACKAGE-MANAGER", "purl", purl(m.Path, version(*m))}},
		}
		if p.Version != "" && m.Path != "stdlib" {
			p.Location = "https://proxy.golang.org/" + escape(m.Path) + "/@v/" + escape(p.Version) + ".zip"
		}
		all = append(all, p)
	}
	return all
}

// version is that of a module; "" where nobody gave it one.
func version(m debug.Module) string {
	if m.Version == "(devel)" {
		return ""
	}
	return m.Version
}

// unfit is what an SPDX identifier can't have.
var unfit = regexp.MustCompile(`[^A-Za-z0-9.-]+`)

// spdxID makes an identifier of names. Names that differ give identifiers that differ: what can't be in one is told by a sum.
func spdxID(kind string, names ...string) string {
	whole := strings.Join(names, "-")
	fit := unfit.ReplaceAllString(whole, "-")
	sum := sha256.Sum256([]byte(strings.Join(names, "\x00")))
	return "SPDXRef-" + kind + "-" + fit + "-" + hex.EncodeToString(sum[:4])
}

// purl names a Go module as https://github.com/package-url/purl-spec has it.
func purl(module, version string) string {
	p := "pkg:golang/" + strings.ToLower(module)
	if version != "" {
		p += "@" + strings.ReplaceAll(version, "+", "%2B")
	}
	return p
}

// escape writes a module's path or version as the module proxy has it: "!a" for "A" (golang.org/x/mod/module, EscapePath).
func escape(s string) string {
	var b strings.Builder
	for _, r := range s {
		if 'A' <= r && r <= 'Z' {
			b.WriteByte('!')
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return cmp.Or(b.String(), s)
}
