package archtest

import (
	"fmt"
	"go/ast"
	"go/token"
)

// checkVariables reports package variables that change after the program has started: assigned to inside a function, or
// of a type whose only use is to change. Files are those of one package, tests left out. What the parser can't see
// (a change through a pointer that was stored elsewhere) is not found.
func checkVariables(files []*source) []fault {
	vars := map[string]bool{}
	specs := map[any]bool{}
	var faults []fault
	for _, s := range files {
		for _, v := range packageVars(s.File) {
			specs[v] = true
			for _, name := range v.Names {
				vars[name.Name] = true
				if t := changing(v); t != "" {
					faults = append(faults, fault{"no-mutable-variable", s.Path + ":" + name.Name, "a " + t + " that the whole program shares"})
				}
			}
		}
	}
	// The parser resolves names within a file and leaves those of other files open (Obj == nil).
	shared := func(id *ast.Ident) bool {
		return id != nil && id.Name != "_" && vars[id.Name] && (id.Obj == nil || specs[id.Obj.Decl])
	}
	for _, s := range files {
		ast.Inspect(s.File, func(n ast.Node) bool {
			for _, target := range targets(n) {
				if id := rootIdent(target); shared(id) {
					at := s.Path + ":" + id.Name
					faults = append(faults, fault{"no-mutable-variable", at, fmt.Sprintf("assigned at line %d", s.Fset.Position(n.Pos()).Line)})
				}
			}
			return true
		})
	}
	return faults
}

func packageVars(f *ast.File) []*ast.ValueSpec {
	var specs []*ast.ValueSpec
	for _, d := range f.Decls {
		if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.VAR {
			for _, s := range g.Specs {
				if v, ok := s.(*ast.ValueSpec); ok {
					specs = append(specs, v)
				}
			}
		}
	}
	return specs
}

// changing gives the name of the variable's type where that is one made for changing.
func changing(v *ast.ValueSpec) string {
	t := v.Type
	if t == nil && len(v.Values) == 1 {
		if lit, ok := v.Values[0].(*ast.CompositeLit); ok {
			t = lit.Type
		}
	}
	if i, ok := t.(*ast.IndexExpr); ok {
		t = i.X
	}
	sel, ok := t.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	if pkg, ok := sel.X.(*ast.Ident); ok && (pkg.Name == "sync" || pkg.Name == "atomic") {
		return pkg.Name + "." + sel.Sel.Name
	}
	return ""
}

// targets lists what a statement changes.
func targets(n ast.Node) []ast.Expr {
	switch n := n.(type) {
	case *ast.AssignStmt:
		if n.Tok != token.DEFINE {
			return n.Lhs
		}
	case *ast.IncDecStmt:
		return []ast.Expr{n.X}
	}
	return nil
}

// rootIdent gives x of x, x.y, x[i], *x.
func rootIdent(e ast.Expr) *ast.Ident {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			return x
		case *ast.SelectorExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		default:
			return nil
		}
	}
}
