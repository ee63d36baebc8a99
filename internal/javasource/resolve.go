package javasource

import (
	"slices"
	"strings"

	"github.com/dubbofn/dubbofn/internal/javadecl"
)

// Resolve finds out which classes the names in a file mean. known tells of the classes that there are beside those of the JDK, all files'
// together, nested ones as Outer$Nested. A name that is nowhere is taken for a class of the file's own package, so that whoever looks for it
// can tell that it is missing. It is called once.
func (f *File) Resolve(known func(class string) bool) {
	for _, c := range f.Classes {
		r := &resolver{File: f, known: known, scope: f.scopes[c]}
		r.variables(c.Variables)
		if c.Super != nil {
			r.javaType(c.Super)
		}
		r.types(c.Interfaces)
		for i := range c.Fields {
			r.javaType(&c.Fields[i].Type)
		}
		for i := range c.Methods {
			m := &c.Methods[i]
			r.own = m.Variables
			r.variables(m.Variables)
			r.javaType(&m.Result)
			for k := range m.Parameters {
				r.javaType(&m.Parameters[k].Type)
			}
			r.types(m.Throws)
			r.own = nil
		}
	}
}

type resolver struct {
	*File
	known func(class string) bool
	scope *scope
	own   []javadecl.Variable // the method's
}

func (r *resolver) variables(all []javadecl.Variable) {
	for i := range all {
		if all[i].Bound != nil {
			r.javaType(all[i].Bound)
		}
	}
}

func (r *resolver) types(all []javadecl.Type) {
	for i := range all {
		r.javaType(&all[i])
	}
}

var primitives = map[string]bool{
	"boolean": true, "byte": true, "char": true, "short": true, "int": true, "long": true, "float": true, "double": true, "void": true,
}

func (r *resolver) javaType(t *javadecl.Type) {
	r.types(t.Args)
	switch {
	case primitives[t.Name] || t.Variable:
	case r.isVariable(t.Name):
		t.Variable = true
	default:
		t.Name = r.class(t.Name)
	}
}

func (r *resolver) isVariable(name string) bool {
	is := func(v javadecl.Variable) bool { return v.Name == name }
	if slices.ContainsFunc(r.own, is) {
		return true
	}
	for s := r.scope; s != nil; s = s.outer {
		if slices.ContainsFunc(s.vars, is) {
			return true
		}
	}
	return false
}

// class gives the full name of a class; nested ones may be written with dots.
func (r *resolver) class(name string) string {
	first, rest, nested := strings.Cut(name, ".")
	if full := r.simple(first); full != "" {
		if nested {
			full += "$" + strings.ReplaceAll(rest, ".", "$")
		}
		return full
	}
	if !nested {
		return r.inPackage(name)
	}
	// a full name: the longest that is known, else the package ends before the first capital
	parts := strings.Split(name, ".")
	for i := len(parts); i > 0; i-- {
		if full := join(parts, i); r.there(full) {
			return full
		}
	}
	for i, part := range parts {
		if part[0] >= 'A' && part[0] <= 'Z' {
			return join(parts, i+1)
		}
	}
	return name
}

// join makes a class name of which the first n parts are the package and the outermost class.
func join(parts []string, n int) string {
	return strings.Join(append([]string{strings.Join(parts[:n], ".")}, parts[n:]...), "$")
}

func (r *resolver) inPackage(name string) string {
	if r.Package == "" {
		return name
	}
	return r.Package + "." + name
}

func (r *resolver) there(class string) bool { return r.known(class) || isJDK(class) }

// simple gives the class that a name alone means (Java language specification, 6.4 and 7.5), "" where it is nowhere.
func (r *resolver) simple(name string) string {
	for s := r.scope; s != nil; s = s.outer {
		if full := s.names[name]; full != "" {
			return full
		}
		if full := s.class + "$" + name; r.known(full) { // of a class file, or declared further below
			return full
		}
	}
	if full := r.single[name]; full != "" {
		return r.imported(full)
	}
	if full := r.inPackage(name); r.known(full) {
		return full
	}
	for _, from := range r.demand {
		for _, full := range []string{from + "." + name, r.imported(from) + "$" + name} {
			if r.there(full) {
				return full
			}
		}
	}
	if full := "java.lang." + name; isJDK(full) {
		return full
	}
	return ""
}

// imported gives the class that an import names: of a nested one the outer classes are known, or have capitals.
func (r *resolver) imported(name string) string {
	parts := strings.Split(name, ".")
	for i := len(parts); i > 0; i-- {
		if full := join(parts, i); r.there(full) {
			return full
		}
	}
	for i, part := range parts {
		if part[0] >= 'A' && part[0] <= 'Z' {
			return join(parts, i+1)
		}
	}
	return name
}
