// Package javatype holds what Java's names and descriptors look like, and how Go names become Java ones.
package javatype

import (
	"strings"
	"unicode"
)

// LowerCamel is the Java name of an exported Go name: the leading run of capitals is lowered, except for the last one before a
// small letter. GetURL gives getURL, URLPath urlPath, ID id.
func LowerCamel(name string) string {
	r := []rune(name)
	for i := range r {
		if !unicode.IsUpper(r[i]) || i > 0 && i+1 < len(r) && unicode.IsLower(r[i+1]) {
			break
		}
		r[i] = unicode.ToLower(r[i])
	}
	return string(r)
}

// IsClassName tells whether s is a fully qualified Java name (an inner class has '$').
func IsClassName(s string) bool {
	for part := range strings.SplitSeq(s, ".") {
		if !IsIdentifier(part) {
			return false
		}
	}
	return true
}

// IsType tells whether s is a Java type as manifests have it, without blanks: "int", "org.example.User[]",
// "java.util.Map<java.lang.String,java.util.List<int[]>>". It is not void.
func IsType(s string) bool {
	rest, ok := cutType(s, maxNesting)
	return ok && rest == ""
}

// maxNesting bounds type arguments within type arguments.
const maxNesting = 32

// cutType takes a type off the front of s.
func cutType(s string, depth int) (rest string, ok bool) {
	end := strings.IndexAny(s, "<>,[")
	if end < 0 {
		end = len(s)
	}
	if depth == 0 || !IsClassName(s[:end]) || s[:end] == "void" {
		return "", false
	}
	rest = s[end:]
	if more := strings.HasPrefix(rest, "<"); more {
		for more {
			if rest, ok = cutType(rest[1:], depth-1); !ok { // past < or a comma
				return "", false
			}
			more = strings.HasPrefix(rest, ",")
		}
		if rest, ok = strings.CutPrefix(rest, ">"); !ok {
			return "", false
		}
	}
	for strings.HasPrefix(rest, "[]") {
		rest = rest[2:]
	}
	return rest, true
}

// IsIdentifier tells whether s may be a name in Java.
func IsIdentifier(s string) bool {
	for i, c := range s {
		if c != '_' && c != '$' && !unicode.IsLetter(c) && (i == 0 || !unicode.IsDigit(c)) {
			return false
		}
	}
	return s != ""
}

// PackageOf gives the package of a class, "" where it has none.
func PackageOf(class string) string {
	if i := strings.LastIndexByte(class, '.'); i >= 0 {
		return class[:i]
	}
	return ""
}

// Parameters splits the descriptor of a parameter list as the JVM writes it ("Ljava/lang/String;[I"); ok is false when it
// isn't one (JVM specification, 4.3).
func Parameters(descriptor string) (each []string, ok bool) {
	for descriptor != "" {
		i := 0
		for i < len(descriptor) && descriptor[i] == '[' {
			i++
		}
		if i == len(descriptor) {
			return nil, false
		}
		switch descriptor[i] {
		case 'Z', 'B', 'C', 'S', 'I', 'J', 'F', 'D':
			i++
		case 'L':
			n := strings.IndexByte(descriptor[i:], ';')
			if n < 2 || strings.ContainsAny(descriptor[i:i+n], ".[") {
				return nil, false
			}
			i += n + 1
		default:
			return nil, false
		}
		each, descriptor = append(each, descriptor[:i]), descriptor[i:]
	}
	return each, true
}

var primitives = map[string]string{"boolean": "Z", "byte": "B", "char": "C", "short": "S", "int": "I", "long": "J", "float": "F", "double": "D", "void": "V"}

// Name gives the Java form of one descriptor: "[I" is int[], "Ljava/lang/String;" java.lang.String.
func Name(descriptor string) string {
	element := strings.TrimLeft(descriptor, "[")
	suffix := strings.Repeat("[]", len(descriptor)-len(element))
	if strings.HasPrefix(element, "L") {
		return strings.ReplaceAll(strings.TrimSuffix(element[1:], ";"), "/", ".") + suffix
	}
	for name, d := range primitives {
		if d == element {
			return name + suffix
		}
	}
	return element + suffix
}

// Descriptor gives the descriptor of a Java type's name, as generic calls write it: "int", "int[]", "[I",
// "[Ljava.lang.String;", "java.util.List<java.lang.String>" (Java: ReflectUtils.name2desc, 3.3; type arguments are erased).
func Descriptor(name string) string {
	if i := strings.IndexByte(name, '<'); i >= 0 {
		rest := name[strings.LastIndexByte(name, '>')+1:]
		name = name[:i] + rest
	}
	name = strings.TrimSpace(name)
	if strings.HasPrefix(name, "[") {
		return strings.ReplaceAll(name, ".", "/")
	}
	dims := 0
	for strings.HasSuffix(name, "[]") {
		name = strings.TrimSuffix(name, "[]")
		dims++
	}
	d, ok := primitives[name]
	if !ok {
		d = "L" + strings.ReplaceAll(name, ".", "/") + ";"
	}
	return strings.Repeat("[", dims) + d
}
