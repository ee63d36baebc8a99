package hessian

import (
	"reflect"
	"strconv"
	"unsafe"
)

// javaNumbers are the Java types of Go's kinds: primitive and boxed.
func javaNumber(k reflect.Kind) (primitive, box string) {
	switch k {
	case reflect.Bool:
		return "boolean", "java.lang.Boolean"
	case reflect.Int8:
		return "byte", "java.lang.Byte"
	case reflect.Int16:
		return "short", "java.lang.Short"
	case reflect.Int32:
		return "int", "java.lang.Integer"
	case reflect.Int, reflect.Int64:
		return "long", "java.lang.Long"
	case reflect.Float32:
		return "float", "java.lang.Float"
	case reflect.Float64:
		return "double", "java.lang.Double"
	case reflect.Uint16:
		return "char", "java.lang.Character"
	}
	return "", ""
}

// number compiles booleans and numbers.
func (c *compiler) number(p *Plan) {
	p.kind = kindScalar
	p.java, _ = javaNumber(p.rt.Kind())
	switch p.rt.Kind() {
	case reflect.Bool:
		p.op = opBool
		p.dec = func(d *Decoder, at unsafe.Pointer) (err error) { *(*bool)(at), err = d.bool(); return }
		p.enc = func(e *Encoder, at unsafe.Pointer) error { e.Bool(*(*bool)(at)); return nil }
	case reflect.Int8:
		p.dec = func(d *Decoder, at unsafe.Pointer) (err error) { *(*int8)(at), err = d.int8(); return }
		p.enc = func(e *Encoder, at unsafe.Pointer) error { e.Int(int32(*(*int8)(at))); return nil }
	case reflect.Int16:
		p.dec = func(d *Decoder, at unsafe.Pointer) (err error) { *(*int16)(at), err = d.int16(); return }
		p.enc = func(e *Encoder, at unsafe.Pointer) error { e.Int(int32(*(*int16)(at))); return nil }
	case reflect.Int32:
		p.op = opInt32
		p.dec = func(d *Decoder, at unsafe.Pointer) (err error) { *(*int32)(at), err = d.int32(); return }
		p.enc = func(e *Encoder, at unsafe.Pointer) error { e.Int(*(*int32)(at)); return nil }
	case reflect.Int, reflect.Int64:
		p.op = opInt64
		p.dec = func(d *Decoder, at unsafe.Pointer) (err error) { *(*int64)(at), err = d.integer("a long"); return }
		p.enc = func(e *Encoder, at unsafe.Pointer) error { e.Long(*(*int64)(at)); return nil }
	case reflect.Float32:
		p.dec = func(d *Decoder, at unsafe.Pointer) error {
			v, err := d.float()
			*(*float32)(at) = float32(v)
			return err
		}
		p.enc = func(e *Encoder, at unsafe.Pointer) error { e.Double(float64(*(*float32)(at))); return nil }
	case reflect.Float64:
		p.op = opFloat64
		p.dec = func(d *Decoder, at unsafe.Pointer) (err error) { *(*float64)(at), err = d.float(); return }
		p.enc = func(e *Encoder, at unsafe.Pointer) error { e.Double(*(*float64)(at)); return nil }
	}
}

// An int is read and written as an int64: this doesn't compile where it is narrower.
var _ [strconv.IntSize - 64]struct{}

func stringPlan(p *Plan) {
	p.kind, p.op, p.java = kindString, opString, "java.lang.String"
	p.dec = func(d *Decoder, at unsafe.Pointer) (err error) { *(*string)(at), err = d.str(); return }
	p.enc = func(e *Encoder, at unsafe.Pointer) error { e.String(*(*string)(at)); return nil }
}

func bytesPlan(p *Plan) {
	p.kind, p.java = kindBytes, "byte[]"
	p.dec = func(d *Decoder, at unsafe.Pointer) (err error) { *(*[]byte)(at), err = d.binary(); return }
	p.enc = func(e *Encoder, at unsafe.Pointer) error {
		if b := *(*[]byte)(at); b != nil {
			e.Binary(b)
		} else {
			e.Null()
		}
		return nil
	}
}

