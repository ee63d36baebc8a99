package golden

import (
	"fmt"
	"math"
	"math/big"
	"strings"

	"github.com/dubbofn/dubbofn/java"
)

func numbers() []Case {
	cases := []Case{
		{Name: "null", Dynamic: nil, Typed: (*string)(nil)},
		same("true", true),
		same("false", false),
		{Name: "byte-min", Dynamic: int32(-128), Typed: int8(-128)},
		{Name: "short-max", Dynamic: int32(32767), Typed: int16(32767)},
		{Name: "char-A", Dynamic: "A", Typed: java.Char('A')},
		{Name: "char-euro", Dynamic: "€", Typed: java.Char('€')},
		{Name: "char-surrogate", Dynamic: "\xed\xa0\xbd", Typed: java.Char(0xd83d)},
	}
	for _, v := range []int32{0, 1, -1, -16, 47, -17, 48, -2048, 2047, -2049, 2048, -262144, 262143, -262145, 262144, math.MinInt32, math.MaxInt32} {
		cases = append(cases, same(fmt.Sprintf("int-%d", v), v))
	}
	for _, v := range []int64{0, -8, 15, -9, 16, -2048, 2047, -2049, 2048, -262144, 262143, -262145, 262144, math.MinInt32, math.MaxInt32, math.MinInt32 - 1,
		math.MaxInt32 + 1, math.MinInt64, math.MaxInt64} {
		cases = append(cases, same(fmt.Sprintf("long-%d", v), v))
	}
	for name, v := range map[string]float64{"0.0": 0, "-0.0": 0, "1.0": 1, "-1.0": -1, "-128.0": -128, "127.0": 127, "-129.0": -129, "128.0": 128, "-32768.0": -32768,
		"32767.0": 32767, "-32769.0": -32769, "32768.0": 32768, "12.25": 12.25, "0.001": 0.001, "-12.345": -12.345, "0.1": 0.1, "0.3333333333333333": 1.0 / 3,
		"1.0E300": 1e300, "4.9E-324": math.SmallestNonzeroFloat64, "NaN": math.NaN(), "Infinity": math.Inf(1), "-Infinity": math.Inf(-1), "2147483.647": 2147483.647,
		"2147483.648": 2147483.648} {
		cases = append(cases, same("double-"+name, v))
	}
	for name, v := range map[string]struct {
		dynamic float64
		typed   float32
	}{"0.0": {0, 0}, "1.5": {1.5, 1.5}, "1.1": {1.1, 1.1}, "-3.4028235E38": {-3.4028235e38, -math.MaxFloat32}, "1.4E-45": {1.4e-45, math.SmallestNonzeroFloat32}} {
		cases = append(cases, Case{Name: "float-" + name, Dynamic: v.dynamic, Typed: v.typed})
	}
	return cases
}

// pattern is n bytes, the i-th 7i.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i * 7)
	}
	return b
}

func texts() []Case {
	cases := []Case{
		same("string-empty", ""),
		same("string-hello", "hello"),
		same("string-31", strings.Repeat("x", 31)),
		same("string-32", strings.Repeat("x", 32)),
		same("string-255", strings.Repeat("x", 255)),
		same("string-1023", strings.Repeat("é", 1023)),
		same("string-1024", strings.Repeat("x", 1024)),
		same("string-two-three-bytes", "ñ€中"),
		same("string-emoji", "a😀b"),
		same("string-lone-high", "a\xed\xa0\xbdb"),
		same("string-lone-low", "\xed\xb8\x80"),
		same("string-swapped", "\xed\xb8\x80\xed\xa0\xbd"),
		same("string-nul", "a\x00b"),
		same("rule-string-32768", strings.Repeat("x", 32768)),
		same("rule-string-32769", strings.Repeat("x", 32769)),
		same("rule-string-emoji-at-chunk", strings.Repeat("x", 32767)+strings.Repeat("😀", 20000)),
		same("rule-string-1mb", strings.Repeat("0123456789abcdef", 65536)),
		same("rule-bytes-300000", pattern(300000)),
		// a StringBuilder is its own fields to hessian-lite: value, count and coder
		{Name: "string-builder", Dynamic: &java.Object{Class: "java.lang.StringBuilder", Fields: []java.Field{
			{Name: "value", Value: append([]byte("built"), make([]byte, 16)...)}, {Name: "count", Value: int32(5)}, {Name: "coder", Value: int32(0)}}}},
	}
	for _, n := range []int{0, 1, 15, 16, 255, 1023, 1024, 9000} {
		cases = append(cases, same(fmt.Sprintf("bytes-%d", n), pattern(n)))
	}
	return cases
}

// decimal is a BigDecimal from its text, which is well-formed.
func decimal(text string) *java.BigDecimal {
	d, err := java.ParseBigDecimal(text)
	if err != nil {
		panic(err)
	}
	return d
}

func bigNumbers() []Case {
	var cases []Case
	for _, text := range []string{"0", "12.50", "-0.001", "1E+3", "1E-20", "123456789012345678901234567890.1230", "0.00"} {
		cases = append(cases, same("decimal-"+text, decimal(text)))
	}
	for _, text := range []string{"0", "1", "-1", "18446744073709551616", "-1606938044258990275541962092341162602522202993782792835301376"} {
		n, _ := new(big.Int).SetString(text, 10)
		cases = append(cases, same("bigint-"+text, n))
	}
	return cases
}
