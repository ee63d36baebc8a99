package gocomment

import (
	"go/ast"
	"reflect"
	"slices"
	"strings"

	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/internal/javagen"
	"github.com/dubbofn/dubbofn/internal/javatype"
)

// Read gives what the sources of the function in the folder dir, and those of its module that it imports, say of what its manifest offers.
func Read(dir string, m fn.Manifest) (javagen.Comments, error) {
	c := javagen.Comments{
		Services: map[string]string{}, Methods: map[string]javagen.MethodComment{}, Classes: map[string]string{}, Fields: map[string]string{},
	}
	t, err := newTree(dir)
	if err != nil {
		return c, err
	}
	f := t.find()
	for _, s := range m.Services {
		c.Services[s.Interface] = f.aboutService(s.Interface)
		for _, method := range s.Methods {
			if b := f.bound(s.Interface, method); b != nil {
				c.Methods[javagen.MethodKey(s.Interface, method.Name, method.Descriptor)] = javagen.MethodComment{Text: b.doc, Parameters: names(b.decl)}
			}
		}
	}
	for _, x := range m.Types {
		if n := f.typeOf(x.Class); n != nil {
			c.Classes[x.Class] = n.doc
			n.fields(x, c.Fields)
		}
	}
	return c, nil
}

// aboutService takes the comment of the type that is offered whole, else that of the package, where it has just one service.
func (f *finder) aboutService(iface string) string {
	if all := f.offers[iface]; len(all) == 1 && all[0].doc != "" {
		return all[0].doc
	}
	home, others := f.homes[iface], 0
	for _, p := range f.homes {
		if p == home {
			others++
		}
	}
	if home == nil || others != 1 {
		return ""
	}
	return home.doc
}

// bound finds the function of a method: of one name those beside the service before others, of one number of parameters those whose types look alike.
// Where that leaves two, neither is taken.
func (f *finder) bound(iface string, m fn.MethodInfo) *bound {
	var fits []*bound
	for i, b := range f.bounds {
		if b.name == m.Name && (b.iface == iface || b.iface == "") && len(names(b.decl)) == len(m.Parameters) {
			fits = append(fits, &f.bounds[i])
		}
	}
	if slices.ContainsFunc(fits, func(b *bound) bool { return b.iface == iface }) {
		fits = slices.DeleteFunc(fits, func(b *bound) bool { return b.iface != iface })
	}
	if len(fits) > 1 {
		fits = slices.DeleteFunc(fits, func(b *bound) bool { return !alike(b.decl, m.Parameters) })
	}
	for _, b := range fits {
		if b.decl != fits[0].decl {
			return nil
		}
	}
	if len(fits) == 0 {
		return nil
	}
	return fits[0]
}

// parameters gives a function's, each with its own type, without the context.
func parameters(t *ast.FuncType) (all []*ast.Field) {
	for i, p := range t.Params.List {
		if s, ok := p.Type.(*ast.SelectorExpr); i == 0 && ok && s.Sel.Name == "Context" {
			continue
		}
		if len(p.Names) == 0 {
			all = append(all, p)
		}
		for _, name := range p.Names {
			all = append(all, &ast.Field{Names: []*ast.Ident{name}, Type: p.Type})
		}
	}
	return all
}

func names(t *ast.FuncType) []string {
	all := []string{}
	for _, p := range parameters(t) {
		name := ""
		if len(p.Names) == 1 && p.Names[0].Name != "_" {
			name = p.Names[0].Name
		}
		all = append(all, name)
	}
	return all
}

// alike tells whether Go's parameters look like Java's types.
func alike(t *ast.FuncType, forms []string) bool {
	for i, p := range parameters(t) {
		if !looks(p.Type, forms[i]) {
			return false
		}
	}
	return true
}

var simple = map[string][]string{
	"string": {"String"}, "bool": {"boolean", "Boolean"}, "int8": {"byte", "Byte"}, "int16": {"short", "Short"}, "int32": {"int", "Integer"},
	"int64": {"long", "Long"}, "int": {"long", "Long"}, "float32": {"float", "Float"}, "float64": {"double", "Double"}, "any": {"Object"},
}

func looks(e ast.Expr, form string) bool {
	form, _, generic := strings.Cut(form, "<")
	last := form[strings.LastIndexAny(form, ".$")+1:]
	switch e := e.(type) {
	case *ast.ArrayType, *ast.Ellipsis:
		return generic || strings.HasSuffix(last, "[]")
	case *ast.MapType:
		return generic
	case *ast.StarExpr:
		return looks(e.X, form)
	default:
		name := nameOf(e)
		return name == last || slices.Contains(simple[name], last)
	}
}

// typeOf finds the Go type of a class: what says so, else one of that name.
func (f *finder) typeOf(class string) *named {
	if n := f.classes[class]; n != nil {
		return n
	}
	simple := class[strings.LastIndexAny(class, ".$")+1:]
	for _, p := range f.tree.order {
		if n := p.types[simple]; n != nil {
			return n
		}
	}
	return nil
}

// fields adds the comments of a struct's fields, and of an enum's constants.
func (n *named) fields(x fn.TypeInfo, into map[string]string) {
	for _, v := range n.values {
		if slices.Contains(x.Constants, v.text) && v.doc != "" {
			into[x.Class+"."+v.text] = v.doc
		}
	}
	s, ok := n.spec.Type.(*ast.StructType)
	if !ok {
		return
	}
	for _, field := range s.Fields.List {
		doc := commentOf(field.Doc, field.Comment)
		for _, name := range field.Names {
			if doc != "" {
				into[x.Class+"."+javaName(name.Name, field.Tag)] = doc
			}
		}
	}
}

// javaName gives the name that a field has in Java.
func javaName(name string, tag *ast.BasicLit) string {
	if tag != nil {
		if text, ok := literal(tag); ok {
			if own, _, _ := strings.Cut(reflect.StructTag(text).Get("hessian"), ","); own != "" {
				return own
			}
		}
	}
	return javatype.LowerCamel(name)
}
