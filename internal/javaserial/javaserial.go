// Package javaserial writes values as java.io.ObjectOutputStream does, for signatures over arguments: those are over Java's own
// serialization (Java: org.apache.dubbo.auth.utils.SignatureUtils, 3.3.6).
//
// It knows what two JVMs agree on: String, the boxed numbers, boolean and char, arrays of primitives and of String, ArrayList and Date.
// Other classes are written with a number that the compiler makes of their Java source, which is not at hand.
package javaserial

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"
	"unicode/utf16"
)

// Char is a java.lang.Character.
type Char uint16

// Chars is a char[].
type Chars []uint16

// List is a java.util.ArrayList.
type List []any

// The stream's protocol (Java Object Serialization Specification, 6.4).
const (
	tcNull       = 0x70
	tcReference  = 0x71
	tcClassDesc  = 0x72
	tcObject     = 0x73
	tcString     = 0x74
	tcArray      = 0x75
	tcBlockData  = 0x77
	tcEndBlock   = 0x78
	tcLongString = 0x7c

	firstHandle = 0x7e0000

	plain       = 0x02 // SC_SERIALIZABLE
	writesMore  = 0x03 // and SC_WRITE_METHOD
	maxUTFBytes = 65535
)

// Identity says which equal Strings are one object: Java writes an object again as a reference.
type Identity bool

// Two equal Strings are distinct objects, as after decoding, or the same, as literals are.
const (
	Distinct Identity = false
	Interned Identity = true
)

// Marshal writes an Object[] of the values, each nil or of type string, bool, int8, int16, int32, int64, Char, float32, float64, []byte,
// []bool, []int16, []int32, []int64, Chars, []float32, []float64, []string, []*string (a nil is null), List or time.Time.
//
// Boxed values that Java keeps ready-made (booleans, and numbers from -128 to 127) are one object each.
func Marshal(values []any, identity Identity) ([]byte, error) {
	e := encoder{b: []byte{0xac, 0xed, 0, 5}, classes: map[string]int{}, cached: map[any]int{}, interned: bool(identity)}
	e.array("[Ljava.lang.Object;", 0x90ce589f1073296c, len(values))
	for i, v := range values {
		if err := e.value(v, 0); err != nil {
			return nil, fmt.Errorf("value %d of %d: %w", i+1, len(values), err)
		}
	}
	return e.b, nil
}

type encoder struct {
	b        []byte
	next     int            // the handles that were given out
	classes  map[string]int // handles
	cached   map[any]int    // handles of objects that are one in Java
	interned bool
}

func (e *encoder) handle() int { e.next++; return e.next - 1 }

func (e *encoder) reference(handle int) {
	e.b = binary.BigEndian.AppendUint32(append(e.b, tcReference), uint32(firstHandle+handle))
}

func (e *encoder) utf(s string) []byte {
	var out []byte
	for _, u := range utf16.Encode([]rune(s)) {
		switch {
		case u != 0 && u < 0x80:
			out = append(out, byte(u))
		case u < 0x800:
			out = append(out, 0xc0|byte(u>>6), 0x80|byte(u&0x3f))
		default:
			out = append(out, 0xe0|byte(u>>12), 0x80|byte(u>>6&0x3f), 0x80|byte(u&0x3f))
		}
	}
	return out
}

func (e *encoder) name(s string) {
	e.b = append(binary.BigEndian.AppendUint16(e.b, uint16(len(s))), s...)
}

// class writes a class: its fields are given by their type and name; super writes the one above.
func (e *encoder) class(name string, uid uint64, flags byte, field string, super func()) {
	if h, ok := e.classes[name]; ok {
		e.reference(h)
		return
	}
	e.b = append(e.b, tcClassDesc)
	e.name(name)
	e.b = binary.BigEndian.AppendUint64(e.b, uid)
	e.classes[name] = e.handle()
	e.b = append(e.b, flags)
	if field == "" {
		e.b = append(e.b, 0, 0)
	} else {
		e.b = append(e.b, 0, 1, field[0])
		e.name(field[1:])
	}
	e.b = append(e.b, tcEndBlock)
	if super == nil {
		e.b = append(e.b, tcNull)
		return
	}
	super()
}

func (e *encoder) number() { e.class("java.lang.Number", 0x86ac951d0b94e08b, plain, "", nil) }

func (e *encoder) array(class string, uid uint64, n int) {
	e.b = append(e.b, tcArray)
	e.class(class, uid, plain, "", nil)
	e.handle()
	e.b = binary.BigEndian.AppendUint32(e.b, uint32(n))
}

// object writes what stands before a boxed value; false where it is one that was written before.
func (e *encoder) object(v any, one bool, class string, uid uint64, field string, super func()) bool {
	if one {
		if h, ok := e.cached[v]; ok {
			e.reference(h)
			return false
		}
	}
	e.b = append(e.b, tcObject)
	e.class(class, uid, plain, field, super)
	h := e.handle()
	if one {
		e.cached[v] = h
	}
	return true
}

func (e *encoder) text(s string) {
	if e.interned {
		if h, ok := e.cached[s]; ok {
			e.reference(h)
			return
		}
	}
	b := e.utf(s)
	h := e.handle()
	if e.interned {
		e.cached[s] = h
	}
	if len(b) <= maxUTFBytes {
		e.b = binary.BigEndian.AppendUint16(append(e.b, tcString), uint16(len(b)))
	} else {
		e.b = binary.BigEndian.AppendUint64(append(e.b, tcLongString), uint64(len(b)))
	}
	e.b = append(e.b, b...)
}

