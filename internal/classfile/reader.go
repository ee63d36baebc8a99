package classfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf16"
)

// errShort is a file that ends before what it announces.
var errShort = errors.New("it ends too early")

// reader takes big-endian numbers off a piece of a file. After the first fault it gives zeros.
type reader struct {
	b   []byte
	err error
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.b = nil
}

// take gives the next n bytes, which are still the file's.
func (r *reader) take(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.fail(errShort)
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

func (r *reader) u1() uint8 {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) u2() uint16 {
	if b := r.take(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (r *reader) u4() uint32 {
	if b := r.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

// count reads how many things of at least size bytes follow.
func (r *reader) count(size int) int {
	n := int(r.u2())
	if n*size > len(r.b) {
		r.fail(errShort)
		return 0
	}
	return n
}

// The kinds of constants (JVM specification, table 4.4-A).
const (
	tagUtf8  = 1
	tagLong  = 5
	tagDbl   = 6
	tagClass = 7
)

// sizes are how many bytes a constant has after its tag, but for text.
var sizes = [...]int{3: 4, 4: 4, 5: 8, 6: 8, 7: 2, 8: 2, 9: 4, 10: 4, 11: 4, 12: 4, 15: 3, 16: 2, 17: 4, 18: 4, 19: 2, 20: 2}

// pool is the constants of a file: where each begins, by its tag.
type pool struct {
	file []byte
	at   []uint32 // 0: none
	left int      // bytes of text that may yet be handed out: one constant may stand in many places
}

func readPool(r *reader, file []byte) pool {
	n := int(r.u2())
	if 3*(n-1) > len(r.b) { // the least that a constant takes
		r.fail(errShort)
		return pool{}
	}
	p := pool{file: file, at: make([]uint32, n), left: 8*len(file) + 1<<16}
	for i := 1; i < n && r.err == nil; i++ {
		p.at[i] = uint32(len(file) - len(r.b))
		switch tag := r.u1(); {
		case tag == tagUtf8:
			r.take(int(r.u2()))
		case int(tag) < len(sizes) && sizes[tag] > 0:
			r.take(sizes[tag])
			if tag == tagLong || tag == tagDbl {
				i++
			}
		case r.err == nil:
			r.fail(fmt.Errorf("constant %d is of a kind (%d) that is not known", i, tag))
		}
	}
	return p
}

// constant gives the bytes of a constant after its tag, nil where there is none of that kind.
func (p *pool) constant(i uint16, tag byte) []byte {
	if int(i) >= len(p.at) || p.at[i] == 0 {
		return nil
	}
	b := p.file[p.at[i]:]
	if b[0] != tag {
		return nil
	}
	return b[1:]
}

// text gives a Utf8 constant, "" where it is none.
func (p *pool) text(i uint16) string {
	b := p.constant(i, tagUtf8)
	if len(b) < 2 {
		return ""
	}
	b = b[2 : 2+int(binary.BigEndian.Uint16(b))]
	if p.left -= len(b); p.left < 0 {
		return ""
	}
	return modified(b)
}

// is tells whether a Utf8 constant is s, without making a string.
func (p *pool) is(i uint16, s string) bool {
	b := p.constant(i, tagUtf8)
	return len(b) >= 2 && string(b[2:2+int(binary.BigEndian.Uint16(b))]) == s
}

// class gives the name of a Class constant with slashes, "" where it is none.
func (p *pool) class(i uint16) string {
	b := p.constant(i, tagClass)
	if len(b) < 2 {
		return ""
	}
	return p.text(binary.BigEndian.Uint16(b))
}

// modified reads Java's own UTF-8, which has surrogates and no zero byte (JVM specification, 4.4.7).
func modified(b []byte) string {
	plain := true
	for _, c := range b {
		plain = plain && c < 0x80
	}
	if plain {
		return string(b)
	}
	units := make([]uint16, 0, len(b))
	for i := 0; i < len(b); {
		switch c := b[i]; {
		case c >= 0xe0 && i+2 < len(b):
			units = append(units, uint16(c&0x0f)<<12|uint16(b[i+1]&0x3f)<<6|uint16(b[i+2]&0x3f))
			i += 3
		case c >= 0xc0 && i+1 < len(b):
			units = append(units, uint16(c&0x1f)<<6|uint16(b[i+1]&0x3f))
			i += 2
		default:
			units = append(units, uint16(c))
			i++
		}
	}
	return string(utf16.Decode(units))
}
