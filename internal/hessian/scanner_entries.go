package hessian

import (
	"encoding/binary"
	"fmt"
)

// Entries passes over the first n values of body and over a map behind them, as Scan does, and shows the map's entries in order, each
// key and value as it is encoded: for [Text] and [Integer], or to be passed on. Null, or nothing at all, is a map without entries.
// end is where the n values end and the map begins. Nothing is built; each keeps what it wants as long as body lasts.
// Errors are *Error; entries may have been shown before.
func Entries(body []byte, n int, l Limits, each func(key, value []byte)) (end int, err error) {
	s := scanner{body: body, total: len(body), limits: l.resolve(len(body))}
	for range n {
		if err := s.value(); err != nil {
			return 0, s.fault(err)
		}
	}
	end = s.pos
	if err := s.entries(each); err != nil {
		return 0, s.fault(err)
	}
	return end, nil
}

// entries passes over a map, null or the end of the body.
func (s *scanner) entries(each func(key, value []byte)) error {
	if s.pos == len(s.body) {
		return nil
	}
	s.at = s.pos
	tag := s.body[s.pos]
	s.pos++
	switch tag {
	case tagNull:
		return nil
	case tagMap, tagMapAny:
	default:
		return fmt.Errorf("tag 0x%02x where a map should be", tag)
	}
	if _, err := s.begin(tag); err != nil {
		return err
	}
	s.depth-- // the map is walked here, and its entries are values of their own
	s.limits.Depth--
	for {
		s.at = s.pos
		next, err := s.peek()
		if err != nil {
			return err
		}
		if next == tagEnd {
			s.pos++
			return nil
		}
		from := s.pos
		if err := s.value(); err != nil {
			return err
		}
		to := s.pos
		if err := s.value(); err != nil {
			return err
		}
		each(s.body[from:to:to], s.body[to:s.pos:s.pos])
	}
}

// Text gives the characters of a string that Entries showed, in UTF-8 as they were sent. ok is false where it is no string, or one in several chunks.
func Text(value []byte) (text []byte, ok bool) {
	if len(value) == 0 {
		return nil, false
	}
	switch tag := value[0]; {
	case tag <= tagStringMax:
		return value[1:], true
	case tag >= tagString2Min && tag <= tagString2Max && len(value) > 1:
		return value[2:], true
	case tag == tagString && len(value) > 2:
		return value[3:], true
	}
	return nil, false
}

// Integer gives a whole number that Entries showed. ok is false where it is none.
func Integer(value []byte) (n int64, ok bool) {
	if len(value) == 0 {
		return 0, false
	}
	switch tag := value[0]; {
	case tag >= tagIntMin && tag <= tagInt3Max, tag >= tagLongMin, tag >= tagLong3Min && tag <= tagLong3Max, tag == tagInt, tag == tagLong, tag == tagLongInt:
	default:
		return 0, false
	}
	if value[0] == tagLong {
		if len(value) < 9 {
			return 0, false
		}
		return int64(binary.BigEndian.Uint64(value[1:])), true
	}
	s := scanner{body: value, total: len(value)}
	n, err := s.int("number")
	return n, err == nil
}
