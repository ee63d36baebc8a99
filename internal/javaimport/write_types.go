package javaimport

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

func (m *importer) writeTypes(w *source) {
	for _, g := range m.sorted() {
		switch g.form {
		case formEnum:
			m.writeEnum(w, g)
		case formInterface:
			w.documented("", fmt.Sprintf("%s is %s, an interface: it holds %s.", g.name, g.Name, members(g)), g.Doc, g.Deprecated)
			w.line("type %s any\n", g.name)
		case formException:
			writeException(w, g)
		case formStruct:
			w.documented("", fmt.Sprintf("%s is %s.", g.name, g.Name), g.Doc, g.Deprecated)
			w.line("type %s%s struct {", g.name, parameters(g, true))
			if g.embeds != "" {
				w.line("\t%s", g.embeds)
			}
			writeFields(w, g)
			w.line("}\n")
			writeClassName(w, g.name+parameters(g, false), g.Name)
		}
	}
	m.writeClasses(w)
}

func members(g *goClass) string {
	if len(g.members) == 0 {
		return "*java.Object"
	}
	var names []string
	for _, x := range g.members {
		names = append(names, "*"+x.name)
	}
	return strings.Join(names, ", ")
}

// parameters writes a struct's type parameters, with what they must be or without.
func parameters(g *goClass, constraints bool) string {
	if len(g.Variables) == 0 {
		return ""
	}
	var all []string
	for _, v := range g.Variables {
		switch {
		case !constraints:
			all = append(all, v.Name)
		case g.keys[v.Name]:
			all = append(all, v.Name+" comparable")
		default:
			all = append(all, v.Name+" any")
		}
	}
	return "[" + strings.Join(all, ", ") + "]"
}

func writeFields(w *source, g *goClass) {
	for _, f := range g.fields {
		w.documented("\t", "", f.Doc, f.Deprecated)
		w.line("\t%s %s%s", f.name, f.text, f.tag)
	}
}

func writeClassName(w *source, receiver, class string) {
	w.comment("", "JavaClassName gives the Java class.")
	w.line("func (%s) JavaClassName() string { return %q }\n", receiver, class)
}

func (m *importer) writeEnum(w *source, g *goClass) {
	w.documented("", fmt.Sprintf("%s is the enum %s; the empty one is null.", g.name, g.Name), g.Doc, g.Deprecated)
	w.line("type %s string\n", g.name)
	if names := m.constants(g); len(names) > 0 {
		w.comment("", fmt.Sprintf("The constants of %s.", g.name))
		w.line("const (")
		for i, k := range g.Constants {
			w.documented("\t", "", k.Doc, false)
			w.line("\t%s %s = %q", names[i], g.name, k.Name)
		}
		w.line(")\n")
	}
	writeClassName(w, g.name, g.Name)
}

// constants gives the Go names of an enum's constants: they begin with the type's, so they are the package's only ones.
func (m *importer) constants(g *goClass) (names []string) {
	taken := maps.Clone(m.taken)
	for _, k := range g.Constants {
		names = append(names, unique(g.name+constantName(k.Name), taken))
	}
	return names
}

func writeException(w *source, g *goClass) {
	w.documented("", fmt.Sprintf("%s is the exception %s.", g.name, g.Name), g.Doc, g.Deprecated)
	w.line("type %s struct {", g.name)
	writeFields(w, g)
	w.line("\t// DetailMessage is what Java's getMessage gives.")
	w.line("\tDetailMessage string")
	w.line("\t// Cause is what Java's getCause gives.")
	w.line("\tCause error")
	w.line("}\n")
	writeClassName(w, g.name, g.Name)
	w.comment("", "Error gives the exception's message.")
	w.line("func (e *%s) Error() string { return e.DetailMessage }\n", g.name)
	w.comment("", "Unwrap gives the cause.")
	w.line("func (e *%s) Unwrap() error { return e.Cause }\n", g.name)
}

// writeClasses writes what services and references must be told of classes: those that no method's types lead to.
func (m *importer) writeClasses(w *source) {
	var offered, referred []string
	for _, g := range m.sorted() {
		switch {
		case g.form == formEnum:
			offered = append(offered, fmt.Sprintf("fn.Class[%s](%s),", g.name, strings.Join(append([]string{fmt.Sprintf("%q", g.Name)}, m.constants(g)...), ", ")))
		case g.form == formInterface:
			values := []string{fmt.Sprintf("%q", g.Name)}
			for _, x := range g.members {
				values = append(values, x.name+"{}")
			}
			offered = append(offered, fmt.Sprintf("fn.Class[%s](%s),", g.name, strings.Join(values, ", ")))
			referred = append(referred, fmt.Sprintf("client.Class[%s](%q),", g.name, g.Name))
		case g.form == formStruct && m.extra[g.Name] && len(g.Variables) == 0:
			offered = append(offered, fmt.Sprintf("fn.Class[%s](%q),", g.name, g.Name))
			referred = append(referred, fmt.Sprintf("client.Class[%s](%q),", g.name, g.Name))
		}
	}
	slices.Sort(offered)
	slices.Sort(referred)
	w.comment("", "offered tells a service of the classes that its methods' types say nothing of, or not all: constants, and what interfaces hold.")
	w.line("func offered(parts []fn.Option) []fn.Option {\n\treturn append([]fn.Option{\n%s\n}, parts...)\n}\n", strings.Join(offered, "\n"))
	w.comment("", "referred tells a reference the same.")
	w.line("func referred(options []client.Option) []client.Option {\n\treturn append([]client.Option{\n%s\n}, options...)\n}", strings.Join(referred, "\n"))
}
