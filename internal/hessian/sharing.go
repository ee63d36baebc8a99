package hessian

import "unsafe"

// sharing knows the values that were written and may be met again. A value is its address and the plan that wrote it, since
// a struct and its first field have one address.
type sharing struct {
	entries []sharedValue // in the order of writing
	table   []int32       // open addressing: index into entries + 1; only used for more than a few
}

type sharedValue struct {
	ptr unsafe.Pointer
	id  uint32
	n   int32 // the value's number
}

// scanned is how many entries are looked through one by one.
const scanned = 8

// add finds the number of the value at ptr, or gives it the number n.
func (s *sharing) add(ptr unsafe.Pointer, id uint32, n int) (int, bool) {
	if len(s.table) == 0 {
		for i := range s.entries {
			if s.entries[i].ptr == ptr && s.entries[i].id == id {
				return int(s.entries[i].n), true
			}
		}
		s.entries = append(s.entries, sharedValue{ptr, id, int32(n)})
		if len(s.entries) > scanned {
			s.grow()
		}
		return n, false
	}
	slot := s.slot(ptr, id)
	if at := s.table[slot]; at != 0 {
		return int(s.entries[at-1].n), true
	}
	s.entries = append(s.entries, sharedValue{ptr, id, int32(n)})
	s.table[slot] = int32(len(s.entries))
	if 2*len(s.entries) > len(s.table) {
		s.grow()
	}
	return n, false
}

// slot finds the place of a value in the table, or the free one where it belongs.
func (s *sharing) slot(ptr unsafe.Pointer, id uint32) int {
	hash := (uint64(uintptr(ptr))>>3 ^ uint64(id)<<40) * 0x9e3779b97f4a7c15
	mask := len(s.table) - 1
	for i := int(hash>>32) & mask; ; i = (i + 1) & mask {
		at := s.table[i]
		if at == 0 || s.entries[at-1].ptr == ptr && s.entries[at-1].id == id {
			return i
		}
	}
}

// grow makes the table fit twice the entries.
func (s *sharing) grow() {
	size := 8 * scanned
	for size < 4*len(s.entries) {
		size *= 2
	}
	if cap(s.table) >= size {
		s.table = s.table[:size]
		clear(s.table)
	} else {
		s.table = make([]int32, size)
	}
	for i := range s.entries {
		s.table[s.slot(s.entries[i].ptr, s.entries[i].id)] = int32(i + 1)
	}
}

// truncate forgets the values with numbers from n on.
func (s *sharing) truncate(n int) {
	for len(s.entries) > 0 && int(s.entries[len(s.entries)-1].n) >= n {
		s.entries = s.entries[:len(s.entries)-1]
	}
	clear(s.table)
	s.table = s.table[:0]
	if len(s.entries) > scanned {
		s.grow()
	}
}

func (s *sharing) reset() {
	clear(s.entries)
	s.entries, s.table = s.entries[:0], s.table[:0]
}
