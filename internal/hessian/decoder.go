package hessian

import (
	"unsafe"
)

// Decoder reads the values of one body, one after another. After an error it is good for nothing but Reset.
// Not safe for concurrent use; its memory is reused from body to body, but nothing that it gives away is, save strings of Map
// that are the same again.
type Decoder struct {
	b   []byte
	pos int
	t   *Types
	lim Limits

	depth  int // how many levels are left
	values int // how many values are left
	alloc  int // how many bytes may still be allocated

	first     [firstRefs]ref // the lists, maps and objects of the body, in order of their beginning
	pages     []*refPage     // and the rest of them
	refs      int            // how many they are
	next      int            // the number of the next of them
	alts      map[alt]unsafe.Pointer
	classes   []classDef
	classEnd  int // where the last known class definition begins; those before it are known
	types     []typeName
	typeEnd   int
	asObjects bool // instances of registered classes become *java.Object

	usual [usualEntries]entry // what Map read last
}

// typeName is the type of a list or map, as it was first written.
type typeName struct {
	from, to int
	text     string // once it was asked for
}

// Reset makes d ready to read body, which must not change until the next Reset: Head gives parts of it away.
func (d *Decoder) Reset(t *Types, body []byte, l Limits) {
	d.dropRefs()
	clear(d.classes)
	d.b, d.pos, d.t = body, 0, t
	d.lim = l.resolve(len(body))
	d.depth, d.values = d.lim.Depth, d.lim.Values
	d.alloc = d.lim.allowance(len(body))
	d.alts = nil
	d.classes, d.classEnd = d.classes[:0], -1
	clear(d.types)
	d.types, d.typeEnd = d.types[:0], -1
	d.asObjects = false
}

// Remaining is how many bytes haven't been read.
func (d *Decoder) Remaining() int { return len(d.b) - d.pos }

// Head reads a string as UTF-8 bytes. They lie inside the body, and are valid until it changes, where the string is plain
// ASCII in one piece; null is nil, an empty string is not.
func (d *Decoder) Head() ([]byte, error) {
	if err := d.count(1); err != nil {
		return nil, err
	}
	if d.pos < len(d.b) && d.b[d.pos] == tagNull {
		d.pos++
		return nil, nil
	}
	if from, to, ok := d.plain(); ok {
		d.pos = to
		return d.b[from:to:to], nil
	}
	return d.chunkedString()
}

// Skip passes over n bytes, no more than [Decoder.Remaining], that are known to be whole strings.
func (d *Decoder) Skip(n int) { d.pos += n }

// String reads a string; null is "".
func (d *Decoder) String() (string, error) {
	if err := d.count(1); err != nil {
		return "", err
	}
	return d.str()
}

// Int reads a number that fits Java's int.
func (d *Decoder) Int() (int32, error) {
	if err := d.count(1); err != nil {
		return 0, err
	}
	return d.int32()
}

// Value reads a value whose type isn't known beforehand. See package java for what it may be.
func (d *Decoder) Value() (any, error) {
	if err := d.count(1); err != nil {
		return nil, err
	}
	return d.any()
}

// Object is like Value, but gives every instance of a struct's class as a *java.Object, of registered classes too.
// Values for which Go or package java have a type (dates, decimals …) are given as in Value.
func (d *Decoder) Object() (any, error) {
	d.asObjects = true
	v, err := d.Value()
	d.asObjects = false
	return v, err
}

// Decode reads a new value of p.Type().
func (d *Decoder) Decode(p *Plan) (any, error) {
	if err := d.count(1); err != nil {
		return nil, err
	}
	v, err := d.box(p)
	if err != nil {
		return nil, in(err, typeText(p.rt))
	}
	return v, nil
}
