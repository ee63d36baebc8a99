package local

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// Build makes the program of a directory with `go build`, in the folder into; its name is the directory's. What is a file already is a
// program, and nothing is built.
func Build(ctx context.Context, path, into string) (binary string, err error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(absolute)
	switch {
	case err != nil:
		return "", fmt.Errorf("function %s: %w", path, err)
	case !info.IsDir() && info.Mode()&0o111 == 0:
		return "", fmt.Errorf("function %s: it is no directory and can't be executed", path)
	case !info.IsDir():
		return absolute, nil
	}
	if !inModule(absolute) {
		return "", fmt.Errorf("function %s: there is no go.mod in it, nor above it: 'dubbofn new NAME' makes a function with all that belongs to it, 'go mod init' there a module of what is there", path)
	}
	if err := os.MkdirAll(into, 0o700); err != nil {
		return "", err
	}
	// The program's name is the default of the application's name, so it must be the directory's.
	binary = filepath.Join(into, filepath.Base(absolute))
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, ".")
	build.Dir = absolute
	build.Cancel = func() error { return build.Process.Signal(os.Interrupt) } // it takes its own files away
	build.WaitDelay = patience
	tie(build)
	runtime.LockOSThread() // see tie
	defer runtime.UnlockOSThread()
	if text, err := build.CombinedOutput(); err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		if errors.Is(err, exec.ErrNotFound) {
			return "", fmt.Errorf("build %s: %w: install Go (https://go.dev/dl), or name a program in place of the directory", path, err)
		}
		return "", fmt.Errorf("build %s: %w\n%s", path, err, placed(text, path))
	}
	if info, err := os.Stat(binary); err != nil || info.Mode()&0o111 == 0 {
		return "", fmt.Errorf("build %s: its package is not main: name the directory of a program that calls serve.Main", path)
	}
	return binary, nil
}

// inModule tells whether a directory belongs to a Go module.
func inModule(dir string) bool {
	for {
		if info, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil && !info.IsDir() {
			return true
		}
		above := filepath.Dir(dir)
		if above == dir {
			return false
		}
		dir = above
	}
}

// placed is what the compiler said, with places as they are seen from where the command runs: it said them as seen from the directory.
func placed(text []byte, path string) string {
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "./") || strings.HasPrefix(line, "../") {
			file, rest, is := strings.Cut(line, ":")
			if is {
				lines[i] = filepath.Join(path, file) + ":" + rest
			}
		}
	}
	return strings.Join(lines, "\n")
}

// Manifest is what a function's program says of itself, as much as is needed here.
type Manifest struct {
	Text     json.RawMessage `json:"-"` // all of it
	App      string          `json:"app"`
	Services []service       `json:"services"`
}

// service is one that a function offers.
type service struct {
	Interface string `json:"interface"`
	Version   string `json:"version"`
	Group     string `json:"group"`
	Methods   []struct {
		Name       string `json:"name"`
		Descriptor string `json:"descriptor"`
	} `json:"methods"`
}

// key is the service as Dubbo writes it: GROUP/INTERFACE:VERSION.
func (s service) key() string {
	key := s.Interface
	if s.Group != "" {
		key = s.Group + "/" + key
	}
	if s.Version != "" {
		key += ":" + s.Version
	}
	return key
}

const (
	// patience is how long what a program that was told to end started may go on holding its output.
	patience = 2 * time.Second
	// describeTime is how long a program may take for its manifest: more than it ever needs, so that one that does something else is noticed.
	describeTime = time.Minute
)

// Describe starts a function's program with an environment ("NAME=value") and DUBBOFN_DESCRIBE=1, with which it prints its manifest and ends.
func Describe(ctx context.Context, binary string, environment []string) (m Manifest, err error) {
	limited, cancel := context.WithTimeout(ctx, describeTime)
	defer cancel()
	run := exec.CommandContext(limited, binary)
	run.WaitDelay = patience
	run.Env = append(append([]string{}, environment...), "DUBBOFN_DESCRIBE=1")
	var manifest, faults bytes.Buffer
	run.Stdout, run.Stderr = &manifest, &faults
	tie(run)
	runtime.LockOSThread() // see tie
	defer runtime.UnlockOSThread()
	begin := time.Now()
	if err := run.Run(); err != nil {
		if errors.Is(ctx.Err(), context.Canceled) {
			return m, ctx.Err()
		}
		if limited.Err() != nil {
			err = fmt.Errorf("it did not end within %v; is it a dubbofn function whose main calls serve.Main before it waits for anything?", time.Since(begin).Round(time.Millisecond))
		}
		return m, fmt.Errorf("describe %s: %w\n%s", binary, err, bytes.TrimSpace(faults.Bytes()))
	}
	if err := json.Unmarshal(manifest.Bytes(), &m); err != nil || m.App == "" {
		return m, errors.Join(fmt.Errorf("describe %s: it printed no manifest; is it a dubbofn function whose main calls serve.Main?", binary), err)
	}
	m.Text = bytes.TrimSpace(manifest.Bytes())
	return m, nil
}

// Example gives arguments of `dubbofn call` for one of a function's methods, one with simple parameters where there is one, and what it offers in a
// line.
func (m Manifest) Example() (call, offers string) {
	var all []string
	for _, s := range m.Services {
		key := s.key()
		var names []string
		for _, method := range s.Methods {
			if len(names) == 0 || names[len(names)-1] != method.Name { // an overload
				names = append(names, method.Name)
			}
			example := strings.TrimSpace(key + " " + method.Name + " " + sample(method.Descriptor))
			if call == "" || strings.Contains(call, object) && !strings.Contains(example, object) {
				call = example
			}
		}
		all = append(all, s.Interface+": "+strings.Join(names, ", "))
	}
	return call, strings.Join(all, "; ")
}

// object is an argument of a class of its own, which says nothing of what should be in it.
const object = "'{}'"

// sample gives an argument for each parameter of a descriptor, as a shell takes it.
func sample(descriptor string) string {
	var args []string
	for d := descriptor; d != ""; {
		list := strings.HasPrefix(d, "[")
		d = strings.TrimLeft(d, "[")
		if d == "" {
			break
		}
		var class string
		if d[0] == 'L' {
			class, d, _ = strings.Cut(d[1:], ";")
		} else {
			class, d = d[:1], d[1:]
		}
		args = append(args, sampleOf(class, list))
	}
	return strings.Join(args, " ")
}

func sampleOf(class string, list bool) string {
	switch {
	case list || class == "java/util/List" || class == "java/util/Set":
		return "'[]'"
	case class == "java/lang/String":
		return "Ada"
	case class == "Z" || class == "java/lang/Boolean":
		return "true"
	case len(class) == 1, class == "java/lang/Integer", class == "java/lang/Long", class == "java/lang/Double":
		return "1"
	default:
		return object
	}
}
