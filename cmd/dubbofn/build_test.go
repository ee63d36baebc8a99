package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dubbofn/dubbofn/image"
)

// programs makes folders with a small program each, below one folder.
func programs(t *testing.T, names ...string) (dirs []string) {
	t.Helper()
	top := t.TempDir()
	for _, name := range names {
		dir := filepath.Join(top, name)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		for file, text := range map[string]string{"go.mod": "module example.org/x\n\ngo 1.26\n", "main.go": "package main\n\nfunc main() {}\n"} {
			if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		dirs = append(dirs, dir)
	}
	return dirs
}

func TestBuildTellsWhatItMade(t *testing.T) {
	t.Parallel()
	dirs := programs(t, "One", "two")
	out := filepath.Join(t.TempDir(), "out")
	var b bytes.Buffer
	c := rootCommand()
	c.SetOut(&b)
	c.SetErr(new(bytes.Buffer))
	c.SetArgs(append([]string{"build", "--layout", out, "--platform", "linux/amd64", "--label", "a=b", "-o", "json"}, dirs...))
	if err := c.ExecuteContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	var results []image.Result
	if err := json.Unmarshal(b.Bytes(), &results); err != nil || len(results) != 2 {
		t.Fatalf("%v in %s", err, b.String())
	}
	for i, name := range []string{"One", "two"} {
		r := results[i]
		if r.Name != name || r.Layout != filepath.Join(out, name) || !strings.HasPrefix(r.Ref, strings.ToLower(name)+":") || len(r.Platforms) != 1 || r.Platforms[0].CompressedBytes == 0 {
			t.Errorf("%+v", r)
		}
		if _, err := os.Stat(filepath.Join(r.Layout, "index.json")); err != nil {
			t.Error(err)
		}
	}
	text, code := ran(t, "build", "--tarball", filepath.Join(t.TempDir(), "x.tar"), "--platform", "linux/arm64", dirs[1])
	if code != 0 || !strings.Contains(text, "linux/arm64") || !strings.Contains(text, "✓ compiling two for linux/arm64") || !strings.Contains(text, "image    two:") {
		t.Errorf("exit code %d: %s", code, text)
	}
}

func TestBuildThatFailsSaysWhy(t *testing.T) {
	t.Parallel()
	dirs := programs(t, "one", "two")
	refuses := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v2/" {
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	defer refuses.Close()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	for _, x := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{dirs[0]}, exitUsage, "where to? want --push"},
		{[]string{"--tarball", "x.tar", dirs[0], dirs[1]}, exitUsage, "are for one DIR; got 2"},
		{[]string{"--push", "one", dirs[0]}, exitUsage, "it names no registry"},
		{[]string{"--push", "example.org/one:a", "--tag", "b", dirs[0]}, exitUsage, `--push says tag "a", --tag "b"`},
		{[]string{"--layout", "x", "--label", "a", dirs[0]}, exitUsage, "want NAME=VALUE"},
		{[]string{"--layout", "x", "-o", "yaml", dirs[0]}, exitUsage, "want text or json"},
		{[]string{"--layout", "x", filepath.Join(dirs[0], "none")}, exitUsage, "there is no such folder"},
		{[]string{"--platform", "linux/amd64", "--push", strings.TrimPrefix(refuses.URL, "http://") + "/one", dirs[0]}, exitRefused, "does not let you at one"},
		{[]string{"--platform", "linux/amd64", "--push", strings.TrimPrefix(gone.URL, "http://") + "/one", dirs[0]}, exitUnavailable, "nothing listens at"},
	} {
		if text, code := ran(t, append([]string{"build"}, x.args...)...); code != x.code || !strings.Contains(text, x.want) {
			t.Errorf("%q: exit code %d, want %d and %q: %s", x.args, code, x.code, x.want, text)
		}
	}
}

func TestSBOMListsThisProgram(t *testing.T) {
	t.Parallel()
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text, code := ran(t, "sbom", own, "--name", "dubbofn")
	if code != 0 || !strings.Contains(text, `"spdxVersion": "SPDX-2.3"`) || !strings.Contains(text, "pkg:golang/github.com/spf13/cobra@v") {
		t.Errorf("exit code %d: %s", code, text)
	}
	if text, code := ran(t, "sbom", "build_test.go"); code != exitOther || !strings.Contains(text, "want a program that Go built") {
		t.Errorf("exit code %d: %s", code, text)
	}
}
