package dubbo

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/dubbofn/dubbofn/internal/hessian"
	"github.com/dubbofn/dubbofn/internal/javatype"
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
		b.WriteString(javatype.Descriptor(name))
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
