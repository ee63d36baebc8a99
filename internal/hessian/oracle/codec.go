package oracle

import (
	"fmt"
	"reflect"

	hessian2 "github.com/apache/dubbo-go-hessian2"

	"github.com/dubbofn/dubbofn/internal/hessian"
)

// Codec reads and writes the values of one body with dubbo-go-hessian2. The zero value is ready, with the default limits.
// Safe for concurrent use.
type Codec struct {
	Limits hessian.Limits // what the scanner lets through to the library
}

// Decode reads the first len(types) values of body, the i-th as types[i]; an interface type takes what the library makes of
// the value (docs/hessian-differences.md). Bytes after them are left alone. A body that the scanner refuses never reaches
// the library; then the error is an *hessian.Error.
func (c Codec) Decode(body []byte, types []reflect.Type) (values []any, err error) {
	if _, err := hessian.Scan(body, len(types), c.Limits); err != nil {
		return nil, err
	}
	defer func() {
		if r := recover(); r != nil {
			values, err = nil, fmt.Errorf("decode with dubbo-go-hessian2: it panicked: %v", r)
		}
	}()
	d := hessian2.NewDecoder(body)
	values = make([]any, len(types))
	for i, t := range types {
		v, err := d.Decode()
		if err != nil {
			return nil, fmt.Errorf("decode value %d with dubbo-go-hessian2: %w", i, err)
		}
		to := reflect.New(t).Elem()
		if err := assign(to, v, 0); err != nil {
			return nil, fmt.Errorf("decode value %d with dubbo-go-hessian2: %w", i, err)
		}
		values[i] = to.Interface()
	}
	return values, nil
}

// Encode appends values to buf, as one body: what they share is written once.
func (c Codec) Encode(buf []byte, values []any) (out []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			out, err = nil, fmt.Errorf("encode with dubbo-go-hessian2: it panicked: %v", r)
		}
	}()
	e := hessian2.NewEncoder()
	for i, v := range values {
		if err := e.Encode(v); err != nil {
			return nil, fmt.Errorf("encode value %d (%T) with dubbo-go-hessian2: %w", i, v, err)
		}
	}
	return append(buf, e.Buffer()...), nil
}

// Register makes the library know a struct or an enum (a type with the library's EnumValue method) by its Java class. The
// registry is the library's own, one for the process, and keeps the first entry: Register reports a class that it already
// knows as another type. Register before the first Decode; the library does not lock its readers out.
func Register(class string, sample any) error {
	if enum, ok := sample.(hessian2.POJOEnum); ok {
		hessian2.RegisterJavaEnum(enum)
	} else if hessian2.RegisterPOJOMapping(class, sample) < 0 {
		return fmt.Errorf("register %T as %q with dubbo-go-hessian2: the name is taken", sample, class)
	}
	return nil
}
