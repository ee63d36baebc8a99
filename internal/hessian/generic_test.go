package hessian_test

import (
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dubbofn/dubbofn/internal/hessian"
	"github.com/dubbofn/dubbofn/java"
)

func TestGeneralizeGivesMapsWithClasses(t *testing.T) {
	t.Parallel()
	types := hessian.NewTypes()
	if _, err := types.Register(reflect.TypeFor[*gauge](), "org.example.test"); err != nil {
		t.Fatal(err)
	}
	shared := &part{Label: "s"}
	for _, c := range []struct {
		name     string
		in, want any
	}{
		{"nil", nil, nil}, {"number", int32(5), int32(5)}, {"bytes", []byte{1}, []byte{1}}, {"text", "x", "x"},
		{"enum", WOMAN, "WOMAN"}, {"enums", []Gender{MAN}, []any{"MAN"}}, {"date", java.LocalDate{Year: 2026, Month: 1, Day: 2}, "2026-01-02"},
		{"no date", java.LocalDate{}, nil}, {"time", java.LocalTime{Hour: 1}, "01:00"},
		{"moment", time.UnixMilli(5).UTC(), time.UnixMilli(5).UTC()}, {"big", big.NewInt(7), big.NewInt(7)},
		{"numbers", []int32{1, 2}, []any{int32(1), int32(2)}}, {"nil slice", []string(nil), nil},
		{"set", java.Set[string]{"a": {}}, &java.List{Class: "java.util.HashSet", Items: []any{"a"}}},
		{"map", map[string]Gender{"a": MAN}, &java.Map{Entries: []java.Entry{{Key: "a", Value: "MAN"}}}},
		{"struct", part{Label: "l", Next: shared}, map[any]any{"class": "part", "label": "l", "next": map[any]any{"class": "part", "label": "s", "next": nil}}},
		{"derived", &DubboUser{BaseUser: BaseUser{"i"}, Name: "n"}, map[any]any{"class": "com.ikurento.user.User", "id": "i", "name": "n", "sex": "MAN", "age": int32(0)}},
		{"object", &java.Object{Class: "X", Fields: []java.Field{{Name: "f", Value: WOMAN}}}, map[any]any{"class": "X", "f": "WOMAN"}},
		{"list", &java.List{Class: "java.util.LinkedList", Items: []any{MAN}}, &java.List{Class: "java.util.LinkedList", Items: []any{"MAN"}}},
		{"java map", &java.Map{Class: "java.util.TreeMap", Entries: []java.Entry{{Key: MAN, Value: nil}}}, &java.Map{Class: "java.util.TreeMap", Entries: []java.Entry{{Key: "MAN"}}}},
	} {
		got, err := types.Generalize(c.in)
		if diff := cmp.Diff(c.want, got, meaning); diff != "" || err != nil {
			t.Errorf("%s: %v\n%s", c.name, err, diff)
		}
	}
	cycle := &part{Label: "c"}
	cycle.Next = cycle
	got, err := types.Generalize(cycle)
	if err != nil {
		t.Fatal(err)
	}
	m := got.(map[any]any)
	m["label"] = "changed"
	if next := m["next"].(map[any]any); next["label"] != "changed" {
		t.Error("the cycle is open")
	}
}

func realize[T any](t *testing.T, types *hessian.Types, v any) (T, error) {
	t.Helper()
	var zero T
	p, err := types.Register(reflect.TypeFor[T](), "org.example.test")
	if err != nil {
		t.Fatal(err)
	}
	got, err := p.Realize(types, v)
	if err != nil {
		return zero, err
	}
	return got.(T), nil
}

func realizes[T any](t *testing.T, types *hessian.Types, v any, want T) {
	t.Helper()
	got, err := realize[T](t, types, v)
	if err != nil {
		t.Errorf("%#v as %T: %v", v, want, err)
		return
	}
	if diff := cmp.Diff(want, got, meaning, cmp.AllowUnexported(DubboUser{})); diff != "" {
		t.Errorf("%#v as %T: -want +got:\n%s", v, want, diff)
	}
}

