package image_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dubbofn/dubbofn/image"
)

// document is what the tests read of an SPDX document.
type document struct {
	SPDXVersion  string `json:"spdxVersion"`
	DataLicense  string `json:"dataLicense"`
	ID           string `json:"SPDXID"`
	Namespace    string `json:"documentNamespace"`
	CreationInfo struct {
		Created  string
		Creators []string
	}
	Packages []struct {
		Name         string
		ID           string `json:"SPDXID"`
		VersionInfo  string
		SourceInfo   string
		Checksums    []struct{ Algorithm, ChecksumValue string }
		ExternalRefs []struct{ ReferenceLocator string }
	}
	Relationships []struct {
		From string `json:"spdxElementId"`
		Type string `json:"relationshipType"`
		To   string `json:"relatedSpdxElement"`
	}
}

func readDocument(t *testing.T, text []byte) (d document) {
	t.Helper()
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	if d.SPDXVersion != "SPDX-2.3" || d.DataLicense != "CC0-1.0" || d.ID != "SPDXRef-DOCUMENT" || !strings.HasPrefix(d.Namespace, "https://") || len(d.CreationInfo.Creators) != 1 {
		t.Errorf("%+v", d)
	}
	ids := map[string]bool{d.ID: true}
	for _, p := range d.Packages {
		if ids[p.ID] {
			t.Errorf("two have the identifier %s", p.ID)
		}
		ids[p.ID] = true
	}
	for _, r := range d.Relationships {
		if !ids[r.From] || !ids[r.To] {
			t.Errorf("%+v is between what is not there", r)
		}
	}
	return d
}

func TestTheListNamesEveryModule(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "board")
	goBuild(t, filepath.Join("..", "examples", "functions", "board"), program)
	text, err := image.SBOM(program, "board", time.Unix(1_700_000_000, 0))
	if err != nil {
		t.Fatal(err)
	}
	d := readDocument(t, text)
	found := map[string]bool{}
	for _, p := range d.Packages {
		for _, r := range p.ExternalRefs {
			found[r.ReferenceLocator] = true
		}
	}
	if d.CreationInfo.Created != "2023-11-14T22:13:20Z" || !found["pkg:golang/github.com/failsafe-go/failsafe-go@v0.9.6"] || !found["pkg:golang/github.com/dubbofn/dubbofn"] {
		t.Errorf("%s", text)
	}
	if p := d.Packages[0]; p.Name != "board" || len(p.Checksums) != 1 || len(p.Checksums[0].ChecksumValue) != 64 {
		t.Errorf("%+v", p)
	}
	again, err := image.SBOM(program, "board", time.Unix(1_700_000_000, 0))
	if err != nil || string(again) != string(text) {
		t.Errorf("the list of the same program is another one, %v", err)
	}
	if _, err := image.SBOM("sbom.go", "x", time.Time{}); err == nil || !strings.Contains(err.Error(), "want a program that Go built") {
		t.Errorf("a source file: %v", err)
	}
}

func TestOneListHasAllPlatforms(t *testing.T) {
	t.Parallel()
	c := config(t, helloModule(t))
	c.Platforms, c.SBOM = []string{"linux/amd64", "linux/arm64"}, filepath.Join(t.TempDir(), "hello.spdx.json")
	build(t, c)
	text, err := os.ReadFile(c.SBOM)
	if err != nil {
		t.Fatal(err)
	}
	d := readDocument(t, text)
	described, modules := 0, 0
	for _, r := range d.Relationships {
		if r.Type == "DESCRIBES" {
			described++
		} else {
			modules++
		}
	}
	if described != 2 || modules != 4 || len(d.Packages) != 4 { // both have Go's library and the module itself
		t.Errorf("%s", text)
	}
}

func TestAReplacedModuleIsNamedAsWhatIsLinked(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	dir := module(t, filepath.Join(top, "hello"), "package main\n\nimport _ \"example.org/used\"\n\nfunc main() {}\n")
	write(t, filepath.Join(dir, "go.mod"), "module example.org/hello\n\ngo 1.26\n\nrequire example.org/used v1.0.0\n\nreplace example.org/used => ../used\n")
	used := module(t, filepath.Join(top, "used"), "package used\n")
	write(t, filepath.Join(used, "go.mod"), "module example.org/used\n\ngo 1.26\n")
	program := filepath.Join(top, "program")
	goBuild(t, dir, program)
	text, err := image.SBOM(program, "hello", time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range readDocument(t, text).Packages {
		if p.Name == "example.org/used" {
			if p.SourceInfo != "in the place of example.org/used@v1.0.0" {
				t.Errorf("%+v", p)
			}
			return
		}
	}
	t.Errorf("it is not in the list: %s", text)
}
