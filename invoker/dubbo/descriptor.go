package dubbo

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/dubbofn/dubbofn/internal/hessian"
	"github.com/dubbofn/dubbofn/java"
)

// descriptorOf derives parameter types, as the JVM writes them, from the Go types of arguments.
func descriptorOf(types *hessian.Types, args []any) (string, error) {
	var b strings.Builder
	for i, a := range args {
		name, err := javaType(types, a)
		if err != nil {
			return "", fmt.Errorf("argument %d of %d: %w", i+1, len(args), err)
		}
		b.WriteString(descriptorOfType(name))
	}
	return b.String(), nil
}

func javaType(types *hessian.Types, v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "java.lang.Object", nil
	case *java.Object:
		return v.Class, nil
	}
	p, err := types.Plan(reflect.TypeOf(v))
	if err != nil {
		return "", err
	}
	return p.Java(), nil
}

// descriptorOfType turns a Java type's name, "int", "java.lang.String" or "byte[]", into a JVM descriptor.
func descriptorOfType(name string) string {
	arrays := 0
	for strings.HasSuffix(name, "[]") {
		name = name[:len(name)-2]
		arrays++
	}
	d := "L" + strings.ReplaceAll(name, ".", "/") + ";"
	switch name {
	case "boolean":
		d = "Z"
	case "byte":
		d = "B"
	case "char":
		d = "C"
	case "double":
		d = "D"
	case "float":
		d = "F"
	case "int":
		d = "I"
	case "long":
		d = "J"
	case "short":
		d = "S"
	case "void":
		d = "V"
	}
	return strings.Repeat("[", arrays) + d
}