func TestRealizeConvertsWhatFits(t *testing.T) {
	t.Parallel()
	types := hessian.NewTypes()
	realizes(t, types, int32(5), int8(5))
	realizes(t, types, int64(5), int32(5))
	realizes(t, types, 5.0, int64(5))
	realizes(t, types, int32(5), 5.0)
	realizes(t, types, "5", int16(5))
	realizes(t, types, "1.5", float32(1.5))
	realizes(t, types, "true", true)
	realizes(t, types, "x", java.Char('x'))
	realizes(t, types, "xy", []java.Char{'x', 'y'})
	realizes(t, types, nil, int32(0))
	realizes(t, types, nil, (*int32)(nil))
	realizes(t, types, "x", new("x"))
	realizes(t, types, int32(7), new(int64(7)))
	realizes(t, types, []any{int32(1), int32(-1)}, []byte{1, 255})
	realizes(t, types, "WOMAN", WOMAN)
	realizes(t, types, map[any]any{"class": "com.ikurento.user.Gender", "name": "WOMAN"}, WOMAN)
	realizes(t, types, "2026-01-02", java.LocalDate{Year: 2026, Month: 1, Day: 2})
	realizes(t, types, "10:15", java.LocalTime{Hour: 10, Minute: 15})
	realizes(t, types, "10:15:30.5", java.LocalTime{Hour: 10, Minute: 15, Second: 30, Nano: 5e8})
	realizes(t, types, "2026-01-02T10:15", java.LocalDateTime{Date: java.LocalDate{Year: 2026, Month: 1, Day: 2}, Time: java.LocalTime{Hour: 10, Minute: 15}})
	realizes(t, types, "2026-01-02T03:04:05Z", java.Instant{Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)})
	realizes(t, types, int64(5), time.UnixMilli(5).UTC())
	realizes(t, types, int32(5), big.NewInt(5))
	realizes(t, types, "123e4567-e89b-12d3-a456-426614174000", java.UUID{0x12, 0x3e, 0x45, 0x67, 0xe8, 0x9b, 0x12, 0xd3, 0xa4, 0x56, 0x42, 0x66, 0x14, 0x17, 0x40, 0})
	realizes(t, types, []any{"a", nil}, []string{"a", ""})
	realizes(t, types, []int32{1}, []int64{1})
	realizes(t, types, &java.List{Class: "java.util.HashSet", Items: []any{"a"}}, java.Set[string]{"a": {}})
	realizes(t, types, map[any]any{"1": int32(2)}, map[int32]int64{1: 2})
	realizes(t, types, map[string]any{"class": "part", "label": "a", "next": map[string]any{"label": "b"}, "unknown": int32(1)}, &part{Label: "a", Next: &part{Label: "b"}})
	realizes(t, types, &java.Object{Class: "part", Fields: []java.Field{{Name: "label", Value: "o"}}}, part{Label: "o"})
	realizes(t, types, map[any]any{"id": "i", "sex": "WOMAN", "age": "18", "name": nil}, &DubboUser{BaseUser: BaseUser{"i"}, Sex: WOMAN, Aged: 18})
	realizes[any](t, types, []any{map[any]any{"class": "part", "label": "a"}, map[string]any{"k": []any{}}}, []any{&part{Label: "a"}, map[any]any{"k": []any{}}})
	realizes(t, types, map[any]any{"class": "X", "f": int32(1)}, &java.Object{Class: "X", Fields: []java.Field{{Name: "f", Value: int32(1)}}})
	realizes(t, types, []any{"a"}, &java.List{Items: []any{"a"}})
	decimal, _ := realize[*java.BigDecimal](t, types, "1.50")
	realizes(t, types, "1.50", decimal)
	half, _ := realize[*java.BigDecimal](t, types, 0.5)
	realizes(t, types, "0.5", half)
	if decimal.String() != "1.50" {
		t.Errorf("decimal %s", decimal)
	}
}

