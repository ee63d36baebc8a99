package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestImportMakesAPackageAndTellsWhatIsInIt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	source := filepath.Join(dir, "GreetService.java")
	text := "package org.example.greet; public interface GreetService { String hello(String name); Reply greet(int n); void ping(); class Reply { public String text; } }"
	if err := os.WriteFile(source, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	into := filepath.Join(dir, "internal", "greet")
	out, code := ran(t, "import", source, "-d", into, "--skip", "ping", "-o", "json")
	var got struct {
		Dir, Package string
		Services     []struct {
			Interface, Name, Handler, Client string
			Methods                          int
		}
		Types []string
		Files []struct{ Path, State string }
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != 0 {
		t.Fatalf("%v, exit code %d: %s", err, code, out)
	}
	if s := got.Services[0]; got.Dir != into || got.Package != "greet" || s.Interface != "org.example.greet.GreetService" || s.Methods != 2 || s.Handler != "GreetServiceHandler" {
		t.Errorf("%+v", got)
	}
	if diff := cmp.Diff([]string{"GreetServiceReply"}, got.Types); diff != "" || len(got.Files) != 3 {
		t.Error(diff, got.Files)
	}
	out, code = ran(t, "import", source, "-d", into)
	for _, want := range []string{"INTERFACE", "org.example.greet.GreetService", "  renewed  " + filepath.Join(into, "types.go"), "  kept     " + filepath.Join(into, "greet_service_handler.go"), "Next: fill in GreetServiceHandler"} {
		if code != 0 || !strings.Contains(out, want) {
			t.Errorf("without %q, exit code %d:\n%s", want, code, out)
		}
	}
}

func TestImportIsToldWhatIsWrongWithIt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	source := filepath.Join(dir, "A.java")
	if err := os.WriteFile(source, []byte("package a; interface A { void m(); }"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		want string
		code int
		args []string
	}{
		{"import needs a FILE", exitUsage, nil},
		{`--package "Main": want a name of small letters`, exitUsage, []string{source, "--package", "Main"}},
		{`--module "/a b": want a path`, exitUsage, []string{source, "--module", "/a b"}},
		{`--output "xml"`, exitUsage, []string{source, "-o", "xml"}},
		{"is a module already: leave --module out", exitUsage, []string{source, "-d", dir, "--module", "example.org/a"}},
		{"no such file", exitOther, []string{filepath.Join(dir, "none.jar")}},
		{"no interface B", exitOther, []string{source, "--interface", "B"}},
	} {
		out, code := ran(t, append([]string{"import"}, x.args...)...)
		if code != x.code || !strings.Contains(out, x.want) {
			t.Errorf("import %q: exit code %d, %q; want %d, %q", x.args, code, out, x.code, x.want)
		}
	}
}
