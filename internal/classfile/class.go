package classfile

import (
	"fmt"
	"strings"

	"github.com/dubbofn/dubbofn/internal/javadecl"
)

// Flags of classes, fields and methods (JVM specification, tables 4.1-B, 4.5-A and 4.6-A).
const (
	flagPublic     = 0x0001
	flagPrivate    = 0x0002
	flagStatic     = 0x0008
	flagBridge     = 0x0040
	flagVarargs    = 0x0080
	flagTransient  = 0x0080
	flagInterface  = 0x0200
	flagAbstract   = 0x0400
	flagSynthetic  = 0x1000
	flagAnnotation = 0x2000
	flagEnum       = 0x4000
	flagModule     = 0x8000
)

const magic = 0xcafebabe

// file is a class file while it is read.
type file struct {
	reader
	pool
	name string // with slashes
}

// Parse reads one class file. What it gives holds nothing of b.
func Parse(b []byte) (*javadecl.Class, error) {
	f := &file{reader: reader{b: b}}
	c := f.class()
	if f.err != nil {
		if f.name != "" {
			return nil, fmt.Errorf("class file of %s: %w", strings.ReplaceAll(f.name, "/", "."), f.err)
		}
		return nil, fmt.Errorf("class file: %w", f.err)
	}
	return c, nil
}

func (f *file) class() *javadecl.Class {
	whole := f.b
	if m := f.u4(); m != magic {
		if f.err == nil {
			f.fail(fmt.Errorf("it begins with %08x; want %08x", m, magic))
		}
		return nil
	}
	f.u2() // the version is no reason to refuse a file
	f.u2()
	f.pool = readPool(&f.reader, whole)
	flags := f.u2()
	f.name = f.pool.class(f.u2())
	if f.err == nil && (f.name == "" || flags&flagModule != 0) {
		f.fail(fmt.Errorf("it declares no class"))
	}
	c := &javadecl.Class{Name: dotted(f.name), Kind: kind(flags), Abstract: flags&flagAbstract != 0, Hidden: flags&flagSynthetic != 0, Language: "Java"}
	if super := f.pool.class(f.u2()); super != "" && super != "java/lang/Object" && c.Kind != javadecl.KindInterface {
		c.Super = &javadecl.Type{Name: dotted(super)}
	}
	for range f.count(2) {
		c.Interfaces = append(c.Interfaces, javadecl.Type{Name: dotted(f.pool.class(f.u2()))})
	}
	f.members(c, f.field)
	f.members(c, f.method)
	f.attributes(func(name uint16, a *reader) { f.classAttribute(c, name, a) })
	if c.Super != nil && c.Super.Name == "java.lang.Record" {
		c.Kind, c.Super = javadecl.KindRecord, nil
	}
	if c.Kind == javadecl.KindEnum {
		c.Super = nil
	}
	if f.left < 0 {
		f.fail(fmt.Errorf("its names repeat to more than 8 times its size"))
	}
	if f.err == nil && len(f.b) > 0 {
		f.fail(fmt.Errorf("%d bytes follow its end", len(f.b)))
	}
	return c
}

func kind(flags uint16) javadecl.Kind {
	switch {
	case flags&flagAnnotation != 0:
		return javadecl.KindAnnotation
	case flags&flagInterface != 0:
		return javadecl.KindInterface
	case flags&flagEnum != 0:
		return javadecl.KindEnum
	}
	return javadecl.KindClass
}

func dotted(name string) string { return strings.ReplaceAll(name, "/", ".") }

// attributes hands each attribute on, with its own piece of the file.
func (f *file) attributes(each func(name uint16, a *reader)) { f.attributesOf(&f.reader, each) }

func (f *file) attributesOf(r *reader, each func(name uint16, a *reader)) {
	for range r.count(6) {
		name, n := r.u2(), r.u4()
		if uint64(n) > uint64(len(r.b)) {
			r.fail(errShort)
			return
		}
		a := &reader{b: r.take(int(n))}
		each(name, a)
		if a.err != nil {
			r.fail(fmt.Errorf("attribute %s: %w", f.text(name), a.err))
			return
		}
	}
}

func (f *file) classAttribute(c *javadecl.Class, name uint16, a *reader) {
	switch {
	case f.is(name, "Signature"):
		variables, super, interfaces, err := classSignature(f.text(a.u2()))
		if err != nil || len(interfaces) != len(c.Interfaces) {
			return // the erased form, which there is already, is true as well
		}
		c.Variables, c.Interfaces = variables, interfaces
		if c.Super != nil {
			c.Super = &super
		}
	case f.is(name, "Deprecated"):
		c.Deprecated = true
	case f.is(name, "InnerClasses"):
		for range a.count(8) {
			inner, outer, _, flags := a.u2(), a.u2(), a.u2(), a.u2()
			if f.pool.class(inner) == f.name { // without an outer class it is anonymous, or a method's own
				c.Hidden = c.Hidden || outer == 0 || flags&flagPrivate != 0
			}
		}
	case f.is(name, "RuntimeVisibleAnnotations"):
		f.annotations(a, func(annotation string) {
			switch annotation {
			case "kotlin.Metadata":
				c.Language = "Kotlin"
			case "groovy.transform.Generated":
				c.Language = "Groovy"
			case "scala.reflect.ScalaSignature", "scala.reflect.ScalaLongSignature":
				c.Language = "Scala"
			case deprecated:
				c.Deprecated = true
			}
		})
	}
}

const deprecated = "java.lang.Deprecated"

// members reads the fields or the methods.
func (f *file) members(c *javadecl.Class, one func(c *javadecl.Class, flags uint16, name, descriptor string)) {
	for range f.count(8) {
		flags, name, descriptor := f.u2(), f.text(f.u2()), f.text(f.u2())
		if f.err == nil && (name == "" || descriptor == "") {
			f.fail(fmt.Errorf("a member without a name or a descriptor"))
		}
		one(c, flags, name, descriptor)
		if f.err != nil {
			return
		}
	}
}

func (f *file) field(c *javadecl.Class, flags uint16, name, descriptor string) {
	t, err := fieldSignature(descriptor)
	if err != nil {
		f.fail(fmt.Errorf("field %s: descriptor %q: %w", name, descriptor, err))
		return
	}
	field := javadecl.Field{Name: name, Type: t}
	f.attributes(func(attribute uint16, a *reader) {
		switch {
		case f.is(attribute, "Signature"):
			if t, err := fieldSignature(f.text(a.u2())); err == nil {
				field.Type = t
			}
		case f.is(attribute, "Deprecated"):
			field.Deprecated = true
		}
	})
	switch {
	case flags&flagEnum != 0:
		c.Constants = append(c.Constants, javadecl.Constant{Name: name})
	case flags&(flagStatic|flagTransient|flagSynthetic) == 0:
		c.Fields = append(c.Fields, field)
	}
}
