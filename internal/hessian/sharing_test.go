package hessian_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dubbofn/dubbofn/internal/hessian"
	"github.com/dubbofn/dubbofn/java"
)

type part struct {
	Label string
	Next  *part
}

type whole struct {
	First  any
	Typed  []*part
	Again  []*part
	Values []part
	ByName map[string]*part
	Same   map[string]*part
}

func TestPointersAndCyclesKeepTheirIdentity(t *testing.T) {
	t.Parallel()
	a := &part{Label: "a"}
	a.Next = &part{Label: "b", Next: a}
	parts := []*part{a, a.Next, a}
	names := map[string]*part{"a": a}
	w := &whole{Typed: parts, Again: parts, ByName: names, Same: names}
	types, _, body := encoded(t, w)
	got, err := decodeAs[*whole](t, types, body)
	if err != nil {
		t.Fatal(err)
	}
	p := got.Typed[0]
	if p.Next.Next != p || got.Typed[1] != p.Next || got.Typed[2] != p || got.ByName["a"] != p {
		t.Error("pointers to one part became pointers to several")
	}
	if &got.Again[0] != &got.Typed[0] {
		t.Error("a list written twice became two")
	}
	got.Same["x"] = p
	if got.ByName["x"] != p {
		t.Error("a map written twice became two")
	}
}

func (part) JavaClassName() string   { return "part" }
func (*whole) JavaClassName() string { return "whole" }

// wholeOf is a whole of which only some fields travel.
func wholeOf(fields ...string) string {
	var def strings.Builder
	fmt.Fprintf(&def, "'C' 05 'whole' 9%d", len(fields))
	for _, f := range fields {
		fmt.Fprintf(&def, " 0%d '%s'", len(f), f)
	}
	return def.String() + " 60 "
}

const defPart = "'C' 04 'part' 92 05 'label' 04 'next' "

func TestAReferenceIsReadAsTheTypeThatItsPlaceHas(t *testing.T) {
	t.Parallel()
	types := hessian.NewTypes()
	// A list seen as any first, then wanted as []*part; and a part seen in it, which is one object all the same.
	got, err := decodeAs[*whole](t, types, bytesOf(t, wholeOf("first", "typed", "again", "values")+
		"7a "+defPart+"61 01 'a' 'N' 61 01 'b' 51 92"+" 51 91  51 91  51 91"))
	if err != nil {
		t.Fatal(err)
	}
	if got.Typed[0].Label != "a" || got.Typed[1].Next != got.Typed[0] {
		t.Errorf("typed: %+v", got.Typed)
	}
	if &got.Again[0] != &got.Typed[0] && got.Again[0] != got.Typed[0] {
		t.Error("the same list a third time has other parts")
	}
	if got.Values[1].Label != "b" || got.Values[1].Next == nil || got.Values[1].Next.Label != "a" {
		t.Errorf("values: %+v", got.Values)
	}
	list := got.First.([]any)
	if o, ok := list[1].(*part); !ok || o.Next != list[0] {
		t.Errorf("dynamic: %#v", list[1])
	}
}

func TestAReferenceForwardIntoAnUnfinishedObjectIsRead(t *testing.T) {
	t.Parallel()
	types := hessian.NewTypes()
	// first, an untyped list, holds the whole itself: seen as any it has to be read ahead of its own end.
	got, err := decodeAs[*whole](t, types, bytesOf(t, wholeOf("first", "typed")+"79 51 90 79 "+defPart+"61 01 'a' 'N'"))
	if err != nil {
		t.Fatal(err)
	}
	if got.First.([]any)[0] != any(got) {
		t.Errorf("first holds %#v", got.First)
	}
	if got.Typed[0].Label != "a" {
		t.Errorf("typed: %+v", got.Typed[0])
	}
}

type shelf struct {
	Skipped any
	Items   []part
}

func TestWhatIsPassedOverCanBeReferredTo(t *testing.T) {
	t.Parallel()
	types := hessian.NewTypes()
	got, err := decodeAs[*shelf](t, types, bytesOf(t, "'C' 05 'shelf' 92 07 'unknown' 05 'items' 60 7a "+defPart+"61 01 'a' 'N' 'H' 01 'k' 72 01 't' 90 91 'Z' 7a 51 92 61 01 'c' 51 92"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]part{{Label: "a"}, {Label: "c", Next: &part{Label: "a"}}}, got.Items); diff != "" {
		t.Error(diff)
	}
}

type tree struct {
	Children []tree
}

func TestAStructThatContainsItselfByValueIsRefused(t *testing.T) {
	t.Parallel()
	_, err := decodeAs[tree](t, hessian.NewTypes(), bytesOf(t, "'C' 04 'tree' 91 08 'children' 60 79 51 90"))
	if err == nil || !strings.Contains(err.Error(), "contains itself, where Go's hessian_test.tree is no pointer") {
		t.Errorf("%v", err)
	}
}

