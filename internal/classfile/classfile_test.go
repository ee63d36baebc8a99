package classfile_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/dubbofn/dubbofn/internal/classfile"
	"github.com/dubbofn/dubbofn/internal/javadecl"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name+".class"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func parse(t *testing.T, name string) *javadecl.Class {
	t.Helper()
	c, err := classfile.Parse(read(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// lines writes a class down as Java would, one member a line.
func lines(c *javadecl.Class) []string {
	head := []string{string(c.Kind), c.Name}
	for _, v := range c.Variables {
		if v.Bound != nil {
			head = append(head, "<"+v.Name+" extends "+v.Bound.String()+">")
		} else {
			head = append(head, "<"+v.Name+">")
		}
	}
	if c.Super != nil {
		head = append(head, "extends", c.Super.String())
	}
	for _, i := range c.Interfaces {
		head = append(head, "implements", i.String())
	}
	all := []string{strings.Join(head, " ")}
	for _, k := range c.Constants {
		all = append(all, "constant "+k.Name)
	}
	for _, f := range c.Fields {
		text := f.Type.String() + " " + f.Name
		if f.Deprecated {
			text = "@Deprecated " + text
		}
		all = append(all, text)
	}
	for _, m := range c.Methods {
		var params, throws []string
		for _, p := range m.Parameters {
			params = append(params, strings.TrimSpace(p.Type.String()+" "+p.Name))
		}
		for _, t := range m.Throws {
			throws = append(throws, t.String())
		}
		text := m.Result.String() + " " + m.Name + "(" + strings.Join(params, ", ") + ")"
		if len(throws) > 0 {
			text += " throws " + strings.Join(throws, ", ")
		}
		if m.Deprecated {
			text = "@Deprecated " + text
		}
		all = append(all, text)
	}
	return all
}

func TestAnInterfaceIsReadWithItsGenericsNamesAndExceptions(t *testing.T) {
	t.Parallel()
	want := []string{
		"interface org.example.shop.CatalogueService implements org.example.shop.Crud<org.example.shop.Product,java.lang.Long>",
		"@Deprecated java.util.List<org.example.shop.Product> list()",
		"org.example.shop.Page<org.example.shop.Product> search(java.lang.String text, int offset, int limit) throws org.example.shop.ShopException, java.io.IOException",
		"java.util.concurrent.CompletableFuture<java.util.List<org.example.shop.Product>> later(long id, double weight, org.example.shop.Product$Size size)",
		"java.util.concurrent.CompletableFuture<java.lang.Void> forget(java.util.Set<java.lang.Long> ids)",
		"org.example.money.Price[] prices(java.util.Collection<org.example.money.Price> given, int[][] grids)",
		"java.util.Map<org.example.shop.Product$Size,java.util.List<org.example.money.Price[]>> table(java.util.SortedMap<java.lang.String,java.lang.Integer> counts, char separator, java.lang.Character other)",
		"boolean order(java.lang.String sku)",
		"boolean order(java.lang.String sku, int count)",
		"boolean order(java.util.List<java.lang.String> skus)",
		"boolean order(java.lang.String[] skus)",
		"X same(X value, java.lang.Object any)",
		"java.lang.String greeting(java.lang.String name, long times, java.lang.String end)",
	}
	if diff := cmp.Diff(want, lines(parse(t, "classes/org/example/shop/CatalogueService"))); diff != "" {
		t.Error(diff)
	}
	crud := []string{
		"interface org.example.shop.Crud <T extends org.example.shop.Entity> <K extends java.lang.Comparable<K>>",
		"T find(K key)",
		"java.util.List<T> all(java.util.Map<K,java.lang.Object> filter)",
		"void save(T item, T[] more)",
	}
	if diff := cmp.Diff(crud, lines(parse(t, "classes/org/example/shop/Crud"))); diff != "" {
		t.Error(diff)
	}
}

func TestWhatTravelsOfAClassAreItsOwnFields(t *testing.T) {
	t.Parallel()
	product := lines(parse(t, "plain/org/example/shop/Product"))
	want := []string{
		"class org.example.shop.Product extends org.example.shop.Entity",
		"java.lang.String name", "java.lang.String userId", "java.lang.String größe", "org.example.money.Price price",
		"java.util.Map<java.lang.String,java.util.List<java.lang.Integer>> stock", "org.example.shop.Product$Size size", "java.lang.Boolean active",
		"java.time.LocalDate since", "java.util.List<org.example.shop.Product$Picture> pictures", "java.lang.String[] tags", "int[][] grid",
		"java.lang.Object extra", "java.math.BigDecimal weight", "char type", "org.example.shop.Product parent", "@Deprecated float rank",
		"java.lang.String getName()",
	}
	if diff := cmp.Diff(want, product); diff != "" {
		t.Error(diff)
	}
	entity := parse(t, "plain/org/example/shop/Entity")
	if len(entity.Fields) != 1 || entity.Fields[0].Name != "id" || !entity.Abstract {
		t.Errorf("static and transient fields travel too: %+v", entity.Fields)
	}
	if diff := cmp.Diff([]javadecl.Constant{{Name: "SMALL"}, {Name: "LARGE"}}, parse(t, "plain/org/example/shop/Product$Size").Constants); diff != "" {
		t.Error(diff)
	}
	for _, hidden := range []string{"Product$1", "Product$Size$1"} {
		if !parse(t, "plain/org/example/shop/"+hidden).Hidden {
			t.Errorf("%s is shown, which the compiler made", hidden)
		}
	}
}

func TestNamesAreThereWhereTheCompilerKeptThem(t *testing.T) {
	t.Parallel()
	names := func(file string) (all []string) {
		for _, m := range parse(t, file).Methods {
			if m.Name == "greeting" || m.Name == "order" {
				for _, p := range m.Parameters {
					all = append(all, p.Name)
				}
			}
		}
		return all
	}
	if diff := cmp.Diff([]string{"sku", "sku", "count", "skus", "skus", "name", "times", "end"}, names("classes/org/example/shop/CatalogueService")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(make([]string, 8), names("plain/org/example/shop/CatalogueService")); diff != "" {
		t.Error(diff)
	}
	// without -parameters, but with -g, those of a default method are among its variables
	if c := parse(t, "debug/Greeting"); c.Methods[0].Parameters[1].Name != "times" || c.Methods[0].Parameters[2].Name != "end" {
		t.Errorf("a body's variables gave %+v", c.Methods[0].Parameters)
	}
}

func TestANewerVersionIsNoReasonToRefuse(t *testing.T) {
	t.Parallel()
	b := read(t, "classes/org/example/shop/Page")
	binary.BigEndian.PutUint16(b[6:], 999)
	if _, err := classfile.Parse(b); err != nil {
		t.Error(err)
	}
}

func TestWhatIsNoClassFileIsRefused(t *testing.T) {
	t.Parallel()
	whole := read(t, "classes/org/example/shop/CatalogueService")
	for n := range whole {
		if _, err := classfile.Parse(whole[:n]); err == nil {
			t.Fatalf("the first %d of %d bytes are taken for a class file", n, len(whole))
		}
	}
	for name, b := range map[string][]byte{
		"begins with":  []byte("PK\x03\x04 and so on"),
		"follow its":   append(bytes.Clone(whole), 0),
		"not known":    {0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 52, 0, 2, 99, 0, 0, 0},
		"too early":    {0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 52, 0xff, 0xff, 1, 0, 0},
		"declares no ": {0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 52, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
	} {
		if _, err := classfile.Parse(b); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("want an error with %q; got %v", name, err)
		}
	}
}

func TestLengthsAreNotBelieved(t *testing.T) {
	t.Parallel()
	// 65535 constants, announced by a file of a few bytes
	b := append([]byte{0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 52, 0xff, 0xff}, make([]byte, 64)...)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 100 {
		if _, err := classfile.Parse(b); err == nil {
			t.Fatal("it is taken for a class file")
		}
	}
	runtime.ReadMemStats(&after)
	if each := (after.TotalAlloc - before.TotalAlloc) / 100; each > 64<<10 {
		t.Errorf("%d bytes are allocated for a file of %d", each, len(b))
	}
}

func TestAJarHandsOnClassesAndSources(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range []string{"META-INF/MANIFEST.MF", "org/example/A.class", "META-INF/versions/11/org/example/A.class", "module-info.class", "BOOT-INF/classes/B.class", "org/example/C.java", "D.properties"} {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write([]byte(name))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	var got []string
	err := classfile.EachInJar(bytes.NewReader(b.Bytes()), int64(b.Len()), func(name string, data []byte) error {
		if string(data) != name {
			t.Errorf("%s has the bytes of %s", name, data)
		}
		got = append(got, name)
		return nil
	})
	if diff := cmp.Diff([]string{"org/example/A.class", "BOOT-INF/classes/B.class", "org/example/C.java"}, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if err := classfile.EachInJar(strings.NewReader("no zip"), 6, nil); err == nil || !strings.HasPrefix(err.Error(), "jar: ") {
		t.Errorf("what is no zip gives %v", err)
	}
}

func TestAJarOfOneHugeEntryIsRefused(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create("Huge.class")
	for zeros := make([]byte, 1<<20); err == nil && b.Len() >= 0; {
		if _, err = w.Write(zeros); b.Len() > 16<<10 {
			break // four megabytes of zeros and more
		}
	}
	if err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	err = classfile.EachInJar(bytes.NewReader(b.Bytes()), int64(b.Len()), func(string, []byte) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "limit 4194304") {
		t.Errorf("%d bytes that unpack to more than 4 MiB: %v", b.Len(), err)
	}
}

func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*/org/example/*/*.class")
	if err != nil || len(files) == 0 {
		f.Fatal("no class files", err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		c, err := classfile.Parse(b)
		runtime.ReadMemStats(&after)
		if (c == nil) != (err != nil) || c != nil && c.Name == "" {
			t.Fatalf("%+v, %v", c, err)
		}
		if spent := after.TotalAlloc - before.TotalAlloc; spent > 1<<20+uint64(len(b))*1024 {
			t.Fatalf("%d bytes are allocated for a file of %d", spent, len(b))
		}
	})
}

func FuzzJar(f *testing.F) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	if w, err := z.Create("A.class"); err == nil {
		_, _ = w.Write([]byte("bytes"))
	}
	_ = z.Close()
	f.Add(b.Bytes())
	f.Fuzz(func(_ *testing.T, b []byte) {
		_ = classfile.EachInJar(bytes.NewReader(b), int64(len(b)), func(string, []byte) error { return nil })
	})
}
