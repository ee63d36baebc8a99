package hessian

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"unsafe"

	"github.com/dubbofn/dubbofn/java"
)

// eachEntry gives the entries of a map, or the fields of a *java.Object, and tells whether v is one.
func eachEntry(v any, each func(key, value any) error) (bool, error) {
	switch v := v.(type) {
	case map[any]any:
		for key, value := range v {
			if err := each(key, value); err != nil {
				return true, err
			}
		}
	case *java.Map:
		for i := range v.Entries {
			if err := each(v.Entries[i].Key, v.Entries[i].Value); err != nil {
				return true, err
			}
		}
	case *java.Object:
		for i := range v.Fields {
			if err := each(v.Fields[i].Name, v.Fields[i].Value); err != nil {
				return true, err
			}
		}
	default:
		m := reflect.ValueOf(v)
		if m.Kind() != reflect.Map {
			return false, nil
		}
		for it := m.MapRange(); it.Next(); {
			if err := each(it.Key().Interface(), it.Value().Interface()); err != nil {
				return true, err
			}
		}
	}
	return true, nil
}

// className gives what a map or object says its class is.
func className(v any) string {
	switch v := v.(type) {
	case map[any]any:
		class, _ := v["class"].(string)
		return class
	case map[string]any:
		class, _ := v["class"].(string)
		return class
	case *java.Object:
		return v.Class
	case *java.Map:
		for i := range v.Entries {
			if v.Entries[i].Key == any("class") {
				class, _ := v.Entries[i].Value.(string)
				return class
			}
		}
	}
	return ""
}

// itemsOf gives the elements of a list, an array or a set.
func itemsOf(v any) ([]any, bool) {
	switch v := v.(type) {
	case []any:
		return v, true
	case *java.List:
		return v.Items, true
	case []byte, string:
		return nil, false
	}
	s := reflect.ValueOf(v)
	if s.Kind() != reflect.Slice {
		return nil, false
	}
	items := make([]any, s.Len())
	for i := range items {
		items[i] = s.Index(i).Interface()
	}
	return items, true
}

// identityOf tells values apart that may be met again.
func identityOf(v any, p *Plan) identity {
	switch rv := reflect.ValueOf(v); rv.Kind() {
	case reflect.Map, reflect.Pointer:
		return identity{rv.UnsafePointer(), p.id}
	case reflect.Slice:
		if rv.Len() > 0 {
			return identity{rv.UnsafePointer(), p.id}
		}
	}
	return identity{}
}

// known gives what v has become, nil if it was not met before.
func (r *realizer) known(v any, p *Plan) (identity, unsafe.Pointer) {
	id := identityOf(v, p)
	return id, r.done[id]
}

// note remembers what a value becomes, before its parts are looked at: they may lead back to it.
func (r *realizer) note(id identity, ptr unsafe.Pointer) {
	if id.ptr != nil {
		r.done[id] = ptr
	}
}

// pointer makes a pointer's target.
func (r *realizer) pointer(p *Plan, v any, ptr unsafe.Pointer) error {
	id, done := r.known(v, p)
	if done != nil {
		*(*unsafe.Pointer)(ptr) = done
		return nil
	}
	if p.elem == nil {
		return r.dynamic(p, v, ptr)
	}
	target := p.elem.new()
	r.note(id, target)
	*(*unsafe.Pointer)(ptr) = target
	return r.value(p.elem, v, target)
}

// dynamic makes a *java.Object from a map, and a *java.List or *java.Map from what is like it.
func (r *realizer) dynamic(p *Plan, v any, ptr unsafe.Pointer) error {
	switch p {
	case r.t.object:
		o := &java.Object{Class: className(v)}
		_, err := eachEntry(v, func(key, value any) error {
			if name := keyText(key); name != "class" {
				o.Fields = append(o.Fields, java.Field{Name: name, Value: value})
			}
			return nil
		})
		if o.Class == "" {
			return realizeError(KindType, "a %T that names no class", v)
		}
		*(**java.Object)(ptr) = o
		return err
	case r.t.typedList:
		if items, ok := itemsOf(v); ok {
			*(**java.List)(ptr) = &java.List{Items: items}
			return nil
		}
	case r.t.typedMap:
		m := &java.Map{}
		ok, err := eachEntry(v, func(key, value any) error {
			m.Entries = append(m.Entries, java.Entry{Key: key, Value: value})
			return nil
		})
		if ok {
			*(**java.Map)(ptr) = m
			return err
		}
	}
	return realizeError(KindType, "%s where %s is wanted", kindOf(v), p.java)
}

// kindOf names a value in an error.
func kindOf(v any) string {
	switch v.(type) {
	case string:
		return "a string"
	case bool:
		return "a boolean"
	case int32, int64, float64, json.Number:
		return "a number"
	case []any, *java.List:
		return "a list"
	case map[any]any, map[string]any, *java.Map:
		return "a map"
	}
	return fmt.Sprintf("a %T", v)
}

