package fn_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/invoker"
)

// bizError is declared by fn.Throws.
type bizError struct {
	Code   int32
	Detail *person
	Note   string `hessian:"remark"`
	Hidden string `hessian:"-"`
	text   string
	cause  error
}

func (e *bizError) Error() string { return e.text }
func (e *bizError) Unwrap() error { return e.cause }

// oldError is in dubbo-go-hessian2's style: methods on the value, Throwable's fields spelled out.
type oldError struct {
	SerialVersionUID     int64
	DetailMessage        string
	SuppressedExceptions []any
	StackTrace           []any
	Cause                error
	Code                 int32
}

func (e oldError) Error() string       { return "old: " + e.DetailMessage }
func (oldError) JavaClassName() string { return "org.old.OldException" }

type codeError int

func (codeError) Error() string { return "code" }

func TestErrorsReachJavaAsExceptions(t *testing.T) {
	t.Parallel()
	biz := &bizError{Code: 7, Detail: &person{Name: "Ann"}, Note: "n", Hidden: "h", text: "no such order", cause: fmt.Errorf("lookup: %w", oldError{DetailMessage: "gone", Code: 3})}
	runtime := func(message string) *invoker.Exception {
		return &invoker.Exception{Class: "java.lang.RuntimeException", Message: message}
	}
	old := func(cause error) *invoker.Exception {
		return &invoker.Exception{Class: "org.old.OldException", Message: "gone", Fields: map[string]any{"code": int32(3)}, Cause: cause}
	}
	full := &invoker.Exception{Class: "org.x.BizException", Message: "no such order",
		Fields: map[string]any{"code": int32(7), "detail": biz.Detail, "remark": "n"},
		Cause:  &invoker.Exception{Class: "java.lang.RuntimeException", Message: "lookup: old: gone", Cause: old(nil)}}
	own := &invoker.Exception{Class: "java.lang.IllegalStateException", Message: "closed"}
	for name, c := range map[string]struct {
		err  error
		want *invoker.Exception
	}{
		"plain":                 {errors.New("boom"), runtime("boom")},
		"wrapped":               {fmt.Errorf("a: %w", errors.New("b")), runtime("a: b")},
		"declared":              {biz, full},
		"declared, wrapped":     {fmt.Errorf("order 7: %w", biz), full},
		"declared, no struct":   {codeError(3), &invoker.Exception{Class: "org.x.codeError", Message: "code"}},
		"old style, value":      {oldError{DetailMessage: "gone", Code: 3}, old(nil)},
		"old style, pointer":    {&oldError{DetailMessage: "gone", Code: 3, Cause: errors.New("disk")}, old(runtime("disk"))},
		"an exception":          {own, own},
		"an exception, wrapped": {fmt.Errorf("in between: %w", own), own},
		"from another provider": {&invoker.Error{Code: invoker.CodeNotFound, Op: "call b", Err: errors.New("no service"), Remote: true}, runtime("call b: no service (not found, reported by the peer)")},
		"framework, wrapped":    {fmt.Errorf("a: %w", invoker.Errorf(invoker.CodeTimeout, "call b", "late")), runtime("a: call b: late (timeout)")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set := newSet(t, fn.NewService("org.x.S", fn.Throws[codeError](),
				fn.Method("m", func() (string, error) { return "lost", c.err }, fn.Throws[*bizError]("org.x.BizException"), fn.Throws[oldError]())))
			res, err := call(t, set, "org.x.S", "m", "")
			var got *invoker.Exception
			if !errors.As(err, &got) {
				t.Fatalf("%v (%T) is no exception", err, err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			if res.Value != nil {
				t.Errorf("the result is %v beside an error", res.Value)
			}
		})
	}
}

func TestAnErrorOfTheFrameworkStaysOne(t *testing.T) {
	t.Parallel()
	cause := invoker.Errorf(invoker.CodeExhausted, "reserve", "no seat (limit 3)")
	set := newSet(t, fn.NewService("org.x.S", fn.Method("m", func() error { return cause })))
	if _, err := call(t, set, "org.x.S", "m", ""); !errors.Is(err, cause) {
		t.Errorf("%v; want the error itself", err)
	}
}

func TestCausesThatLeadBackEnd(t *testing.T) {
	t.Parallel()
	loop := &oldError{DetailMessage: "loop"}
	loop.Cause = loop
	set := newSet(t, fn.NewService("org.x.S", fn.Method("m", func() error { return loop })))
	_, err := call(t, set, "org.x.S", "m", "")
	n := 0
	for ; err != nil; err = errors.Unwrap(err) {
		if n++; n > 100 {
			t.Fatal("the causes do not end")
		}
	}
	if n < 2 {
		t.Errorf("%d causes; want some", n)
	}
}
