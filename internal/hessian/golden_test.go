package hessian_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/dubbofn/dubbofn/internal/hessian"
	"github.com/dubbofn/dubbofn/internal/hessian/golden"
	"github.com/dubbofn/dubbofn/java"
)

// meaning compares values as Java would see them: scale and zone count, NaN is NaN.
var meaning = cmp.Options{
	cmpopts.EquateNaNs(),
	cmp.Comparer(func(a, b *big.Int) bool { return (a == nil) == (b == nil) && (a == nil || a.Cmp(b) == 0) }),
	cmp.Comparer(func(a, b *java.BigDecimal) bool {
		return (a == nil) == (b == nil) && (a == nil || a.Scale() == b.Scale() && a.Cmp(b) == 0)
	}),
	cmp.Comparer(func(a, b java.ZonedDateTime) bool { return sameZone(a.Time, b.Time) }),
	cmp.Comparer(func(a, b java.OffsetDateTime) bool { return sameZone(a.Time, b.Time) }),
}

// diff is "" for values of the same meaning. reflect comes first: cmp takes twice as long for each level of nested slices.
func diff(want, got any) string {
	if reflect.DeepEqual(want, got) {
		return ""
	}
	return cmp.Diff(want, got, meaning)
}

func sameZone(a, b time.Time) bool {
	_, ao := a.Zone()
	_, bo := b.Zone()
	return a.Equal(b) && ao == bo && a.Location().String() == b.Location().String()
}

func goldenCases(t *testing.T) map[string]golden.Case {
	t.Helper()
	cases := map[string]golden.Case{}
	for _, c := range golden.Cases() {
		if _, ok := cases[c.Name]; ok {
			t.Errorf("two cases %q", c.Name)
		}
		cases[c.Name] = c
	}
	return cases
}

// eachGolden runs f on the body of every file.
func eachGolden(t *testing.T, f func(t *testing.T, file golden.File, c golden.Case)) {
	t.Helper()
	t.Parallel()
	files, err := golden.Read("testdata/golden")
	if err != nil {
		t.Fatal(err)
	}
	cases := goldenCases(t)
	seen := 0
	for _, file := range files {
		c, ok := cases[file.Case]
		if !ok {
			t.Errorf("%s/%s has no case", file.Line, file.Case)
			continue
		}
		seen++
		if file.Body == nil {
			file.Body = javaBytes(file.Line, c.Typed)
		}
		t.Run(file.Line+"/"+file.Case, func(t *testing.T) {
			t.Parallel()
			f(t, file, c)
		})
	}
	if seen != len(golden.Lines())*len(cases) {
		t.Errorf("%d files have a case, but there are %d cases in %d lines", seen, len(cases), len(golden.Lines()))
	}
}

// javaBytes writes a long string or byte[] as Java does, from Hessian2Output.writeString and writeBytes: for the files that
// hold a hash only.
func javaBytes(line string, v any) []byte {
	var out []byte
	chunk := func(tag byte, n int) { out = append(out, tag, byte(n>>8), byte(n)) }
	switch v := v.(type) {
	case string:
		units := utf16.Encode([]rune(v))
		write := func(units []uint16) {
			for _, u := range units {
				if u < 0x80 {
					out = append(out, byte(u))
					continue
				}
				out = append(out, 0xe0|byte(u>>12), 0x80|byte(u>>6)&0x3f, 0x80|byte(u)&0x3f) // no test has U+0080…U+07FF
			}
		}
		for len(units) > 0x8000 {
			n := 0x8000
			if utf16.IsSurrogate(rune(units[n-1])) && units[n-1] < 0xdc00 {
				n--
			}
			chunk('R', n)
			write(units[:n])
			units = units[n:]
		}
		if len(units) < 32 {
			out = append(out, byte(len(units)))
		} else {
			chunk('S', len(units))
		}
		write(units)
	case []byte:
		size := map[string]int{"dubbo-2.7.23": 4093, "dubbo-3.3.6": 8189}[line] // their buffers, less the 3 bytes of the head
		for len(v) > size {
			chunk('A', size)
			out = append(out, v[:size]...)
			v = v[size:]
		}
		chunk('B', len(v))
		out = append(out, v...)
	}
	return out
}

