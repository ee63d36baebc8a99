package fn_test

import (
	"testing"

	"github.com/dubbofn/dubbofn/fn"
)

// TestArraysInCollectionsAreWhatJavaReadsThere: in a list or a map nothing tells Java to make an array of a list.
func TestArraysInCollectionsAreWhatJavaReadsThere(t *testing.T) {
	t.Parallel()
	for want, function := range map[string]any{
		"int[][]":                func([][]int32) error { return nil },
		"double[][][]":           func([][][]float64) error { return nil },
		"java.util.List<byte[]>": func([][]byte) error { return nil },
		"java.util.List<java.util.List<java.lang.String>>":                                               func([][]string) error { return nil },
		"java.util.Map<java.lang.String,java.util.List<java.lang.Integer>>":                              func(map[string][]int32) error { return nil },
		"java.util.List<java.util.Map<java.lang.Long,java.util.List<java.util.List<java.lang.Double>>>>": func([]map[int64][][]float64) error { return nil },
	} {
		set, err := fn.NewSet("app", fn.NewService("org.example.S", fn.Method("m", function)))
		if err != nil {
			t.Fatal(err)
		}
		if got := set.Describe().Services[0].Methods[0].Parameters[0]; got != want {
			t.Errorf("%T is %s, want %s", function, got, want)
		}
	}
}
