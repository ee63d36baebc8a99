package gocomment_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/internal/gocomment"
	"github.com/dubbofn/dubbofn/internal/javagen"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const mainFile = `// Shop sells.
package main

import (
	"context"

	"example.org/shop/stock"
	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/fn/serve"
)

const shopName = "org.example.Shop"

// Item is a thing.
type Item struct {
	// Price is in euros.
	Price float64
	SKU, Place string ` + "`hessian:\"sku\"`" + ` // what it is called
	Plain int
}

// Color is a colour.
type Color string

// Red and its like.
const (
	// Red is the first.
	Red   Color = "RED"
	Green Color = "GREEN" // is the second
)

// NoItem says that there is none.
type NoItem struct{ Name string }

func (*NoItem) Error() string { return "" }

// JavaClassName is Java's.
func (*NoItem) JavaClassName() string { return "org.example.NoItemException" }

// Find searches.
func Find(ctx context.Context, name string, max int32) ([]*Item, error) { return nil, nil }

// Over takes text.
func OverText(text string) error { return nil }

// OverNumber takes a number.
func OverNumber(number int64) error { return nil }

// Desk is all of a desk.
type Desk struct{ Drawer }

// Drawer is in it.
type Drawer struct{}

// Open opens.
func (Drawer) Open(_ string, wide bool) error { return nil }

// Sit sits.
func (*Desk) Sit() error { return nil }

func main() {
	shop := &stock.Shelf{}
	desk := Desk{}
	serve.Main(fn.NewService(shopName,
		fn.Class[Item]("org.example.other.Thing"),
		fn.Method("java.util.List<org.example.other.Thing> find(java.lang.String, int)", Find, fn.Idempotent),
		fn.Method("over", OverText), fn.Method("over", OverNumber),
		fn.Method("count", shop.Count),
		fn.Method("inline", func(a, b string) error { return nil }),
	), fn.NewService("org.example.Desk", fn.Struct(&desk, fn.Rename("Sit", "sitDown"))))
}
`

const stockFile = `package stock

// Shelf holds.
type Shelf struct{}

// Count counts.
func (s *Shelf) Count(what ...string) (int32, error) { return 0, nil }
`

func module(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func method(name, descriptor string, params ...string) fn.MethodInfo {
	return fn.MethodInfo{Name: name, Descriptor: descriptor, Parameters: params}
}

const text = "java.lang.String"

var manifest = fn.Manifest{
	Services: []fn.ServiceInfo{
		{Interface: "org.example.Shop", Methods: []fn.MethodInfo{
			method("find", "Ljava/lang/String;I", text, "int"), method("over", "Ljava/lang/String;", text), method("over", "J", "long"),
			method("count", "[Ljava/lang/String;", text+"[]"), method("inline", "Ljava/lang/String;Ljava/lang/String;", text, text), method("unknown", ""),
		}},
		{Interface: "org.example.Desk", Methods: []fn.MethodInfo{method("open", "Ljava/lang/String;Z", text, "boolean"), method("sitDown", "")}},
	},
	Types: []fn.TypeInfo{
		{Class: "org.example.other.Thing", Kind: "class"}, {Class: "org.example.Color", Kind: "enum", Constants: []string{"RED", "GREEN"}},
		{Class: "org.example.NoItemException", Kind: "exception"}, {Class: "org.example.Unknown", Kind: "class"},
	},
}

func TestCommentsAndNamesOfParametersAreRead(t *testing.T) {
	t.Parallel()
	dir := module(t, map[string]string{"go.mod": "module example.org/shop\n", "main.go": mainFile, "stock/stock.go": stockFile})
	got, err := gocomment.Read(dir, manifest)
	if err != nil {
		t.Fatal(err)
	}
	want := javagen.Comments{
		Services: map[string]string{"org.example.Shop": "", "org.example.Desk": "Desk is all of a desk.\n"},
		Methods: map[string]javagen.MethodComment{
			"org.example.Shop.find(Ljava/lang/String;I)":                    {Text: "Find searches.\n", Parameters: []string{"name", "max"}},
			"org.example.Shop.over(Ljava/lang/String;)":                     {Text: "Over takes text.\n", Parameters: []string{"text"}},
			"org.example.Shop.over(J)":                                      {Text: "OverNumber takes a number.\n", Parameters: []string{"number"}},
			"org.example.Shop.count([Ljava/lang/String;)":                   {Text: "Count counts.\n", Parameters: []string{"what"}},
			"org.example.Shop.inline(Ljava/lang/String;Ljava/lang/String;)": {Parameters: []string{"a", "b"}},
			"org.example.Desk.open(Ljava/lang/String;Z)":                    {Text: "Open opens.\n", Parameters: []string{"", "wide"}},
			"org.example.Desk.sitDown()":                                    {Text: "Sit sits.\n", Parameters: []string{}},
		},
		Classes: map[string]string{
			"org.example.other.Thing": "Item is a thing.\n", "org.example.Color": "Color is a colour.\n",
			"org.example.NoItemException": "NoItem says that there is none.\n",
		},
		Fields: map[string]string{
			"org.example.other.Thing.price": "Price is in euros.\n", "org.example.other.Thing.sku": "what it is called\n",
			"org.example.Color.RED": "Red is the first.\n", "org.example.Color.GREEN": "is the second\n",
		},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestWhatCanNotBeParsedIsToldWithItsPlace(t *testing.T) {
	t.Parallel()
	if _, err := gocomment.Read(module(t, map[string]string{"go.mod": "module m\n", "a.go": "package a\nfunc"}), manifest); err == nil || !strings.Contains(err.Error(), "a.go:2") {
		t.Error(err)
	}
	if _, err := gocomment.Read(t.TempDir(), manifest); err == nil || !strings.Contains(err.Error(), "is in no Go module") {
		t.Error(err)
	}
}

// TestNamesThatLeadToThemselvesEnd: sources need not make sense to be parsed.
func TestNamesThatLeadToThemselvesEnd(t *testing.T) {
	t.Parallel()
	const odd = "package main\nimport \"github.com/dubbofn/dubbofn/fn\"\ntype T struct{ *U }\ntype U struct{ T }\nfunc f() { x := y{}; y := x{}; z := new(z)\n" +
		"fn.Method(\"a\", x.A); fn.Struct(&x); fn.Struct(y); fn.Struct(z[0]); fn.Struct(T{}); fn.Struct(); fn.Method(); fn.NewService() }\n"
	if _, err := gocomment.Read(module(t, map[string]string{"go.mod": "module m\n", "a.go": odd}), manifest); err != nil {
		t.Error(err)
	}
}
