package hessian_test

import (
	"encoding/hex"
	"errors"
	"math"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dubbofn/dubbofn/internal/hessian"
	"github.com/dubbofn/dubbofn/java"
)

// encoded gives v's plan, and v as it is written by it.
func encoded(tb testing.TB, v any) (*hessian.Types, *hessian.Plan, []byte) {
	tb.Helper()
	types := hessian.NewTypes()
	p, err := types.Register(reflect.TypeOf(v), "org.example.test")
	if err != nil {
		tb.Fatal(err)
	}
	var e hessian.Encoder
	e.Reset(types, nil)
	if err := e.Encode(p, v); err != nil {
		tb.Fatal(err)
	}
	return types, p, e.Bytes()
}

// bytesOf reads hexadecimal digits with blanks, and 'text' as it is.
func bytesOf(tb testing.TB, s string) []byte {
	tb.Helper()
	var b []byte
	for i, part := range strings.Split(s, "'") {
		if i%2 == 1 {
			b = append(b, part...)
			continue
		}
		raw, err := hex.DecodeString(strings.ReplaceAll(part, " ", ""))
		if err != nil {
			tb.Fatal(err)
		}
		b = append(b, raw...)
	}
	return b
}

// decodeAs reads body as a T.
func decodeAs[T any](tb testing.TB, types *hessian.Types, body []byte) (T, error) {
	tb.Helper()
	var zero T
	p, err := types.Register(reflect.TypeFor[T](), "org.example.test")
	if err != nil {
		tb.Fatal(err)
	}
	var d hessian.Decoder
	d.Reset(types, body, hessian.Limits{})
	v, err := d.Decode(p)
	if err != nil {
		return zero, err
	}
	if d.Remaining() != 0 {
		tb.Errorf("%d bytes left of % x", d.Remaining(), body)
	}
	got, ok := v.(T)
	if !ok {
		tb.Errorf("a %T, want a %T", v, zero)
	}
	return got, nil
}

