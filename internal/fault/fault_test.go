package fault_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/dubbofn/dubbofn/internal/fault"
	"github.com/dubbofn/dubbofn/invoker"
)

func TestErrorsAreToldByTheirKind(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 1<<20)
	deep := &invoker.Exception{Class: "a.B", Message: "m", Trace: make([]invoker.StackFrame, 1<<16)}
	for name, c := range map[string]struct {
		err           error
		kind, message string
	}{
		"an exception":          {fmt.Errorf("call: %w", &invoker.Exception{Class: "a.B", Message: "m"}), "a.B", "m"},
		"a call that failed":    {invoker.Errorf(invoker.CodeTimeout, "call", "late"), "timeout", "call: late (timeout)"},
		"any other":             {errors.New("broken"), "*errors.errorString", "broken"},
		"one with a long text":  {errors.New(long), "*errors.errorString", long[:1<<10]},
		"one with a deep stack": {deep, "a.B", "m"},
	} {
		kind, message, stack := fault.Of(c.err)
		if kind != c.kind || message != c.message || len(stack) > 5<<10 {
			t.Errorf("%s: %q %.100q, %d bytes of stack", name, kind, message, len(stack))
		}
	}
	_, _, stack := fault.Of(&invoker.Exception{Class: "a.B", Trace: []invoker.StackFrame{{Class: "a.C", Method: "d", File: "C.java", Line: 7}}})
	if stack != "a.B\n\tat a.C.d(C.java:7)" {
		t.Errorf("%q", stack)
	}
}
