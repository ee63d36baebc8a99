package javasource

import (
	"github.com/dubbofn/dubbofn/internal/javadecl"
)

// class takes a declaration, if that is one.
func (p *parser) class(outer *scope, m modifiers) bool {
	c := &javadecl.Class{Abstract: m.has("abstract"), Hidden: m.has("private"), Deprecated: m.deprecated, Doc: m.doc, Language: "Java", Origin: p.origin}
	switch {
	case p.skip("class"):
		c.Kind = javadecl.KindClass
	case p.skip("interface"):
		c.Kind, c.Abstract = javadecl.KindInterface, true
	case p.skip("enum"):
		c.Kind = javadecl.KindEnum
	case p.is("@"):
		p.next()
		p.want("interface")
		c.Kind = javadecl.KindAnnotation
	case p.is("record") && p.recordFollows():
		p.next()
		c.Kind = javadecl.KindRecord
	default:
		return false
	}
	if !p.enter() {
		return true
	}
	defer func() { p.depth-- }()
	simple := p.name()
	c.Name = simple
	switch {
	case outer != nil:
		c.Name = outer.class + "$" + simple
		outer.names[simple] = c.Name
	case p.file.Package != "":
		c.Name = p.file.Package + "." + simple
	}
	c.Variables = p.variables()
	s := &scope{outer: outer, class: c.Name, names: map[string]string{simple: c.Name}, vars: c.Variables}
	p.file.scopes[c] = s
	p.file.Classes = append(p.file.Classes, c)
	if c.Kind == javadecl.KindRecord {
		for _, q := range p.parameters(nil) {
			c.Fields = append(c.Fields, javadecl.Field{Name: q.Name, Type: q.Type})
		}
	}
	p.supertypes(c)
	p.want("{")
	if c.Kind == javadecl.KindEnum {
		p.constants(c)
	}
	for p.err == nil && !p.skip("}") {
		p.member(c, s, simple)
	}
	return true
}

// recordFollows tells a record from a method or a field that has to do with something called record.
func (p *parser) recordFollows() bool {
	before := p.lexer
	defer func() { p.lexer = before }()
	p.next()
	if p.tok.kind != word {
		return false
	}
	p.next()
	return p.is("(") || p.is("<")
}

func (p *parser) supertypes(c *javadecl.Class) {
	for p.err == nil {
		switch {
		case p.skip("extends"):
			all := p.types()
			if c.Kind == javadecl.KindInterface {
				c.Interfaces = append(c.Interfaces, all...)
			} else if len(all) > 0 && all[0].Name != "Object" && all[0].Name != "java.lang.Object" {
				c.Super = &all[0]
			}
		case p.skip("implements"):
			c.Interfaces = append(c.Interfaces, p.types()...)
		case p.skip("permits"):
			p.types()
		default:
			return
		}
	}
}

func (p *parser) constants(c *javadecl.Class) {
	for p.err == nil && !p.is("}") && !p.skip(";") {
		doc := p.tok.doc
		p.annotations()
		c.Constants = append(c.Constants, javadecl.Constant{Name: p.name(), Doc: doc})
		if p.is("(") {
			p.brackets()
		}
		if p.is("{") {
			p.brackets()
		}
		if !p.skip(",") && !p.is(";") && !p.is("}") {
			p.fail("want , or ; after a constant; got %s", p.found())
		}
	}
}

// member takes a field, a method, a constructor, a class or an initializer.
func (p *parser) member(c *javadecl.Class, s *scope, simple string) {
	if p.skip(";") {
		return
	}
	m := p.modifiers()
	if p.is("{") {
		p.brackets()
		return
	}
	if p.class(s, m) || p.err != nil {
		return
	}
	variables := p.variables()
	if p.is(simple) && p.constructor(c) {
		return
	}
	t := p.javaType()
	name := p.name()
	if p.is("(") {
		p.method(c, m, javadecl.Method{Name: name, Variables: variables, Result: t})
		return
	}
	p.fields(c, m, t, name)
}

// constructor passes over one, if that is one.
func (p *parser) constructor(c *javadecl.Class) bool {
	before := p.lexer
	p.next()
	if !p.is("(") && !(p.is("{") && c.Kind == javadecl.KindRecord) {
		p.lexer = before
		return false
	}
	if p.is("(") {
		p.brackets()
	}
	p.throws()
	if !p.is("{") {
		p.fail("want the body of a constructor; got %s", p.found())
		return true
	}
	p.brackets()
	return true
}

func (p *parser) throws() []javadecl.Type {
	if p.skip("throws") {
		return p.types()
	}
	return nil
}

func (p *parser) method(c *javadecl.Class, m modifiers, method javadecl.Method) {
	method.Parameters = p.parameters(&method.Varargs)
	method.Result.Dims += p.dims()
	method.Throws = p.throws()
	method.Doc, method.Deprecated = m.doc, m.deprecated
	if p.skip("default") { // of an annotation's element
		p.initializer()
	}
	if method.Abstract = p.is(";"); method.Abstract {
		p.next()
	} else if p.is("{") {
		p.brackets()
	} else {
		p.fail("want the body of method %s, or ; in its place; got %s", method.Name, p.found())
	}
	inInterface := c.Kind == javadecl.KindInterface
	if p.err == nil && !m.has("static") && !m.has("private") && (inInterface || m.has("public")) {
		c.Methods = append(c.Methods, method)
	}
}

// parameters takes those of a method, or a record's components.
func (p *parser) parameters(varargs *bool) (all []javadecl.Parameter) {
	p.want("(")
	for p.err == nil && !p.skip(")") {
		p.modifiers()
		t := p.javaType()
		p.annotations()
		if p.skip(".") {
			p.want(".")
			p.want(".")
			t.Dims++
			if varargs != nil {
				*varargs = true
			}
		}
		name := p.name()
		for p.skip(".") { // Outer.this, the receiver
			name = p.name()
		}
		t.Dims += p.dims()
		if name != "this" {
			all = append(all, javadecl.Parameter{Name: name, Type: t})
		}
		if !p.skip(",") && !p.is(")") {
			p.fail("want , or ) after a parameter; got %s", p.found())
		}
	}
	return all
}

// fields takes one or several of a type.
func (p *parser) fields(c *javadecl.Class, m modifiers, t javadecl.Type, name string) {
	travels := c.Kind != javadecl.KindInterface && c.Kind != javadecl.KindAnnotation && !m.has("static") && !m.has("transient")
	for p.err == nil {
		each := t
		each.Dims += p.dims()
		if travels {
			c.Fields = append(c.Fields, javadecl.Field{Name: name, Type: each, Doc: m.doc, Deprecated: m.deprecated})
		}
		if p.skip("=") {
			p.initializer()
		}
		if p.skip(";") {
			return
		}
		p.want(",")
		name = p.name()
	}
}

// initializer passes over an expression: up to the comma or semicolon that ends it.
func (p *parser) initializer() {
	for p.err == nil {
		switch {
		case p.tok.kind == end:
			p.fail("a value that does not end")
		case p.is(";"), p.is(","):
			return
		case p.is("("), p.is("{"), p.is("["):
			p.brackets()
		case p.tok.kind == word, p.is("."):
			p.next()
			p.tryArguments()
		default:
			p.next()
		}
	}
}

// tryArguments passes over type arguments, whose commas end nothing; a < that begins none is left.
func (p *parser) tryArguments() {
	if !p.is("<") {
		return
	}
	before, depth := p.lexer, p.depth
	if p.arguments(); p.err != nil {
		p.lexer, p.depth = before, depth
		p.next()
	}
}
