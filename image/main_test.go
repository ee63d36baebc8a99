package image_test

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"go.uber.org/goleak"

	"github.com/dubbofn/dubbofn/image"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// module makes a folder with a small program, named as the folder.
func module(t *testing.T, dir, text string) string {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for file, s := range map[string]string{"go.mod": "module example.org/hello\n\ngo 1.26\n", "main.go": text} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func helloModule(t *testing.T) string { return module(t, filepath.Join(t.TempDir(), "hello"), hello) }

const hello = `package main

import (
	"fmt"
	"time"
)

var version = "none"

func main() {
	fmt.Println("hello", version, time.Unix(0, 0).UTC().Year())
}
`

// config is for this machine's architecture alone, which is quick.
func config(t *testing.T, dir string) image.Config {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return image.Config{
		Dir: dir, Environment: append(os.Environ(), "GOFLAGS=", "GOWORK=off"), Platforms: []string{"linux/" + runtime.GOARCH}, Transport: transport,
		Certificates: "none",
	}
}

func build(t *testing.T, c image.Config) image.Result {
	t.Helper()
	r, err := image.Build(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func goBuild(t *testing.T, dir, into string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-buildvcs=false", "-o", into, ".")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// tree gives the files below a folder with their contents, one after the other.
func tree(t *testing.T, dir string) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		text, err := os.ReadFile(path)
		b.WriteString(rel + "\n")
		b.Write(text)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// redirected is a transport that finds every host at one address.
func redirected(t *testing.T, address string) *http.Transport {
	t.Helper()
	transport := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}
