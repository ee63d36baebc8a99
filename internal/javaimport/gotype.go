package javaimport

import (
	"strings"

	"github.com/dubbofn/dubbofn/internal/javadecl"
)

// goType is what a Java type becomes.
type goType struct {
	text  string // as Go writes it
	plain string // without the pointer that keeps null: what keys and elements of sets are; "" where that is text
	java  string // what package fn takes it for
	zero  string
	odd   bool // it can't be a key
}

const object = "java.lang.Object"

var anyType = goType{text: "any", java: object, zero: "nil"}

func scalar(text, java, zero string) goType { return goType{text: text, java: java, zero: zero} }

func pointer(text, java string) goType {
	return goType{text: "*" + text, plain: text, java: java, zero: "nil"}
}

// simple gives Java's types that have no arguments.
func (m *importer) simple(java string) (goType, bool) {
	switch java {
	case "boolean":
		return scalar("bool", java, "false"), true
	case "byte":
		return scalar("int8", java, "0"), true
	case "short":
		return scalar("int16", java, "0"), true
	case "char":
		return scalar("java.Char", java, "0"), true
	case "int":
		return scalar("int32", java, "0"), true
	case "long":
		return scalar("int64", java, "0"), true
	case "float":
		return scalar("float32", java, "0"), true
	case "double":
		return scalar("float64", java, "0"), true
	case "java.lang.String", "java.lang.CharSequence":
		if m.cfg.PlainStrings {
			return scalar("string", "java.lang.String", `""`), true
		}
		return pointer("string", "java.lang.String"), true
	case object, "java.io.Serializable", "java.lang.Comparable", "java.lang.Number", "java.lang.Cloneable", "java.lang.Void":
		return anyType, true
	}
	value := map[string]string{
		"java.lang.Boolean": "bool", "java.lang.Byte": "int8", "java.lang.Short": "int16", "java.lang.Character": "java.Char",
		"java.lang.Integer": "int32", "java.lang.Long": "int64", "java.lang.Float": "float32", "java.lang.Double": "float64",
		"java.util.Date": "time.Time", "java.time.Duration": "time.Duration", "java.time.Instant": "java.Instant",
		"java.time.LocalDate": "java.LocalDate", "java.time.LocalTime": "java.LocalTime", "java.time.LocalDateTime": "java.LocalDateTime",
		"java.time.OffsetDateTime": "java.OffsetDateTime", "java.time.OffsetTime": "java.OffsetTime", "java.time.ZonedDateTime": "java.ZonedDateTime",
		"java.time.Year": "java.Year", "java.time.YearMonth": "java.YearMonth", "java.time.MonthDay": "java.MonthDay", "java.time.Period": "java.Period",
		"java.util.UUID": "java.UUID", "java.util.Locale": "java.Locale",
	}[java]
	if value != "" {
		return pointer(value, java), true
	}
	switch java {
	case "java.math.BigDecimal":
		return goType{text: "*java.BigDecimal", java: java, zero: "nil"}, true
	case "java.math.BigInteger":
		return goType{text: "*big.Int", java: java, zero: "nil"}, true
	}
	return goType{}, false
}

// shape says which of Go's containers holds what a class of the JDK does.
func shape(java string) string {
	switch strings.TrimPrefix(strings.TrimPrefix(java, "java.util."), "concurrent.") {
	case "Collection", "List", "ArrayList", "LinkedList", "Vector", "Queue", "Deque", "ArrayDeque", "PriorityQueue", "CopyOnWriteArrayList", "BlockingQueue", "java.lang.Iterable":
		return "list"
	case "Set", "HashSet", "LinkedHashSet", "SortedSet", "NavigableSet", "TreeSet", "CopyOnWriteArraySet", "EnumSet":
		return "set"
	case "Map", "HashMap", "LinkedHashMap", "SortedMap", "NavigableMap", "TreeMap", "EnumMap", "Hashtable", "ConcurrentMap", "ConcurrentHashMap":
		return "map"
	}
	return ""
}

// site is where a type stands: for messages, and for what its variables mean.
type site struct {
	where  string
	method string          // that --skip would leave out, "" in a class
	within *goClass        // the generic class whose variables are type parameters of Go's
	keys   map[string]bool // collects the variables that must be comparable
}

// goType finds the Go type of a Java type. What can't be mapped is a fault, and any.
func (m *importer) goType(t javadecl.Type, at site) goType {
	if t.Dims > 0 {
		t.Dims--
		return list(m.goType(t, at))
	}
	if t.Variable {
		if at.within != nil {
			return goType{text: t.Name, java: "", zero: "nil", odd: true}
		}
		return anyType
	}
	if g, ok := m.simple(t.Name); ok {
		return g
	}
	if m.dynamic[t.Name] {
		m.useAny(t.Name)
		return anyType
	}
	switch arg := func(i int) javadecl.Type {
		if i < len(t.Args) {
			return t.Args[i]
		}
		return javadecl.Type{Name: object}
	}; shape(t.Name) {
	case "list":
		return list(m.element(arg(0), at))
	case "set":
		if key, ok := m.key(arg(0), at, false); ok {
			return goType{text: "java.Set[" + key.text + "]", java: "java.util.Set<" + boxed(key.java) + ">", zero: "nil", odd: true}
		}
		return list(m.element(arg(0), at))
	case "map":
		key, ok := m.key(arg(0), at, true)
		if !ok {
			key = anyType
		}
		value := m.element(arg(1), at)
		return goType{text: "map[" + key.text + "]" + value.text, java: "java.util.Map<" + boxed(key.java) + "," + boxed(value.java) + ">", zero: "nil", odd: true}
	}
	if t.Name == "java.util.Properties" {
		return goType{text: "map[string]string", java: "java.util.Map<java.lang.String,java.lang.String>", zero: "nil", odd: true}
	}
	return m.classType(t, at)
}

