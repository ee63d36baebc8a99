package hessian

import "fmt"

// Kind says what an Error is about.
type Kind uint8

// What an Error can be about.
const (
	KindMalformed Kind = iota + 1 // the bytes are not Hessian 2
	KindLimit                     // the bytes, or the value to write, ask for more than Limits allow
	KindType                      // the bytes, or the value to write, don't suit the type at hand
)

// Error is a body that can't be read or a value that can't be written.
type Error struct {
	Kind   Kind
	Op     string // "decode" or "encode"
	Offset int    // where in the body the fault was found; −1 where there is no body
	Path   string // to the faulty value within the whole: "GreetRequest.tags[2]"; empty for the whole
	Err    error
}

// Error gives the operation, the offset, the path and the fault.
func (e *Error) Error() string {
	text := e.Op + ": "
	if e.Offset >= 0 {
		text += fmt.Sprintf("byte %d: ", e.Offset)
	}
	if e.Path != "" {
		text += e.Path + ": "
	}
	return text + e.Err.Error()
}

// Unwrap gives the fault itself.
func (e *Error) Unwrap() error { return e.Err }

// fail makes the error of a fault at byte off.
func (d *Decoder) fail(kind Kind, off int, format string, args ...any) error {
	return &Error{Kind: kind, Op: "decode", Offset: off, Err: fmt.Errorf(format, args...)}
}

// short is the error of a body that ends before the value at d.pos does.
func (d *Decoder) short() error {
	return d.fail(KindMalformed, d.pos, "the body ends within a value that begins here")
}

// mismatch is the error of a value of another kind than the one that is wanted.
func (d *Decoder) mismatch(want string) error {
	if d.pos >= len(d.b) {
		return d.short()
	}
	tag := d.b[d.pos]
	if what := describe(tag); what != "" {
		return d.fail(KindType, d.pos, "%s (tag 0x%02x) where %s is wanted", what, tag, want)
	}
	return d.fail(KindMalformed, d.pos, "unknown tag 0x%02x", tag)
}

// in puts one more step before the path of an error.
func in(err error, step string) error {
	if e, ok := err.(*Error); ok && len(e.Path) < maxPath { //nolint:errorlint // ours is never wrapped
		e.Path = step + e.Path
	}
	return err
}

// maxPath bounds the path of an error, since values may nest deep.
const maxPath = 200

// encodeError makes the error of a value that can't be written.
func encodeError(kind Kind, format string, args ...any) error {
	return &Error{Kind: kind, Op: "encode", Offset: -1, Err: fmt.Errorf(format, args...)}
}
