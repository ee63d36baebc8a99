package hessian

import (
	"slices"
	"unsafe"
)

// structure reads an object, or a map with the names of fields for keys, into the struct at ptr.
func (d *Decoder) structure(p *Plan, ptr unsafe.Pointer) error {
	if d.pos < len(d.b) && (d.b[d.pos] == tagMap || d.b[d.pos] == tagMapAny) {
		return d.structFromMap(p, ptr)
	}
	class, at, err := d.objectHead(p)
	if err != nil {
		return err
	}
	prog, err := d.program(class, p)
	if err != nil {
		return err
	}
	n, err := d.newRef(at, p.id, ptr)
	if err != nil {
		return err
	}
	if err := d.enter(); err != nil {
		return err
	}
	if err := d.count(prog.n); err != nil {
		return err
	}
	if err := d.run(prog, ptr); err != nil {
		return err
	}
	d.depth++
	d.done(n, ptr)
	return nil
}

// run reads the fields of an object.
func (d *Decoder) run(prog *program, ptr unsafe.Pointer) (err error) {
	t := texts{base: ptr}
	for i := range prog.ops {
		op := &prog.ops[i]
		at := unsafe.Add(ptr, op.off)
		switch op.code {
		case opString:
			err = d.text(&t, op.off)
		case opInt32:
			*(*int32)(at), err = d.int32()
		case opInt64:
			*(*int64)(at), err = d.integer("a long")
		case opBool:
			*(*bool)(at), err = d.bool()
		case opFloat64:
			*(*float64)(at), err = d.float()
		case opCall:
			err = op.plan.dec(d, at)
		default:
			err = d.skip()
		}
		if err != nil {
			return in(err, "."+words(prog.raw).fields[i])
		}
	}
	return d.together(&t)
}

// structFromMap reads a map's entries into the fields that their keys name.
func (d *Decoder) structFromMap(p *Plan, ptr unsafe.Pointer) error {
	n := d.next
	if err := d.beginMap(p.id, ptr); err != nil {
		return err
	}
	for {
		if done, err := d.mapEnd(); err != nil {
			return err
		} else if done {
			d.done(n, ptr)
			return nil
		}
		key, err := d.mapKey()
		if err != nil {
			return err
		}
		if f := p.field(key); f != nil {
			err = f.plan.dec(d, unsafe.Add(ptr, f.off))
		} else {
			err = d.skip()
		}
		if err != nil {
			return in(err, "."+key)
		}
	}
}

// beginMap reads the head of a map, and goes one level deeper.
func (d *Decoder) beginMap(id uint32, ptr unsafe.Pointer) error {
	at := d.pos
	if at >= len(d.b) {
		return d.short()
	}
	switch d.b[at] {
	case tagMapAny:
		d.pos++
	case tagMap:
		d.pos++
		if _, err := d.typeName(); err != nil {
			return err
		}
	default:
		return d.mismatch("a map")
	}
	if _, err := d.newRef(at, id, ptr); err != nil {
		return err
	}
	return d.enter()
}

// mapEnd tells whether the map ends here, else it counts one more entry.
func (d *Decoder) mapEnd() (bool, error) {
	if d.pos >= len(d.b) {
		return false, d.short()
	}
	if d.b[d.pos] == tagEnd {
		d.pos++
		d.depth++
		return true, nil
	}
	return false, d.count(2)
}

// typeName reads the type of a list or map and gives its number.
func (d *Decoder) typeName() (int, error) {
	at := d.pos
	if at < len(d.b) && isString(d.b[at]) {
		if err := d.skipString(); err != nil {
			return 0, err
		}
		if at > d.typeEnd {
			d.typeEnd = at
			if len(d.types) == cap(d.types) {
				if err := d.charge((2*len(d.types) + 8) * int(unsafe.Sizeof(typeName{}))); err != nil {
					return 0, err
				}
				d.types = slices.Grow(d.types, len(d.types)+8)
			}
			d.types = append(d.types, typeName{from: at, to: d.pos})
			return len(d.types) - 1, nil
		}
		for i := range d.types { // read a second time
			if d.types[i].from == at {
				return i, nil
			}
		}
	}
	n, err := d.integer("a type")
	if err != nil {
		return 0, err
	}
	if n < 0 || n >= int64(len(d.types)) {
		return 0, d.fail(KindMalformed, at, "type number %d of %d", n, len(d.types))
	}
	return int(n), nil
}

// typeText gives the type with that number.
func (d *Decoder) typeText(n int) (string, error) {
	t := &d.types[n]
	if t.text == "" {
		if err := d.charge(2 * (t.to - t.from)); err != nil {
			return "", err
		}
		sub := Decoder{b: d.b[t.from:t.to], alloc: 4 * (t.to - t.from)}
		t.text, _ = sub.str() // it was read before, and can't fail
	}
	return t.text, nil
}
