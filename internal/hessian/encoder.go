package hessian

import (
	"unsafe"
)

// Encoder appends values to a buffer. It never changes what it writes. Not safe for concurrent use; its memory is reused
// from Reset to Reset.
type Encoder struct {
	b       []byte
	t       *Types
	depth   int
	classes []writtenClass
	types   []writtenType
	dynamic map[string]uint32 // ids of the classes of *java.Object, by class and fields
	shared  sharing
	begun   []uint32 // where the lists, maps and objects begin in b
}

type writtenClass struct {
	id uint32 // of the plan, or from dynamic
	at uint32 // where in b its definition is
}

type writtenType struct {
	name string
	at   uint32
}

// Reset makes e append to buf, with the plans of t.
func (e *Encoder) Reset(t *Types, buf []byte) {
	e.b, e.t, e.depth = buf, t, 0
	e.classes, e.types, e.begun = e.classes[:0], e.types[:0], e.begun[:0]
	clear(e.dynamic)
	e.shared.reset()
}

// Bytes is the buffer with all that was appended; valid until Reset.
func (e *Encoder) Bytes() []byte { return e.b }

// Len is the length of Bytes.
func (e *Encoder) Len() int { return len(e.b) }

// Truncate drops what was written after length n, to leave out a value that failed.
func (e *Encoder) Truncate(n int) {
	if n < 0 || n >= len(e.b) {
		return
	}
	e.b, e.depth = e.b[:n], 0
	for len(e.classes) > 0 && int(e.classes[len(e.classes)-1].at) >= n {
		e.classes = e.classes[:len(e.classes)-1]
	}
	for len(e.types) > 0 && int(e.types[len(e.types)-1].at) >= n {
		e.types = e.types[:len(e.types)-1]
	}
	for len(e.begun) > 0 && int(e.begun[len(e.begun)-1]) >= n {
		e.begun = e.begun[:len(e.begun)-1]
	}
	e.shared.truncate(len(e.begun))
}

// MapBegin begins a map of that class, HashMap for "". Keys and values follow in turn, then MapEnd.
func (e *Encoder) MapBegin(class string) {
	e.begin()
	if class == "" {
		e.b = append(e.b, tagMapAny)
		return
	}
	e.b = append(e.b, tagMap)
	e.typeName(class)
}

// MapEnd ends a map.
func (e *Encoder) MapEnd() { e.b = append(e.b, tagEnd) }

// Encode writes v, which is of p.Type(). After an error part of it has been written.
func (e *Encoder) Encode(p *Plan, v any) error {
	if v == nil {
		e.Null()
		return nil
	}
	if p.kind == kindAny {
		return e.any(v)
	}
	if got := boxedType(v); got != p.boxed.typ {
		return encodeError(KindType, "a %T where %v is wanted", v, p.rt)
	}
	if p.kind == kindPointer && p.elem != nil && p.elem.kind == kindStruct {
		return in(e.pointer(p.elem, boxedData(v)), typeText(p.rt))
	}
	return in(p.enc(e, p.boxed.unwrap(v)), typeText(p.rt))
}

// Value writes a value of any type: what Decoder.Value gives, registered types, and others that can be registered as they
// are. After an error part of it has been written.
func (e *Encoder) Value(v any) error { return e.any(v) }

// begin numbers a list, map or object.
func (e *Encoder) begin() { e.begun = append(e.begun, uint32(len(e.b))) }

// seen writes a reference where the value at ptr has been written by the plan with that id, else it numbers it.
func (e *Encoder) seen(ptr unsafe.Pointer, id uint32) bool {
	n, found := e.shared.add(ptr, id, len(e.begun))
	if found {
		e.b = append(e.b, tagRef)
		e.Int(int32(n))
		return true
	}
	e.begin()
	return false
}

// enter goes one level deeper. Every enter that succeeds is followed by e.depth--.
func (e *Encoder) enter() error {
	if e.depth >= maxEncodeDepth {
		return encodeError(KindLimit, "values nest deeper than %d", maxEncodeDepth)
	}
	e.depth++
	return nil
}

// maxEncodeDepth is Limits.Depth's default, so that what is written can be read.
const maxEncodeDepth = defaultDepth

// typeName writes the type of a list or map: its text, or its number if it was written before.
func (e *Encoder) typeName(name string) {
	for i := range e.types {
		if e.types[i].name == name {
			e.Int(int32(i))
			return
		}
	}
	e.types = append(e.types, writtenType{name, uint32(len(e.b))})
	e.String(name)
}

// listHead writes the head of a list of n elements.
func (e *Encoder) listHead(class string, n int) {
	direct := n <= tagListMax-tagListMin
	switch {
	case class == "" && direct:
		e.b = append(e.b, tagListAnyMin+byte(n))
		return
	case class == "":
		e.b = append(e.b, tagListFixedAny)
	case direct:
		e.b = append(e.b, tagListMin+byte(n))
		e.typeName(class)
		return
	default:
		e.b = append(e.b, tagListFixed)
		e.typeName(class)
	}
	e.Int(int32(n))
}

// class writes a class definition, if the class of that id hasn't been written, and an object's tag.
func (e *Encoder) class(id uint32, definition []byte) {
	n := -1
	for i := range e.classes {
		if e.classes[i].id == id {
			n = i
			break
		}
	}
	if n < 0 {
		n = len(e.classes)
		e.classes = append(e.classes, writtenClass{id, uint32(len(e.b))})
		e.b = append(e.b, definition...)
	}
	if n <= tagObjectMax-tagObjectMin {
		e.b = append(e.b, tagObjectMin+byte(n))
		return
	}
	e.b = append(e.b, tagObject)
	e.Int(int32(n))
}

// object begins an object of p's class that no one refers to; its fields follow.
func (e *Encoder) object(p *Plan) {
	e.begin()
	e.class(p.id, p.definition)
}
