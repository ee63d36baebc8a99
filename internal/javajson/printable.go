package javajson

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/dubbofn/dubbofn/java"
)

// maxPrinted is how many values are printed: as many as an answer of the greatest length (8 MiB) may have, each a byte. A value that is
// shared is printed each time, so that a few bytes may stand for any number.
const maxPrinted = 8 << 20

// Printable turns a result into what encoding/json writes in Java's words: maps with string keys, dates as RFC 3339, byte[] as base64.
// A value that contains itself is cut with "(cycle)", and one of too many parts with "(too much to print)".
func Printable(v any) any { return (&printer{left: maxPrinted}).value(v, nil) }

// printer counts the values down.
type printer struct{ left int }

func (p *printer) value(v any, above []any) any {
	if p.left--; p.left < 0 {
		return "(too much to print)"
	}
	switch x := v.(type) {
	case nil, bool, string, int8, int16, int32, int64, int:
		return v
	case float64:
		return finite(x, v)
	case float32:
		return finite(float64(x), v)
	case []byte:
		return base64.StdEncoding.EncodeToString(x)
	case time.Time:
		return x.UTC().Format("2006-01-02T15:04:05.000Z07:00")
	case *big.Int:
		return json.Number(x.String())
	case *java.BigDecimal:
		return json.Number(x.String())
	case time.Duration:
		return x.String()
	case *java.Object:
		if cyclic(v, above) {
			return "(cycle)"
		}
		o := ordered{{"class", x.Class}}
		for _, f := range x.Fields {
			o = append(o, pair{f.Name, p.value(f.Value, append(above, v))})
		}
		return o
	case *java.Map:
		return p.entries(v, x.Entries, above)
	case *java.List:
		return p.items(v, x.Items, above)
	case []any:
		return p.items(v, x, above)
	}
	return p.reflect(v, above)
}

// finite gives v, or its name where JSON has no number for it.
func finite(f float64, v any) any {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return fmt.Sprint(v)
	}
	return v
}

func (p *printer) reflect(v any, above []any) any {
	r := reflect.ValueOf(v)
	switch r.Kind() {
	case reflect.Map:
		var entries []java.Entry
		for k, e := range r.Seq2() {
			entries = append(entries, java.Entry{Key: k.Interface(), Value: e.Interface()})
		}
		return p.entries(v, entries, above)
	case reflect.Slice:
		items := make([]any, r.Len())
		for i := range items {
			items[i] = r.Index(i).Interface()
		}
		return p.items(v, items, above)
	default:
		return fmt.Sprint(v)
	}
}

func (p *printer) items(list any, items []any, above []any) any {
	if cyclic(list, above) {
		return "(cycle)"
	}
	out := make([]any, len(items))
	for i := range items {
		out[i] = p.value(items[i], append(above, list))
	}
	return out
}

func (p *printer) entries(m any, entries []java.Entry, above []any) any {
	if cyclic(m, above) {
		return "(cycle)"
	}
	o := make(ordered, 0, len(entries))
	for _, e := range entries {
		key, ok := e.Key.(string)
		if !ok {
			key = fmt.Sprint(e.Key)
		}
		o = append(o, pair{key, p.value(e.Value, append(above, m))})
	}
	o.sort()
	return o
}

// cyclic tells whether v, a reference, is one of the values that enclose it.
func cyclic(v any, above []any) bool {
	r := reflect.ValueOf(v)
	for _, a := range above {
		o := reflect.ValueOf(a)
		if o.Kind() == r.Kind() && o.Pointer() == r.Pointer() && (r.Kind() != reflect.Slice || r.Len() > 0 && o.Len() == r.Len()) {
			return true
		}
	}
	return false
}

// ordered is a JSON object whose keys keep their order.
type ordered []pair

type pair struct {
	key   string
	value any
}

// MarshalJSON writes the pairs in order.
func (o ordered) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, p := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		k, err := json.Marshal(p.key)
		if err != nil {
			return nil, err
		}
		v, err := json.Marshal(p.value)
		if err != nil {
			return nil, err
		}
		b.Write(k)
		b.WriteByte(':')
		b.Write(v)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// sort puts "class" first and the other keys in alphabetical order.
func (o ordered) sort() {
	slices.SortStableFunc(o, func(a, b pair) int {
		switch {
		case a.key == b.key:
			return 0
		case a.key == "class":
			return -1
		case b.key == "class":
			return 1
		}
		return strings.Compare(a.key, b.key)
	})
}
