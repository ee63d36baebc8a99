package image_test

import (
	"archive/tar"
	"encoding/pem"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

func TestOnlyCertificatesOfAFileAreTaken(t *testing.T) {
	t.Parallel()
	block := func(kind, text string) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Headers: map[string]string{"a": "b"}, Bytes: []byte(text)}))
	}
	c := config(t, helloModule(t))
	c.Certificates = write(t, filepath.Join(t.TempDir(), "bundle.pem"), "# ours\n"+block("CERTIFICATE", "one")+block("PRIVATE KEY", "secret")+block("CERTIFICATE", "two"))
	c.Tarball = filepath.Join(t.TempDir(), "hello.tar")
	build(t, c)
	img, err := tarball.ImageFromPath(c.Tarball, nil)
	if err != nil {
		t.Fatal(err)
	}
	found := ""
	each(t, img, func(h *tar.Header, r io.Reader) {
		if h.Name == "etc/ssl/certs/ca-certificates.crt" {
			b, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			found = string(b)
		}
	})
	if strings.Count(found, "BEGIN CERTIFICATE") != 2 || strings.Contains(found, "PRIVATE") || strings.Contains(found, "a: b") {
		t.Errorf("the image has %q", found)
	}
}
