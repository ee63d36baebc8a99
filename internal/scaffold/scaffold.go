package scaffold

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"github.com/dubbofn/dubbofn/internal/javatype"
	"github.com/dubbofn/dubbofn/templates"
)

// Config says what is made. Dir is needed; the other zero fields mean the defaults.
type Config struct {
	// Dir is the folder to make. Its last part is the name of the function: on Knative, in the log, and of the application that consumers see.
	Dir string
	// Template is one of [Templates]. Default: "greet".
	Template string
	// Module is the path of the Go module. Default: the name.
	Module string
	// Interface is the Java interface that is offered. Default: "org.example.NameService".
	Interface string
	// Source is a folder with dubbofn's own sources, which the module then uses instead of a published version. Default: none.
	Source string
	// Version is the version of dubbofn that the module needs, where there is no Source: "v1.2.3".
	Version string
	// Environment is what go runs with, as "NAME=value".
	Environment []string
}

// Made is what there is now.
type Made struct {
	Name      string   `json:"name"`
	Dir       string   `json:"dir"`
	Template  string   `json:"template"`
	Module    string   `json:"module"`
	Interface string   `json:"interface"`
	Files     []string `json:"files"`             // by name, beside go.mod and go.sum
	Source    string   `json:"replace,omitempty"` // dubbofn's sources, where go.mod has a replace
}

// Template is one that a function can be made of.
type Template struct {
	Name  string `json:"name"`
	About string `json:"about"`
}

const root = "new"

// Templates gives all, by name.
func Templates() (all []Template, err error) {
	entries, err := fs.ReadDir(templates.Files(), root)
	for _, e := range entries {
		about, readErr := fs.ReadFile(templates.Files(), path.Join(root, e.Name(), "about.txt"))
		err = errors.Join(err, readErr)
		all = append(all, Template{Name: e.Name(), About: strings.TrimSpace(string(about))})
	}
	return all, err
}

// UsageError is a fault of what was asked for, found before anything was made.
type UsageError struct{ error }

// Unwrap gives the cause.
func (e UsageError) Unwrap() error { return e.error }

func usage(format string, args ...any) error { return UsageError{fmt.Errorf(format, args...)} }

const selfModule = "github.com/dubbofn/dubbofn"

// New makes the folder with everything in it. Where it fails, the folder is not there.
func New(ctx context.Context, c Config) (m Made, err error) {
	if m, err = c.check(); err != nil {
		return m, err
	}
	text, err := m.render()
	if err != nil {
		return m, err
	}
	if err := os.MkdirAll(filepath.Dir(m.Dir), 0o755); err != nil {
		return m, fmt.Errorf("new: %w", err)
	}
	if err := os.Mkdir(m.Dir, 0o755); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return m, usage("new: %s is there already: take another name, or remove it", m.Dir)
		}
		return m, fmt.Errorf("new: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(m.Dir))
		}
	}()
	for _, name := range m.Files {
		if err := os.WriteFile(filepath.Join(m.Dir, name), text[name], 0o644); err != nil {
			return m, fmt.Errorf("new: %w", err)
		}
	}
	c.Dir, c.Module = m.Dir, m.Module
	return m, c.Complete(ctx)
}

