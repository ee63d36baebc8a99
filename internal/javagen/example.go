package javagen

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/dubbofn/dubbofn/fn"
)

// reference is a service in one of its ways as the example refers to it, with one call.
type reference struct {
	Type, Variable string
	Version, Group string
	Call           string // an expression, "" where there is no method
	Void           bool
	Told           string // what the call is, for the example's output
}

func (p *project) references(u *unit) (all []reference) {
	var taken []string
	for _, name := range p.model.sorted() {
		c := p.model.classes[name]
		for _, w := range c.ways {
			_, names := nesting(name)
			variable := decapital(names[len(names)-1])
			for n := 2; slices.Contains(taken, variable); n++ {
				variable = fmt.Sprintf("%s%d", decapital(names[len(names)-1]), n)
			}
			taken = append(taken, variable)
			r := reference{Type: u.Type(name), Variable: variable, Version: w.Version, Group: w.Group}
			if len(w.Methods) > 0 {
				m := slices.MinFunc(w.Methods, func(a, b fn.MethodInfo) int { return cmp.Compare(p.effort(a), p.effort(b)) })
				r.Call, r.Void, r.Told = p.call(u, variable, m), m.Result == "void", names[len(names)-1]+"."+m.Name
			}
			all = append(all, r)
		}
	}
	return all
}

// effort tells how little a method suits as an example: one that may be called again suits, with arguments that a reader understands.
func (p *project) effort(m fn.MethodInfo) int {
	n := len(m.Parameters)
	if !m.Idempotent {
		n += 10
	}
	if m.Result == "void" {
		n += 5
	}
	for _, form := range m.Parameters {
		if form != "java.lang.String" && !isPrimitive(form) {
			n += 20
		}
	}
	return n
}

const future = "java.util.concurrent.CompletableFuture"

func (p *project) call(u *unit, variable string, m fn.MethodInfo) string {
	var args []string
	for _, form := range m.Parameters {
		args = append(args, p.sample(u, form))
	}
	call := fmt.Sprintf("%s.%s(%s)", variable, m.Name, strings.Join(args, ", "))
	if strings.HasPrefix(m.Result, future) {
		call += ".get()"
	}
	return call
}

// samples are arguments of types that have a plain one.
var samples = map[string]string{
	"boolean": "true", "byte": "(byte) 1", "short": "(short) 1", "char": "'a'", "int": "1", "long": "1L", "float": "1.5f", "double": "1.5",
	"java.lang.Boolean": "true", "java.lang.Integer": "1", "java.lang.Long": "1L", "java.lang.Double": "1.5", "java.lang.String": `"Ada"`, "java.lang.Object": `"Ada"`,
}

// sample gives an argument.
func (p *project) sample(u *unit, form string) string {
	t := parseType(form)
	if s := samples[form]; s != "" {
		return s
	}
	if t.dims > 0 {
		return "new " + u.Type(t.name) + "[0]" + strings.Repeat("[]", t.dims-1)
	}
	switch t.name {
	case "java.util.List", "java.util.Collection":
		return "new " + u.Name("java.util.ArrayList") + "<>()"
	case "java.util.Set":
		return "new " + u.Name("java.util.LinkedHashSet") + "<>()"
	case "java.util.Map":
		return "new " + u.Name("java.util.LinkedHashMap") + "<>()"
	case "java.util.Date":
		return "new " + u.Name("java.util.Date") + "()"
	case "java.math.BigDecimal", "java.math.BigInteger":
		return u.Name(t.name) + ".ONE"
	}
	if c := p.model.classes[t.name]; c != nil {
		switch c.kind {
		case "class":
			return "new " + u.Name(t.name) + "()"
		case "enum":
			return u.Name(t.name) + "." + c.info.Constants[0]
		}
	}
	return "(" + u.Type(form) + ") null"
}
