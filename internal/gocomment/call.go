package gocomment

import (
	"go/ast"
	"maps"
	"path"
	"strings"

	"github.com/dubbofn/dubbofn/internal/javatype"
)

// bound is a Go function that becomes a method of a service.
type bound struct {
	iface string // "" where it is not told beside it
	name  string // Java's
	decl  *ast.FuncType
	doc   string
}

// finder collects what the calls of package fn say.
type finder struct {
	tree    *tree
	pkg     *pkg
	file    *ast.File
	bounds  []bound
	classes map[string]*named   // Java class → Go type
	offers  map[string][]*named // interface → types that are offered whole
	homes   map[string]*pkg     // interface → where it is made
}

const fnPath = "github.com/dubbofn/dubbofn/fn"

func (t *tree) find() *finder {
	f := &finder{tree: t, classes: map[string]*named{}, offers: map[string][]*named{}, homes: map[string]*pkg{}}
	for _, p := range t.order {
		f.pkg = p
		for _, file := range p.files {
			f.file = file
			f.search(file, "")
		}
		for _, n := range p.types {
			if class := n.javaClassName(); class != "" {
				f.classes[class] = n
			}
		}
	}
	return f
}

// javaClassName gives what a type's method of that name returns, where it is a literal.
func (n *named) javaClassName() string {
	m := n.methods["JavaClassName"]
	if m == nil || m.Body == nil || len(m.Body.List) != 1 {
		return ""
	}
	r, ok := m.Body.List[0].(*ast.ReturnStmt)
	if !ok || len(r.Results) != 1 {
		return ""
	}
	text, _ := n.pkg.text(r.Results[0])
	return text
}

// text gives the value of a string literal or of a constant of the package.
func (p *pkg) text(e ast.Expr) (string, bool) {
	if id, ok := e.(*ast.Ident); ok {
		text, known := p.strings[id.Name]
		return text, known
	}
	return literal(e)
}

// search looks at every call below a node; iface is the service that it is made in.
func (f *finder) search(n ast.Node, iface string) {
	ast.Inspect(n, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		name, of := f.fnName(call.Fun)
		switch name {
		case "NewService":
			if text, ok := f.argument(call, 0); ok {
				f.homes[text] = f.pkg
				for _, a := range call.Args[1:] {
					f.search(a, text)
				}
				return false
			}
		case "Method":
			f.method(call, iface)
		case "Struct":
			f.structure(call, iface)
		case "Class", "Throws":
			if text, ok := f.argument(call, 0); ok && of != nil {
				if t := f.typed(of); t != nil {
					f.classes[text] = t
				}
			}
		}
		return true
	})
}

func (f *finder) argument(call *ast.CallExpr, i int) (string, bool) {
	if i >= len(call.Args) {
		return "", false
	}
	return f.pkg.text(call.Args[i])
}

// fnName gives the name of a function of package fn that is called, and its type argument.
func (f *finder) fnName(fun ast.Expr) (name string, of ast.Expr) {
	if i, ok := fun.(*ast.IndexExpr); ok {
		fun, of = i.X, i.Index
	}
	s, ok := fun.(*ast.SelectorExpr)
	if !ok {
		return "", nil
	}
	if x, ok := s.X.(*ast.Ident); !ok || f.importOf(x.Name) != fnPath {
		return "", nil
	}
	return s.Sel.Name, of
}

// importOf gives the path that a name stands for in the file.
func (f *finder) importOf(name string) string {
	for _, i := range f.file.Imports {
		p := imported(i)
		if i.Name != nil && i.Name.Name == name || i.Name == nil && path.Base(p) == name {
			return p
		}
	}
	return ""
}

// method notes fn.Method("name", function).
func (f *finder) method(call *ast.CallExpr, iface string) {
	name, ok := f.argument(call, 0)
	if !ok || len(call.Args) < 2 {
		return
	}
	if head, _, signature := strings.Cut(name, "("); signature {
		if fields := strings.Fields(head); len(fields) > 0 {
			name = fields[len(fields)-1]
		}
	}
	b := bound{iface: iface, name: name}
	switch e := call.Args[1].(type) {
	case *ast.FuncLit:
		b.decl = e.Type
	case *ast.Ident:
		b.take(f.pkg.funcs[e.Name])
	case *ast.SelectorExpr:
		b.take(f.selected(e))
	}
	if b.decl != nil {
		f.bounds = append(f.bounds, b)
	}
}

func (b *bound) take(d *ast.FuncDecl) {
	if d != nil {
		b.decl, b.doc = d.Type, d.Doc.Text()
	}
}

// selected finds the function of another package, or the method of a value; where the value's type is not plain, the method of that name if there
// is just one.
func (f *finder) selected(e *ast.SelectorExpr) *ast.FuncDecl {
	if x, ok := e.X.(*ast.Ident); ok {
		if p := f.tree.packages[f.importOf(x.Name)]; p != nil {
			return p.funcs[e.Sel.Name]
		}
	}
	t := f.named(e.X)
	if t == nil {
		t = f.typed(e.X) // a method expression
	}
	if t != nil {
		return f.methods(t, 0)[e.Sel.Name]
	}
	var found *ast.FuncDecl
	for _, p := range f.tree.order {
		for _, t := range p.types {
			if m := t.methods[e.Sel.Name]; m != nil {
				if found != nil {
					return nil
				}
				found = m
			}
		}
	}
	return found
}

