package hessian

import (
	"reflect"
	"strings"
	"time"
	"unsafe"

	"github.com/dubbofn/dubbofn/java"
)

// any writes a value by what it is.
func (e *Encoder) any(v any) error {
	switch v := v.(type) {
	case nil:
		e.Null()
	case bool:
		e.Bool(v)
	case string:
		e.String(v)
	case int32:
		e.Int(v)
	case int64:
		e.Long(v)
	case int:
		e.Long(int64(v))
	case float64:
		e.Double(v)
	case []byte:
		if v == nil {
			e.Null()
		} else {
			e.Binary(v)
		}
	case time.Time:
		if v.IsZero() {
			e.Null()
		} else {
			e.date(v.UnixMilli())
		}
	case []any:
		return e.slice(e.t.list, (*slice)(unsafe.Pointer(&v)))
	case map[any]any:
		return e.t.table.enc(e, unsafe.Pointer(&v))
	default:
		return e.other(v)
	}
	return nil
}

// other writes a value by its type's plan.
func (e *Encoder) other(v any) error {
	p, err := e.t.Plan(reflect.TypeOf(v))
	if err != nil {
		return encodeError(KindType, "%w", err)
	}
	// Where Java can't know from what it expects, it has to read that a slice was an array of numbers.
	if class := arrayClass(p); class != "" {
		return e.numbers(p, class, (*slice)(p.boxed.unwrap(v)))
	}
	return p.enc(e, p.boxed.unwrap(v))
}

// arrayClass is Hessian's name for an array of numbers, "" for other types.
func arrayClass(p *Plan) string {
	if p.kind != kindSlice || p.elem.kind != kindScalar || p.elem.rt.PkgPath() != "" {
		return ""
	}
	switch p.elem.java {
	case "boolean", "short", "int", "long", "float", "double":
		return "[" + p.elem.java
	}
	return ""
}

// numbers writes a slice of numbers as an array.
func (e *Encoder) numbers(p *Plan, class string, s *slice) error {
	if s.data == nil {
		e.Null()
		return nil
	}
	e.begin()
	e.listHead(class, s.len)
	for i := range s.len {
		if err := p.elem.enc(e, unsafe.Add(s.data, uintptr(i)*p.elem.size)); err != nil {
			return err
		}
	}
	return nil
}

// objectInstance writes an object whose class has no Go type.
func (e *Encoder) objectInstance(o *java.Object) error {
	if o.Class == "" {
		return encodeError(KindType, "an object without a class")
	}
	var key strings.Builder
	key.WriteString(o.Class)
	for i := range o.Fields {
		key.WriteByte(0)
		key.WriteString(o.Fields[i].Name)
	}
	id, known := e.dynamic[key.String()]
	var def []byte
	if !known {
		if e.dynamic == nil {
			e.dynamic = map[string]uint32{}
		}
		id = dynamicIDs + uint32(len(e.dynamic))
		e.dynamic[key.String()] = id
	}
	if !known || !e.hasClass(id) { // Truncate may have taken it away
		fields := make([]field, len(o.Fields))
		for i := range fields {
			fields[i].name = o.Fields[i].Name
		}
		def = definition(o.Class, fields)
	}
	e.class(id, def)
	for i := range o.Fields {
		if err := e.any(o.Fields[i].Value); err != nil {
			return in(err, "."+o.Fields[i].Name)
		}
	}
	return nil
}

// dynamicIDs is above the ids of plans.
const dynamicIDs = 1 << 31

func (e *Encoder) hasClass(id uint32) bool {
	for i := range e.classes {
		if e.classes[i].id == id {
			return true
		}
	}
	return false
}

// typedList writes a list of a class.
func (e *Encoder) typedList(l *java.List) error {
	e.listHead(l.Class, len(l.Items))
	for _, v := range l.Items {
		if err := e.any(v); err != nil {
			return in(err, "[]")
		}
	}
	return nil
}

// typedMap writes a map of a class.
func (e *Encoder) typedMap(m *java.Map) error {
	if m.Class == "" {
		e.b = append(e.b, tagMapAny)
	} else {
		e.b = append(e.b, tagMap)
		e.typeName(m.Class)
	}
	for i := range m.Entries {
		if err := e.any(m.Entries[i].Key); err != nil {
			return in(err, "{key}")
		}
		if err := e.any(m.Entries[i].Value); err != nil {
			return in(err, "{}")
		}
	}
	e.b = append(e.b, tagEnd)
	return nil
}
