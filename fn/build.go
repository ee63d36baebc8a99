package fn

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/dubbofn/dubbofn/internal/hessian"
	"github.com/dubbofn/dubbofn/internal/javatype"
	"github.com/dubbofn/dubbofn/invoker"
)

// builder fills a Set with services that have no faults of their own.
type builder struct {
	set    *Set
	faults []error
}

func (b *builder) fault(format string, args ...any) {
	b.faults = append(b.faults, fmt.Errorf(format, args...))
}

// offered is a service with what its methods have become.
type offered struct {
	*Service
	methods []*bound
}

// bound is a method with its settings and types resolved.
type bound struct {
	*method
	settings
	forms  []string // Java's types of the parameters, with their type arguments
	result string   // "void"
	sig    hessian.Signature
}

func (b *builder) build(services []*Service) {
	for _, svc := range services {
		for _, n := range svc.names {
			if own := classNameOf(n.rt); own != "" && own != n.class {
				b.fault("%s: fn.Class[%v](%q): its JavaClassName is %s: want one of them", svc.key, n.rt, n.class, own)
				continue
			}
			if err := b.set.types.Name(n.rt, n.class); err != nil {
				b.fault("%s: fn.Class: %w", svc.key, err)
				continue
			}
			b.set.model.constants[n.rt] = n.constants
		}
	}
	for _, svc := range services {
		b.addNamed(svc)
	}
	for _, svc := range services {
		b.add(svc)
	}
	for _, name := range slices.Sorted(maps.Keys(b.set.services)) {
		f := b.set.services[name]
		for _, v := range f.versions {
			b.finish(f, v)
		}
	}
	b.faults = append(b.faults, b.set.model.faults...)
}

// addNamed makes the classes that only fn.Class mentions known: what an Object or an interface of Java's may hold.
func (b *builder) addNamed(svc *Service) {
	pkg := javatype.PackageOf(svc.key.Interface)
	for _, n := range svc.names {
		for _, rt := range append([]reflect.Type{n.rt}, n.members...) {
			if _, err := b.set.types.Register(rt, pkg); err != nil {
				b.fault("%s: fn.Class[%v]: %w", svc.key, n.rt, err)
				return
			}
			b.set.model.form(rt)
		}
		for _, rt := range n.members {
			b.set.model.implement(rt, n.class)
		}
	}
}

// add binds a service's methods and puts them into the table.
func (b *builder) add(svc *Service) {
	f := b.set.services[svc.key.Interface]
	if f == nil {
		f = &iface{name: svc.key.Interface}
		b.set.services[f.name] = f
	}
	v := f.find([]byte(svc.key.Version))
	if v == nil {
		v = &version{version: svc.key.Version, methods: map[string]*overloads{}}
		f.versions = append(f.versions, v)
	}
	if slices.Contains(v.groups, svc.key.Group) {
		b.fault("%s: it is there twice: want one of them in another fn.Version or fn.Group", svc.key)
		return
	}
	v.groups = append(v.groups, svc.key.Group)
	o := &offered{Service: svc}
	for _, m := range svc.methods {
		bm, err := b.bind(svc, m)
		if err != nil {
			b.faults = append(b.faults, err)
			continue
		}
		o.methods = append(o.methods, bm)
		b.place(f, v, svc, bm)
	}
	b.set.offered = append(b.set.offered, o)
}

// bind compiles the types that a method takes, gives and throws.
func (b *builder) bind(svc *Service, m *method) (*bound, error) {
	pkg := javatype.PackageOf(svc.key.Interface)
	bm := &bound{method: m, settings: m.own.over(&svc.common), result: "void"}
	bm.sig.Timeout = bm.timeout
	var faults []error
	compile := func(what string, rt reflect.Type) *hessian.Plan {
		p, err := b.set.types.Register(rt, pkg)
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: method %s: %s (%v): %w", svc.key, m.label(), what, rt, err))
		}
		return p
	}
	for i, rt := range m.params {
		bm.sig.Params = append(bm.sig.Params, compile(fmt.Sprintf("argument %d", i+1), rt))
	}
	if m.result != nil {
		bm.sig.Result = compile("result", m.result)
	}
	for i := range bm.throws {
		t := &bm.throws[i]
		if t.class == "" {
			t.class = pkg + "." + t.base.Name()
		}
		if t.base.Kind() == reflect.Struct {
			for name, f := range exceptionFields(t.base) {
				compile(fmt.Sprintf("exception %v: field %s", t.base, name), f.Type)
			}
		}
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	for i, rt := range m.params {
		if m.function.Type().IsVariadic() && i == len(m.params)-1 && rt.Elem().Kind() != reflect.Uint8 {
			bm.forms = append(bm.forms, b.set.model.form(rt.Elem())+"[]")
			continue
		}
		bm.forms = append(bm.forms, b.set.model.form(rt))
	}
	if m.result != nil {
		bm.result = b.set.model.form(m.result)
	}
	if err := bm.declare(); err != nil {
		return nil, fmt.Errorf("%s: method %s: %w", svc.key, m.label(), err)
	}
	for _, t := range bm.throws {
		b.set.model.addException(t)
	}
	return bm, nil
}

