package javaimport

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dubbofn/dubbofn/internal/javadecl"
	"github.com/dubbofn/dubbofn/internal/javatype"
)

// service is a Java interface with its methods as Go has them.
type service struct {
	*javadecl.Class
	name    string // of the Go interface
	client  string
	handler string
	methods []goMethod
}

type goMethod struct {
	*javadecl.Method
	name       string
	params     []goParameter
	result     goType // text is "" for void
	signature  string // the name, or the signature where Go's types don't tell Java's
	descriptor string // Java's parameter types as a client declares them, "" where Go's tell them
	throws     []*goClass
	foreign    []string // exceptions of the JDK's
}

type goParameter struct {
	name, text string
}

// inherited is a method with what the variables of the interface that declares it mean.
type inherited struct {
	*javadecl.Method
	owner *javadecl.Class
	with  map[string]javadecl.Type
}

// gather collects an interface's methods, those of the interfaces that it extends too.
func (m *importer) gather(c *javadecl.Class, with map[string]javadecl.Type, depth int, found *[]inherited) {
	if depth > maxDepth {
		m.fault(site{where: c.Name}, "its interfaces extend each other more than %d deep", maxDepth)
		return
	}
	for i := range c.Methods {
		next := inherited{&c.Methods[i], c, with}
		if !slices.ContainsFunc(*found, func(have inherited) bool { return overrides(have, next) }) {
			*found = append(*found, next)
		}
	}
	for _, super := range c.Interfaces {
		s := m.lib.class(super.Name)
		switch {
		case s == nil && strings.HasPrefix(super.Name, "java."):
			continue // Serializable, AutoCloseable …: nothing that a consumer would call
		case s == nil:
			m.missing(super.Name, site{where: c.Name})
			continue
		}
		args := map[string]javadecl.Type{}
		for i, v := range s.Variables {
			if i < len(super.Args) {
				args[v.Name] = substitute(super.Args[i], with)
			}
		}
		m.gather(s, args, depth+1, found)
	}
}

// overrides tells whether a method that is there already stands for another, of an interface further up.
func overrides(have, next inherited) bool {
	return have.Name == next.Name && slices.EqualFunc(have.Parameters, next.Parameters, func(a, b javadecl.Parameter) bool {
		return substitute(a.Type, have.with).String() == substitute(b.Type, next.with).String()
	})
}

func (m *importer) service(c *javadecl.Class) *service {
	s := &service{Class: c}
	m.checkName(site{where: c.Name}, "interface", simpleName(c.Name))
	s.name = m.className(c.Name)
	s.client, s.handler = unique(s.name+"Client", m.taken), unique(s.name+"Handler", m.taken)
	for _, name := range []string{"New" + s.name, "Refer" + s.name} {
		unique(name, m.taken)
	}
	var found []inherited
	m.gather(c, nil, 0, &found)
	count := map[string]int{}
	found = slices.DeleteFunc(found, func(i inherited) bool { return slices.Contains(m.cfg.Skip, i.Name) })
	for _, i := range found {
		count[i.Name]++
	}
	taken := map[string]bool{"Service": true}
	for _, i := range found {
		if len(i.Parameters) > 0 && i.Parameters[len(i.Parameters)-1].Type.Name == "kotlin.coroutines.Continuation" {
			m.missing("kotlin.coroutines.Continuation", site{where: c.Name + "." + i.Name, method: i.Name})
			continue
		}
		s.methods = append(s.methods, m.method(c, i, count[i.Name] > 1, taken))
	}
	if len(s.methods) == 0 && len(m.faults) == 0 {
		m.fault(site{where: c.Name}, "it has no method to import")
	}
	return s
}

// future is what an asynchronous method of Java's gives.
func isFuture(t javadecl.Type) bool {
	return t.Dims == 0 && (t.Name == "java.util.concurrent.CompletableFuture" || t.Name == "java.util.concurrent.CompletionStage" || t.Name == "java.util.concurrent.Future")
}

// standard are names of methods that `go vet` wants to have the signatures of Go's own interfaces.
var standard = map[string]bool{
	"GobDecode": true, "GobEncode": true, "MarshalJSON": true, "MarshalXML": true, "ReadByte": true, "ReadRune": true, "UnmarshalJSON": true, "UnmarshalXML": true,
	"UnreadByte": true, "UnreadRune": true, "WriteByte": true,
}