func TestGoldenRulesGiveWhatJavaWrote(t *testing.T) {
	eachGolden(t, func(t *testing.T, file golden.File, c golden.Case) {
		if !c.ByRule() {
			return
		}
		sum := sha256.Sum256(file.Body)
		if len(file.Body) != file.Length || hex.EncodeToString(sum[:]) != file.SHA256 {
			t.Errorf("%d bytes of hash %x, Java's are %d of hash %s", len(file.Body), sum, file.Length, file.SHA256)
		}
	})
}

// decodeAll reads n values, and nothing may follow them.
func decodeAll(t *testing.T, types *hessian.Types, body []byte, n int) []any {
	t.Helper()
	var d hessian.Decoder
	d.Reset(types, body, hessian.Limits{})
	values := make([]any, n)
	for i := range values {
		v, err := d.Value()
		if err != nil {
			t.Fatalf("value %d of %d: %v\n%q", i, n, err, short(body))
		}
		values[i] = v
	}
	if d.Remaining() != 0 {
		t.Fatalf("%d bytes left", d.Remaining())
	}
	return values
}

func encodeAll(t *testing.T, types *hessian.Types, values []any) []byte {
	t.Helper()
	var e hessian.Encoder
	e.Reset(types, nil)
	for _, v := range values {
		if err := e.Value(v); err != nil {
			t.Fatalf("encode %T: %v", v, err)
		}
	}
	return e.Bytes()
}

func short(b []byte) []byte { return b[:min(len(b), 400)] }

func TestGoldenValuesAreReadDynamically(t *testing.T) {
	eachGolden(t, func(t *testing.T, file golden.File, c golden.Case) {
		got := decodeAll(t, hessian.NewTypes(), file.Body, c.Values)
		if c.EchoOnly || c.ByRule() && c.Dynamic == nil || c.Only33 && file.Line == "dubbo-2.7.23" {
			return
		}
		want := []any{c.Dynamic}
		if c.Values > 1 {
			want = c.Dynamic.([]any)
		}
		if d := diff(want, got); d != "" {
			t.Errorf("%s, %s (-want +got):\n%s", file.From, file.Java, d)
		}
	})
}

// rewritten are the cases whose dynamic values are written in other bytes than Java's, of the same meaning.
func rewritten(file golden.File) bool {
	switch file.Case {
	case "bytes-9000", "rule-bytes-300000": // Java's chunks end where its buffer does
		return true
	case "list-iterator": // written with a length
		return true
	case "map-linked", "graph-map": // the order of a Go map
		return true
	case "graph-decimal-shared", "graph-uuid-shared": // values in Go, with no identity to keep
		return true
	case "object-17-classes", "graph-handle-shared": // as below
		return true
	}
	// the fields of java.time's handles and of BigInteger go in an order of ours, and those of BigInteger's cache are left out
	return strings.HasPrefix(file.Case, "time-") || strings.HasPrefix(file.Case, "bigint-")
}

func TestGoldenValuesAreEchoedAsJavaWroteThem(t *testing.T) {
	eachGolden(t, func(t *testing.T, file golden.File, c golden.Case) {
		types := hessian.NewTypes()
		values := decodeAll(t, types, file.Body, c.Values)
		body := encodeAll(t, types, values)
		if d := diff(values, decodeAll(t, types, body, c.Values)); d != "" && !c.EchoOnly {
			t.Errorf("%s, %s: read again (-first +again):\n%s", file.From, file.Java, d)
		}
		if again := encodeAll(t, types, decodeAll(t, types, body, c.Values)); len(again) != len(body) {
			t.Errorf("written again %d bytes, before %d", len(again), len(body))
		}
		if file.Line == "dubbo-3.3.6" && !rewritten(file) && !bytes.Equal(body, file.Body) {
			t.Errorf("%s, %s: written\n%q\nJava wrote\n%q", file.From, file.Java, short(body), short(file.Body))
		}
	})
}

func goldenTypes(t *testing.T) *hessian.Types {
	t.Helper()
	types := hessian.NewTypes()
	if err := golden.Register(types); err != nil {
		t.Fatal(err)
	}
	return types
}

func TestGoldenInstancesOfRegisteredClassesAreGoValues(t *testing.T) {
	eachGolden(t, func(t *testing.T, file golden.File, c golden.Case) {
		got := decodeAll(t, goldenTypes(t), file.Body, c.Values)
		switch c.Typed.(type) {
		case *golden.Address, *golden.Person, *golden.Node, *golden.Scalars, *golden.Times, *golden.Containers, golden.Color:
			if d := diff(c.Typed, got[0]); d != "" {
				t.Errorf("%s, %s (-want +got):\n%s", file.From, file.Java, d)
			}
		}
	})
}