var (
	// A name becomes a Knative Service and a part of a Java class's name.
	nameForm   = regexp.MustCompile(`^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`)
	moduleForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._~/-]*$`)
)

func (c Config) check() (m Made, err error) {
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return m, fmt.Errorf("new: %w", err)
	}
	m = Made{Name: filepath.Base(dir), Dir: dir, Template: cmp.Or(c.Template, "greet"), Source: c.Source}
	if c.Dir == "" || !nameForm.MatchString(m.Name) {
		return m, usage("new: name %q: want up to 63 small letters, digits and '-', a letter first, as Kubernetes takes it; e.g. order-service", m.Name)
	}
	m.Module = cmp.Or(c.Module, m.Name)
	if !moduleForm.MatchString(m.Module) || strings.Contains(m.Module, "//") || strings.HasSuffix(m.Module, "/") {
		return m, usage("new: module %q: want a path of Go's, e.g. example.org/team/%s", m.Module, m.Name)
	}
	if c.Module == "" && slices.Contains(standard(), m.Name) {
		return m, usage("new: name %q is that of a package of Go's standard library; give the module another path: --module example.org/%s", m.Name, m.Name)
	}
	m.Interface = cmp.Or(c.Interface, "org.example."+camel(m.Name)+"Service")
	if !javatype.IsClassName(m.Interface) || !strings.Contains(m.Interface, ".") {
		return m, usage("new: interface %q: want a Java interface with its package, e.g. org.example.%sService", m.Interface, camel(m.Name))
	}
	all, err := Templates()
	if err != nil {
		return m, err
	}
	var names []string
	for _, t := range all {
		names = append(names, t.Name)
	}
	if !slices.Contains(names, m.Template) {
		return m, usage("new: there is no template %q; there are %s", m.Template, strings.Join(names, ", "))
	}
	return m, nil
}

// standard are the names that a module can't have, of those that somebody may think of: go would look in the standard library.
func standard() []string {
	return []string{
		"archive", "bufio", "bytes", "cmd", "cmp", "compress", "container", "context", "crypto", "database", "debug", "embed", "encoding", "errors", "expvar", "flag", "fmt", "go", "hash", "html",
		"image", "index", "internal", "io", "iter", "log", "maps", "math", "mime", "net", "os", "path", "plugin", "reflect", "regexp", "runtime", "slices", "sort", "std", "strconv", "strings",
		"structs", "sync", "syscall", "test", "testing", "text", "time", "unicode", "unique", "unsafe", "vendor", "weak",
	}
}

// camel gives "OrderItems" for "order-items".
func camel(name string) string {
	var b strings.Builder
	for part := range strings.SplitSeq(name, "-") {
		if part != "" {
			b.WriteString(strings.ToUpper(part[:1]) + part[1:])
		}
	}
	return b.String()
}

// render fills in the template's files.
func (m *Made) render() (text map[string][]byte, err error) {
	dir := path.Join(root, m.Template)
	entries, err := fs.ReadDir(templates.Files(), dir)
	if err != nil {
		return nil, err
	}
	values := struct{ Name, Interface, Package string }{m.Name, m.Interface, javatype.PackageOf(m.Interface)}
	text = map[string][]byte{".gitignore": []byte("/" + m.Name + "\ntarget/\n")}
	for _, e := range entries {
		name, is := strings.CutSuffix(e.Name(), ".tmpl")
		if !is {
			continue
		}
		t, err := template.New(e.Name()).Option("missingkey=error").ParseFS(templates.Files(), path.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		var b bytes.Buffer
		if err := t.Execute(&b, values); err != nil {
			return nil, err
		}
		text[name] = b.Bytes()
	}
	for name := range text {
		m.Files = append(m.Files, name)
	}
	slices.Sort(m.Files)
	return text, nil
}

const (
	goVersion = "1.26"
	// unversioned is what a module that is replaced is required at.
	unversioned = "v0.0.0-00010101000000-000000000000"
)

// Complete writes go.mod and go.sum for the sources that are in Dir: of what c says, Module, Source, Version and Environment count.
func (c Config) Complete(ctx context.Context) error {
	if c.Source != "" {
		dir, err := filepath.Abs(c.Source)
		if err != nil {
			return fmt.Errorf("new: %w", err)
		}
		if Source(filepath.Join(dir, "go.mod")) != dir {
			return fmt.Errorf("new: source %q: dubbofn's sources are not there: want the folder of a clone", c.Source)
		}
		c.Source = dir
	}
	mod := fmt.Sprintf("module %s\n\ngo %s\n\nrequire %s %s\n", c.Module, goVersion, selfModule, cmp.Or(c.Version, unversioned))
	if c.Source != "" {
		mod += fmt.Sprintf("\nreplace %s => %s\n", selfModule, quoted(c.Source))
		sum, err := os.ReadFile(filepath.Join(c.Source, "go.sum"))
		if err == nil {
			err = os.WriteFile(filepath.Join(c.Dir, "go.sum"), sum, 0o644) //nolint:gosec // the folder is the choice of whoever asks
		}
		if err != nil {
			return fmt.Errorf("new: %w", err)
		}
	}
	if err := os.WriteFile(filepath.Join(c.Dir, "go.mod"), []byte(mod), 0o644); err != nil {
		return fmt.Errorf("new: %w", err)
	}
	// Not `go mod tidy`: that wants the tests of everything that is used too, which nobody runs here and a clone's go.sum has not.
	list := exec.CommandContext(ctx, "go", "list", "-mod=mod", "-deps", "-test", "./...")
	// A workspace above, which the module isn't in yet, would refuse it.
	list.Dir, list.Env = c.Dir, append(slices.Clone(c.Environment), "GOWORK=off")
	if out, err := list.CombinedOutput(); err != nil {
		hint := ""
		if c.Source == "" {
			hint = "; where this version can't be fetched, --source DIR takes dubbofn's sources from a clone"
		}
		return fmt.Errorf("new: go list, which fetches what a function needs: %w%s\n%s", err, hint, bytes.TrimSpace(out))
	}
	return nil
}

// quoted is a path as go.mod takes it.
func quoted(path string) string {
	if strings.ContainsAny(path, " \t\"'`(),;") || strings.Contains(path, "//") {
		return strconv.Quote(path)
	}
	return path
}

// Source gives the folder of dubbofn's sources that file, one of them, is in: file as the compiler knows it. "" where they are not there, as with a program
// that was built elsewhere or with -trimpath.
func Source(file string) string {
	for dir := filepath.Dir(file); filepath.IsAbs(dir); dir = filepath.Dir(dir) {
		b, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && bytes.HasPrefix(b, []byte("module "+selfModule+"\n")) {
			return dir
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	return ""
}
