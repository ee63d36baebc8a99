package javagen

import (
	"bytes"
	"embed"
	"encoding/xml"
	"fmt"
	"slices"
	"strings"
	"text/template"

	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/internal/javatype"
)

//go:embed templates/*.tmpl
var templates embed.FS

// project is a Maven project in the making.
type project struct {
	app      string
	config   Config
	comments Comments
	model    *model
	tree     *template.Template
	pkg      string // of the example
}

func newProject(m fn.Manifest, c Config) (*project, error) {
	model, err := newModel(m)
	if err != nil {
		return nil, err
	}
	p := &project{app: m.App, config: c, comments: c.Comments, model: model}
	p.pkg = javatype.PackageOf(m.Services[0].Interface) + ".consumer"
	for model.classes[p.pkg] != nil {
		p.pkg += "s"
	}
	p.tree, err = template.New("").Funcs(template.FuncMap{"xml": escaped, "quote": quoted}).ParseFS(templates, "templates/*.tmpl")
	return p, err
}

func escaped(s string) (string, error) {
	var b bytes.Buffer
	err := xml.EscapeText(&b, []byte(s))
	return b.String(), err
}

// mark is the first line of every file, without what makes it a comment there: in XML two dashes would end it.
func (p *project) mark() string {
	app := strings.Map(func(r rune) rune {
		if r < ' ' || strings.ContainsRune(`<>\`, r) {
			return -1
		}
		return r
	}, p.app)
	for strings.Contains(app, "--") {
		app = strings.ReplaceAll(app, "--", "-")
	}
	return Marker + " from the function " + app + ", which makes it anew: changes get lost, unless this line is taken away."
}

func (p *project) execute(name string, data any) (string, error) {
	var b strings.Builder
	if err := p.tree.ExecuteTemplate(&b, name, data); err != nil {
		return "", fmt.Errorf("java: %w", err)
	}
	return b.String(), nil
}

// files writes all, by path.
func (p *project) files() ([]File, error) {
	var all []File
	for _, c := range p.model.tops {
		f, err := p.sourceFile(c)
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	folder := "example/src/main/java/" + strings.ReplaceAll(p.pkg, ".", "/") + "/"
	view := p.view()
	for path, name := range map[string]string{
		"README.md": "README.md.tmpl", "pom.xml": "pom.xml.tmpl", "api/pom.xml": "api-pom.xml.tmpl", "example/pom.xml": "example-pom.xml.tmpl",
		"example/src/main/resources/application.properties":   "application.properties.tmpl",
		"example/src/main/resources/logback.xml":              "logback.xml.tmpl",
		"api/src/main/resources/security/serialize.allowlist": "serialize.allowlist.tmpl",
		folder + "SpringExample.java":                         "SpringExample.java.tmpl",
		folder + "PlainExample.java":                          "PlainExample.java.tmpl",
	} {
		f, err := p.other(path, name, view)
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return all, nil
}

// projectView is what the files that are no classes of the manifest's see.
type projectView struct {
	*unit
	Mark, App, Artifact       string
	GroupID, Version, Package string
	Dubbo                     string
	Line27                    bool
	Nacos, Spring, Logback    string
	References                []reference
	Classes                   []string
	Overview                  []overview
	Opens                     []string // what Java 9 and later must be told
}

// overview is one service of the README's table.
type overview struct{ Interface, Way, Methods string }

func (p *project) view() *projectView {
	v := &projectView{
		Mark: p.mark(), App: p.app, Artifact: artifact(p.app), GroupID: p.config.GroupID, Version: p.config.Version, Package: p.pkg, Dubbo: p.config.Dubbo,
		Line27: strings.HasPrefix(p.config.Dubbo, "2.7."), Nacos: "2.5.1", Spring: "5.3.39", Logback: "1.3.14",
	}
	if v.Line27 {
		v.Nacos, v.Spring, v.Logback = "2.3.2", "5.2.25.RELEASE", "1.2.13" // 2.7 logs by SLF4J 1
	}
	for _, pkg := range []string{"lang", "io", "math", "time", "util"} {
		v.Opens = append(v.Opens, "--add-opens java.base/java."+pkg+"=ALL-UNNAMED")
	}
	for _, name := range p.model.sorted() {
		switch c := p.model.classes[name]; c.kind {
		case "service":
			for _, w := range c.ways {
				v.Overview = append(v.Overview, overview{name, wayOf(w), strings.Join(methodNames(w), ", ")})
			}
		case "class", "enum", "exception":
			v.Classes = append(v.Classes, name)
		}
	}
	return v
}

func methodNames(w fn.ServiceInfo) (names []string) {
	for _, m := range w.Methods {
		if !slices.Contains(names, m.Name) {
			names = append(names, m.Name)
		}
	}
	if n := len(names) - maxListed; n > 1 {
		return append(names[:maxListed], fmt.Sprintf("and %d more", n))
	}
	return names
}

// maxListed is how many methods of a service the README names.
const maxListed = 20

func (p *project) other(path, name string, v *projectView) (File, error) {
	v.unit = newUnit(p.model, p.pkg)
	for _, own := range []string{"SpringExample", "PlainExample", "Caller"} {
		v.imports[own] = p.pkg + "." + own
	}
	v.References = p.references(v.unit)
	text, err := p.execute(name, v)
	if !strings.HasSuffix(path, ".java") {
		return File{Path: path, Text: text}, err
	}
	text = strings.Replace(text, "IMPORTS\n", v.Imports()+"\n", 1)
	return File{Path: path, Text: text}, err
}
