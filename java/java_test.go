package java_test

import (
	"fmt"
	"testing"

	"github.com/dubbofn/dubbofn/java"
)

func TestValuesOfJavaTimePrintAsInJava(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		value fmt.Stringer
		want  string
	}{
		{java.LocalDate{Year: 2026, Month: 3, Day: 9}, "2026-03-09"},
		{java.LocalDate{Year: -5, Month: 12, Day: 31}, "-0005-12-31"},
		{java.LocalDate{Year: 12026, Month: 1, Day: 1}, "+12026-01-01"},
		{java.LocalTime{Hour: 7}, "07:00"},
		{java.LocalTime{Hour: 7, Second: 1}, "07:00:01"},
		{java.LocalTime{Nano: 120_000_000}, "00:00:00.120"},
		{java.LocalTime{Nano: 1_000}, "00:00:00.000001"},
		{java.LocalTime{Nano: 1}, "00:00:00.000000001"},
		{java.LocalDateTime{Date: java.LocalDate{Year: 33, Month: 4, Day: 3}, Time: java.LocalTime{Hour: 15}}, "0033-04-03T15:00"},
		{java.YearMonth{Year: 2026, Month: 11}, "2026-11"},
		{java.MonthDay{Month: 2, Day: 29}, "--02-29"},
	} {
		if got := c.value.String(); got != c.want {
			t.Errorf("%T: %q, want %q", c.value, got, c.want)
		}
	}
}

func TestUUIDReadsWhatItPrints(t *testing.T) {
	t.Parallel()
	const text = "123e4567-e89b-12d3-a456-426614174000"
	var u java.UUID
	if err := u.UnmarshalText([]byte("123E4567-e89b-12d3-a456-426614174000")); err != nil {
		t.Fatal(err)
	}
	if u.String() != text {
		t.Errorf("%q, want %q", u, text)
	}
	if u[0] != 0x12 || u[15] != 0 {
		t.Errorf("bytes %x", u[:])
	}
}

func TestUUIDRefusesOtherText(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "123e4567e89b12d3a456426614174000", "123e4567-e89b-12d3-a456-42661417400g", "123e4567-e89b-12d3-a456-4266141740000",
		"123e456--e89b-12d3-a456-426614174000"} {
		u := java.UUID{1}
		if err := u.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken", text)
		}
		if u != (java.UUID{1}) {
			t.Errorf("%q changed the value", text)
		}
	}
}

func TestObjectGetFindsTheFirstFieldOfAName(t *testing.T) {
	t.Parallel()
	o := &java.Object{Class: "org.example.Sub", Fields: []java.Field{{Name: "id", Value: int32(1)}, {Name: "id", Value: int32(2)}}}
	if o.Get("id") != int32(1) || o.Get("name") != nil {
		t.Errorf("id %v, name %v", o.Get("id"), o.Get("name"))
	}
}
