package hessian

import (
	"reflect"
	"unsafe"

	"github.com/dubbofn/dubbofn/java"
)

// Generalize turns a value into the form in which generic=true callers get it, as org.apache.dubbo.common.utils.PojoUtils
// does: an instance of a class becomes a map of its fields with its class under "class", an enum its name, a LocalDate,
// LocalTime or LocalDateTime its text. Other values stay as they are. Values that are shared or that contain themselves
// stay so.
func (t *Types) Generalize(v any) (any, error) {
	g := generalizer{t: t, done: map[identity]any{}}
	return g.any(v)
}

type generalizer struct {
	t     *Types
	depth int
	done  map[identity]any
}

// identity is a value that may be met again, and the plan it was met by.
type identity struct {
	ptr unsafe.Pointer
	id  uint32
}

func (g *generalizer) any(v any) (any, error) {
	if v == nil {
		return nil, nil
	}
	p, err := g.t.Plan(reflect.TypeOf(v))
	if err != nil {
		return nil, encodeError(KindType, "%w", err)
	}
	return g.value(p, p.boxed.unwrap(v))
}

// value turns the variable at ptr.
func (g *generalizer) value(p *Plan, ptr unsafe.Pointer) (any, error) {
	g.depth++
	defer func() { g.depth-- }()
	if g.depth > maxEncodeDepth {
		return nil, encodeError(KindLimit, "values nest deeper than %d", maxEncodeDepth)
	}
	switch p.kind {
	case kindAny:
		return g.any(*(*any)(ptr))
	case kindPointer:
		return g.pointer(p, ptr)
	case kindStruct:
		m := map[any]any{}
		return m, g.fields(m, p, ptr)
	case kindSlice:
		return g.slice(p, ptr)
	case kindSet, kindMap:
		return g.mapOrSet(p, ptr)
	case kindValue:
		return valueForm(p, ptr)
	}
	return reflect.NewAt(p.rt, ptr).Elem().Interface(), nil
}

// valueForm gives an enum's name, a local date's text, and other values as they are.
func valueForm(p *Plan, ptr unsafe.Pointer) (any, error) {
	if p.constant != nil {
		name, err := p.constant(ptr)
		if err != nil || name == "" {
			return nil, err
		}
		return name, nil
	}
	v := reflect.NewAt(p.rt, ptr).Elem()
	switch v := v.Interface().(type) {
	case java.LocalDate:
		return textOf(v, v.String()), nil
	case java.LocalTime:
		return v.String(), nil
	case java.LocalDateTime:
		return textOf(v, v.String()), nil
	}
	if v.Addr().Type() == reflect.TypeFor[*java.BigDecimal]() || v.Type() == typeBigInt {
		return v.Addr().Interface(), nil
	}
	return v.Interface(), nil
}

// textOf gives the text of a value, nil for the one that stands for null.
func textOf[T comparable](v T, text string) any {
	var null T
	if v == null {
		return nil
	}
	return text
}

// pointer turns what a pointer points to.
func (g *generalizer) pointer(p *Plan, ptr unsafe.Pointer) (any, error) {
	target := *(*unsafe.Pointer)(ptr)
	if target == nil {
		return nil, nil
	}
	if p.elem != nil && p.elem.kind != kindStruct {
		return g.value(p.elem, target)
	}
	key := identity{target, p.id}
	if v, ok := g.done[key]; ok {
		return v, nil
	}
	switch v := reflect.NewAt(p.rt, ptr).Elem().Interface().(type) {
	case *java.Object:
		m := map[any]any{"class": v.Class}
		g.done[key] = m
		for i := range v.Fields {
			f, err := g.any(v.Fields[i].Value)
			if err != nil {
				return nil, in(err, "."+v.Fields[i].Name)
			}
			m[v.Fields[i].Name] = f
		}
		return m, nil
	case *java.List:
		l := &java.List{Class: v.Class, Items: make([]any, len(v.Items))}
		g.done[key] = l
		return l, g.items(l.Items, v.Items)
	case *java.Map:
		return g.javaMap(key, v)
	}
	m := map[any]any{}
	g.done[key] = m
	return m, g.fields(m, p.elem, target)
}

func (g *generalizer) items(to, from []any) (err error) {
	for i := range from {
		if to[i], err = g.any(from[i]); err != nil {
			return in(err, "[]")
		}
	}
	return nil
}

func (g *generalizer) javaMap(key identity, v *java.Map) (any, error) {
	m := &java.Map{Class: v.Class, Entries: make([]java.Entry, len(v.Entries))}
	g.done[key] = m
	for i, e := range v.Entries {
		k, err := g.any(e.Key)
		if err != nil {
			return nil, in(err, "{key}")
		}
		value, err := g.any(e.Value)
		if err != nil {
			return nil, in(err, "{}")
		}
		m.Entries[i] = java.Entry{Key: k, Value: value}
	}
	return m, nil
}

// fields adds a struct's class and fields to a map.
func (g *generalizer) fields(m map[any]any, p *Plan, ptr unsafe.Pointer) error {
	m["class"] = p.class
	for i := range p.fields {
		f := &p.fields[i]
		v, err := g.field(f, ptr)
		if err != nil {
			return in(err, "."+f.name)
		}
		m[f.name] = v
	}
	return nil
}

func (g *generalizer) field(f *field, ptr unsafe.Pointer) (any, error) {
	at := unsafe.Add(ptr, f.off)
	if f.via != nil {
		if at = f.via.find(at, false); at == nil {
			return nil, nil
		}
		return g.value(f.via.plan, at)
	}
	return g.value(f.plan, at)
}

// slice turns a slice into a list. Java's arrays of numbers stay arrays there; here nobody knows whether it was one.
func (g *generalizer) slice(p *Plan, ptr unsafe.Pointer) (any, error) {
	s := (*slice)(ptr)
	if s.data == nil {
		return nil, nil
	}
	key := identity{s.data, p.id}
	if v, ok := g.done[key].([]any); ok && s.len > 0 && len(v) == s.len {
		return v, nil
	}
	list := make([]any, s.len)
	g.done[key] = list
	for i := range list {
		v, err := g.value(p.elem, unsafe.Add(s.data, uintptr(i)*p.elem.size))
		if err != nil {
			return nil, in(err, "[]")
		}
		list[i] = v
	}
	return list, nil
}

// mapOrSet turns keys and values of a map, or the elements of a set.
func (g *generalizer) mapOrSet(p *Plan, ptr unsafe.Pointer) (any, error) {
	target := *(*unsafe.Pointer)(ptr)
	if target == nil {
		return nil, nil
	}
	key := identity{target, p.id}
	if v, ok := g.done[key]; ok {
		return v, nil
	}
	set, m := &java.List{Class: "java.util.HashSet"}, &java.Map{}
	if g.done[key] = set; p.kind == kindMap {
		g.done[key] = m
	}
	for it := reflect.NewAt(p.rt, ptr).Elem().MapRange(); it.Next(); {
		k, err := g.any(it.Key().Interface())
		if err != nil {
			return nil, in(err, "{key}")
		}
		if p.kind == kindSet {
			set.Items = append(set.Items, k)
			continue
		}
		v, err := g.any(it.Value().Interface())
		if err != nil {
			return nil, in(err, "{}")
		}
		m.Entries = append(m.Entries, java.Entry{Key: k, Value: v})
	}
	return g.done[key], nil
}
