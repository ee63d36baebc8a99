package hessian

import (
	"fmt"
	"reflect"
)

// keyText gives the key of a map as text, as fmt shows it. Of a key that may hold other values it gives the type alone: a
// list can hold itself, and fmt would follow it until the stack ends, which nothing recovers from.
func keyText(key any) string {
	if s, ok := key.(fmt.Stringer); ok {
		return s.String()
	}
	switch reflect.ValueOf(key).Kind() {
	case reflect.Slice, reflect.Array, reflect.Map, reflect.Pointer, reflect.Struct, reflect.Interface:
		return fmt.Sprintf("%T", key)
	}
	return fmt.Sprint(key)
}
