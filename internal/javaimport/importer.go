package javaimport

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dubbofn/dubbofn/internal/javadecl"
	"github.com/dubbofn/dubbofn/internal/javatype"
)

// Config says what is made of a [Library]. The zero value makes what there is of its only interface.
type Config struct {
	// Interfaces are those to import, by their names with the package or without. Default: the only one there is.
	Interfaces []string
	// Package is the name of the Go package. Default: the last part of the first interface's package.
	Package string
	// PlainStrings makes Java's String a string, which reads null as "". Default: a *string, which keeps null.
	PlainStrings bool
	// Skip are Java methods to leave out.
	Skip []string
	// AsAny are Java classes that are taken for any.
	AsAny []string
}

type form uint8

const (
	formStruct form = iota
	formEnum
	formInterface
	formException
)

// goClass is a Java class with what it becomes.
type goClass struct {
	*javadecl.Class
	form    form
	name    string          // in Go
	embeds  string          // the Go type of the superclass
	keys    map[string]bool // type parameters that are keys of maps
	fields  []goField
	members []*goClass // of an interface: the classes that implement it
}

type goField struct {
	*javadecl.Field
	name, text, tag string
}

// importer makes Go of the part of a library that some interfaces need.
type importer struct {
	lib      *Library
	cfg      Config
	taken    map[string]bool // the names in the Go package
	classes  map[string]*goClass
	dynamic  map[string]bool // classes that are taken for any
	extra    map[string]bool // classes that only an any holds
	children map[string][]string
	absent   map[string]string // missing classes, and what needs them
	faults   []error
	notes    map[string]bool
}

func (m *importer) fault(at site, format string, args ...any) {
	text := at.where + ": " + fmt.Sprintf(format, args...)
	if at.method != "" {
		text += "; or leave the method out: --skip " + at.method
	}
	m.faults = append(m.faults, errors.New(text))
}

func (m *importer) note(format string, args ...any) { m.notes[fmt.Sprintf(format, args...)] = true }

// refused tells what to do about types of the JDK, and of Dubbo, that Dubbo 2 does not carry, "" for others.
func refused(class string) string {
	switch simple := simpleName(class); {
	case strings.HasPrefix(class, "java.util.Optional"):
		return "Hessian has no Optional: declare the value itself, and null for none"
	case strings.HasPrefix(class, "java.util.stream.") || class == "java.util.Iterator" || class == "java.util.Enumeration":
		return "it can't travel: declare a List"
	case strings.HasPrefix(class, "java.util.function.") || class == "java.lang.Runnable" || class == "java.util.concurrent.Callable":
		return "functions as arguments (Dubbo's callbacks) are not offered"
	case strings.HasPrefix(class, "java.io.") || strings.HasPrefix(class, "java.nio."):
		return "it can't travel: declare byte[]"
	case strings.HasPrefix(class, "java.sql.") || class == "java.util.Calendar" || class == "java.util.GregorianCalendar":
		return "declare java.util.Date, or a class of java.time"
	case simple == "StreamObserver" || strings.HasPrefix(class, "reactor.") || strings.HasPrefix(class, "org.reactivestreams."):
		return "streams belong to Triple; this is for interfaces of the Dubbo 2 protocol"
	case class == "kotlin.coroutines.Continuation":
		return "a suspend function of Kotlin's is no Dubbo method: declare one that gives a CompletableFuture"
	case strings.HasPrefix(class, "kotlin."):
		return "a type of Kotlin's own library: declare one of Java's"
	case strings.HasPrefix(class, "java.") || strings.HasPrefix(class, "javax."):
		return "there is nothing like it in docs/types.md: declare a class of your own, or take it as any: --as-any " + class
	}
	return ""
}

// missing notes a class that is in none of the files.
func (m *importer) missing(class string, at site) {
	if what := refused(class); what != "" {
		m.fault(at, "%s: %s", class, what)
		return
	}
	if m.absent[class] == "" {
		m.absent[class] = at.where
	}
}