func TestRealizeKeepsCyclesAndSharing(t *testing.T) {
	t.Parallel()
	types := hessian.NewTypes()
	m := map[any]any{"class": "part", "label": "a"}
	m["next"] = m
	p, err := realize[*part](t, types, m)
	if err != nil || p.Next != p {
		t.Errorf("%+v, %v", p, err)
	}
	list, err := realize[[]*part](t, types, []any{m, m})
	if err != nil || list[0] != list[1] {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestRealizeSaysWhatDoesNotFit(t *testing.T) {
	t.Parallel()
	types := hessian.NewTypes()
	_, small := realize[int8](t, types, int32(300))
	_, text := realize[int32](t, types, "five")
	_, list := realize[[]string](t, types, map[any]any{})
	_, object := realize[*part](t, types, "x")
	_, deep := realize[*whole](t, types, map[any]any{"typed": []any{map[any]any{"label": []any{}}}})
	_, constant := realize[Gender](t, types, "OTHER")
	_, key := realize[map[any]any](t, types, &java.Map{Entries: []java.Entry{{Key: []any{}}}})
	for want, err := range map[string]error{
		"realize: 300 is out of range for byte (-128 to 127)":                  small,
		`realize: "five" is no int`:                                            text,
		"realize: a map where java.util.List is wanted":                        list,
		"realize: a string where part is wanted":                               object,
		"realize: .typed[0].label: a list (tag 0x78) where a string is wanted": deep,
		`"OTHER" is no constant`:                                               constant,
		"a key that Go can't use as one":                                       key,
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestFitsComparesWithJavaDescriptors(t *testing.T) {
	t.Parallel()
	types := hessian.NewTypes()
	for _, c := range []struct {
		rt                 reflect.Type
		exact, loose, none string
	}{
		{reflect.TypeFor[int32](), "I Ljava/lang/Integer;", "S B Ljava/lang/Short; Ljava/lang/Number; Ljava/lang/Object;", "J D Z C Ljava/lang/Long; Ljava/lang/String; [I Lorg/x/P;"},
		{reflect.TypeFor[int](), "J Ljava/lang/Long;", "I S B Ljava/lang/Integer;", "D Z"},
		{reflect.TypeFor[*float64](), "D Ljava/lang/Double;", "F J Ljava/lang/Float;", "Z"},
		{reflect.TypeFor[bool](), "Z Ljava/lang/Boolean;", "Ljava/io/Serializable;", "I"},
		{reflect.TypeFor[java.Char](), "C Ljava/lang/Character;", "", "I Ljava/lang/String;"},
		{reflect.TypeFor[string](), "Ljava/lang/String;", "Ljava/lang/CharSequence; Ljava/lang/Object;", "C I Lorg/x/P; [C V"},
		{reflect.TypeFor[[]byte](), "[B", "Ljava/lang/Object;", "Ljava/util/List; [I [[B"},
		{reflect.TypeFor[[]java.Char](), "[C", "", "[B Ljava/lang/String;"},
		{reflect.TypeFor[[]int32](), "[I [Ljava/lang/Integer; Ljava/util/List;", "[S Ljava/util/Collection; Ljava/lang/Iterable; Ljava/util/ArrayList; Ljava/util/Set; Ljava/util/Queue;", "I [B [J [[I Ljava/util/Map; Lorg/x/P;"},
		{reflect.TypeFor[[][]byte](), "[[B Ljava/util/List;", "", "[B"},
		{reflect.TypeFor[java.Set[string]](), "Ljava/util/Set;", "Ljava/util/HashSet; Ljava/util/Collection; [Ljava/lang/String;", "Ljava/util/List;"},
		{reflect.TypeFor[map[string]int32](), "Ljava/util/Map;", "Ljava/util/HashMap; Ljava/util/concurrent/ConcurrentHashMap; Ljava/util/Properties;", "Ljava/util/List; Lorg/x/P;"},
		{reflect.TypeFor[*part](), "Lpart;", "Lorg/x/Sub; Ljava/lang/Object;", "I Ljava/lang/String; Ljava/util/Map; Ljava/util/List;"},
		{reflect.TypeFor[[]*part](), "[Lpart; Ljava/util/List;", "[Lorg/x/Sub;", "[I"},
		{reflect.TypeFor[Gender](), "Lcom/ikurento/user/Gender;", "Ljava/lang/Object;", "Lorg/x/Other; I"},
		{reflect.TypeFor[time.Time](), "Ljava/util/Date;", "Ljava/sql/Timestamp;", "J Ljava/time/Instant;"},
		{reflect.TypeFor[*java.BigDecimal](), "Ljava/math/BigDecimal;", "Ljava/lang/Number;", "Ljava/math/BigInteger;"},
		{reflect.TypeFor[java.LocalDate](), "Ljava/time/LocalDate;", "Ljava/time/temporal/Temporal;", "Ljava/time/LocalTime;"},
		{reflect.TypeFor[any](), "Ljava/lang/Object;", "I [I Lorg/x/P; Ljava/util/List;", ""},
		{reflect.TypeFor[*java.Object](), "Ljava/lang/Object;", "Lorg/x/P;", "I"},
	} {
		p, err := types.Register(c.rt, "org.example.test")
		if err != nil {
			t.Fatal(err)
		}
		for want, descriptors := range map[hessian.Fit]string{hessian.FitExact: c.exact, hessian.FitLoose: c.loose, hessian.FitNone: c.none} {
			for descriptor := range strings.FieldsSeq(descriptors) {
				if got := p.Fits(descriptor); got != want {
					t.Errorf("%v, %s: %d, want %d", c.rt, descriptor, got, want)
				}
			}
		}
	}
}
