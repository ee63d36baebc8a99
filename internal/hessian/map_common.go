package hessian

import (
	"reflect"
	"unsafe"
)

type (
	mapReader func(*Decoder, *Plan, unsafe.Pointer) error
	mapWriter func(*Encoder, *Plan, unsafe.Pointer) error
)

// commonMap gives the codec of the maps that most programs use, without reflection.
func commonMap(rt reflect.Type) (mapReader, mapWriter) {
	if rt == reflect.TypeFor[map[any]any]() {
		return readAnyMap, writeMap
	}
	if rt.Key().Kind() != reflect.String || !isPlainString(rt.Key()) {
		return nil, nil
	}
	switch rt.Elem().Kind() {
	case reflect.String:
		if isPlainString(rt.Elem()) {
			return readStringMap[string], writeStringMap[string]
		}
	case reflect.Interface:
		if rt.Elem().NumMethod() == 0 {
			return readStringMap[any], writeStringMap[any]
		}
	case reflect.Int32:
		return readIfPlain[int32](rt)
	case reflect.Int64, reflect.Int:
		return readIfPlain[int64](rt)
	case reflect.Float64:
		return readIfPlain[float64](rt)
	case reflect.Bool:
		return readIfPlain[bool](rt)
	}
	return nil, nil
}

// isPlainString tells whether a string type is not an enum or the like.
func isPlainString(rt reflect.Type) bool { return rt.PkgPath() == "" }

func readIfPlain[V any](rt reflect.Type) (mapReader, mapWriter) {
	if rt.Elem().PkgPath() != "" {
		return nil, nil
	}
	return readStringMap[V], writeStringMap[V]
}

// readStringMap reads a map from strings to V.
func readStringMap[V any](d *Decoder, p *Plan, at unsafe.Pointer) error {
	if d.next < d.refs || d.pos < len(d.b) && isObject(d.b[d.pos]) {
		return readMap(d, p, at)
	}
	if err := d.charge(mapBytes); err != nil {
		return err
	}
	m := make(map[string]V)
	*(*map[string]V)(at) = m
	if err := d.beginMap(p.id, *(*unsafe.Pointer)(at)); err != nil {
		return err
	}
	var zero V
	value := new(V)
	for i := 0; ; i++ {
		if done, err := d.mapEnd(); done || err != nil {
			return err
		}
		if err := d.chargeEntry(i, unsafe.Sizeof("")+unsafe.Sizeof(zero)); err != nil {
			return err
		}
		key, err := d.mapKey()
		if err != nil {
			return in(err, "{key}")
		}
		*value = zero
		if err := p.elem.dec(d, unsafe.Pointer(value)); err != nil {
			return in(err, "{"+key+"}")
		}
		m[key] = *value
	}
}

// readAnyMap reads a map of anything, as dynamic values have it.
func readAnyMap(d *Decoder, p *Plan, at unsafe.Pointer) error {
	if d.pos < len(d.b) && isObject(d.b[d.pos]) {
		return d.mismatch("a map")
	}
	if err := d.beginGoMap(p, at); err != nil {
		return err
	}
	m := *(*map[any]any)(at)
	if err := d.beginMap(p.id, *(*unsafe.Pointer)(at)); err != nil {
		return err
	}
	for i := 0; ; i++ {
		if done, err := d.mapEnd(); done || err != nil {
			return err
		}
		if err := d.chargeEntry(i, 2*unsafe.Sizeof(any(nil))); err != nil {
			return err
		}
		key, err := d.any()
		if err != nil {
			return in(err, "{key}")
		}
		if !isKey(key) {
			return d.fail(KindType, d.pos, "%w", errOddKey)
		}
		value, err := d.any()
		if err != nil {
			return in(err, "{}")
		}
		m[key] = value
	}
}

// isKey tells whether a map can have that key.
func isKey(key any) bool {
	switch key.(type) {
	case nil, string, int32, int64, bool, float64:
		return true
	}
	return reflect.ValueOf(key).Comparable()
}

// writeStringMap writes the entries of a map from strings to V.
func writeStringMap[V any](e *Encoder, p *Plan, at unsafe.Pointer) error {
	value := new(V)
	for k, v := range *(*map[string]V)(at) {
		e.String(k)
		*value = v
		if err := p.elem.enc(e, unsafe.Pointer(value)); err != nil {
			return in(err, "{"+k+"}")
		}
	}
	return nil
}
