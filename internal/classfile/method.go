package classfile

import (
	"fmt"
	"strings"

	"github.com/dubbofn/dubbofn/internal/javadecl"
)

func (f *file) method(c *javadecl.Class, flags uint16, name, descriptor string) {
	m, err := methodSignature(descriptor)
	if err != nil {
		f.fail(fmt.Errorf("method %s: descriptor %q: %w", name, descriptor, err))
		return
	}
	m.Name, m.Abstract, m.Varargs = name, flags&flagAbstract != 0, flags&flagVarargs != 0
	m.Descriptor = descriptor[1:strings.IndexByte(descriptor, ')')]
	var names, variables []string
	f.attributes(func(attribute uint16, a *reader) {
		switch {
		case f.is(attribute, "Signature"):
			f.generic(&m, f.text(a.u2()))
		case f.is(attribute, "Exceptions"):
			f.exceptions(&m, a)
		case f.is(attribute, "Deprecated"):
			m.Deprecated = true
		case f.is(attribute, "MethodParameters"):
			names = f.parameterNames(a)
		case f.is(attribute, "Code"):
			variables = f.variableNames(a, &m)
		}
	})
	if flags&(flagPublic) == 0 || flags&(flagStatic|flagSynthetic|flagBridge) != 0 || strings.HasPrefix(name, "<") {
		return // nobody calls it from outside, or it repeats another
	}
	for _, given := range [][]string{names, variables} {
		if len(given) == len(m.Parameters) && m.Parameters != nil && m.Parameters[0].Name == "" {
			for i := range given {
				m.Parameters[i].Name = given[i]
			}
		}
	}
	c.Methods = append(c.Methods, m)
}

// generic takes a method's generic form over, where it agrees with the descriptor, which m was made from.
func (f *file) generic(m *javadecl.Method, s string) {
	g, err := methodSignature(s)
	if err != nil || len(g.Parameters) != len(m.Parameters) {
		return // a constructor's may leave out what the compiler added
	}
	m.Variables, m.Parameters, m.Result = g.Variables, g.Parameters, g.Result
	if len(g.Throws) > 0 {
		m.Throws = g.Throws
	}
}

func (f *file) exceptions(m *javadecl.Method, a *reader) {
	var throws []javadecl.Type
	for range a.count(2) {
		if class := f.pool.class(a.u2()); class != "" {
			throws = append(throws, javadecl.Type{Name: dotted(class)})
		}
	}
	if len(m.Throws) == 0 { // the signature's are the same, with their variables
		m.Throws = throws
	}
}

// parameterNames are those that `javac -parameters` keeps (JVM specification, 4.7.24).
func (f *file) parameterNames(a *reader) []string {
	n := int(a.u1())
	if 4*n > len(a.b) {
		a.fail(errShort)
		return nil
	}
	names := make([]string, 0, n)
	for range n {
		name, flags := f.text(a.u2()), a.u2()
		if flags&flagSynthetic == 0 {
			names = append(names, name)
		}
	}
	return names
}

// variableNames are the parameters' names among a body's variables, which `javac -g` keeps: those that live from the first instruction
// on, in their places. A default method's are an interface's only ones.
func (f *file) variableNames(code *reader, m *javadecl.Method) []string {
	code.u2()
	code.u2()
	code.take(int(min(code.u4(), 1<<30)))
	code.take(8 * code.count(8))
	at := map[int]string{}
	f.attributesOf(code, func(name uint16, a *reader) {
		if !f.is(name, "LocalVariableTable") {
			return
		}
		for range a.count(10) {
			start, _, variable, _, place := a.u2(), a.u2(), a.u2(), a.u2(), a.u2()
			if start == 0 && len(at) < 256 {
				at[int(place)] = f.text(variable)
			}
		}
	})
	if len(at) == 0 {
		return nil
	}
	names, place := make([]string, len(m.Parameters)), 1 // 0 is this
	for i, p := range m.Parameters {
		names[i] = at[place]
		place++
		if p.Type.Dims == 0 && (p.Type.Name == "long" || p.Type.Name == "double") {
			place++
		}
	}
	return names
}

// annotations tells each annotation's class (JVM specification, 4.7.16).
func (f *file) annotations(a *reader, each func(class string)) {
	for range a.count(4) {
		each(f.annotation(a, 0))
		if a.err != nil {
			return
		}
	}
}

func (f *file) annotation(a *reader, depth int) string {
	name := f.text(a.u2())
	for range a.count(3) {
		a.u2()
		f.element(a, depth+1)
	}
	return dotted(strings.TrimSuffix(strings.TrimPrefix(name, "L"), ";"))
}

// element passes over a value of an annotation.
func (f *file) element(a *reader, depth int) {
	if depth > maxNesting {
		a.fail(fmt.Errorf("annotations more than %d deep", maxNesting))
		return
	}
	switch tag := a.u1(); tag {
	case 'B', 'C', 'D', 'F', 'I', 'J', 'S', 'Z', 's', 'c':
		a.u2()
	case 'e':
		a.u4()
	case '@':
		f.annotation(a, depth)
	case '[':
		for range a.count(1) {
			if f.element(a, depth+1); a.err != nil {
				return
			}
		}
	default:
		if a.err == nil {
			a.fail(fmt.Errorf("a value of an annotation is of a kind (%q) that is not known", tag))
		}
	}
}
