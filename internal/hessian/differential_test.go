package hessian_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/dubbofn/dubbofn/internal/hessian"
	"github.com/dubbofn/dubbofn/internal/hessian/oracle"
	"github.com/dubbofn/dubbofn/java"
)

// picture draws a value as text in which both codecs' forms of one value are the same. What docs/hessian-differences.md says
// the library loses is left out on both sides: classes of collections (collection-class), the order of fields (unknown-class),
// null values of maps (null-map-value), nulls in arrays (null-string-in-array), the width of arrays' numbers (narrow-arrays).
type picture struct {
	b     strings.Builder
	depth int
	left  int  // values that may still be drawn: shared values are drawn again
	skip  bool // something that the library reads in a way of its own
}

func draw(v any) (text string, ok bool) {
	p := picture{left: 2000}
	p.value(v)
	return p.b.String(), !p.skip
}

func (p *picture) value(v any) {
	p.left--
	p.depth++
	defer func() { p.depth-- }()
	if p.left < 0 || p.depth > 60 { // a cycle, or too much
		p.skip = true
		return
	}
	switch v := v.(type) {
	case nil:
		p.b.WriteString("null")
	case string:
		p.skip = p.skip || !utf8.ValidString(v) // surrogate-alone
		fmt.Fprintf(&p.b, "%q", v)
	case []byte:
		fmt.Fprintf(&p.b, "bytes %x", v)
	case time.Time:
		fmt.Fprintf(&p.b, "date %d", v.UnixMilli())
	case bool, int32, int64:
		fmt.Fprint(&p.b, v)
	case float64:
		fmt.Fprintf(&p.b, "%.14g", v) // double-mill
	case *java.List:
		p.list(reflect.ValueOf(v.Items))
	case *java.Map:
		p.javaMap(v)
	case *java.Object:
		fields := map[string]any{}
		for _, f := range v.Fields {
			fields[f.Name] = f.Value
		}
		p.skip = p.skip || len(fields) < len(v.Fields)
		p.object(v.Class, fields)
	case map[string]any:
		class, _ := v["_class"].(string)
		fields := map[string]any{}
		for name, value := range v {
			if name != "_class" {
				fields[name] = value
			}
		}
		p.object(class, fields)
	default:
		p.reflected(v)
	}
}

// javaMap draws what Java's map would hold: of equal keys, which ours keeps, the last.
func (p *picture) javaMap(m *java.Map) {
	last := map[string]string{}
	for _, e := range m.Entries {
		q := picture{left: p.left, depth: p.depth}
		q.value(e.Key)
		key := q.b.String()
		if _, again := last[key]; again && e.Value == nil {
			p.skip = true // null-map-value: the library leaves out the null, and keeps the value before
		}
		last[key] = p.entry(e.Key, e.Value)
	}
	p.entries(slices.Collect(maps.Values(last)))
}

func (p *picture) reflected(v any) {
	switch rv := reflect.ValueOf(v); rv.Kind() {
	case reflect.Slice:
		p.list(rv)
	case reflect.Map:
		var entries []string
		for it := rv.MapRange(); it.Next(); {
			entries = append(entries, p.entry(it.Key().Interface(), it.Value().Interface()))
		}
		p.entries(entries)
	default:
		p.skip = true
	}
}

func (p *picture) list(v reflect.Value) {
	p.b.WriteByte('[')
	for i := range v.Len() {
		p.value(v.Index(i).Interface())
		p.b.WriteByte(' ')
	}
	p.b.WriteByte(']')
}

func (p *picture) entry(key, value any) string {
	if value == nil {
		return ""
	}
	q := picture{left: p.left, depth: p.depth}
	q.value(key)
	q.b.WriteByte(':')
	q.value(value)
	p.left, p.skip = q.left, p.skip || q.skip
	return q.b.String()
}

func (p *picture) entries(entries []string) {
	slices.Sort(entries)
	fmt.Fprintf(&p.b, "{%s}", strings.TrimSpace(strings.Join(entries, " ")))
}

func (p *picture) object(class string, fields map[string]any) {
	var entries []string
	for name, value := range fields {
		entries = append(entries, p.entry(name, value))
	}
	fmt.Fprintf(&p.b, "%q", class)
	p.entries(entries)
}

// excused names the row of docs/hessian-differences.md by which the library may refuse a body, or the fault of the library
// that is no difference of meaning; "" where none does.
func excused(err error) string {
	switch text := err.Error(); {
	case strings.Contains(text, "it panicked"):
		return "map-key"
	case strings.Contains(text, "bad utf-8"), strings.Contains(text, "EOF"):
		return "surrogate-alone"
	case strings.Contains(text, "type"):
		return "type-numbers"
	case strings.Contains(text, "integer wrong tag"):
		return "structure-numbers"
	}
	return ""
}

// apart tells of bodies with classes and types that the library knows by itself: their values are its own types.
func apart(body string) bool {
	for _, known := range []string{"java", "com.", "[", "hessian"} {
		if strings.Contains(body, known) {
			return true
		}
	}
	return false
}

func FuzzDifferential(f *testing.F) {
	addSeeds(f, func(body []byte) { f.Add(body) })
	types := hessian.NewTypes()
	f.Fuzz(func(t *testing.T, body []byte) {
		if len(body) > 2000 || apart(string(body)) {
			return
		}
		if _, err := hessian.Skip(body, 1); err != nil {
			return
		}
		var d hessian.Decoder
		d.Reset(types, body, hessian.Limits{})
		ours, err := d.Value()
		if err != nil {
			if kind(err) == hessian.KindLimit {
				return
			}
			t.Fatalf("ours: %v", err)
		}
		theirs, err := oracle.Codec{}.Decode(body, []reflect.Type{reflect.TypeFor[any]()})
		if err != nil {
			if excused(err) == "" {
				t.Fatalf("the library: %v\n%q", err, body)
			}
			return
		}
		a, ok1 := draw(ours)
		b, ok2 := draw(theirs[0])
		if ok1 && ok2 && a != b {
			t.Fatalf("%q\nours   %s\ntheirs %s", body, a, b)
		}
	})
}
