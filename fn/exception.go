package fn

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"

	"github.com/dubbofn/dubbofn/internal/javatype"
	"github.com/dubbofn/dubbofn/invoker"
)

// runtimeException is what a Go error becomes: a class that Java's strict class check lets through (SerializeSecurityManager,
// 3.3) and that consumers don't retry, since it is the method's answer.
const runtimeException = "java.lang.RuntimeException"

// Throws declares a business exception of Java's: an error of type E, also behind wrapping, reaches the caller as that class
// with E's exported fields. The class is what JavaClassName() says, else the one given here, else the package of the service
// interface followed by E's name. Of a struct in dubbo-go-hessian2's style the Throwable's own fields are left to the
// framework, and DetailMessage is the message.
func Throws[E error](class ...string) MethodOption {
	return methodOption(func(m *settings) {
		rt := reflect.TypeFor[E]()
		switch {
		case rt.Kind() == reflect.Interface:
			m.fault("fn.Throws[%v]: want a type of its own, not an interface", rt)
			return
		case len(class) > 1:
			m.fault("fn.Throws[%v]: %d classes: want one", rt, len(class))
			return
		}
		t := thrown{as: []reflect.Type{rt}, base: rt}
		if rt.Kind() == reflect.Pointer {
			t.base = rt.Elem()
		}
		// Both forms are errors where the methods are on the value.
		for _, other := range []reflect.Type{t.base, reflect.PointerTo(t.base)} {
			if other != rt && other.Implements(reflect.TypeFor[error]()) {
				t.as = append(t.as, other)
			}
		}
		if len(class) == 1 {
			t.class = class[0]
		}
		if own := classNameOf(t.base); own != "" {
			if t.class != "" && t.class != own {
				m.fault("fn.Throws[%v](%q): its JavaClassName is %s: want one of them", rt, t.class, own)
			}
			t.class = own
		}
		if t.class != "" && !javatype.IsClassName(t.class) {
			m.fault("fn.Throws[%v]: class %q: want a Java class name like org.example.BizException", rt, t.class)
			return
		}
		m.throws = append(m.throws, t)
	})
}

// thrown is a declared business exception.
type thrown struct {
	base  reflect.Type   // without the pointer
	as    []reflect.Type // the forms that are errors
	class string         // empty until the service's package is known
}

type classNamer interface{ JavaClassName() string }

// classNameOf asks a value or a pointer of type rt for its Java class, "" when it has no say.
func classNameOf(rt reflect.Type) (class string) {
	defer func() {
		if recover() != nil { // a method that needs more than the zero value
			class = ""
		}
	}()
	if n, ok := reflect.New(rt).Interface().(classNamer); ok {
		return n.JavaClassName()
	}
	return ""
}

// outcome turns an error of a function or a filter into what a provider answers with.
func outcome(ctx context.Context, op string, err error, throws []thrown) error {
	switch e := err.(type) { //nolint:errorlint // only the error itself is the caller's business; wrapped ones are the function's
	case *invoker.Exception:
		return e
	case *invoker.Error:
		if !e.Remote {
			return e
		}
		return &invoker.Exception{Class: runtimeException, Message: e.Error()}
	}
	if late(ctx, err) {
		return &invoker.Error{Code: invoker.CodeTimeout, Op: op, Err: err, MaybeExecuted: true}
	}
	if e := exceptionOf(err, throws); e != nil {
		return e
	}
	return &invoker.Exception{Class: runtimeException, Message: err.Error()}
}

// late tells whether err is the call's own deadline.
func late(ctx context.Context, err error) bool {
	return errors.Is(err, context.DeadlineExceeded) && errors.Is(ctx.Err(), context.DeadlineExceeded)
}

// exceptionOf finds an error with a Java class in err, nil when there is none.
func exceptionOf(err error, throws []thrown) *invoker.Exception {
	for _, t := range throws {
		for _, as := range t.as {
			target := reflect.New(as)
			if errors.As(err, target.Interface()) {
				return exception(target.Elem(), t.class, throws, 0)
			}
		}
	}
	var e *invoker.Exception
	if errors.As(err, &e) {
		return e
	}
	var named interface {
		error
		classNamer
	}
	if errors.As(err, &named) {
		return exception(reflect.ValueOf(named), named.JavaClassName(), throws, 0)
	}
	return nil
}

// throwableFields are java.lang.Throwable's own, as dubbo-go-hessian2's exceptions spell them.
var throwableFields = map[string]bool{"SerialVersionUID": true, "DetailMessage": true, "SuppressedExceptions": true, "StackTrace": true, "Cause": true}

// exception makes the Java form of an error value; depth counts the causes that led to it.
func exception(v reflect.Value, class string, throws []thrown, depth int) *invoker.Exception {
	err, _ := v.Interface().(error)
	e := &invoker.Exception{Class: class, Message: err.Error()}
	cause := errors.Unwrap(err)
	for v.Kind() == reflect.Pointer && !v.IsNil() {
		v = v.Elem()
	}
	if v.Kind() == reflect.Struct {
		if f := v.FieldByName("DetailMessage"); f.IsValid() && f.Kind() == reflect.String {
			e.Message = f.String()
		}
		if f := v.FieldByName("Cause"); cause == nil && f.IsValid() && f.CanInterface() {
			cause, _ = f.Interface().(error)
		}
		for name, f := range exceptionFields(v.Type()) {
			value, err := v.FieldByIndexErr(f.Index)
			if err != nil {
				continue // of an embedded struct that isn't there
			}
			if e.Fields == nil {
				e.Fields = map[string]any{}
			}
			e.Fields[name] = value.Interface()
		}
	}
	e.Cause = causeOf(cause, throws, depth+1)
	return e
}

// maxCauses bounds a chain of causes, which may lead back to itself.
const maxCauses = 16

// causeOf gives every cause a Java class, since Java knows no other.
func causeOf(cause error, throws []thrown, depth int) error {
	if cause == nil || depth > maxCauses {
		return nil
	}
	v := reflect.ValueOf(cause)
	for _, t := range throws {
		if slices.Contains(t.as, v.Type()) {
			return exception(v, t.class, throws, depth)
		}
	}
	// What is wrapped keeps the text of its wrapping, so only the cause itself is asked.
	switch c := cause.(type) { //nolint:errorlint // see above
	case *invoker.Exception:
		return c
	case classNamer:
		return exception(v, c.JavaClassName(), throws, depth)
	}
	return &invoker.Exception{Class: runtimeException, Message: cause.Error(), Cause: causeOf(errors.Unwrap(cause), throws, depth+1)}
}

// exceptionFields gives the fields that an exception's class has beside those of Throwable, by their Java names.
func exceptionFields(rt reflect.Type) map[string]reflect.StructField {
	fields := map[string]reflect.StructField{}
	for _, f := range reflect.VisibleFields(rt) {
		name := fieldName(f)
		if !f.IsExported() || f.Anonymous || name == "" || throwableFields[f.Name] {
			continue
		}
		fields[name] = f
	}
	return fields
}

// fieldName gives a struct field's Java name, "" when it is left out.
func fieldName(f reflect.StructField) string {
	switch tag, _, _ := strings.Cut(f.Tag.Get("hessian"), ","); tag {
	case "-":
		return ""
	case "":
		return javatype.LowerCamel(f.Name)
	default:
		return tag
	}
}
