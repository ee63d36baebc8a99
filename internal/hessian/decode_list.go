package hessian

import (
	"reflect"
	"strconv"
	"unsafe"
)

// listHead reads the head of a list: how many elements it has, −1 where its end is marked, and the number of its type, −1
// where it has none. A list has no more elements than bytes are left, since each takes one.
func (d *Decoder) listHead() (n, typ int, err error) {
	at := d.pos
	if at >= len(d.b) {
		return 0, 0, d.short()
	}
	tag := d.b[at]
	if !isList(tag) {
		return 0, 0, d.mismatch("a list")
	}
	d.pos++
	typ = -1
	if tag <= tagListMax && tag != tagListVarAny && tag != tagListFixedAny {
		if typ, err = d.typeName(); err != nil {
			return 0, 0, err
		}
	}
	switch {
	case tag == tagListVar || tag == tagListVarAny:
		return -1, typ, nil
	case tag >= tagListAnyMin:
		n = int(tag - tagListAnyMin)
	case tag >= tagListMin:
		n = int(tag - tagListMin)
	default:
		length, err := d.integer("the length of a list")
		if err != nil {
			return 0, 0, err
		}
		if length < 0 || length > int64(len(d.b)-d.pos) {
			return 0, 0, d.fail(KindLimit, at, "a list of %d elements, with %d bytes left", length, len(d.b)-d.pos)
		}
		n = int(length)
	}
	return n, typ, nil
}

// listEnd tells whether a list without a length ends here, else it counts one more element.
func (d *Decoder) listEnd() (bool, error) {
	if d.pos >= len(d.b) {
		return false, d.short()
	}
	if d.b[d.pos] == tagEnd {
		d.pos++
		d.depth++
		return true, nil
	}
	return false, d.count(1)
}

// slice is the header of any slice.
type slice struct {
	data     unsafe.Pointer
	len, cap int
}

// enumSet reads the class as which a java.util.EnumSet travels (EnumSetHandler, in 3.2.13 and 4.0.4) into a slice or set:
// an object whose field "objects" is an array of the constants.
func (d *Decoder) enumSet(p *Plan, ptr unsafe.Pointer) error {
	class, at, err := d.objectHead(nil)
	if err != nil {
		return err
	}
	c, err := d.objectClass(class)
	if err != nil {
		return err
	}
	if c.name != packageIO+"EnumSetHandler" {
		return d.fail(KindType, at, "an object of %s where a list is wanted", c.name)
	}
	if _, err := d.newRef(at, 0, nil); err != nil {
		return err
	}
	if err := d.enter(); err != nil {
		return err
	}
	if err := d.count(len(c.fields)); err != nil {
		return err
	}
	for _, name := range c.fields {
		if name == "objects" {
			err = p.dec(d, ptr)
		} else {
			err = d.skip()
		}
		if err != nil {
			return err
		}
	}
	d.depth++
	return nil
}

// list reads a list into the slice at ptr.
func (d *Decoder) list(p *Plan, ptr unsafe.Pointer) error {
	at := d.pos
	n, _, err := d.listHead()
	if err != nil {
		return err
	}
	if n < 0 { // it can't be shared before its length is known
		number, err := d.newRef(at, 0, nil)
		if err != nil {
			return err
		}
		if err := d.endedList(p, ptr); err != nil {
			return err
		}
		if r := d.ref(number); r.ptr == nil {
			r.ptr, r.id = ptr, p.id
		}
		return nil
	}
	if _, err := d.newRef(at, p.id, ptr); err != nil {
		return err
	}
	if err := d.enter(); err != nil {
		return err
	}
	if err := d.count(n); err != nil {
		return err
	}
	size := p.elem.size
	if err := d.charge(n * int(size)); err != nil {
		return err
	}
	data := makeArray(p, n)
	*(*slice)(ptr) = slice{data, n, n}
	if p.elem.kind == kindString {
		return d.strings(n, data)
	}
	dec := p.elem.dec
	for i := range n {
		if err := dec(d, unsafe.Add(data, uintptr(i)*size)); err != nil {
			return in(err, "["+strconv.Itoa(i)+"]")
		}
	}
	d.depth++
	return nil
}

// endedList reads the elements of a list whose end is marked.
func (d *Decoder) endedList(p *Plan, ptr unsafe.Pointer) error {
	if err := d.enter(); err != nil {
		return err
	}
	*(*slice)(ptr) = slice{makeArray(p, 0), 0, 0}
	s := reflect.NewAt(p.rt, ptr).Elem()
	for i := 0; ; i++ {
		if done, err := d.listEnd(); done || err != nil {
			return err
		}
		if s.Cap() == i {
			if err := d.charge((i + 4) * int(p.elem.size)); err != nil {
				return err
			}
			s.Grow(i + 4)
		}
		s.SetLen(i + 1)
		if err := p.elem.dec(d, s.Index(i).Addr().UnsafePointer()); err != nil {
			return in(err, "["+strconv.Itoa(i)+"]")
		}
	}
}

// makeArray gives the memory of n elements of the slice type p. Types that are alike to the garbage collector are made by
// make itself, which is cheaper than reflection.
func makeArray(p *Plan, n int) unsafe.Pointer {
	switch p.elem.layout {
	case layoutPlain:
		return unsafe.Pointer(unsafe.SliceData(make([]uint64, (n*int(p.elem.size)+7)/8)))
	case layoutPointer:
		return unsafe.Pointer(unsafe.SliceData(make([]unsafe.Pointer, n)))
	case layoutString:
		return unsafe.Pointer(unsafe.SliceData(make([]string, n)))
	case layoutSlice:
		return unsafe.Pointer(unsafe.SliceData(make([][]byte, n)))
	case layoutAny:
		return unsafe.Pointer(unsafe.SliceData(make([]any, n)))
	}
	return reflect.MakeSlice(p.rt, n, n).UnsafePointer()
}

// layout is where a type's pointers are.
type layout uint8

const (
	layoutOther   layout = iota
	layoutPlain          // nowhere
	layoutPointer        // the value is one
	layoutString
	layoutSlice
	layoutAny
)

func layoutOf(rt reflect.Type) layout {
	switch rt.Kind() {
	case reflect.Pointer, reflect.Map:
		return layoutPointer
	case reflect.String:
		return layoutString
	case reflect.Slice:
		return layoutSlice
	case reflect.Interface:
		return layoutAny
	}
	if plain(rt) {
		return layoutPlain
	}
	return layoutOther
}

// plain tells whether a type holds no pointers.
func plain(rt reflect.Type) bool {
	switch k := rt.Kind(); k {
	case reflect.Array:
		return plain(rt.Elem())
	case reflect.Struct:
		for i := range rt.NumField() {
			if !plain(rt.Field(i).Type) {
				return false
			}
		}
		return true
	default:
		return k >= reflect.Bool && k <= reflect.Complex128
	}
}
