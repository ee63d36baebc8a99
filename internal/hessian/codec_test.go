package hessian_test

import (
	"reflect"
	"testing"

	"github.com/dubbofn/dubbofn/internal/hessian"
)

// encoded gives v's plan, and v as it is written by it.
func encoded(tb testing.TB, v any) (*hessian.Types, *hessian.Plan, []byte) {
	tb.Helper()
	types := hessian.NewTypes()
	p, err := types.Register(reflect.TypeOf(v), "org.example.test")
	if err != nil {
		tb.Fatal(err)
	}
	var e hessian.Encoder
	e.Reset(types, nil)
	if err := e.Encode(p, v); err != nil {
		tb.Fatal(err)
	}
	return types, p, e.Bytes()
}
