package javagen

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/internal/javatype"
)

// view is a class as its template sees it.
type view struct {
	*class
	*unit
	Doc     string
	Simple  string
	Super   string // with "extends" before it where there is one
	Impl    string // the same with "implements"
	Derived bool   // from another class than Object
	Static  string // "static " of a nested class
	Fields  []field
	Methods []method
	Nested  []string // as they stand in the file

	Constants []constant
}

// field is a field of a class.
type field struct {
	Name, Type, Doc    string
	Getter, Setter     string
	Equal, Hash, Shown string // expressions; Hash and Shown are "" where the field may lead back to its object
}

// method is a method of a service.
type method struct {
	Doc, Result, Name, Parameters, Throws string
}

// constant is one of an enum.
type constant struct{ Doc, Name, End string }

// sourceFile writes the file of a class and of those nested in it.
func (p *project) sourceFile(c *class) (File, error) {
	pkg, _ := nesting(c.name)
	u := newUnit(p.model, pkg, c)
	body, err := p.body(u, c, false)
	if err != nil {
		return File{}, err
	}
	imports := u.Imports()
	if imports != "" {
		imports += "\n"
	}
	text := "// " + p.mark() + "\npackage " + pkg + ";\n\n" + imports + body
	return File{Path: "api/src/main/java/" + strings.ReplaceAll(c.name, ".", "/") + ".java", Text: text}, nil
}

// body writes the declaration of a class.
func (p *project) body(u *unit, c *class, nested bool) (string, error) {
	_, names := nesting(c.name)
	v := &view{class: c, unit: u, Simple: names[len(names)-1]}
	v.Doc = javadoc("", p.about(c)...)
	if nested {
		v.Static = "static "
	}
	p.head(v)
	switch c.kind {
	case "service":
		v.Methods = p.methods(u, c)
	case "enum":
		v.Constants = p.constants(c)
	case "class", "exception":
		v.Fields = p.fields(u, c)
	}
	for _, n := range c.nested {
		text, err := p.body(u, n, true)
		if err != nil {
			return "", err
		}
		v.Nested = append(v.Nested, indented(text))
	}
	return p.execute(c.kind+".java.tmpl", v)
}

func indented(text string) string {
	lines := strings.SplitAfter(text, "\n")
	for i, l := range lines {
		if strings.TrimSpace(l) != "" {
			lines[i] = "    " + l
		}
	}
	return strings.Join(lines, "")
}

// about gives what is said of a class.
func (p *project) about(c *class) []string {
	if c.kind != "service" {
		return []string{p.comments.Classes[c.name]}
	}
	var ways []string
	for _, w := range c.ways {
		if way := wayOf(w); way != "" {
			ways = append(ways, way)
		} else {
			ways = append(ways, "neither version nor group")
		}
	}
	told := "Offered by the function " + p.app + "."
	if len(ways) > 1 || ways[0] != "neither version nor group" {
		told = "Offered by the function " + p.app + " with " + strings.Join(ways, "; with ") + "."
	}
	return []string{p.comments.Services[c.name], told}
}

// wayOf says in which version and group a service is.
func wayOf(w fn.ServiceInfo) string {
	var parts []string
	if w.Version != "" {
		parts = append(parts, "version "+w.Version)
	}
	if w.Group != "" {
		parts = append(parts, "group "+w.Group)
	}
	return strings.Join(parts, ", ")
}

func (p *project) head(v *view) {
	c, u := v.class, v.unit
	var interfaces []string
	if c.info.Super != "" {
		v.Super, v.Derived = " extends "+u.Name(c.info.Super), true
	}
	if c.kind == "class" && len(p.model.supers(c)) == 0 {
		interfaces = append(interfaces, u.Name("java.io.Serializable"))
	}
	if c.kind == "exception" && c.info.Super == "" {
		v.Super = " extends " + u.Name("java.lang.Exception")
	}
	for _, i := range c.info.Interfaces {
		interfaces = append(interfaces, u.Name(i))
	}
	if len(interfaces) > 0 && c.kind != "interface" {
		v.Impl = " implements " + strings.Join(interfaces, ", ")
	}
}

func (p *project) methods(u *unit, c *class) (all []method) {
	for _, m := range c.method {
		told := p.comments.Methods[MethodKey(c.name, m.Name, m.Descriptor)]
		names := parameterNames(told.Parameters, len(m.Parameters))
		var parameters, throws []string
		for i, form := range m.Parameters {
			parameters = append(parameters, u.Type(form)+" "+names[i])
		}
		for _, t := range m.Throws {
			throws = append(throws, u.Name(t))
		}
		x := method{Result: "void", Name: m.Name, Parameters: strings.Join(parameters, ", ")}
		if m.Result != "void" {
			x.Result = u.Type(m.Result)
		}
		if len(throws) > 0 {
			x.Throws = " throws " + strings.Join(throws, ", ")
		}
		x.Doc = javadoc("    ", told.Text, published(m))
		all = append(all, x)
	}
	return all
}

// published says what consumers take where they set nothing of their own.
func published(m fn.MethodInfo) string {
	if m.Idempotent {
		return fmt.Sprintf("Timeout %d ms; idempotent: it may be called again.", m.Timeout)
	}
	return fmt.Sprintf("Timeout %d ms.", m.Timeout)
}

