package javagen

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dubbofn/dubbofn/internal/javatype"
)

// The words that are no names in Java (Java Language Specification, 3.9; the reserved ones of every version since 8), and its literals.
var reserved = strings.Fields(`abstract assert boolean break byte case catch char class const continue default do double else enum extends final finally
	float for goto if implements import instanceof int interface long native new package private protected public return short static strictfp super switch
	synchronized this throw throws transient try void volatile while true false null _`)

// names of types that Java 10 and later refuse, though they are names elsewhere
var reservedTypes = []string{"var", "yield", "record", "sealed", "permits"}

func isName(s string) bool { return javatype.IsIdentifier(s) && !slices.Contains(reserved, s) }

// nesting takes a class apart: org.example.Outer$Inner is in the package org.example, Inner in Outer. A '$' at an end, or beside another, is a letter.
func nesting(class string) (pkg string, names []string) {
	pkg = javatype.PackageOf(class)
	simple := strings.TrimPrefix(class[len(pkg):], ".")
	names = strings.Split(simple, "$")
	if slices.Contains(names, "") {
		names = []string{simple}
	}
	return pkg, names
}

// source is a class as sources name it.
func source(class string) string {
	pkg, names := nesting(class)
	if pkg != "" {
		pkg += "."
	}
	return pkg + strings.Join(names, ".")
}

// top is the outermost class around a class.
func top(class string) string {
	pkg, names := nesting(class)
	if pkg != "" {
		pkg += "."
	}
	return pkg + names[0]
}

func isJDK(class string) bool {
	return strings.HasPrefix(class, "java.") || strings.HasPrefix(class, "javax.")
}

var boxes = map[string]string{
	"boolean": "java.lang.Boolean", "byte": "java.lang.Byte", "char": "java.lang.Character", "short": "java.lang.Short",
	"int": "java.lang.Integer", "long": "java.lang.Long", "float": "java.lang.Float", "double": "java.lang.Double", "void": "java.lang.Void",
}

func isPrimitive(name string) bool { return boxes[name] != "" }

// javaType is a type as manifests write it, taken apart.
type javaType struct {
	name string
	args []javaType
	dims int
}

// parseType takes a type apart that javatype.IsType has approved, or "void".
func parseType(s string) javaType {
	for n := 0; ; n++ {
		cut, ok := strings.CutSuffix(s, "[]")
		if !ok {
			t := javaType{name: s, dims: n}
			if i := strings.IndexByte(s, '<'); i >= 0 {
				t.name = s[:i]
				for _, a := range splitArguments(s[i+1 : len(s)-1]) {
					t.args = append(t.args, parseType(a))
				}
			}
			return t
		}
		s = cut
	}
}

func splitArguments(s string) (all []string) {
	depth, from := 0, 0
	for i, c := range s {
		switch c {
		case '<':
			depth++
		case '>':
			depth--
		case ',':
			if depth == 0 {
				all, from = append(all, s[from:i]), i+1
			}
		}
	}
	return append(all, s[from:])
}

// classes calls f for every class that a type names.
func (t javaType) classes(f func(string)) {
	if !isPrimitive(t.name) {
		f(t.name)
	}
	for _, a := range t.args {
		a.classes(f)
	}
}

// capital gives the part of an accessor's name that stands for a field: userName is UserName.
func capital(field string) string {
	for i, r := range field {
		return strings.ToUpper(string(r)) + field[i+len(string(r)):]
	}
	return field
}

// decapital makes the name of a variable from that of a class: GreetService is greetService.
func decapital(class string) string {
	name := javatype.LowerCamel(class)
	if !isName(name) {
		name += "_"
	}
	return name
}

// quoted is a String of Java's.
func quoted(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\%03o`, r) // javac reads \u before it reads strings
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