func (m *importer) method(c *javadecl.Class, i inherited, overloaded bool, taken map[string]bool) goMethod {
	g := goMethod{Method: i.Method}
	at := site{where: c.Name + "." + i.Name, method: i.Name}
	m.checkName(at, "method", i.Name)
	name := exported(i.Name)
	if overloaded {
		for _, p := range i.Parameters {
			t := substitute(p.Type, i.with)
			name += exported(simpleName(t.Name)) + strings.Repeat("Array", t.Dims)
		}
	}
	if standard[name] {
		name += "Method"
	}
	g.name = unique(name, taken)
	bounds := slices.Concat(i.Variables, i.owner.Variables)
	i.with = bounded(i)
	var declared, erased []string
	same, sameParams := true, true
	names := map[string]bool{}
	for n, p := range i.Parameters {
		here := at
		here.where += fmt.Sprintf(", parameter %d", n+1)
		t := substitute(p.Type, i.with)
		go1 := m.goType(t, here)
		java := m.declaredForm(p.Type, t, bounds)
		if i.Varargs && n == len(i.Parameters)-1 && t.Dims > 0 && go1.text != "[]byte" {
			go1.text = "..." + strings.TrimPrefix(go1.text, "[]")
			element := t
			element.Dims--
			go1.java = m.goType(element, here).java + "[]"
		}
		g.params = append(g.params, goParameter{parameterName(p.Name, n, names), go1.text})
		declared, erased = append(declared, java), append(erased, eraseForm(java))
		same = same && java == go1.java
		sameParams = sameParams && eraseForm(java) == eraseForm(go1.java)
	}
	result := m.result(&g, i, at, bounds)
	if result != g.result.java {
		same = false
	}
	g.signature = i.Name
	if !same {
		g.signature = result + " " + i.Name + "(" + strings.Join(declared, ",") + ")"
	}
	if !sameParams {
		g.descriptor = strings.Join(erased, ",")
	}
	m.check(i, declared, at)
	m.throws(&g, i, at)
	return g
}

// bounded adds a method's own type parameters: a value of theirs is one of what bounds them.
func bounded(i inherited) map[string]javadecl.Type {
	with := map[string]javadecl.Type{}
	maps.Copy(with, i.with)
	for _, v := range i.Variables {
		if with[v.Name] = (javadecl.Type{Name: object}); v.Bound != nil {
			with[v.Name] = substitute(*v.Bound, with)
		}
	}
	return with
}

// declaredForm is what Java declares a parameter or a result as: of a variable what the JVM makes of it, which is what consumers send.
func (m *importer) declaredForm(written, meant javadecl.Type, bounds []javadecl.Variable) string {
	if written.Variable {
		return m.javaForm(written, bounds)
	}
	return m.javaForm(meant, bounds)
}

func eraseForm(java string) string {
	name, rest, generic := strings.Cut(java, "<")
	if !generic {
		return java
	}
	return name + rest[strings.LastIndexByte(rest, '>')+1:]
}

// result finds a method's result, and gives what Java declares.
func (m *importer) result(g *goMethod, i inherited, at site, bounds []javadecl.Variable) string {
	at.where += ", result"
	t := substitute(i.Result, i.with)
	java := m.declaredForm(i.Result, t, bounds)
	if isFuture(t) {
		inner := javadecl.Type{Name: object}
		if len(t.Args) == 1 {
			inner = t.Args[0]
		}
		if t = inner; t.Name == "java.lang.Void" {
			t.Name = "void"
		}
		java = "java.util.concurrent.CompletableFuture<" + m.javaForm(inner, bounds) + ">"
	}
	if t.Name == "void" {
		g.result = goType{java: "void"}
		return java
	}
	g.result = m.goType(t, at)
	return java
}

// check compares what is declared with the descriptor of the class file.
func (m *importer) check(i inherited, declared []string, at site) {
	var b strings.Builder
	for _, java := range declared {
		b.WriteString(javatype.Descriptor(java))
	}
	if i.Descriptor != "" && b.String() != i.Descriptor {
		m.fault(at, "its signature (%s) does not agree with its descriptor (%s)", b.String(), i.Descriptor)
	}
}

// throws finds what a method declares to throw.
func (m *importer) throws(g *goMethod, i inherited, at site) {
	for _, t := range i.Throws {
		t = substitute(t, i.with)
		c := m.lib.class(t.Name)
		switch {
		case t.Variable:
		case c != nil && m.throwable(c):
			if e := m.class(c, formException); e.form == formException && !slices.Contains(g.throws, e) {
				g.throws = append(g.throws, e)
			}
		case strings.HasPrefix(t.Name, "java.") || strings.HasPrefix(t.Name, "javax."):
			g.foreign = append(g.foreign, t.Name)
		case c == nil:
			m.missing(t.Name, at)
		default:
			if c.Super != nil && m.lib.class(c.Super.Name) == nil {
				m.missing(c.Super.Name, site{where: c.Name})
			}
		}
	}
}
