package cloudevent

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/dubbofn/dubbofn/java"
)

func TestAResultBecomesJSONThatArgumentsAreReadFrom(t *testing.T) {
	t.Parallel()
	huge, _ := new(big.Int).SetString("123456789012345678901234567890", 10)
	for want, v := range map[string]any{
		`null`:                           nil,
		`"AQI="`:                         []byte{1, 2},
		`"NaN"`:                          math.NaN(),
		`1.5`:                            float32(1.5),
		`[1,"a"]`:                        []any{int32(1), "a"},
		`123456789012345678901234567890`: huge,
		`"2026-03-04T05:06:07.000Z"`:     time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC),
		`{"n":1}`:                        map[any]any{"class": "org.example.Order", "n": int64(1)},
		`{"class":"economy","seat":2}`:   map[any]any{"class": "economy", "seat": int32(2)},
		`{"1":true,"a":[null]}`:          map[any]any{int32(1): true, "a": []any{nil}},
		`{"a":"b"}`:                      &java.Object{Class: "x.Y", Fields: []java.Field{{Name: "a", Value: "b"}}},
		`{"k":[1]}`:                      &java.Map{Entries: []java.Entry{{Key: "k", Value: &java.List{Items: []any{int32(1)}}}}},
		`["a"]`:                          []string{"a"},
	} {
		got, err := dataOf(v)
		if err != nil || string(got) != want {
			t.Errorf("%v became %s, %v; want %s", v, got, err, want)
		}
	}
}

func TestAResultThatContainsItselfIsRefused(t *testing.T) {
	t.Parallel()
	loop := []any{nil, nil}
	loop[0], loop[1] = loop, loop
	shared := any("x")
	for range 100 {
		shared = []any{shared, shared}
	}
	m := map[any]any{}
	m["self"] = m
	for _, v := range []any{loop, shared, m} {
		if _, err := dataOf(v); !errors.Is(err, errResult) {
			t.Errorf("%.20v", err)
		}
	}
	if _, err := dataOf(strings.Repeat("a", 1<<20)); err != nil {
		t.Error(err)
	}
}

func TestArgumentsOfSomebodyElsesMethodKeepTheirDigits(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"1": "int32", "-2147483649": "int64", "9223372036854775808": "*big.Int", "1.5": "float64", "1e400": "float64"} {
		v, err := foreign("java.lang.Object", json.Number(text))
		if got := fmt.Sprintf("%T", v); got != want || err != nil {
			t.Errorf("%s is %s, want %s, %v", text, got, want, err)
		}
	}
	if v, err := foreign("java.math.BigDecimal", json.Number("12345678901234567890.10")); err != nil || fmt.Sprint(v) != "12345678901234567890.10" {
		t.Error(v, err)
	}
	if v, err := foreign("java.math.BigDecimal", json.Number("1e999999999999")); err == nil {
		t.Error(v)
	}
}