// structure notes fn.Struct(value, options): every exported method, by its own name or the one that fn.Rename gives.
func (f *finder) structure(call *ast.CallExpr, iface string) {
	if len(call.Args) == 0 {
		return
	}
	t := f.named(call.Args[0])
	if t == nil {
		return
	}
	renamed := map[string]string{}
	for _, a := range call.Args[1:] {
		if c, ok := a.(*ast.CallExpr); ok {
			if name, _ := f.fnName(c.Fun); name == "Rename" {
				from, _ := f.argument(c, 0)
				renamed[from], _ = f.argument(c, 1)
			}
		}
	}
	f.offers[iface] = append(f.offers[iface], t)
	for name, m := range f.methods(t, 0) {
		if !ast.IsExported(name) {
			continue
		}
		java := renamed[name]
		if java == "" {
			java = javatype.LowerCamel(name)
		}
		b := bound{iface: iface, name: java}
		b.take(m)
		f.bounds = append(f.bounds, b)
	}
}

// maxEmbedded bounds structs in structs.
const maxEmbedded = 16

// methods gives those of a type, and of what is embedded in it.
func (f *finder) methods(t *named, depth int) map[string]*ast.FuncDecl {
	all := map[string]*ast.FuncDecl{}
	if s, ok := t.spec.Type.(*ast.StructType); ok && depth < maxEmbedded {
		for _, field := range s.Fields.List {
			if len(field.Names) > 0 {
				continue
			}
			if inner := t.pkg.types[nameOf(field.Type)]; inner != nil {
				maps.Copy(all, f.methods(inner, depth+1))
			}
		}
	}
	maps.Copy(all, t.methods)
	return all
}

// named finds the type of a value: one that is made there, or a variable that is declared in the file.
func (f *finder) named(e ast.Expr) *named {
	if t := f.made(e); t != nil {
		return t
	}
	switch x := e.(type) {
	case *ast.UnaryExpr:
		e = x.X
	case *ast.StarExpr:
		e = x.X
	}
	if id, ok := e.(*ast.Ident); ok {
		return f.variable(id.Name)
	}
	return nil
}

// made finds the type of a literal, of its address, or of what a call gives.
func (f *finder) made(e ast.Expr) *named {
	switch e := e.(type) {
	case *ast.UnaryExpr:
		return f.made(e.X)
	case *ast.ParenExpr:
		return f.made(e.X)
	case *ast.CompositeLit:
		return f.typed(e.Type)
	case *ast.CallExpr:
		return f.result(e)
	}
	return nil
}

// typed finds a type by its name.
func (f *finder) typed(e ast.Expr) *named {
	switch e := e.(type) {
	case *ast.StarExpr:
		return f.typed(e.X)
	case *ast.ParenExpr:
		return f.typed(e.X)
	case *ast.IndexExpr:
		return f.typed(e.X)
	case *ast.IndexListExpr:
		return f.typed(e.X)
	case *ast.Ident:
		return f.pkg.types[e.Name]
	case *ast.SelectorExpr:
		if x, ok := e.X.(*ast.Ident); ok {
			if p := f.tree.packages[f.importOf(x.Name)]; p != nil {
				return p.types[e.Sel.Name]
			}
		}
	}
	return nil
}

func (f *finder) result(e *ast.CallExpr) *named {
	if id, ok := e.Fun.(*ast.Ident); ok && id.Name == "new" && len(e.Args) == 1 {
		return f.typed(e.Args[0])
	}
	var d *ast.FuncDecl
	p := f.pkg
	switch fun := e.Fun.(type) {
	case *ast.Ident:
		d = p.funcs[fun.Name]
	case *ast.SelectorExpr:
		if x, ok := fun.X.(*ast.Ident); ok {
			if p = f.tree.packages[f.importOf(x.Name)]; p != nil {
				d = p.funcs[fun.Sel.Name]
			}
		}
	}
	if d == nil || d.Type.Results == nil || len(d.Type.Results.List) == 0 {
		return nil
	}
	return p.types[nameOf(d.Type.Results.List[0].Type)]
}

// variable looks for where a variable of the file is declared or made.
func (f *finder) variable(called string) (found *named) {
	ast.Inspect(f.file, func(n ast.Node) bool {
		if found != nil {
			return false
		}
		switch n := n.(type) {
		case *ast.ValueSpec:
			for i, name := range n.Names {
				if name.Name == called && n.Type != nil {
					found = f.typed(n.Type)
				} else if name.Name == called && i < len(n.Values) {
					found = f.made(n.Values[i])
				}
			}
		case *ast.AssignStmt:
			for i, l := range n.Lhs {
				if x, ok := l.(*ast.Ident); ok && x.Name == called && i < len(n.Rhs) {
					found = f.made(n.Rhs[i])
				}
			}
		}
		return true
	})
	return found
}