// place puts a method into the table: beside its overloads, and together with its like in other groups.
func (b *builder) place(f *iface, v *version, svc *Service, bm *bound) {
	all := v.methods[bm.name]
	if all == nil {
		all = newOverloads(f.name, bm.name)
		v.methods[bm.name] = all
	}
	last := newEndpoint(svc.key, bm.name, bm.filters, svc.token, bm.throws, &b.set.log, b.limited(svc, bm))
	here := grouped{svc.key.Group, last}
	for _, o := range all.all {
		if !slices.Equal(o.forms, bm.forms) {
			continue
		}
		first := o.groups[0].group
		switch {
		case first == svc.key.Group:
			b.fault("%s: method %s: %s is there twice: want other parameters for an overload", svc.key, bm.label(), o)
		case !slices.Equal(o.params, bm.params) || o.result != bm.method.result:
			b.fault("%s: method %s: %s has other Go types in %s: want the same in all groups", svc.key, bm.label(), o, groupName(first))
		default:
			o.groups = append(o.groups, here)
			o.sig.Timeout = max(o.sig.Timeout, bm.sig.Timeout)
		}
		return
	}
	all.all = append(all.all, &overload{iface: f.name, name: bm.name, params: bm.params, result: bm.method.result, forms: bm.forms, sig: bm.sig, groups: []grouped{here}})
}

func newOverloads(iface, name string) *overloads {
	m := &overloads{iface: iface, name: name}
	m.known.Store(&map[string]*overload{})
	return m
}

// finish checks that groups agree, and adds what every service answers.
func (b *builder) finish(f *iface, v *version) {
	for _, name := range slices.Sorted(maps.Keys(v.methods)) {
		of := map[string][]string{} // the forms of each group that has the method
		for _, o := range v.methods[name].all {
			for _, g := range o.groups {
				of[g.group] = append(of[g.group], o.String())
			}
		}
		groups := slices.Sorted(maps.Keys(of))
		for _, g := range groups[1:] {
			slices.Sort(of[groups[0]])
			slices.Sort(of[g])
			// A request names its group after its types, so the types must not depend on the group.
			if !slices.Equal(of[groups[0]], of[g]) {
				b.fault("%s: %s has %s and %s has %s: want the same parameters in all groups", f.name, groupName(groups[0]), strings.Join(of[groups[0]], ", "), groupName(g), strings.Join(of[g], ", "))
			}
		}
	}
	if len(b.faults) == 0 {
		b.addBuiltIn(f, v)
	}
}

// addBuiltIn adds $invoke, $invokeAsync and $echo, in all groups.
func (b *builder) addBuiltIn(f *iface, v *version) {
	put := func(name string, params []reflect.Type, call func(*offered) invoker.Func) {
		if v.methods[name] != nil {
			return // the user's own
		}
		dynamic, err := b.set.types.Plan(reflect.TypeFor[any]())
		o := &overload{iface: f.name, name: name, sig: hessian.Signature{Result: dynamic}}
		for _, rt := range params {
			p, perr := b.set.types.Plan(rt)
			err = errors.Join(err, perr)
			if perr == nil {
				o.sig.Params, o.forms = append(o.sig.Params, p), append(o.forms, b.set.model.form(rt))
			}
		}
		if err != nil {
			b.fault("%s: method %s: %w", f.name, name, err)
			return
		}
		for _, svc := range b.set.offered {
			if svc.key.Interface == f.name && svc.key.Version == v.version {
				for _, m := range svc.methods {
					o.sig.Timeout = max(o.sig.Timeout, m.sig.Timeout)
				}
				o.groups = append(o.groups, grouped{svc.key.Group, newEndpoint(svc.key, name, nil, svc.token, nil, &b.set.log, call(svc))})
			}
		}
		m := newOverloads(f.name, name)
		m.all = []*overload{o}
		v.methods[name] = m
	}
	methods := maps.Clone(v.methods)
	generic := func(svc *offered) invoker.Func {
		return (&generic{iface: f.name, key: svc.key, methods: methods, types: b.set.types}).call
	}
	three := []reflect.Type{reflect.TypeFor[string](), reflect.TypeFor[[]string](), reflect.TypeFor[[]any]()}
	put("$invoke", three, generic)
	put("$invokeAsync", three, generic)
	put("$echo", []reflect.Type{reflect.TypeFor[any]()}, func(*offered) invoker.Func { return echo })
}
