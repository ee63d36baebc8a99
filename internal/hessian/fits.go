package hessian

import "strings"

// Fit says how well a parameter that Java declares suits a Go type.
type Fit uint8

// How well a Java parameter can suit a Go type.
const (
	FitNone  Fit = iota // a value of that parameter can't be read as the type
	FitLoose            // it can, though another type would suit better
	FitExact            // the type is what one would write for it
)

// Fits says how a parameter declared in Java with this JVM descriptor ("I", "Ljava/util/List;", "[Lorg/x/P;") suits p.
// A class that isn't p's own suits a struct loosely, since it may be a subclass or an interface of it, but not where it is
// one of the JDK's.
func (p *Plan) Fits(descriptor string) Fit {
	if p.kind == kindAny {
		return max(FitLoose, exactly(descriptor == "L"+strings.ReplaceAll(p.java, ".", "/")+";"))
	}
	if strings.HasPrefix(descriptor, "[") {
		return p.fitsArray(descriptor)
	}
	if len(descriptor) == 1 {
		return p.fitsPrimitive(primitives[descriptor])
	}
	if !strings.HasPrefix(descriptor, "L") || !strings.HasSuffix(descriptor, ";") {
		return FitNone
	}
	return p.fitsClass(strings.ReplaceAll(descriptor[1:len(descriptor)-1], "/", "."))
}

// primitives are the names of the primitive types in descriptors.
var primitives = map[string]string{
	"Z": "boolean", "B": "byte", "S": "short", "C": "char", "I": "int", "J": "long", "F": "float", "D": "double",
}

// boxes are the classes of the primitive types' boxed values.
var boxes = map[string]string{
	"java.lang.Boolean": "boolean", "java.lang.Byte": "byte", "java.lang.Short": "short", "java.lang.Character": "char",
	"java.lang.Integer": "int", "java.lang.Long": "long", "java.lang.Float": "float", "java.lang.Double": "double",
}

// scalar gives the primitive type of p or of what p points to, "" for other types.
func (p *Plan) scalar() string {
	switch {
	case p.kind == kindScalar:
		return p.java
	case p.kind == kindPointer && p.elem != nil && p.elem.kind == kindScalar:
		return p.elem.java
	}
	return ""
}

// fitsPrimitive compares a number's type: narrower ones can be read as wider ones.
func (p *Plan) fitsPrimitive(declared string) Fit {
	own := p.scalar()
	switch {
	case declared == "" || own == "":
		return FitNone
	case own == declared:
		return FitExact
	}
	from, to := rank(declared), rank(own)
	if from > 0 && to >= from {
		return FitLoose
	}
	return FitNone
}

// rank orders the types of numbers; 0 for what is no number.
func rank(primitive string) int {
	for i, name := range []string{"byte", "short", "int", "long", "float", "double"} {
		if name == primitive {
			return i + 1
		}
	}
	return 0
}

// fitsArray compares an array's type.
func (p *Plan) fitsArray(descriptor string) Fit {
	switch p.java {
	case "byte[]":
		return exactly(descriptor == "[B")
	case "char[]":
		return exactly(descriptor == "[C")
	}
	if p.kind != kindSlice && p.kind != kindSet {
		return FitNone
	}
	elem := p.elem
	if p.kind == kindSet {
		elem = p.key
	}
	if descriptor == "[B" || descriptor == "[C" { // these travel as bytes and as text
		return FitNone
	}
	fit := elem.Fits(descriptor[1:])
	if p.kind == kindSet && fit == FitExact {
		return FitLoose
	}
	return fit
}

func exactly(ok bool) Fit {
	if ok {
		return FitExact
	}
	return FitNone
}

// fitsClass compares a class.
func (p *Plan) fitsClass(class string) Fit {
	if primitive := boxes[class]; primitive != "" {
		return p.fitsPrimitive(primitive)
	}
	if class == p.java {
		return FitExact
	}
	if fits, known := supertypes[class]; known {
		for _, own := range fits {
			if own == p.java || own == "number" && rank(p.scalar()) > 0 || own == "any" {
				return FitLoose
			}
		}
		return FitNone
	}
	switch p.kind {
	case kindSlice:
		return loosely(strings.HasPrefix(class, "java.util.") && (strings.HasSuffix(class, "List") || strings.HasSuffix(class, "Deque") ||
			strings.HasSuffix(class, "Queue") || strings.HasSuffix(class, "Set") || class == "java.util.Vector"))
	case kindSet:
		return loosely(strings.HasPrefix(class, "java.util.") && strings.HasSuffix(class, "Set"))
	case kindMap:
		return loosely(strings.HasPrefix(class, "java.util.") && (strings.HasSuffix(class, "Map") || strings.HasSuffix(class, "table")) || class == "java.util.Properties")
	case kindStruct:
		return loosely(!strings.HasPrefix(class, "java.") && !strings.HasPrefix(class, "javax."))
	case kindPointer:
		if p.elem == nil { // *java.Object, *java.List, *java.Map
			return FitLoose
		}
		return p.elem.fitsClass(class)
	}
	return FitNone
}

func loosely(ok bool) Fit {
	if ok {
		return FitLoose
	}
	return FitNone
}

// supertypes are the JDK's types that a parameter may declare for a more special value.
var supertypes = map[string][]string{
	"java.lang.Object":            {"any"},
	"java.io.Serializable":        {"any"},
	"java.lang.Comparable":        {"any"},
	"java.lang.Number":            {"number", classBigDecimal, classBigInteger},
	"java.lang.CharSequence":      {"java.lang.String"},
	"java.lang.StringBuilder":     {"java.lang.String"},
	"java.lang.Iterable":          {"java.util.List", "java.util.Set"},
	"java.util.Collection":        {"java.util.List", "java.util.Set"},
	"java.sql.Timestamp":          {"java.util.Date"},
	"java.sql.Date":               {"java.util.Date"},
	"java.sql.Time":               {"java.util.Date"},
	"java.util.Calendar":          {"java.util.Date"},
	"java.time.temporal.Temporal": {"java.time.LocalDate", "java.time.LocalTime", "java.time.LocalDateTime", "java.time.Instant", "java.time.ZonedDateTime", "java.time.OffsetDateTime"},
}
