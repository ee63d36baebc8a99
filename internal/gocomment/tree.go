package gocomment

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// Limits of what is read.
const (
	maxPackages  = 200
	maxFileBytes = 4 << 20
)

// tree is the package of a function and those of its module that it imports.
type tree struct {
	fset     *token.FileSet
	root     string // the module's folder
	module   string // its path
	packages map[string]*pkg
	order    []*pkg // the function's own first
}

// pkg is one package.
type pkg struct {
	path    string
	doc     string
	files   []*ast.File
	types   map[string]*named
	funcs   map[string]*ast.FuncDecl
	strings map[string]string // constants
}

// named is a type with its methods.
type named struct {
	pkg     *pkg
	spec    *ast.TypeSpec
	doc     string
	methods map[string]*ast.FuncDecl
	values  []value // constants of the type that are strings
}

// value is a constant.
type value struct{ text, doc string }

var moduleLine = regexp.MustCompile(`(?m)^module\s+"?([^\s"]+)"?`)

func newTree(dir string) (*tree, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	t := &tree{fset: token.NewFileSet(), packages: map[string]*pkg{}, root: dir}
	for {
		text, err := os.ReadFile(filepath.Join(t.root, "go.mod"))
		if err == nil {
			if m := moduleLine.FindSubmatch(text); m != nil {
				t.module = string(m[1])
			}
			break
		}
		above := filepath.Dir(t.root)
		if !errors.Is(err, fs.ErrNotExist) || above == t.root {
			return nil, fmt.Errorf("read comments: %s is in no Go module: %w", dir, err)
		}
		t.root = above
	}
	below, err := filepath.Rel(t.root, dir)
	if err != nil {
		return nil, err
	}
	return t, t.add(path.Join(t.module, filepath.ToSlash(below)))
}

// add reads a package of the module and what it imports of the module.
func (t *tree) add(importPath string) error {
	if t.packages[importPath] != nil || len(t.packages) == maxPackages {
		return nil
	}
	p := &pkg{path: importPath, types: map[string]*named{}, funcs: map[string]*ast.FuncDecl{}, strings: map[string]string{}}
	t.packages[importPath] = p
	t.order = append(t.order, p)
	dir := filepath.Join(t.root, filepath.FromSlash(strings.TrimPrefix(strings.TrimPrefix(importPath, t.module), "/")))
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.Type().IsRegular() || !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		if info, err := e.Info(); err != nil || info.Size() > maxFileBytes {
			continue
		}
		f, err := parser.ParseFile(t.fset, filepath.Join(dir, e.Name()), nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		p.files = append(p.files, f)
	}
	for _, f := range p.files {
		p.declare(f)
	}
	for _, f := range p.files {
		p.attach(f)
		for _, i := range f.Imports {
			if other := imported(i); other == t.module || strings.HasPrefix(other, t.module+"/") {
				if err := t.add(other); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func imported(i *ast.ImportSpec) string {
	text, err := strconv.Unquote(i.Path.Value)
	if err != nil {
		return ""
	}
	return text
}

// declare notes a file's types, functions and constants.
func (p *pkg) declare(f *ast.File) {
	if f.Doc != nil && p.doc == "" {
		p.doc = f.Doc.Text()
	}
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil {
				p.funcs[d.Name.Name] = d
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				switch s := s.(type) {
				case *ast.TypeSpec:
					doc := s.Doc
					if doc == nil && len(d.Specs) == 1 {
						doc = d.Doc
					}
					p.types[s.Name.Name] = &named{pkg: p, spec: s, doc: doc.Text(), methods: map[string]*ast.FuncDecl{}}
				case *ast.ValueSpec:
					for i, name := range s.Names {
						if i < len(s.Values) && d.Tok == token.CONST {
							if text, ok := literal(s.Values[i]); ok {
								p.strings[name.Name] = text
							}
						}
					}
				}
			}
		}
	}
}

// attach gives methods and constants to their types.
func (p *pkg) attach(f *ast.File) {
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv != nil && len(d.Recv.List) == 1 {
				if t := p.types[nameOf(d.Recv.List[0].Type)]; t != nil {
					t.methods[d.Name.Name] = d
				}
			}
		case *ast.GenDecl:
			if d.Tok != token.CONST {
				continue
			}
			for _, s := range d.Specs {
				v, ok := s.(*ast.ValueSpec)
				if !ok || v.Type == nil || len(v.Names) != 1 || len(v.Values) != 1 {
					continue
				}
				if t, text := p.types[nameOf(v.Type)], p.strings[v.Names[0].Name]; t != nil && text != "" {
					t.values = append(t.values, value{text, commentOf(v.Doc, v.Comment)})
				}
			}
		}
	}
}

// commentOf gives the comment above, else the one behind.
func commentOf(groups ...*ast.CommentGroup) string {
	for _, g := range groups {
		if text := g.Text(); text != "" {
			return text
		}
	}
	return ""
}

// literal gives the text of a string literal.
func literal(e ast.Expr) (string, bool) {
	l, ok := e.(*ast.BasicLit)
	if !ok || l.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(l.Value)
	return text, err == nil
}

// nameOf gives the name of a type without pointer, package and type arguments.
func nameOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.StarExpr:
		return nameOf(e.X)
	case *ast.ParenExpr:
		return nameOf(e.X)
	case *ast.SelectorExpr:
		return e.Sel.Name
	case *ast.IndexExpr:
		return nameOf(e.X)
	case *ast.IndexListExpr:
		return nameOf(e.X)
	}
	return ""
}
