package archtest

import (
	"go/parser"
	"go/token"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func sourceOf(t *testing.T, path, text string) *source {
	t.Helper()
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, path, text, 0)
	if err != nil {
		t.Fatal(err)
	}
	return &source{Path: path, Fset: fset, File: f}
}

func rules(faults []fault) []string {
	var names []string
	for _, f := range faults {
		names = append(names, f.Rule+" "+f.At)
	}
	return names
}

func TestCheckFileFindsEachRule(t *testing.T) {
	t.Parallel()
	long := "package p\nfunc f() {\n" + strings.Repeat("\tprintln()\n", 60) + "}\n"
	cases := map[string]struct {
		path, text string
		want       []string
	}{
		"nothing":               {"p/a.go", "package p\nfunc f() {}\n", nil},
		"long file":             {"p/a.go", "package p\n" + strings.Repeat("//\n", 500), []string{"file-length p/a.go"}},
		"long function":         {"p/a.go", long, []string{"func-length p/a.go:f"}},
		"long function in test": {"p/a_test.go", long, nil},
		"init":                  {"p/a.go", "package p\nfunc init() {}\n", []string{"no-init p/a.go:init"}},
		"method named init":     {"p/a.go", "package p\ntype T int\nfunc (T) init() {}\n", nil},
		"sleep":                 {"p/a.go", "package p\nfunc f() { time.Sleep(1) }\n", []string{"no-time.sleep p/a.go:f"}},
		"sleep in test":         {"p/a_test.go", "package p\nfunc f() { time.Sleep(1) }\n", nil},
		"background":            {"p/a.go", "package p\nfunc f() { g(context.Background()) }\n", []string{"no-context.background p/a.go:f"}},
		"background in main":    {"p/a.go", "package main\nfunc f() { g(context.Background()) }\n", nil},
		"exit":                  {"p/a.go", "package p\nfunc f() { os.Exit(1) }\n", []string{"no-os.exit p/a.go:f"}},
		"environment":           {"p/a.go", "package main\nfunc f() { os.Getenv(``) }\n", []string{"no-os.getenv p/a.go:f"}},
		"printing":              {"p/a.go", "package p\nfunc f() { fmt.Println() }\n", []string{"no-fmt.println p/a.go:f"}},
		"unsafe":                {"p/a.go", "package p\nimport \"unsafe\"\n", []string{"no-unsafe p/a.go"}},
		"unsafe in the codec":   {"internal/hessian/a.go", "package p\nimport \"unsafe\"\n", nil},
		"blank import":          {"p/a.go", "package p\nimport _ \"net/http/pprof\"\n", []string{"no-blank-import p/a.go:pprof"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, rules(checkFile(sourceOf(t, c.path, c.text)))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCheckVariablesFindsWhatChanges(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		text string
		want []string
	}{
		"a table":             {"var v = []int{1}\nfunc f() int { return v[0] }", nil},
		"a pool":              {"var v sync.Pool", []string{"no-mutable-variable p/a.go:v"}},
		"a generic pointer":   {"var v atomic.Pointer[int]", []string{"no-mutable-variable p/a.go:v"}},
		"an assignment":       {"var v int\nfunc f() { v = 1 }", []string{"no-mutable-variable p/a.go:v"}},
		"an element":          {"var v = map[int]int{}\nfunc f() { v[1]++ }", []string{"no-mutable-variable p/a.go:v"}},
		"a local of the name": {"var v int\nfunc f() { v := 1; v = 2; _ = v }", nil},
		"no variable":         {"var _ I = T{}\nfunc f() { _ = g() }", nil},
		"a local var":         {"var v int\nfunc f() { var v int; v = 2; _ = v }", nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := rules(checkVariables([]*source{sourceOf(t, "p/a.go", "package p\n"+c.text+"\n")}))
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestExportedCountsConstantsOfATypeOnce(t *testing.T) {
	t.Parallel()
	text := `package p
type Code uint8
const (
	A Code = iota
	B
)
const C = Code(7)
const Limit, small = 1, 2
var V, w int
func F() {}
func (Code) Method() {}
`
	want := []string{"Code", "F", "Limit", "V", "constants of type Code"}
	if diff := cmp.Diff(want, exported([]*source{sourceOf(t, "p/a.go", text)})); diff != "" {
		t.Error(diff)
	}
}
