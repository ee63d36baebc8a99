package hessian

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"github.com/dubbofn/dubbofn/java"
)

// Realize makes a new value of Type() from one that a generic=true caller sent, as org.apache.dubbo.common.utils.PojoUtils
// does: a map becomes a struct, a text an enum or a date, a number one of another width if it fits. For any, a map that
// names the class of a registered struct under "class" becomes that struct. v may be what Decoder.Value gives, or what
// encoding/json does.
func (p *Plan) Realize(t *Types, v any) (any, error) {
	r := realizer{t: t, done: map[identity]unsafe.Pointer{}}
	ptr := p.new()
	if err := r.value(p, v, ptr); err != nil {
		return nil, err
	}
	return reflect.NewAt(p.rt, ptr).Elem().Interface(), nil
}

type realizer struct {
	t     *Types
	depth int
	done  map[identity]unsafe.Pointer // what maps and objects have become
}

// value makes the variable at ptr from v.
func (r *realizer) value(p *Plan, v any, ptr unsafe.Pointer) error {
	r.depth++
	defer func() { r.depth-- }()
	if r.depth > maxEncodeDepth {
		return realizeError(KindLimit, "values nest deeper than %d", maxEncodeDepth)
	}
	if v == nil {
		return nil
	}
	if p.kind != kindAny && p.kind != kindSlice && p.kind != kindSet && p.kind != kindMap && boxedType(v) == p.boxed.typ {
		reflect.NewAt(p.rt, ptr).Elem().Set(reflect.ValueOf(v))
		return nil
	}
	switch p.kind {
	case kindAny:
		return r.any(v, (*any)(ptr))
	case kindPointer:
		return r.pointer(p, v, ptr)
	case kindStruct:
		return r.structure(p, v, ptr)
	case kindSlice:
		return r.slice(p, v, ptr)
	case kindSet:
		return r.set(p, v, ptr)
	case kindMap:
		return r.mapping(p, v, ptr)
	}
	return r.leaf(p, v, ptr)
}

func realizeError(kind Kind, format string, args ...any) error {
	return &Error{Kind: kind, Op: "realize", Offset: -1, Err: fmt.Errorf(format, args...)}
}

// leaf makes a value without parts, by way of the wire: what can be read as the type can be realized as it.
func (r *realizer) leaf(p *Plan, v any, ptr unsafe.Pointer) error {
	if s, ok := v.(string); ok && p.kind == kindBytes && p.rt.Elem().Kind() == reflect.Uint8 {
		b, err := base64.StdEncoding.DecodeString(s) // as encoding/json writes byte[]
		if err != nil {
			return realizeError(KindType, "a text that is no base64 where %s is wanted", p.java)
		}
		v = b
	} else if ok {
		var err error
		if v, err = parsed(p, s); err != nil {
			return realizeError(KindType, "%q is no %s", s, p.java)
		}
	}
	if m, ok := v.(map[any]any); ok && p.constant != nil {
		v = m["name"]
	}
	if list, ok := v.([]any); ok && p.kind == kindBytes {
		return r.bytes(p, list, ptr)
	}
	switch n := v.(type) {
	case json.Number:
		if v = any(string(n)); p.class != classBigDecimal {
			var err error
			if v, err = jsonNumber(n); err != nil {
				return err
			}
		}
		if i, err := n.Int64(); err == nil && p.rt == typeTime {
			v = time.UnixMilli(i)
		}
	case int64:
		if p.rt == typeTime {
			v = time.UnixMilli(n)
		}
	case float64:
		if p.class == classBigDecimal {
			v = strconv.FormatFloat(n, 'f', -1, 64)
		}
	}
	var e Encoder
	e.Reset(r.t, nil)
	if err := e.any(v); err != nil {
		return err
	}
	var d Decoder
	d.Reset(r.t, e.b, Limits{})
	if err := p.dec(&d, ptr); err != nil {
		if e, ok := err.(*Error); ok { //nolint:errorlint // ours is never wrapped
			e.Op, e.Offset = "realize", -1
		}
		return err
	}
	return nil
}

// bytes makes byte[] from a list of numbers.
func (r *realizer) bytes(p *Plan, list []any, ptr unsafe.Pointer) error {
	if p.rt.Elem().Kind() != reflect.Uint8 {
		return realizeError(KindType, "a list where %s is wanted", p.java)
	}
	b := make([]byte, len(list))
	one, err := r.t.Plan(reflect.TypeFor[int8]())
	if err != nil {
		return err
	}
	for i := range list {
		if err := r.value(one, list[i], unsafe.Pointer(&b[i])); err != nil {
			return in(err, "["+strconv.Itoa(i)+"]")
		}
	}
	reflect.NewAt(p.rt, ptr).Elem().SetBytes(b)
	return nil
}

// parsed reads a text as Java's CompatibleTypeUtils does for a number, a boolean or a date.
func parsed(p *Plan, s string) (any, error) {
	switch p.java {
	case "boolean":
		return strings.EqualFold(s, "true"), nil
	case "byte", "short", "int", "long":
		return strconv.ParseInt(s, 10, 64)
	case "float", "double":
		return strconv.ParseFloat(s, 64)
	case "java.util.Date":
		if t, err := time.ParseInLocation(time.DateTime, s, time.Local); err == nil {
			return t, nil
		}
		return time.Parse(time.RFC3339Nano, s)
	case "java.time.LocalDate":
		t, err := time.Parse(time.DateOnly, s)
		d, _ := local(t)
		return d.Date, err
	case "java.time.LocalTime":
		return parsedTime(s)
	case "java.time.LocalDateTime":
		day, clock, _ := strings.Cut(s, "T")
		t, err := time.Parse(time.DateOnly, day)
		if err != nil {
			return nil, err
		}
		at, err := parsedTime(clock)
		d, _ := local(t)
		return java.LocalDateTime{Date: d.Date, Time: at}, err
	case "java.time.Instant":
		t, err := time.Parse(time.RFC3339Nano, s)
		return java.Instant{Time: t}, err
	}
	return s, nil
}

// parsedTime reads "10:15", "10:15:30" or "10:15:30.5".
func parsedTime(s string) (java.LocalTime, error) {
	layout := "15:04:05.999999999"
	if len(s) == len("15:04") {
		layout = "15:04"
	}
	t, err := time.Parse(layout, s)
	d, _ := local(t)
	return d.Time, err
}

// jsonNumber gives a number of a JSON text the Go type of the Java one that it would be in a source: int, long beyond 32 bits, BigInteger beyond 64,
// else double.
func jsonNumber(n json.Number) (any, error) {
	if i, err := strconv.ParseInt(string(n), 10, 64); err == nil {
		if i == int64(int32(i)) {
			return int32(i), nil
		}
		return i, nil
	}
	if len(n) <= maxDigits && !strings.ContainsAny(string(n), ".eE") {
		if b, ok := new(big.Int).SetString(string(n), 10); ok {
			return b, nil
		}
	}
	f, err := n.Float64()
	if err != nil {
		return nil, realizeError(KindType, "number %.40s can't be read", string(n))
	}
	return f, nil
}
