package hessian

import (
	"encoding/binary"
	"fmt"
)

// name passes over a string that must be there.
func (s *scanner) name(what string) error {
	tag, err := s.byte()
	if err != nil {
		return err
	}
	if !isString(tag) {
		return fmt.Errorf("tag 0x%02x where the %s should be", tag, what)
	}
	return s.string(tag)
}

// string passes over a string, chunk by chunk.
func (s *scanner) string(tag byte) error {
	for {
		var n int
		var err error
		switch {
		case tag <= tagStringMax:
			n = int(tag)
		case tag >= tagString2Min && tag <= tagString2Max:
			n, err = s.length2(int(tag - tagString2Min))
		case tag == tagString, tag == tagStringChunk:
			n, err = s.length()
		default:
			return fmt.Errorf("tag 0x%02x where the next chunk of a string should be", tag)
		}
		if err != nil {
			return err
		}
		if err := s.units(n); err != nil {
			return err
		}
		if tag != tagStringChunk {
			return nil
		}
		if tag, err = s.byte(); err != nil {
			return err
		}
	}
}

// binary passes over bytes, chunk by chunk.
func (s *scanner) binary(tag byte) error {
	for {
		var n int
		var err error
		switch {
		case tag >= tagBinaryMin && tag <= tagBinaryMax:
			n = int(tag - tagBinaryMin)
		case tag >= tagBinary2Min && tag <= tagBinary2Max:
			n, err = s.length2(int(tag - tagBinary2Min))
		case tag == tagBinary, tag == tagBinaryChunk:
			n, err = s.length()
		default:
			return fmt.Errorf("tag 0x%02x where the next chunk of bytes should be", tag)
		}
		if err != nil {
			return err
		}
		if err := s.take(n); err != nil {
			return err
		}
		if tag != tagBinaryChunk {
			return nil
		}
		if tag, err = s.byte(); err != nil {
			return err
		}
	}
}

// length reads the 2 bytes of a chunk's length.
func (s *scanner) length() (int, error) {
	at := s.pos
	if err := s.take(2); err != nil {
		return 0, err
	}
	return int(binary.BigEndian.Uint16(s.body[at:])), nil
}

// length2 reads the low byte of a length whose high bits are in the tag.
func (s *scanner) length2(high int) (int, error) {
	b, err := s.byte()
	return high<<8 | int(b), err
}

// units passes over n UTF-16 units in UTF-8, each surrogate a sequence of its own, as Java writes it
// (Hessian2Output.printString), or a pair of them as one sequence of 4 bytes, as the Hessian 2 specification has it.
func (s *scanner) units(n int) error {
	if left := s.total - s.pos; n > left {
		return fmt.Errorf("a string of %d characters, but %d bytes left", n, left)
	}
	const high = 0x8080808080808080
	for n > 0 {
		for n >= 8 && s.pos+8 <= len(s.body) && binary.LittleEndian.Uint64(s.body[s.pos:])&high == 0 {
			s.pos += 8
			n -= 8
		}
		if n == 0 {
			return nil
		}
		b, err := s.peek()
		if err != nil {
			return err
		}
		size, units := sequence(b)
		if size == 0 || units > n {
			return fmt.Errorf("byte 0x%02x in a string", b)
		}
		if err := s.take(size); err != nil {
			return err
		}
		n -= units
	}
	return nil
}

// sequence tells from its first byte how many bytes a sequence of UTF-8 has, and how many UTF-16 units it stands for.
// What follows the first byte isn't checked: Java doesn't either (Hessian2Input.parseUTF8Char).
func sequence(first byte) (size, units int) {
	switch {
	case first < 0x80:
		return 1, 1
	case first&0xe0 == 0xc0:
		return 2, 1
	case first&0xf0 == 0xe0:
		return 3, 1
	case first&0xf8 == 0xf0:
		return 4, 2
	}
	return 0, 0
}
