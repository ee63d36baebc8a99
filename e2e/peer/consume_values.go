package main

import (
	"context"
	"fmt"
	"math"
	"math/big"
	"math/rand"
	"strings"
	"time"

	"github.com/dubbofn/dubbofn/java"
)

func random(n int) []byte {
	b := make([]byte, n)
	r := rand.New(rand.NewSource(int64(n)))
	r.Read(b)
	return b
}

// ring gives nodes of which the last points to the first.
func ring(labels ...string) *Node {
	first := &Node{Label: new(labels[0])}
	at := first
	for _, l := range labels[1:] {
		at.Next = &Node{Label: new(l)}
		at = at.Next
	}
	at.Next = first
	return first
}

// scalars and the following check every type of value there and back.
func (c *cases) scalars(f *functions) {
	echo(c, "boolean", f.EchoBoolean, true, false)
	echo(c, "byte", f.EchoByte, 0, 1, -1, -128, 127)
	echo(c, "short", f.EchoShort, 0, -1, math.MinInt16, math.MaxInt16)
	echo(c, "char", f.EchoChar, 'a', 'é', '世')
	echo(c, "int", f.EchoInt, 0, 1, -1, 47, 48, -16, -17, 2047, 2048, -2048, -2049, 262143, 262144, -262144, -262145, math.MinInt32, math.MaxInt32)
	echo(c, "long", f.EchoLong, 0, 15, 16, -8, -9, 2047, 2048, -2049, 262143, 262144, 1<<31, -(1<<31)-1, 1<<53, math.MinInt64, math.MaxInt64)
	echo(c, "float", f.EchoFloat, 0, 1, -1.5, math.MaxFloat32, math.SmallestNonzeroFloat32, float32(math.NaN()), float32(math.Inf(1)))
	echo(c, "double", f.EchoDouble, 0, 1, -1, 127, 128, 32767, 32768, 0.001, 12.25, 1e300, math.SmallestNonzeroFloat64, math.NaN(), math.Inf(-1))
	echo(c, "boxed-boolean", f.BoxBoolean, new(true), nil)
	echo(c, "boxed-byte", f.BoxByte, new(int8(-5)), nil)
	echo(c, "boxed-short", f.BoxShort, new(int16(300)), nil)
	echo(c, "boxed-char", f.BoxChar, new(java.Char('z')), nil)
	echo(c, "boxed-int", f.BoxInt, new(int32(70000)), nil)
	echo(c, "boxed-long", f.BoxLong, new(int64(5_000_000_000)), nil)
	echo(c, "boxed-float", f.BoxFloat, new(float32(2.5)), nil)
	echo(c, "boxed-double", f.BoxDouble, new(2.5), nil)
}

func (c *cases) texts(f *functions) {
	echo(c, "string", f.EchoString, pointers("", "a", "plain text", "tab\tnewline\nquote\"\u0001")...)
	echo(c, "string-null", f.EchoString, nil)
	echo(c, "string-unicode", f.EchoString, pointers("héllo wörld", "世界", "\u07ff\u0800\uffff")...)
	echo(c, "string-emoji", f.EchoString, pointers("😀", "a😀b🚀c", "👩‍👩‍👧‍👦 family")...)
	echo(c, "string-lone-surrogate", f.EchoString, pointers("x\xed\xa0\xbdy")...)
	echo(c, "string-100k", f.EchoString, new(strings.Repeat("0123456789", 10_240)))
	echo(c, "string-100k-unicode", f.EchoString, new(strings.Repeat("世界é", 34_000)))
	echo(c, "string-100k-emoji", f.EchoString, new("x"+strings.Repeat("😀", 51_200)), new(strings.Repeat("😀", 51_200)))
	c.check("string-utf16-length", func(ctx context.Context) error {
		n, err := f.Utf16Length(ctx, "aé世b😀")
		return all(err, equal(int32(6), n))
	})
	echo(c, "bytes", f.EchoBytes, []byte{}, []byte{0, 1, 255, 127, 128}, random(100_000))
	echo(c, "bytes-1m", f.EchoBytes, random(1<<20))
	echo(c, "bytes-null", f.EchoBytes, nil)
	echo(c, "bigdecimal", f.EchoBigDecimal, decimal("0"), decimal("123456789.123456789"), decimal("-1E+10"), decimal("1.00"), decimal("99999999999999999999999999999999.99"))
	c.check("bigdecimal-twice", func(ctx context.Context) error {
		v, err := f.Twice(ctx, decimal("1.25"))
		return all(err, equal(decimal("2.50"), v))
	})
	echo(c, "biginteger", f.EchoBigInteger, new(big.Int), big.NewInt(-255), power(60), new(big.Int).Neg(power(60)))
}

