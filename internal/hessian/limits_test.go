package hessian_test

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/dubbofn/dubbofn/internal/hessian"
)

type bulky struct {
	A [1]struct{} `hessian:"-"`
	B [512]byte   `hessian:"-"`
	C string
}

func TestBodiesThatAskForTooMuchAreRefusedCheaply(t *testing.T) {
	t.Parallel()
	types := hessian.NewTypes()
	anyType := reflect.TypeFor[any]()
	for _, c := range []struct {
		name   string
		rt     reflect.Type
		body   []byte
		limits hessian.Limits
		want   string
	}{
		{"a list of 2^28", anyType, bytesOf(t, "58 'I' 10 00 00 00 90 90 90 90"), hessian.Limits{}, "a list of 268435456 elements, with 4 bytes left"},
		{"a negative list", anyType, bytesOf(t, "58 8f 90"), hessian.Limits{}, "a list of -1 elements"},
		{"a typed list of 2^28", reflect.TypeFor[[]string](), bytesOf(t, "'V' 01 'x' 'I' 10 00 00 00 90"), hessian.Limits{}, "a list of 268435456 elements"},
		{"a set of 2^28", reflect.TypeFor[map[string]struct{}](), bytesOf(t, "58 'I' 10 00 00 00 90"), hessian.Limits{}, "a list of 268435456 elements"},
		{"a class of 2^28 fields", anyType, bytesOf(t, "'C' 01 'x' 'I' 10 00 00 00 90"), hessian.Limits{}, "a class of 268435456 fields, with 1 bytes left"},
		{"2 MB of class definitions", anyType, bytes.Repeat([]byte("C\x01x\x90"), 1<<19), hessian.Limits{}, "more than 4096 class definitions"},
		{"2 MB of nested lists", anyType, bytes.Repeat([]byte{0x79}, 2<<20), hessian.Limits{}, "nest deeper than 512"},
		{"2 MB of nested lists, passed over", reflect.TypeFor[*part](), append([]byte("C\x01p\x91\x01x\x60"), bytes.Repeat([]byte{0x79}, 2<<20)...), hessian.Limits{}, "nest deeper than 512"},
		{"nested maps", anyType, bytes.Repeat([]byte{'H', 0x91}, 1000), hessian.Limits{Depth: 10}, "nest deeper than 10"},
		{"nested objects", reflect.TypeFor[*part](), append([]byte("C\x01p\x91\x04next"), bytes.Repeat([]byte{0x60}, 1000)...), hessian.Limits{}, "nest deeper than 512"},
		{"structs from nulls", reflect.TypeFor[[]bulky](), append([]byte{0x58, 'I', 0, 1, 0, 0}, bytes.Repeat([]byte{'N'}, 1<<16)...), hessian.Limits{}, "more memory than a body of 65542 bytes may"},
		{"a small factor", reflect.TypeFor[[]string](), append([]byte{0x58, 'I', 0, 1, 0, 0}, bytes.Repeat([]byte{0}, 1<<16)...), hessian.Limits{AllocFactor: 2}, "(limit 589824 bytes)"},
		{"values", anyType, bytes.Repeat([]byte{0x78}, 10), hessian.Limits{Values: 1}, ""},
		{"too many values", anyType, bytesOf(t, "7a 91 92"), hessian.Limits{Values: 2}, "more than 2 values"},
		{"too many lists", anyType, bytesOf(t, "7a 79 90 79 90"), hessian.Limits{Refs: 2}, "more than 2 lists, maps and objects"},
		{"a long decimal", anyType, append([]byte("C\x14java.math.BigDecimal\x91\x05value\x60S\xff\xff"), bytes.Repeat([]byte{'1'}, 1<<16)...), hessian.Limits{}, "a decimal of 65535 characters (limit 16384)"},
	} {
		if _, err := types.Register(c.rt, "org.example.test"); err != nil {
			t.Fatal(err)
		}
		p, _ := types.Plan(c.rt)
		var d hessian.Decoder
		d.Reset(types, c.body, c.limits)
		_, err := d.Decode(p)
		var fault *hessian.Error
		switch {
		case c.want == "" && err == nil:
		case !errors.As(err, &fault) || fault.Kind != hessian.KindLimit || !strings.Contains(err.Error(), c.want):
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

// Each list of the chain holds the one before it twice; as any it is shared, as values it would be 2^40 strings. Not parallel: others' allocations
// would count.
func TestReferencesReadAgainCountAgain(t *testing.T) {
	body := []byte{0x58, 0x90 + 41, 0x79, 0x01, 'x'}
	for i := range 40 {
		n := byte(0x90 + 1 + i)
		body = append(body, 0x7a, 0x51, n, 0x51, n)
	}
	types := hessian.NewTypes()
	p, err := types.Plan(reflect.TypeFor[[]any]())
	if err != nil {
		t.Fatal(err)
	}
	var d hessian.Decoder
	d.Reset(types, body, hessian.Limits{})
	if _, err := d.Decode(p); err != nil {
		t.Errorf("shared: %v", err)
	}
	q, err := types.Plan(reflect.TypeFor[java2D]())
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	d.Reset(types, body, hessian.Limits{})
	_, err = d.Decode(q)
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 4<<20 {
		t.Errorf("%d bytes allocated (%v)", grown, err)
	}
	var fault *hessian.Error
	if !errors.As(err, &fault) {
		t.Errorf("as sets: %v", err)
	}
}

// java2D has no part that references could share: its elements are read again each time.
type java2D [][]map[string]struct{}

func TestADecoderKeepsNothingOfTheBodyBefore(t *testing.T) {
	t.Parallel()
	types := hessian.NewTypes()
	var d hessian.Decoder
	read := func(body string) (any, error) {
		d.Reset(types, bytesOf(t, body), hessian.Limits{})
		return d.Value()
	}
	if _, err := read("'C' 01 'A' 91 01 'x' 60 71 01 't' 78"); err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{"60 91", "71 90 90", "51 90"} {
		if v, err := read(body); err == nil {
			t.Errorf("%s: read as %#v", body, v)
		}
	}
}

func TestHeadGivesBytesOfTheBodyWherePossible(t *testing.T) {
	t.Parallel()
	body := bytesOf(t, "04 'path' 'N' 00 01 c3 a9 91")
	var d hessian.Decoder
	d.Reset(hessian.NewTypes(), body, hessian.Limits{})
	head, err := d.Head()
	if err != nil || string(head) != "path" || &head[0] != &body[1] || cap(head) != 4 {
		t.Errorf("%q, cap %d, %v", head, cap(head), err)
	}
	if head, err = d.Head(); err != nil || head != nil {
		t.Errorf("null: %q, %v", head, err)
	}
	if head, err = d.Head(); err != nil || head == nil || len(head) != 0 {
		t.Errorf("empty: %#v, %v", head, err)
	}
	if head, err = d.Head(); err != nil || string(head) != "é" {
		t.Errorf("%q, %v", head, err)
	}
	if _, err = d.Head(); err == nil {
		t.Error("an int was taken for a string")
	}
}

func TestMapGivesAttachmentsOfAnyKind(t *testing.T) {
	t.Parallel()
	types := hessian.NewTypes()
	for body, want := range map[string]string{
		"'N'":                         "",
		"'H' 01 'a' 01 'b' 91 92 'Z'": "a=b;1=2;",
		"'M' 01 'x' 01 'a' 'N' 'Z'":   "a=<nil>;",
		"'H' 4b 00 00 00 00 'T' 'Z'":  "1970-01-01 00:00:00 +0000 UTC=true;",
	} {
		var d hessian.Decoder
		d.Reset(types, bytesOf(t, body), hessian.Limits{})
		got := ""
		if err := d.Map(func(key string, value any) error { got += key + "=" + fmt.Sprint(value) + ";"; return nil }); err != nil || got != want {
			t.Errorf("%s: %q, %v", body, got, err)
		}
	}
	var d hessian.Decoder
	d.Reset(types, bytesOf(t, "'H' 01 'a' 91 'Z'"), hessian.Limits{})
	stop := errors.New("stop")
	if err := d.Map(func(string, any) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("%v", err)
	}
}

func TestSmallBodiesOfManyMapsAreRead(t *testing.T) {
	t.Parallel()
	var e hessian.Encoder
	e.Reset(hessian.NewTypes(), nil)
	list := make([]any, 1000)
	for i := range list {
		list[i] = map[any]any{"id": int32(i % 40)}
	}
	if err := e.Value(list); err != nil {
		t.Fatal(err)
	}
	var d hessian.Decoder
	d.Reset(hessian.NewTypes(), e.Bytes(), hessian.Limits{})
	got, err := d.Value()
	if l, ok := got.([]any); err != nil || !ok || len(l) != len(list) {
		t.Errorf("%d bytes: %v", e.Len(), err)
	}
}
