package fn_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/internal/hessian"
	"github.com/dubbofn/dubbofn/invoker"
)

// roundTrip runs a call as a provider does: arguments from bytes, result to bytes. What the caller reads is given.
func roundTrip(t testing.TB, set *fn.Set, service, method, descriptor string, args ...any) any {
	t.Helper()
	var enc hessian.Encoder
	enc.Reset(set.Types(), nil)
	for _, a := range args {
		if err := enc.Value(a); err != nil {
			t.Fatal(err)
		}
	}
	i, sig, err := set.Lookup([]byte(service), nil, []byte(method), []byte(descriptor))
	if err != nil {
		t.Fatal(err)
	}
	var dec hessian.Decoder
	dec.Reset(set.Types(), enc.Bytes(), hessian.Limits{})
	inv := &invoker.Invocation{Method: method}
	for _, p := range sig.Params {
		v, err := dec.Decode(p)
		if err != nil {
			t.Fatal(err)
		}
		inv.Args = append(inv.Args, v)
	}
	res, err := i.Invoke(t.Context(), inv)
	if err != nil {
		t.Fatal(err)
	}
	enc.Reset(set.Types(), nil)
	if sig.Result == nil {
		err = enc.Value(res.Value)
	} else {
		err = enc.Encode(sig.Result, res.Value)
	}
	if err != nil {
		t.Fatal(err)
	}
	dec.Reset(set.Types(), enc.Bytes(), hessian.Limits{})
	v, err := dec.Object()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestCallsGoThroughTheCodec(t *testing.T) {
	t.Parallel()
	set := newSet(t, genericService())
	ann := map[any]any{"class": "org.x.Person", "name": "Ann", "age": int32(30)}
	older := map[any]any{"class": "org.x.Person", "name": "Ann", "age": int32(31)}
	for _, c := range []struct {
		method, descriptor string
		args               []any
		want               any
	}{
		{"sum", "[I", []any{[]int32{1, 2, 3}}, int64(6)},
		{"sum", "[I", []any{nil}, int64(0)},
		{"names", "Ljava/util/List;", []any{[]any{&person{Name: "Ann"}, &person{Name: "Bob"}}}, []any{"Ann", "Bob"}},
		{"nothing", "", nil, nil},
		{"over", "Ljava/lang/String;I", []any{"x", int32(1)}, "string,int"},
		{"$echo", "Ljava/lang/Object;", []any{[]any{"a", int32(1), nil}}, []any{"a", int32(1), nil}},
		{"$invoke", genericDescriptor, []any{"older", []any{"org.x.Person"}, []any{ann}}, older},
		{"$invoke", genericDescriptor, []any{"older", nil, []any{ann}}, older},
		{"$invoke", genericDescriptor, []any{"nothing", nil, nil}, nil},
		{"$invokeAsync", genericDescriptor, []any{"over", []any{"int"}, []any{int32(5)}}, "int"},
	} {
		got := roundTrip(t, set, "org.x.G", c.method, c.descriptor, c.args...)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s(%v): %s", c.method, c.args, diff)
		}
	}
}

func BenchmarkInvoke(b *testing.B) {
	set, err := fn.NewSet("demo", genericService(), fn.NewService("org.x.S", fn.Token("tok"), fn.Method("m", hello)))
	if err != nil {
		b.Fatal(err)
	}
	for name, c := range map[string]struct {
		service, method, descriptor string
		arg                         any
	}{
		"pojo":   {"org.x.G", "older", "Lorg/x/Person;", &person{Name: "Ann"}},
		"string": {"org.x.G", "over", "Ljava/lang/String;", "x"},
		"token":  {"org.x.S", "m", "Ljava/lang/String;", "x"},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			path, method, descriptor := []byte(c.service), []byte(c.method), []byte(c.descriptor)
			inv := &invoker.Invocation{Method: c.method, Args: []any{c.arg}}
			inv.Attachments.Set("token", "tok")
			ctx := invoker.NewContext(b.Context(), inv)
			for b.Loop() {
				i, _, err := set.Lookup(path, nil, method, descriptor)
				if err != nil {
					b.Fatal(err)
				}
				if _, err = i.Invoke(ctx, inv); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