func TestEveryTagIsReadWithoutAType(t *testing.T) {
	t.Parallel()
	types := hessian.NewTypes()
	for _, c := range []struct {
		body string
		want any
	}{
		{"'N'", nil}, {"'T'", true}, {"'F'", false},
		{"80", int32(-16)}, {"90", int32(0)}, {"bf", int32(47)},
		{"c0 00", int32(-2048)}, {"c7 00", int32(-256)}, {"cf ff", int32(2047)},
		{"d0 00 00", int32(-262144)}, {"d7 ff ff", int32(262143)},
		{"'I' 7f ff ff ff", int32(math.MaxInt32)}, {"'I' 80 00 00 00", int32(math.MinInt32)},
		{"d8", int64(-8)}, {"e0", int64(0)}, {"ef", int64(15)},
		{"f0 00", int64(-2048)}, {"ff ff", int64(2047)},
		{"38 00 00", int64(-262144)}, {"3f ff ff", int64(262143)},
		{"59 80 00 00 00", int64(math.MinInt32)},
		{"'L' 80 00 00 00 00 00 00 00", int64(math.MinInt64)},
		{"5b", 0.0}, {"5c", 1.0}, {"5d 80", -128.0}, {"5e 80 00", -32768.0},
		{"5f 00 00 2f da", 12.25}, {"5f ff ff cf c7", -12.345},
		{"'D' 40 28 80 00 00 00 00 00", 12.25},
		{"4a 00 00 01 8b cf e5 68 00", time.UnixMilli(1_700_000_000_000).UTC()},
		{"4b 00 e3 83 8f", time.UnixMilli(0xe3838f * 60_000).UTC()},
		{"00", ""}, {"05 'hello'", "hello"}, {"30 01 'x'", "x"}, {"33 00" + strings.Repeat("'x'", 768), strings.Repeat("x", 768)},
		{"'S' 00 02 'ab'", "ab"}, {"'R' 00 01 'a' 'R' 00 00 01 'b'", "ab"}, {"'R' 00 01 'a' 30 01 'b'", "ab"},
		{"02 c3 a9 e2 82 ac", "é€"}, {"02 ed a0 bd ed b8 80", "😀"}, {"02 f0 9f 98 80", "😀"},
		{"'R' 00 01 ed a0 bd 01 ed b8 80", "😀"}, {"01 ed a0 bd", "\xed\xa0\xbd"}, {"02 ed b8 80 ed a0 bd", "\xed\xb8\x80\xed\xa0\xbd"},
		{"20", []byte{}}, {"22 01 02", []byte{1, 2}}, {"34 01 07", []byte{7}}, {"'B' 00 01 07", []byte{7}}, {"'A' 00 01 07 'A' 00 00 21 08", []byte{7, 8}},
		{"78", []any{}}, {"7a 91 'N'", []any{int32(1), nil}}, {"58 92 91 92", []any{int32(1), int32(2)}}, {"57 91 'Z'", []any{int32(1)}},
		{"72 04 '[int' 91 92", []int32{1, 2}}, {"'V' 05 '[long' 91 e1", []int64{1}}, {"55 06 '[short' 91 'Z'", []int16{1}},
		{"71 08 '[boolean' 'T'", []bool{true}}, {"71 06 '[float' 5c", []float32{1}}, {"71 07 '[double' 5c", []float64{1}},
		{"71 07 '[string' 01 'a'", &java.List{Class: "[string", Items: []any{"a"}}},
		{"7a 70 01 'x' 71 90 91", []any{&java.List{Class: "x", Items: []any{}}, &java.List{Class: "x", Items: []any{int32(1)}}}},
		{"'H' 91 01 'a' 'Z'", map[any]any{int32(1): "a"}}, {"'M' 11 'java.util.HashMap' 'Z'", map[any]any{}},
		{"'M' 11 'java.util.TreeMap' 91 92 'Z'", &java.Map{Class: "java.util.TreeMap", Entries: []java.Entry{{Key: int32(1), Value: int32(2)}}}},
		{"'H' 78 91 'Z'", &java.Map{Entries: []java.Entry{{Key: []any{}, Value: int32(1)}}}},
		{"'C' 01 'A' 91 01 'x' 60 91", &java.Object{Class: "A", Fields: []java.Field{{Name: "x", Value: int32(1)}}}},
		{"'C' 01 'A' 90 'O' 90", &java.Object{Class: "A", Fields: []java.Field{}}},
		{"'C' 01 'A' 90 'C' 01 'B' 90 61", &java.Object{Class: "B", Fields: []java.Field{}}},
		{"'C' 01 'A' 90 'N'", nil},
	} {
		var d hessian.Decoder
		d.Reset(types, bytesOf(t, c.body), hessian.Limits{})
		got, err := d.Value()
		if err != nil {
			t.Errorf("%s: %v", c.body, err)
			continue
		}
		if diff := cmp.Diff(c.want, got); diff != "" || d.Remaining() != 0 {
			t.Errorf("%s: %d bytes left; -want +got:\n%s", c.body, d.Remaining(), diff)
		}
	}
}

