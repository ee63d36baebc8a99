package hessian

import (
	"strconv"
	"unsafe"
)

// texts are strings of one object, or of one list, that were read and get their memory together: one piece for all that lie
// near each other in the body, with what lies between them. It makes decoding an eighth faster, and it is small enough
// that who keeps one string of a large body doesn't keep the body.
type texts struct {
	base     unsafe.Pointer // the object, or the list's array
	n        int
	from, to int // the bytes that they lie in
	at       [maxTexts]textAt
}

type textAt struct {
	off      uintptr // of the variable
	from, to uint32
}

const (
	maxTexts    = 8
	maxTogether = 256 // bytes
)

// text reads a string into the variable at that offset of t.base, which may be set as late as by together.
func (d *Decoder) text(t *texts, off uintptr) error {
	from, to, ok := d.plain()
	if !ok {
		s, err := d.oddString()
		if err != nil {
			return err
		}
		return d.textNow(t, off, s)
	}
	d.pos = to
	if from == to { // as a part of the others it would keep them
		return d.textNow(t, off, "")
	}
	if to-t.from > maxTogether || t.n == maxTexts {
		if err := d.together(t); err != nil {
			return err
		}
	}
	if t.n == 0 {
		t.from = from
	}
	t.to = to
	t.at[t.n] = textAt{off, uint32(from), uint32(to)}
	t.n++
	return nil
}

// textNow sets a variable at once; where a class has a field twice, the last value counts.
func (d *Decoder) textNow(t *texts, off uintptr, s string) error {
	for i := range t.at[:t.n] {
		if t.at[i].off == off {
			if err := d.together(t); err != nil {
				return err
			}
			break
		}
	}
	*(*string)(unsafe.Add(t.base, off)) = s
	return nil
}

// together sets the variables of the strings that were read.
func (d *Decoder) together(t *texts) error {
	if t.n == 0 {
		return nil
	}
	if err := d.charge(t.to - t.from); err != nil {
		return err
	}
	all, begin := string(d.b[t.from:t.to]), uint32(t.from)
	for _, s := range t.at[:t.n] {
		*(*string)(unsafe.Add(t.base, s.off)) = all[s.from-begin : s.to-begin]
	}
	t.n = 0
	return nil
}

// strings reads the elements of a list of strings.
func (d *Decoder) strings(n int, array unsafe.Pointer) error {
	t := texts{base: array}
	for i := range n {
		if err := d.text(&t, uintptr(i)*unsafe.Sizeof("")); err != nil {
			return in(err, "["+strconv.Itoa(i)+"]")
		}
	}
	d.depth++
	return d.together(&t)
}
