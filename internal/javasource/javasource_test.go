package javasource_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/dubbofn/dubbofn/internal/classfile"
	"github.com/dubbofn/dubbofn/internal/javadecl"
	"github.com/dubbofn/dubbofn/internal/javasource"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const shop = "../classfile/testdata"

// sources gives the classes of all sources below a folder, resolved together.
func sources(t *testing.T, dir string) map[string]*javadecl.Class {
	t.Helper()
	all := map[string]*javadecl.Class{}
	var files []*javasource.File
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		f, err := javasource.Parse(path, src)
		if err != nil {
			return err
		}
		files = append(files, f)
		for _, c := range f.Classes {
			all[c.Name] = c
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		f.Resolve(func(class string) bool { return all[class] != nil })
	}
	return all
}

// bare is a class without what only one of the two forms has.
func bare(c *javadecl.Class) *javadecl.Class {
	b := *c
	b.Doc, b.Origin, b.Language, b.Fields, b.Methods, b.Constants = "", "", "", nil, nil, nil
	for _, f := range c.Fields {
		f.Doc = ""
		b.Fields = append(b.Fields, f)
	}
	for _, m := range c.Methods {
		m.Doc, m.Descriptor = "", ""
		b.Methods = append(b.Methods, m)
	}
	for _, k := range c.Constants {
		b.Constants = append(b.Constants, javadecl.Constant{Name: k.Name})
	}
	return &b
}

func TestSourcesDeclareWhatTheirClassFilesDo(t *testing.T) {
	t.Parallel()
	all := sources(t, shop+"/src/org")
	compared := 0
	for name, c := range all {
		b, err := os.ReadFile(filepath.Join(shop, "classes", strings.ReplaceAll(name, ".", "/")+".class"))
		if err != nil {
			t.Error(err)
			continue
		}
		want, err := classfile.Parse(b)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(bare(want), bare(c)); diff != "" {
			t.Errorf("%s (-class file +source): %s", name, diff)
		}
		compared++
	}
	if compared < 10 {
		t.Errorf("only %d classes", compared)
	}
}