func TestNumbersAreWrittenInTheShortestForm(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		write func(*hessian.Encoder)
		want  string
	}{
		{func(e *hessian.Encoder) { e.Int(-16) }, "80"}, {func(e *hessian.Encoder) { e.Int(47) }, "bf"},
		{func(e *hessian.Encoder) { e.Int(48) }, "c8 30"}, {func(e *hessian.Encoder) { e.Int(-2048) }, "c0 00"},
		{func(e *hessian.Encoder) { e.Int(2048) }, "d4 08 00"}, {func(e *hessian.Encoder) { e.Int(-262144) }, "d0 00 00"},
		{func(e *hessian.Encoder) { e.Int(262144) }, "'I' 00 04 00 00"},
		{func(e *hessian.Encoder) { e.Long(15) }, "ef"}, {func(e *hessian.Encoder) { e.Long(-9) }, "f7 f7"},
		{func(e *hessian.Encoder) { e.Long(2048) }, "3c 08 00"}, {func(e *hessian.Encoder) { e.Long(262144) }, "59 00 04 00 00"},
		{func(e *hessian.Encoder) { e.Long(1 << 31) }, "'L' 00 00 00 00 80 00 00 00"},
		{func(e *hessian.Encoder) { e.Double(0) }, "5b"}, {func(e *hessian.Encoder) { e.Double(1) }, "5c"},
		{func(e *hessian.Encoder) { e.Double(-128) }, "5d 80"}, {func(e *hessian.Encoder) { e.Double(128) }, "5e 00 80"},
		{func(e *hessian.Encoder) { e.Double(12.25) }, "5f 00 00 2f da"},
		{func(e *hessian.Encoder) { e.Double(math.Copysign(0, -1)) }, "'D' 80 00 00 00 00 00 00 00"},
		{func(e *hessian.Encoder) { e.Double(math.Inf(1)) }, "'D' 7f f0 00 00 00 00 00 00"},
		{func(e *hessian.Encoder) { e.Double(0.0001) }, "'D' 3f 1a 36 e2 eb 1c 43 2d"},
		{func(e *hessian.Encoder) { e.Bool(true) }, "'T'"}, {func(e *hessian.Encoder) { e.Null() }, "'N'"},
		{func(e *hessian.Encoder) { e.Binary(make([]byte, 15)) }, "2f" + strings.Repeat("00", 15)},
		{func(e *hessian.Encoder) { e.Binary(make([]byte, 16)) }, "34 10" + strings.Repeat("00", 16)},
		{func(e *hessian.Encoder) { e.String("é😀") }, "03 c3 a9 ed a0 bd ed b8 80"},
		{func(e *hessian.Encoder) { e.String("a\xffb") }, "03 'a' ef bf bd 'b'"},
		{func(e *hessian.Encoder) { e.String("\xed\xa0\xbd") }, "01 ed a0 bd"},
		{func(e *hessian.Encoder) { e.MapBegin(""); e.String("a"); e.Int(1); e.MapEnd() }, "'H' 01 'a' 91 'Z'"},
		{func(e *hessian.Encoder) { e.MapBegin("x"); e.MapEnd(); e.MapBegin("x"); e.MapEnd() }, "'M' 01 'x' 'Z' 'M' 90 'Z'"},
	} {
		var e hessian.Encoder
		e.Reset(hessian.NewTypes(), nil)
		c.write(&e)
		if got, want := hex.EncodeToString(e.Bytes()), hex.EncodeToString(bytesOf(t, c.want)); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

type gauge struct {
	B    bool
	I8   int8
	I16  int16
	I32  int32
	I    int
	I64  int64
	F32  float32
	F64  float64
	C    java.Char
	S    string
	PB   *bool
	PI   *int32
	PS   *string
	Raw  []byte
	When time.Time
	Wait time.Duration
	Any  any
	List []string
	Next *gauge
	Map  map[string][]int32
	Set  java.Set[string]
	Big  *big.Int
}

func TestStructsComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	yes, one, empty := true, int32(1), ""
	for _, g := range []*gauge{
		{},
		{B: true, I8: -128, I16: math.MinInt16, I32: math.MinInt32, I: math.MinInt64, I64: math.MaxInt64, F32: 0.1, F64: 0.1, C: 0xd800, S: "x"},
		{PB: &yes, PI: &one, PS: &empty, Raw: []byte{}, When: time.UnixMilli(-1).UTC(), Wait: -time.Nanosecond},
		{Any: []any{int32(1), "a", nil}, List: []string{}, Map: map[string][]int32{"a": {1}, "b": nil}, Set: java.Set[string]{"x": {}}},
		{Next: &gauge{Next: &gauge{S: "deep"}}, Big: new(big.Int).Lsh(big.NewInt(-3), 200)},
	} {
		types, _, body := encoded(t, g)
		got, err := decodeAs[*gauge](t, types, body)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(g, got, meaning); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	}
}

