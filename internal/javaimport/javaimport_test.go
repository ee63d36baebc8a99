package javaimport_test

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/dubbofn/dubbofn/internal/javaimport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const shop = "../classfile/testdata"

// jar makes a jar of what is below a folder.
func jar(t *testing.T, dir string) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	if err := z.AddFS(os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), filepath.Base(dir)+".jar")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(t *testing.T, c javaimport.Config, paths ...string) (*javaimport.Result, error) {
	t.Helper()
	l, err := javaimport.Open(paths...)
	if err != nil {
		return nil, err
	}
	return l.Import(c)
}

// texts gives files by their names.
func texts(r *javaimport.Result) map[string]string {
	all := map[string]string{}
	for _, f := range r.Files {
		all[f.Name] = string(f.Text)
	}
	return all
}

// With UPDATE=1 the golden files are written anew.
func TestAJarWithItsSourcesBecomesThisGo(t *testing.T) {
	t.Parallel()
	r, err := load(t, javaimport.Config{}, jar(t, shop+"/plain"), jar(t, shop+"/src/org"))
	if err != nil {
		t.Fatal(err)
	}
	got := texts(r)
	if len(got) != 3 {
		t.Fatalf("%d files", len(got))
	}
	for name, text := range got {
		golden := filepath.Join("testdata", name+".golden")
		if os.Getenv("UPDATE") != "" {
			if err := os.WriteFile(golden, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if diff := cmp.Diff(string(want), text); diff != "" || err != nil {
			t.Error(name, diff, err)
		}
	}
}

func TestSourcesAndClassFilesBecomeTheSame(t *testing.T) {
	t.Parallel()
	from := func(paths ...string) map[string]string {
		r, err := load(t, javaimport.Config{}, paths...)
		if err != nil {
			t.Fatal(err)
		}
		all := texts(r)
		for name, text := range all {
			if strings.HasPrefix(text, javaimport.Generated) {
				_, all[name], _ = strings.Cut(text, "\n")
			}
		}
		return all
	}
	if diff := cmp.Diff(from(jar(t, shop+"/classes"), jar(t, shop+"/src/org")), from(jar(t, shop+"/src/org"))); diff != "" {
		t.Error(diff)
	}
}

// java writes sources, each named after the class that it begins with.
func java(t *testing.T, sources ...string) (paths []string) {
	t.Helper()
	dir := t.TempDir()
	for i, src := range sources {
		path := filepath.Join(dir, string(rune('A'+i))+".java")
		if err := os.WriteFile(path, []byte("package org.x; import java.util.*; "+src), 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

func TestWhatCanNotBeImportedIsNamedWithWhatToDo(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		want    string
		config  javaimport.Config
		sources []string
	}{
		{"no interface with methods in A.java (1 classes): want the jar that has", javaimport.Config{}, []string{"class C { int i; }"}},
		{"no interface with methods", javaimport.Config{}, []string{"interface Marker { } @interface Ann { int value(); }"}},
		{"2 interfaces in A.java, B.java; say which with --interface:\n  org.x.A\n  org.x.B", javaimport.Config{}, []string{"interface A { void m(); }", "interface B { void m(); }"}},
		{"no interface Other in A.java; there is org.x.A", javaimport.Config{Interfaces: []string{"Other"}}, []string{"interface A { void m(); }"}},
		{"org.x.C is of the kind class: want an interface", javaimport.Config{Interfaces: []string{"org.x.C"}}, []string{"class C { }"}},
		{"interface org.x.G has type parameters", javaimport.Config{Interfaces: []string{"G"}}, []string{"interface G<T> { T m(); }"}},
		{"org.x.A.find, result: java.util.Optional: Hessian has no Optional: declare the value itself, and null for none; or leave the method out: --skip find", javaimport.Config{}, []string{"interface A { Optional<String> find(); }"}},
		{"org.x.A.read, parameter 2: java.io.InputStream: it can't travel: declare byte[]", javaimport.Config{}, []string{"interface A { void read(int n, java.io.InputStream in); }"}},
		{"streams belong to Triple", javaimport.Config{}, []string{"import org.apache.dubbo.common.stream.StreamObserver; interface A { void chat(StreamObserver<String> o); }"}},
		{"org.x.A.get: a suspend", javaimport.Config{}, nil},
		{"org.x.P.calendar: java.util.Calendar: declare java.util.Date", javaimport.Config{}, []string{"interface A { P get(); } class P { Calendar calendar; }"}},
		{"take it as any: --as-any java.util.Currency", javaimport.Config{}, []string{"interface A { Currency get(); }"}},
		{"org.x.P: it extends java.util.ArrayList, which is no plain class: declare it without, or take it as any: --as-any org.x.P", javaimport.Config{}, []string{"interface A { P get(); } class P extends ArrayList<String> { }"}},
		{"classes that are in none of A.java: add the jar that has them (several files may be given), or take them as any: --as-any CLASS\n  org.x.Base, for org.x.P\n  org.y.Far, for org.x.A.get, parameter 1", javaimport.Config{}, []string{"import org.y.Far; interface A { P get(Far f); } class P extends Base { }"}},
		{"org.x.Up, for org.x.A", javaimport.Config{}, []string{"interface A extends Up { void m(); }"}},
		{"org.x.BaseException, for org.x.E", javaimport.Config{}, []string{"interface A { void m() throws E; } class E extends BaseException { }"}},
		{"which no value can be", javaimport.Config{}, []string{"interface A { void m(E e); } class E extends Exception { }"}},
		{"it has no method to import", javaimport.Config{Skip: []string{"m"}}, []string{"interface A { void m(Optional<String> o); }"}},
	} {
		if x.sources == nil {
			x.sources, x.want = []string{"interface A { Object get(kotlin.coroutines.Continuation<String> c); }"}, "a suspend function of Kotlin's is no Dubbo method"
		}
		_, err := load(t, x.config, java(t, x.sources...)...)
		if err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%q:\nwant %s\ngot  %v", x.sources, x.want, err)
		}
	}
}

func TestFilesOfOtherKindsAreRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, content := range map[string]string{"a.txt": "hello", "b.class": "hello", "c.jar": "PK\x03\x04 hello", "d.java": "class {", "e.class": ""} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := javaimport.Open(path); err == nil || !strings.HasPrefix(err.Error(), "import "+path+": ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := javaimport.Open(dir); err == nil || !strings.Contains(err.Error(), "jar cf") {
		t.Errorf("a directory: %v", err)
	}
	if _, err := javaimport.Open(filepath.Join(dir, "none.jar")); err == nil {
		t.Error("a file that is not there")
	}
}

func TestNamesThatOnlyAnObfuscatorMakesAreRefused(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile(shop + "/classes/org/example/shop/Crud.class")
	if err != nil {
		t.Fatal(err)
	}
	service, err := os.ReadFile(shop + "/classes/org/example/shop/CatalogueService.class")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, data := range map[string][]byte{"Crud.class": bytes.ReplaceAll(b, []byte("\x04find"), []byte("\x04f-`\"")), "CatalogueService.class": service} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, err = load(t, javaimport.Config{}, jar(t, shop+"/classes"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = load(t, javaimport.Config{}, filepath.Join(dir, "Crud.class"), filepath.Join(dir, "CatalogueService.class"), jar(t, shop+"/classes"))
	if want := "the name of method \"f-`\\\"\" is not one of Java's own"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("want %s; got %v", want, err)
	}
}

func TestWhatIsTakenAsAnyNeedsNoClass(t *testing.T) {
	t.Parallel()
	r, err := load(t, javaimport.Config{AsAny: []string{"org.y.Far", "java.util.Currency", "org.x.Animal"}}, java(t,
		"import org.y.Far; interface A { Far get(Currency c, List<Far> all, Animal a); } class Animal { int id; } class Dog extends Animal { String name; }")...)
	if err != nil {
		t.Fatal(err)
	}
	all := texts(r)
	for _, want := range []string{"Get(ctx context.Context, c any, all []any, a any) (any, error)", `"org.y.Far get(java.util.Currency,java.util.List<org.y.Far>,org.x.Animal)"`} {
		if !strings.Contains(all["a.go"], want) {
			t.Errorf("without %s:\n%s", want, all["a.go"])
		}
	}
	for _, want := range []string{"type Dog struct {\n\tAnimal\n", `fn.Class[Dog]("org.x.Dog")`, `fn.Class[Animal]("org.x.Animal")`, `client.Class[Dog]("org.x.Dog")`} {
		if !strings.Contains(all["types.go"], want) {
			t.Errorf("without %s:\n%s", want, all["types.go"])
		}
	}
}

func TestNamesAreGosAndNoneIsThereTwice(t *testing.T) {
	t.Parallel()
	r, err := load(t, javaimport.Config{PlainStrings: true}, java(t,
		`interface A { void type(int func, int type, int string, int ctx, int $, int ID, int URL, int a_b, int a_b2, int 名); void get(); void Get(); void get(A.Get g); void getURL(); Sub sub(NewA a);
			class Get { int a, A, _a, userId, orderIds, 名, JavaClassName; E e; } enum E { A, a, IN_STOCK, class$ } }
		class NewA { } class Base { Base base; } class Sub extends Base { int Base; }`)...)
	if err != nil {
		t.Fatal(err)
	}
	all := texts(r)
	for _, want := range []string{
		"Type(ctx context.Context, funcArg int32, typeArg int32, stringArg int32, ctxArg int32, arg5 int32, ID int32, URL int32, a_b int32, a_b2 int32, 名 int32) error",
		"\tGet(ctx context.Context) error\n", "\tGet2(ctx context.Context) error\n", "\tGetGet(ctx context.Context, g *AGet) error\n", "\tGetURL(ctx context.Context) error\n",
	} {
		if !strings.Contains(all["a.go"], want) {
			t.Errorf("without %s:\n%s", want, all["a.go"])
		}
	}
	for _, want := range []string{
		"\tA                  int32\n", "`hessian:\"A\"`", "`hessian:\"_a\"`", "UserID             int32 `hessian:\"userId\"`", "OrderIds           int32\n", "X名                 int32 `hessian:\"名\"`",
		"JavaClassNameField int32 `hessian:\"JavaClassName\"`", "AEA       AE = \"A\"", "AEA2      AE = \"a\"", "AEInStock AE = \"IN_STOCK\"", "AEClass   AE = \"class$\"",
		"type XNewA struct", "type Sub struct {\n\tBase\n\tBaseField int32 `hessian:\"Base\"`\n", "type Base struct {\n\tBase *Base\n",
	} {
		if !strings.Contains(all["types.go"], want) {
			t.Errorf("without %s:\n%s", want, all["types.go"])
		}
	}
}

func TestAnImportKeepsWhatWasFilledIn(t *testing.T) {
	t.Parallel()
	r, err := load(t, javaimport.Config{}, java(t, "interface A { void m(); }")...)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "deep", "x")
	states := func() (all []string) {
		t.Helper()
		placed, err := r.Place(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range placed {
			all = append(all, filepath.Base(p.Path)+" "+p.State)
		}
		return all
	}
	if diff := cmp.Diff([]string{"a.go made", "a_handler.go made", "types.go made"}, states()); diff != "" {
		t.Error(diff)
	}
	if err := os.WriteFile(filepath.Join(dir, "a_handler.go"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a.go renewed", "a_handler.go kept", "types.go renewed"}, states()); diff != "" {
		t.Error(diff)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "a_handler.go")); string(b) != "mine" || err != nil {
		t.Errorf("the handler is %q, %v", b, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "types.go"), []byte("package mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Place(dir); err == nil || !strings.Contains(err.Error(), "was not made by an import") {
		t.Errorf("a file that somebody else made: %v", err)
	}
}
