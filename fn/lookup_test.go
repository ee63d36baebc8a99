package fn_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/java"
)

// overService has the overloads of the Java methods over and number.
func overService(parts ...fn.Option) *fn.Service {
	over := func(f any) fn.Option { return fn.Method("over", f) }
	number := func(f any) fn.Option { return fn.Method("number", f) }
	return fn.NewService("org.x.Over", append(parts,
		fn.Class[person]("org.x.Person"),
		over(func(string) (string, error) { return "string", nil }),
		over(func(int32) (string, error) { return "int", nil }),
		over(func(string, int32) (string, error) { return "string,int", nil }),
		over(func(*person) (string, error) { return "person", nil }),
		over(func([]string) (string, error) { return "list", nil }),
		number(func(int32) (string, error) { return "int", nil }),
		number(func(*int32) (string, error) { return "Integer", nil }),
		number(func(int64) (string, error) { return "long", nil }),
		number(func(any) (string, error) { return "Object", nil }),
		fn.Method("twice", func([]string) (string, error) { return "a", nil }),
		fn.Method("twice", func([]person) (string, error) { return "b", nil }),
		fn.Method("letter", func(java.Char) error { return nil }),
	)...)
}

func TestOverloadsAreChosenByTheDescriptor(t *testing.T) {
	t.Parallel()
	set := newSet(t, overService())
	for _, c := range []struct {
		method, descriptor string
		args               []any
		want               string
	}{
		{"over", "Ljava/lang/String;", []any{"x"}, "string"},
		{"over", "I", []any{int32(1)}, "int"},
		{"over", "Ljava/lang/String;I", []any{"x", int32(1)}, "string,int"},
		{"over", "Lorg/x/Person;", []any{&person{}}, "person"},
		{"over", "Ljava/util/List;", []any{[]string{"x"}}, "list"},
		{"over", "[Ljava/lang/String;", []any{[]string{"x"}}, "list"},
		{"number", "I", []any{int32(1)}, "int"},
		{"number", "Ljava/lang/Integer;", []any{new(int32)}, "Integer"},
		{"number", "J", []any{int64(1)}, "long"},
		{"number", "Ljava/lang/Object;", []any{"x"}, "Object"},
		{"number", "Ljava/math/BigInteger;", []any{"x"}, "Object"},
	} {
		for range 2 { // the second time from what was remembered
			res, err := call(t, set, "org.x.Over", c.method, c.descriptor, c.args...)
			if err != nil || res.Value != c.want {
				t.Errorf("%s(%s) = %v, %v; want %s", c.method, c.descriptor, res.Value, err, c.want)
			}
		}
	}
}

func TestWhatIsNotThereIsToldByWhatIs(t *testing.T) {
	t.Parallel()
	set := newSet(t, overService(), fn.NewService("org.x.S", fn.Version("1.0.0"), fn.Group("blue"), fn.Method("m", hello)))
	for name, c := range map[string]struct {
		path, version, method, descriptor string
		code                              invoker.Code
		want                              string
	}{
		"service":    {"org.x.T", "", "m", "", invoker.CodeNotFound, `no service "org.x.T"; application demo has blue/org.x.S:1.0.0, org.x.Over (`},
		"version":    {"org.x.S", "2.0.0", "m", "", invoker.CodeNotFound, `no version "2.0.0" of org.x.S; there is blue/org.x.S:1.0.0 (`},
		"no version": {"org.x.S", "", "m", "", invoker.CodeNotFound, `no version "" of org.x.S`},
		"method":     {"org.x.Over", "0.0.0", "under", "", invoker.CodeNotFound, `no method "under" in org.x.Over; it has letter, number, over, twice (`},
		"overload":   {"org.x.Over", "", "over", "C", invoker.CodeNotFound, `no method over(char) in org.x.Over; it has over(int), over(java.lang.String), over(java.lang.String,int), over(java.util.List<java.lang.String>), over(org.x.Person) (`},
		"count":      {"org.x.Over", "", "letter", "", invoker.CodeNotFound, `no method letter() in org.x.Over; it has letter(char) (`},
		"ambiguous":  {"org.x.Over", "", "twice", "Ljava/util/List;", invoker.CodeNotFound, `twice(java.util.List) in org.x.Over suits several methods: twice(java.util.List<java.lang.String>), twice(java.util.List<org.x.Person>) (`},
		"descriptor": {"org.x.Over", "", "over", "Q", invoker.CodeBadRequest, `descriptor "Q" is not one of the JVM's`},
		"half":       {"org.x.Over", "", "over", "Ljava/lang/String", invoker.CodeBadRequest, `is not one of the JVM's`},
		"long":       {strings.Repeat("x", 1<<20), "", "over", "", invoker.CodeNotFound, `xxx…"; application`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i, sig, err := set.Lookup([]byte(c.path), []byte(c.version), []byte(c.method), []byte(c.descriptor))
			if err == nil || i != nil || sig != nil {
				t.Fatalf("found %v", sig)
			}
			if codeOf(t, err) != c.code || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v\nwant %v, saying %s", err, c.code, c.want)
			}
			if len(err.Error()) > 1000 {
				t.Errorf("the error has %d bytes", len(err.Error()))
			}
		})
	}
}

func TestLookupAllocatesNothing(t *testing.T) {
	set := newSet(t, overService(), fn.NewService("org.x.S", fn.Version("1.0.0"), fn.Method("m", hello)))
	for _, c := range [][4]string{
		{"org.x.S", "1.0.0", "m", "Ljava/lang/String;"},
		{"org.x.Over", "0.0.0", "over", "Ljava/lang/String;I"},
		{"org.x.Over", "", "$invoke", genericDescriptor},
	} {
		path, version, method, descriptor := []byte(c[0]), []byte(c[1]), []byte(c[2]), []byte(c[3])
		n := testing.AllocsPerRun(100, func() {
			if _, _, err := set.Lookup(path, version, method, descriptor); err != nil {
				t.Fatal(err)
			}
		})
		if n != 0 {
			t.Errorf("Lookup(%s) allocates %v times; want 0", c, n)
		}
	}
}

func TestCallersCanNotFillTheTableOfDescriptors(t *testing.T) {
	t.Parallel()
	set := newSet(t, fn.NewService("org.x.S", fn.Method("m", func(any) error { return nil })))
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 500 {
				d := fmt.Appendf(nil, "Lorg/x/T%d_%d;", w, i)
				if _, _, err := set.Lookup([]byte("org.x.S"), nil, []byte("m"), d); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if n := fn.KnownDescriptors(set, "org.x.S", "m"); n == 0 || n > 64 {
		t.Errorf("%d descriptors are remembered; want 1 to 64", n)
	}
}

func TestTheSignatureIsWhatTheFunctionTakes(t *testing.T) {
	t.Parallel()
	set := newSet(t, overService(fn.Timeout(2500e6)))
	_, sig, err := set.Lookup([]byte("org.x.Over"), nil, []byte("over"), []byte("Ljava/lang/String;I"))
	if err != nil {
		t.Fatal(err)
	}
	if len(sig.Params) != 2 || sig.Params[0].Java() != "java.lang.String" || sig.Params[1].Java() != "int" || sig.Result.Java() != "java.lang.String" || sig.Timeout != 2500e6 {
		t.Errorf("signature %+v", sig)
	}
	_, sig, err = set.Lookup([]byte("org.x.Over"), nil, []byte("letter"), []byte("C"))
	if err != nil {
		t.Fatal(err)
	}
	if sig.Result != nil {
		t.Errorf("letter gives %v; want void", sig.Result.Java())
	}
}
