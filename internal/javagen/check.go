package javagen

import (
	"slices"
	"strings"

	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/internal/javatype"
)

// checkAll looks for what Java's compiler would refuse, or run wrong.
func (m *model) checkAll() {
	lower := map[string]string{}
	for _, name := range m.sorted() {
		c := m.classes[name]
		if other := lower[strings.ToLower(top(name))]; other != "" && other != top(name) {
			m.fault("%s and %s differ in the case of letters only: not every file system has room for both", other, top(name))
		}
		lower[strings.ToLower(top(name))] = top(name)
		for _, other := range m.sorted() {
			if strings.HasPrefix(other, name+".") {
				m.fault("%s is a class, and %s is in a package of that name, which Java refuses: give one of them another name", name, other)
			}
		}
		if c.kind == "service" {
			m.checkService(c)
			continue
		}
		m.checkType(c)
	}
}

func (m *model) checkService(c *class) {
	for _, method := range c.method {
		where := "interface " + c.name + ": method " + method.Name
		if !isName(method.Name) {
			m.fault("%s: %q can't be a name in Java: give it another one by fn.Method or fn.Rename", where, method.Name)
			continue
		}
		if objects(method) {
			m.fault("%s(%s): java.lang.Object has one like it that interfaces can't declare: give it another name by fn.Method or fn.Rename", where, strings.Join(method.Parameters, ","))
		}
		var descriptor strings.Builder
		for _, p := range method.Parameters {
			m.checkForm(where, p)
			descriptor.WriteString(javatype.Descriptor(p))
		}
		if descriptor.String() != method.Descriptor {
			m.fault("%s: descriptor %q is not that of its parameters (%s)", where, method.Descriptor, strings.Join(method.Parameters, ","))
		}
		if method.Result != "void" {
			m.checkForm(where, method.Result)
		}
		for _, t := range method.Throws {
			if other := m.classes[t]; isJDK(t) || other != nil && other.kind == "exception" {
				continue
			}
			m.fault("%s: throws %q: want an exception of the manifest or of the JDK", where, t)
		}
	}
}

// objects tells of methods that an interface can't have since java.lang.Object has them, final or with another result.
func objects(m fn.MethodInfo) bool {
	switch m.Name + "(" + m.Descriptor {
	case "getClass(", "notify(", "notifyAll(", "wait(", "wait(J", "wait(JI":
		return true
	case "hashCode(":
		return m.Result != "int"
	case "toString(":
		return m.Result != "java.lang.String"
	case "equals(Ljava/lang/Object;":
		return m.Result != "boolean"
	case "clone(", "finalize(":
		return true
	}
	return false
}

// checkForm checks one type where it is used.
func (m *model) checkForm(where, form string) {
	if !javatype.IsType(form) {
		m.fault("%s: type %q: want one like int, java.lang.String[] or java.util.List<org.example.User>", where, form)
		return
	}
	parseType(form).classes(func(name string) {
		if isJDK(name) || m.classes[name] != nil {
			return
		}
		if !strings.Contains(name, ".") {
			m.fault("%s: type %q has no package and is none of Java's primitives", where, name)
			return
		}
		m.fault("%s: class %s is not in the manifest's types: give it a Go type by fn.Class, so that the manifest tells what is in it", where, name)
	})
}

func (m *model) checkType(c *class) {
	where := c.kind + " " + c.name
	if c.kind == "enum" {
		m.checkEnum(where, c.info.Constants)
		return
	}
	m.checkSuper(where, c)
	seen := map[string]bool{}
	for _, f := range c.info.Fields {
		switch {
		case !isName(f.Name):
			m.fault("%s: field %q can't be a name in Java: give it another one by a tag, `hessian:\"%s\"`", where, f.Name, f.Name+"Value")
		case slices.Contains([]string{"java", "serialVersionUID", "Arrays", "Objects"}, f.Name):
			m.fault("%s: field %q hides what Java's sources need under that name: give it another one by a tag, `hessian:\"%s\"`", where, f.Name, f.Name+"Value")
		case seen[f.Name]:
			m.fault("%s: field %s is there twice: give one of them another name by a tag, `hessian:\"…\"`", where, f.Name)
		}
		seen[f.Name] = true
		m.checkForm(where+": field "+f.Name, f.Type)
	}
}

func (m *model) checkEnum(where string, constants []string) {
	if len(constants) == 0 {
		m.fault("%s: its constants are not known: name them where the service is made, fn.Class[Color](\"org.example.Color\", Red, Green)", where)
	}
	for i, name := range constants {
		if !isName(name) || slices.Contains(constants[:i], name) {
			m.fault("%s: constant %q: want names of Java's, each once", where, name)
		}
	}
}

func (m *model) checkSuper(where string, c *class) {
	supers := m.supers(c)
	if len(supers) > len(m.classes) {
		m.fault("%s is its own superclass", where)
		return
	}
	if s := c.info.Super; s != "" {
		switch other := m.classes[s]; {
		case !javatype.IsClassName(s), other == nil && !isJDK(s):
			m.fault("%s: its superclass %q is neither in the manifest's types nor of the JDK", where, s)
		case other != nil && other.kind != c.kind:
			m.fault("%s: its superclass %s is of kind %s", where, s, other.kind)
		}
	}
	for _, i := range c.info.Interfaces {
		if other := m.classes[i]; other == nil || other.kind != "interface" {
			m.fault("%s: it implements %q, which is no interface of the manifest's types", where, i)
		}
	}
}
