package fn_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/java"
)

type colour string

type Animal struct{ ID int64 }

type dog struct {
	Animal
	Name   string
	Coat   colour
	Owner  *person
	Pups   []*dog
	ByName map[string]dog
	Tags   java.Set[string]
	Born   *time.Time
	Any    any
	Note   string `hessian:"remark"`
	Hidden string `hessian:"-"`
}

// size is an enum in dubbo-go-hessian2's style.
type size int32

func (size) JavaClassName() string { return "org.x.Size" }
func (s size) String() string      { return map[size]string{0: "SMALL", 1: "LARGE"}[s] }
func (size) EnumValue(s string) size {
	if s == "LARGE" {
		return 1
	}
	return 0
}

func zoo(parts ...fn.Option) *fn.Service {
	return fn.NewService("org.x.Zoo", append(parts,
		fn.Class[colour]("org.x.Colour", colour("BLACK"), colour("WHITE")),
		fn.Class[dog]("org.x.Dog"), fn.Class[Animal]("org.x.Animal"), fn.Class[person]("org.x.Person"),
		fn.Method("walk", func(*dog, ...int32) (map[string][]*dog, error) { return nil, nil }, fn.Timeout(1500*time.Microsecond), fn.Throws[*bizError]("org.x.BizException")),
		fn.Method("feed", func(size, *int64, []byte) error { return nil }, fn.Idempotent),
		fn.Method("feed", func() error { return nil }, fn.Timeout(20*time.Second)),
	)...)
}

