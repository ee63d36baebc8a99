package fn

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/dubbofn/dubbofn/internal/hessian"
)

// model collects the Java types that services use, as the manifest shows them.
type model struct {
	types     *hessian.Types
	constants map[reflect.Type][]string // of enums, as fn.Class says
	classes   map[string]*TypeInfo
}

func newModel(types *hessian.Types) *model {
	return &model{types: types, constants: map[reflect.Type][]string{}, classes: map[string]*TypeInfo{}}
}

// form gives the Java type of a Go type with its type arguments ("java.util.List<org.example.Person>") and collects the classes
// on the way. The type has been registered.
func (m *model) form(rt reflect.Type) string {
	p, err := m.types.Plan(rt)
	if err != nil {
		return "java.lang.Object" // registered, so this can't be; the dynamic type is true of anything
	}
	java, element := p.Java(), rt
	for element.Kind() == reflect.Pointer {
		element = element.Elem()
	}
	jdk := strings.HasPrefix(java, "java.")
	switch element.Kind() {
	case reflect.Slice, reflect.Array:
		if jdk && !isCollection(java) || java == "byte[]" {
			return java
		}
		inner := m.form(element.Elem())
		if _, primitive := boxes[inner]; primitive {
			return inner + "[]" // Java's lists hold objects
		}
		if jdk {
			return java + "<" + boxed(inner) + ">"
		}
	case reflect.Map:
		if !jdk {
			return java
		}
		key := boxed(m.form(element.Key()))
		if isCollection(java) {
			return java + "<" + key + ">"
		}
		return java + "<" + key + "," + boxed(m.form(element.Elem())) + ">"
	case reflect.Struct:
		if !jdk {
			m.addClass(java, element)
		}
	case reflect.Interface:
	default:
		if !jdk && strings.Contains(java, ".") {
			m.addEnum(java, element)
		}
	}
	return java
}

// isCollection tells whether a class of the JDK has one type argument: java.util.UUID, an array in Go, has none.
func isCollection(java string) bool {
	return strings.HasSuffix(java, "List") || strings.HasSuffix(java, "Set") || strings.HasSuffix(java, "Collection")
}

// addClass describes a struct's class. An embedded struct is its superclass.
func (m *model) addClass(class string, rt reflect.Type) {
	if m.classes[class] != nil {
		return
	}
	t := &TypeInfo{Class: class, Kind: "class"}
	m.classes[class] = t
	for i := range rt.NumField() {
		f := rt.Field(i)
		name := fieldName(f)
		if f.Anonymous && f.Tag.Get("hessian") == "" && t.Super == "" && embedsStruct(f.Type) {
			t.Super = m.form(f.Type)
			continue
		}
		if f.IsExported() && name != "" {
			t.Fields = append(t.Fields, FieldInfo{Name: name, Type: m.form(f.Type)})
		}
	}
}

func embedsStruct(rt reflect.Type) bool {
	if rt.Kind() == reflect.Pointer {
		rt = rt.Elem()
	}
	return rt.Kind() == reflect.Struct
}

// addException describes a declared exception: the fields that it has beside those of Throwable.
func (m *model) addException(t thrown) {
	if m.classes[t.class] != nil {
		return
	}
	info := &TypeInfo{Class: t.class, Kind: "exception"}
	m.classes[t.class] = info
	if t.base.Kind() != reflect.Struct {
		return
	}
	for name, f := range exceptionFields(t.base) {
		info.Fields = append(info.Fields, FieldInfo{Name: name, Type: m.form(f.Type)})
	}
	slices.SortFunc(info.Fields, func(a, b FieldInfo) int { return strings.Compare(a.Name, b.Name) })
}

func (m *model) addEnum(class string, rt reflect.Type) {
	if m.classes[class] != nil {
		return
	}
	constants := m.constants[rt]
	if len(constants) == 0 {
		constants = enumerated(rt)
	}
	m.classes[class] = &TypeInfo{Class: class, Kind: "enum", Constants: constants}
}

// maxEnumerated bounds the search for an enum's constants.
const maxEnumerated = 1000

// enumerated finds the constants of an enum whose kind is an integer: the names of 0, 1, 2 … (or 1, 2 …) until there is none.
func enumerated(rt reflect.Type) (names []string) {
	defer func() {
		_ = recover() // a String method that indexes a table: the end is reached
	}()
	for i := range maxEnumerated {
		v := reflect.New(rt)
		switch {
		case v.Elem().CanInt():
			v.Elem().SetInt(int64(i))
		case v.Elem().CanUint():
			v.Elem().SetUint(uint64(i)) //nolint:gosec // i is small and positive
		default:
			return nil
		}
		name := constantName(v)
		if !isIdentifier(name) || slices.Contains(names, name) {
			if i == 0 {
				continue
			}
			return names
		}
		names = append(names, name)
	}
	return names
}

func constantName(v reflect.Value) string {
	switch c := v.Interface().(type) {
	case encoding.TextMarshaler:
		text, err := c.MarshalText()
		if err != nil {
			return ""
		}
		return string(text)
	case fmt.Stringer:
		return c.String()
	}
	return ""
}

var boxes = map[string]string{
	"boolean": "java.lang.Boolean", "byte": "java.lang.Byte", "char": "java.lang.Character", "short": "java.lang.Short",
	"int": "java.lang.Integer", "long": "java.lang.Long", "float": "java.lang.Float", "double": "java.lang.Double",
}

// boxed gives the form that a type argument has.
func boxed(java string) string {
	if b, ok := boxes[java]; ok {
		return b
	}
	return java
}
