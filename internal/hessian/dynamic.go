package hessian

import (
	"time"
	"unsafe"

	"github.com/dubbofn/dubbofn/java"
)

// anyPlan compiles any: a value of whatever type comes.
func anyPlan(p *Plan) {
	p.kind, p.java = kindAny, "java.lang.Object"
	p.dec = func(d *Decoder, at unsafe.Pointer) (err error) { *(*any)(at), err = d.any(); return }
	p.enc = func(e *Encoder, at unsafe.Pointer) error { return e.any(*(*any)(at)) }
}

// dynamicPlan compiles one of package java's types for values of classes without a Go type; T is java.Object, List or Map.
func dynamicPlan[T any](p *Plan, javaName string, read func(*Decoder) (*T, error), write func(*Encoder, *T) error) {
	p.kind, p.java = kindPointer, javaName
	p.dec = func(d *Decoder, at unsafe.Pointer) error {
		switch tag, err := d.lead(nil); {
		case err != nil || tag == tagNull:
			return err
		case tag == tagRef:
			return d.refToShared(p, p.id, at)
		}
		v, err := read(d)
		*(**T)(at) = v
		return err
	}
	p.enc = func(e *Encoder, at unsafe.Pointer) error {
		v := *(**T)(at)
		if v == nil {
			e.Null()
			return nil
		}
		if e.seen(unsafe.Pointer(v), p.id) {
			return nil
		}
		if err := e.enter(); err != nil {
			return err
		}
		if err := write(e, v); err != nil {
			return err
		}
		e.depth--
		return nil
	}
}

// any reads a value of whatever type it says it is.
func (d *Decoder) any() (any, error) {
	if err := d.definitions(nil); err != nil {
		return nil, err
	}
	if d.pos >= len(d.b) {
		return nil, d.short()
	}
	switch tag := d.b[d.pos]; {
	case tag == tagNull:
		d.pos++
		return nil, nil
	case tag == tagTrue || tag == tagFalse:
		d.pos++
		return tag == tagTrue, nil
	case isString(tag):
		s, err := d.str()
		if err == nil {
			err = d.charge(int(unsafe.Sizeof(s)))
		}
		return s, err
	case isBinary(tag):
		b, err := d.binary()
		if err == nil {
			err = d.charge(int(unsafe.Sizeof(b)))
		}
		return b, err
	case isObject(tag):
		return d.anyObject()
	case isList(tag):
		return d.anyList()
	case tag == tagMap || tag == tagMapAny:
		return d.anyMap()
	case tag == tagRef:
		return d.anyRef()
	case tag == tagDate || tag == tagDateMinute:
		ms, _, err := d.millis()
		if err == nil {
			err = d.charge(int(unsafe.Sizeof(time.Time{})))
		}
		return time.UnixMilli(ms).UTC(), err
	}
	return d.anyNumber()
}

// anyNumber reads an int, a long or a double.
func (d *Decoder) anyNumber() (any, error) {
	if err := d.charge(8); err != nil {
		return nil, err
	}
	switch tag := d.b[d.pos]; {
	case tag == tagInt || tag >= tagIntMin && tag <= tagInt3Max:
		v, err := d.integer("")
		return int32(v), err
	case numberSize[tag] != 0:
		v, err := d.integer("")
		return v, err
	}
	v, err := d.float()
	return v, err
}

// anyObject reads an object: as a pointer to the struct, or the value, registered for its class, else as a *java.Object.
func (d *Decoder) anyObject() (any, error) {
	class, at, err := d.objectHead(nil)
	if err != nil {
		return nil, err
	}
	d.pos = at
	c, err := d.objectClass(class)
	if err != nil {
		return nil, err
	}
	if p := d.t.class(c.name); p != nil && !(d.asObjects && d.madeOfFields(p)) {
		return d.box(p)
	}
	return orNil(d.objectInstance())
}

