package hessian

import (
	"encoding/binary"
	"fmt"
)

// byte takes the next byte.
func (s *scanner) byte() (byte, error) {
	b, err := s.peek()
	if err != nil {
		return 0, err
	}
	s.pos++
	return b, nil
}

func (s *scanner) peek() (byte, error) {
	if s.pos >= len(s.body) {
		return 0, errShort
	}
	return s.body[s.pos], nil
}

// take passes over n bytes. A fault that more bytes can't mend comes before errShort.
func (s *scanner) take(n int) error {
	if left := s.total - s.pos; n > left {
		return fmt.Errorf("%d bytes wanted, %d left", n, left)
	}
	if n > len(s.body)-s.pos {
		return errShort
	}
	s.pos += n
	return nil
}

// scalar passes over what follows the tag of a value that holds no other values.
func (s *scanner) scalar(tag byte) error {
	switch {
	case isString(tag):
		return s.string(tag)
	case isBinary(tag):
		return s.binary(tag)
	}
	n, ok := width(tag)
	if !ok {
		return fmt.Errorf("unknown tag 0x%02x", tag)
	}
	return s.take(n)
}

// width is how many bytes follow the tag of a null, boolean, number or date.
func width(tag byte) (n int, ok bool) {
	switch {
	case tag >= tagIntMin && tag <= tagIntMax, tag >= tagLongMin && tag <= tagLongMax:
		return 0, true
	case tag >= tagInt2Min && tag <= tagInt2Max, tag >= tagLong2Min:
		return 1, true
	case tag >= tagInt3Min && tag <= tagInt3Max, tag >= tagLong3Min && tag <= tagLong3Max:
		return 2, true
	}
	switch tag {
	case tagNull, tagTrue, tagFalse, tagDoubleZero, tagDoubleOne:
		return 0, true
	case tagDoubleByte:
		return 1, true
	case tagDoubleShort:
		return 2, true
	case tagInt, tagLongInt, tagDoubleMill, tagDateMinute:
		return 4, true
	case tagLong, tagDouble, tagDate:
		return 8, true
	}
	return 0, false
}

// int reads a number of the structure: as in Java any number does, and null and booleans too, though only ints are written.
func (s *scanner) int(what string) (int64, error) {
	tag, err := s.byte()
	if err != nil {
		return 0, err
	}
	n, ok := width(tag)
	if !ok || tag == tagDate || tag == tagDateMinute {
		return 0, fmt.Errorf("tag 0x%02x where the %s should be", tag, what)
	}
	at := s.pos
	if err := s.take(n); err != nil {
		return 0, err
	}
	switch {
	case tag >= tagIntMin && tag <= tagIntMax:
		return int64(tag) - tagIntZero, nil
	case tag >= tagInt2Min && tag <= tagInt2Max:
		return (int64(tag)-tagInt2Zero)<<8 + int64(s.body[at]), nil
	case tag == tagInt:
		return int64(int32(binary.BigEndian.Uint32(s.body[at:]))), nil
	}
	d := Decoder{b: s.body[at-1 : s.pos]}
	return d.integer(what)
}
