package fn_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/invoker"
)

const genericDescriptor = "Ljava/lang/String;[Ljava/lang/String;[Ljava/lang/Object;"

func genericService(parts ...fn.Option) *fn.Service {
	return fn.NewService("org.x.G", append(parts,
		fn.Class[person]("org.x.Person"),
		fn.Method("older", func(p *person) (*person, error) { p.Age++; return p, nil }),
		fn.Method("names", func(all []person) (n []string, err error) {
			for _, p := range all {
				n = append(n, p.Name)
			}
			return n, nil
		}),
		fn.Method("sum", func(v ...int32) (s int64, err error) {
			for _, i := range v {
				s += int64(i)
			}
			return s, nil
		}),
		fn.Method("nothing", func() error { return nil }),
		fn.Method("over", func(int32) (string, error) { return "int", nil }),
		fn.Method("over", func(string) (string, error) { return "string", nil }),
		fn.Method("over", func(string, int32) (string, error) { return "string,int", nil }),
		fn.Method("fail", func(checked bool) error {
			if checked {
				return &bizError{Code: 7, text: "no such order"}
			}
			return errors.New("boom")
		}, fn.Throws[*bizError]("org.x.BizException")),
		fn.Method("busy", func() error { return invoker.Errorf(invoker.CodeExhausted, "busy", "full (limit 1)") }),
	)...)
}

func TestGenericCallsRunTheMethodTheyName(t *testing.T) {
	t.Parallel()
	set := newSet(t, genericService())
	ann := map[any]any{"class": "org.x.Person", "name": "Ann", "age": int32(30)}
	for name, c := range map[string]struct {
		method string
		types  []string
		args   []any
		want   any
	}{
		"pojo":             {"older", []string{"org.x.Person"}, []any{ann}, map[any]any{"class": "org.x.Person", "name": "Ann", "age": int32(31)}},
		"pojo, no types":   {"older", nil, []any{ann}, map[any]any{"class": "org.x.Person", "name": "Ann", "age": int32(31)}},
		"list":             {"names", []string{"java.util.List"}, []any{[]any{ann, ann}}, []any{"Ann", "Ann"}},
		"array, Go style":  {"sum", []string{"int[]"}, []any{[]any{int32(1), int32(2)}}, int64(3)},
		"array, JVM style": {"sum", []string{"[I"}, []any{[]int32{1, 2}}, int64(3)},
		"void":             {"nothing", []string{}, []any{}, nil},
		"void, null":       {"nothing", nil, nil, nil},
		"overload int":     {"over", []string{"int"}, []any{int32(5)}, "int"},
		"overload string":  {"over", []string{"java.lang.String"}, []any{"x"}, "string"},
		"overload two":     {"over", []string{"java.lang.String", "int"}, []any{"x", int32(1)}, "string,int"},
		"by count":         {"over", nil, []any{"x", int32(1)}, "string,int"},
		"spaces":           {" over ", []string{"int"}, []any{int32(5)}, "int"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, method := range []string{"$invoke", "$invokeAsync"} {
				for _, form := range []any{nil, "true"} {
					attachments := map[string]any{}
					if form != nil {
						attachments["generic"] = form
					}
					res, err := callWith(t, t.Context(), set, "org.x.G", method, genericDescriptor, attachments, c.method, c.types, c.args)
					if err != nil {
						t.Fatalf("%s, generic=%v: %v", method, form, err)
					}
					if diff := cmp.Diff(c.want, res.Value); diff != "" {
						t.Errorf("%s, generic=%v: %s", method, form, diff)
					}
				}
			}
		})
	}
}