func TestDescribeTellsWhatAnInterfaceNeeds(t *testing.T) {
	t.Parallel()
	got := newSet(t, zoo(fn.Version("1.0.0"), fn.Group("g"), fn.Token("tok"))).Describe()
	want := fn.Manifest{
		App: "demo",
		Services: []fn.ServiceInfo{{
			Interface: "org.x.Zoo", Version: "1.0.0", Group: "g",
			Params: map[string]string{
				"dubbo": "2.0.2", "side": "provider", "interface": "org.x.Zoo", "version": "1.0.0", "group": "g", "token": "tok",
				"serialization": "hessian2", "prefer.serialization": "hessian2", "timeout": "10000", "retries": "0", "walk.timeout": "2", "feed.timeout": "20000",
			},
			Methods: []fn.MethodInfo{
				{Name: "feed", Parameters: []string{}, Result: "void", Timeout: 20000},
				{Name: "feed", Parameters: []string{"org.x.Size", "java.lang.Long", "byte[]"}, Descriptor: "Lorg/x/Size;Ljava/lang/Long;[B", Result: "void", Timeout: 10000, Retries: 2, Idempotent: true},
				{Name: "walk", Parameters: []string{"org.x.Dog", "int[]"}, Descriptor: "Lorg/x/Dog;[I", Result: "java.util.Map<java.lang.String,java.util.List<org.x.Dog>>", Throws: []string{"org.x.BizException"}, Timeout: 2},
			},
		}},
		Types: []fn.TypeInfo{
			{Class: "org.x.Animal", Kind: "class", Fields: []fn.FieldInfo{{Name: "id", Type: "long"}}},
			{Class: "org.x.BizException", Kind: "exception", Fields: []fn.FieldInfo{{Name: "code", Type: "int"}, {Name: "detail", Type: "org.x.Person"}, {Name: "remark", Type: "java.lang.String"}}},
			{Class: "org.x.Colour", Kind: "enum", Constants: []string{"BLACK", "WHITE"}},
			{Class: "org.x.Dog", Kind: "class", Super: "org.x.Animal", Fields: []fn.FieldInfo{
				{Name: "name", Type: "java.lang.String"}, {Name: "coat", Type: "org.x.Colour"}, {Name: "owner", Type: "org.x.Person"}, {Name: "pups", Type: "java.util.List<org.x.Dog>"},
				{Name: "byName", Type: "java.util.Map<java.lang.String,org.x.Dog>"}, {Name: "tags", Type: "java.util.Set<java.lang.String>"}, {Name: "born", Type: "java.util.Date"},
				{Name: "any", Type: "java.lang.Object"}, {Name: "remark", Type: "java.lang.String"},
			}},
			{Class: "org.x.Person", Kind: "class", Fields: []fn.FieldInfo{{Name: "name", Type: "java.lang.String"}, {Name: "age", Type: "int"}}},
			{Class: "org.x.Size", Kind: "enum", Constants: []string{"SMALL", "LARGE"}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

type Parent struct{ ID int64 }

type child struct {
	*Parent
	time.Time
	Name string
}

func TestAnEmbeddedStructIsTheSuperclassInTheSamePackage(t *testing.T) {
	t.Parallel()
	got := newSet(t, fn.NewService("org.x.S", fn.Method("m", func(*child) error { return nil }))).Describe().Types
	want := []fn.TypeInfo{
		{Class: "org.x.Parent", Kind: "class", Fields: []fn.FieldInfo{{Name: "id", Type: "long"}}},
		{Class: "org.x.child", Kind: "class", Super: "org.x.Parent", Fields: []fn.FieldInfo{{Name: "time", Type: "java.util.Date"}, {Name: "name", Type: "java.lang.String"}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestTheManifestDependsOnContentOnly(t *testing.T) {
	t.Parallel()
	other := func() *fn.Service { return fn.NewService("org.x.S", fn.Method("m", hello)) }
	a, b := newSet(t, zoo(), other()), newSet(t, other(), zoo())
	ja, err := a.Describe().JSON()
	if err != nil {
		t.Fatal(err)
	}
	jb, err := b.Describe().JSON()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(ja), string(jb)); diff != "" || a.Digest() != b.Digest() {
		t.Errorf("the order of services shows: %s", diff)
	}
	var back fn.Manifest
	if err := json.Unmarshal(ja, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(a.Describe(), back); diff != "" {
		t.Errorf("the manifest does not survive its text: %s", diff)
	}
	if back.Digest() != a.Digest() || !cmp.Equal(back.Definitions(), a.Definitions()) {
		t.Error("its digest or its definitions don't")
	}
	if newSet(t, zoo(fn.Timeout(time.Second)), other()).Digest() == a.Digest() {
		t.Error("another timeout has the same digest")
	}
}

func TestDefinitionsOfATypeThatIsItsOwnAncestorEnd(t *testing.T) {
	t.Parallel()
	m := fn.Manifest{
		Services: []fn.ServiceInfo{{Interface: "org.x.S", Methods: []fn.MethodInfo{{Name: "m", Parameters: []string{"org.x.A"}, Result: "org.x.B"}}}},
		Types: []fn.TypeInfo{
			{Class: "org.x.A", Super: "org.x.B", Fields: []fn.FieldInfo{{Name: "self", Type: "org.x.A"}}},
			{Class: "org.x.B", Super: "org.x.A", Fields: []fn.FieldInfo{{Name: "other", Type: "java.util.List<org.x.A>"}}},
		},
	}
	if all := m.Definitions(); len(all) != 1 {
		t.Errorf("definitions: %v", all)
	}
}

func TestPublishedParametersAreTheCallersOwn(t *testing.T) {
	t.Parallel()
	set := newSet(t, fn.NewService("org.x.S", fn.Idempotent, fn.Timeout(3*time.Second), fn.Method("a", hello), fn.Method("b", hello, fn.Timeout(time.Second)), fn.Method("a", func() error { return nil })))
	p := set.Describe().Services
	if len(p) != 1 || p[0].Interface != "org.x.S" || len(p[0].Methods) != 3 {
		t.Fatalf("published: %+v", p)
	}
	for k, want := range map[string]string{"timeout": "3000", "retries": "2", "b.timeout": "1000", "a.timeout": "", "a.retries": "", "token": "", "group": "", "version": ""} {
		if got := p[0].Params[k]; got != want {
			t.Errorf("%s = %q; want %q", k, got, want)
		}
	}
	p[0].Params["timeout"] = "1"
	if set.Describe().Services[0].Params["timeout"] != "3000" {
		t.Error("the caller's change reached the set")
	}
}

func TestDefinitionsAreInDubbosForm(t *testing.T) {
	t.Parallel()
	all := newSet(t, zoo(fn.Version("1.0.0"), fn.Group("g"))).Definitions()
	text, ok := all["g/org.x.Zoo:1.0.0:dubbo"]
	if !ok || len(all) != 1 {
		t.Fatalf("definitions: %v", all)
	}
	var d struct {
		CanonicalName, UniqueID string
		Parameters              map[string]string
		Methods                 []struct {
			Name, ReturnType string
			ParameterTypes   []string
		}
		Types []struct {
			Type       string
			Items      []string
			Enums      []string
			Properties map[string]string
		}
	}
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	if d.CanonicalName != "org.x.Zoo" || d.Parameters["application"] != "demo" || len(d.Methods) != 3 || d.Methods[2].ReturnType != "java.util.Map<java.lang.String,java.util.List<org.x.Dog>>" {
		t.Errorf("definition: %s", text)
	}
	found := 0
	for _, ty := range d.Types {
		switch ty.Type {
		case "org.x.Dog":
			found++
			if ty.Properties["id"] != "long" || ty.Properties["pups"] != "java.util.List<org.x.Dog>" {
				t.Errorf("properties of a dog: %v", ty.Properties)
			}
		case "org.x.Colour":
			found++
			if !cmp.Equal(ty.Enums, []string{"BLACK", "WHITE"}) {
				t.Errorf("colours: %v", ty.Enums)
			}
		case "java.util.Map<java.lang.String,java.util.List<org.x.Dog>>":
			found++
			if !cmp.Equal(ty.Items, []string{"java.lang.String", "java.util.List<org.x.Dog>"}) {
				t.Errorf("items: %v", ty.Items)
			}
		}
	}
	if found != 3 {
		t.Errorf("%d of 3 types are there: %s", found, text)
	}
}
