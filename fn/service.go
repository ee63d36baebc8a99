package fn

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/dubbofn/dubbofn/fn/event"
	"github.com/dubbofn/dubbofn/internal/javatype"
	"github.com/dubbofn/dubbofn/invoker"
)

// Service is a Java interface whose methods are Go functions. It is made by [NewService], changed by nobody afterwards, and
// offered to callers by a [Set].
type Service struct {
	key     invoker.ServiceKey
	token   string
	common  settings
	methods []*method
	names   []naming
	parts   []Option
	events  []event.Rule
	faults  []error
}

// NewService makes a service of the Java interface iface ("org.example.GreetService"). Where two parts contradict each other
// the later one holds. Faults are kept until [NewSet], which reports those of all services together.
func NewService(iface string, parts ...Option) *Service {
	s := &Service{key: invoker.ServiceKey{Interface: iface}, parts: parts}
	if !javatype.IsClassName(iface) || javatype.PackageOf(iface) == "" {
		s.fault("interface %q: want a Java name with its package, like org.example.GreetService", iface)
	}
	for _, p := range parts {
		if p == nil {
			s.fault("a part is nil: want fn.Method, fn.Struct, fn.Version …")
			continue
		}
		p.applyService(s)
	}
	if len(s.common.renames)+len(s.common.skips) > 0 {
		s.fault("fn.Rename and fn.Skip stand at the service: want them inside fn.Struct")
	}
	if len(s.methods) == 0 {
		s.fault("no method: want at least one fn.Method or fn.Struct")
	}
	return s
}

// Name gives the Java interface.
func (s *Service) Name() string { return s.key.Interface }

// With gives a copy of s with more parts, which come before its own: filters are outside those of s, and what s says itself
// holds.
func (s *Service) With(parts ...Option) *Service {
	return NewService(s.key.Interface, slices.Concat(parts, s.parts)...)
}

func (s *Service) fault(format string, args ...any) {
	s.faults = append(s.faults, fmt.Errorf(format, args...))
}

// Method makes function the Java method name. It is any func([ctx,] args…) ([R,] error); a variadic parameter is an array. Where Go's types
// don't tell Java's, since a slice may be an array or a Collection, the name may be all of a signature, result and parameters, or these
// alone: "java.util.Collection<java.lang.String> tags(long,java.lang.String[])". The tag java says the same of a struct's field.
// Functions given the same name are its overloads, chosen by the types that the caller declares.
func Method(name string, function any, options ...MethodOption) Option {
	return serviceOption(func(s *Service) {
		m, faults := newMethod(name, reflect.ValueOf(function))
		s.add(m, faults, options)
	})
}

func (s *Service) add(m *method, faults []error, options []MethodOption) {
	for _, o := range options {
		if o == nil {
			faults = append(faults, errors.New("an option is nil: want fn.Timeout, fn.Idempotent …"))
			continue
		}
		o.applyMethod(&m.own)
	}
	if len(m.own.renames)+len(m.own.skips) > 0 {
		faults = append(faults, errors.New("fn.Rename and fn.Skip stand at a method: want them inside fn.Struct"))
	}
	for _, f := range append(faults, m.own.faults...) {
		s.fault("method %s: %w", m.label(), f)
	}
	s.methods = append(s.methods, m)
}

// Struct makes every exported method of v a method of the service, under its lowerCamel name: GetUser is getUser.
// [Rename] gives another name, [Skip] leaves methods out; the other options hold for all of them.
func Struct(v any, options ...MethodOption) Option {
	return serviceOption(func(s *Service) {
		rv := reflect.ValueOf(v)
		if !rv.IsValid() || rv.Kind() == reflect.Pointer && rv.IsNil() {
			s.fault("struct %T is nil: want a value with exported methods", v)
			return
		}
		rt := rv.Type()
		if rt.Kind() != reflect.Pointer && rt.Kind() != reflect.Interface && reflect.PointerTo(rt).NumMethod() > rt.NumMethod() {
			s.fault("struct %v has methods on its pointer: want &%v{…}", rt, rt)
			return
		}
		var all settings
		for _, o := range options {
			if o == nil {
				s.fault("struct %v: an option is nil: want fn.Rename, fn.Skip, fn.Timeout …", rt)
				continue
			}
			o.applyMethod(&all)
		}
		s.addStruct(rv, all)
	})
}

func (s *Service) addStruct(rv reflect.Value, all settings) {
	rt := rv.Type()
	for _, name := range all.skips {
		if _, ok := rt.MethodByName(name); !ok {
			s.fault("struct %v: fn.Skip(%q): no such method; it has %s", rt, name, methodNames(rt))
		}
	}
	for _, r := range all.renames {
		if _, ok := rt.MethodByName(r.goName); !ok {
			s.fault("struct %v: fn.Rename(%q, %q): no such method; it has %s", rt, r.goName, r.javaName, methodNames(rt))
		}
	}
	for _, f := range all.faults {
		s.fault("struct %v: %w", rt, f)
	}
	base := settings{timeout: all.timeout, idempotent: all.idempotent, atOnce: all.atOnce, perSecond: all.perSecond, filters: all.filters, throws: all.throws}
	found := false
	for method := range rt.Methods() {
		goName := method.Name
		if slices.Contains(all.skips, goName) {
			continue
		}
		found = true
		name, own := javatype.LowerCamel(goName), []MethodOption(nil)
		for _, r := range all.renames {
			if r.goName == goName {
				name, own = r.javaName, r.options
			}
		}
		m, faults := newMethod(name, rv.Method(method.Index))
		m.goName = rt.String() + "." + goName
		m.own = base.clone()
		s.add(m, faults, own)
	}
	if !found {
		s.fault("struct %v: no exported method is left: want at least one", rt)
	}
}

func methodNames(rt reflect.Type) string {
	var names []string
	for m := range rt.Methods() {
		names = append(names, m.Name)
	}
	return listed(names)
}
