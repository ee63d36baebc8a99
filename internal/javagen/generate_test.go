package javagen_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/internal/javagen"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var update = flag.Bool("update", false, "write the golden files anew")

func read(t *testing.T, name string) (m fn.Manifest) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// remarks are comments for testdata/shop.json.
var remarks = javagen.Comments{
	Services: map[string]string{"org.example.shop.ShopService": "ShopService sells.\n\nIt never */ ends & <always> begins, see C:\\users @home."},
	Classes:  map[string]string{"org.example.shop.Item": "Item is one thing:\n\n    its code\n      as it is", "org.example.shop.Color": "Color is what it looks like."},
	Fields:   map[string]string{"org.example.shop.Item.price": "Price is in euros.", "org.example.shop.Color.RED": "Red is the first."},
	Methods: map[string]javagen.MethodComment{
		javagen.MethodKey("org.example.shop.ShopService", "find", "Ljava/lang/String;I"): {Text: "Find searches.", Parameters: []string{"default", "max"}},
	},
}

func TestAProjectIsWhatItWas(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]javagen.Config{
		"greet": {},
		"shop":  {Dubbo: javagen.Dubbo27, GroupID: "org.example.teams", Version: "2.1", Comments: remarks},
	} {
		files, err := javagen.Generate(read(t, name+".json"), c)
		if err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join("testdata", name)
		if *update {
			if err := os.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
		}
		var paths []string
		for _, f := range files {
			paths = append(paths, f.Path)
			golden := filepath.Join(dir, filepath.FromSlash(f.Path)+".golden")
			if *update {
				if err := os.MkdirAll(filepath.Dir(golden), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(golden, []byte(f.Text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), f.Text); d != "" {
				t.Errorf("%s %s (-update writes it anew):\n%s", name, f.Path, d)
			}
			if head, _, _ := strings.Cut(f.Text, "<project"); !strings.Contains(head, javagen.Marker) {
				t.Errorf("%s %s has no mark", name, f.Path)
			}
		}
		if !slices.IsSorted(paths) {
			t.Errorf("%s: %q are not in order", name, paths)
		}
	}
}

func TestTheSameManifestGivesTheSameFiles(t *testing.T) {
	t.Parallel()
	m := read(t, "shop.json")
	first, err := javagen.Generate(m, javagen.Config{Comments: remarks})
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		again, err := javagen.Generate(m, javagen.Config{Comments: remarks})
		if err != nil || !slices.Equal(first, again) {
			t.Fatal("it differs", err)
		}
	}
}

// service is a manifest of one method and some types.
func service(method fn.MethodInfo, types ...fn.TypeInfo) fn.Manifest {
	return fn.Manifest{App: "a", Services: []fn.ServiceInfo{{Interface: "org.example.S", Methods: []fn.MethodInfo{method}}}, Types: types}
}

func class(name string, fields ...fn.FieldInfo) fn.TypeInfo {
	return fn.TypeInfo{Class: name, Kind: "class", Fields: fields}
}

