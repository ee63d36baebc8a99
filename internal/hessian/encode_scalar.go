package hessian

import (
	"encoding/binary"
	"math"
	"unicode/utf8"
	"unsafe"

	"github.com/dubbofn/dubbofn/java"
)

// Null writes null.
func (e *Encoder) Null() { e.b = append(e.b, tagNull) }

// Bool writes a boolean.
func (e *Encoder) Bool(v bool) {
	if v {
		e.b = append(e.b, tagTrue)
	} else {
		e.b = append(e.b, tagFalse)
	}
}

// Int writes an int.
func (e *Encoder) Int(v int32) {
	switch {
	case v >= -0x10 && v <= 0x2f:
		e.b = append(e.b, byte(tagIntZero+v))
	case v >= -0x800 && v <= 0x7ff:
		e.b = append(e.b, byte(tagInt2Zero+v>>8), byte(v))
	case v >= -0x40000 && v <= 0x3ffff:
		e.b = append(e.b, byte(tagInt3Zero+v>>16), byte(v>>8), byte(v))
	default:
		e.b = append(e.b, tagInt, byte(v>>24), byte(v>>16), byte(v>>8), byte(v))
	}
}

// Long writes a long.
func (e *Encoder) Long(v int64) {
	switch {
	case v >= -0x08 && v <= 0x0f:
		e.b = append(e.b, byte(tagLongZero+v))
	case v >= -0x800 && v <= 0x7ff:
		e.b = append(e.b, byte(tagLong2Zero+v>>8), byte(v))
	case v >= -0x40000 && v <= 0x3ffff:
		e.b = append(e.b, byte(tagLong3Zero+v>>16), byte(v>>8), byte(v))
	case v >= math.MinInt32 && v <= math.MaxInt32:
		e.b = append(e.b, tagLongInt, byte(v>>24), byte(v>>16), byte(v>>8), byte(v))
	default:
		e.b = binary.BigEndian.AppendUint64(append(e.b, tagLong), uint64(v))
	}
}

// Double writes a double, in the shortest form that keeps it, the sign of −0 included (which Java's writer loses).
func (e *Encoder) Double(v float64) {
	if v >= math.MinInt16 && v <= math.MaxInt16 && v == math.Trunc(v) && (v != 0 || !math.Signbit(v)) {
		switch n := int(v); {
		case n == 0:
			e.b = append(e.b, tagDoubleZero)
		case n == 1:
			e.b = append(e.b, tagDoubleOne)
		case n >= math.MinInt8 && n <= math.MaxInt8:
			e.b = append(e.b, tagDoubleByte, byte(n))
		default:
			e.b = append(e.b, tagDoubleShort, byte(n>>8), byte(n))
		}
		return
	}
	if mills := v * 1000; mills >= math.MinInt32 && mills <= math.MaxInt32 {
		if n := int32(mills); mill*float64(n) == v && n != 0 {
			e.b = binary.BigEndian.AppendUint32(append(e.b, tagDoubleMill), uint32(n))
			return
		}
	}
	e.b = binary.BigEndian.AppendUint64(append(e.b, tagDouble), math.Float64bits(v))
}

// date writes a date, in ms since 1970.
func (e *Encoder) date(ms int64) {
	if minutes := ms / 60_000; minutes*60_000 == ms && minutes == int64(int32(minutes)) {
		e.b = binary.BigEndian.AppendUint32(append(e.b, tagDateMinute), uint32(minutes))
		return
	}
	e.b = binary.BigEndian.AppendUint64(append(e.b, tagDate), uint64(ms))
}

// Binary writes a byte[].
func (e *Encoder) Binary(v []byte) {
	const chunk = 0x8000
	for len(v) > chunk {
		e.b = append(e.b, tagBinaryChunk, chunk>>8, chunk&0xff)
		e.b = append(e.b, v[:chunk]...)
		v = v[chunk:]
	}
	switch n := len(v); {
	case n <= tagBinaryMax-tagBinaryMin:
		e.b = append(e.b, tagBinaryMin+byte(n))
	case n <= 0x3ff:
		e.b = append(e.b, tagBinary2Min+byte(n>>8), byte(n))
	default:
		e.b = append(e.b, tagBinary, byte(n>>8), byte(n))
	}
	e.b = append(e.b, v...)
}

// maxChunk is how many UTF-16 units Java's writer puts in one piece of a string.
const maxChunk = 0x8000

