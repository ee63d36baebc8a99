package registry_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/dubbofn/dubbofn/registry"
	"github.com/dubbofn/dubbofn/registry/registrytest"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("REGISTRY_TEST_DIR"); dir != "" {
		if err := register(dir); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

func TestEmbeddedPassesTheSuite(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() + "/registry"
	registrytest.Suite{
		Open: func(ctx context.Context) (registry.Registry, error) {
			return registry.Embedded.Open(ctx, registry.Config{Scheme: "embedded", Params: map[string]string{"dir": dir}})
		},
		WriteRule: func(_ context.Context, _, key, content string) error {
			file := filepath.Join(dir, "rules", url.PathEscape(key))
			if content == "" {
				return os.Remove(file)
			}
			if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
				return err
			}
			return os.WriteFile(file, []byte(content), 0o600)
		},
	}.Run(t)
}

func openDir(t *testing.T, dir string) registry.Registry {
	t.Helper()
	r, err := registry.Embedded.Open(t.Context(), registry.Config{Params: map[string]string{"dir": dir}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return r
}

func lookup(t *testing.T, r registry.Registry) registry.Lookup {
	t.Helper()
	l, ok := r.(registry.Lookup)
	if !ok {
		t.Fatalf("%T is not a Lookup", r)
	}
	return l
}

// TestMain's other face: a process that registers, says so, and lives until it is killed.
func register(dir string) error {
	ctx := context.Background()
	r, err := registry.Embedded.Open(ctx, registry.Config{Params: map[string]string{"dir": dir}})
	if err != nil {
		return err
	}
	if _, err := r.Register(ctx, registrationOf(greet())); err != nil {
		return err
	}
	fmt.Println("registered")
	_, err = io.Copy(io.Discard, os.Stdin) // until the parent goes
	return err
}

func TestAnInstanceVanishesWithItsKilledProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() + "/registry"
	l := lookup(t, openDir(t, dir))
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), "REGISTRY_TEST_DIR="+dir)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := child.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != "registered\n" {
		t.Fatalf("the child says %q, %v", line, err)
	}
	if all, err := l.Instances(t.Context(), registry.Name{App: "greet"}); err != nil || len(all) != 1 {
		t.Errorf("while it lives: %v, %v", all, err)
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // it was killed
	if all, err := l.Instances(t.Context(), registry.Name{App: "greet"}); err != nil || len(all) != 0 {
		t.Errorf("after it was killed: %v, %v", all, err)
	}
	if m, err := l.Metadata(t.Context(), "greet", greet().Revision()); err != nil || m.App != "greet" {
		t.Errorf("its metadata is gone: %v", err)
	}
	openDir(t, dir) // sweeps
	marks, err := os.ReadDir(filepath.Join(dir, "marks"))
	if err != nil || len(marks) != 2 {
		t.Errorf("marks are %v, %v; want those of the two living handles", marks, err)
	}
}

func TestADirectoryThatOthersCanEnterIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() + "/open"
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	link := t.TempDir() + "/link"
	if err := os.Symlink(t.TempDir(), link); err != nil {
		t.Fatal(err)
	}
	for d, want := range map[string]string{dir: "0755", link: "not a directory", os.Args[0]: "not a directory"} {
		_, err := registry.Embedded.Open(t.Context(), registry.Config{Path: d})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error is %v, want %q in it", d, err, want)
		}
	}
	if _, err := registry.Embedded.Open(t.Context(), registry.Config{Scheme: "nacos"}); err == nil {
		t.Error("another scheme was taken")
	}
}

func TestADirectoryWithoutItsThirdSlashIsRefused(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"some", "some:0"} { // as a URL without a port is read
		_, err := registry.Embedded.Open(t.Context(), registry.Config{Addresses: []string{host}, Path: "dir"})
		if err == nil || !strings.Contains(err.Error(), "embedded://some/dir: a directory is written embedded:///some/dir") {
			t.Errorf("%s: error is %v", host, err)
		}
	}
}

