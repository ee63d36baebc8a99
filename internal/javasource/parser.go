package javasource

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dubbofn/dubbofn/internal/javadecl"
)

// File is one source. Its types are named as they are written until [File.Resolve] has found out which they are.
type File struct {
	Package string
	Classes []*javadecl.Class // nested ones too
	single  map[string]string // imports of one class, by its own name
	demand  []string          // packages and classes of which everything is imported
	scopes  map[*javadecl.Class]*scope
}

// scope is what names mean within a class: its own type parameters and classes, then those of the class around it.
type scope struct {
	outer *scope
	class string // its full name
	names map[string]string
	vars  []javadecl.Variable
}

// maxNesting bounds classes within classes, and type arguments within type arguments.
const maxNesting = 32

// Parse reads a source; name is for messages.
func Parse(name string, src []byte) (*File, error) {
	p := &parser{lexer: newLexer(string(src)), file: &File{single: map[string]string{}, scopes: map[*javadecl.Class]*scope{}}, origin: name}
	p.unit()
	if p.err != nil {
		return nil, fmt.Errorf("java source %s: %w", name, p.err)
	}
	return p.file, nil
}

type parser struct {
	lexer
	file   *File
	origin string
	depth  int
}

func (p *parser) enter() bool {
	if p.depth++; p.depth > maxNesting {
		p.fail("it nests more than %d deep", maxNesting)
	}
	return p.err == nil
}

func (p *parser) unit() {
	for p.err == nil && p.tok.kind != end {
		switch {
		case p.skip(";"):
		case p.is("import"):
			p.imports()
		default:
			m := p.modifiers()
			if p.skip("package") {
				p.file.Package = p.dotted()
				p.want(";")
				continue
			}
			if !p.class(nil, m) && p.err == nil {
				p.fail("want a class or an interface; got %s", p.found())
			}
		}
	}
}

func (p *parser) imports() {
	p.next()
	static := p.skip("static")
	name := p.dotted()
	all := strings.HasSuffix(name, ".*")
	p.want(";")
	switch {
	case static:
	case all:
		p.file.demand = append(p.file.demand, strings.TrimSuffix(name, ".*"))
	default:
		p.file.single[name[strings.LastIndexByte(name, '.')+1:]] = name
	}
}

// dotted takes a name with dots, which may end in a star.
func (p *parser) dotted() string {
	var b strings.Builder
	b.WriteString(p.name())
	for p.skip(".") {
		b.WriteByte('.')
		if p.skip("*") {
			b.WriteByte('*')
			break
		}
		b.WriteString(p.name())
	}
	return b.String()
}

// modifiers are what stands before a declaration.
type modifiers struct {
	words      []string
	deprecated bool
	doc        string
}

func (m *modifiers) has(word string) bool { return slices.Contains(m.words, word) }

var modifierWords = map[string]bool{
	"public": true, "protected": true, "private": true, "static": true, "abstract": true, "final": true, "native": true, "synchronized": true,
	"transient": true, "volatile": true, "strictfp": true, "default": true, "sealed": true,
}

func (p *parser) modifiers() (m modifiers) {
	m.doc = p.tok.doc
	for p.err == nil {
		switch {
		case p.is("@"):
			before := p.lexer
			p.next()
			if p.is("interface") {
				p.lexer = before
				return m
			}
			if name := p.dotted(); name == "Deprecated" || name == "java.lang.Deprecated" {
				m.deprecated = true
			}
			if p.is("(") {
				p.brackets()
			}
		case p.is("non"): // non-sealed
			before := p.lexer
			if p.next(); !p.skip("-") || !p.skip("sealed") {
				p.lexer = before
				return m
			}
		case p.tok.kind == word && modifierWords[p.tok.text]:
			before := p.lexer
			w := p.next().text
			if w == "sealed" && p.tok.kind != word || w == "default" && p.is(":") {
				p.lexer = before
				return m
			}
			m.words = append(m.words, w)
		default:
			if m.doc == "" {
				m.doc = p.tok.doc
			}
			return m
		}
	}
	return m
}

// brackets passes over what is in brackets, of all kinds, with the brackets.
func (p *parser) brackets() {
	depth := 0
	for p.err == nil {
		switch t := p.next(); {
		case t.kind == end:
			p.fail("a bracket that is not closed")
		case t.kind != mark:
		case t.text == "(" || t.text == "{" || t.text == "[":
			depth++
		case t.text == ")" || t.text == "}" || t.text == "]":
			if depth--; depth == 0 {
				return
			}
		}
	}
}

// javaType takes a type as it is written.
func (p *parser) javaType() (t javadecl.Type) {
	if !p.enter() {
		return t
	}
	defer func() { p.depth-- }()
	p.annotations()
	t.Name = p.name()
	t.Args = p.arguments()
	for p.is(".") {
		before := p.lexer
		if p.next(); p.is(".") { // three of them
			p.lexer = before
			break
		}
		p.annotations()
		t.Name += "." + p.name()
		t.Args = p.arguments()
	}
	t.Dims = p.dims()
	return t
}

func (p *parser) annotations() {
	for p.skip("@") {
		p.dotted()
		if p.is("(") {
			p.brackets()
		}
	}
}

func (p *parser) dims() (n int) {
	for p.err == nil {
		p.annotations()
		if !p.is("[") {
			return n
		}
		p.next()
		p.want("]")
		if n++; n > 255 {
			p.fail("an array of more than 255 dimensions")
		}
	}
	return n
}

func (p *parser) arguments() (args []javadecl.Type) {
	if !p.skip("<") {
		return nil
	}
	for p.err == nil && !p.skip(">") {
		p.annotations()
		if p.skip("?") {
			if !p.skip("extends") && !p.skip("super") {
				args = append(args, javadecl.Type{Name: "Object"})
				p.skip(",")
				continue
			}
		}
		args = append(args, p.javaType())
		if !p.skip(",") && !p.is(">") {
			p.fail("want , or > in type arguments; got %s", p.found())
		}
	}
	return args
}

// variables takes type parameters.
func (p *parser) variables() (all []javadecl.Variable) {
	if !p.skip("<") {
		return nil
	}
	for p.err == nil && !p.skip(">") {
		p.annotations()
		v := javadecl.Variable{Name: p.name()}
		if p.skip("extends") {
			bound := p.javaType()
			if v.Bound = &bound; bound.Name == "Object" || bound.Name == "java.lang.Object" {
				v.Bound = nil
			}
			for p.skip("&") {
				p.javaType()
			}
		}
		all = append(all, v)
		if !p.skip(",") && !p.is(">") {
			p.fail("want , or > in type parameters; got %s", p.found())
		}
	}
	return all
}

func (p *parser) types() (all []javadecl.Type) {
	for p.err == nil {
		all = append(all, p.javaType())
		if !p.skip(",") {
			return all
		}
	}
	return all
}
