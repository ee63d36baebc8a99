package main

import (
	"fmt"
	"strings"

	"github.com/dubbofn/dubbofn/internal/javatype"
)

var primitives = map[byte]string{'Z': "boolean", 'B': "byte", 'S': "short", 'C': "char", 'I': "int", 'J': "long", 'F': "float", 'D': "double"}

// parseTypes reads the parameter types of an overload: a JVM descriptor ("Ljava/lang/String;I") or names separated by commas
// ("java.lang.String,int"). Short names are java.lang's ("String"), except the primitives'.
func parseTypes(s string) ([]string, error) {
	if s == "" {
		return nil, nil
	}
	if types, ok := parseDescriptor(s); ok {
		return types, nil
	}
	var types []string
	for t := range strings.SplitSeq(s, ",") {
		t = strings.TrimSpace(t)
		if t == "" {
			return nil, usagef("--types %q has an empty name; want a descriptor (Ljava/lang/String;I) or names (java.lang.String,int)", s)
		}
		types = append(types, longName(t))
	}
	return types, nil
}

func parseDescriptor(s string) (types []string, ok bool) {
	for s != "" {
		dims := len(s) - len(strings.TrimLeft(s, "["))
		s = s[dims:]
		if s == "" {
			return nil, false
		}
		name := primitives[s[0]]
		switch {
		case name != "":
			s = s[1:]
		case s[0] == 'L':
			class, rest, found := strings.Cut(s[1:], ";")
			if !found || class == "" {
				return nil, false
			}
			name, s = strings.ReplaceAll(class, "/", "."), rest
		default:
			return nil, false
		}
		types = append(types, name+strings.Repeat("[]", dims))
	}
	return types, true
}

func longName(t string) string {
	base := strings.TrimRight(t, "[]")
	dims := t[len(base):]
	switch base {
	case "String", "Object", "Boolean", "Byte", "Short", "Character", "Integer", "Long", "Float", "Double":
		return "java.lang." + base + dims
	case "List", "Map", "Set", "Date":
		return "java.util." + base + dims
	}
	return t
}

func checkJavaName(kind, s string) error {
	if kind == "service" && !javatype.IsClassName(s) || s == "" || strings.ContainsAny(s, " \t\n/\\\"'<>|") {
		return usagef("%s %q is not a Java name; want e.g. %s", kind, s, map[string]string{"service": "org.example.GreetService", "method": "greet"}[kind])
	}
	return nil
}

func typesText(types []string) string {
	if types == nil {
		return "(types to be told by the provider)"
	}
	return fmt.Sprintf("(%s)", strings.Join(types, ", "))
}