func TestGenericCallsThatCanNotBeRunSayWhy(t *testing.T) {
	t.Parallel()
	set := newSet(t, genericService())
	for name, c := range map[string]struct {
		method string
		types  []string
		args   []any
		code   invoker.Code
		want   string
	}{
		"method":    {"under", []string{"int"}, []any{int32(1)}, invoker.CodeNotFound, `no method "under" in org.x.G; it has busy, fail, names`},
		"overload":  {"over", []string{"char"}, []any{"x"}, invoker.CodeNotFound, `no method over(char) in org.x.G; it has over(int), over(java.lang.String), over(java.lang.String,int)`},
		"ambiguous": {"over", nil, []any{"x"}, invoker.CodeNotFound, `org.x.G.over is ambiguous without parameter types: give those of one of over(int), over(java.lang.String)`},
		"too many":  {"over", nil, []any{"x", "y", "z"}, invoker.CodeNotFound, `no method "over" of 3 parameters in org.x.G; it has over(int), over(java.lang.String), over(java.lang.String,int)`},
		"count":     {"over", []string{"int"}, []any{}, invoker.CodeBadRequest, `1 types for 0 arguments`},
		"type":      {"over", []string{""}, []any{"x"}, invoker.CodeBadRequest, `are not Java's`},
		"itself":    {"$invoke", nil, []any{"a", nil, nil}, invoker.CodeNotFound, `no method "$invoke"`},
		"argument":  {"older", []string{"org.x.Person"}, []any{"Ann"}, invoker.CodeBadRequest, `argument 1: want org.x.Person`},
		"busy":      {"busy", nil, nil, invoker.CodeExhausted, `full (limit 1)`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := call(t, set, "org.x.G", "$invoke", genericDescriptor, c.method, c.types, c.args)
			if err == nil || codeOf(t, err) != c.code || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v\nwant %v, saying %s", err, c.code, c.want)
			}
		})
	}
}

func TestOtherGenericFormsAreRefusedByName(t *testing.T) {
	t.Parallel()
	set := newSet(t, genericService())
	for _, form := range []string{"bean", "gson", "raw.return", "protobuf-json", "nativejava"} {
		_, err := callWith(t, t.Context(), set, "org.x.G", "$invoke", genericDescriptor, map[string]any{"generic": form}, "nothing", []string(nil), []any(nil))
		if err == nil || codeOf(t, err) != invoker.CodeBadRequest || !strings.Contains(err.Error(), form) || !strings.Contains(err.Error(), "generic=true") {
			t.Errorf("generic=%s: %v; want it refused by name", form, err)
		}
	}
}

func TestGenericExceptionsAreGenericException(t *testing.T) {
	t.Parallel()
	set := newSet(t, genericService())
	for checked, want := range map[bool]map[string]any{
		true:  {"exceptionClass": "org.x.BizException", "exceptionMessage": "no such order"},
		false: {"exceptionClass": "java.lang.RuntimeException", "exceptionMessage": "boom"},
	} {
		_, err := call(t, set, "org.x.G", "$invoke", genericDescriptor, "fail", []string{"boolean"}, []any{checked})
		var e *invoker.Exception
		if !errors.As(err, &e) || e.Class != "com.alibaba.dubbo.rpc.service.GenericException" {
			t.Fatalf("%v; want a GenericException", err)
		}
		if diff := cmp.Diff(want, e.Fields); diff != "" {
			t.Error(diff)
		}
	}
}

func TestFiltersSeeTheMethodOfAGenericCall(t *testing.T) {
	t.Parallel()
	var seen invoker.Invocation
	watch := func(next invoker.Invoker) invoker.Invoker {
		return invoker.Func(func(ctx context.Context, inv *invoker.Invocation) (invoker.Result, error) {
			seen = *inv
			return next.Invoke(ctx, inv)
		})
	}
	set := newSet(t, genericService(fn.Use(watch)))
	if _, err := call(t, set, "org.x.G", "$invoke", genericDescriptor, "over", []string{"java.lang.String", "int"}, []any{"x", int32(1)}); err != nil {
		t.Fatal(err)
	}
	if seen.Method != "over" || seen.Descriptor != "Ljava/lang/String;I" || !cmp.Equal(seen.Args, []any{"x", int32(1)}) {
		t.Errorf("the filter saw %s(%s) %v", seen.Method, seen.Descriptor, seen.Args)
	}
}
