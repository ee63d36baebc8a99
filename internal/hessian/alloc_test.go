package hessian_test

import (
	"strings"
	"testing"

	"github.com/dubbofn/dubbofn/internal/hessian"
	"github.com/dubbofn/dubbofn/java"
)

// TestNothingIsAllocatedButWhatTheValueConsistsOf states exactly what a warm codec may allocate, so that a step back fails here and
// not in somebody's profile. AllocsPerRun counts the whole process: the test doesn't run beside others.
func TestNothingIsAllocatedButWhatTheValueConsistsOf(t *testing.T) { //nolint:paralleltest // it counts
	if raceEnabled {
		t.Skip("the race detector allocates too")
	}
	long := []string{"one", "two", strings.Repeat("three", 100), "four"}
	when := java.LocalDateTime{Date: java.LocalDate{Year: 2026, Month: 11, Day: 28}, Time: java.LocalTime{Hour: 10, Minute: 30}}
	whens := []java.LocalDateTime{when, when}
	price, err := java.ParseBigDecimal("-1234.50")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name           string
		value          any
		decode, encode float64
	}{
		{"an echo", "sixteen bytes ok", 2, 0},             // the string, and its header inside the interface
		{"text in three bytes a character", text, 2, 0},   //
		{"a POJO of 8 fields", someOrder(1), 4, 0},        // the struct, its 2 strings, the slice of tags, its 3 strings
		{"a list of 100", orders(), 2 + 100*4, 0},         // the slice, and its header inside the interface
		{"a long string in a list", long, 2 + 3, 0},       // those before it, it, the one behind it
		{"a number", int64(4_000_000_000), 1, 0},          // inside the interface
		{"nothing", (*order)(nil), 0, 0},                  //
		{"a slice of numbers", []int32{1, 2, 3, 4}, 2, 0}, // the slice, and its header
		{"dates and times", whens, 2, 0},
		{"a decimal", price, 5, 2}, // the two parts of it twice, and its text; that, and big.Int's
	} {
		types, p, body := encoded(t, c.value)
		var d hessian.Decoder
		if n := testing.AllocsPerRun(100, func() {
			d.Reset(types, body, hessian.Limits{})
			if _, err := d.Decode(p); err != nil {
				t.Fatal(err)
			}
		}); n != c.decode {
			t.Errorf("%s: decoding allocates %v times, want %v", c.name, n, c.decode)
		}
		var e hessian.Encoder
		if n := testing.AllocsPerRun(100, func() {
			e.Reset(types, body[:0])
			if err := e.Encode(p, c.value); err != nil {
				t.Fatal(err)
			}
		}); n != c.encode {
			t.Errorf("%s: encoding allocates %v times, want %v", c.name, n, c.encode)
		}
	}
}

func TestAttachmentsAsTheyCameBeforeAllocateNothing(t *testing.T) { //nolint:paralleltest // it counts
	if raceEnabled {
		t.Skip("the race detector allocates too")
	}
	body := attachments(t)
	var d hessian.Decoder
	if n := testing.AllocsPerRun(100, func() {
		d.Reset(nil, body, hessian.Limits{})
		if err := d.Map(func(string, any) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("reading them again allocates %v times, want 0", n)
	}
}
