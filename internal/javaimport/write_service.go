package javaimport

import (
	"fmt"
	"strings"

	"github.com/dubbofn/dubbofn/internal/javatype"
)

func (g *goMethod) arguments() string {
	var b strings.Builder
	b.WriteString("ctx context.Context")
	for _, p := range g.params {
		fmt.Fprintf(&b, ", %s %s", p.name, p.text)
	}
	return b.String()
}

func (g *goMethod) results() string {
	if g.result.text == "" {
		return "error"
	}
	return "(" + g.result.text + ", error)"
}

// about is what to know of a method beside Java's comment.
func (g *goMethod) about() string {
	if len(g.foreign) == 0 {
		return ""
	}
	return fmt.Sprintf("In Java it may throw %s: return &invoker.Exception{Class: %q, Message: …}.", strings.Join(g.foreign, ", "), g.foreign[0])
}

func (m *importer) writeService(w *source, s *service) {
	w.documented("", fmt.Sprintf("%s is the Java interface %s.", s.name, s.Name), s.Doc, s.Deprecated)
	w.line("type %s interface {", s.name)
	for i := range s.methods {
		g := &s.methods[i]
		doc := strings.TrimSpace(g.Doc + "\n\n" + g.about())
		if i > 0 && doc != "" {
			w.line("")
		}
		w.documented("\t", "", doc, g.Deprecated)
		w.line("\t%s(%s) %s", g.name, g.arguments(), g.results())
	}
	w.line("}\n")
	w.comment("", fmt.Sprintf("New%[1]s offers s as %[2]s. Beside, fn.Group, fn.Version, fn.Timeout and all other options may be given.", s.name, s.Name))
	w.line("func New%[1]s(s %[1]s, parts ...fn.Option) *fn.Service {", s.name)
	w.line("\treturn fn.NewService(%q, offered(append([]fn.Option{", s.Name)
	for i := range s.methods {
		g := &s.methods[i]
		parts := []string{fmt.Sprintf("%q", g.signature), "s." + g.name}
		for _, e := range g.throws {
			parts = append(parts, fmt.Sprintf("fn.Throws[*%s]()", e.name))
		}
		w.line("\t\tfn.Method(%s),", strings.Join(parts, ", "))
	}
	w.line("\t}, parts...))...)\n}\n")
	s.writeClient(w)
}

func (s *service) writeClient(w *source) {
	w.comment("", fmt.Sprintf("%s calls %s, wherever it is offered.", s.client, s.Name))
	w.line("type %s struct {", s.client)
	w.line("\tService *client.Service `dubbo:\"-\"` // for what is not one method's; Close it in the end\n")
	for i := range s.methods {
		g := &s.methods[i]
		var tags []string
		if javatype.LowerCamel(g.name) != g.Name {
			tags = append(tags, fmt.Sprintf("dubbo:%q", g.Name))
		}
		if g.descriptor != "" {
			tags = append(tags, fmt.Sprintf("java:%q", g.descriptor))
		}
		tag := ""
		if len(tags) > 0 {
			tag = " `" + strings.Join(tags, " ") + "`"
		}
		w.line("\t%s func(%s) %s%s", g.name, g.arguments(), g.results(), tag)
	}
	w.line("}\n")
	w.comment("", fmt.Sprintf("Refer%s finds the providers of %s: in the registries that are among the options, client.Registries(nacos.Registry), or at client.URL(\"dubbo://host:20880\").", s.name, s.Name))
	w.line("func Refer%s(ctx context.Context, options ...client.Option) (*%s, error) {", s.name, s.client)
	seen := map[string]bool{}
	var throws []string
	for _, g := range s.methods {
		for _, e := range g.throws {
			if !seen[e.name] {
				seen[e.name] = true
				throws = append(throws, fmt.Sprintf("client.Throws[*%s]()", e.name))
			}
		}
	}
	with := "options"
	if len(throws) > 0 {
		with = "append([]client.Option{" + strings.Join(throws, ", ") + "}, options...)"
	}
	w.line("\tservice, err := client.Reference(ctx, %q, referred(%s)...)", s.Name, with)
	w.line("\tif err != nil {\n\t\treturn nil, err\n\t}")
	w.line("\tc := &%s{Service: service}", s.client)
	w.line("\tif err := service.Bind(c); err != nil {\n\t\treturn nil, errors.Join(err, service.Close())\n\t}\n\treturn c, nil\n}")
}

// writeHandler writes the skeleton.
func (s *service) writeHandler(w *source) {
	w.skeleton = true
	w.comment("", fmt.Sprintf("%s implements %s. This file is yours: fill in the methods, each of which says that it is not there yet.", s.handler, s.name))
	w.line("type %s struct{}\n", s.handler)
	for i := range s.methods {
		g := &s.methods[i]
		w.comment("", fmt.Sprintf("%s is %s of %s.", g.name, g.Name, s.Name))
		w.line("func (h *%s) %s(%s) %s {", s.handler, g.name, g.arguments(), g.results())
		zero := ""
		if g.result.text != "" {
			zero = g.result.zero + ", "
		}
		w.line("\treturn %serrors.New(\"%s is not implemented\")\n}\n", zero, g.Name)
	}
}
