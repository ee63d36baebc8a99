package javagen

import (
	"slices"
	"strings"
)

// unit is a source file in the making: it knows which classes have their simple names there.
type unit struct {
	model   *model
	pkg     string
	imports map[string]string // simple name → the class that it means here
	used    map[string]bool   // simple names that the file has
	own     string            // the class that the file declares, "" for one of the example
}

// newUnit makes the unit of a class. Of two classes of one simple name the nearer one keeps it: what is declared in the file, then what is in
// the package, then what comes first; the others are named in full.
func newUnit(m *model, pkg string, declared ...*class) *unit {
	u := &unit{model: m, pkg: pkg, imports: map[string]string{}, used: map[string]bool{}}
	var declare func(*class)
	declare = func(c *class) {
		_, names := nesting(c.name)
		u.imports[names[len(names)-1]] = source(c.name)
		for _, n := range c.nested {
			declare(n)
		}
	}
	for _, c := range declared {
		declare(c)
		u.own = source(c.name)
	}
	for _, c := range m.tops {
		if p, names := nesting(c.name); p == pkg && u.imports[names[0]] == "" {
			u.imports[names[0]] = source(c.name)
		}
	}
	return u
}

// Name gives the name by which the file means a class.
func (u *unit) Name(class string) string {
	full := class
	if u.model.classes[class] != nil {
		full = source(class)
	}
	simple := full[strings.LastIndexByte(full, '.')+1:]
	if u.imports[simple] == "" {
		u.imports[simple] = full
	}
	if u.imports[simple] == full {
		u.used[simple] = true
		return simple
	}
	return full
}

// Imports gives the lines that names need. It is called last.
func (u *unit) Imports() string {
	var lines []string
	for simple := range u.used {
		full := u.imports[simple]
		if in := strings.TrimSuffix(full, "."+simple); in != u.pkg && in != "java.lang" && in != u.own && full != u.own {
			lines = append(lines, "import "+full+";\n")
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// Type gives a type as the file writes it. The classes that are made have no type arguments: the manifest knows what is in their fields.
func (u *unit) Type(form string) string { return u.write(parseType(form), false) }

// Boxed is Type for where Java wants an object.
func (u *unit) Boxed(form string) string { return u.write(parseType(form), true) }

func (u *unit) write(t javaType, object bool) string {
	var b strings.Builder
	switch {
	case !isPrimitive(t.name):
		b.WriteString(u.Name(t.name))
	case object && t.dims == 0:
		b.WriteString(u.Name(boxes[t.name]))
	default:
		b.WriteString(t.name)
	}
	if len(t.args) > 0 && u.model.classes[t.name] == nil {
		b.WriteByte('<')
		for i, a := range t.args {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(u.write(a, true))
		}
		b.WriteByte('>')
	}
	b.WriteString(strings.Repeat("[]", t.dims))
	return b.String()
}
