package hessian

import (
	"reflect"
	"unsafe"
)

// boxed is how an interface without methods holds a type: two words, the type's own and either the value itself, where it
// is one pointer, or a pointer to it. That layout is what Go's reflect and sync/atomic rely on too; here it saves a copy
// of every value that goes in or out as any.
type boxed struct {
	typ    unsafe.Pointer
	direct bool // the second word is the value
}

type words2 struct{ typ, data unsafe.Pointer }

// boxedAs finds out how an interface holds rt.
func boxedAs(rt reflect.Type) boxed {
	zero := reflect.Zero(rt).Interface()
	return boxed{(*words2)(unsafe.Pointer(&zero)).typ, isDirect(rt)}
}

func isDirect(rt reflect.Type) bool {
	switch rt.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Chan, reflect.Func, reflect.UnsafePointer:
		return true
	case reflect.Struct:
		return rt.NumField() == 1 && isDirect(rt.Field(0).Type)
	case reflect.Array:
		return rt.Len() == 1 && isDirect(rt.Elem())
	}
	return false
}

// wrap makes an interface from its second word.
func (b boxed) wrap(data unsafe.Pointer) (v any) {
	*(*words2)(unsafe.Pointer(&v)) = words2{b.typ, data}
	return v
}

// unwrap gives a pointer to the value that v holds, which must not be written to.
func (b boxed) unwrap(v any) unsafe.Pointer {
	data := boxedData(v)
	if b.direct {
		word := data
		return unsafe.Pointer(&word)
	}
	return data
}

// boxedType gives the first word of an interface.
func boxedType(v any) unsafe.Pointer { return (*words2)(unsafe.Pointer(&v)).typ }

// boxedData gives the second.
func boxedData(v any) unsafe.Pointer { return (*words2)(unsafe.Pointer(&v)).data }