// throwable tells whether a class is an exception.
func (m *importer) throwable(c *javadecl.Class) bool {
	for depth := 0; c != nil && c.Super != nil && depth < maxDepth; depth++ {
		if name := c.Super.Name; strings.HasPrefix(name, "java.") && (strings.HasSuffix(name, "Exception") || strings.HasSuffix(name, "Error") || name == "java.lang.Throwable") {
			return true
		}
		c = m.lib.class(c.Super.Name)
	}
	return false
}

// below gives the concrete classes that extend or implement a class, by name.
func (m *importer) below(name string) (all []*javadecl.Class) {
	if m.children == nil {
		m.children = map[string][]string{}
		for _, n := range m.lib.all() {
			c := m.lib.class(n)
			for _, i := range c.Interfaces {
				m.children[i.Name] = append(m.children[i.Name], n)
			}
			if c.Super != nil {
				m.children[c.Super.Name] = append(m.children[c.Super.Name], n)
			}
		}
	}
	seen := map[string]bool{name: true}
	for queue := []string{name}; len(queue) > 0; queue = queue[1:] {
		for _, n := range m.children[queue[0]] {
			c := m.lib.class(n)
			if seen[n] || c.Hidden {
				continue
			}
			seen[n] = true
			queue = append(queue, n)
			if !c.Abstract && (c.Kind == javadecl.KindClass || c.Kind == javadecl.KindRecord) && len(c.Variables) == 0 && !m.throwable(c) {
				all = append(all, c)
			}
		}
	}
	slices.SortFunc(all, func(a, b *javadecl.Class) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// maxMembers bounds the classes that are made for one that stands for all of them.
const maxMembers = 200

// useAny makes the classes known that an any of this declared class may hold.
func (m *importer) useAny(class string) {
	if m.extra[class] {
		return
	}
	m.extra[class] = true
	for _, c := range m.members(class) {
		m.extra[c.Name] = true
	}
}

func (m *importer) members(class string) (all []*goClass) {
	below := m.below(class)
	if c := m.lib.class(class); c != nil && !c.Abstract && c.Kind == javadecl.KindClass {
		below = append(below, c)
	}
	if len(below) > maxMembers {
		m.note("%s has %d classes below it, of which %d are imported; values of the others are *java.Object", class, len(below), maxMembers)
		below = below[:maxMembers]
	}
	if len(below) == 0 {
		m.note("%s has no class below it in these files; its values are *java.Object", class)
	}
	for _, c := range below {
		all = append(all, m.class(c, formStruct))
	}
	return all
}

// class gives the Go form of a class, made at its first use.
func (m *importer) class(c *javadecl.Class, f form) *goClass {
	if g := m.classes[c.Name]; g != nil {
		return g
	}
	g := &goClass{Class: c, form: f, keys: map[string]bool{}}
	m.classes[c.Name] = g
	g.name = m.className(c.Name)
	m.checkName(site{where: c.Name}, "class", simpleName(c.Name))
	switch f {
	case formInterface:
		g.members = m.members(c.Name)
		for _, member := range g.members {
			m.extra[member.Name] = true
		}
	case formEnum:
		for _, k := range c.Constants {
			m.checkName(site{where: c.Name}, "constant", k.Name)
		}
	case formException:
		m.exceptionFields(g)
	case formStruct:
		m.structFields(g)
	}
	return g
}

// className makes the name of a class in the Go package. A nested class has its outer one's before it, and one that would be
// there twice its package's.
func (m *importer) className(class string) string {
	local := class[strings.LastIndexByte(class, '.')+1:]
	var b strings.Builder
	for part := range strings.SplitSeq(local, "$") {
		b.WriteString(exported(part))
	}
	name := b.String()
	if m.taken[name] {
		name = exported(packageName(javadecl.PackageOf(class))) + name
	}
	return unique(name, m.taken)
}

// checkName refuses what javac would not have taken; obfuscators and other languages make such names.
func (m *importer) checkName(at site, what, name string) bool {
	if javatype.IsIdentifier(name) {
		return true
	}
	m.fault(at, "the name of %s %.60q is not one of Java's own (an obfuscated jar, or another language): want the jar as it was before, or the sources", what, name)
	return false
}

// structFields makes the fields of a class, its superclass an embedded struct.
func (m *importer) structFields(g *goClass) {
	at := site{where: g.Name, within: g, keys: g.keys}
	taken := map[string]bool{"JavaClassName": true}
	if s := g.Super; s != nil {
		switch c := m.lib.class(s.Name); {
		case c == nil && refused(s.Name) != "":
			m.fault(at, "it extends %s, which is no plain class: declare it without, or take it as any: --as-any %s", s.Name, g.Name)
		case c == nil:
			m.missing(s.Name, at)
		default:
			super := m.class(c, formStruct)
			g.embeds = m.instance(super, *s, at)
			taken[super.name] = true
		}
	}
	m.fields(g, g.Fields, at, taken)
}

// exceptionFields makes the fields of an exception, with those of its superclasses: package fn knows an exception by one struct.
func (m *importer) exceptionFields(g *goClass) {
	at := site{where: g.Name, keys: map[string]bool{}}
	taken := map[string]bool{"JavaClassName": true, "Error": true, "Unwrap": true, "DetailMessage": true, "Cause": true, "StackTrace": true, "SuppressedExceptions": true, "SerialVersionUID": true}
	for c, depth := g.Class, 0; c != nil && depth < maxDepth; depth++ {
		m.fields(g, c.Fields, at, taken)
		if c.Super == nil || strings.HasPrefix(c.Super.Name, "java.") {
			return
		}
		above := m.lib.class(c.Super.Name)
		if above == nil {
			m.missing(c.Super.Name, site{where: c.Name})
			return
		}
		c = above
	}
}

func (m *importer) fields(g *goClass, fields []javadecl.Field, at site, taken map[string]bool) {
	for i := range fields {
		f := &fields[i]
		here := at
		here.where = g.Name + "." + f.Name
		if !m.checkName(here, "field", f.Name) {
			continue
		}
		t := m.goType(f.Type, here)
		name := exported(f.Name)
		if taken[name] {
			name += "Field"
		}
		field := goField{Field: f, name: unique(name, taken), text: t.text}
		var tags []string
		if javatype.LowerCamel(field.name) != f.Name {
			tags = append(tags, fmt.Sprintf("hessian:%q", f.Name))
		}
		if declared := m.javaForm(f.Type, g.Variables); declared != t.java && !m.any(f.Type) {
			tags = append(tags, fmt.Sprintf("java:%q", declared))
		}
		if field.tag = strings.Join(tags, " "); field.tag != "" {
			field.tag = " `" + field.tag + "`"
		}
		g.fields = append(g.fields, field)
	}
}

// any tells of the types that are taken for any because of --as-any: their own name would mean nothing to whoever reads the manifest.
func (m *importer) any(t javadecl.Type) bool { return m.dynamic[t.Name] && m.lib.class(t.Name) == nil }

// sorted gives the classes by their Go names.
func (m *importer) sorted() []*goClass {
	return slices.SortedFunc(maps.Values(m.classes), func(a, b *goClass) int { return strings.Compare(a.name, b.name) })
}

// failed joins what was found to be wrong.
func (m *importer) failed() error {
	faults := m.faults
	if len(m.absent) > 0 {
		var lines []string
		for _, class := range slices.Sorted(maps.Keys(m.absent)) {
			lines = append(lines, fmt.Sprintf("  %s, for %s", class, m.absent[class]))
		}
		faults = append(faults, fmt.Errorf("classes that are in none of %s: add the jar that has them (several files may be given), or take them as any: --as-any CLASS\n%s",
			strings.Join(m.lib.names, ", "), strings.Join(lines, "\n")))
	}
	if len(faults) == 0 {
		return nil
	}
	return fmt.Errorf("import: %w", errors.Join(faults...))
}