const maxDepth = 64

func (e *encoder) value(v any, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("lists in lists deeper than %d", maxDepth)
	}
	switch v := v.(type) {
	case nil:
		e.b = append(e.b, tcNull)
	case string:
		e.text(v)
	case List:
		e.b = append(e.b, tcObject)
		e.class("java.util.ArrayList", 0x7881d21d99c7619d, writesMore, "Isize", nil)
		e.handle()
		e.b = binary.BigEndian.AppendUint32(e.b, uint32(len(v)))
		e.b = binary.BigEndian.AppendUint32(append(e.b, tcBlockData, 4), uint32(len(v)))
		for i, x := range v {
			if err := e.value(x, depth+1); err != nil {
				return fmt.Errorf("element %d: %w", i+1, err)
			}
		}
		e.b = append(e.b, tcEndBlock)
	case time.Time:
		e.b = append(e.b, tcObject)
		e.class("java.util.Date", 0x686a81014b597419, writesMore, "", nil)
		e.handle()
		e.b = binary.BigEndian.AppendUint64(append(e.b, tcBlockData, 8), uint64(v.UnixMilli()))
		e.b = append(e.b, tcEndBlock)
	default:
		if !e.boxed(v) && !e.arrays(v) {
			return fmt.Errorf("%T is written differently by every Java class: want a String, a number, a boolean, a char, a Date, an array or a list of those", v)
		}
	}
	return nil
}

// boxed writes the boxed primitives.
func (e *encoder) boxed(v any) bool {
	small := func(n int64) bool { return n >= -128 && n <= 127 }
	switch v := v.(type) {
	case bool:
		if e.object(v, true, "java.lang.Boolean", 0xcd207280d59cfaee, "Zvalue", nil) {
			e.b = append(e.b, flag(v))
		}
	case Char:
		if e.object(v, v <= 127, "java.lang.Character", 0x348b47d96b1a2678, "Cvalue", nil) {
			e.b = binary.BigEndian.AppendUint16(e.b, uint16(v))
		}
	case int8:
		if e.object(v, true, "java.lang.Byte", 0x9c4e6084ee50f51c, "Bvalue", e.number) {
			e.b = append(e.b, byte(v))
		}
	case int16:
		if e.object(v, small(int64(v)), "java.lang.Short", 0x684d37133460da52, "Svalue", e.number) {
			e.b = binary.BigEndian.AppendUint16(e.b, uint16(v))
		}
	case int32:
		if e.object(v, small(int64(v)), "java.lang.Integer", 0x12e2a0a4f7818738, "Ivalue", e.number) {
			e.b = binary.BigEndian.AppendUint32(e.b, uint32(v))
		}
	case int64:
		if e.object(v, small(v), "java.lang.Long", 0x3b8be490cc8f23df, "Jvalue", e.number) {
			e.b = binary.BigEndian.AppendUint64(e.b, uint64(v))
		}
	case float32:
		if e.object(v, false, "java.lang.Float", 0xdaedc9a2db3cf0ec, "Fvalue", e.number) {
			e.b = binary.BigEndian.AppendUint32(e.b, math.Float32bits(v))
		}
	case float64:
		if e.object(v, false, "java.lang.Double", 0x80b3c24a296bfb04, "Dvalue", e.number) {
			e.b = binary.BigEndian.AppendUint64(e.b, math.Float64bits(v))
		}
	default:
		return false
	}
	return true
}

func flag(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// arrays writes arrays of primitives and of String.
func (e *encoder) arrays(v any) bool {
	switch v := v.(type) {
	case []byte:
		e.array("[B", 0xacf317f8060854e0, len(v))
		e.b = append(e.b, v...)
	case []bool:
		each(e, "[Z", 0x578f203914b85de2, v, func(x bool) { e.b = append(e.b, flag(x)) })
	case Chars:
		each(e, "[C", 0xb02666b0e25d84ac, v, func(x uint16) { e.b = binary.BigEndian.AppendUint16(e.b, x) })
	case []int16:
		each(e, "[S", 0xef832e06e55db0fa, v, func(x int16) { e.b = binary.BigEndian.AppendUint16(e.b, uint16(x)) })
	case []int32:
		each(e, "[I", 0x4dba602676eab2a5, v, func(x int32) { e.b = binary.BigEndian.AppendUint32(e.b, uint32(x)) })
	case []int64:
		each(e, "[J", 0x782004b512b17593, v, func(x int64) { e.b = binary.BigEndian.AppendUint64(e.b, uint64(x)) })
	case []float32:
		each(e, "[F", 0x0b9c818922e00c42, v, func(x float32) { e.b = binary.BigEndian.AppendUint32(e.b, math.Float32bits(x)) })
	case []float64:
		each(e, "[D", 0x3ea68c14ab635a1e, v, func(x float64) { e.b = binary.BigEndian.AppendUint64(e.b, math.Float64bits(x)) })
	case []string:
		each(e, "[Ljava.lang.String;", 0xadd256e7e91d7b47, v, e.text)
	case []*string:
		each(e, "[Ljava.lang.String;", 0xadd256e7e91d7b47, v, func(x *string) {
			if x == nil {
				e.b = append(e.b, tcNull)
				return
			}
			e.text(*x)
		})
	default:
		return false
	}
	return true
}

func each[T any](e *encoder, class string, uid uint64, all []T, write func(T)) {
	e.array(class, uid, len(all))
	for _, x := range all {
		write(x)
	}
}