func TestGoldenValuesAreReadAsTheirTypesAndWrittenAgain(t *testing.T) {
	eachGolden(t, func(t *testing.T, file golden.File, c golden.Case) {
		if c.Typed == nil || c.Only33 && file.Line == "dubbo-2.7.23" {
			return
		}
		want := []any{c.Typed}
		if c.Values > 1 {
			want = c.Typed.([]any)
		}
		types := goldenTypes(t)
		plans := make([]*hessian.Plan, len(want))
		for i, v := range want {
			var err error
			if plans[i], err = types.Plan(reflect.TypeOf(v)); err != nil {
				t.Fatal(err)
			}
		}
		read := func(body []byte) []any {
			var d hessian.Decoder
			d.Reset(types, body, hessian.Limits{})
			got := make([]any, len(plans))
			for i, p := range plans {
				var err error
				if got[i], err = d.Decode(p); err != nil {
					t.Fatalf("%s as %v: %v\n%q", file.Java, p.Type(), err, short(body))
				}
			}
			if d.Remaining() != 0 {
				t.Fatalf("%d bytes left", d.Remaining())
			}
			return got
		}
		got := read(file.Body)
		if d := diff(want, got); d != "" {
			t.Fatalf("%s, %s (-want +got):\n%s", file.From, file.Java, d)
		}
		var e hessian.Encoder
		e.Reset(types, nil)
		for i, p := range plans {
			if err := e.Encode(p, got[i]); err != nil {
				t.Fatal(err)
			}
		}
		if rest, err := hessian.Skip(e.Bytes(), len(plans)); err != nil || len(rest) != 0 {
			t.Errorf("the scanner on what was written: %d bytes left, %v\n%q", len(rest), err, short(e.Bytes()))
		}
		if d := diff(want, read(e.Bytes())); d != "" {
			t.Errorf("%s, %s: read again (-want +got):\n%s", file.From, file.Java, d)
		}
	})
}

func TestGoldenSharingIsKept(t *testing.T) {
	t.Parallel()
	bodies := map[string][]byte{}
	files, err := golden.Read("testdata/golden")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		bodies[f.Line+"/"+f.Case] = f.Body
	}
	for _, line := range golden.Lines() {
		types := goldenTypes(t)
		for range 2 { // the second time round with what was written from the first
			people := decodeAll(t, types, bodies[line+"/object-person"], 1)
			if p := people[0].(*golden.Person); p.Home != p.Others[0] {
				t.Errorf("%s: home is not the first of the others", line)
			}
			list := decodeAll(t, types, bodies[line+"/graph-shared"], 1)
			if l, ok := list[0].([]any); !ok || l[0] != l[1] {
				t.Errorf("%s: a list of one address twice has two", line)
			}
			cycle := decodeAll(t, types, bodies[line+"/graph-cycle"], 1)
			if n := cycle[0].(*golden.Node); n.Next.Next.Next != n {
				t.Errorf("%s: the cycle is open", line)
			}
			unknown := decodeAll(t, hessian.NewTypes(), bodies[line+"/graph-self"], 1)
			if o := unknown[0].(*java.Object); o.Get("next") != any(o) {
				t.Errorf("%s: the loop is open", line)
			}
			bodies[line+"/object-person"] = encodeAll(t, types, people)
			bodies[line+"/graph-shared"] = encodeAll(t, types, list)
			bodies[line+"/graph-cycle"] = encodeAll(t, types, cycle)
			bodies[line+"/graph-self"] = encodeAll(t, hessian.NewTypes(), unknown)
		}
	}
}

func TestGoldenTextOfLoneSurrogatesIsNoUTF8(t *testing.T) {
	t.Parallel()
	for name, c := range goldenCases(t) {
		text, ok := c.Dynamic.(string)
		if !ok {
			continue
		}
		alone := strings.Contains(name, "lone") || name == "char-surrogate" || name == "string-swapped"
		if utf8.ValidString(text) == alone {
			t.Errorf("%s: valid UTF-8: %v", name, !alone)
		}
	}
}
