package auth

import (
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/dubbofn/dubbofn/internal/javaserial"
	"github.com/dubbofn/dubbofn/internal/javatype"
	"github.com/dubbofn/dubbofn/invoker"
)

// arguments gives a call's arguments as Java's serialization has them.
func arguments(inv *invoker.Invocation) ([]any, error) {
	each, ok := javatype.Parameters(inv.Descriptor)
	if !ok || len(each) != len(inv.Args) {
		each = make([]string, len(inv.Args)) // the Go types must say
	}
	values := make([]any, len(inv.Args), len(inv.Args)+1)
	for i, a := range inv.Args {
		v, err := argument(each[i], reflect.ValueOf(a))
		if err == nil && v == nil {
			err = errors.New("null can't be signed, in Java neither")
		}
		if err != nil {
			return nil, fmt.Errorf("signature over the arguments: argument %d of %d of %s: %w", i+1, len(inv.Args), inv.Method, err)
		}
		values[i] = v
	}
	return values, nil
}

// argument gives one value, of a Java type as the JVM writes it, "" for whatever its Go type says.
func argument(java string, v reflect.Value) (any, error) {
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		if v.IsNil() {
			return nil, nil
		}
		v = v.Elem()
	}
	if !v.IsValid() {
		return nil, nil
	}
	if t, ok := v.Interface().(time.Time); ok && (java == "" || java == "Ljava/util/Date;" || java == "Ljava/lang/Object;") {
		return t, nil
	}
	switch v.Kind() {
	case reflect.String:
		return v.String(), nil
	case reflect.Bool:
		return v.Bool(), nil
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Int:
		return whole(java, v)
	case reflect.Uint16:
		return javaserial.Char(v.Uint()), nil
	case reflect.Float32:
		return float32(v.Float()), nil
	case reflect.Float64:
		return v.Float(), nil
	case reflect.Slice, reflect.Array:
		return several(java, v)
	default:
	}
	return nil, fmt.Errorf("its class (%v) is serialized differently by every JVM's own: only Strings, numbers, booleans, chars, Dates, and arrays and lists of those can be signed", v.Type())
}

// whole gives a whole number the width that Java declared.
func whole(java string, v reflect.Value) (any, error) {
	n := v.Int()
	switch java {
	case "B", "Ljava/lang/Byte;":
		return int8(n), nil
	case "S", "Ljava/lang/Short;":
		return int16(n), nil
	case "I", "Ljava/lang/Integer;":
		return int32(n), nil
	case "J", "Ljava/lang/Long;":
		return n, nil
	}
	switch v.Kind() {
	case reflect.Int8:
		return int8(n), nil
	case reflect.Int16:
		return int16(n), nil
	case reflect.Int32:
		return int32(n), nil
	default:
		return n, nil
	}
}

// several gives an array of primitives or of String, or a list.
func several(java string, v reflect.Value) (any, error) {
	to := map[string]reflect.Type{
		"[B": reflect.TypeFor[[]byte](), "[Z": reflect.TypeFor[[]bool](), "[C": reflect.TypeFor[javaserial.Chars](), "[S": reflect.TypeFor[[]int16](),
		"[I": reflect.TypeFor[[]int32](), "[J": reflect.TypeFor[[]int64](), "[F": reflect.TypeFor[[]float32](), "[D": reflect.TypeFor[[]float64](),
	}[java]
	switch {
	case to == nil && java == "" && v.Type().Elem().Kind() == reflect.Uint8:
		to = reflect.TypeFor[[]byte]()
	case java == "[Ljava/lang/String;":
		all := make([]*string, v.Len())
		for i := range all {
			x, err := argument("Ljava/lang/String;", v.Index(i))
			if s, ok := x.(string); ok {
				all[i] = &s
			} else if x != nil || err != nil {
				return nil, fmt.Errorf("element %d is no String", i+1)
			}
		}
		return all, nil
	case java == "Ljava/util/List;" || java == "Ljava/util/ArrayList;" || java == "Ljava/util/Collection;" || java == "Ljava/lang/Object;":
		if v.Kind() == reflect.Slice && v.IsNil() {
			return nil, nil
		}
		list := javaserial.List{}
		for i := range v.Len() {
			x, err := argument("", v.Index(i))
			if err != nil {
				return nil, fmt.Errorf("element %d: %w", i+1, err)
			}
			list = append(list, x)
		}
		return list, nil
	case to == nil:
		return nil, fmt.Errorf("%v is an array or a list: declare the method's Java types (client.Method)", v.Type())
	}
	if v.Kind() == reflect.Slice && v.IsNil() {
		return nil, nil
	}
	out := reflect.MakeSlice(to, v.Len(), v.Len())
	for i := range v.Len() {
		if !v.Index(i).CanConvert(to.Elem()) {
			return nil, fmt.Errorf("%v is no %s", v.Type(), javatype.Name(java))
		}
		out.Index(i).Set(v.Index(i).Convert(to.Elem()))
	}
	return out.Interface(), nil
}
