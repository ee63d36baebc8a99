// Package javadecl is what Java declares: classes, their fields and methods, types with their arguments. Class files and sources are read
// into it; which of the two it came from shows only in what is there: sources have comments, class files have every name resolved.
package javadecl

import "strings"

// Kind is what a class is declared as.
type Kind string

// The kinds of classes.
const (
	KindClass      Kind = "class"
	KindInterface  Kind = "interface"
	KindEnum       Kind = "enum"
	KindAnnotation Kind = "annotation"
	KindRecord     Kind = "record"
)

// Class is one class, of whatever kind.
type Class struct {
	Name       string // with its package; a nested class is Outer$Nested
	Kind       Kind
	Abstract   bool
	Hidden     bool // neither public nor package private: a nested class that is private, or one that the compiler made
	Deprecated bool
	Doc        string     // the text of its comment, "" where there is none
	Variables  []Variable // its type parameters
	Super      *Type      // nil where that is java.lang.Object, and of interfaces
	Interfaces []Type
	Fields     []Field
	Methods    []Method
	Constants  []Constant // of an enum
	Language   string     // "Java", or "Kotlin", "Scala", "Groovy" where a class file tells it
	Origin     string     // the file that it was read from, for messages
}

// Variable is a type parameter with its first bound, nil where that is java.lang.Object.
type Variable struct {
	Name  string
	Bound *Type
}

// Constant is one of an enum's.
type Constant struct {
	Name, Doc string
}

// Field is a field of an instance that travels: neither static nor transient.
type Field struct {
	Name       string
	Type       Type
	Doc        string
	Deprecated bool
}

// Method is a public method of an instance.
type Method struct {
	Name       string
	Variables  []Variable
	Parameters []Parameter
	Result     Type
	Throws     []Type
	Abstract   bool
	Varargs    bool
	Deprecated bool
	Doc        string
	Descriptor string // of the parameters, as the JVM writes it; "" of a source
}

// Parameter is one of a method's; Name is "" where the file does not have it.
type Parameter struct {
	Name string
	Type Type
}

// Type is a Java type as it was written: a primitive, "void", a class, or a type variable; with type arguments and dimensions.
type Type struct {
	Name     string // "int", "java.util.List", "T"
	Args     []Type // a wildcard is its bound
	Dims     int    // of an array
	Variable bool
}

// String gives the type as Java writes it, "java.util.List<org.example.Person>[]".
func (t Type) String() string {
	var b strings.Builder
	t.write(&b)
	return b.String()
}

func (t Type) write(b *strings.Builder) {
	b.WriteString(t.Name)
	if len(t.Args) > 0 {
		b.WriteByte('<')
		for i, a := range t.Args {
			if i > 0 {
				b.WriteByte(',')
			}
			a.write(b)
		}
		b.WriteByte('>')
	}
	for range t.Dims {
		b.WriteString("[]")
	}
}

// Package gives the package of a class, "" where it has none.
func (c *Class) Package() string { return PackageOf(c.Name) }

// PackageOf gives the package of a class name.
func PackageOf(class string) string {
	if i := strings.LastIndexByte(class, '.'); i >= 0 {
		return class[:i]
	}
	return ""
}
