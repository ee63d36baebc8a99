package hessian

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// goldenBodies gives the bodies under testdata/golden by "line/case", those told by rule left out.
func goldenBodies(tb testing.TB) map[string][]byte {
	tb.Helper()
	files, err := filepath.Glob("testdata/golden/*/*.hex")
	if err != nil || len(files) < 400 {
		tb.Fatalf("golden files: %d, %v", len(files), err)
	}
	bodies := map[string][]byte{}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			tb.Fatal(err)
		}
		var digits strings.Builder
		for line := range strings.Lines(string(text)) {
			if !strings.HasPrefix(line, "#") {
				digits.WriteString(strings.TrimSpace(line))
			}
		}
		if strings.HasPrefix(digits.String(), "length") {
			continue
		}
		body, err := hex.DecodeString(digits.String())
		if err != nil {
			tb.Fatalf("%s: %v", f, err)
		}
		bodies[filepath.Base(filepath.Dir(f))+"/"+strings.TrimSuffix(filepath.Base(f), ".hex")] = body
	}
	return bodies
}

// goldenValues is how many values the body of a golden case holds.
func goldenValues(name string) int {
	switch filepath.Base(name) {
	case "several-arguments":
		return 5
	case "several-classes":
		return 4
	}
	return 1
}

func TestSkipPassesOverEveryGoldenBodyExactly(t *testing.T) {
	t.Parallel()
	for name, body := range goldenBodies(t) {
		rest, err := Skip(append(bytes.Clone(body), "rest"...), goldenValues(name))
		if err != nil || string(rest) != "rest" {
			t.Errorf("%s: rest %q, %v", name, rest, err)
		}
	}
}

func TestSkipRefusesEveryGoldenBodyCutShort(t *testing.T) {
	t.Parallel()
	for name, body := range goldenBodies(t) {
		for n := range body {
			if _, err := Skip(body[:n], goldenValues(name)); err == nil {
				t.Errorf("%s: cut at %d of %d bytes: no error", name, n, len(body))
			}
		}
	}
}

func TestPrefixAcceptsEveryPartOfAGoldenBody(t *testing.T) {
	t.Parallel()
	for name, body := range goldenBodies(t) {
		for n := range len(body) + 1 {
			if err := Prefix(body[:n], len(body), Limits{}); err != nil {
				t.Errorf("%s: first %d of %d bytes: %v", name, n, len(body), err)
			}
		}
		if len(body) > 1 {
			if err := Prefix(body[:len(body)-1], len(body)-1, Limits{}); err == nil {
				t.Errorf("%s: whole, but cut short by a byte: no error", name)
			}
		}
	}
}