// madeOfFields tells of the plans whose instances Object gives as *java.Object.
func (d *Decoder) madeOfFields(p *Plan) bool {
	return p.kind == kindPointer && p.elem != nil && p.elem.kind == kindStruct || p.named
}

// orNil makes an any that is nil where there is an error.
func orNil[T any](v *T, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return v, nil
}

// objectInstance reads an object as it comes.
func (d *Decoder) objectInstance() (*java.Object, error) {
	class, at, err := d.objectHead(nil)
	if err != nil {
		return nil, err
	}
	c, err := d.objectClass(class)
	if err != nil {
		return nil, err
	}
	o := (*java.Object)(nil)
	if d.next < d.refs {
		o = (*java.Object)(d.known(d.next, d.t.object.id))
	}
	if o == nil {
		if err := d.charge(allocated(unsafe.Sizeof(*o)) + allocated(uintptr(len(c.fields))*unsafe.Sizeof(java.Field{}))); err != nil {
			return nil, err
		}
		o = &java.Object{Class: c.name, Fields: make([]java.Field, len(c.fields))}
	}
	if _, err := d.newRef(at, d.t.object.id, unsafe.Pointer(o)); err != nil {
		return nil, err
	}
	if err := d.enter(); err != nil {
		return nil, err
	}
	if err := d.count(len(c.fields)); err != nil {
		return nil, err
	}
	for i, name := range c.fields {
		v, err := d.any()
		if err != nil {
			return nil, in(err, "."+name)
		}
		o.Fields[i] = java.Field{Name: name, Value: v}
	}
	d.depth++
	return o, nil
}

// anyList reads a list: untyped ones as []any, primitive arrays as Go's, others as *java.List.
func (d *Decoder) anyList() (any, error) {
	begin := d.pos
	n, typ, err := d.listHead()
	if err != nil {
		return nil, err
	}
	class := ""
	if typ >= 0 {
		if class, err = d.typeText(typ); err != nil {
			return nil, err
		}
	}
	if class == "" || class == "java.util.ArrayList" { // 3.2.13 names it, 4.0.4 doesn't
		if n == 0 {
			_, err := d.newRef(begin, 0, nil)
			return emptyList, err
		}
		d.pos = begin
		return d.box(d.t.list)
	}
	d.pos = begin
	if p := d.t.arrays[class]; p != nil {
		return d.box(p)
	}
	return orNil(d.typedList())
}

// emptyList is shared: an empty list takes one byte of the wire and should take none here.
var emptyList any = []any{}

// typedList reads a list whose class is kept.
func (d *Decoder) typedList() (*java.List, error) {
	begin := d.pos
	n, typ, err := d.listHead()
	if err != nil {
		return nil, err
	}
	l := (*java.List)(nil)
	if d.next < d.refs {
		l = (*java.List)(d.known(d.next, d.t.typedList.id))
	}
	if l == nil {
		if err := d.charge(allocated(unsafe.Sizeof(*l))); err != nil {
			return nil, err
		}
		l = &java.List{}
		if typ >= 0 {
			if l.Class, err = d.typeText(typ); err != nil {
				return nil, err
			}
		}
	}
	if _, err := d.newRef(begin, d.t.typedList.id, unsafe.Pointer(l)); err != nil {
		return nil, err
	}
	return l, d.items(n, l)
}

// items reads n values, or up to the end where n is −1.
func (d *Decoder) items(n int, l *java.List) error {
	if n < 0 {
		return d.endedList(d.t.list, unsafe.Pointer(&l.Items))
	}
	if err := d.enter(); err != nil {
		return err
	}
	if err := d.count(n); err != nil {
		return err
	}
	if err := d.charge(n * int(unsafe.Sizeof(any(nil)))); err != nil {
		return err
	}
	l.Items = make([]any, n)
	for i := range l.Items {
		v, err := d.any()
		if err != nil {
			return in(err, "[]")
		}
		l.Items[i] = v
	}
	d.depth++
	return nil
}

// anyMap reads a map: as map[any]any where that keeps all there is, as the struct registered for its class, else as *java.Map.
func (d *Decoder) anyMap() (any, error) {
	begin, next, values, alloc, depth := d.pos, d.next, d.values, d.alloc, d.depth
	class := ""
	if d.b[d.pos] == tagMap {
		d.pos++
		typ, err := d.typeName()
		if err != nil {
			return nil, err
		}
		if class, err = d.typeText(typ); err != nil {
			return nil, err
		}
		d.pos = begin
	}
	switch class {
	case "", "java.util.HashMap", "java.util.LinkedHashMap":
		v := new(map[any]any)
		err := d.charge(8)
		if err == nil {
			err = readMap(d, d.t.table, unsafe.Pointer(v))
		}
		if !isOddKey(err) {
			return *v, err
		}
		d.pos, d.next, d.values, d.alloc, d.depth = begin, next, values, alloc, depth
	default:
		if p := d.t.class(class); p != nil && p.kind == kindPointer && p.elem.kind == kindStruct && !d.asObjects {
			return d.box(p)
		}
	}
	return orNil(d.typedMap())
}

// typedMap reads a map whose class, order or keys are kept.
func (d *Decoder) typedMap() (*java.Map, error) {
	begin := d.pos
	m := (*java.Map)(nil)
	if d.next < d.refs {
		m = (*java.Map)(d.known(d.next, d.t.typedMap.id))
	}
	if m == nil {
		if err := d.charge(allocated(unsafe.Sizeof(*m))); err != nil {
			return nil, err
		}
		m = &java.Map{}
	}
	if err := d.beginMap(d.t.typedMap.id, unsafe.Pointer(m)); err != nil {
		return nil, err
	}
	if d.b[begin] == tagMap {
		end := d.pos
		d.pos = begin + 1
		typ, err := d.typeName()
		if err != nil {
			return nil, err
		}
		d.pos = end
		if m.Class, err = d.typeText(typ); err != nil {
			return nil, err
		}
	}
	m.Entries = nil
	for {
		if done, err := d.mapEnd(); done || err != nil {
			return m, err
		}
		if err := d.charge(2 * int(unsafe.Sizeof(java.Entry{}))); err != nil {
			return nil, err
		}
		key, err := d.any()
		if err != nil {
			return nil, in(err, "{key}")
		}
		value, err := d.any()
		if err != nil {
			return nil, in(err, "{}")
		}
		m.Entries = append(m.Entries, java.Entry{Key: key, Value: value})
	}
}

// anyRef reads a reference: to what was read already, where any would have read it so, else by reading it again.
func (d *Decoder) anyRef() (any, error) {
	n, err := d.refNumber()
	if err != nil {
		return nil, err
	}
	for _, p := range []*Plan{d.t.object, d.t.typedList, d.t.typedMap, d.t.table} {
		if ptr := d.known(n, p.id); ptr != nil {
			return p.boxed.wrap(ptr), nil
		}
	}
	if ptr := d.known(n, d.t.list.id); ptr != nil {
		return *(*[]any)(ptr), nil
	}
	if p := d.registered(n); p != nil {
		if ptr := d.known(n, p.elem.id); ptr != nil {
			return p.boxed.wrap(ptr), nil
		}
	}
	var v any
	err = d.again(n, d.t.any, unsafe.Pointer(&v))
	return v, err
}

// registered gives the plan of the pointer to the struct that any would read value number n as.
func (d *Decoder) registered(n int) *Plan {
	if d.asObjects {
		return nil
	}
	pos := d.pos
	defer func() { d.pos = pos }()
	d.pos = int(d.ref(n).off &^ doneBit)
	if !isObject(d.b[d.pos]) {
		return nil
	}
	class, _, err := d.objectHead(nil)
	if err != nil {
		return nil
	}
	c, err := d.objectClass(class)
	if err != nil {
		return nil
	}
	p := d.t.class(c.name)
	if p == nil || p.kind != kindPointer || p.elem == nil || p.elem.kind != kindStruct {
		return nil
	}
	return p
}
