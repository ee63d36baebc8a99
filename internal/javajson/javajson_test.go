package javajson

import (
	"bytes"
	"encoding/json"
	"math/big"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/dubbofn/dubbofn/java"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestArgumentsBecomeTheNearestJavaValues(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]any{
		"Ada": "Ada", `"5"`: "5", "5": int32(5), "-2147483649": int64(-2147483649), "2.5": 2.5, "1e3": 1000.0, "true": true, "null": nil, "a b": "a b",
		"[1,\"x\",null]": []any{int32(1), "x", nil}, `{"a":{"b":1}}`: map[any]any{"a": map[any]any{"b": int32(1)}}, "12:30": "12:30", "": "",
	} {
		got, err := Parse(in)
		if err != nil || !cmp.Equal(got, want) {
			t.Errorf("%q: %#v, %v; want %#v", in, got, err, want)
		}
	}
	big1, err := Parse("99999999999999999999")
	if n, ok := big1.(*big.Int); err != nil || !ok || n.String() != "99999999999999999999" {
		t.Errorf("a big number: %#v, %v", big1, err)
	}
}

func TestResultsPrintAsJSON(t *testing.T) {
	t.Parallel()
	amount, err := java.ParseBigDecimal("12.30")
	if err != nil {
		t.Fatal(err)
	}
	loop := map[any]any{"name": "x"}
	loop["self"] = loop
	for want, v := range map[string]any{
		`{"class":"org.x.P","b":1,"a":null}`: &java.Object{Class: "org.x.P", Fields: []java.Field{{Name: "b", Value: int32(1)}, {Name: "a"}}},
		`{"class":"org.x.P","a":1}`:          map[any]any{"a": int32(1), "class": "org.x.P"},
		`{"1":"x"}`:                          map[any]any{int32(1): "x"},
		`["AQI=",12.30,[]]`:                  []any{[]byte{1, 2}, amount, []any{}},
		`"2023-11-14T22:13:20.123Z"`:         time.UnixMilli(1_700_000_000_123),
		`[1,2]`:                              []int32{1, 2},
		`{"name":"x","self":"(cycle)"}`:      loop,
		`["NaN"]`:                            []any{nan()},
	} {
		got, err := json.Marshal(Printable(v))
		if err != nil || string(got) != want {
			t.Errorf("%v: %s, %v; want %s", want, got, err, want)
		}
	}
}

// TestSharedValuesDontPrintWithoutEnd has 40 lists, each of which holds the one before twice.
func TestSharedValuesDontPrintWithoutEnd(t *testing.T) {
	t.Parallel()
	var v any = "x"
	for range 40 {
		v = []any{v, v}
	}
	got, err := json.Marshal((&printer{left: 1000}).value(v, nil))
	if err != nil || len(got) > 64<<10 || !bytes.Contains(got, []byte("(too much to print)")) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

func nan() float64 { z := 0.0; return z / z }

// FuzzParse reads what nobody has checked.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"Ada", `{"a":[1,2.5,null]}`, "1e999", `"x"`, "99999999999999999999", "[", "-"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := Parse(s)
		if err != nil {
			return
		}
		if _, err := json.Marshal(Printable(v)); err != nil {
			t.Errorf("%q: %v", s, err)
		}
	})
}