// element is the type of a list's or an array's element, or of a map's value.
func (m *importer) element(t javadecl.Type, at site) goType { return m.goType(t, at) }

// key is the type of a map's key or a set's element, false where Go's can't be one.
func (m *importer) key(t javadecl.Type, at site, ofMap bool) (goType, bool) {
	g := m.goType(t, at)
	if t.Variable && at.within != nil && t.Dims == 0 && ofMap {
		at.keys[t.Name] = true
		return g, true
	}
	if g.odd {
		return g, false
	}
	if g.plain != "" {
		g.text, g.plain = g.plain, ""
	}
	return g, true
}

func list(element goType) goType {
	g := goType{text: "[]" + element.text, zero: "nil", odd: true}
	switch {
	case element.text == "int8": // byte[] is Go's own
		g.text, g.java = "[]byte", "byte[]"
	case !strings.Contains(element.java, ".") && element.java != "" && !strings.HasSuffix(element.java, "]"):
		g.java = element.java + "[]"
	default:
		g.java = "java.util.List<" + element.java + ">"
	}
	return g
}

func boxed(java string) string {
	if box := map[string]string{
		"boolean": "java.lang.Boolean", "byte": "java.lang.Byte", "char": "java.lang.Character", "short": "java.lang.Short",
		"int": "java.lang.Integer", "long": "java.lang.Long", "float": "java.lang.Float", "double": "java.lang.Double",
	}[java]; box != "" {
		return box
	}
	return java
}

// classType is the Go type of a class of the library's.
func (m *importer) classType(t javadecl.Type, at site) goType {
	c := m.lib.class(t.Name)
	switch {
	case c == nil:
		m.missing(t.Name, at)
		return anyType
	case c.Kind == javadecl.KindAnnotation || m.throwable(c):
		m.fault(at, "%s is an annotation or an exception, which no value can be", t.Name)
		return anyType
	case c.Kind == javadecl.KindEnum:
		g := m.class(c, formEnum)
		return goType{text: g.name, java: c.Name, zero: `""`}
	case c.Kind == javadecl.KindInterface:
		g := m.class(c, formInterface)
		return goType{text: g.name, java: c.Name, zero: "nil"}
	case c.Abstract:
		m.useAny(c.Name)
		return anyType
	}
	if below := m.below(c.Name); len(below) > 0 {
		m.note("%s is extended by %s, whose own fields are lost where Go has the first; --as-any %[1]s keeps them", c.Name, below[0].Name)
	}
	return goType{text: "*" + m.instance(m.class(c, formStruct), t, at), java: c.Name, zero: "nil"}
}

// instance writes a struct's type with its type arguments.
func (m *importer) instance(g *goClass, t javadecl.Type, at site) string {
	if len(g.Variables) == 0 {
		return g.name
	}
	args := make([]string, len(g.Variables))
	for i, v := range g.Variables {
		arg := javadecl.Type{Name: object}
		if i < len(t.Args) {
			arg = t.Args[i]
		}
		a := m.goType(arg, at)
		if args[i] = a.text; g.keys[v.Name] && a.plain != "" {
			args[i] = a.plain
		}
	}
	return g.name + "[" + strings.Join(args, ", ") + "]"
}

// javaForm is a type as package fn's manifests have it: the variables are what they are bounded by, and the library's own classes have no
// arguments.
func (m *importer) javaForm(t javadecl.Type, bounds []javadecl.Variable) string {
	dims := strings.Repeat("[]", t.Dims)
	switch {
	case t.Variable:
		return erasure(t.Name, bounds) + dims
	case len(t.Args) == 0 || m.lib.has(t.Name):
		if len(t.Args) == 0 && shape(t.Name) != "" { // a raw type
			switch shape(t.Name) {
			case "map":
				return t.Name + "<" + object + "," + object + ">" + dims
			default:
				return t.Name + "<" + object + ">" + dims
			}
		}
		return t.Name + dims
	}
	args := make([]string, len(t.Args))
	for i, a := range t.Args {
		args[i] = m.javaForm(a, bounds)
	}
	return t.Name + "<" + strings.Join(args, ",") + ">" + dims
}

// erasure is what the JVM knows a variable as.
func erasure(name string, bounds []javadecl.Variable) string {
	for range maxDepth {
		bound := bound(name, bounds)
		if bound == nil {
			return object
		}
		if !bound.Variable {
			return bound.Name
		}
		name = bound.Name
	}
	return object
}

func bound(name string, bounds []javadecl.Variable) *javadecl.Type {
	for _, v := range bounds {
		if v.Name == name {
			return v.Bound
		}
	}
	return nil
}

// substitute puts types in the place of variables.
func substitute(t javadecl.Type, with map[string]javadecl.Type) javadecl.Type {
	if t.Variable {
		if s, ok := with[t.Name]; ok {
			s.Dims += t.Dims
			return s
		}
		return t
	}
	if len(t.Args) > 0 {
		args := make([]javadecl.Type, len(t.Args))
		for i, a := range t.Args {
			args[i] = substitute(a, with)
		}
		t.Args = args
	}
	return t
}
