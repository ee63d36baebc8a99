package dubbo

import (
	"errors"
	"slices"

	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/java"
)

// The fields of java.lang.Throwable, and of java.lang.StackTraceElement, as Hessian carries them.
const (
	classRuntime    = "java.lang.RuntimeException"
	classFrame      = "java.lang.StackTraceElement"
	fieldMessage    = "detailMessage"
	fieldCause      = "cause"
	fieldTrace      = "stackTrace"
	fieldSuppressed = "suppressedExceptions"

	maxCauses = 32
)

// throwable gives the Java object for an error: an *invoker.Exception as its own class, anything else as
// java.lang.RuntimeException, a class that every consumer lets in (Java 3.3.6 refuses java.lang.Throwable).
func throwable(err error) *java.Object { return throwableAt(err, 0) }

func throwableAt(err error, depth int) *java.Object {
	e := &invoker.Exception{Class: classRuntime, Message: err.Error()}
	if own := (*invoker.Exception)(nil); errors.As(err, &own) {
		e = own
	}
	class := e.Class
	if class == "" {
		class = classRuntime
	}
	o := &java.Object{Class: class}
	trace := &java.List{Class: "[" + classFrame, Items: []any{}}
	for _, f := range e.Trace {
		var file any
		if f.File != "" {
			file = f.File
		}
		trace.Items = append(trace.Items, &java.Object{Class: classFrame, Fields: []java.Field{
			{Name: "declaringClass", Value: f.Class}, {Name: "methodName", Value: f.Method},
			{Name: "fileName", Value: file}, {Name: "lineNumber", Value: int32(f.Line)}}})
	}
	// A throwable without a cause is its own cause, so that Throwable.initCause still works (java.lang.Throwable).
	var cause any = o
	if e.Cause != nil && depth < maxCauses {
		cause = throwableAt(e.Cause, depth+1)
	}
	o.Fields = append(o.Fields, java.Field{Name: fieldMessage, Value: e.Message}, java.Field{Name: fieldCause, Value: cause},
		java.Field{Name: fieldTrace, Value: trace})
	names := make([]string, 0, len(e.Fields))
	for name := range e.Fields {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		o.Fields = append(o.Fields, java.Field{Name: name, Value: e.Fields[name]})
	}
	return o
}

// exception reads a throwable that a provider sent. Dubbo Java sends one of any class; other providers may send a string.
func exception(v any) error {
	o, ok := v.(*java.Object)
	if !ok {
		if s, ok := v.(string); ok {
			return &invoker.Exception{Class: "java.lang.Throwable", Message: s}
		}
		return &invoker.Exception{Class: "java.lang.Throwable"}
	}
	return exceptionOf(o, map[*java.Object]bool{})
}

func exceptionOf(o *java.Object, seen map[*java.Object]bool) *invoker.Exception {
	seen[o] = true
	e := &invoker.Exception{Class: o.Class}
	for _, f := range o.Fields {
		switch f.Name {
		case fieldMessage:
			e.Message, _ = f.Value.(string)
		case fieldCause:
			if c, ok := f.Value.(*java.Object); ok && !seen[c] && len(seen) < maxCauses {
				e.Cause = exceptionOf(c, seen)
			}
		case fieldTrace:
			e.Trace = trace(f.Value)
		case fieldSuppressed:
		default:
			if e.Fields == nil {
				e.Fields = map[string]any{}
			}
			e.Fields[f.Name] = f.Value
		}
	}
	return e
}

func trace(v any) []invoker.StackFrame {
	l, ok := v.(*java.List)
	if !ok {
		return nil
	}
	frames := make([]invoker.StackFrame, 0, len(l.Items))
	for _, item := range l.Items {
		o, ok := item.(*java.Object)
		if !ok {
			continue
		}
		var f invoker.StackFrame
		f.Class, _ = o.Get("declaringClass").(string)
		f.Method, _ = o.Get("methodName").(string)
		f.File, _ = o.Get("fileName").(string)
		if n, ok := o.Get("lineNumber").(int32); ok {
			f.Line = int(n)
		}
		frames = append(frames, f)
	}
	return frames
}