// hostile are bodies that must be refused, and by what.
var hostile = []struct {
	name string
	body string
	kind Kind
	text string
}{
	{"nothing", "", KindMalformed, "ends inside"},
	{"unknown tag", "\x40", KindMalformed, "unknown tag 0x40"},
	{"unknown tag 0x45", "\x45", KindMalformed, "unknown tag 0x45"},
	{"an end with nothing open", "Z", KindMalformed, "unknown tag 0x5a"},
	{"list of 2^28", "\x58\x49\x10\x00\x00\x00\x90", KindMalformed, "268435456 values, but 1 bytes left"},
	{"list of -1", "\x58\x8f\x90", KindMalformed, "-1 values"},
	{"list of more values than bytes", "\x7b\x90\x90", KindMalformed, "3 values, but 2 bytes left"},
	{"list whose length is a map", "\x58HZ\x90", KindMalformed, "tag 0x48 where the length of a list should be"},
	{"list whose length is a half", "\x58D\x3f\xe0\x00\x00\x00\x00\x00\x00", KindMalformed, "0.5 where length of a list is wanted"},
	{"list whose length is a date", "\x58\x4b\x00\x00\x00\x01\x90", KindMalformed, "tag 0x4b where the length of a list should be"},
	{"list of 2^62", "\x58L\x40\x00\x00\x00\x00\x00\x00\x00", KindMalformed, "4611686018427387904 values"},
	{"typed list whose type is null and none before", "\x71N\x90", KindMalformed, "reference to type 0 of 0"},
	{"type that isn't there", "\x71\x90\x90", KindMalformed, "reference to type 0 of 0"},
	{"negative type", "\x7a\x71\x01a\x90\x71\x8f\x90", KindMalformed, "reference to type -1 of 1"},
	{"ref to nothing", "\x51\x90", KindMalformed, "reference to object 0 of 0"},
	{"ref ahead", "\x79\x51\x91", KindMalformed, "reference to object 1 of 1"},
	{"negative ref", "\x79\x51\x8f", KindMalformed, "reference to object -1 of 1"},
	{"ref by a string", "\x79\x51\x01a", KindMalformed, "where the reference should be"},
	{"object without a class", "\x60", KindMalformed, "object of class definition 0 of 0"},
	{"object of a class far away", "O\x49\x7f\xff\xff\xff", KindMalformed, "2147483647 of 0"},
	{"class of 2^28 fields", "C\x01a\x49\x10\x00\x00\x00", KindMalformed, "268435456 field names"},
	{"class of -1 fields", "C\x01a\x8f\x60", KindMalformed, "-1 field names"},
	{"class without a name", "CN\x90\x60", KindMalformed, "tag 0x4e where the name of a class"},
	{"field without a name", "C\x01a\x91\x90\x60\x90", KindMalformed, "tag 0x90 where the name of a field"},
	{"only a class", "C\x01a\x90", KindMalformed, "ends inside"},
	{"a class before the end of a list", "\x57C\x01a\x90Z", KindMalformed, "unknown tag 0x5a"},
	{"map that ends after a key", "H\x90Z", KindMalformed, "unknown tag 0x5a"},
	{"map that doesn't end", "H\x90\x90", KindMalformed, "ends inside"},
	{"string longer than the body", "S\xff\xffabc", KindMalformed, "65535 characters, but 3 bytes left"},
	{"string with too few bytes", "\x03a\xc3\xa9", KindMalformed, "ends inside"},
	{"string with half a sequence", "\x01\xe2", KindMalformed, "1 bytes left of a string, within a character"},
	{"string with a stray continuation", "\x01\x80", KindMalformed, "byte 0x80 in a string"},
	{"string whose pair is over its length", "\x01\xf0\x9f\x98\x80", KindMalformed, "a string ends within a character"},
	{"string with an overlong sequence", "\x01\xc0\x80", KindMalformed, "byte 0xc0 in a string"},
	{"string with half a surrogate", "\x02\xed\xa0", KindMalformed, "2 bytes left of a string, within a character"},
	{"string chunk followed by bytes", "R\x00\x01a\x21b", KindMalformed, "tag 0x21 where the next chunk of a string"},
	{"bytes longer than the body", "B\xff\xffabc", KindMalformed, "65535 bytes wanted, 3 left"},
	{"bytes chunk followed by a string", "A\x00\x01a\x01b", KindMalformed, "tag 0x01 where the next chunk of bytes"},
	{"nesting of lists", strings.Repeat("\x79", 2<<20) + "N", KindLimit, "deeper than 512"},
	{"nesting of typed maps", "M\x01a" + strings.Repeat("\x90M\x90", 2<<20), KindLimit, "deeper than 512"},
	{"nesting of maps as keys", strings.Repeat("H", 2<<20), KindLimit, "deeper than 512"},
	{"nesting of lists to their end", strings.Repeat("W", 2<<20), KindLimit, "deeper than 512"},
	{"class definitions without end", strings.Repeat("C\x01a\x90", 5000) + "N", KindLimit, "more than 4096 class definitions"},
	{"nesting of objects", "C\x01a\x91\x01f" + strings.Repeat("\x60", 2<<20), KindLimit, "deeper than 512"},
}

func TestSkipRefusesBodiesThatLie(t *testing.T) {
	t.Parallel()
	for _, h := range hostile {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			_, err := Skip([]byte(h.body), 1)
			var e *Error
			if !errors.As(err, &e) || e.Kind != h.kind || !strings.Contains(err.Error(), h.text) {
				t.Fatalf("got %v, want kind %d with %q", err, h.kind, h.text)
			}
		})
	}
}

