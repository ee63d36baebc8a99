package fn

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strings"
)

// A twin is a type like another one, with the same layout, whose fields encoding/json knows by their Java names: the way from JSON to an argument, and
// from a result to JSON, without anything in between. Only types that mean the same in both have one: no class of the JDK but String and lists, no
// dynamic parts, nothing that refers to itself.
type twin struct{ own, json reflect.Type }

var (
	jsonMarshaler = reflect.TypeFor[json.Marshaler]()
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
)

// twin gives the twin of a type, nil where it has none.
func (s *Set) twin(rt reflect.Type) *twin {
	if rt == nil {
		return nil
	}
	like, ok := s.like(rt, map[reflect.Type]bool{})
	if !ok {
		return nil
	}
	return &twin{rt, like}
}

func (s *Set) like(rt reflect.Type, above map[reflect.Type]bool) (reflect.Type, bool) {
	p, err := s.types.Plan(rt)
	if err != nil || above[rt] || writesItself(rt) {
		return nil, false
	}
	switch rt.Kind() {
	case reflect.Bool, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Int, reflect.Float32, reflect.Float64:
		return rt, !strings.Contains(p.Java(), ".") && p.Java() != "char"
	case reflect.String:
		return rt, p.Java() == "java.lang.String"
	case reflect.Pointer:
		elem, ok := s.like(rt.Elem(), above)
		if !ok || rt.Elem().Kind() != reflect.Struct {
			return nil, false
		}
		return reflect.PointerTo(elem), true
	case reflect.Slice:
		if rt.Elem().Kind() == reflect.Uint8 {
			return rt, p.Java() == "byte[]"
		}
		elem, ok := s.like(rt.Elem(), above)
		if !ok {
			return nil, false
		}
		return reflect.SliceOf(elem), true
	case reflect.Struct:
		if strings.HasPrefix(p.Java(), "java.") {
			return nil, false
		}
		above[rt] = true
		defer delete(above, rt)
		return s.likeStruct(rt, above)
	}
	return nil, false
}

// writesItself tells of types that encoding/json would ask.
func writesItself(rt reflect.Type) bool {
	for _, t := range []reflect.Type{rt, reflect.PointerTo(rt)} {
		if t.Implements(jsonMarshaler) || t.Implements(textMarshaler) {
			return true
		}
	}
	return false
}

func (s *Set) likeStruct(rt reflect.Type, above map[reflect.Type]bool) (reflect.Type, bool) {
	fields := make([]reflect.StructField, 0, rt.NumField())
	for f := range rt.Fields() {
		if !f.IsExported() || f.Anonymous {
			return nil, false
		}
		tag, t := "-", f.Type
		if name := fieldName(f); name != "" {
			like, ok := s.like(f.Type, above)
			if !ok || strings.ContainsAny(name, ",\"`\\") || name == "-" {
				return nil, false
			}
			tag, t = name, like
		}
		fields = append(fields, reflect.StructField{Name: f.Name, Type: t, Tag: reflect.StructTag(`json:"` + tag + `"`)})
	}
	return reflect.StructOf(fields), true
}

// read makes a value of the type from JSON. What is not right for it is left to those who say why.
func (t *twin) read(text []byte) (v any, ok bool) {
	own := reflect.New(t.own)
	if json.Unmarshal(text, reflect.NewAt(t.json, own.UnsafePointer()).Interface()) != nil {
		return nil, false
	}
	return own.Elem().Interface(), true
}

// write makes JSON of a value of the type.
func (t *twin) write(v any) (text []byte, ok bool) {
	rv := reflect.ValueOf(v)
	if !rv.IsValid() || rv.Type() != t.own {
		return nil, false
	}
	own := reflect.New(t.own)
	own.Elem().Set(rv)
	text, err := json.Marshal(reflect.NewAt(t.json, own.UnsafePointer()).Interface())
	return text, err == nil
}
