package javaimport_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/internal/classfile"
	"github.com/dubbofn/dubbofn/internal/javadecl"
	"github.com/dubbofn/dubbofn/internal/javagen"
	"github.com/dubbofn/dubbofn/internal/javaimport"
	"github.com/dubbofn/dubbofn/internal/scaffold"
)

// describe makes a module of what was imported, and asks its program for the manifest.
func describe(t *testing.T, r *javaimport.Result) (m fn.Manifest) {
	t.Helper()
	const module = "example.org/shopping"
	dir := t.TempDir()
	if _, err := r.Place(filepath.Join(dir, r.Package)); err != nil {
		t.Fatal(err)
	}
	main := javaimport.Result{Files: []javaimport.File{r.Main(module + "/" + r.Package)}}
	if _, err := main.Place(dir); err != nil {
		t.Fatal(err)
	}
	_, file, _, _ := runtime.Caller(0) //nolint:dogsled // its place is all that is asked for
	env := append(os.Environ(), "GOFLAGS=", "GOWORK=off")
	if err := (scaffold.Config{Dir: dir, Module: module, Source: scaffold.Source(file), Environment: env}).Complete(t.Context()); err != nil {
		t.Fatal(err)
	}
	run := exec.CommandContext(t.Context(), "go", "run", ".")
	run.Dir, run.Env = dir, append(env, "DUBBOFN_DESCRIBE=1", "DUBBOFN_APP=shopping")
	var faults strings.Builder
	run.Stderr = &faults
	out, err := run.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, faults.String())
	}
	if err := json.Unmarshal(out, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// classes reads the class files below a folder.
func classes(t *testing.T, dir string) map[string]*javadecl.Class {
	t.Helper()
	all := map[string]*javadecl.Class{}
	files, err := filepath.Glob(dir + "/org/example/*/*.class")
	if err != nil || len(files) == 0 {
		t.Fatal("no class files", err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		c, err := classfile.Parse(b)
		if err != nil {
			t.Fatal(err)
		}
		all[c.Name] = c
	}
	return all
}

func TestWhatIsImportedHasTheDescriptorsAndTheFieldsThatJavaDeclares(t *testing.T) {
	t.Parallel()
	r, err := load(t, javaimport.Config{}, jar(t, shop+"/classes"))
	if err != nil {
		t.Fatal(err)
	}
	m, java := describe(t, r), classes(t, shop+"/classes")
	want, got := map[string]bool{}, map[string]bool{}
	for _, i := range []string{"org.example.shop.CatalogueService", "org.example.shop.Crud"} {
		for _, method := range java[i].Methods {
			want[method.Name+"("+method.Descriptor+")"] = true
		}
	}
	for _, method := range m.Services[0].Methods {
		got[method.Name+"("+method.Descriptor+")"] = true
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("methods (-Java +Go): %s", diff)
	}
	erased := map[string]string{"org.example.shop.Page": "T"} // a variable is what the JVM knows it as
	for _, c := range m.Types {
		declared := java[c.Class]
		if declared == nil {
			t.Errorf("%s is no class of Java's", c.Class)
			continue
		}
		var wantFields, gotFields []string
		fields := declared.Fields
		if c.Kind == "exception" { // Go has those of its superclass too
			fields = append(fields, java[declared.Super.Name].Fields...)
		}
		for _, f := range fields {
			form := f.Type.String()
			if v := erased[c.Class]; v != "" {
				if form = strings.ReplaceAll(form, "<"+v+">", "<java.lang.Object>"); form == v {
					form = "java.lang.Object"
				}
			}
			wantFields = append(wantFields, form+" "+f.Name)
		}
		for _, f := range c.Fields {
			gotFields = append(gotFields, f.Type+" "+f.Name)
		}
		if c.Kind == "exception" {
			wantFields, gotFields = slices.Sorted(slices.Values(wantFields)), slices.Sorted(slices.Values(gotFields))
		}
		if diff := cmp.Diff(wantFields, gotFields); diff != "" {
			t.Errorf("%s (-Java +Go): %s", c.Class, diff)
		}
		for i, k := range declared.Constants {
			if c.Constants[i] != k.Name {
				t.Errorf("%s has the constants %q", c.Class, c.Constants)
			}
		}
		if declared.Super != nil && c.Kind == "class" && c.Super != declared.Super.Name {
			t.Errorf("%s extends %s; want %s", c.Class, c.Super, declared.Super.Name)
		}
	}
	if len(m.Types) != 7 {
		t.Errorf("%d types", len(m.Types))
	}
}

func TestJavaMadeOfWhatWasImportedDeclaresTheSameAgain(t *testing.T) {
	t.Parallel()
	r, err := load(t, javaimport.Config{}, jar(t, shop+"/classes"))
	if err != nil {
		t.Fatal(err)
	}
	project, err := javagen.Generate(describe(t, r), javagen.Config{})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var sources []string
	for _, f := range project {
		if strings.HasPrefix(f.Path, "api/") && strings.HasSuffix(f.Path, ".java") {
			path := filepath.Join(dir, strings.ReplaceAll(f.Path, "/", "-"))
			if err := os.WriteFile(path, []byte(f.Text), 0o600); err != nil {
				t.Fatal(err)
			}
			sources = append(sources, path)
		}
	}
	again, err := load(t, javaimport.Config{Interfaces: []string{"org.example.shop.CatalogueService"}}, sources...)
	if err != nil {
		t.Fatal(err)
	}
	first, second := describe(t, r), describe(t, again)
	if diff := cmp.Diff(first.Services[0].Methods, second.Services[0].Methods); diff != "" {
		t.Errorf("methods (-first +second): %s", diff)
	}
	for _, c := range first.Types {
		for i := range c.Fields {
			if c.Fields[i].Type == "float" { // which the Hessian of Dubbo 3.3.6 can't read: generated classes have its box
				c.Fields[i].Type = "java.lang.Float"
			}
		}
	}
	if diff := cmp.Diff(first.Types, second.Types); diff != "" {
		t.Errorf("types (-first +second): %s", diff)
	}
}