func TestPrefixReportsOnlyWhatMoreBytesCannotMend(t *testing.T) {
	t.Parallel()
	const total = 8 << 20
	for name, body := range map[string]string{
		"unknown tag":                    "\x01a\x40",
		"list of more than can come":     "\x58\x49\x10\x00\x00\x00",
		"class of more than can come":    "C\x01a\x49\x10\x00\x00\x00",
		"ref to nothing":                 "\x51\x90",
		"type that isn't there":          "\x71\x90",
		"object without a class":         "\x60",
		"nesting":                        strings.Repeat("\x79", 64<<10),
		"a fault after several values":   "\x90\x91\x01aZ",
		"length that isn't a number":     "\x58\x01a",
		"stray continuation in a string": "S\xff\xffab\x80",
	} {
		if err := Prefix([]byte(body), total, Limits{}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for name, body := range map[string]string{
		"nothing yet":              "",
		"list of many":             "\x58\x49\x00\x7f\xff\x00",
		"long string":              "S\xff\xffabc",
		"half an int":              "I\x00",
		"half a length":            "\x58I\x00",
		"open map":                 "H\x01a",
		"class but no object":      "C\x01a\x90",
		"half a sequence of UTF-8": "\x01\xe2\x82",
		"chunk that goes on":       "R\x00\x01a",
	} {
		if err := Prefix([]byte(body), total, Limits{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := Prefix([]byte("\x58\x98\x90"), 9, Limits{}); err == nil {
		t.Error("a list of 8 with 7 bytes to come: no error")
	}
}

func TestScanKeepsItsLimits(t *testing.T) {
	t.Parallel()
	list := []byte("\x7a\x79\x90\x78")
	for name, c := range map[string]struct {
		limits Limits
		text   string
	}{
		"depth":  {Limits{Depth: 1}, "deeper than 1"},
		"values": {Limits{Values: 3}, "more than 3 values"},
		"refs":   {Limits{Refs: 2}, "more than 2 lists"},
	} {
		_, err := Scan(list, 1, c.limits)
		var e *Error
		if !errors.As(err, &e) || e.Kind != KindLimit || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: got %v, want %q", name, err, c.text)
		}
	}
	if _, err := Scan(list, 1, Limits{Depth: 2, Values: 4, Refs: 3}); err != nil {
		t.Errorf("at the limits: %v", err)
	}
}

func TestSkipAllocatesNothingForPlainBodies(t *testing.T) {
	body := goldenBodies(t)["dubbo-3.3.6/object-person"]
	if n := testing.AllocsPerRun(100, func() {
		if _, err := Skip(body, 1); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestSkipAllocatesInProportionToTheClassTable(t *testing.T) {
	body := bytes.Repeat([]byte("C\x00\x90"), maxClasses)
	body = append(body, '\x60')
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := Skip(body, 1); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if got, limit := after.TotalAlloc-before.TotalAlloc, uint64(8*len(body)); got > limit {
		t.Errorf("%d bytes for a body of %d, limit %d", got, len(body), limit)
	}
}

func BenchmarkSkip(b *testing.B) {
	bodies := goldenBodies(b)
	bodies["string-64k"] = append([]byte("S\xff\xff"), strings.Repeat("x", 65535)...)
	for _, name := range []string{"dubbo-3.3.6/object-person", "dubbo-3.3.6/graph-chain", "dubbo-3.3.6/list-300", "string-64k"} {
		body := bodies[name]
		b.Run(filepath.Base(name), func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				if _, err := Skip(body, 1); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func TestSkipFollowsManyClassesAndLevels(t *testing.T) {
	t.Parallel()
	var body []byte
	for n := range 100 { // class n has n%8 fields, and its instance is nested in a list
		body = append(body, '\x7a', 'C', 1, 'c', byte(0x90+n%8))
		for range n % 8 {
			body = append(body, 1, 'f')
		}
		body = append(body, 'O', 0xc8, byte(n))
		body = append(body, bytes.Repeat([]byte{'N'}, n%8)...)
	}
	body = append(body, 'O', 0xc8, 39)
	body = append(body, "NNNNNNN"...) // class 39 has 39%8 = 7 fields
	if rest, err := Skip(body, 1); err != nil || len(rest) != 0 {
		t.Errorf("rest %d bytes, %v", len(rest), err)
	}
	body[len(body)-8] = 38
	if rest, err := Skip(body, 1); err != nil || len(rest) != 1 {
		t.Errorf("with class 38: rest %d bytes, want 1, %v", len(rest), err)
	}
	if _, err := Skip(append(bytes.Repeat([]byte{0x79}, 512), 'N'), 1); err != nil {
		t.Errorf("512 levels: %v", err)
	}
}
