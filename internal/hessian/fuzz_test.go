package hessian_test

import (
	"bytes"
	"errors"
	"math"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/dubbofn/dubbofn/internal/hessian"
	"github.com/dubbofn/dubbofn/internal/hessian/golden"
	"github.com/dubbofn/dubbofn/java"
)

// addSeeds gives the fuzzer every golden body that is small, and the bodies that lie.
func addSeeds(f *testing.F, add func(body []byte)) {
	f.Helper()
	files, err := golden.Read("testdata/golden")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		if len(file.Body) > 0 && len(file.Body) < 2000 {
			add(file.Body)
		}
	}
	for _, body := range []string{
		"\x58I\x10\x00\x00\x00", "C\x01aI\x10\x00\x00\x00", "S\xff\xffa", "\x51\x90", "\x79\x51\x90", "H\x79\x51\x91\x90Z", "\x71\x90\x90", "O\x90",
		"C\x01a\x91\x01f\x60\x60\x60N", "C\x01a\x90C\x01b\x91\x01f\x61\x60", "\x02\xf0\x9f\x98\x80", "\x57\x79\x90Z", "U\x04[int\x90\x91Z", "V\x04[int\x92\x90\x91",
		"X\xe2xx", "z&000000_#0810", "HC\x01a\x91\x01f#000xZ", "C\x01a\x90\x78", "HC\x01a\x90\x01k\x90Z", // found by fuzzing
		strings.Repeat("\x79", 600) + "N", "M\x03x.Z\x01a\x90Z", "\x72\x05[long\xe0\x90", "\x71\x06[[byte\x21a", "\x7a\x71\x01a\x90\x71\x90\x91",
	} {
		add([]byte(body))
	}
}

func FuzzScanner(f *testing.F) {
	addSeeds(f, func(body []byte) { f.Add(body, uint16(len(body)/2)) })
	f.Fuzz(func(t *testing.T, body []byte, cut uint16) {
		rest, err := hessian.Skip(body, 1)
		if err != nil {
			if hessian.Prefix(body, len(body), hessian.Limits{}) == nil && len(body) > 0 {
				t.Fatalf("Skip: %v, but Prefix accepts the whole", err)
			}
			return
		}
		used := body[:len(body)-len(rest)]
		if !bytes.HasSuffix(body, rest) {
			t.Fatal("what is left isn't the end of the body")
		}
		if rest, err := hessian.Skip(used, 1); err != nil || len(rest) != 0 {
			t.Fatalf("the value alone: %d bytes left, %v", len(rest), err)
		}
		n := int(cut) % len(used)
		if _, err := hessian.Skip(used[:n], 1); err == nil {
			t.Fatalf("%d of %d bytes are accepted too", n, len(used))
		}
		if err := hessian.Prefix(used[:n], len(used), hessian.Limits{}); err != nil {
			t.Fatalf("Prefix refuses the first %d of %d bytes of a sound value: %v", n, len(used), err)
		}
	})
}

// allocated is how many bytes f allocates, and a little of what else runs.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// allowed is what decoding n bytes may allocate: Limits.AllocFactor for each byte, its first 64 KiB, the decoder itself, and
// an eighth more, since the runtime rounds sizes up and grows slices and maps in steps.
func allowed(n int) uint64 {
	if raceEnabled {
		return uint64(64*n) + 1<<20
	}
	return uint64(32*n+32*n/8) + 128<<10
}

func kind(err error) hessian.Kind {
	var e *hessian.Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return 0
}

// mapTags are the tags of values that Go writes in another order each time.
const mapTags = "HM"

func FuzzDecodeDynamic(f *testing.F) {
	addSeeds(f, func(body []byte) { f.Add(body) })
	types := hessian.NewTypes()
	f.Fuzz(func(t *testing.T, body []byte) {
		rest, scanErr := hessian.Skip(body, 1)
		var d hessian.Decoder
		var v any
		var err error
		if n := allocated(func() {
			d.Reset(types, body, hessian.Limits{})
			v, err = d.Value()
		}); n > allowed(len(body)) {
			t.Fatalf("%d bytes allocated for %d (limit %d)", n, len(body), allowed(len(body)))
		}
		switch {
		case scanErr != nil && err == nil:
			t.Fatalf("the decoder accepts what the scanner refuses: %v", scanErr)
		case scanErr == nil && kind(err) == hessian.KindMalformed:
			t.Fatalf("the scanner accepts what the decoder refuses: %v", err)
		case err != nil && kind(err) == 0:
			t.Fatalf("an error of no kind: %v", err)
		case err != nil:
			return
		case d.Remaining() != len(rest):
			t.Fatalf("the decoder leaves %d bytes, the scanner %d", d.Remaining(), len(rest))
		}
		fixedPoint(t, v, bytes.ContainsAny(body, mapTags), func(e *hessian.Encoder, v any) error {
			e.Reset(types, nil)
			return e.Value(v)
		}, func(body []byte) (any, int, error) {
			d.Reset(types, body, hessian.Limits{AllocFactor: 1 << 10, Values: 1 << 20})
			v, err := d.Value()
			return v, d.Remaining(), err
		})
	})
}

