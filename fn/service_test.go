package fn_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/invoker"
)

type person struct {
	Name string
	Age  int32
}

type named struct{ X string }

func (named) JavaClassName() string { return "org.other.Named" }

type provider struct{}

func (*provider) GetUser(_ context.Context, id int64) (*person, error) {
	return &person{Age: int32(id)}, nil
}
func (*provider) OverInt(int32) (string, error)     { return "int", nil }
func (*provider) OverString(string) (string, error) { return "string", nil }
func (*provider) Close() error                      { return nil }

type valueProvider struct{}

func (*valueProvider) Ping() error { return nil }

// hello is a function of the simplest shape.
func hello(name string) (string, error) { return "Hello, " + name + "!", nil }

func newSet(t *testing.T, services ...*fn.Service) *fn.Set {
	t.Helper()
	s, err := fn.NewSet("demo", services...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestFaultsNameWhatIsWrongAndWhatWouldDo(t *testing.T) {
	t.Parallel()
	service := func(parts ...fn.Option) []*fn.Service { return []*fn.Service{fn.NewService("org.x.S", parts...)} }
	method := func(f any, o ...fn.MethodOption) []*fn.Service { return service(fn.Method("m", f, o...)) }
	for name, c := range map[string]struct {
		services []*fn.Service
		want     []string
	}{
		"no service":             {nil, []string{"no service: want at least one"}},
		"nil service":            {[]*fn.Service{nil}, []string{"service 1 is nil"}},
		"no method":              {service(), []string{"org.x.S: no method"}},
		"no package":             {[]*fn.Service{fn.NewService("Greeter", fn.Method("m", hello))}, []string{`interface "Greeter"`, "with its package"}},
		"method name":            {service(fn.Method("say hello", hello)), []string{`method "say hello"`, "Java identifier"}},
		"not a function":         {method(7), []string{`method "m": it is int`, "func([ctx,] args…) ([R,] error)"}},
		"nil":                    {method(nil), []string{"it is nil"}},
		"nil function":           {method((func() error)(nil)), []string{"the function is nil"}},
		"no error":               {method(func(string) string { return "" }), []string{"returns string and no error: want (string, error)"}},
		"nothing returned":       {method(func(string) {}), []string{"returns no error"}},
		"error first":            {method(func() (error, string) { return nil, "" }), []string{"its last result is string: want error"}}, //nolint:staticcheck // the fault at hand
		"three results":          {method(func() (int, int, error) { return 0, 0, nil }), []string{"returns 3 values"}},
		"context late":           {method(func(string, context.Context) error { return nil }), []string{"argument 2 is a context.Context: want it first"}},
		"argument":               {method(func(string, chan int) error { return nil }), []string{"org.x.S", `method "m"`, "argument 2 (chan int)"}},
		"argument within":        {method(func(struct{ Jobs []chan int }) error { return nil }), []string{"argument 1", "chan int"}},
		"result":                 {method(func() (func(), error) { return nil, nil }), []string{"result (func())"}},
		"nil option":             {method(hello, nil), []string{"an option is nil"}},
		"nil part":               {service(nil, fn.Method("m", hello)), []string{"a part is nil"}},
		"nil filter":             {method(hello, fn.Use(nil)), []string{"filter 1 is nil"}},
		"timeout":                {method(hello, fn.Timeout(0)), []string{"timeout 0s: want more than 0"}},
		"service timeout":        {service(fn.Method("m", hello), fn.Timeout(-time.Second)), []string{"timeout -1s"}},
		"version":                {service(fn.Method("m", hello), fn.Version("1:0")), []string{`version "1:0"`}},
		"group":                  {service(fn.Method("m", hello), fn.Group("a/b")), []string{`group "a/b"`}},
		"class":                  {service(fn.Method("m", hello), fn.Class[person]("org example")), []string{`class "org example"`}},
		"class of its own":       {service(fn.Method("m", hello), fn.Class[named]("org.x.Named")), []string{`fn.Class[fn_test.named]("org.x.Named")`, "JavaClassName is org.other.Named"}},
		"rename at a method":     {method(hello, fn.Rename("A", "b")), []string{"want them inside fn.Struct"}},
		"skip at the service":    {service(fn.Method("m", hello), fn.Skip("A")), []string{"want them inside fn.Struct"}},
		"struct without pointer": {service(fn.Struct(valueProvider{})), []string{"want &fn_test.valueProvider{…}"}},
		"struct without methods": {service(fn.Struct(&person{})), []string{"no exported method is left"}},
		"nil struct":             {service(fn.Struct(nil)), []string{"is nil"}},
		"unknown rename":         {service(fn.Struct(&provider{}, fn.Rename("Gone", "gone"))), []string{`fn.Rename("Gone", "gone")`, "it has Close, GetUser"}},
		"unknown skip":           {service(fn.Struct(&provider{}, fn.Skip("Gone"))), []string{`fn.Skip("Gone")`}},
		"same overload":          {service(fn.Method("m", hello), fn.Method("m", func(*string) error { return nil })), []string{"m(java.lang.String) is there twice"}},
		"same service":           {[]*fn.Service{fn.NewService("org.x.S", fn.Method("m", hello)), fn.NewService("org.x.S", fn.Version("0.0.0"), fn.Method("m", hello))}, []string{"org.x.S: it is there twice"}},
		"two names for a type":   {[]*fn.Service{fn.NewService("org.x.S", fn.Method("m", func(person) error { return nil })), fn.NewService("org.y.S", fn.Method("m", func(person) error { return nil }))}, []string{"org.x.person", "org.y.person"}},
		"groups that differ":     {[]*fn.Service{fn.NewService("org.x.S", fn.Method("m", hello)), fn.NewService("org.x.S", fn.Group("g"), fn.Method("m", func(int32) error { return nil }))}, []string{"m(java.lang.String)", "m(int)", "same parameters in all groups"}},
		"groups of other types":  {[]*fn.Service{fn.NewService("org.x.S", fn.Method("m", hello)), fn.NewService("org.x.S", fn.Group("g"), fn.Method("m", func(*string) (string, error) { return "", nil }))}, []string{"other Go types in no group"}},
		"exception interface":    {method(hello, fn.Throws[error]()), []string{"not an interface"}},
		"exception class":        {method(hello, fn.Throws[*bizError]("no class!")), []string{`class "no class!"`}},
		"exception classes":      {method(hello, fn.Throws[*bizError]("a.B", "a.C")), []string{"2 classes: want one"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := fn.NewSet("demo", c.services...)
			if err == nil {
				t.Fatal("no fault was found")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the fault does not say %q:\n%v", want, err)
				}
			}
		})
	}
}

func TestAllFaultsAreReportedTogether(t *testing.T) {
	t.Parallel()
	_, err := fn.NewSet("my app",
		fn.NewService("org.x.A", fn.Method("one", func() {}), fn.Method("two", 3)),
		fn.NewService("org.x.B", fn.Version("a b"), fn.Method("three", hello, fn.Timeout(-1))))
	for _, want := range []string{`application "my app"`, `org.x.A: method "one"`, `org.x.A: method "two"`, "org.x.B", "version", `method "three"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q among the faults, got:\n%v", want, err)
		}
	}
}

func TestWithPutsPartsBeforeTheServicesOwn(t *testing.T) {
	t.Parallel()
	var order []string
	trace := func(name string) invoker.Filter {
		return func(next invoker.Invoker) invoker.Invoker {
			return invoker.Func(func(ctx context.Context, inv *invoker.Invocation) (invoker.Result, error) {
				order = append(order, name)
				return next.Invoke(ctx, inv)
			})
		}
	}
	s := fn.NewService("org.x.S", fn.Version("1"), fn.Use(trace("service")), fn.Method("m", hello, fn.Use(trace("method"))))
	set := newSet(t, s.With(fn.Version("2"), fn.Use(trace("process"))))
	if _, err := call(t, set, "org.x.S:1", "m", "Ljava/lang/String;", "x"); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(order, " "); got != "process service method" {
		t.Errorf("filters ran as %q; want process service method", got)
	}
	if s.Name() != "org.x.S" {
		t.Errorf("Name() = %q; want the interface", s.Name())
	}
}

func TestStructMethodsBecomeLowerCamel(t *testing.T) {
	t.Parallel()
	set := newSet(t, fn.NewService("org.x.S", fn.Class[person]("org.x.Person"),
		fn.Struct(&provider{}, fn.Skip("Close"), fn.Timeout(3*time.Second), fn.Rename("OverInt", "over"), fn.Rename("OverString", "over", fn.Idempotent, fn.Timeout(time.Second)))))
	res, err := call(t, set, "org.x.S", "getUser", "J", int64(7))
	if p, ok := res.Value.(*person); err != nil || !ok || p.Age != 7 {
		t.Errorf("getUser(7) = %v, %v; want a person of 7", res.Value, err)
	}
	for descriptor, want := range map[string]any{"I": "int", "Ljava/lang/String;": "string"} {
		arg := map[string]any{"I": int32(1), "Ljava/lang/String;": "x"}[descriptor]
		if res, err := call(t, set, "org.x.S", "over", descriptor, arg); err != nil || res.Value != want {
			t.Errorf("over(%s) = %v, %v; want %v", descriptor, res.Value, err, want)
		}
	}
	if _, _, err := set.Lookup([]byte("org.x.S"), nil, []byte("close"), nil); err == nil {
		t.Error("close was found; want it left out")
	}
	var over []string
	for _, m := range set.Describe().Services[0].Methods {
		if m.Name == "over" {
			over = append(over, m.Parameters[0])
			if idempotent := m.Parameters[0] != "int"; m.Idempotent != idempotent || (m.Timeout == 1000) != idempotent {
				t.Errorf("%s: timeout %d, idempotent %v; want those of its own option", m.Parameters[0], m.Timeout, m.Idempotent)
			}
		}
	}
	if strings.Join(over, " ") != "int java.lang.String" {
		t.Errorf("over has parameters %v", over)
	}
}
