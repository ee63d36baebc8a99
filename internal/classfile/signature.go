package classfile

import (
	"errors"
	"fmt"
	"strings"

	"github.com/dubbofn/dubbofn/internal/javadecl"
)

// maxNesting bounds type arguments within type arguments.
const maxNesting = 32

// maxParameters is the JVM's own limit (JVM specification, 4.3.3).
const maxParameters = 255

var errSignature = errors.New("no signature as the JVM writes it")

// signature reads types off their form in class files (JVM specification, 4.7.9.1).
type signature struct {
	s     string
	depth int
	err   error
}

func (g *signature) fail() {
	if g.err == nil {
		g.err = errSignature
	}
	g.s = ""
}

func (g *signature) next() byte {
	if g.s == "" {
		return 0
	}
	return g.s[0]
}

// skip takes c, where it is next.
func (g *signature) skip(c byte) bool {
	if g.next() != c || c == 0 {
		return false
	}
	g.s = g.s[1:]
	return true
}

func (g *signature) want(c byte) {
	if !g.skip(c) {
		g.fail()
	}
}

// until takes what stands before the first of the characters in stop.
func (g *signature) until(stop string) string {
	i := strings.IndexAny(g.s, stop)
	if i <= 0 {
		g.fail()
		return ""
	}
	name := g.s[:i]
	g.s = g.s[i:]
	return name
}

var primitives = map[byte]string{'Z': "boolean", 'B': "byte", 'C': "char", 'S': "short", 'I': "int", 'J': "long", 'F': "float", 'D': "double", 'V': "void"}

func (g *signature) javaType() (t javadecl.Type) {
	if g.depth++; g.depth > maxNesting {
		g.err = fmt.Errorf("type arguments more than %d deep", maxNesting)
		g.s = ""
		return t
	}
	defer func() { g.depth-- }()
	for g.skip('[') {
		if t.Dims++; t.Dims > 255 {
			g.fail()
		}
	}
	switch c := g.next(); c {
	case 'T':
		g.skip('T')
		t.Name, t.Variable = g.until(";"), true
		g.want(';')
	case 'L':
		g.skip('L')
		g.class(&t)
	default:
		t.Name = primitives[c]
		if t.Name == "" {
			g.fail()
		}
		g.skip(c)
	}
	return t
}

// class reads what follows the L: Outer<args>.Nested<args>; is Outer$Nested, with the arguments of the last.
func (g *signature) class(t *javadecl.Type) {
	t.Name = strings.ReplaceAll(g.until("<;."), "/", ".")
	for g.err == nil {
		switch {
		case g.skip('<'):
			t.Args = nil
			for !g.skip('>') {
				t.Args = append(t.Args, g.argument())
				if g.err != nil {
					return
				}
			}
		case g.skip('.'):
			t.Name += "$" + g.until("<;.")
			t.Args = nil
		default:
			g.want(';')
			return
		}
	}
}

// argument is a type argument; of a wildcard, what it is known to be.
func (g *signature) argument() javadecl.Type {
	switch {
	case g.skip('*'):
		return javadecl.Type{Name: "java.lang.Object"}
	case g.next() == '-', g.next() == '+': // of "? super T" what is read may be anything; what matters are T's
		g.s = g.s[1:]
	}
	return g.javaType()
}

func (g *signature) variables() (all []javadecl.Variable) {
	if !g.skip('<') {
		return nil
	}
	for !g.skip('>') {
		v := javadecl.Variable{Name: g.until(":")}
		for g.skip(':') {
			if g.next() == ':' { // no class among the bounds
				continue
			}
			if bound := g.javaType(); v.Bound == nil && bound.Name != "java.lang.Object" {
				v.Bound = &bound
			}
		}
		if g.err != nil {
			return nil
		}
		all = append(all, v)
	}
	return all
}

// classSignature reads the generic form of a class's head.
func classSignature(s string) (variables []javadecl.Variable, super javadecl.Type, interfaces []javadecl.Type, err error) {
	g := signature{s: s}
	variables = g.variables()
	super = g.javaType()
	for g.s != "" && g.err == nil {
		interfaces = append(interfaces, g.javaType())
	}
	return variables, super, interfaces, g.err
}

// methodSignature reads the generic form of a method, or its descriptor.
func methodSignature(s string) (m javadecl.Method, err error) {
	g := signature{s: s}
	m.Variables = g.variables()
	g.want('(')
	for !g.skip(')') && g.err == nil {
		if m.Parameters = append(m.Parameters, javadecl.Parameter{Type: g.javaType()}); len(m.Parameters) > maxParameters {
			return m, fmt.Errorf("more than %d parameters", maxParameters)
		}
	}
	m.Result = g.javaType()
	for g.skip('^') {
		m.Throws = append(m.Throws, g.javaType())
	}
	if g.s != "" {
		g.fail()
	}
	return m, g.err
}

// fieldSignature reads the generic form of a field, or its descriptor.
func fieldSignature(s string) (javadecl.Type, error) {
	g := signature{s: s}
	t := g.javaType()
	if g.s != "" {
		g.fail()
	}
	return t, g.err
}
