package golden

import (
	"strconv"
	"time"

	"github.com/dubbofn/dubbofn/java"
)

const folder = "org.example.golden."

// object is an instance of a class of org.example.golden; fields are names and values in turn.
func object(class string, fields ...any) *java.Object {
	o := &java.Object{Class: folder + class}
	for i := 0; i < len(fields); i += 2 {
		name, _ := fields[i].(string)
		o.Fields = append(o.Fields, java.Field{Name: name, Value: fields[i+1]})
	}
	return o
}

func constant(name string) *java.Object { return object("Color", "name", name) }

func address(street any, zip int32) *java.Object {
	return object("Address", "zip", zip, "street", street)
}

func home(street string, zip int32) *Address { return &Address{Street: &street, Zip: zip} }

func enums() []Case {
	red := constant("RED")
	return []Case{
		{Name: "enum-red", Dynamic: red, Typed: Red},
		{Name: "enum-with-body", Dynamic: constant("GREEN"), Typed: Green},
		{Name: "enum-list", Dynamic: []any{red, red, constant("BLUE")}, Typed: []Color{Red, Red, Blue}},
		{Name: "enum-array", Dynamic: list("[org.example.golden.Color", red, nil, red), Typed: []Color{Red, "", Red}},
		{Name: "enum-map", EchoOnly: true, Typed: map[Color]int32{Red: 1}},
		{Name: "other-enumset", EchoOnly: true},
	}
}

// Person is the golden person: Home is Others[0] as well.
func person() *Person {
	p := &Person{
		Base: Base{ID: 4294967296, CreatedBy: new("me")}, Name: new("Ada 😀"), Age: 36, Active: new(true), Score: 99.5, Favourite: Blue, Home: home("Main", 12345),
		Tags: map[string]string{"k": "v"}, Born: new(time.UnixMilli(-4233600000).UTC()), Balance: decimal("10.00"), Blob: []byte{1, 2, 3},
	}
	p.Others = []*Address{p.Home, {Zip: -1}}
	return p
}

func objects() []Case {
	return []Case{
		{Name: "object-address", Dynamic: address("Main", 12345), Typed: home("Main", 12345)},
		{Name: "object-person", EchoOnly: true, Typed: person()},
		{Name: "object-person-empty", EchoOnly: true, Typed: &Person{}},
		{Name: "object-generic", Dynamic: object("Pair", "second", object("Pair", "second", nil, "first", int64(1)), "first", "a"),
			Typed: &Pair[string, *Pair[int64, any]]{First: "a", Second: &Pair[int64, any]{First: 1}}},
		{Name: "object-scalars", EchoOnly: true, Typed: scalars()},
		{Name: "object-containers", EchoOnly: true, Typed: containers()},
		{Name: "object-list", Dynamic: []any{address("a", 1), address("b", 2), address("c", 3)}, Typed: []*Address{home("a", 1), home("b", 2), home("c", 3)}},
		{Name: "object-array", Dynamic: list("[org.example.golden.Address", address("a", 1), nil), Typed: []*Address{home("a", 1), nil}},
		{Name: "object-array-2d", Dynamic: list("[[org.example.golden.Address", list("[org.example.golden.Address", address("a", 1))), Typed: [][]*Address{{home("a", 1)}}},
		{Name: "object-map", Dynamic: map[any]any{"home": address("a", 1)}, Typed: map[string]*Address{"home": home("a", 1)}},
		{Name: "object-17-classes", EchoOnly: true},
		{Name: "object-with-any", EchoOnly: true},
	}
}

func scalars() *Scalars {
	return &Scalars{
		Z: true, B: -128, S: 32767, C: '€', I: -2147483648, J: 9223372036854775807, F: 1.1, D: 0.1,
		BoxedBoolean: new(false), BoxedShort: new(int16(-1)), BoxedInt: new(int32(0)), BoxedFloat: new(float32(0.5)),
	}
}

func containers() *Containers {
	a := home("a", 1)
	return &Containers{
		Matrix: [][]int32{{1, 2}, {3}}, Words: []string{"a", "b"}, Homes: []*Address{a}, Names: java.Set[string]{"n": {}}, Colors: map[Color]struct{}{Red: {}},
		ByZip: map[int32]*Address{1: a}, Groups: map[string][]*Address{"g": {a}}, Longs: []int64{1, 4294967296}, Shorts: []int16{7},
	}
}

func graphs() []Case {
	shared := address("shared", 1)
	self := object("Node", "next", nil, "label", "loop")
	self.Fields[0].Value = self
	loop := &Node{Label: "loop"}
	loop.Next = loop
	cycle := &Node{Label: "a", Next: &Node{Label: "b", Next: &Node{Label: "c"}}}
	cycle.Next.Next.Next = cycle
	var chain *Node
	for i := 40; i > 0; i-- {
		chain = &Node{Label: "n" + strconv.Itoa(i), Next: chain}
	}
	one := home("shared", 1)
	m := map[any]any{}
	l := []any{"x"}
	m["one"], m["two"], m["map"] = l, l, m
	red := constant("RED")
	return []Case{
		{Name: "graph-shared", Dynamic: []any{shared, shared}, Typed: []*Address{one, one}},
		{Name: "graph-self", Dynamic: self, Typed: loop},
		{Name: "graph-cycle", EchoOnly: true, Typed: cycle},
		{Name: "graph-chain", EchoOnly: true, Typed: chain},
		same("graph-map", m),
		{Name: "graph-enum-shared", Dynamic: object("Pair", "second", red, "first", red), Typed: &Pair[Color, Color]{First: Red, Second: Red}},
		{Name: "graph-handle-shared", Dynamic: []any{object("Pair", "second", localDate(), "first", localDate()), shared, shared}},
		{Name: "graph-decimal-shared", Dynamic: []any{decimal("1.50"), decimal("1.50"), shared, shared}},
		{Name: "graph-locale-shared", Dynamic: []any{java.Locale("en_US"), java.Locale("en_US"), shared, shared}},
		{Name: "graph-uuid-shared", Dynamic: []any{uuid(), uuid(), shared, shared}},
		{Name: "graph-unshared", Dynamic: []any{time.UnixMilli(0).UTC(), time.UnixMilli(0).UTC(), []byte{1}, []byte{1}, shared, shared}},
	}
}

func exceptions() []Case {
	return []Case{
		{Name: "exception-runtime", EchoOnly: true},
		{Name: "exception-no-message", EchoOnly: true},
		{Name: "exception-cause", EchoOnly: true},
		{Name: "exception-checked", EchoOnly: true},
		{Name: "exception-suppressed", EchoOnly: true},
	}
}

func several() []Case {
	shared := address("shared", 1)
	one := home("shared", 1)
	return []Case{
		{Name: "several-arguments", Values: 5, Dynamic: []any{"a", int32(1), shared, shared, []any{shared}}, Typed: []any{"a", int32(1), one, one, []*Address{one}}},
		{Name: "several-classes", Values: 4, Dynamic: []any{address("a", 1), constant("RED"), address("b", 2), constant("BLUE")},
			Typed: []any{home("a", 1), Red, home("b", 2), Blue}},
	}
}
