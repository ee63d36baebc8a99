package invoker

import (
	"errors"
	"fmt"
	"strings"
)

// Code says what kind of failure an [Error] is. The set is closed.
type Code uint8

// The codes. Beside each: the Dubbo response status that a provider answers with (Java: remoting.exchange.Response, 3.3).
const (
	CodeInternal        Code = iota // 80 SERVER_ERROR: the framework failed
	CodeBadRequest                  // 40 BAD_REQUEST: the request can't be read, or asks for what is not offered
	CodeBadResponse                 // 50 BAD_RESPONSE: the answer can't be read or written
	CodeNotFound                    // 60 SERVICE_NOT_FOUND: no such service, method, group or version
	CodeServiceError                // 70 SERVICE_ERROR: refused by the service (as reported by a peer)
	CodeTimeout                     // 31 SERVER_TIMEOUT as a provider; 30 CLIENT_TIMEOUT where the consumer's wait ended
	CodeExhausted                   // 100 SERVER_THREADPOOL_EXHAUSTED_ERROR: a limit is reached, try elsewhere
	CodeUnavailable                 // no connection, or it was lost; not answered by providers
	CodeCanceled                    // the caller gave up; not answered by providers
	CodeUnauthenticated             // 70 SERVICE_ERROR: the token or signature is missing or wrong
	CodeClient                      // 90 CLIENT_ERROR: the consumer side failed before anything was sent
)

var codeNames = [...]string{"internal", "bad request", "bad response", "not found", "service error", "timeout", "exhausted", "unavailable", "canceled", "unauthenticated", "client error"}

// String gives the code's name.
func (c Code) String() string {
	if int(c) < len(codeNames) {
		return codeNames[c]
	}
	return fmt.Sprintf("code(%d)", uint8(c))
}

// Error is a failure of the call itself, not of the method that was called.
type Error struct {
	Code          Code
	Op            string // what was being done: "call org.example.GreetService.greet"
	Err           error  // why
	Remote        bool   // the peer reported it; else we deduced it
	MaybeExecuted bool   // the method may have run: a retry is safe only where it is idempotent
}

// Errorf makes an [Error] whose cause is formatted as fmt.Errorf does, %w included.
func Errorf(code Code, op, format string, args ...any) *Error {
	return &Error{Code: code, Op: op, Err: fmt.Errorf(format, args...)}
}

// Error gives "op: cause (code[, reported by the peer][, may have run])".
func (e *Error) Error() string {
	var b strings.Builder
	if e.Op != "" {
		b.WriteString(e.Op)
		b.WriteString(": ")
	}
	if e.Err != nil {
		b.WriteString(e.Err.Error())
		b.WriteByte(' ')
	}
	b.WriteByte('(')
	b.WriteString(e.Code.String())
	if e.Remote {
		b.WriteString(", reported by the peer")
	}
	if e.MaybeExecuted {
		b.WriteString(", may have run")
	}
	b.WriteByte(')')
	return b.String()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// CodeOf finds the code of an error; ok is false when there is no *[Error] in it.
func CodeOf(err error) (c Code, ok bool) {
	var e *Error
	if errors.As(err, &e) {
		return e.Code, true
	}
	return CodeInternal, false
}