func TestCommentsStayWithWhatTheyStandBefore(t *testing.T) {
	t.Parallel()
	all := sources(t, shop+"/src/org")
	service := all["org.example.shop.CatalogueService"]
	got := []string{service.Doc, all["org.example.shop.Product$Size"].Constants[0].Doc, all["org.example.shop.Product$Size"].Constants[1].Doc}
	for _, m := range service.Methods[:6] {
		got = append(got, m.Doc)
	}
	got = append(got, all["org.example.shop.Crud"].Methods[0].Doc)
	want := []string{
		"Sells things; \"quoted\" and {@code braced {}}.\nIts comment has two lines.", "Fits a pocket.", "",
		"@deprecated use {@link #search}", "", "", "", "", "",
		"Finds one.\n\n@param key what it is known by\n@return null where there is none",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func parse(t *testing.T, src string) *javasource.File {
	t.Helper()
	f, err := javasource.Parse("A.java", []byte(src))
	if err != nil {
		t.Fatalf("%s: %v", src, err)
	}
	f.Resolve(func(class string) bool { return class == "p.Known" || class == "q.Outer" || class == "q.Outer$In" })
	return f
}

func TestWhatIsBetweenDeclarationsIsPassedOver(t *testing.T) {
	t.Parallel()
	f := parse(t, `package p;
@Ann(value = {"}", ")"}, c = ')') public final class A<T extends Known & java.io.Serializable> extends Known implements I, q.J<T> {
	static { int x = 1; String s = "}{" + '\'' + "\"" + """
		text } " block
		"""; /* } */ // }
	}
	{ run(() -> { return 1; }); }
	private int a = b < c ? 1 : 2, d[] = {1, 2}, e = x.<String, Integer>m(1, 2);
	Map<String, List<int[]>> m = new HashMap<String, List<int[]>>() {{ put("a", null); }}, n;
	java.util.function.Function<String, Integer> f = (s, t) -> s.length();
	public static final int K = 1;
	@Nullable @Size(min = 1, max = 2) volatile String annotated;
	A() { super(1); }
	<X> A(X x) throws E { this(); }
	protected abstract class Inner { record R(int a, @N String... b) { R { a = 1; } static int z; } }
	public sealed interface S permits A.B, C { default void run() { for (;;) { } } }
	non-sealed class Z implements S { }
	@interface Ann { int value() default 1; String[] c() default {"a", "b"}; class N { } }
	enum E { A { int x() { return 1; } }, @Deprecated B(1, "}") , ; private final int q = 1; E(int... x) { } }
	enum Empty { }
	;
	@Override public <U> U get(final U u, int @B [] more [], A<T> this) throws Known { return null; }
	record record(record r) { }
	record[] records(record x) { return null; }
}`)
	var got []string
	for _, c := range f.Classes {
		line := []string{string(c.Kind), c.Name + ":"}
		for _, x := range c.Fields {
			line = append(line, x.Type.String(), x.Name+";")
		}
		for _, m := range c.Methods {
			var params []string
			for _, p := range m.Parameters {
				params = append(params, p.Type.String()+" "+p.Name)
			}
			line = append(line, m.Result.String(), m.Name+"("+strings.Join(params, ", ")+")")
		}
		for _, k := range c.Constants {
			line = append(line, k.Name)
		}
		got = append(got, strings.Join(line, " "))
	}
	want := []string{
		"class p.A: int a; int[] d; int e; p.Map<java.lang.String,p.List<int[]>> m; p.Map<java.lang.String,p.List<int[]>> n; " +
			"java.util.function.Function<java.lang.String,java.lang.Integer> f; java.lang.String annotated; U get(U u, int[][] more)",
		"class p.A$Inner:", "record p.A$Inner$R: int a; java.lang.String[] b;", "interface p.A$S: void run()", "class p.A$Z:",
		"annotation p.A$Ann:", "class p.A$Ann$N:", "enum p.A$E: int q; A B", "enum p.A$Empty:", "record p.A$record: p.A$record r;",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestNamesAreFoundWhereTheLanguageLooks(t *testing.T) {
	t.Parallel()
	f := parse(t, `package p; import q.Outer; import q.Outer.In; import java.util.*; import x.Deep.Nested; import static a.B.*;
class A<T> { Known a; List b; Outer.In c; In d; Nested e; T f; String g; Own h; Own.More i; r.s.Tee.U j; Missing k; Date l; java.util.Map.Entry m; A.Own n;
class Own { class More { Own o; T p; } } }`)
	want := map[string]string{
		"a": "p.Known", "b": "java.util.List", "c": "q.Outer$In", "d": "q.Outer$In", "e": "x.Deep$Nested", "f": "T", "g": "java.lang.String",
		"h": "p.A$Own", "i": "p.A$Own$More", "j": "r.s.Tee$U", "k": "p.Missing", "l": "java.util.Date", "m": "java.util.Map$Entry", "n": "p.A$Own", "o": "p.A$Own", "p": "T",
	}
	got := map[string]string{}
	for _, c := range f.Classes {
		for _, field := range c.Fields {
			got[field.Name] = field.Type.Name
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWhatCanNotBeReadIsToldByItsLine(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]string{
		"class A {":                             "line 1: want a name; got the end of the file",
		"class A {\n int a = 1":                 "line 2: a value that does not end",
		"class A {\n void m() { \" }\n}":        "line 2: a text that does not end in its line",
		"/* never":                              "line 1: a comment that does not end",
		"class A { void m( }":                   "want a name",
		"class A { void m() }":                  "want the body of method m",
		"fun interface(a: Int)":                 "want a class or an interface",
		"class A { A() ; }":                     "want the body of a constructor",
		"enum E { A B }":                        "want , or ; after a constant",
		"class A { int a b; }":                  "want ,",
		strings.Repeat("class A { ", 100):       "nests more than 32 deep",
		"class A { " + deep("B<", 100) + " b }": "nests more than 32 deep",
	} {
		_, err := javasource.Parse("A.java", []byte(src))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "java source A.java: line ") {
			t.Errorf("%.40q: want %q; got %v", src, want, err)
		}
	}
}

func deep(s string, n int) string { return strings.Repeat(s, n) + "C" + strings.Repeat(">", n) }

func FuzzParse(f *testing.F) {
	err := filepath.WalkDir(shop+"/src", func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		src, err := os.ReadFile(path)
		f.Add(src)
		return err
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte("@Ann(\"}\") class A<T> { int a[] = {1}, b = x.<Y>z(); record R(int... a) { } enum E { A { } } }"))
	f.Fuzz(func(t *testing.T, src []byte) {
		file, err := javasource.Parse("A.java", src)
		if (file == nil) != (err != nil) {
			t.Fatalf("%v, %v", file, err)
		}
		if file == nil {
			return
		}
		file.Resolve(func(class string) bool { return len(class)%3 == 0 })
		for _, c := range file.Classes {
			if c.Name == "" || strings.ContainsAny(c.Name, " <>(){}") {
				t.Fatalf("a class named %q", c.Name)
			}
		}
	})
}
