package fn

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"

	"github.com/dubbofn/dubbofn/internal/javatype"
	"github.com/dubbofn/dubbofn/invoker"
)

// method is a Go function that is a Java method.
type method struct {
	name     string // in Java
	goName   string
	function reflect.Value
	context  bool           // the first parameter is a context.Context
	params   []reflect.Type // those that Java sees
	result   reflect.Type   // nil: void
	said     signature      // what its name says beside
	own      settings
}

// newMethod checks the shape of a function. With faults the method is good for naming itself only.
func newMethod(name string, function reflect.Value) (*method, []error) {
	m := &method{function: function}
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	said, err := readSignature(name)
	if err != nil {
		faults = append(faults, err)
	}
	m.name, m.said = said.name, said
	if !javatype.IsIdentifier(m.name) {
		fault("want a Java identifier as its name")
	}
	if !function.IsValid() || function.Kind() != reflect.Func {
		what := "nil"
		if function.IsValid() {
			what = function.Type().String()
		}
		fault("it is %s: want a func([ctx,] args…) ([R,] error)", what)
		return m, faults
	}
	if function.IsNil() {
		fault("the function is nil")
		return m, faults
	}
	if f := runtime.FuncForPC(function.Pointer()); f != nil {
		m.goName = f.Name()[strings.LastIndexByte(f.Name(), '/')+1:]
	}
	ft := function.Type()
	for i := range ft.NumIn() {
		switch in := ft.In(i); {
		case in != reflect.TypeFor[context.Context]():
			m.params = append(m.params, in)
		case i == 0:
			m.context = true
		default:
			fault("argument %d is a context.Context: want it first", i+1)
		}
	}
	if said.given && len(said.params) != len(m.params) {
		fault("its name declares %d parameters and the function has %d", len(said.params), len(m.params))
	}
	if err := m.checkResults(ft); err != nil {
		faults = append(faults, err)
	}
	return m, faults
}

func (m *method) checkResults(ft reflect.Type) error {
	failure := reflect.TypeFor[error]()
	n := ft.NumOut()
	switch {
	case n == 0:
		return errors.New("it returns no error: want … error")
	case n > 2:
		return fmt.Errorf("it returns %d values: want (R, error), with a struct R for several", n)
	case n == 1 && ft.Out(0) != failure:
		return fmt.Errorf("it returns %v and no error: want (%[1]v, error)", ft.Out(0))
	case ft.Out(n-1) != failure:
		return fmt.Errorf("its last result is %v: want error", ft.Out(n-1))
	case n == 2 && ft.Out(0) == failure:
		return errors.New("it returns two errors: want one, last")
	case n == 2:
		m.result = ft.Out(0)
	}
	return nil
}

// label names the method in faults: Java's name, and Go's where it is known.
func (m *method) label() string {
	if m.goName == "" {
		return fmt.Sprintf("%q", m.name)
	}
	return fmt.Sprintf("%q (%s)", m.name, m.goName)
}

// call runs the function with the arguments of inv.
func (m *method) call(ctx context.Context, inv *invoker.Invocation) (invoker.Result, error) {
	if len(inv.Args) != len(m.params) {
		return invoker.Result{}, invoker.Errorf(invoker.CodeBadRequest, "call "+m.name, "%d arguments; want %d", len(inv.Args), len(m.params))
	}
	var room [8]reflect.Value
	in := room[:0]
	if m.context {
		if invoker.FromContext(ctx) != inv {
			ctx = invoker.NewContext(ctx, inv)
		}
		in = append(in, reflect.ValueOf(&ctx).Elem()) // a value of the parameter's own type: reflect need not ask whether it implements it
	}
	for i, want := range m.params {
		if inv.Args[i] == nil {
			in = append(in, reflect.Zero(want))
			continue
		}
		v := reflect.ValueOf(inv.Args[i])
		if v.Type() != want && !v.Type().AssignableTo(want) {
			return invoker.Result{}, invoker.Errorf(invoker.CodeBadRequest, "call "+m.name, "argument %d is a %v; want %v", i+1, v.Type(), want)
		}
		in = append(in, v)
	}
	var out []reflect.Value
	if m.function.Type().IsVariadic() {
		out = m.function.CallSlice(in)
	} else {
		out = m.function.Call(in)
	}
	if err, _ := out[len(out)-1].Interface().(error); err != nil {
		return invoker.Result{}, err
	}
	if m.result == nil {
		return invoker.Result{}, nil
	}
	return invoker.Result{Value: out[0].Interface()}, nil
}
