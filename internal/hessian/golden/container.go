package golden

import (
	"time"

	"github.com/dubbofn/dubbofn/java"
)

func ints(n int) []any {
	items := make([]any, n)
	for i := range items {
		items[i] = int32(i)
	}
	return items
}

func list(class string, items ...any) *java.List { return &java.List{Class: class, Items: items} }

func table(class string, keysAndValues ...any) *java.Map {
	m := &java.Map{Class: class}
	for i := 0; i < len(keysAndValues); i += 2 {
		m.Entries = append(m.Entries, java.Entry{Key: keysAndValues[i], Value: keysAndValues[i+1]})
	}
	return m
}

func lists() []Case {
	shared := []any{"s"}
	self := make([]any, 1)
	self[0] = self
	cases := []Case{
		same("list-empty", []any{}),
		{Name: "list-strings", Dynamic: []any{"a", "b", "c"}, Typed: []string{"a", "b", "c"}},
		{Name: "list-nulls", Dynamic: []any{"a", nil, ""}, Typed: []*string{new("a"), nil, new("")}},
		{Name: "list-7", Dynamic: ints(7), Typed: []int32{0, 1, 2, 3, 4, 5, 6}},
		same("list-8", ints(8)),
		same("list-300", ints(300)),
		same("list-mixed", []any{nil, true, int32(1), int64(2), 1.5, "x", []byte{1, 2}, time.UnixMilli(0).UTC(), []any{int32(1)}, map[any]any{"k": "v"}}),
		{Name: "list-linked", Dynamic: list("java.util.LinkedList", "a", "b"), Typed: []string{"a", "b"}},
		{Name: "list-as-list", Dynamic: list("java.util.Arrays$ArrayList", "a", "b"), Typed: []string{"a", "b"}},
		{Name: "list-immutable", Dynamic: []any{"a", "b", "c"}, Typed: []string{"a", "b", "c"}, Only33: true},
		{Name: "list-unmodifiable", Dynamic: list("java.util.Collections$UnmodifiableList", "a"), Typed: []string{"a"}},
		{Name: "list-emptyList", Dynamic: &java.List{Class: "java.util.Collections$EmptyList", Items: []any{}}, Typed: []string{}},
		same("list-nested", []any{[]any{}, shared, shared}),
		{Name: "list-type-refs", Dynamic: []any{list("java.util.LinkedList", int32(1)), list("java.util.LinkedList", int32(2)),
			table("java.util.TreeMap", "a", int32(1)), table("java.util.TreeMap", "b", int32(2))}},
		same("list-self", self),
		{Name: "list-iterator", Dynamic: []any{int32(1), int32(2), int32(3)}, Typed: []int32{1, 2, 3}},
		{Name: "set-hash", Dynamic: list("java.util.HashSet", "a"), Typed: java.Set[string]{"a": {}}},
		{Name: "set-linked", Dynamic: list("java.util.LinkedHashSet", "b", "a"), Typed: map[string]struct{}{"a": {}, "b": {}}},
		{Name: "set-tree", Dynamic: list("java.util.TreeSet", int32(1), int32(2), int32(3)), Typed: java.Set[int32]{1: {}, 2: {}, 3: {}}},
		{Name: "set-empty", Dynamic: &java.List{Class: "java.util.HashSet", Items: []any{}}, Typed: java.Set[string]{}},
		{Name: "set-immutable", Dynamic: list("java.util.HashSet", "a"), Typed: java.Set[string]{"a": {}}, Only33: true},
	}
	return cases
}

func maps() []Case {
	self := map[any]any{}
	self["self"] = self
	return []Case{
		{Name: "map-empty", Dynamic: map[any]any{}, Typed: map[string]int32{}},
		{Name: "map-one", Dynamic: map[any]any{"k": int32(1)}, Typed: map[string]int32{"k": 1}},
		{Name: "map-linked", Dynamic: map[any]any{"z": int64(1), "a": nil, "m": "v"}, Typed: map[string]any{"z": int64(1), "a": nil, "m": "v"}},
		{Name: "map-null-key", Dynamic: map[any]any{nil: "v"}, Typed: map[any]string{nil: "v"}},
		{Name: "map-int-keys", Dynamic: table("java.util.TreeMap", int32(1), "a", int32(2), "b"), Typed: map[int32]string{1: "a", 2: "b"}},
		{Name: "map-concurrent", Dynamic: table("java.util.concurrent.ConcurrentHashMap", "k", "v"), Typed: map[string]string{"k": "v"}},
		{Name: "map-immutable", Dynamic: map[any]any{"k": "v"}, Typed: map[string]string{"k": "v"}, Only33: true},
		{Name: "map-list-key", Dynamic: table("", []any{int32(1)}, "v")},
		same("map-self", self),
	}
}

func arrays() []Case {
	return []Case{
		same("array-boolean", []bool{true, false}),
		same("array-short", []int16{1, -32768}),
		{Name: "array-char", Dynamic: "a€", Typed: []java.Char{'a', '€'}},
		same("array-int", []int32{0, -1, 2147483647}),
		same("array-int-empty", []int32{}),
		same("array-int-9", []int32{1, 2, 3, 4, 5, 6, 7, 8, 9}),
		same("array-long", []int64{0, -9223372036854775808}),
		same("array-float", []float32{1.5, 1.1}),
		same("array-double", []float64{0, 0.1}),
		{Name: "array-string", Dynamic: list("[string", "a", nil, ""), Typed: []*string{new("a"), nil, new("")}},
		{Name: "array-object", Dynamic: list("[object", int32(1), "a", nil), Typed: []any{int32(1), "a", nil}},
		{Name: "array-integer", Dynamic: list("[java.lang.Integer", int32(1), nil), Typed: []*int32{new(int32(1)), nil}},
		{Name: "array-decimal", Dynamic: list("[java.math.BigDecimal", decimal("1.0"), nil), Typed: []*java.BigDecimal{decimal("1.0"), nil}},
		{Name: "array-date", Dynamic: list("[date", time.UnixMilli(0).UTC()), Typed: []time.Time{time.UnixMilli(0).UTC()}},
		{Name: "array-int-2d", Dynamic: list("[[int", []int32{1, 2}, []int32{}, nil), Typed: [][]int32{{1, 2}, {}, nil}},
		{Name: "array-string-2d", Dynamic: list("[[string", list("[string", "a"), list("[string", "b", nil)), Typed: [][]*string{{new("a")}, {new("b"), nil}}},
		{Name: "array-byte-2d", EchoOnly: true, Typed: [][]byte{{1}, {}}},
	}
}
