// Package kit is what `dubbofn import` made of the Java kit's jar, with its methods filled in: import.sh makes it anew, compares, and has Java
// consumers call it. This file, and the bodies in those that end in _handler.go, are written by hand.
package kit

import (
	"context"
	"fmt"
	"math/big"
	"reflect"
	"strings"
	"sync/atomic"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/dubbofn/dubbofn/java"
)

// last is the key that nothing or oneWay got.
var last atomic.Pointer[string]

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// text writes null as Java does.
func text(s *string) string {
	if s == nil {
		return "null"
	}
	return *s
}

// plain writes null as nothing.
func plain(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func joined(parts []*string, with string) string {
	all := make([]string, len(parts))
	for i, p := range parts {
		all[i] = text(p)
	}
	return strings.Join(all, with)
}

func (c Color) text() string {
	if c == "" {
		return "null"
	}
	return string(c)
}

func (a *Address) text() string {
	if a == nil {
		return "null"
	}
	return fmt.Sprintf("%s#%d", text(a.Street), a.Zip)
}

// everything is the value that the kit's Samples.everything() has.
func everything() *Everything {
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		paris = time.FixedZone("Europe/Paris", 7200) // where this machine knows no zones; the value is one in summer
	}
	day := java.LocalDate{Year: 2024, Month: time.February, Day: 29}
	e := &Everything{
		Bool: true, Int8: -128, Int16: 32767, Letter: '世', Int32: -1 << 31, Int64: 1<<63 - 1, Float32: new(float32(1.25)), Float64: 0.1,
		BoxedBool: new(false), BoxedInt: new(int32(70000)), Text: new("héllo"), Emoji: new("a😀👩‍👩‍👧‍👦"), LoneSurrogate: new("x\xed\xa0\xbdy"),
		Bytes: []byte{0, 255, 127, 128}, Decimal: decimal("-12.300"), Integer: new(big.Int).Exp(big.NewInt(10), big.NewInt(40), nil),
		Date: new(time.UnixMilli(1_700_000_000_123)), LocalDate: &day, LocalTime: &java.LocalTime{Hour: 23, Minute: 59, Second: 59, Nano: 123_456_789},
		LocalDateTime:  &java.LocalDateTime{Date: day, Time: java.LocalTime{Hour: 12, Minute: 30, Second: 45, Nano: 987_654_321}},
		Instant:        &java.Instant{Time: time.Unix(1_700_000_000, 123_456_789)},
		Duration:       new(-3*time.Second + 5),
		OffsetDateTime: &java.OffsetDateTime{Time: time.Date(2024, 2, 29, 12, 0, 0, 1, time.FixedZone("", 5*3600+1800))},
		OffsetTime:     &java.OffsetTime{Time: java.LocalTime{Hour: 1, Minute: 2, Second: 3, Nano: 4}, Offset: -8 * 3600},
		ZonedDateTime:  &java.ZonedDateTime{Time: time.Date(2024, 7, 1, 12, 0, 0, 0, paris)},
		Year:           new(java.Year(-44)), YearMonth: &java.YearMonth{Year: 2024, Month: 2}, MonthDay: &java.MonthDay{Month: 2, Day: 29},
		Period: &java.Period{Years: 1, Months: -2, Days: 3}, Locale: new(java.Locale("pt_BR")), Color: ColorBlue, UUID: new(java.UUID),
	}
	if err := e.UUID.UnmarshalText([]byte("123e4567-e89b-12d3-a456-426614174000")); err != nil {
		panic(err)
	}
	e.references()
	return e
}

func (e *Everything) references() {
	one, three := new(int32(1)), new(int32(3))
	e.Person = jose()
	e.Page = &Page[*Person]{Number: 2, Total: 1 << 40, First: person(1), Items: []*Person{person(1), nil, jose()}, Named: map[string]*Person{"jose": jose()}}
	e.Shape = &Circle{Radius: 2.5}
	e.Persons = []*Person{person(1), nil, person(2)}
	e.Strings = java.Set[string]{"a": {}, "世😀": {}}
	e.PersonSet = java.Set[*Person]{person(1): {}, person(2): {}}
	e.Nested = map[string]map[string][]*int32{"a": {"b": {one, nil, three}}}
	e.ByColor = map[Color]*int32{ColorGreen: new(int32(7))}
	e.Ints = []int32{1, -1, 1<<31 - 1}
	e.Matrix = [][]int32{{1, 2}, {}, {3}}
	e.Names = []*string{new("a"), nil, new("世😀")}
	e.Colors = []Color{ColorRed, "", ColorBlue}
	e.Integers = []*int32{one, nil, new(int32(-1))}
	e.Team = []*Person{person(1), nil}
	e.Any = person(5)
}

// person and jose are the kit's Samples of those names.
func person(i int64) *Person {
	n := big.NewInt(i).String()
	return &Person{
		Base: Base{ID: i, CreatedBy: new("kit")}, Name: new("p" + n), Age: int32(20 + i%50), Score: float64(i) * 0.5,
		Favourite: []Color{ColorRed, ColorGreen, ColorBlue}[i%3], Home: &Address{Street: new("S" + n), Zip: int32(i)},
	}
}

func jose() *Person {
	return &Person{
		Base: Base{ID: 9_000_000_001, CreatedBy: new("creator")}, Name: new("José😀"), Age: 31, Active: new(true), Score: 99.5, Favourite: ColorGreen,
		Home: &Address{Street: new("Main St"), Zip: 12345}, Others: []*Address{{Street: new("A"), Zip: 1}, {Street: new("B"), Zip: 2}},
		Tags: map[string]*string{"k": new("v")}, Born: new(time.UnixMilli(1_700_000_000_123)), Balance: decimal("12.30"), Blob: []byte{1, 2, 3},
	}
}

// decimal reads a literal of this package's own.
func decimal(s string) *java.BigDecimal {
	d, err := java.ParseBigDecimal(s)
	if err != nil {
		panic(err)
	}
	return d
}

// differences names the fields, as Java does, in which got is not want.
func differences(want, got *Everything) []*string {
	if got == nil {
		return []*string{new("everything")}
	}
	same := cmp.Options{
		cmp.Comparer(func(a, b *java.BigDecimal) bool { return a == b || a != nil && b != nil && a.String() == b.String() }),
		cmp.Comparer(func(a, b *big.Int) bool { return a == b || a != nil && b != nil && a.Cmp(b) == 0 }),
		cmp.Comparer(func(a, b java.OffsetDateTime) bool { return a.Format(time.RFC3339Nano) == b.Format(time.RFC3339Nano) }),
		cmp.Comparer(func(a, b java.ZonedDateTime) bool {
			return a.Equal(b.Time) && a.Location().String() == b.Location().String()
		}),
		cmp.Transformer("byID", func(s java.Set[*Person]) map[int64]*Person {
			m := map[int64]*Person{}
			for p := range s {
				m[p.ID] = p
			}
			return m
		}),
	}
	names := []*string{}
	w, g := reflect.ValueOf(want).Elem(), reflect.ValueOf(got).Elem()
	for i := range w.NumField() {
		if !cmp.Equal(w.Field(i).Interface(), g.Field(i).Interface(), same) {
			names = append(names, new(lowerFirst(w.Type().Field(i).Name)))
		}
	}
	return names
}

// lowerFirst is the Java name of a field of Everything.
func lowerFirst(name string) string {
	if name == strings.ToUpper(name) {
		return strings.ToLower(name)
	}
	return string(unicode.ToLower(rune(name[0]))) + name[1:]
}