// pointer compiles a pointer: to a scalar it is the boxed type, to a struct a reference.
func (c *compiler) pointer(p *Plan, path string) {
	p.kind = kindPointer
	p.elem = c.plan(p.rt.Elem(), path)
	if p.elem == nil {
		return
	}
	switch p.elem.kind {
	case kindPointer, kindSlice, kindMap, kindSet, kindBytes, kindAny:
		c.fault(path, "%v: a pointer to what can be nil itself", p.rt)
		return
	}
	p.class, p.java = p.elem.class, p.elem.java
	if _, box := javaNumber(p.elem.rt.Kind()); p.elem.kind == kindScalar {
		p.java = box
	}
	elem := p.elem
	if elem.kind == kindStruct {
		p.dec = func(d *Decoder, at unsafe.Pointer) (err error) { *(*unsafe.Pointer)(at), err = d.target(p); return }
		p.enc = func(e *Encoder, at unsafe.Pointer) error { return e.pointer(elem, *(*unsafe.Pointer)(at)) }
		return
	}
	p.dec = func(d *Decoder, at unsafe.Pointer) error {
		if err := d.definitions(nil); err != nil {
			return err
		}
		if d.pos < len(d.b) && d.b[d.pos] == tagNull {
			d.pos++
			return nil
		}
		if err := d.charge(allocated(elem.size)); err != nil {
			return err
		}
		v := elem.new()
		*(*unsafe.Pointer)(at) = v
		return elem.dec(d, v)
	}
	p.enc = func(e *Encoder, at unsafe.Pointer) error {
		v := *(*unsafe.Pointer)(at)
		if v == nil {
			e.Null()
			return nil
		}
		return elem.enc(e, v)
	}
}

// target reads an object, a reference to one or null for a pointer to a struct.
func (d *Decoder) target(p *Plan) (unsafe.Pointer, error) {
	if err := d.definitions(p.elem); err != nil {
		return nil, err
	}
	if d.pos >= len(d.b) {
		return nil, d.short()
	}
	switch tag := d.b[d.pos]; {
	case isObject(tag) || tag == tagMap || tag == tagMapAny:
		v, err := d.fresh(p.elem)
		if err != nil {
			return nil, err
		}
		return v, d.structure(p.elem, v)
	case tag == tagNull:
		d.pos++
		return nil, nil
	case tag == tagRef:
		v := new(unsafe.Pointer)
		err := d.refToShared(p, p.elem.id, unsafe.Pointer(v))
		return *v, err
	}
	return nil, d.mismatch(p.java)
}

// slice compiles a slice.
func (c *compiler) slice(p *Plan, path string) {
	if p.rt.Elem().Kind() == reflect.Uint8 {
		bytesPlan(p)
		return
	}
	if p.rt.Elem() == typeChar {
		charsPlan(p)
		return
	}
	p.kind, p.java = kindSlice, "java.util.List"
	p.elem = c.plan(p.rt.Elem(), path+"[]")
	if p.rt.Elem().Size() == 0 {
		c.fault(path+"[]", "%v has no fields", p.rt.Elem())
	}
	p.dec = func(d *Decoder, at unsafe.Pointer) error {
		if d.pos < len(d.b) {
			switch d.b[d.pos] {
			case tagNull:
				d.pos++
				return nil
			case tagRef:
				return d.refToSlice(p, at)
			}
			if isObject(d.b[d.pos]) {
				return d.enumSet(p, at)
			}
		}
		return d.list(p, at)
	}
	p.enc = func(e *Encoder, at unsafe.Pointer) error { return e.slice(p, (*slice)(at)) }
}

// structure compiles a struct.
func (c *compiler) structure(p *Plan, path string) {
	p.kind = kindStruct
	c.class(p, path)
	p.java = p.class
	c.fields(p, p.rt, 0, path, nil)
	floatsFirst(p.fields)
	p.definition = definition(p.class, p.fields)
	p.dec = func(d *Decoder, at unsafe.Pointer) error {
		switch tag, err := d.lead(p); {
		case err != nil || tag == tagNull:
			return err
		case tag == tagRef:
			return d.refToStruct(p, at)
		}
		return d.structure(p, at)
	}
	p.enc = func(e *Encoder, at unsafe.Pointer) error { return e.structure(p, at) }
}
