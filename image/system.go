package image

import (
	"archive/zip"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

const (
	user        = 65532 // "nonroot", as in the images called distroless
	programs    = "app" // the folder of the program
	bundleLimit = 8 << 20
	zonesLimit  = 32 << 20 // of all time zones, which are 400 kB packed
)

// hostBundles are where systems keep the certificates that they trust (crypto/x509 looks there too).
func hostBundles() []string {
	return []string{
		"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/pki/tls/cacert.pem",
		"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/cert.pem", "/opt/homebrew/etc/ca-certificates/cert.pem",
	}
}

// system is what a program finds around itself where there is no base: who it is, whom it trusts, time zones, a place for temporary files.
func (p *plan) system(ctx context.Context, r *Result) ([]file, error) {
	all := []file{
		{name: "etc", mode: 0o755},
		{name: "etc/group", mode: 0o644, content: []byte("root:x:0:\nnonroot:x:65532:\n")},
		{name: "etc/nsswitch.conf", mode: 0o644, content: []byte("hosts: files dns\n")},
		{name: "etc/passwd", mode: 0o644, content: []byte("root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n")},
	}
	bundle, err := p.certificates()
	switch {
	case err != nil:
		return nil, err
	case bundle != nil:
		all = append(all, file{name: "etc/ssl", mode: 0o755}, file{name: "etc/ssl/certs", mode: 0o755}, file{name: "etc/ssl/certs/ca-certificates.crt", mode: 0o644, content: bundle})
	case p.Certificates != "none":
		r.Warnings = append(r.Warnings, "this machine has no bundle of certificates, so the image trusts nobody: a call by TLS fails there; name one by --certificates FILE")
	}
	all = append(all, file{name: "home", mode: 0o755}, file{name: "home/nonroot", mode: 0o700, owner: user}, file{name: "tmp", mode: 0o1777})
	zones, err := p.zones(ctx)
	switch {
	case errors.Is(err, os.ErrNotExist):
		r.Warnings = append(r.Warnings, "this Go has no time zones (lib/time/zoneinfo.zip), so the image knows UTC alone; import time/tzdata in the program, or take a base that has them")
	case err != nil:
		return nil, err
	}
	return append(all, zones...), nil
}

// certificates gives those that the image trusts, nothing but certificates; nil: none.
func (p *plan) certificates() ([]byte, error) {
	from := p.Certificates
	switch from {
	case "none":
		return nil, nil
	case "":
		all := hostBundles()
		at := slices.IndexFunc(all, func(f string) bool { _, err := os.Stat(f); return err == nil })
		if at < 0 {
			return nil, nil
		}
		from = all[at]
	}
	f, err := os.Open(from)
	if err != nil {
		return nil, configFault("certificates: %v; want a PEM file, or none", err)
	}
	text, err := io.ReadAll(io.LimitReader(f, bundleLimit+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("certificates %s: %w", from, err)
	}
	if len(text) > bundleLimit {
		return nil, configFault("certificates %s: it has more than %d bytes", from, bundleLimit)
	}
	var out []byte
	for {
		var b *pem.Block
		if b, text = pem.Decode(text); b == nil {
			break
		}
		if b.Type == "CERTIFICATE" { // a key that is beside them stays here
			out = append(out, pem.EncodeToMemory(&pem.Block{Type: b.Type, Bytes: b.Bytes})...)
		}
	}
	if out == nil {
		return nil, configFault("certificates %s: there are none in it; want a PEM file of them", from)
	}
	return out, nil
}

// zones are the time zones of the Go that compiles: the same on every machine that has it.
func (p *plan) zones(ctx context.Context) (all []file, err error) {
	root, err := p.run(ctx, nil, "env", "GOROOT")
	if err != nil {
		return nil, fmt.Errorf("time zones: %w", err)
	}
	z, err := zip.OpenReader(filepath.Join(strings.TrimSpace(string(root)), "lib", "time", "zoneinfo.zip"))
	if err != nil {
		return nil, fmt.Errorf("time zones: %w", err)
	}
	defer func() { err = errors.Join(err, z.Close()) }()
	const top = "usr/share/zoneinfo"
	folders := map[string]bool{}
	total := uint64(0)
	for _, f := range z.File {
		if total += f.UncompressedSize64; total > zonesLimit || !filepath.IsLocal(f.Name) {
			return nil, fmt.Errorf("time zones: %s is none, or they are over %d bytes", f.Name, zonesLimit)
		}
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		name := path.Join(top, f.Name) //nolint:gosec // it is local, as was looked at above, and goes into a tar file
		for d := path.Dir(name); d != "."; d = path.Dir(d) {
			folders[d] = true
		}
		r, err := f.Open()
		if err != nil {
			return nil, fmt.Errorf("time zones: %s: %w", f.Name, err)
		}
		content, err := io.ReadAll(io.LimitReader(r, zonesLimit))
		if err = errors.Join(err, r.Close()); err != nil {
			return nil, fmt.Errorf("time zones: %s: %w", f.Name, err)
		}
		all = append(all, file{name: name, mode: 0o644, content: append([]byte{}, content...)})
	}
	for d := range folders {
		all = append(all, file{name: d, mode: 0o755})
	}
	slices.SortFunc(all, func(a, b file) int { return strings.Compare(a.name, b.name) }) // a folder comes before what is in it
	return all, nil
}
