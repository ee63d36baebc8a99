package hessian

import (
	"strconv"
	"unsafe"
)

// pointer writes what a pointer to a struct points to, or a reference to it if it was written before.
func (e *Encoder) pointer(p *Plan, ptr unsafe.Pointer) error {
	if ptr == nil {
		e.Null()
		return nil
	}
	if p.size == 0 { // all such structs have one address
		return e.structure(p, ptr)
	}
	if e.seen(ptr, p.id) {
		return nil
	}
	return e.instance(p, ptr)
}

// structure writes a struct that is no pointer's target.
func (e *Encoder) structure(p *Plan, ptr unsafe.Pointer) error {
	e.begin()
	return e.instance(p, ptr)
}

// instance writes an object.
func (e *Encoder) instance(p *Plan, ptr unsafe.Pointer) error {
	if err := e.enter(); err != nil {
		return err
	}
	e.class(p.id, p.definition)
	for i := range p.fields {
		f := &p.fields[i]
		if f.readOnly {
			continue
		}
		at := unsafe.Add(ptr, f.off)
		switch f.plan.op {
		case opString:
			e.String(*(*string)(at))
		case opInt32:
			e.Int(*(*int32)(at))
		case opInt64:
			e.Long(*(*int64)(at))
		case opBool:
			e.Bool(*(*bool)(at))
		case opFloat64:
			e.Double(*(*float64)(at))
		default:
			if err := f.plan.enc(e, at); err != nil {
				return in(err, "."+f.name)
			}
		}
	}
	e.depth--
	return nil
}

// slice writes a slice as a list without a type, which Java reads as whatever array or collection it expects.
func (e *Encoder) slice(p *Plan, s *slice) error {
	if s.data == nil {
		e.Null()
		return nil
	}
	if s.len == 0 || p.elem.layout == layoutPlain || p.elem.layout == layoutString {
		e.begin()
	} else if e.seen(s.data, p.id) { // elements that refer to others may lead back here
		return nil
	}
	if err := e.enter(); err != nil {
		return err
	}
	e.listHead("", s.len)
	if p.elem.op == opString {
		for _, s := range unsafe.Slice((*string)(s.data), s.len) {
			e.String(s)
		}
		e.depth--
		return nil
	}
	enc, size := p.elem.enc, p.elem.size
	for i := range s.len {
		if err := enc(e, unsafe.Add(s.data, uintptr(i)*size)); err != nil {
			return in(err, "["+strconv.Itoa(i)+"]")
		}
	}
	e.depth--
	return nil
}
