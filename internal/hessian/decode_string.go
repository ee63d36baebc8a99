package hessian

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"
)

// str reads a string; null is "".
func (d *Decoder) str() (string, error) {
	if from, to, ok := d.plain(); ok {
		if err := d.charge(to - from); err != nil {
			return "", err
		}
		d.pos = to
		return string(d.b[from:to]), nil
	}
	return d.oddString()
}

// oddString is str for what isn't plain.
func (d *Decoder) oddString() (string, error) {
	if d.pos < len(d.b) && d.b[d.pos] == tagNull {
		d.pos++
		return "", nil
	}
	text, err := d.chunkedString()
	return string(text), err
}

// plain finds a string in one piece whose bytes are a Go string's as they are: without surrogates.
func (d *Decoder) plain() (from, to int, ok bool) {
	b, p := d.b, d.pos
	if p >= len(b) {
		return 0, 0, false
	}
	var n int
	switch tag := b[p]; {
	case tag <= tagStringMax:
		n = int(tag)
		p++
	case tag >= tagString2Min && tag <= tagString2Max && len(b)-p >= 2:
		n = int(tag-tagString2Min)<<8 + int(b[p+1])
		p += 2
	case tag == tagString && len(b)-p >= 3:
		n = int(b[p+1])<<8 + int(b[p+2])
		p += 3
	default:
		return 0, 0, false
	}
	if n <= len(b)-p && isASCII(b[p:p+n]) {
		return p, p + n, true
	}
	width, surrogates, fault := units(b[p:], n)
	return p, p + width, fault == "" && !surrogates
}

func isASCII(b []byte) bool {
	if len(b) < 8 {
		return isShortASCII(b)
	}
	for at := 0; at < len(b)-8; at += 8 {
		if binary.LittleEndian.Uint64(b[at:])&0x8080808080808080 != 0 {
			return false
		}
	}
	return binary.LittleEndian.Uint64(b[len(b)-8:])&0x8080808080808080 == 0 // some of them are looked at twice
}