func (c *cases) times(f *functions) {
	date := func(ms int64) *time.Time { return new(time.UnixMilli(ms)) }
	echo(c, "date", f.EchoDate, date(0), date(1_700_000_000_123), date(-1), date(1_700_000_040_000))
	c.check("date-nextday", func(ctx context.Context) error {
		v, err := f.NextDay(ctx, date(1_700_000_000_123))
		return all(err, equal(date(1_700_086_400_123), v))
	})
	day := java.LocalDate{Year: 2024, Month: time.February, Day: 29}
	echo(c, "localdate", f.EchoLocalDate, &day, &java.LocalDate{Year: 1900, Month: time.January, Day: 1}, nil)
	echo(c, "localtime", f.EchoLocalTime, &java.LocalTime{Hour: 23, Minute: 59, Second: 59, Nano: 123_456_789}, &java.LocalTime{})
	echo(c, "localdatetime", f.EchoLocalDateTime, &java.LocalDateTime{Date: day, Time: java.LocalTime{Hour: 12, Minute: 30, Second: 45, Nano: 987_654_321}}, nil)
	echo(c, "instant", f.EchoInstant, &java.Instant{Time: time.Unix(1_700_000_000, 123_456_789)}, &java.Instant{Time: time.Unix(0, 0)})
	echo(c, "duration", f.EchoDuration, new(3661*time.Second+5), new(time.Duration(0)))
	shanghai, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		shanghai = time.FixedZone("Asia/Shanghai", 8*3600)
	}
	echo(c, "zoneddatetime", f.EchoZonedDateTime, &java.ZonedDateTime{Time: time.Date(2024, 2, 29, 12, 0, 0, 0, shanghai)})
	echo(c, "enum", f.EchoEnum, Red, Blue, "")
}

func (c *cases) objects(f *functions) {
	echo(c, "pojo", f.EchoPerson, person(1), &Person{})
	echo(c, "pojo-null", f.EchoPerson, nil)
	c.check("pojo-read", func(ctx context.Context) error {
		s, err := f.Describe(ctx, jose())
		return all(err, equal("José😀:31:Main St#12345:GREEN:9000000001", s))
	})
	c.check("pojo-change", func(ctx context.Context) error {
		want := jose()
		want.Age, want.ID, want.Name = 32, 9000000002, new("José😀!")
		p, err := f.Birthday(ctx, jose())
		return all(err, equal(want, p))
	})
	c.check("pojo-cyclic", func(ctx context.Context) error {
		r, err := f.EchoNode(ctx, ring("a", "b", "c"))
		if err != nil {
			return err
		}
		return all(equal("a", *r.Label), equal("c", *r.Next.Next.Label), equal(true, r.Next.Next.Next == r))
	})
	c.check("pojo-self-ref", func(ctx context.Context) error {
		r, err := f.EchoNode(ctx, ring("self"))
		if err != nil {
			return err
		}
		return equal(true, r.Next == r)
	})
	c.check("pojo-cyclic-read", func(ctx context.Context) error {
		s, err := f.Walk(ctx, ring("a", "b", "c"), 5)
		return all(err, equal("a>b>c>a>b", s))
	})
	echo(c, "list-pojo", f.EchoPersons, []*Person{person(1), person(2), jose()}, []*Person{}, nil)
	c.check("list-pojo-1000", func(ctx context.Context) error {
		var l []*Person
		for i := range 1000 {
			l = append(l, person(int64(i)))
		}
		got, err := f.EchoPersons(ctx, l)
		return all(err, equal(l, got))
	})
	c.check("list-shared-ref", func(ctx context.Context) error {
		p := person(7)
		got, err := f.EchoPersons(ctx, []*Person{p, p})
		if err != nil {
			return err
		}
		return all(equal(p, got[0]), equal(true, got[0] == got[1]))
	})
	echo(c, "map-pojo", f.EchoPersonMap, map[string]*Person{"a": person(1), "世": jose(), "null": nil})
	numbers := map[int32]string{}
	for i := -5; i < 500; i++ {
		numbers[int32(i*1000)] = fmt.Sprint("v", i)
	}
	echo(c, "map-int-key", f.EchoIntMap, numbers)
	echo(c, "map-empty", f.EchoPersonMap, map[string]*Person{})
	echo(c, "set", f.EchoSet, java.Set[string]{"a": {}, "b": {}, "世😀": {}})
	echo(c, "list-mixed", f.EchoMixed, []any{int32(1), int64(2), "x", true, nil, 1.5, time.UnixMilli(5), person(3), []any{"n", int32(1)}})
}

func (c *cases) arrays(f *functions) {
	echo(c, "array-int", f.EchoInts, []int32{}, []int32{1, -1, math.MaxInt32}, make([]int32, 20))
	c.check("array-int-sum", func(ctx context.Context) error {
		n, err := f.Sum(ctx, 1, 2, 3, math.MaxInt32)
		return all(err, equal(int64(6+math.MaxInt32), n))
	})
	echo(c, "array-long", f.EchoLongs, []int64{1, -1, math.MinInt64})
	echo(c, "array-short", f.EchoShorts, []int16{1, -1, math.MinInt16})
	echo(c, "array-boolean", f.EchoBooleans, []bool{true, false})
	echo(c, "array-float", f.EchoFloats, []float32{1.5, -0.25})
	echo(c, "array-double", f.EchoDoubles, []float64{1.5, 1e300})
	echo(c, "array-char", f.EchoChars, []java.Char{'a', 'é', '世'})
	echo(c, "array-string", f.EchoStrings, []*string{new("a"), nil, new("世😀")})
	echo(c, "array-pojo", f.EchoPersonArray, []*Person{person(1), jose()}, []*Person{})
	echo(c, "array-2d", f.EchoMatrix, [][]int32{{1, 2}, {3}})
	echo(c, "object-string", f.EchoObject, any("x"))
	echo(c, "object-int", f.EchoObject, any(int32(5)))
	echo(c, "object-long", f.EchoObject, any(int64(5)))
	echo(c, "object-pojo", f.EchoObject, any(jose()))
	echo(c, "object-map", f.EchoObject, any(map[any]any{"k": int32(1), "p": person(1)}))
	c.check("many-args", func(ctx context.Context) error {
		s, err := f.Join(ctx, "a", 1, 2, true, 2.5, Blue, []string{"x", "y"})
		return all(err, equal("a|1|2|true|2.5|BLUE|x,y", s))
	})
}
