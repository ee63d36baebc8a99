package hessian

import (
	"errors"
	"fmt"
	"math"
)

// Skip passes over the first n values of body without building them and returns what follows them. It accepts exactly the
// bodies that Decoder.Value accepts within the default Limits, references included: a reference counts from the start of
// body, so body must begin where the references of its values do. It allocates nothing for a body with at most 32 class
// definitions and 64 levels of nesting, and less than 4 bytes for each byte of body otherwise. Errors are *Error.
func Skip(body []byte, n int) (rest []byte, err error) {
	return Scan(body, n, Limits{})
}

// Scan is Skip with limits of the caller's own (AllocFactor means nothing to it). It is the guard of a reader that has no
// limits itself.
func Scan(body []byte, n int, l Limits) (rest []byte, err error) {
	s := scanner{body: body, total: len(body), limits: l.resolve(len(body))}
	for range n {
		if err := s.value(); err != nil {
			return nil, s.fault(err)
		}
	}
	return body[s.pos:], nil
}

// Prefix judges the first part of a body of total bytes, any number of values, that is still arriving. It reports the
// faults that more bytes can't mend: an unknown tag, nesting beyond the limit, a length that what is left of total can't
// hold, a reference to nothing. It returns nil where body is sound as far as it goes. Errors are *Error.
func Prefix(body []byte, total int, l Limits) error {
	total = max(total, len(body))
	s := scanner{body: body, total: total, limits: l.resolve(total)}
	for s.pos < len(body) {
		if err := s.value(); err != nil {
			if errors.Is(err, errShort) && s.total > len(body) {
				return nil
			}
			return s.fault(err)
		}
	}
	return nil
}

// errShort is a body that ends inside a value.
var errShort = errors.New("the body ends inside a value")

// scanner walks over the grammar that Decoder reads, with a stack of its own: the nesting of a body costs 8 bytes a level.
type scanner struct {
	body   []byte
	pos    int
	total  int // bytes that body will have; what body lacks of them is still to come
	at     int // where the value at hand begins
	limits Limits
	values int
	refs   int
	types  int

	depth   int // levels open
	classes int // class definitions so far

	// The first levels and field counts of classes are held here, so that a scanner can live on its caller's stack.
	nearLevels [64]level
	farLevels  []level
	nearFields [32]int32
	farFields  []int32
}

// level is an open list, map or object.
type level struct {
	left int32 // values still to come, where open is fixed
	open open
}

type open int32

const (
	fixed      open = iota // a number of values
	untilEnd               // values up to 'Z'
	untilKey               // a map: a key or 'Z' is next
	untilValue             // a map: a value is next
)

// fault makes err, found in the value at hand, an *Error.
func (s *scanner) fault(err error) error {
	kind := KindMalformed
	var over overLimit
	if errors.As(err, &over) {
		kind = KindLimit
	}
	return &Error{Kind: kind, Op: "scan", Offset: s.at, Err: err}
}

// overLimit is a fault of kind KindLimit.
type overLimit struct{ what string }

func (o overLimit) Error() string { return o.what }

// value passes over one value and all that is in it.
func (s *scanner) value() error {
	defined := false // a class definition came last: a value must follow, no 'Z'
	for {
		s.at = s.pos
		tag, err := s.byte()
		if err != nil {
			return err
		}
		switch {
		case tag == tagClass:
			if err := s.class(); err != nil {
				return err
			}
			defined = true
			continue
		case tag == tagEnd && !defined && s.endable():
			s.depth--
		default:
			opened, err := s.begin(tag)
			if err != nil {
				return err
			}
			if opened {
				defined = false
				continue
			}
		}
		defined = false
		if s.complete() {
			return nil
		}
	}
}

// top is the innermost open level.
func (s *scanner) top() *level {
	if s.depth <= len(s.nearLevels) {
		return &s.nearLevels[s.depth-1]
	}
	return &s.farLevels[s.depth-1-len(s.nearLevels)]
}

func (s *scanner) push(l level) {
	if i := s.depth - len(s.nearLevels); i >= 0 {
		s.farLevels = append(s.farLevels[:i], l)
	} else {
		s.nearLevels[s.depth] = l
	}
	s.depth++
}

// fields is how many fields class definition n has.
func (s *scanner) fields(n int) int32 {
	if n < len(s.nearFields) {
		return s.nearFields[n]
	}
	return s.farFields[n-len(s.nearFields)]
}

func (s *scanner) define(fields int32) {
	if s.classes < len(s.nearFields) {
		s.nearFields[s.classes] = fields
	} else {
		s.farFields = append(s.farFields, fields)
	}
	s.classes++
}

