package hessian

import (
	"reflect"
	"sync/atomic"
	"unsafe"
)

// Plan is the codec of one Go type: how a value of it is read and written, compiled once. Safe for concurrent use.
//
// A plan works on the memory of a variable of its type, so that no value on the way is boxed or reflected upon.
type Plan struct {
	id     uint32 // within the process of one Types; never 0
	rt     reflect.Type
	boxed  boxed // how an interface holds rt
	size   uintptr
	kind   kind
	op     opcode
	layout layout
	java   string // as a Java programmer would declare it
	class  string // of a struct, an enum or another value that is written as an object

	elem, key *Plan   // of a pointer, slice, set or map
	fields    []field // of a struct

	dec func(*Decoder, unsafe.Pointer) error
	enc func(*Encoder, unsafe.Pointer) error

	constant func(unsafe.Pointer) (string, error) // an enum's name

	definition []byte // of the class, as it is written
	last       atomic.Pointer[program]
	programs   atomic.Pointer[map[string]*program]

	byDefault bool // class was made from a package and the Go type's name
	named     bool // an enum or the like of the program's own, not of package java
}

// kind tells plans apart where their Go kinds don't.
type kind uint8

const (
	kindScalar  kind = iota + 1 // boolean, number, char
	kindString                  // string
	kindBytes                   // []byte
	kindValue                   // what is written as an object but is one value to Go: enum, decimal, java.time
	kindStruct                  // a class
	kindPointer                 // to any of those
	kindSlice                   // array or List
	kindSet                     // map[T]struct{}
	kindMap                     // Map
	kindAny                     // Object
)

// opcode says how a field is read and written. Most kinds have their plan called.
type opcode uint8

const (
	opSkip opcode = iota // a field that the Go type lacks
	opCall
	opBool
	opInt32
	opInt64
	opFloat64
	opString
)

// field is one field of a struct, of the structs embedded in it too.
type field struct {
	name string // Java's
	off  uintptr
	plan *Plan

	readOnly bool // not written
	via      *detour
}

// Type is the Go type that p reads and writes.
func (p *Plan) Type() reflect.Type { return p.rt }

// Java is the Java type that a method would declare for p: "int", "java.lang.Integer", "java.util.List", "byte[]",
// "org.example.Person", "java.lang.Object". For slices it is java.util.List, though arrays and other collections fit as well.
func (p *Plan) Java() string { return p.java }

// new gives the memory of a new variable of p's type.
func (p *Plan) new() unsafe.Pointer { return reflect.New(p.rt).UnsafePointer() }

// copy assigns the variable at from to the one at to.
func (p *Plan) copy(to, from unsafe.Pointer) {
	reflect.NewAt(p.rt, to).Elem().Set(reflect.NewAt(p.rt, from).Elem())
}

// box reads a new value of p's type.
func (d *Decoder) box(p *Plan) (any, error) {
	if p.kind == kindAny {
		return d.any()
	}
	if p.kind == kindPointer && p.elem != nil && p.elem.kind == kindStruct {
		v, err := d.target(p)
		if err != nil {
			return nil, err
		}
		return p.boxed.wrap(v), nil
	}
	if p.boxed.direct {
		var word unsafe.Pointer
		if err := p.dec(d, unsafe.Pointer(&word)); err != nil {
			return nil, err
		}
		return p.boxed.wrap(word), nil
	}
	if err := d.charge(allocated(p.size)); err != nil {
		return nil, err
	}
	ptr := p.new()
	if err := p.dec(d, ptr); err != nil {
		return nil, err
	}
	return p.boxed.wrap(ptr), nil
}
