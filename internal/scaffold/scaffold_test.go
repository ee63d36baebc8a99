package scaffold_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/dubbofn/dubbofn/internal/scaffold"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// source is where dubbofn's sources are: these here.
func source(t *testing.T) string {
	t.Helper()
	here, err := filepath.Abs("scaffold_test.go")
	if err != nil {
		t.Fatal(err)
	}
	dir := scaffold.Source(here)
	if dir == "" {
		t.Fatalf("%s: the sources are not found", here)
	}
	return dir
}

func TestEveryTemplateBuildsPassesItsTestAndCanBeOffered(t *testing.T) {
	t.Parallel()
	all, err := scaffold.Templates()
	if err != nil || len(all) < 4 {
		t.Fatal(all, err)
	}
	for _, x := range all {
		t.Run(x.Name, func(t *testing.T) {
			t.Parallel()
			if x.About == "" {
				t.Error("nothing is said of it")
			}
			dir := filepath.Join(t.TempDir(), "deep", "my-"+x.Name)
			env := append(os.Environ(), "GOFLAGS=", "GOWORK=off")
			m, err := scaffold.New(t.Context(), scaffold.Config{Dir: dir, Template: x.Name, Source: source(t), Environment: env})
			if err != nil {
				t.Fatal(err)
			}
			name := strings.ToUpper(x.Name[:1]) + x.Name[1:]
			if m.Interface != "org.example.My"+name+"Service" || m.Module != "my-"+x.Name || len(m.Files) != 5 {
				t.Errorf("%+v", m)
			}
			for _, args := range [][]string{{"go", "vet", "./..."}, {"go", "test", "./..."}, {"gofmt", "-l", "."}, {"go", "run", "."}} {
				cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
				cmd.Dir, cmd.Env = dir, append(env, "DUBBOFN_DESCRIBE=1")
				out, err := cmd.CombinedOutput()
				if err != nil || args[0] == "gofmt" && len(out) > 0 {
					t.Errorf("%v: %v\n%s", args, err, out)
				}
				if args[1] == "run" && !strings.Contains(string(out), `"interface": "`+m.Interface+`"`) {
					t.Errorf("it offers\n%s", out)
				}
			}
		})
	}
}

func TestWhatCantBeMadeIsToldBeforeAnythingIs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	there := filepath.Join(dir, "there")
	if err := os.WriteFile(there, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	for _, c := range []struct {
		config scaffold.Config
		want   string
	}{
		{scaffold.Config{}, "want up to 63 small letters"},
		{scaffold.Config{Dir: in("Hello")}, `name "Hello": want up to 63 small letters`},
		{scaffold.Config{Dir: in("1a")}, `name "1a"`},
		{scaffold.Config{Dir: in("a_b")}, `name "a_b"`},
		{scaffold.Config{Dir: in(strings.Repeat("a", 64))}, "up to 63"},
		{scaffold.Config{Dir: in("time")}, "--module example.org/time"},
		{scaffold.Config{Dir: in("a"), Module: "a b"}, `module "a b"`},
		{scaffold.Config{Dir: in("a"), Interface: "Greet"}, `interface "Greet": want a Java interface with its package`},
		{scaffold.Config{Dir: in("a"), Interface: "org.example.2"}, `interface "org.example.2"`},
		{scaffold.Config{Dir: in("a"), Template: "stream"}, "there are consumer, crud, event, greet"},
		{scaffold.Config{Dir: there}, "is there already"},
	} {
		_, err := scaffold.New(t.Context(), c.config)
		if err == nil || !strings.Contains(err.Error(), c.want) || !errors.As(err, new(scaffold.UsageError)) {
			t.Errorf("%+v: %v; want %q", c.config, err, c.want)
		}
	}
	if all, err := os.ReadDir(dir); err != nil || len(all) != 1 {
		t.Errorf("it left %v, %v", all, err)
	}
}

func TestAModuleThatCantBeCompletedIsNotLeftBehind(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a")
	_, err := scaffold.New(t.Context(), scaffold.Config{Dir: dir, Source: t.TempDir()})
	if err == nil || errors.As(err, new(scaffold.UsageError)) {
		t.Errorf("%v: want that there are no sources", err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v: the folder is there", err)
	}
}

func TestAModuleBelowAWorkspaceUsesSourcesBelowAPathWithBlanks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	clone := filepath.Join(dir, "a clone")
	if err := os.Symlink(source(t), clone); err != nil {
		t.Skipf("this machine has no links: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "go.work"), []byte("go 1.26\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	made := filepath.Join(dir, "hello")
	if _, err := scaffold.New(t.Context(), scaffold.Config{Dir: made, Source: clone, Environment: os.Environ()}); err != nil {
		t.Fatal(err)
	}
	vet := exec.CommandContext(t.Context(), "go", "vet", ".")
	vet.Dir, vet.Env = made, append(os.Environ(), "GOWORK=off")
	if out, err := vet.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