// endable tells whether a 'Z' may come now.
func (s *scanner) endable() bool {
	if s.depth == 0 {
		return false
	}
	o := s.top().open
	return o == untilEnd || o == untilKey
}

// complete notes that a value is done, and with it every level whose last value it was. It reports whether none is open.
func (s *scanner) complete() bool {
	for s.depth > 0 {
		top := s.top()
		switch top.open {
		case untilEnd:
			return false
		case untilKey:
			top.open = untilValue
			return false
		case untilValue:
			top.open = untilKey
			return false
		case fixed:
			if top.left--; top.left > 0 {
				return false
			}
			s.depth--
		}
	}
	return true
}

// begin passes over a value that is no container, or over the head of one; then opened tells that its values come next.
func (s *scanner) begin(tag byte) (opened bool, err error) {
	if s.values++; s.values > s.limits.Values {
		return false, overLimit{fmt.Sprintf("more than %d values", s.limits.Values)}
	}
	switch {
	case tag >= tagListMin && tag <= tagListMax:
		if err := s.typeName(); err != nil {
			return false, err
		}
		return s.open(fixed, int64(tag-tagListMin))
	case tag >= tagListAnyMin && tag <= tagListAnyMax:
		return s.open(fixed, int64(tag-tagListAnyMin))
	case tag >= tagObjectMin && tag <= tagObjectMax:
		return s.object(int64(tag - tagObjectMin))
	}
	switch tag {
	case tagListFixed, tagListVar, tagMap:
		if err := s.typeName(); err != nil {
			return false, err
		}
	case tagListFixedAny, tagListVarAny, tagMapAny:
	case tagObject:
		n, err := s.int("number of a class definition")
		if err != nil {
			return false, err
		}
		return s.object(n)
	case tagRef:
		n, err := s.int("reference")
		if err != nil {
			return false, err
		}
		if n < 0 || n >= int64(s.refs) {
			return false, fmt.Errorf("reference to object %d of %d", n, s.refs)
		}
		return false, nil
	default:
		return false, s.scalar(tag)
	}
	switch tag {
	case tagMap, tagMapAny:
		return s.open(untilKey, 0)
	case tagListVar, tagListVarAny:
		return s.open(untilEnd, 0)
	}
	n, err := s.int("length of a list")
	if err != nil {
		return false, err
	}
	return s.open(fixed, n)
}

// open begins a level. A list or object of no values is done at once.
func (s *scanner) open(o open, n int64) (opened bool, err error) {
	if s.refs++; s.refs > s.limits.Refs {
		return false, overLimit{fmt.Sprintf("more than %d lists, maps and objects", s.limits.Refs)}
	}
	if s.depth >= s.limits.Depth {
		return false, overLimit{fmt.Sprintf("nesting deeper than %d", s.limits.Depth)}
	}
	if err := s.claim(n, "values"); err != nil {
		return false, err
	}
	if o == fixed && n == 0 {
		return false, nil
	}
	s.push(level{left: int32(n), open: o})
	return true, nil
}

// object begins an instance of the n-th class definition.
func (s *scanner) object(n int64) (opened bool, err error) {
	if n < 0 || n >= int64(s.classes) {
		return false, fmt.Errorf("object of class definition %d of %d", n, s.classes)
	}
	return s.open(fixed, int64(s.fields(int(n))))
}

// class passes over a class definition: name, number of fields, their names.
func (s *scanner) class() error {
	if s.classes == maxClasses {
		return overLimit{fmt.Sprintf("more than %d class definitions", maxClasses)}
	}
	from := s.pos
	if err := s.name("name of a class"); err != nil {
		return err
	}
	to := s.pos
	n, err := s.int("number of fields")
	if err != nil {
		return err
	}
	if err := s.claim(n, "field names"); err != nil {
		return err
	}
	for range n {
		if err := s.name("name of a field"); err != nil {
			return err
		}
	}
	if n == 0 && isCompact(s.body[from:to]) {
		n = 1
	}
	s.define(int32(n))
	return nil
}

// typeName passes over the type of a list or map: a string, or the number of one before.
func (s *scanner) typeName() error {
	tag, err := s.peek()
	if err != nil {
		return err
	}
	if isString(tag) {
		s.types++
		return s.name("type")
	}
	n, err := s.int("number of a type")
	if err != nil {
		return err
	}
	if n < 0 || n >= int64(s.types) {
		return fmt.Errorf("reference to type %d of %d", n, s.types)
	}
	return nil
}

// claim checks that n values of at least a byte each can still come.
func (s *scanner) claim(n int64, what string) error {
	if left := s.total - s.pos; n < 0 || n > int64(min(left, math.MaxInt32)) {
		return fmt.Errorf("%d %s, but %d bytes left", n, what, left)
	}
	return nil
}
