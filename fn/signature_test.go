package fn_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/internal/hessian"
	"github.com/dubbofn/dubbofn/invoker"
)

type shape any

type circle struct{ Radius float64 }

type square struct {
	Side int32
	Tags []string `java:"java.lang.String[]"`
}

func shapes() *fn.Service {
	return fn.NewService("org.x.ShapeService",
		fn.Class[shape]("org.x.Shape", circle{}, (*square)(nil)),
		fn.Class[circle]("org.x.Circle"), fn.Class[square]("org.x.Square"),
		fn.Method("echo", func(v shape) (shape, error) { return v, nil }),
		fn.Method("java.util.Collection<org.x.Shape> all(org.x.Shape[], java.util.Map<java.lang.String, java.lang.Integer>)", func(v []shape, _ map[string]*int32) ([]shape, error) { return v, nil }),
		fn.Method("over(java.util.List<java.lang.String>)", func([]string) (string, error) { return "list", nil }),
		fn.Method("over(java.lang.String[])", func([]string) (string, error) { return "array", nil }),
		fn.Method("java.util.concurrent.CompletableFuture<java.lang.Integer> later()", func() (int32, error) { return 1, nil }),
		fn.Method("java.util.concurrent.CompletableFuture<java.lang.Void> never()", func() error { return nil }))
}

func TestANameMayBeASignature(t *testing.T) {
	t.Parallel()
	set, err := fn.NewSet("a", shapes())
	if err != nil {
		t.Fatal(err)
	}
	m := set.Describe()
	var got []string
	for _, method := range m.Services[0].Methods {
		got = append(got, method.Result+" "+method.Name+"("+strings.Join(method.Parameters, ",")+") "+method.Descriptor)
	}
	want := []string{
		"java.util.Collection<org.x.Shape> all(org.x.Shape[],java.util.Map<java.lang.String,java.lang.Integer>) [Lorg/x/Shape;Ljava/util/Map;",
		"org.x.Shape echo(org.x.Shape) Lorg/x/Shape;",
		"java.util.concurrent.CompletableFuture<java.lang.Integer> later() ",
		"java.util.concurrent.CompletableFuture<java.lang.Void> never() ",
		"java.lang.String over(java.util.List<java.lang.String>) Ljava/util/List;",
		"java.lang.String over(java.lang.String[]) [Ljava/lang/String;",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	types := []fn.TypeInfo{
		{Class: "org.x.Circle", Kind: "class", Interfaces: []string{"org.x.Shape"}, Fields: []fn.FieldInfo{{Name: "radius", Type: "double"}}},
		{Class: "org.x.Shape", Kind: "interface"},
		{Class: "org.x.Square", Kind: "class", Interfaces: []string{"org.x.Shape"}, Fields: []fn.FieldInfo{{Name: "side", Type: "int"}, {Name: "tags", Type: "java.lang.String[]"}}},
	}
	if diff := cmp.Diff(types, m.Types); diff != "" {
		t.Error(diff)
	}
}

func TestOverloadsThatDifferForJavaAloneAreToldApart(t *testing.T) {
	t.Parallel()
	set, err := fn.NewSet("a", shapes())
	if err != nil {
		t.Fatal(err)
	}
	for descriptor, want := range map[string]string{"Ljava/util/List;": "list", "[Ljava/lang/String;": "array"} {
		call, _, err := set.Lookup([]byte("org.x.ShapeService"), nil, []byte("over"), []byte(descriptor))
		if err != nil {
			t.Fatal(err)
		}
		got, err := call.Invoke(context.Background(), &invoker.Invocation{Method: "over", Args: []any{[]string{}}})
		if err != nil || got.Value != want {
			t.Errorf("over(%s) gave %v, %v; want %s", descriptor, got.Value, err, want)
		}
	}
}

func TestAnInterfaceHoldsTheStructsThatImplementIt(t *testing.T) {
	t.Parallel()
	set, err := fn.NewSet("a", shapes())
	if err != nil {
		t.Fatal(err)
	}
	_, sig, err := set.Lookup([]byte("org.x.ShapeService"), nil, []byte("echo"), []byte("Lorg/x/Shape;"))
	if err != nil {
		t.Fatal(err)
	}
	var e hessian.Encoder
	e.Reset(set.Types(), nil)
	if err := e.Encode(sig.Params[0], &circle{Radius: 2}); err != nil {
		t.Fatal(err)
	}
	var d hessian.Decoder
	d.Reset(set.Types(), e.Bytes(), hessian.Limits{})
	got, err := d.Decode(sig.Params[0])
	if diff := cmp.Diff(any(&circle{Radius: 2}), got); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func TestSignaturesThatGoCanNotKeepAreRefused(t *testing.T) {
	t.Parallel()
	one := func(int32) (int64, error) { return 0, nil }
	for want, method := range map[string]fn.Option{
		"declares 2 parameters and the function has 1":         fn.Method("m(int,int)", one),
		"want it to end in )":                                  fn.Method("m(int", one),
		`parameter "int[": want a Java type`:                   fn.Method("m(int[)", one),
		`result "a.b<": want a Java type`:                      fn.Method("a.b< m(int)", one),
		"argument 1: a int32 can't be read from Java's long":   fn.Method("m(long)", one),
		"a int64 can't be Java's int":                          fn.Method("int m(int)", one),
		"Go gives long where Java's method gives void":         fn.Method("void m(int)", one),
		"want a Java identifier as its name":                   fn.Method("int 1(int)", one),
		"want a struct or a pointer to one":                    fn.Class[shape]("org.x.Shape", 1),
		`its tag java is "String]": want a Java type`:          fn.Method("m", func(struct1) error { return nil }),
		"field Tags: a []string can't be Java's java.util.Map": fn.Method("m", func(struct2) error { return nil }),
	} {
		_, err := fn.NewSet("a", fn.NewService("org.x.S", fn.Method("other", one), method))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q; got %v", want, err)
		}
	}
}

type struct1 struct {
	Tags []string `java:"String]"`
}

type struct2 struct {
	Tags []string `java:"java.util.Map"`
}