func isShortASCII(b []byte) bool {
	if len(b) >= 4 {
		return (binary.LittleEndian.Uint32(b)|binary.LittleEndian.Uint32(b[len(b)-4:]))&0x80808080 == 0
	}
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// chunkedString reads any string. Surrogates that form a pair become one rune, a lone one stays as its three bytes.
func (d *Decoder) chunkedString() ([]byte, error) {
	at, size, surrogates := d.pos, 0, false
	for last := false; !last; { // once to check and measure
		n, isLast, err := d.stringChunk()
		if err != nil {
			return nil, err
		}
		width, found, fault := units(d.b[d.pos:], n)
		if fault != "" {
			return nil, d.fail(KindMalformed, d.pos+width, "%s, in a string of %d UTF-16 units", fault, n)
		}
		d.pos += width
		size += width
		surrogates = surrogates || found
		last = isLast
	}
	if err := d.charge(size); err != nil {
		return nil, err
	}
	text := make([]byte, 0, size)
	d.pos = at
	for last := false; !last; { // and once to copy
		n, isLast, err := d.stringChunk()
		if err != nil {
			return nil, err
		}
		width, _, _ := units(d.b[d.pos:], n)
		text = append(text, d.b[d.pos:d.pos+width]...)
		d.pos += width
		last = isLast
	}
	if surrogates {
		text = joinSurrogates(text)
	}
	return text, nil
}

// stringChunk reads the head of a string or of one more chunk of it: its length in UTF-16 units.
func (d *Decoder) stringChunk() (n int, last bool, err error) {
	b, p := d.b, d.pos
	if p >= len(b) {
		return 0, false, d.short()
	}
	switch tag := b[p]; {
	case tag <= tagStringMax:
		d.pos++
		return int(tag), true, nil
	case tag >= tagString2Min && tag <= tagString2Max && len(b)-p >= 2:
		d.pos += 2
		return int(tag-tagString2Min)<<8 + int(b[p+1]), true, nil
	case (tag == tagString || tag == tagStringChunk) && len(b)-p >= 3:
		d.pos += 3
		return int(b[p+1])<<8 + int(b[p+2]), tag == tagString, nil
	case isString(tag):
		return 0, false, d.short()
	}
	return 0, false, d.mismatch("a string")
}

// units measures n UTF-16 units at the beginning of b, in bytes, and tells whether surrogates (three bytes each) are among
// them. Four-byte UTF-8, which Java neither writes nor reads, counts as two units. A fault is at b[width].
func units(b []byte, n int) (width int, surrogates bool, fault string) {
	p := 0
	for n > 0 {
		if p >= len(b) {
			return p, surrogates, "the body ends"
		}
		c := b[p]
		if c < utf8.RuneSelf {
			p++
			n--
			continue
		}
		if isThreeBytes(b[p:]) {
			p += 3
			n--
			continue
		}
		_, size := utf8.DecodeRune(b[p:])
		if size == 1 {
			if !isSurrogate(b[p:]) {
				return p, surrogates, "not UTF-8"
			}
			surrogates, size = true, 3
		}
		p += size
		n--
		if size == 4 {
			n--
		}
	}
	if n < 0 {
		return p, surrogates, "the string ends within a character"
	}
	return p, surrogates, ""
}

// isThreeBytes tells whether s begins with a character in three bytes as most scripts have them; of some others it doesn't know.
func isThreeBytes[T string | []byte](s T) bool {
	return len(s) >= 3 && s[0] >= 0xe1 && s[0] <= 0xef && s[0] != 0xed && s[1]&0xc0 == 0x80 && s[2]&0xc0 == 0x80
}

// isSurrogate tells whether b begins with a surrogate in three bytes, U+D800 to U+DFFF.
func isSurrogate(b []byte) bool {
	return len(b) >= 3 && b[0] == 0xed && b[1] >= 0xa0 && b[1] <= 0xbf && b[2]&0xc0 == 0x80
}

// joinSurrogates makes one rune of each pair of surrogates, in place.
func joinSurrogates(b []byte) []byte {
	out := b[:0]
	for p := 0; p < len(b); {
		if b[p] == 0xed && isSurrogate(b[p:]) && b[p+1] < 0xb0 && isSurrogate(b[p+3:]) && b[p+4] >= 0xb0 {
			high := rune(b[p+1]&0x0f)<<6 | rune(b[p+2]&0x3f)
			low := rune(b[p+4]&0x0f)<<6 | rune(b[p+5]&0x3f)
			out = utf8.AppendRune(out, 0x10000+high<<10+low)
			p += 6
			continue
		}
		out = append(out, b[p])
		p++
	}
	return out
}

// skipString passes over a string.
func (d *Decoder) skipString() error {
	if _, to, ok := d.plain(); ok {
		d.pos = to
		return nil
	}
	for {
		n, last, err := d.stringChunk()
		if err != nil {
			return err
		}
		width, _, fault := units(d.b[d.pos:], n)
		if fault != "" {
			return d.fail(KindMalformed, d.pos+width, "%s, in a string of %d UTF-16 units", fault, n)
		}
		d.pos += width
		if last {
			return nil
		}
	}
}

// fewChunks is how many chunks of a byte[] are found in one pass: hessian-lite makes them of 8 KiB, so those of 256 KiB.
const fewChunks = 32

// binary reads a byte[]; null is nil, an empty one is not. It is made once, of the size that it has.
func (d *Decoder) binary() ([]byte, error) {
	if d.pos < len(d.b) && d.b[d.pos] == tagNull {
		d.pos++
		return nil, nil
	}
	chunks, few := make([][]byte, 0, fewChunks), true
	at, size := d.pos, 0
	for last := false; !last; {
		n, isLast, err := d.binaryChunk()
		if err != nil {
			return nil, err
		}
		if few = len(chunks) < fewChunks; few {
			chunks = append(chunks, d.b[d.pos:d.pos+n])
		}
		d.pos += n
		size += n
		last = isLast
	}
	if err := d.charge(size); err != nil {
		return nil, err
	}
	switch {
	case size == 0:
		return []byte{}, nil
	case few:
		return bytes.Join(chunks, nil), nil // which does not clear what it is going to write
	}
	data := make([]byte, 0, size)
	d.pos = at
	for last := false; !last; {
		n, isLast, err := d.binaryChunk()
		if err != nil {
			return nil, err
		}
		data = append(data, d.b[d.pos:d.pos+n]...)
		d.pos += n
		last = isLast
	}
	return data, nil
}

// binaryChunk reads the head of a byte[] or of one more chunk of it: its length, no more than what is left.
func (d *Decoder) binaryChunk() (n int, last bool, err error) {
	b, p := d.b, d.pos
	if p >= len(b) {
		return 0, false, d.short()
	}
	switch tag := b[p]; {
	case tag >= tagBinaryMin && tag <= tagBinaryMax:
		n, last, p = int(tag-tagBinaryMin), true, p+1
	case tag >= tagBinary2Min && tag <= tagBinary2Max && len(b)-p >= 2:
		n, last, p = int(tag-tagBinary2Min)<<8+int(b[p+1]), true, p+2
	case (tag == tagBinary || tag == tagBinaryChunk) && len(b)-p >= 3:
		n, last, p = int(b[p+1])<<8+int(b[p+2]), tag == tagBinary, p+3
	case isBinary(tag):
		return 0, false, d.short()
	default:
		return 0, false, d.mismatch("a byte[]")
	}
	if n > len(b)-p {
		return 0, false, d.fail(KindMalformed, d.pos, "a byte[] of %d bytes, with %d left", n, len(b)-p)
	}
	d.pos = p
	return n, last, nil
}
