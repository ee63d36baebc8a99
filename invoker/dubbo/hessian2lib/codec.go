// Package hessian2lib adds dubbo-go-hessian2 v1.13.2 to a program as the codec of its Dubbo bodies, in place of the project's
// own: for a team whose types lean on that library's serializers or on its registry of classes. It is outside the
// compatibility matrix (docs/interop.md), and docs/hessian-differences.md lists what it reads and writes in another way.
//
// Every body is scanned within the usual limits before the library sees it. The library's registry is one for the whole
// process: see [Register].
package hessian2lib

import (
	"reflect"

	"github.com/dubbofn/dubbofn/internal/hessian/oracle"
)

// Codec reads and writes the values of a Dubbo body after its head: the arguments and attachments of a request, the kind,
// value and attachments of a response. The zero value is ready. Safe for concurrent use.
type Codec struct{ oracle oracle.Codec }

// Name gives "dubbo-go-hessian2".
func (Codec) Name() string { return "dubbo-go-hessian2" }

// Decode reads the first len(types) values of body, the i-th as types[i]; an interface type takes what the library makes of
// the value. A body beyond the limits, or one that the library fails or panics over, is an error.
func (c Codec) Decode(body []byte, types []reflect.Type) ([]any, error) {
	return c.oracle.Decode(body, types)
}

// Encode appends values to buf as one body. A value that the library does not know is an error.
func (c Codec) Encode(buf []byte, values []any) ([]byte, error) {
	return c.oracle.Encode(buf, values)
}

// Register makes the library know a struct, or an enum of its kind, by its Java class. The registry is the library's, one for
// the process, and keeps the first entry of a class without a word about later ones; a name that stands for another Go
// type's own name is an error. Register everything before the first call: the library does not lock its readers out.
func Register(class string, sample any) error { return oracle.Register(class, sample) }