func TestNullIsTheZeroValueOfEveryType(t *testing.T) {
	t.Parallel()
	types := hessian.NewTypes()
	for _, v := range []any{
		false, int8(0), int16(0), int32(0), 0, int64(0), float32(0), 0.0, java.Char(0), "", (*string)(nil), (*bool)(nil), []byte(nil), []java.Char(nil),
		time.Time{}, (*time.Time)(nil), time.Duration(0), (*big.Int)(nil), (*java.BigDecimal)(nil), java.UUID{}, java.Locale(""), java.LocalDate{},
		java.LocalTime{}, java.LocalDateTime{}, java.Instant{}, java.OffsetDateTime{}, java.ZonedDateTime{}, java.OffsetTime{}, java.Year(0),
		java.YearMonth{}, java.MonthDay{}, java.Period{}, []string(nil), map[string]string(nil), map[int32]gauge(nil), java.Set[int32](nil),
		gauge{}, (*gauge)(nil), (*java.Object)(nil), (*java.List)(nil), (*java.Map)(nil),
	} {
		p, err := types.Register(reflect.TypeOf(v), "org.example.test")
		if err != nil {
			t.Fatal(err)
		}
		var d hessian.Decoder
		d.Reset(types, []byte{'N'}, hessian.Limits{})
		got, err := d.Decode(p)
		if err != nil || d.Remaining() != 0 || !reflect.DeepEqual(got, v) {
			t.Errorf("%T: %#v, %v", v, got, err)
		}
	}
}

func TestValuesThatDoNotFitAreRefusedWithTheirPlace(t *testing.T) {
	t.Parallel()
	check := func(name string, err error, kind hessian.Kind, want string) {
		t.Helper()
		var e *hessian.Error
		if !errors.As(err, &e) || e.Kind != kind || !strings.Contains(e.Error(), want) {
			t.Errorf("%s: %v, want kind %d and %q", name, err, kind, want)
		}
	}
	types := hessian.NewTypes()
	_, err := decodeAs[int8](t, types, bytesOf(t, "c9 2c"))
	check("byte", err, hessian.KindType, "decode: byte 0: int8: 300 is out of range for byte (-128 to 127)")
	_, err = decodeAs[int16](t, types, bytesOf(t, "d4 80 00"))
	check("short", err, hessian.KindType, "32768 is out of range for short (-32768 to 32767)")
	_, err = decodeAs[int32](t, types, bytesOf(t, "'L' 00 00 00 00 80 00 00 00"))
	check("int", err, hessian.KindType, "2147483648 is out of range for int")
	_, err = decodeAs[int64](t, types, bytesOf(t, "5f 00 00 00 01"))
	check("fraction", err, hessian.KindType, "0.001 where a long is wanted")
	_, err = decodeAs[java.Char](t, types, bytesOf(t, "02 'ab'"))
	check("char", err, hessian.KindType, "a string of 2 UTF-16 units where a char is wanted")
	_, err = decodeAs[string](t, types, bytesOf(t, "78"))
	check("string", err, hessian.KindType, "a list (tag 0x78) where a string is wanted")
	_, err = decodeAs[*gauge](t, types, bytesOf(t, "'C' 05 'gauge' 91 04 'list' 60 7a 01 'a' 91"))
	check("path", err, hessian.KindType, "decode: byte 17: gauge.list[1]: an int (tag 0x91) where a string is wanted")
	_, err = decodeAs[[]int32](t, types, bytesOf(t, "90"))
	check("list", err, hessian.KindType, "where a list is wanted")
	_, err = decodeAs[*java.BigDecimal](t, types, bytesOf(t, "01 'x'"))
	check("decimal", err, hessian.KindType, "java.math.BigDecimal")
	_, err = decodeAs[time.Duration](t, types, bytesOf(t, "'C' 01 'D' 91 07 'seconds' 60 'L' 7f ff ff ff ff ff ff ff"))
	check("duration", err, hessian.KindType, "out of range for time.Duration")
	_, err = decodeAs[string](t, types, bytesOf(t, "03 'ab'"))
	check("cut", err, hessian.KindMalformed, "the body ends")
	_, err = decodeAs[string](t, types, bytesOf(t, "01 ff"))
	check("utf-8", err, hessian.KindMalformed, "not UTF-8")
	_, err = decodeAs[any](t, types, bytesOf(t, "40"))
	check("tag", err, hessian.KindMalformed, "unknown tag 0x40")
	_, err = decodeAs[any](t, types, bytesOf(t, "60"))
	check("class", err, hessian.KindMalformed, "an object of class definition 0 of 0")
	_, err = decodeAs[any](t, types, bytesOf(t, "51 90"))
	check("ref", err, hessian.KindMalformed, "reference to number 0 of 0")
	_, err = decodeAs[any](t, types, bytesOf(t, "71 90 90"))
	check("type", err, hessian.KindMalformed, "type number 0 of 0")
}
