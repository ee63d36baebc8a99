package archtest

import (
	"fmt"
	"go/ast"
	"go/token"
	"slices"
	"strings"
)

// exported lists what a package shows: its exported types, functions and variables, and its constants, where all
// constants of one type count as one. Methods and fields belong to their type. Files are those of one package, tests
// left out.
func exported(files []*source) []string {
	var names []string
	for _, s := range files {
		for _, d := range s.File.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil && d.Name.IsExported() {
					names = append(names, d.Name.Name)
				}
			case *ast.GenDecl:
				names = append(names, declared(d)...)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func declared(d *ast.GenDecl) []string {
	var names []string
	kind := "" // a constant without a type and a value repeats the one above it
	for _, spec := range d.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			if spec.Name.IsExported() {
				names = append(names, spec.Name.Name)
			}
		case *ast.ValueSpec:
			if d.Tok == token.CONST && (spec.Type != nil || len(spec.Values) > 0) {
				kind = constantType(spec)
			}
			for _, n := range spec.Names {
				if !n.IsExported() {
					continue
				}
				if d.Tok == token.CONST && kind != "" {
					names = append(names, "constants of type "+kind)
					continue
				}
				names = append(names, n.Name)
			}
		}
	}
	return names
}

// constantType gives T for "X T = 1" and "X = T(1)", and "" for a constant without a type of its own.
func constantType(spec *ast.ValueSpec) string {
	if id, ok := spec.Type.(*ast.Ident); ok {
		return id.Name
	}
	if len(spec.Values) == 1 {
		if c, ok := spec.Values[0].(*ast.CallExpr); ok {
			if id, ok := c.Fun.(*ast.Ident); ok && ast.IsExported(id.Name) {
				return id.Name
			}
		}
	}
	return ""
}

func sizeText(names []string) string {
	return fmt.Sprintf("%d exported names (limit %d): %s", len(names), maxExported, strings.Join(names, ", "))
}