// fixedPoint writes v, reads it, and writes it again, which must give the same bytes, unless there are maps in it.
func fixedPoint(t *testing.T, v any, maps bool, write func(*hessian.Encoder, any) error, read func([]byte) (any, int, error)) {
	t.Helper()
	var e hessian.Encoder
	if err := write(&e, v); err != nil {
		t.Fatalf("a value that was read can't be written: %v", err)
	}
	first := bytes.Clone(e.Bytes())
	if rest, err := hessian.Skip(first, 1); err != nil || len(rest) != 0 {
		t.Fatalf("the scanner on what was written: %d bytes left, %v\n%q", len(rest), err, short(first))
	}
	again, left, err := read(first)
	if err != nil || left != 0 {
		t.Fatalf("what was written can't be read: %d bytes left, %v\n%q", left, err, short(first))
	}
	if err := write(&e, again); err != nil {
		t.Fatalf("written again: %v", err)
	}
	if !maps && !bytes.Equal(first, e.Bytes()) {
		t.Fatalf("written\n%q\nread, and written again\n%q", short(first), short(e.Bytes()))
	}
}

// fuzzTargets are the types that FuzzDecodeTyped reads.
func fuzzTargets() []reflect.Type {
	return []reflect.Type{
		reflect.TypeFor[*golden.Person](), reflect.TypeFor[golden.Address](), reflect.TypeFor[*golden.Node](), reflect.TypeFor[*golden.Scalars](),
		reflect.TypeFor[*golden.Times](), reflect.TypeFor[*golden.Containers](), reflect.TypeFor[golden.Pair[any, any]](), reflect.TypeFor[golden.Color](),
		reflect.TypeFor[[]*golden.Address](), reflect.TypeFor[[]golden.Address](), reflect.TypeFor[map[string]any](), reflect.TypeFor[map[string]*golden.Node](),
		reflect.TypeFor[map[golden.Color][]int16](), reflect.TypeFor[[][]int32](), reflect.TypeFor[[]string](), reflect.TypeFor[[]*string](), reflect.TypeFor[[]byte](),
		reflect.TypeFor[[]bool](), reflect.TypeFor[[]float32](), reflect.TypeFor[[]java.Char](), reflect.TypeFor[java.Set[int64]](), reflect.TypeFor[map[any]any](),
		reflect.TypeFor[[]any](), reflect.TypeFor[any](), reflect.TypeFor[int8](), reflect.TypeFor[*int32](), reflect.TypeFor[int](), reflect.TypeFor[float32](),
		reflect.TypeFor[string](), reflect.TypeFor[*java.BigDecimal](), reflect.TypeFor[time.Time](), reflect.TypeFor[time.Duration](), reflect.TypeFor[java.ZonedDateTime](),
		reflect.TypeFor[java.Locale](), reflect.TypeFor[java.UUID](), reflect.TypeFor[bool](), reflect.TypeFor[java.Char](), reflect.TypeFor[*java.Object](),
	}
}

func FuzzDecodeTyped(f *testing.F) {
	types := hessian.NewTypes()
	if err := golden.Register(types); err != nil {
		f.Fatal(err)
	}
	var plans []*hessian.Plan
	for _, rt := range fuzzTargets() {
		p, err := types.Plan(rt)
		if err != nil {
			f.Fatal(err)
		}
		plans = append(plans, p)
	}
	n := 0
	addSeeds(f, func(body []byte) {
		f.Add(body, uint8(n%len(plans)))
		n++
	})
	f.Fuzz(func(t *testing.T, body []byte, target uint8) {
		p := plans[int(target)%len(plans)]
		rest, scanErr := hessian.Skip(body, 1)
		var d hessian.Decoder
		var v any
		var err error
		if n := allocated(func() {
			d.Reset(types, body, hessian.Limits{})
			v, err = d.Decode(p)
		}); n > allowed(len(body)) {
			t.Fatalf("%v: %d bytes allocated for %d (limit %d)", p.Type(), n, len(body), allowed(len(body)))
		}
		switch {
		case scanErr != nil && err == nil:
			t.Fatalf("%v: the decoder accepts what the scanner refuses: %v", p.Type(), scanErr)
		case scanErr == nil && kind(err) == hessian.KindMalformed:
			t.Fatalf("%v: the scanner accepts what the decoder refuses: %v", p.Type(), err)
		case err != nil && kind(err) == 0:
			t.Fatalf("%v: an error of no kind: %v", p.Type(), err)
		case err != nil:
			return
		case d.Remaining() != len(rest):
			t.Fatalf("%v: the decoder leaves %d bytes, the scanner %d", p.Type(), d.Remaining(), len(rest))
		}
		maps := bytes.ContainsAny(body, mapTags) || strings.Contains(p.Java(), "Set") || strings.Contains(p.Java(), "Map") || p.Type() == reflect.TypeFor[*golden.Containers]()
		fixedPoint(t, v, maps, func(e *hessian.Encoder, v any) error {
			e.Reset(types, nil)
			return e.Encode(p, v)
		}, func(body []byte) (any, int, error) {
			d.Reset(types, body, hessian.Limits{AllocFactor: 1 << 10, Values: 1 << 20})
			v, err := d.Decode(p)
			return v, d.Remaining(), err
		})
	})
}

