package client

import (
	"errors"
	"reflect"
	"strings"

	"github.com/dubbofn/dubbofn/internal/javatype"
	"github.com/dubbofn/dubbofn/invoker"
)

// Throws makes exceptions of a Java class errors of type E, a struct or a pointer to one: errors.As finds an E with the exception's
// fields under their Java names, and its message in a string field Message or DetailMessage. The class is what JavaClassName()
// says, else the one given here, else the package of the interface followed by E's name.
func Throws[E error](class ...string) Option {
	return func(r *reference) {
		t := throws{rt: reflect.TypeFor[E]()}
		base := t.base()
		if base.Kind() != reflect.Struct || len(class) > 1 {
			r.fault("client.Throws[%v]: want a struct or a pointer to one, and one class", t.rt)
			return
		}
		t.class = javatype.PackageOf(r.key.Interface) + "." + base.Name()
		if len(class) == 1 {
			t.class = class[0]
		}
		if n, ok := reflect.New(base).Interface().(interface{ JavaClassName() string }); ok {
			t.class = n.JavaClassName()
		}
		if !javatype.IsClassName(t.class) {
			r.fault("client.Throws[%v]: class %q: want a Java class name like org.example.BizException", t.rt, t.class)
			return
		}
		r.throws = append(r.throws, t)
	}
}

// throws is one [Throws].
type throws struct {
	rt    reflect.Type // as errors.As wants it
	class string
}

func (t throws) base() reflect.Type {
	if t.rt.Kind() == reflect.Pointer {
		return t.rt.Elem()
	}
	return t.rt
}

// typed is an exception with its Go form.
type typed struct {
	error // the Go form
	e     *invoker.Exception
}

func (t typed) Unwrap() []error { return []error{t.error, t.e} }

// thrown gives exceptions the Go form that is declared for them, and takes what a generic call threw out of its wrapping (Java:
// GenericException names the class and the message in fields).
func (s *Service) thrown(err error) error {
	var e *invoker.Exception
	if !errors.As(err, &e) {
		return err
	}
	if strings.HasSuffix(e.Class, ".GenericException") {
		class, _ := e.Fields["exceptionClass"].(string)
		message, _ := e.Fields["exceptionMessage"].(string)
		if class != "" {
			e = &invoker.Exception{Class: class, Message: message, Cause: e.Cause, Trace: e.Trace}
			err = e
		}
	}
	for _, t := range s.ref.throws {
		if t.class == e.Class {
			if v := s.form(t, e); v != nil {
				return typed{v, e}
			}
		}
	}
	return err
}

// form fills a value of the declared type; nil where that is no error.
func (s *Service) form(t throws, e *invoker.Exception) error {
	v := reflect.New(t.base())
	for _, f := range reflect.VisibleFields(t.base()) {
		if !f.IsExported() || f.Anonymous {
			continue
		}
		to, err := v.Elem().FieldByIndexErr(f.Index)
		if err != nil {
			continue // of an embedded pointer, which is nil
		}
		name := javatype.LowerCamel(f.Name)
		if tag, _, _ := strings.Cut(f.Tag.Get("hessian"), ","); tag != "" {
			name = tag
		}
		value, ok := e.Fields[name]
		switch {
		case ok && value != nil:
			plan, err := s.client.types.Register(f.Type, s.pkg)
			if err != nil {
				continue
			}
			if got, err := plan.Realize(s.client.types, value); err == nil && got != nil {
				to.Set(reflect.ValueOf(got))
			}
		case !ok && (name == "message" || name == "detailMessage") && to.Kind() == reflect.String:
			to.SetString(e.Message)
		case !ok && name == "cause" && e.Cause != nil && f.Type == reflect.TypeFor[error]():
			to.Set(reflect.ValueOf(e.Cause))
		}
	}
	if t.rt.Kind() == reflect.Pointer {
		err, _ := v.Interface().(error)
		return err
	}
	err, _ := v.Elem().Interface().(error)
	return err
}
