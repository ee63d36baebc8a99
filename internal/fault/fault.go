// Package fault says of an error what a span tells of it.
package fault

import (
	"errors"
	"fmt"
	"strings"

	"github.com/dubbofn/dubbofn/invoker"
)

// Of gives its kind, which is a Java exception's class, a failed call's code or else the Go type, its text, and the stack
// that a peer sent, if one did.
func Of(err error) (kind, message, stack string) {
	var x *invoker.Exception
	var e *invoker.Error
	switch {
	case errors.As(err, &x):
		return x.Class, cut(x.Message), trace(x)
	case errors.As(err, &e):
		return e.Code.String(), cut(err.Error()), ""
	default:
		return fmt.Sprintf("%T", err), cut(err.Error()), ""
	}
}

const (
	maxMessage = 1 << 10
	maxStack   = 4 << 10
)

func cut(s string) string { return s[:min(len(s), maxMessage)] }

// trace writes a stack as Java prints it.
func trace(x *invoker.Exception) string {
	if len(x.Trace) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString(x.Class)
	for _, f := range x.Trace {
		if b.Len() > maxStack {
			break
		}
		fmt.Fprintf(&b, "\n\tat %s.%s(%s:%d)", f.Class, f.Method, f.File, f.Line)
	}
	return b.String()
}
