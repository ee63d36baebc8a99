package javagen

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/internal/javatype"
)

// class is a class to be written: a service's interface, a type of the manifest, or one that is only there to hold others.
type class struct {
	name   string // with its package and '$'
	kind   string // "service", "class", "enum", "exception", "interface", "holder"
	info   fn.TypeInfo
	ways   []fn.ServiceInfo // in which a service is offered: one for each version and group
	method []fn.MethodInfo
	nested []*class
}

// model is what a manifest says, checked.
type model struct {
	classes map[string]*class
	tops    []*class // by name
	faults  []error
}

func (m *model) fault(format string, args ...any) {
	m.faults = append(m.faults, fmt.Errorf("java: "+format, args...))
}

func newModel(manifest fn.Manifest) (*model, error) {
	m := &model{classes: map[string]*class{}}
	for _, s := range manifest.Services {
		m.addService(s)
	}
	for _, t := range manifest.Types {
		m.addType(t)
	}
	if len(m.faults) == 0 { // names are what is found by
		m.checkAll()
	}
	if len(m.faults) == 0 {
		m.nest()
	}
	return m, errors.Join(m.faults...)
}

// addService adds a service, or one more version or group of it: Java has one interface for them all.
func (m *model) addService(s fn.ServiceInfo) {
	c := m.classes[s.Interface]
	if c == nil {
		if !m.checkName("interface", s.Interface) {
			return
		}
		c = &class{name: s.Interface, kind: "service"}
		m.classes[s.Interface] = c
	}
	c.ways = append(c.ways, s)
	for _, method := range s.Methods {
		i := slices.IndexFunc(c.method, func(o fn.MethodInfo) bool { return o.Name == method.Name && o.Descriptor == method.Descriptor })
		switch {
		case i < 0:
			c.method = append(c.method, method)
		case c.method[i].Result != method.Result || !slices.Equal(c.method[i].Throws, method.Throws) || len(c.ways) == 1:
			m.fault("interface %s: method %s(%s) is there twice: want it to be one method in all versions and groups, with one result and the same exceptions", s.Interface, method.Name, method.Descriptor)
		}
	}
}

func (m *model) addType(t fn.TypeInfo) {
	if isJDK(t.Class) {
		return // of the JDK's own classes nothing is made
	}
	if !slices.Contains([]string{"class", "enum", "exception", "interface"}, t.Kind) {
		m.fault("class %q: kind %q: want class, enum, exception or interface; is the manifest of a newer dubbofn?", t.Class, t.Kind)
		return
	}
	if !m.checkName("class", t.Class) {
		return
	}
	if other := m.classes[t.Class]; other != nil {
		m.fault("class %s is there twice, as %s and as %s: give one of them another name by fn.Class", t.Class, other.kind, t.Kind)
		return
	}
	m.classes[t.Class] = &class{name: t.Class, kind: t.Kind, info: t}
}

// checkName tells whether Java can have a class of that name.
func (m *model) checkName(what, name string) bool {
	if !javatype.IsClassName(name) {
		m.fault("%s %q: want a Java name like org.example.GreetService", what, name)
		return false
	}
	pkg, names := nesting(name)
	if pkg == "" {
		m.fault("%s %q has no package, so that no other class can import it: want a name like org.example.%s", what, name, name)
		return false
	}
	parts := append(strings.Split(pkg, "."), names...)
	for i, part := range parts {
		if !isName(part) || i >= len(parts)-len(names) && slices.Contains(reservedTypes, part) {
			m.fault("%s %s: %q can't be a name in Java: give it another one by fn.Class, a service by fn.NewService", what, name, part)
			return false
		}
	}
	for i, part := range names {
		if slices.Contains(names[:i], part) {
			m.fault("%s %s: %q is nested in itself, which Java refuses", what, name, part)
			return false
		}
	}
	return true
}

// nest puts classes into those around them.
func (m *model) nest() {
	for _, name := range m.sorted() {
		pkg, names := nesting(name)
		if pkg != "" {
			pkg += "."
		}
		c := m.classes[name]
		for i := len(names) - 1; i > 0; i-- {
			around := pkg + strings.Join(names[:i], "$")
			outer, known := m.classes[around]
			if !known {
				outer = &class{name: around, kind: "holder"}
				m.classes[around] = outer
			}
			outer.nested = append(outer.nested, c)
			if known {
				break
			}
			c = outer
		}
	}
	for _, name := range m.sorted() {
		if top(name) == source(name) {
			m.tops = append(m.tops, m.classes[name])
		}
	}
}

func (m *model) sorted() []string {
	var names []string
	for name := range m.classes {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// supers gives the superclasses that are made too, the nearest first.
func (m *model) supers(c *class) (all []*class) {
	for s := m.classes[c.info.Super]; s != nil && len(all) <= len(m.classes); s = m.classes[s.info.Super] {
		all = append(all, s)
	}
	return all
}

// leadsBack tells whether a value of a field's type may hold one of the class itself.
func (m *model) leadsBack(c *class, form string) bool {
	seen := map[string]bool{}
	var search func(string) bool
	search = func(form string) (found bool) {
		parseType(form).classes(func(name string) {
			next := m.classes[name]
			if found = found || name == c.name; found || next == nil || seen[name] {
				return
			}
			seen[name] = true
			if next.info.Super != "" {
				found = found || search(next.info.Super)
			}
			for _, f := range next.info.Fields {
				found = found || search(f.Type)
			}
			for _, other := range m.classes { // what a field of an interface's or a superclass's type may hold
				if other.info.Super == name || slices.Contains(other.info.Interfaces, name) {
					found = found || search(other.name)
				}
			}
		})
		return found
	}
	return search(form)
}