func TestWhatJavaCanNotSayIsAFaultWithItsMend(t *testing.T) {
	t.Parallel()
	hello := fn.MethodInfo{Name: "hello", Result: "void"}
	for want, m := range map[string]fn.Manifest{
		"has no services": {App: "a"},
		`interface org.example.new.S: "new" can't be a name in Java`:                         {Services: []fn.ServiceInfo{{Interface: "org.example.new.S"}}},
		`interface "S" has no package`:                                                       {Services: []fn.ServiceInfo{{Interface: "S"}}},
		`interface "../S": want a Java name`:                                                 {Services: []fn.ServiceInfo{{Interface: "../S"}}},
		`method class: "class" can't be a name in Java: give it another one by fn.Method`:    service(fn.MethodInfo{Name: "class", Result: "void"}),
		"method wait(long): java.lang.Object has one like it":                                service(fn.MethodInfo{Name: "wait", Parameters: []string{"long"}, Descriptor: "J", Result: "void"}),
		"method toString(): java.lang.Object has one like it":                                service(fn.MethodInfo{Name: "toString", Result: "int"}),
		"class org.example.Other is not in the manifest's types":                             service(fn.MethodInfo{Name: "hello", Result: "java.util.List<org.example.Other>"}),
		`type "Thing" has no package`:                                                        service(fn.MethodInfo{Name: "hello", Result: "Thing"}),
		`type "int[": want one like`:                                                         service(fn.MethodInfo{Name: "hello", Result: "int["}),
		`descriptor "I" is not that of its parameters (long)`:                                service(fn.MethodInfo{Name: "hello", Parameters: []string{"long"}, Descriptor: "I", Result: "void"}),
		`throws "org.example.No": want an exception`:                                         service(fn.MethodInfo{Name: "hello", Result: "void", Throws: []string{"org.example.No"}}),
		"class org.example.T is there twice, as class and as enum":                           service(hello, class("org.example.T"), fn.TypeInfo{Class: "org.example.T", Kind: "enum", Constants: []string{"A"}}),
		"class org.example.S is there twice, as service and as class":                        service(hello, class("org.example.S")),
		"org.example.T is a class, and org.example.T.U is in a package of that name":         service(hello, class("org.example.T"), class("org.example.T.U")),
		"org.example.T and org.example.t differ in the case of letters only":                 service(hello, class("org.example.T"), class("org.example.t")),
		`class org.example.Outer$1: "1" can't be a name in Java`:                             service(hello, class("org.example.Outer$1")),
		`class org.example.var: "var" can't be a name in Java`:                               service(hello, class("org.example.var")),
		`field "default" can't be a name in Java: give it another one by a tag`:              service(hello, class("org.example.T", fn.FieldInfo{Name: "default", Type: "int"})),
		`field x is there twice`:                                                             service(hello, class("org.example.T", fn.FieldInfo{Name: "x", Type: "int"}, fn.FieldInfo{Name: "x", Type: "long"})),
		`field "Objects" hides`:                                                              service(hello, class("org.example.T", fn.FieldInfo{Name: "Objects", Type: "int"})),
		"enum org.example.E: its constants are not known: name them":                         service(hello, fn.TypeInfo{Class: "org.example.E", Kind: "enum"}),
		`enum org.example.E: constant "new"`:                                                 service(hello, fn.TypeInfo{Class: "org.example.E", Kind: "enum", Constants: []string{"new"}}),
		"class org.example.T is its own superclass":                                          service(hello, fn.TypeInfo{Class: "org.example.T", Kind: "class", Super: "org.example.U"}, fn.TypeInfo{Class: "org.example.U", Kind: "class", Super: "org.example.T"}),
		`its superclass "org.example.No" is neither`:                                         service(hello, fn.TypeInfo{Class: "org.example.T", Kind: "class", Super: "org.example.No"}),
		`it implements "org.example.No", which is no interface`:                              service(hello, fn.TypeInfo{Class: "org.example.T", Kind: "class", Interfaces: []string{"org.example.No"}}),
		`kind "record": want class, enum, exception or interface`:                            service(hello, fn.TypeInfo{Class: "org.example.T", Kind: "record"}),
		"method hello() is there twice: want it to be one method in all versions and groups": {Services: []fn.ServiceInfo{{Interface: "org.example.S", Methods: []fn.MethodInfo{hello}}, {Interface: "org.example.S", Version: "2", Methods: []fn.MethodInfo{{Name: "hello", Result: "int"}}}}},
	} {
		files, err := javagen.Generate(m, javagen.Config{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
		if files != nil {
			t.Errorf("%q: there are files", want)
		}
	}
}

func TestFaultsOfTheConfigurationAreToldTogether(t *testing.T) {
	t.Parallel()
	_, err := javagen.Generate(read(t, "greet.json"), javagen.Config{Dubbo: "4", GroupID: "a b", Version: "<1>"})
	for _, want := range []string{`Dubbo version "4"`, `group id "a b"`, `version "<1>"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
}