func TestDynamicValuesMayContainThemselves(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"list":       "79 51 90",
		"map":        "'H' 01 'k' 51 90 'Z'",
		"typed list": "71 01 'x' 51 90",
		"typed map":  "'M' 01 'x' 91 51 90 'Z'",
		"object":     "'C' 01 'A' 91 01 'x' 60 51 90",
		"odd keys":   "'H' 78 51 90 'Z'",
	} {
		types := hessian.NewTypes()
		in := bytesOf(t, body)
		var d hessian.Decoder
		d.Reset(types, in, hessian.Limits{})
		v, err := d.Value()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var e hessian.Encoder
		e.Reset(types, nil)
		if err := e.Value(v); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if string(e.Bytes()) != string(in) {
			t.Errorf("%s: written % x, read % x", name, e.Bytes(), in)
		}
	}
}

func TestManySharedPointersKeepTheirNumbers(t *testing.T) {
	t.Parallel()
	list := make([]*part, 5000)
	for i := range list {
		list[i] = &part{Label: "x"}
		if i%3 == 0 {
			list[i] = list[i/2]
		}
		if list[i] == nil || i == 0 {
			list[i] = &part{Label: "y"}
		}
	}
	types, _, body := encoded(t, list)
	got, err := decodeAs[[]*part](t, types, body)
	if err != nil {
		t.Fatal(err)
	}
	first := map[*part]int{}
	for i, p := range list {
		j, seen := first[p]
		if !seen {
			first[p] = i
		} else if got[i] != got[j] {
			t.Fatalf("element %d is no more element %d", i, j)
		}
	}
	distinct := map[*part]bool{}
	for _, p := range got {
		distinct[p] = true
	}
	if len(distinct) != len(first) {
		t.Errorf("%d distinct parts, want %d", len(distinct), len(first))
	}
}

func TestTruncateForgetsWhatItDrops(t *testing.T) {
	t.Parallel()
	types := hessian.NewTypes()
	p, err := types.Register(reflect.TypeFor[*part](), "org.example.test")
	if err != nil {
		t.Fatal(err)
	}
	shared := &part{Label: "s"}
	write := func(e *hessian.Encoder, v any) {
		if err := e.Encode(p, v); err != nil {
			t.Fatal(err)
		}
	}
	var e hessian.Encoder
	e.Reset(types, nil)
	e.String("head")
	n := e.Len()
	write(&e, shared)
	e.MapBegin("org.example.M")
	e.MapEnd()
	if err := e.Value(&java.Object{Class: "X"}); err != nil {
		t.Fatal(err)
	}
	if err := e.Value(func() {}); err == nil {
		t.Fatal("a func was written")
	}
	e.Truncate(n)
	write(&e, &part{Label: "t", Next: shared})
	e.MapBegin("org.example.M")
	e.MapEnd()
	write(&e, shared)
	if err := e.Value(&java.Object{Class: "X"}); err != nil {
		t.Fatal(err)
	}
	var fresh hessian.Encoder
	fresh.Reset(types, nil)
	fresh.String("head")
	write(&fresh, &part{Label: "t", Next: shared})
	fresh.MapBegin("org.example.M")
	fresh.MapEnd()
	write(&fresh, shared)
	if err := fresh.Value(&java.Object{Class: "X"}); err != nil {
		t.Fatal(err)
	}
	if string(e.Bytes()) != string(fresh.Bytes()) {
		t.Errorf("% x\nwant\n% x", e.Bytes(), fresh.Bytes())
	}
}

func TestDeepValuesAreRefusedOnTheWayOut(t *testing.T) {
	t.Parallel()
	types := hessian.NewTypes()
	p, err := types.Register(reflect.TypeFor[*part](), "org.example.test")
	if err != nil {
		t.Fatal(err)
	}
	chain := &part{}
	for range 1_000_000 {
		chain = &part{Next: chain}
	}
	var nested any
	for range 100_000 {
		nested = []any{nested}
	}
	var e hessian.Encoder
	e.Reset(types, nil)
	for name, err := range map[string]error{"pointers": e.Encode(p, chain), "lists": e.Value(nested), "generalize": second(types.Generalize(chain))} {
		var fault *hessian.Error
		if !errors.As(err, &fault) || fault.Kind != hessian.KindLimit || !strings.Contains(err.Error(), "nest deeper than 512") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := p.Realize(types, nested); err == nil {
		t.Error("a list was realized as a struct")
	}
	list, err := types.Plan(reflect.TypeFor[any]())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := list.Realize(types, nested); err == nil || !strings.Contains(err.Error(), "nest deeper") {
		t.Errorf("realize: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }
