package hessian

import (
	"errors"
	"reflect"
	"unsafe"
)

// mapOrSet compiles a map, or a set if its values are struct{}.
func (c *compiler) mapOrSet(p *Plan, path string) {
	p.key = c.plan(p.rt.Key(), path+"{key}")
	if p.rt.Elem().Kind() == reflect.Struct && p.rt.Elem().NumField() == 0 {
		p.kind, p.java = kindSet, "java.util.Set"
		p.dec = func(d *Decoder, at unsafe.Pointer) error { return d.shared(p, at, d.set) }
		p.enc = func(e *Encoder, at unsafe.Pointer) error { return e.set(p, *(*unsafe.Pointer)(at), at) }
		return
	}
	p.kind, p.java = kindMap, "java.util.Map"
	p.elem = c.plan(p.rt.Elem(), path+"{}")
	read, write := commonMap(p.rt)
	if read == nil {
		read, write = readMap, writeMap
	}
	p.dec = func(d *Decoder, at unsafe.Pointer) error {
		return d.shared(p, at, func(p *Plan, at unsafe.Pointer) error { return read(d, p, at) })
	}
	p.enc = func(e *Encoder, at unsafe.Pointer) error {
		m := *(*unsafe.Pointer)(at)
		if m == nil {
			e.Null()
			return nil
		}
		if e.seen(m, p.id) {
			return nil
		}
		if err := e.enter(); err != nil {
			return err
		}
		e.b = append(e.b, tagMapAny)
		if err := write(e, p, at); err != nil {
			return err
		}
		e.b = append(e.b, tagEnd)
		e.depth--
		return nil
	}
}

// shared reads null, a reference or, by read, a map or set into the map variable at.
func (d *Decoder) shared(p *Plan, at unsafe.Pointer, read func(*Plan, unsafe.Pointer) error) error {
	if d.pos < len(d.b) {
		switch d.b[d.pos] {
		case tagNull:
			d.pos++
			return nil
		case tagRef:
			return d.refToShared(p, p.id, at)
		}
		if p.kind == kindSet && isObject(d.b[d.pos]) {
			return d.enumSet(p, at)
		}
	}
	return read(p, at)
}

// mapBytes is what an empty map takes, with the variable that its values pass through.
const mapBytes = 56

// beginGoMap makes the map at, or takes the one that is being read again.
func (d *Decoder) beginGoMap(p *Plan, at unsafe.Pointer) error {
	if d.next < d.refs {
		if m := d.known(d.next, p.id); m != nil {
			*(*unsafe.Pointer)(at) = m
			return nil
		}
	}
	if err := d.charge(mapBytes); err != nil {
		return err
	}
	reflect.NewAt(p.rt, at).Elem().Set(reflect.MakeMap(p.rt))
	return nil
}

// readMap reads a map of any type.
func readMap(d *Decoder, p *Plan, at unsafe.Pointer) error {
	if d.pos < len(d.b) && isObject(d.b[d.pos]) {
		return d.mismatch("a map")
	}
	if err := d.beginGoMap(p, at); err != nil {
		return err
	}
	if err := d.beginMap(p.id, *(*unsafe.Pointer)(at)); err != nil {
		return err
	}
	m := reflect.NewAt(p.rt, at).Elem()
	key, value := scratch{p: p.key}, scratch{p: p.elem}
	for i := 0; ; i++ {
		if done, err := d.mapEnd(); done || err != nil {
			return err
		}
		if err := d.chargeEntry(i, p.key.size+p.elem.size); err != nil {
			return err
		}
		if err := key.read(d); err != nil {
			return in(err, "{key}")
		}
		if !key.v.Comparable() {
			return d.fail(KindType, d.pos, "%w", errOddKey)
		}
		if err := value.read(d); err != nil {
			return in(err, "{}")
		}
		m.SetMapIndex(key.v, value.v)
	}
}

// scratch is the variable that the keys or values of a map are read into, before they are copied into the map.
type scratch struct {
	p   *Plan
	ptr unsafe.Pointer
	v   reflect.Value
}

// read reads the next one. Structs and slices get a variable each: later references may be to them.
func (s *scratch) read(d *Decoder) error {
	if s.ptr != nil && s.p.kind != kindStruct && s.p.kind != kindSlice {
		s.v.SetZero()
		return s.p.dec(d, s.ptr)
	}
	if err := d.charge(allocated(s.p.size)); err != nil {
		return err
	}
	s.ptr = s.p.new()
	s.v = reflect.NewAt(s.p.rt, s.ptr).Elem()
	return s.p.dec(d, s.ptr)
}

// writeMap writes the entries of a map of any type.
func writeMap(e *Encoder, p *Plan, at unsafe.Pointer) error {
	m := reflect.NewAt(p.rt, at).Elem()
	for it := m.MapRange(); it.Next(); {
		// Each entry has memory of its own: two values at one address would be one object to the reader.
		key, value := p.key.new(), p.elem.new()
		reflect.NewAt(p.key.rt, key).Elem().SetIterKey(it)
		reflect.NewAt(p.elem.rt, value).Elem().SetIterValue(it)
		if err := p.key.enc(e, key); err != nil {
			return in(err, "{key}")
		}
		if err := p.elem.enc(e, value); err != nil {
			return in(err, "{}")
		}
	}
	return nil
}

// errOddKey is a key that Go's maps can't hold: a list, a map, a byte[].
var errOddKey = errors.New("a key that Go can't use as one")

func isOddKey(err error) bool { return err != nil && errors.Is(err, errOddKey) }

// set reads a list into a set.
func (d *Decoder) set(p *Plan, at unsafe.Pointer) error {
	begin := d.pos
	n, _, err := d.listHead()
	if err != nil {
		return err
	}
	if err := d.beginGoMap(p, at); err != nil {
		return err
	}
	if _, err := d.newRef(begin, p.id, *(*unsafe.Pointer)(at)); err != nil {
		return err
	}
	if err := d.enter(); err != nil {
		return err
	}
	m, present := reflect.NewAt(p.rt, at).Elem(), reflect.Zero(p.rt.Elem())
	key := scratch{p: p.key}
	for i := 0; n < 0 || i < n; i++ {
		if n < 0 {
			if done, err := d.listEnd(); done || err != nil {
				return err
			}
		} else if err := d.count(1); err != nil {
			return err
		}
		if err := d.chargeEntry(i, p.key.size); err != nil {
			return err
		}
		if err := key.read(d); err != nil {
			return in(err, "{}")
		}
		if !key.v.Comparable() {
			return d.fail(KindType, d.pos, "an element that Go can't have in a set")
		}
		m.SetMapIndex(key.v, present)
	}
	d.depth++
	return nil
}

// set writes a set as java.util.HashSet, which any collection can be read from.
func (e *Encoder) set(p *Plan, m, at unsafe.Pointer) error {
	if m == nil {
		e.Null()
		return nil
	}
	if e.seen(m, p.id) {
		return nil
	}
	if err := e.enter(); err != nil {
		return err
	}
	s := reflect.NewAt(p.rt, at).Elem()
	e.listHead("java.util.HashSet", s.Len())
	for it := s.MapRange(); it.Next(); {
		key := p.key.new()
		reflect.NewAt(p.key.rt, key).Elem().SetIterKey(it)
		if err := p.key.enc(e, key); err != nil {
			return in(err, "{}")
		}
	}
	e.depth--
	return nil
}
