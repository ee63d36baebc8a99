package client

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/dubbofn/dubbofn/internal/javatype"
	"github.com/dubbofn/dubbofn/invoker"
)

// Bind fills a struct of functions, each of the shape func(ctx, args…) ([R,] error), with calls of the service:
//
//	var users struct {
//		GetUser func(ctx context.Context, id int64) (*User, error)
//		Rename  func(ctx context.Context, id int32, name string) error `dubbo:"rename" java:"int,java.lang.String"`
//	}
//	err := service.Bind(&users)
//
// The Java name is the Go name in lowerCamel, or what the tag dubbo says ("-" leaves a field alone); the tag java declares the
// parameter types where Go's don't tell them. Everything is checked here, and all faults are reported together.
func (s *Service) Bind(functions any) error {
	v := reflect.ValueOf(functions)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return fmt.Errorf("bind %s: %T: want a pointer to a struct of functions", s.ref.key, functions)
	}
	v = v.Elem()
	var faults []error
	made := map[int]reflect.Value{}
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if f.Tag.Get("dubbo") == "-" {
			continue
		}
		fn, err := s.function(f)
		if err != nil {
			faults = append(faults, fmt.Errorf("field %s: %w", f.Name, err))
			continue
		}
		made[i] = fn
	}
	if len(faults) > 0 {
		return fmt.Errorf("bind %s: %w", s.ref.key, errors.Join(faults...))
	}
	for i, fn := range made {
		v.Field(i).Set(fn)
	}
	return nil
}

// function makes the function for one field.
func (s *Service) function(f reflect.StructField) (reflect.Value, error) {
	rt := f.Type
	switch {
	case !f.IsExported():
		return reflect.Value{}, errors.New("it is not exported, so it can't be set")
	case rt.Kind() != reflect.Func || rt.NumIn() == 0 || rt.In(0) != reflect.TypeFor[context.Context]() || rt.NumOut() == 0 || rt.NumOut() > 2 || rt.Out(rt.NumOut()-1) != reflect.TypeFor[error]():
		return reflect.Value{}, fmt.Errorf("%v: want func(context.Context, args…) ([R,] error)", rt)
	}
	name := f.Tag.Get("dubbo")
	if name == "" {
		name = javatype.LowerCamel(f.Name)
	}
	descriptor, err := s.descriptor(f, name)
	if err != nil {
		return reflect.Value{}, err
	}
	var result reflect.Type
	if rt.NumOut() == 2 {
		result = rt.Out(0)
		if err := s.known(result); err != nil {
			return reflect.Value{}, fmt.Errorf("result: %w", err)
		}
	}
	none := reflect.Zero(reflect.TypeFor[error]())
	return reflect.MakeFunc(rt, func(in []reflect.Value) []reflect.Value {
		ctx, _ := in[0].Interface().(context.Context)
		c := &bound{}
		c.inv.Method, c.inv.Descriptor, c.inv.Args = name, descriptor, c.args[:0]
		for _, a := range in[1:] {
			c.inv.Args = append(c.inv.Args, a.Interface())
		}
		out := c.out[:0]
		if result != nil {
			into := reflect.New(result)
			c.inv.Into = into.Interface()
			out = append(out, into.Elem())
		}
		if _, err := s.Invoke(ctx, &c.inv); err != nil {
			return append(out, valueOf(err))
		}
		return append(out, none)
	}), nil
}

// bound is what a call of a bound function needs, as one piece of memory.
type bound struct {
	inv  invoker.Invocation
	args [3]any // more than most methods have
	out  [2]reflect.Value
}

func valueOf(err error) reflect.Value { return reflect.ValueOf(&err).Elem() }

// descriptor works out the parameter types of a function: those that are declared, else what the Go types say.
func (s *Service) descriptor(f reflect.StructField, name string) (string, error) {
	rt := f.Type
	var b strings.Builder
	var faults []error
	for i := 1; i < rt.NumIn(); i++ {
		in := rt.In(i)
		p, err := s.client.types.Register(in, s.pkg)
		if err != nil {
			faults = append(faults, fmt.Errorf("argument %d (%v): %w", i, in, err))
			continue
		}
		java := p.Java()
		if rt.IsVariadic() && i == rt.NumIn()-1 && in.Elem().Kind() != reflect.Uint8 {
			if p, err = s.client.types.Register(in.Elem(), s.pkg); err == nil {
				java = p.Java() + "[]" // Java's varargs are arrays
			}
		}
		b.WriteString(javatype.Descriptor(java))
	}
	if len(faults) > 0 {
		return "", errors.Join(faults...)
	}
	tag, ok := f.Tag.Lookup("java")
	if !ok {
		if m := s.ref.methods[name]; m != nil && m.declared {
			return m.descriptor, count(m.descriptor, rt.NumIn()-1)
		}
		return b.String(), nil
	}
	var names []string
	for part := range strings.SplitSeq(tag, ",") {
		if part = strings.TrimSpace(part); part != "" {
			names = append(names, part)
		}
	}
	descriptor, err := declared(names)
	if err != nil {
		return "", err
	}
	return descriptor, count(descriptor, rt.NumIn()-1)
}

// count compares a descriptor with the number of arguments.
func count(descriptor string, args int) error {
	each, ok := javatype.Parameters(descriptor)
	if !ok || len(each) != args {
		return fmt.Errorf("%d parameters are declared (%s), and the function has %d", len(each), descriptor, args)
	}
	return nil
}
