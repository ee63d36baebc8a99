package oracle

import (
	"encoding"
	"fmt"
	"reflect"
)

// maxDepth bounds how deep assign follows a value: a list that holds itself has no end.
const maxDepth = 512

// assign puts v, as the library made it, into to, which is addressable.
func assign(to reflect.Value, v any, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("nesting deeper than %d", maxDepth)
	}
	if v == nil {
		to.SetZero()
		return nil
	}
	from := reflect.ValueOf(v)
	if from.Type().AssignableTo(to.Type()) {
		to.Set(from)
		return nil
	}
	if text, ok := to.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if s, ok := v.(fmt.Stringer); ok { // the library's BigDecimal and BigInteger
			return text.UnmarshalText([]byte(s.String()))
		}
	}
	switch {
	case to.Kind() == reflect.Pointer:
		p := reflect.New(to.Type().Elem())
		if err := assign(p.Elem(), v, depth+1); err != nil {
			return err
		}
		to.Set(p)
		return nil
	case from.Kind() == reflect.Pointer:
		if from.IsNil() {
			to.SetZero()
			return nil
		}
		return assign(to, from.Elem().Interface(), depth+1)
	case to.Kind() == reflect.Slice && from.Kind() == reflect.Slice:
		return assignSlice(to, from, depth)
	case to.Kind() == reflect.Map && from.Kind() == reflect.Map:
		return assignMap(to, from, depth)
	}
	return assignScalar(to, from)
}

func assignSlice(to, from reflect.Value, depth int) error {
	s := reflect.MakeSlice(to.Type(), from.Len(), from.Len())
	for i := range from.Len() {
		if err := assign(s.Index(i), from.Index(i).Interface(), depth+1); err != nil {
			return fmt.Errorf("[%d]: %w", i, err)
		}
	}
	to.Set(s)
	return nil
}

func assignMap(to, from reflect.Value, depth int) error {
	t := to.Type()
	m := reflect.MakeMapWithSize(t, from.Len())
	for it := from.MapRange(); it.Next(); {
		k, v := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
		if err := assign(k, it.Key().Interface(), depth+1); err != nil {
			return fmt.Errorf("a key: %w", err)
		}
		if err := assign(v, it.Value().Interface(), depth+1); err != nil {
			return fmt.Errorf("[%v]: %w", it.Key(), err)
		}
		m.SetMapIndex(k, v)
	}
	to.Set(m)
	return nil
}

// assignScalar converts between kinds where nothing is lost: the library reads byte and short as int32, float as float64.
func assignScalar(to, from reflect.Value) error {
	misfit := fmt.Errorf("a %s does not fit %s", from.Type(), to.Type())
	switch {
	case to.CanInt() && from.CanInt():
		if to.OverflowInt(from.Int()) {
			return fmt.Errorf("%d does not fit %s", from.Int(), to.Type())
		}
		to.SetInt(from.Int())
	case to.CanUint() && from.CanInt():
		if from.Int() < 0 || to.OverflowUint(uint64(from.Int())) {
			return fmt.Errorf("%d does not fit %s", from.Int(), to.Type())
		}
		to.SetUint(uint64(from.Int()))
	case to.CanFloat() && from.CanFloat():
		to.SetFloat(from.Float())
	case to.Kind() == from.Kind() && (to.Kind() == reflect.String || to.Kind() == reflect.Bool):
		to.Set(from.Convert(to.Type()))
	default:
		return misfit
	}
	return nil
}