// TestWhatACrashLeftHalfWrittenIsSweptAtOpen, but nothing that a living process is writing.
func TestWhatACrashLeftHalfWrittenIsSweptAtOpen(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "registry")
	living := openDir(t, dir)
	if _, err := living.Register(t.Context(), registrationOf(greet())); err != nil {
		t.Fatal(err)
	}
	marks, err := os.ReadDir(filepath.Join(dir, "marks"))
	if err != nil || len(marks) != 1 {
		t.Fatalf("marks are %v, %v", marks, err)
	}
	kept, gone := filepath.Join(dir, "new", marks[0].Name()+"-1"), filepath.Join(dir, "new", "GONE-1")
	young, old := filepath.Join(dir, "marks", ".new-1"), filepath.Join(dir, "marks", ".new-2")
	for _, file := range []string{kept, gone, young, old} {
		if err := os.WriteFile(file, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ago := time.Now().Add(-time.Hour)
	if err := os.Chtimes(old, ago, ago); err != nil {
		t.Fatal(err)
	}
	openDir(t, dir)
	for file, want := range map[string]bool{kept: true, gone: false, young: true, old: false} {
		if _, err := os.Stat(file); (err == nil) != want {
			t.Errorf("%s: there %t, want %t", file, err == nil, want)
		}
	}
}

func TestUnreadableRecordsAreLeftOut(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() + "/registry"
	r := openDir(t, dir)
	if _, err := r.Register(t.Context(), registrationOf(greet())); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(dir, "instances", "greet")
	files, err := os.ReadDir(folder)
	if err != nil || len(files) != 1 {
		t.Fatalf("records are %v, %v", files, err)
	}
	id, _, _ := strings.Cut(files[0].Name(), "-")
	for name, content := range map[string]string{
		id + "-90": "{", id + "-91": strings.Repeat(" ", 2<<20), ".new-1": `{"host":"half","port":1}`, "nobody-1": `{"host":"dead","port":1}`, "strange": `{"host":"dead","port":2}`,
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	all, err := lookup(t, r).Instances(t.Context(), registry.Name{App: "greet"})
	if err != nil || len(all) != 1 || all[0].Host != "10.0.0.1" {
		t.Errorf("instances are %v, %v; want the readable one", all, err)
	}
	if _, err := os.Stat(filepath.Join(folder, "nobody-1")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the record of a dead process is still there: %v", err)
	}
}

func TestNamesCanNotLeaveTheDirectory(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	r := openDir(t, parent+"/registry")
	for _, app := range []string{"..", ".", "../../x", "a/b", "%2e", "ä b"} {
		m := greet()
		m.App = app
		if _, err := r.Register(t.Context(), registrationOf(m)); err != nil {
			t.Fatalf("%q: %v", app, err)
		}
		l := lookup(t, r)
		if all, err := l.Instances(t.Context(), registry.Name{App: app}); err != nil || len(all) != 1 || all[0].App != app {
			t.Errorf("instances of %q are %v, %v", app, all, err)
		}
		if apps, err := l.Apps(t.Context(), "org.example.GreetService"); err != nil || !slices.Contains(apps, app) {
			t.Errorf("applications are %v, %v; want %q among them", apps, err, app)
		}
	}
	if files, err := os.ReadDir(parent); err != nil || len(files) != 1 {
		t.Errorf("beside the registry there is %v, %v", files, err)
	}
}

func TestAFaultThatStaysIsToldOnce(t *testing.T) {
	dir := t.TempDir() + "/registry"
	rule := filepath.Join(dir, "rules", "shop.tag-router")
	if err := os.MkdirAll(filepath.Dir(rule), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		r, err := registry.Embedded.Open(t.Context(), registry.Config{Params: map[string]string{"dir": dir}, Log: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		var told []string
		done := make(chan error)
		go func() {
			done <- r.(registry.RuleWatcher).WatchRule(t.Context(), "dubbo", "shop.tag-router", func(content string) { told = append(told, content) })
		}()
		write := func(content string) {
			if err := os.WriteFile(rule, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
		}
		large := strings.Repeat("x", 2<<20)
		for _, content := range []string{"a", large, "b", large} {
			write(content)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		<-done
		if n := strings.Count(log.String(), "the last state stands"); n != 2 || !slices.Equal(told, []string{"", "a", "b"}) {
			t.Errorf("%d lines of log, and told %q", n, told)
		}
	})
}
