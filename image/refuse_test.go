package image_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/dubbofn/dubbofn/image"
)

func TestWhatCantBeBuiltIsToldWithItsMend(t *testing.T) {
	t.Parallel()
	outside := t.TempDir()
	write(t, filepath.Join(outside, "main.go"), hello)
	broken := module(t, filepath.Join(t.TempDir(), "broken"), "package main\n\nfunc main() { undefined(); x := 1 }\n")
	unparsed := module(t, filepath.Join(t.TempDir(), "unparsed"), "package main\n\nfunc main( {\n")
	needs := module(t, filepath.Join(t.TempDir(), "needs"), "package main\n\nimport _ \"example.org/nowhere\"\n\nfunc main() {}\n")
	library := module(t, filepath.Join(t.TempDir(), "library"), "package library\n")
	void := module(t, filepath.Join(t.TempDir(), "void"), hello)
	if err := os.Remove(filepath.Join(void, "main.go")); err != nil {
		t.Fatal(err)
	}
	good := helloModule(t)
	for name, x := range map[string]struct {
		dir    string
		change func(*image.Config)
		wants  []string
	}{
		"no folder":           {filepath.Join(outside, "none"), nil, []string{"there is no such folder"}},
		"a file":              {filepath.Join(outside, "main.go"), nil, []string{"it is a file"}},
		"no module":           {outside, nil, []string{"no Go module", "go mod init", "dubbofn new"}},
		"no Go files":         {void, nil, []string{"there are no Go files"}},
		"no main package":     {library, nil, []string{"it is package library", "package main"}},
		"does not compile":    {broken, nil, []string{filepath.Join(broken, "main.go") + ":3:15: undefined: undefined\n  " + filepath.Join(broken, "main.go") + ":3:28: declared and not used: x"}},
		"does not parse":      {unparsed, nil, []string{"main.go:3", "it does not compile"}},
		"needs a module":      {needs, nil, []string{"main.go:3:8: no required module provides package example.org/nowhere", "go get example.org/nowhere"}},
		"name":                {good, func(c *image.Config) { c.Name = "a b" }, []string{`program name "a b"`, "--name"}},
		"platforms":           {good, func(c *image.Config) { c.Platforms = []string{"linux/amd64", "windows/amd64", "x"} }, []string{`"windows/amd64": images are of linux`, `"x": want OS/ARCHITECTURE`}},
		"architecture":        {good, func(c *image.Config) { c.Platforms = []string{"linux/nocpu"} }, []string{`"linux/nocpu"`, "amd64, arm, arm64"}},
		"variant":             {good, func(c *image.Config) { c.Platforms = []string{"linux/arm64/v9"} }, []string{`arm64 has no variant "v9"`}},
		"a platform twice":    {good, func(c *image.Config) { c.Platforms = []string{"linux/arm64", "linux/arm64"} }, []string{"twice"}},
		"a tarball of two":    {good, func(c *image.Config) { c.Platforms, c.Tarball = []string{"linux/arm64", "linux/amd64"}, "x.tar" }, []string{"one platform", "--layout"}},
		"certificates: none":  {good, func(c *image.Config) { c.Certificates = filepath.Join(good, "main.go") }, []string{"there are none in it"}},
		"certificates: where": {good, func(c *image.Config) { c.Certificates = filepath.Join(good, "nowhere") }, []string{"no such file"}},
		"base":                {good, func(c *image.Config) { c.Base = "UPPER/case" }, []string{`base "UPPER/case"`}},
		"push to where":       {good, func(c *image.Config) { c.Push = true }, []string{"to which registry"}},
		"no host":             {good, func(c *image.Config) { c.Push, c.Repository = true, "hello" }, []string{`"hello": it names no registry`, "docker.io/USER/NAME"}},
		"capital letters":     {good, func(c *image.Config) { c.Push, c.Repository = true, "example.org/Team/hello" }, []string{`want small letters: "example.org/team/hello"`}},
		"a digest":            {good, func(c *image.Config) { c.Push, c.Repository = true, "example.org/hello@sha256:0" }, []string{"it has a digest"}},
		"characters":          {good, func(c *image.Config) { c.Push, c.Repository = true, "example.org/he llo" }, []string{`"example.org/he llo"`}},
		"latest":              {good, func(c *image.Config) { c.Tag = "latest" }, []string{"tag latest"}},
		"tag":                 {good, func(c *image.Config) { c.Tag = "a/b" }, []string{`tag "a/b"`}},
		"another layout":      {good, func(c *image.Config) { c.Layout = outside }, []string{"something else in it"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := config(t, x.dir)
			if x.change != nil {
				x.change(&c)
			}
			_, err := image.Build(t.Context(), c)
			if err == nil {
				t.Fatal("it was built")
			}
			for _, want := range x.wants {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v; want %q", err, want)
				}
			}
		})
	}
}

func TestAFullDiskIsTold(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("this system has no /dev/full")
	}
	c := config(t, helloModule(t))
	c.Tarball = "/dev/full"
	if _, err := image.Build(t.Context(), c); !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "the disk is full") {
		t.Error(err)
	}
	c.Tarball, c.SBOM = "", "/dev/full"
	if _, err := image.Build(t.Context(), c); !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "the disk is full") {
		t.Error(err)
	}
}

func TestNamesAreCutIntoRepositoryAndTag(t *testing.T) {
	t.Parallel()
	for in, want := range map[string][2]string{
		"example.org/a":         {"example.org/a", ""},
		"example.org/a:v1":      {"example.org/a", "v1"},
		"localhost:5000/a":      {"localhost:5000/a", ""},
		"localhost:5000/a:v1":   {"localhost:5000/a", "v1"},
		"[::1]:5000/a":          {"[::1]:5000/a", ""},
		"":                      {"", ""},
		"example.org/a@sha256:": {"example.org/a@sha256:", ""},
	} {
		if r, tag := image.ParseName(in); [2]string{r, tag} != want {
			t.Errorf("%q: %q, %q", in, r, tag)
		}
	}
}