// parameterNames gives a name for each parameter: those of the sources as far as Java has room for them.
func parameterNames(known []string, n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("arg%d", i)
		if len(known) == n && javatype.IsIdentifier(known[i]) && known[i] != "_" {
			names[i] = known[i]
		}
		for !isName(names[i]) || slices.Contains(names[:i], names[i]) {
			names[i] += "_"
		}
	}
	return names
}

// throwables are the accessors that Throwable has; a field of an exception leaves them alone. getClass is every object's.
var throwables = []string{"getMessage", "getLocalizedMessage", "getCause", "getStackTrace", "getSuppressed", "setStackTrace"}

func (p *project) fields(u *unit, c *class) (all []field) {
	taken := map[string]bool{"getClass": true}
	if c.kind == "exception" {
		for _, t := range throwables {
			taken[t] = true
		}
	}
	for _, s := range slices.Backward(p.model.supers(c)) {
		accessors(s, taken)
	}
	names := accessors(c, taken)
	for i, f := range c.info.Fields {
		form := f.Type
		if form == "float" {
			form = "java.lang.Float" // the Hessian of Dubbo 3.3 writes eight bytes over a float field of a class that it reads
		}
		x := field{Name: f.Name, Type: u.Type(form), Doc: javadoc("    ", p.comments.Fields[c.name+"."+f.Name])}
		x.Getter, x.Setter = names[i][0], names[i][1]
		if c.kind == "class" {
			p.compare(u, c, &x, form)
		}
		all = append(all, x)
	}
	return all
}

// accessors gives the getter's and the setter's name of each field, none of which is taken, and takes them.
func accessors(c *class, taken map[string]bool) (names [][2]string) {
	for _, f := range c.info.Fields {
		stem := capital(f.Name)
		prefix := "get"
		if f.Type == "boolean" {
			prefix = "is"
		}
		for taken[prefix+stem] || taken["set"+stem] {
			stem += "Value"
		}
		taken[prefix+stem], taken["set"+stem] = true, true
		names = append(names, [2]string{prefix + stem, "set" + stem})
	}
	return names
}

// compare fills in how a field takes part in equals, hashCode and toString.
func (p *project) compare(u *unit, c *class, f *field, form string) {
	t := parseType(form)
	f.Hash, f.Shown = f.Name, f.Name
	var equals string
	switch {
	case t.dims > 1 || t.dims == 1 && !isPrimitive(t.name):
		arrays := u.Name("java.util.Arrays")
		equals, f.Hash, f.Shown = arrays+".deepEquals", arrays+".deepHashCode("+f.Name+")", arrays+".deepToString("+f.Name+")"
	case t.dims == 1:
		arrays := u.Name("java.util.Arrays")
		equals, f.Hash, f.Shown = arrays+".equals", arrays+".hashCode("+f.Name+")", arrays+".toString("+f.Name+")"
		if t.name == "byte" {
			f.Shown = fmt.Sprintf(`(%s == null ? null : %s.length + " bytes")`, f.Name, f.Name)
		}
	case t.name == "double":
		equals = "0 == " + u.Name("java.lang.Double") + ".compare"
	case !isPrimitive(t.name):
		equals = u.Name("java.util.Objects") + ".equals"
	}
	own := f.Name
	if own == "that" || own == "other" { // as equals names its own variables
		own = "this." + own
	}
	f.Equal = fmt.Sprintf("%s(%s, that.%s)", equals, own, f.Name)
	if equals == "" {
		f.Equal = fmt.Sprintf("%s == that.%s", own, f.Name)
	}
	if p.model.leadsBack(c, form) {
		f.Hash, f.Shown = "", ""
	}
}

// Hashes is what hashCode gives.
func (v *view) Hashes() string {
	var parts []string
	if v.Derived {
		parts = append(parts, "super.hashCode()")
	}
	for _, f := range v.Fields {
		if f.Hash != "" {
			parts = append(parts, f.Hash)
		}
	}
	if len(parts) == 0 {
		return v.Simple + ".class.hashCode()"
	}
	return v.Name("java.util.Objects") + ".hash(" + strings.Join(parts, ", ") + ")"
}

// Shown is what toString gives.
func (v *view) Shown() string {
	parts := []string{quoted(v.Simple + "{")}
	between := ""
	if v.Derived {
		parts, between = append(parts, "super.toString()"), ", "
	}
	for _, f := range v.Fields {
		if f.Shown != "" {
			parts, between = append(parts, quoted(between+f.Name+"=")+" + "+f.Shown), ", "
		}
	}
	return strings.Join(append(parts, `"}"`), "\n                + ")
}

// constants gives those of an enum, each with what ends it.
func (p *project) constants(c *class) (all []constant) {
	for i, name := range c.info.Constants {
		end := ","
		if i == len(c.info.Constants)-1 {
			end = ";"
			if len(c.nested) == 0 {
				end = ""
			}
		}
		all = append(all, constant{Doc: javadoc("    ", p.comments.Fields[c.name+"."+name]), Name: name, End: end})
	}
	return all
}