func TestDecodingIntoLargeTypesStaysWithinItsShare(t *testing.T) {
	const n = 1 << 20
	types := goldenTypes(t)
	nulls := append([]byte{0x58, 'I', 0, 0x10, 0, 0}, bytes.Repeat([]byte{'N'}, n)...)
	objects := append([]byte("\x58I\x00\x10\x00\x00C\x1aorg.example.golden.Address\x90"), bytes.Repeat([]byte{0x60}, n)...)
	lists := append(bytes.Clone(nulls[:6]), bytes.Repeat([]byte{0x78}, n)...)
	endless := append(append([]byte{0x57}, bytes.Repeat([]byte{'N'}, n)...), 'Z')
	maps := append([]byte{0x58, 'I', 0, 0x08, 0, 0}, bytes.Repeat([]byte{'H', 'Z'}, n/2)...)
	var entries []byte
	for i := range n / 4 {
		entries = append(entries, 'I', byte(i>>24), byte(i>>16), byte(i>>8), byte(i), 'N')
	}
	entries = append(append([]byte{'H'}, entries...), 'Z')
	for _, c := range []struct {
		name string
		rt   reflect.Type
		body []byte
	}{
		{"structs from nulls", reflect.TypeFor[[]golden.Scalars](), nulls},
		{"structs from nulls without a length", reflect.TypeFor[[]golden.Scalars](), endless},
		{"structs from objects", reflect.TypeFor[[]golden.Address](), objects},
		{"pointers to structs from objects", reflect.TypeFor[[]*golden.Address](), objects},
		{"strings from nulls", reflect.TypeFor[[]string](), nulls},
		{"slices from empty lists", reflect.TypeFor[[][]int32](), lists},
		{"maps from empty maps", reflect.TypeFor[[]map[string]int32](), maps},
		{"any from empty maps", reflect.TypeFor[any](), maps},
		{"a map of structs from nulls", reflect.TypeFor[map[int32]golden.Scalars](), entries},
		{"a map of pointers from nulls", reflect.TypeFor[map[int32]*golden.Node](), entries},
		{"a map of anything", reflect.TypeFor[map[any]any](), entries},
	} {
		p, err := types.Plan(c.rt)
		if err != nil {
			t.Fatal(err)
		}
		var d hessian.Decoder
		got := allocated(func() {
			d.Reset(types, c.body, hessian.Limits{})
			_, err = d.Decode(p)
		})
		if got > allowed(len(c.body)) {
			t.Errorf("%s: %d bytes allocated for %d, %.1f for each", c.name, got, len(c.body), float64(got)/float64(len(c.body)))
		}
		if err != nil && kind(err) != hessian.KindLimit {
			t.Errorf("%s: %v", c.name, err)
		}
		t.Logf("%s: %.1f bytes for each of the body's, %v", c.name, float64(got)/float64(len(c.body)), err)
	}
}

func TestDecodingAHeavyButHonestBodyStaysWithinItsShare(t *testing.T) {
	const n = 1 << 20
	list := append([]byte{0x58, 'I', 0, 0x10, 0, 0}, bytes.Repeat([]byte{0x90}, n)...)
	for name, body := range map[string][]byte{
		"a list of small ints":  list,
		"a list of nulls":       append(bytes.Clone(list[:6]), bytes.Repeat([]byte{'N'}, n)...),
		"a list of empty lists": append(bytes.Clone(list[:6]), bytes.Repeat([]byte{0x78}, n)...),
		"a list of empty maps":  append([]byte{0x58, 'I', 0, 0x08, 0, 0}, bytes.Repeat([]byte{'H', 'Z'}, n/2)...),
		"a list of refs":        append([]byte{0x58, 'I', 0, 0x08, 0, 0}, bytes.Repeat([]byte{0x51, 0x90}, n/2)...),
		"an endless list":       append(append([]byte{0x57}, bytes.Repeat([]byte{0x90}, n)...), 'Z'),
		"a long string":         append([]byte{'S', 0xff, 0xff}, bytes.Repeat([]byte{'x'}, math.MaxUint16)...),
		"many empty objects":    append([]byte("\x58I\x00\x10\x00\x00C\x01a\x90"), bytes.Repeat([]byte{0x60}, n)...),
		"many classes":          append(bytes.Repeat([]byte("C\x00\x90"), n/3), 0x60),
	} {
		var d hessian.Decoder
		var err error
		got := allocated(func() {
			d.Reset(hessian.NewTypes(), body, hessian.Limits{})
			_, err = d.Value()
		})
		if got > allowed(len(body)) {
			t.Errorf("%s: %d bytes allocated for %d, %.1f for each", name, got, len(body), float64(got)/float64(len(body)))
		}
		if err != nil && kind(err) != hessian.KindLimit {
			t.Errorf("%s: %v", name, err)
		}
		t.Logf("%s: %.1f bytes for each of the body's, %v", name, float64(got)/float64(len(body)), err)
	}
}