// String writes a string, as Java does: its length counts UTF-16 units, and each half of a pair takes three bytes. A lone
// surrogate (in three bytes, as it was read) stays what it is; other bytes that are no UTF-8 become U+FFFD.
func (e *Encoder) String(v string) {
	for {
		size, n, plain := min(len(v), maxChunk), min(len(v), maxChunk), true
		if !isASCII(unsafe.Slice(unsafe.StringData(v), size)) {
			size, n, plain = piece(v)
		}
		last := size == len(v)
		e.stringHead(n, last)
		if plain {
			e.b = append(e.b, v[:size]...)
		} else {
			e.b = appendUnits(e.b, v[:size])
		}
		if last {
			return
		}
		v = v[size:]
	}
}

// stringHead writes the head of a string or of a piece of it.
func (e *Encoder) stringHead(n int, last bool) {
	switch {
	case !last:
		e.b = append(e.b, tagStringChunk, byte(n>>8), byte(n))
	case n <= tagStringMax:
		e.b = append(e.b, byte(n))
	case n <= 0x3ff:
		e.b = append(e.b, tagString2Min+byte(n>>8), byte(n))
	default:
		e.b = append(e.b, tagString, byte(n>>8), byte(n))
	}
}

// piece measures the longest beginning of s that fits one chunk: in bytes and in UTF-16 units. plain tells that its bytes
// are what is written.
func piece(s string) (size, n int, plain bool) {
	plain = true
	for size < len(s) && n < maxChunk {
		if s[size] < utf8.RuneSelf {
			size++
			n++
			continue
		}
		if isThreeBytes(s[size:]) {
			size += 3
			n++
			continue
		}
		_, width := utf8.DecodeRuneInString(s[size:])
		switch {
		case width == 4 && n+2 > maxChunk:
			return size, n, plain
		case width == 4:
			plain = false
			n++
		case width == 1 && surrogateAt(s, size):
			width = 3
		case width == 1:
			plain = false
		}
		size += width
		n++
	}
	return size, n, plain
}

// surrogateAt tells whether a surrogate in three bytes begins at s[i].
func surrogateAt(s string, i int) bool {
	return len(s)-i >= 3 && s[i] == 0xed && s[i+1] >= 0xa0 && s[i+1] <= 0xbf && s[i+2]&0xc0 == 0x80
}

// appendUnits appends s with each UTF-16 unit in UTF-8 of its own.
func appendUnits(b []byte, s string) []byte {
	for i := 0; i < len(s); {
		if s[i] < utf8.RuneSelf {
			b = append(b, s[i])
			i++
			continue
		}
		r, width := utf8.DecodeRuneInString(s[i:])
		switch {
		case width == 4:
			r -= 0x10000
			b = appendUnit(appendUnit(b, 0xd800|uint16(r>>10)), 0xdc00|uint16(r&0x3ff))
		case width == 1 && surrogateAt(s, i):
			width = 3
			b = append(b, s[i:i+3]...)
		default:
			b = utf8.AppendRune(b, r) // U+FFFD for a byte that is no UTF-8
		}
		i += width
	}
	return b
}

// appendUnit appends one UTF-16 unit.
func appendUnit(b []byte, u uint16) []byte {
	switch {
	case u < 0x80:
		return append(b, byte(u))
	case u < 0x800:
		return append(b, 0xc0|byte(u>>6), 0x80|byte(u&0x3f))
	}
	return append(b, 0xe0|byte(u>>12), 0x80|byte(u>>6&0x3f), 0x80|byte(u&0x3f))
}

// chars writes char[], or a char, as a string.
func (e *Encoder) chars(u []java.Char) {
	for len(u) > maxChunk {
		n := maxChunk
		if u[n-1]&0xfc00 == 0xd800 {
			n-- // a pair stays in one piece
		}
		e.stringHead(n, false)
		for _, c := range u[:n] {
			e.b = appendUnit(e.b, uint16(c))
		}
		u = u[n:]
	}
	e.stringHead(len(u), true)
	for _, c := range u {
		e.b = appendUnit(e.b, uint16(c))
	}
}

// utf16Units is the other way round, for a string that was read.
func utf16Units(s string) []java.Char {
	u := make([]java.Char, 0, len(s))
	for i := 0; i < len(s); {
		r, width := utf8.DecodeRuneInString(s[i:])
		switch {
		case width == 4:
			r -= 0x10000
			u = append(u, 0xd800|java.Char(r>>10), 0xdc00|java.Char(r&0x3ff))
		case width == 1 && surrogateAt(s, i):
			width = 3
			u = append(u, java.Char(s[i]&0x0f)<<12|java.Char(s[i+1]&0x3f)<<6|java.Char(s[i+2]&0x3f))
		default:
			u = append(u, java.Char(r))
		}
		i += width
	}
	return u
}
