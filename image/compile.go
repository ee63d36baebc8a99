package image

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

const (
	// goEnds is how long what the go command started may go on after it was interrupted.
	goEnds = 2 * time.Second
	// servePackage is what a program links that is a function, and answers DUBBOFN_DESCRIBE.
	servePackage = "github.com/dubbofn/dubbofn/fn/serve"
)

// source is what the go command says of a folder.
type source struct {
	Name   string
	Deps   []string
	Module *struct{ Path, GoMod string }
	Error  *struct{ Err string }

	DepsErrors []struct{ Pos, Err string }
}

// inspect looks at the folder: is there a program in it?
func (p *plan) inspect(ctx context.Context) (s source, err error) {
	info, err := os.Stat(p.absolute)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return s, configFault("build %s: there is no such folder", p.dir)
	case err != nil:
		return s, fmt.Errorf("build %s: %w", p.dir, err)
	case !info.IsDir():
		return s, configFault("build %s: it is a file; want the folder of a main package", p.dir)
	}
	out, err := p.run(ctx, nil, "list", "-e", "-json=Name,Deps,Module,Error,DepsErrors", ".")
	if err != nil {
		if strings.Contains(err.Error(), "go.mod file not found") || strings.Contains(err.Error(), "cannot find main module") {
			return s, configFault("build %s: no Go module: there is no go.mod in it, nor in a folder above; make one by 'go mod init', or the whole function by 'dubbofn new'", p.dir)
		}
		return s, fmt.Errorf("build %s: %w", p.dir, err)
	}
	if err := json.Unmarshal(out, &s); err != nil {
		return s, fmt.Errorf("build %s: what 'go list' says: %w", p.dir, err)
	}
	switch {
	case s.Name == "" && s.Error != nil && strings.Contains(s.Error.Err, "no Go files"):
		return s, configFault("build %s: there are no Go files in it; want the folder of a main package", p.dir)
	case s.Error != nil:
		return s, fmt.Errorf("build %s: it does not compile: %s", p.dir, strings.TrimSpace(s.Error.Err))
	case s.Name != "main":
		return s, configFault("build %s: it is package %s, no program; want the folder of a package main", p.dir, s.Name)
	case len(s.DepsErrors) > 0:
		d := s.DepsErrors[0]
		return s, fmt.Errorf("build %s: it does not compile: %s: %s", p.dir, p.place(d.Pos), strings.TrimSpace(d.Err))
	}
	return s, nil
}

// compile builds the program for a platform: static, without this machine's paths, times or version control in it.
func (p *plan) compile(ctx context.Context, platform v1.Platform, into string) error {
	flags := strings.TrimSpace("-s -w -buildid= " + p.LDFlags)
	_, err := p.run(ctx, goSettings(platform), "build", "-trimpath", "-buildvcs=false", "-ldflags", flags, "-o", into, ".")
	if err == nil {
		return nil
	}
	return p.explainCompile(platform, err)
}

// faultForm is how the compiler tells of a fault: "./main.go:12:3: undefined: x".
var faultForm = regexp.MustCompile(`(?m)^(?:vet: )?(\S+\.go:\d+(?::\d+)?): (.+)$`)

// explainCompile puts the first fault with its place first.
func (p *plan) explainCompile(platform v1.Platform, err error) error {
	var failed *goFault
	if !errors.As(err, &failed) {
		return err
	}
	if strings.Contains(failed.text, "no space left on device") {
		return fmt.Errorf("build %s for %s: the disk is full; free some of it, or name another by TMPDIR (GOCACHE for Go's own files): %w", p.dir, platform, syscall.ENOSPC)
	}
	faults := faultForm.FindAllStringSubmatch(failed.text, -1)
	if len(faults) == 0 {
		return fmt.Errorf("build %s for %s: %w", p.dir, platform, err)
	}
	var lines []string
	for _, f := range faults {
		lines = append(lines, p.place(f[1])+": "+f[2])
	}
	return fmt.Errorf("build %s for %s: it does not compile: %s", p.dir, platform, strings.Join(lines, "\n  "))
}

// place gives a position in the folder as one that a terminal can open from here.
func (p *plan) place(position string) string {
	if position == "" || filepath.IsAbs(position) {
		return position
	}
	return filepath.Join(p.dir, position)
}

// goFault is what the go command says when it fails.
type goFault struct {
	err  error
	text string
}

// Error gives the text of the go command, without the names of packages that it begins with.
func (f *goFault) Error() string {
	if f.text == "" {
		return f.err.Error()
	}
	return f.text
}

// Unwrap gives how it ended.
func (f *goFault) Unwrap() error { return f.err }

// run runs go in the folder.
func (p *plan) run(ctx context.Context, settings []string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = p.absolute
	cmd.Env = append(append([]string{}, p.Environment...), settings...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // it takes its own files away
	cmd.WaitDelay = goEnds
	var out, faults bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &faults
	err := cmd.Run()
	switch {
	case err == nil:
		return out.Bytes(), nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, exec.ErrNotFound):
		return nil, fmt.Errorf("build %s: there is no go command on the PATH; install Go (https://go.dev/dl): %w", p.dir, err)
	}
	return nil, &goFault{err: err, text: strings.TrimPrefix(strings.TrimSpace(faults.String()), "go: ")}
}
