package hessian

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf8"
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
		size, units, err := s.sequence()
		if err != nil {
			return err
		}
		if units > n {
			return errors.New("a string ends within a character")
		}
		s.pos += size
		n -= units
	}
	return nil
}

// sequence measures one sequence of UTF-8: its bytes, and the UTF-16 units that it stands for.
func (s *scanner) sequence() (size, units int, err error) {
	b := s.body[s.pos:]
	if len(b) == 0 {
		return 0, 0, errShort
	}
	if b[0] < utf8.RuneSelf {
		return 1, 1, nil
	}
	_, size = utf8.DecodeRune(b)
	switch {
	case size == 4:
		return 4, 2, nil
	case size > 1:
		return size, 1, nil
	case isSurrogate(b):
		return 3, 1, nil
	case len(b) < 3 && b[0] == 0xed && (len(b) == 1 || b[1] >= 0xa0 && b[1] <= 0xbf), !utf8.FullRune(b):
		if s.total-s.pos <= len(b) {
			return 0, 0, fmt.Errorf("%d bytes left of a string, within a character", len(b))
		}
		return 0, 0, errShort
	}
	return 0, 0, fmt.Errorf("byte 0x%02x in a string", b[0])
}
