// Package codec compares Hessian codecs on the values of the provider cases: a new stream for every value, as in a frame.
package codec

import (
	"encoding/json"
	"reflect"
	"testing"

	hessian2 "github.com/apache/dubbo-go-hessian2"
	"github.com/google/go-cmp/cmp"

	"github.com/dubbofn/dubbofn/bench/service"
	"github.com/dubbofn/dubbofn/internal/hessian"
)

// codec is one under test. encode's bytes are valid until its next call.
type codec struct {
	name   string
	encode func(v any) ([]byte, error)
	decode func(b []byte, t reflect.Type) (any, error)
}

// values are what is encoded and decoded.
func values() map[string]any {
	return map[string]any{"user": service.Ada(), "users100": service.Sample(100)}
}

func codecs(tb testing.TB) []codec {
	return []codec{ours(tb), library(), standard()}
}

func ours(tb testing.TB) codec {
	types := hessian.NewTypes()
	plans := map[reflect.Type]*hessian.Plan{}
	for _, v := range values() {
		t := reflect.TypeOf(v)
		plan, err := types.Register(t, "org.bench")
		if err != nil {
			tb.Fatal(err)
		}
		plans[t] = plan
	}
	var e hessian.Encoder
	var d hessian.Decoder
	var buffer []byte
	return codec{"dubbofn",
		func(v any) ([]byte, error) {
			e.Reset(types, buffer[:0])
			err := e.Encode(plans[reflect.TypeOf(v)], v)
			buffer = e.Bytes()
			return buffer, err
		},
		func(b []byte, t reflect.Type) (any, error) {
			d.Reset(types, b, hessian.Limits{})
			return d.Decode(plans[t])
		}}
}

func library() codec {
	hessian2.RegisterPOJO(&service.User{})
	return codec{"dubbo-go-hessian2",
		func(v any) ([]byte, error) {
			e := hessian2.NewEncoder()
			err := e.Encode(v)
			return e.Buffer(), err
		},
		func(b []byte, _ reflect.Type) (any, error) { return hessian2.NewDecoder(b).Decode() }}
}

func standard() codec {
	return codec{"encoding-json", json.Marshal, func(b []byte, t reflect.Type) (any, error) {
		p := reflect.New(t)
		err := json.Unmarshal(b, p.Interface())
		return p.Elem().Interface(), err
	}}
}

func TestCodecsGiveBackWhatTheyWereGiven(t *testing.T) {
	t.Parallel()
	for _, c := range codecs(t) {
		for name, v := range values() {
			b, err := c.encode(v)
			if err != nil {
				t.Fatalf("%s: encode %s: %v", c.name, name, err)
			}
			got, err := c.decode(b, reflect.TypeOf(v))
			if err != nil {
				t.Fatalf("%s: decode %s: %v", c.name, name, err)
			}
			if diff := cmp.Diff(v, got); diff != "" {
				t.Errorf("%s: %s differs (-want +got):\n%s", c.name, name, diff)
			}
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	each(b, func(b *testing.B, c codec, v any) {
		for b.Loop() {
			if _, err := c.encode(v); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	each(b, func(b *testing.B, c codec, v any) {
		encoded, err := c.encode(v)
		if err != nil {
			b.Fatal(err)
		}
		encoded = append([]byte(nil), encoded...)
		t := reflect.TypeOf(v)
		for b.Loop() {
			if _, err := c.decode(encoded, t); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func each(b *testing.B, run func(*testing.B, codec, any)) {
	for _, name := range []string{"user", "users100"} {
		v := values()[name]
		for _, c := range codecs(b) {
			b.Run("value="+name+"/codec="+c.name, func(b *testing.B) {
				encoded, err := c.encode(v)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportAllocs()
				run(b, c, v)
				b.ReportMetric(float64(len(encoded)), "wire-B")
			})
		}
	}
}
