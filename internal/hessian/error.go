package hessian

import "fmt"

// Kind says what an Error is about.
type Kind uint8

const (
	KindMalformed Kind = iota + 1 // the bytes are not Hessian 2
	KindLimit                     // the bytes ask for more than Limits allow
	KindType                      // the bytes, or the value to write, don't suit the type at hand
)

// Error is a body that can't be read or a value that can't be written.
type Error struct {
	Kind   Kind
	Op     string // "decode" or "encode"
	Offset int    // of the faulty value in the body; −1 where there is none
	Err    error
}

// Error gives the operation, the offset and the fault.
func (e *Error) Error() string {
	if e.Offset < 0 {
		return e.Op + ": " + e.Err.Error()
	}
	return fmt.Sprintf("%s: byte %d: %v", e.Op, e.Offset, e.Err)
}

// Unwrap gives the fault itself.
func (e *Error) Unwrap() error { return e.Err }
