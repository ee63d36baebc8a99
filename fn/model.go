package fn

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/dubbofn/dubbofn/internal/hessian"
	"github.com/dubbofn/dubbofn/internal/javatype"
)

// model collects the Java types that services use, as the manifest shows them.
type model struct {
	types     *hessian.Types
	constants map[reflect.Type][]string // of enums, as fn.Class says
	classes   map[string]*TypeInfo
	faults    []error
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
	java, of := p.Java(), element(rt)
	jdk := strings.HasPrefix(java, "java.")
	switch of.Kind() {
	case reflect.Slice, reflect.Array:
		if jdk && !isCollection(java) || java == "byte[]" {
			return java
		}
		inner := m.form(of.Elem())
		if _, primitive := boxes[inner]; primitive || isArray(inner) {
			return inner + "[]" // Java's lists hold objects
		}
		if jdk {
			return java + "<" + held(inner) + ">"
		}
	case reflect.Map:
		if !jdk {
			return java
		}
		key := boxed(m.form(of.Key()))
		if isCollection(java) {
			return java + "<" + key + ">"
		}
		return java + "<" + key + "," + held(m.form(of.Elem())) + ">"
	case reflect.Struct:
		if !jdk {
			m.addClass(java, of)
		}
	case reflect.Interface:
		if !jdk {
			m.addInterface(java)
		}
	default:
		if !jdk && strings.Contains(java, ".") {
			m.addEnum(java, of)
		}
	}
	return java
}

// isCollection tells whether a class of the JDK has one type argument: java.util.UUID, an array in Go, has none.
func isCollection(java string) bool {
	return strings.HasSuffix(java, "List") || strings.HasSuffix(java, "Set") || strings.HasSuffix(java, "Collection")
}

// addClass describes a struct's class. An embedded struct is its superclass, of the same package where nothing else is said;
// of several the first one, since Java has one, and the fields of the others are the class's own.
func (m *model) addClass(class string, rt reflect.Type) {
	if m.classes[class] != nil {
		return
	}
	t := &TypeInfo{Class: class, Kind: "class"}
	m.classes[class] = t
	m.addFields(t, rt)
}

func (m *model) addFields(t *TypeInfo, rt reflect.Type) {
	for f := range rt.Fields() {
		name := fieldName(f)
		if super := m.superclass(t, f); super != "" && t.Super == "" {
			t.Super = super
			continue
		} else if super != "" {
			m.addFields(t, element(f.Type))
			continue
		}
		if f.IsExported() && name != "" {
			t.Fields = append(t.Fields, FieldInfo{Name: name, Type: m.fieldForm(t, f)})
		}
	}
}

// fieldForm gives the Java type of a field: what its tag java says, else what its Go type tells.
func (m *model) fieldForm(t *TypeInfo, f reflect.StructField) string {
	form := m.form(f.Type)
	java := withoutBlanks(f.Tag.Get("java"))
	if java == "" {
		return form
	}
	fault := fmt.Errorf("its tag java is %q: want a Java type like java.lang.String[] or java.util.Collection<org.example.User>", java)
	if p, err := m.types.Plan(f.Type); err == nil && javatype.IsType(java) {
		fault = declarable(p, f.Type, java)
	}
	if fault != nil {
		m.faults = append(m.faults, fmt.Errorf("class %s: field %s: %w", t.Class, f.Name, fault))
	}
	return java
}

// addInterface describes an interface that classes of the application's implement.
func (m *model) addInterface(class string) {
	if m.classes[class] == nil {
		m.classes[class] = &TypeInfo{Class: class, Kind: "interface"}
	}
}

// implement notes that a struct's class implements an interface.
func (m *model) implement(rt reflect.Type, class string) {
	if t := m.classes[m.form(rt)]; t != nil && !slices.Contains(t.Interfaces, class) {
		t.Interfaces = append(t.Interfaces, class)
	}
}

// superclass gives the class of an embedded struct, "" for other fields: also for an embedded time.Time, which is a value.
func (m *model) superclass(t *TypeInfo, f reflect.StructField) string {
	rt := element(f.Type)
	if _, tagged := f.Tag.Lookup("hessian"); !f.Anonymous || tagged || rt.Kind() != reflect.Struct {
		return ""
	}
	p, err := m.types.Register(rt, javatype.PackageOf(t.Class))
	if err != nil || strings.HasPrefix(p.Java(), "java.") {
		return ""
	}
	return m.form(rt)
}

func element(rt reflect.Type) reflect.Type {
	for rt.Kind() == reflect.Pointer {
		rt = rt.Elem()
	}
	return rt
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
		info.Fields = append(info.Fields, FieldInfo{Name: name, Type: m.fieldForm(info, f)})
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
			v.Elem().SetUint(uint64(i))
		default:
			return nil
		}
		name := constantName(v)
		if !javatype.IsIdentifier(name) || slices.Contains(names, name) {
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

// isArray tells of the arrays that travel as lists; byte[] and char[] are values of their own.
func isArray(java string) bool {
	return strings.HasSuffix(java, "[]") && java != "byte[]" && java != "char[]"
}

// held gives the form that a value has in a list or a map of Java's: nothing there says that it should be an array, so that Java reads a list.
func held(java string) string {
	if inner, array := strings.CutSuffix(java, "[]"); array && isArray(java) {
		return "java.util.List<" + held(inner) + ">"
	}
	return boxed(java)
}

// boxed gives the form that a type argument has.
func boxed(java string) string {
	if b, ok := boxes[java]; ok {
		return b
	}
	return java
}
