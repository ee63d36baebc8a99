package oracle

import (
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

type visitor struct {
	Name  string
	Age   int32
	Next  *visitor
	Notes map[string]string
}

func (visitor) JavaClassName() string { return "org.example.oracle.Visitor" }

func register(t *testing.T) {
	t.Helper()
	if err := Register("org.example.oracle.Visitor", visitor{}); err != nil {
		t.Fatal(err)
	}
}

func TestCodecGivesBackWhatItWrote(t *testing.T) {
	register(t)
	shared := &visitor{Name: "b", Notes: map[string]string{"k": "v"}}
	values := []any{"a", int32(1), int64(-5), 1.5, true, []byte{1}, time.UnixMilli(1700000012345), []string{"x", "y"}, []int32{1, 2},
		map[string]int32{"k": 1}, &visitor{Name: "a", Age: 3, Next: shared, Notes: map[string]string{"x": "y"}}, shared}
	types := make([]reflect.Type, len(values))
	for i, v := range values {
		types[i] = reflect.TypeOf(v)
	}
	body, err := Codec{}.Encode([]byte("head"), values)
	if err != nil || !strings.HasPrefix(string(body), "head") {
		t.Fatalf("%q, %v", body, err)
	}
	got, err := Codec{}.Decode(append(body[4:], "rest"...), types)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(values, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if got[10].(*visitor).Next != got[11].(*visitor) {
		t.Error("what two values shared is no longer shared")
	}
}

func TestCodecFitsValuesIntoGoTypes(t *testing.T) {
	type name string
	for _, c := range []struct {
		body string
		want any
	}{
		{"\x91", int8(1)},
		{"\x91", int64(1)},
		{"\xe1", int32(1)},
		{"\x91", uint16(1)},
		{"\x5d\x02", float32(2)},
		{"\x01a", name("a")},
		{"N", (*string)(nil)},
		{"\x7a\x91\x92", []int16{1, 2}},
		{"\x7a\x7a\x91\x92\x79\x93", [][]int64{{1, 2}, {3}}},
		{"H\x01a\x91Z", map[name]int8{"a": 1}},
		{"\x71\x07[string\x01a", []name{"a"}},
		{"C\x14java.math.BigInteger\x92\x06signum\x03mag\x60\x91\x71\x04[int\x92", *big.NewInt(2)},
	} {
		got, err := Codec{}.Decode([]byte(c.body), []reflect.Type{reflect.TypeOf(c.want)})
		if err != nil {
			t.Errorf("%q as %T: %v", c.body, c.want, err)
			continue
		}
		if d := cmp.Diff(c.want, got[0], cmp.Comparer(func(a, b big.Int) bool { return a.Cmp(&b) == 0 })); d != "" {
			t.Errorf("%q as %T (-want +got):\n%s", c.body, c.want, d)
		}
	}
}

func TestCodecRefusesWhatDoesNotFit(t *testing.T) {
	type list []list
	for _, c := range []struct {
		body string
		as   reflect.Type
		text string
	}{
		{"\xc9\x00", reflect.TypeFor[int8](), "256 does not fit int8"},
		{"\x8f", reflect.TypeFor[uint8](), "-1 does not fit uint8"},
		{"\x01a", reflect.TypeFor[int32](), "a string does not fit int32"},
		{"\x79\x01a", reflect.TypeFor[[]bool](), "[0]: a string does not fit bool"},
		{"H\x01a\x91Z", reflect.TypeFor[map[string]string](), "[a]: a int32 does not fit string"},
		{"\x79\x51\x90", reflect.TypeFor[list](), "nesting deeper than 512"},
		{"\x91\x92", reflect.TypeFor[visitor](), "a int32 does not fit oracle.visitor"},
		{"H\x79\x91\x92Z", reflect.TypeFor[any](), "it panicked"},
		{"\x58\x49\x10\x00\x00\x00", reflect.TypeFor[any](), "268435456 values"},
		{"", reflect.TypeFor[any](), "ends inside"},
	} {
		if _, err := (Codec{}).Decode([]byte(c.body), []reflect.Type{c.as}); err == nil || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%q as %v: got %v, want %q in it", c.body, c.as, err, c.text)
		}
	}
	if _, err := (Codec{}).Encode(nil, []any{1, struct{ A int }{}}); err == nil || !strings.Contains(err.Error(), "encode value 1 (struct") {
		t.Errorf("an unregistered struct: %v", err)
	}
}
