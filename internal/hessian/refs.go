package hessian

import "unsafe"

// ref is a list, map or object that has begun. It can be had again in two ways: as it was read, where the same type is
// wanted again, or by reading it once more from where it begins.
type ref struct {
	ptr unsafe.Pointer // to the value as it was first read, nil where that can't be shared
	off uint32         // where it begins in the body, and doneBit
	id  uint32         // of the plan that it was read by
}

// refPage holds refs. Pages aren't moved when there are more, which would cost as much again as the refs.
type refPage [pageRefs]ref

const (
	firstRefs = 32   // most bodies have no more
	pageRefs  = 2048 // 32 KiB
	keptPages = 4
)

// ref gives number n of those that have begun.
func (d *Decoder) ref(n int) *ref {
	if n < firstRefs {
		return &d.first[n]
	}
	n -= firstRefs
	return &d.pages[n/pageRefs][n%pageRefs]
}

// dropRefs forgets them all, and most of the pages where a big body took many.
func (d *Decoder) dropRefs() {
	clear(d.first[:min(d.refs, firstRefs)])
	for n := firstRefs; n < d.refs; n += pageRefs {
		clear(d.pages[(n-firstRefs)/pageRefs][:])
	}
	if len(d.pages) > keptPages {
		clear(d.pages[keptPages:])
		d.pages = d.pages[:keptPages]
	}
	d.refs, d.next = 0, 0
}

// doneBit is set once all of a value has been read, so that a copy of it is a whole one.
const doneBit = 1 << 31

// alt is a second form of a value: number n read by the plan with that id.
type alt struct {
	n  int
	id uint32
}

// newRef numbers the list, map or object that begins at off. When a reference made d read values ahead, or read them
// again, their numbers exist already.
func (d *Decoder) newRef(off int, id uint32, ptr unsafe.Pointer) (int, error) {
	n := d.next
	d.next++
	if n == d.refs {
		if n >= d.lim.Refs {
			return n, d.fail(KindLimit, off, "more than %d lists, maps and objects", d.lim.Refs)
		}
		if n == firstRefs+len(d.pages)*pageRefs {
			if err := d.charge(int(unsafe.Sizeof(refPage{}))); err != nil {
				return n, err
			}
			d.pages = append(d.pages, new(refPage))
		}
		*d.ref(n) = ref{ptr, uint32(off), id}
		d.refs++
		return n, nil
	}
	r := d.ref(n)
	switch {
	case r.ptr == nil && ptr != nil:
		r.ptr, r.id = ptr, id
	case ptr != nil && r.id != id:
		if d.alts == nil {
			d.alts = map[alt]unsafe.Pointer{}
		}
		if err := d.charge(64); err != nil {
			return n, err
		}
		d.alts[alt{n, id}] = ptr
	}
	return n, nil
}

// known gives the value number n as the plan with that id read it, nil if it hasn't.
func (d *Decoder) known(n int, id uint32) unsafe.Pointer {
	if n >= d.refs {
		return nil
	}
	if r := d.ref(n); r.id == id && r.ptr != nil {
		return r.ptr
	}
	return d.alts[alt{n, id}]
}

// fresh gives the memory for the value about to begin: the one that it has already where it is read a second time by the
// same plan, so that whoever refers to it sees one value.
func (d *Decoder) fresh(p *Plan) (unsafe.Pointer, error) {
	if d.next < d.refs {
		if ptr := d.known(d.next, p.id); ptr != nil {
			return ptr, nil
		}
	}
	if err := d.charge(allocated(p.size)); err != nil {
		return nil, err
	}
	return p.new(), nil
}

// done marks value number n, read by that plan into ptr, as whole.
func (d *Decoder) done(n int, ptr unsafe.Pointer) {
	if r := d.ref(n); r.ptr == ptr {
		r.off |= doneBit
	}
}

// refNumber reads a reference, whose tag is at d.pos.
func (d *Decoder) refNumber() (int, error) {
	at := d.pos
	d.pos++
	n, err := d.integer("the number of a reference")
	if err != nil {
		return 0, err
	}
	if n < 0 || n >= int64(d.refs) {
		return 0, d.fail(KindMalformed, at, "reference to number %d of %d lists, maps and objects", n, d.refs)
	}
	return int(n), nil
}

// again reads value number n from where it begins, by p, into ptr.
func (d *Decoder) again(n int, p *Plan, ptr unsafe.Pointer) error {
	pos, next := d.pos, d.next
	if err := d.enter(); err != nil {
		return err
	}
	if err := d.count(1); err != nil {
		return err
	}
	d.pos, d.next = int(d.ref(n).off&^doneBit), n
	err := p.dec(d, ptr)
	d.depth++
	d.pos, d.next = pos, next
	return err
}

// refTo reads a reference into a variable of p, which may be of any type that takes no share of what is referred to.
func (d *Decoder) refTo(p *Plan, ptr unsafe.Pointer) error {
	n, err := d.refNumber()
	if err != nil {
		return err
	}
	return d.again(n, p, ptr)
}

// refToStruct reads a reference into a struct variable: a copy of what was read, where it is whole.
func (d *Decoder) refToStruct(p *Plan, ptr unsafe.Pointer) error {
	n, err := d.refNumber()
	if err != nil {
		return err
	}
	r := d.ref(n)
	if r.id == p.id && r.ptr != nil {
		if r.off&doneBit == 0 {
			return d.fail(KindType, d.pos, "an object that contains itself, where Go's %v is no pointer", p.rt)
		}
		if r.ptr != ptr {
			p.copy(ptr, r.ptr)
		}
		return nil
	}
	return d.again(n, p, ptr)
}

// refToShared reads a reference into a variable that points to what is referred to: a pointer or a map, whose target has
// the plan target.
func (d *Decoder) refToShared(p *Plan, id uint32, ptr unsafe.Pointer) error {
	n, err := d.refNumber()
	if err != nil {
		return err
	}
	if shared := d.known(n, id); shared != nil {
		*(*unsafe.Pointer)(ptr) = shared
		return nil
	}
	return d.again(n, p, ptr)
}

// refToSlice reads a reference into a slice, which then shares the elements.
func (d *Decoder) refToSlice(p *Plan, ptr unsafe.Pointer) error {
	n, err := d.refNumber()
	if err != nil {
		return err
	}
	if shared := d.known(n, p.id); shared != nil {
		*(*slice)(ptr) = *(*slice)(shared)
		return nil
	}
	return d.again(n, p, ptr)
}