// structure makes a struct's fields from the entries of a map. As in Java, null leaves a field alone and names that the
// class lacks are passed over.
func (r *realizer) structure(p *Plan, v any, ptr unsafe.Pointer) error {
	if rv := reflect.ValueOf(v); rv.Kind() == reflect.Pointer && !rv.IsNil() && rv.Type().Elem() == p.rt {
		p.copy(ptr, rv.UnsafePointer())
		return nil
	}
	ok, err := eachEntry(v, func(key, value any) error {
		name, ok := key.(string)
		if !ok || value == nil {
			return nil
		}
		f := p.field(name)
		if f == nil {
			return nil
		}
		plan, at := f.plan, unsafe.Add(ptr, f.off)
		if f.via != nil {
			plan, at = f.via.plan, f.via.find(at, true)
		}
		return in(r.value(plan, value, at), "."+name)
	})
	if !ok {
		return realizeError(KindType, "%s where %s is wanted", kindOf(v), p.java)
	}
	return err
}

// slice makes a slice from a list.
func (r *realizer) slice(p *Plan, v any, ptr unsafe.Pointer) error {
	items, ok := itemsOf(v)
	if !ok {
		return realizeError(KindType, "%s where %s is wanted", kindOf(v), p.java)
	}
	id, done := r.known(v, p)
	if done != nil && (*slice)(done).len == len(items) {
		*(*slice)(ptr) = *(*slice)(done)
		return nil
	}
	header := &slice{makeArray(p, len(items)), len(items), len(items)}
	r.note(id, unsafe.Pointer(header))
	*(*slice)(ptr) = *header
	for i := range items {
		if err := r.value(p.elem, items[i], unsafe.Add(header.data, uintptr(i)*p.elem.size)); err != nil {
			return in(err, "["+strconv.Itoa(i)+"]")
		}
	}
	return nil
}

// set makes a set from a list.
func (r *realizer) set(p *Plan, v any, ptr unsafe.Pointer) error {
	items, ok := itemsOf(v)
	if !ok {
		return realizeError(KindType, "%s where %s is wanted", kindOf(v), p.java)
	}
	m := reflect.MakeMapWithSize(p.rt, len(items))
	for _, item := range items {
		key := p.key.new()
		if err := r.value(p.key, item, key); err != nil {
			return in(err, "{}")
		}
		k := reflect.NewAt(p.key.rt, key).Elem()
		if !k.Comparable() {
			return realizeError(KindType, "%w", errOddKey)
		}
		m.SetMapIndex(k, reflect.Zero(p.rt.Elem()))
	}
	reflect.NewAt(p.rt, ptr).Elem().Set(m)
	return nil
}

// mapping makes a map.
func (r *realizer) mapping(p *Plan, v any, ptr unsafe.Pointer) error {
	id, done := r.known(v, p)
	if done != nil {
		*(*unsafe.Pointer)(ptr) = done
		return nil
	}
	m := reflect.MakeMap(p.rt)
	r.note(id, m.UnsafePointer())
	reflect.NewAt(p.rt, ptr).Elem().Set(m)
	ok, err := eachEntry(v, func(key, value any) error {
		k, to := p.key.new(), p.elem.new()
		if err := r.value(p.key, key, k); err != nil {
			return in(err, "{key}")
		}
		if err := r.value(p.elem, value, to); err != nil {
			return in(err, "{"+keyText(key)+"}")
		}
		rk := reflect.NewAt(p.key.rt, k).Elem()
		if !rk.Comparable() {
			return realizeError(KindType, "%w", errOddKey)
		}
		m.SetMapIndex(rk, reflect.NewAt(p.elem.rt, to).Elem())
		return nil
	})
	if !ok {
		return realizeError(KindType, "%s where %s is wanted", kindOf(v), p.java)
	}
	return err
}

// any makes a value without a type: a registered struct where a class is named, else what it is, with its parts made so.
func (r *realizer) any(v any, to *any) error {
	if class := className(v); class != "" {
		if p := r.t.class(class); p != nil {
			ptr := p.new()
			if err := r.value(p, v, ptr); err != nil {
				return err
			}
			*to = reflect.NewAt(p.rt, ptr).Elem().Interface()
			return nil
		}
	}
	switch v := v.(type) {
	case []any:
		var list []any
		err := r.slice(r.t.list, v, unsafe.Pointer(&list))
		*to = list
		return err
	case map[any]any, map[string]any:
		var m map[any]any
		err := r.mapping(r.t.table, v, unsafe.Pointer(&m))
		*to = m
		return err
	}
	if n, ok := v.(json.Number); ok {
		var err error
		*to, err = jsonNumber(n)
		return err
	}
	*to = v
	return nil
}
