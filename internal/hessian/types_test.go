package hessian_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dubbofn/dubbofn/internal/hessian"
	"github.com/dubbofn/dubbofn/java"
)

// The struct and the enum below are written as dubbo-go-hessian2's documentation shows them.

type Gender int32

const (
	MAN Gender = iota
	WOMAN
)

var (
	genderNames  = map[Gender]string{MAN: "MAN", WOMAN: "WOMAN"}
	genderValues = map[string]Gender{"MAN": MAN, "WOMAN": WOMAN}
)

func (Gender) JavaClassName() string { return "com.ikurento.user.Gender" }

func (g Gender) String() string {
	if s, ok := genderNames[g]; ok {
		return s
	}
	return fmt.Sprint(int32(g))
}

// JavaEnum is the type that the library's own EnumValue returns.
type JavaEnum int32

func (Gender) EnumValue(s string) JavaEnum {
	if v, ok := genderValues[s]; ok {
		return JavaEnum(v)
	}
	return -1
}

type DubboUser struct {
	BaseUser
	Name    string
	Sex     Gender
	Aged    int32 `hessian:"age"`
	private int
}

type BaseUser struct {
	ID string
}

func (u *DubboUser) JavaClassName() string { return "com.ikurento.user.User" }
func (BaseUser) JavaClassName() string     { return "com.ikurento.user.Base" }

func TestTypesWrittenForDubboGoWorkUnchanged(t *testing.T) {
	t.Parallel()
	u := &DubboUser{BaseUser: BaseUser{ID: "A1"}, Name: "n", Sex: WOMAN, Aged: 18}
	types, p, body := encoded(t, u)
	if p.Java() != "com.ikurento.user.User" {
		t.Errorf("class %q", p.Java())
	}
	want := bytesOf(t, "'C' 16 'com.ikurento.user.User' 94 04 'name' 03 'sex' 03 'age' 02 'id' 60 01 'n' 'C' 18 'com.ikurento.user.Gender' 91 04 'name' 61 05 'WOMAN' a2 02 'A1'")
	if string(body) != string(want) {
		t.Errorf("written\n%q, want\n%q", body, want)
	}
	got, err := decodeAs[*DubboUser](t, types, body)
	if err != nil || *got != *u || got.private != 0 {
		t.Errorf("%+v, %v", got, err)
	}
	for range 2 { // the second time from memory
		if g, err := decodeAs[Gender](t, types, bytesOf(t, "05 'WOMAN'")); err != nil || g != WOMAN {
			t.Errorf("by its name: %v, %v", g, err)
		}
	}
	if _, err := decodeAs[Gender](t, types, bytesOf(t, "05 'OTHER'")); err == nil || !strings.Contains(err.Error(), `"OTHER" is no constant of com.ikurento.user.Gender`) {
		t.Errorf("%v", err)
	}
}

type Level uint8

func (Level) JavaClassName() string { return "org.example.Level" }
func (l Level) MarshalText() ([]byte, error) {
	if l > 2 {
		return nil, errors.New("no such level")
	}
	return []byte([]string{"", "LOW", "HIGH"}[l]), nil
}
func (l *Level) UnmarshalText(b []byte) error {
	for i, s := range []string{"", "LOW", "HIGH"} {
		if s == string(b) {
			*l = Level(i)
			return nil
		}
	}
	return errors.New("no such level")
}

type money struct{ text string }

func (m money) MarshalText() ([]byte, error)  { return []byte(m.text), nil }
func (m *money) UnmarshalText(b []byte) error { m.text = string(b); return nil }

func TestTextTypesAreEnumsAndDecimals(t *testing.T) {
	t.Parallel()
	types, _, body := encoded(t, []Level{1, 0, 2})
	if got, err := decodeAs[[]Level](t, types, body); err != nil || !cmp.Equal(got, []Level{1, 0, 2}) {
		t.Errorf("%v, %v", got, err)
	}
	if err := types.Name(reflect.TypeFor[money](), "java.math.BigDecimal"); err != nil {
		t.Fatal(err)
	}
	got, err := decodeAs[money](t, types, bytesOf(t, "'C' 14 'java.math.BigDecimal' 91 05 'value' 60 04 '1.50'"))
	if err != nil || got.text != "1.50" {
		t.Errorf("%v, %v", got, err)
	}
	var e hessian.Encoder
	e.Reset(types, nil)
	if err := e.Value(got); err != nil || !strings.HasSuffix(string(e.Bytes()), "1.50") {
		t.Errorf("%q, %v", e.Bytes(), err)
	}
	for _, v := range []any{money{"NaN"}, Level(7)} {
		if err := e.Value(v); err == nil {
			t.Errorf("%v was written", v)
		}
	}
}

type names struct {
	ID, URLPath, UserID, X string
	Name2                  string `hessian:"other"`
	Left                   string `hessian:"-"`
	_                      string
}

type PtrBase struct{ Kept, Name string }

type derived struct {
	*PtrBase
	Name string
}

func TestFieldNamesAreThoseOfBeans(t *testing.T) {
	t.Parallel()
	_, _, body := encoded(t, names{})
	want := bytesOf(t, "'C' 16 'org.example.test.names' 95 02 'id' 07 'urlPath' 06 'userID' 01 'x' 05 'other' 60 00 00 00 00 00")
	if string(body) != string(want) {
		t.Errorf("%q, want %q", body, want)
	}
	types, _, body := encoded(t, &derived{PtrBase: &PtrBase{Kept: "k", Name: "hidden"}, Name: "own"})
	got, err := decodeAs[*derived](t, types, body)
	if diff := cmp.Diff(&derived{PtrBase: &PtrBase{Kept: "k"}, Name: "own"}, got, cmp.AllowUnexported(derived{})); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	if _, _, body = encoded(t, &derived{Name: "own"}); !strings.HasSuffix(string(body), "\x03own\x00") {
		t.Errorf("without its base: %q", body)
	}
	if got, err := decodeAs[*names](t, types, bytesOf(t, "'C' 01 'n' 91 02 'iD' 60 01 'x'")); err != nil || got.ID != "x" {
		t.Errorf("other capitals: %+v, %v", got, err)
	}
}

type broken struct {
	Ch    chan int
	Deep  []struct{ U uint32 }
	Fn    map[string]func()
	A     string `hessian:"same"`
	B     string `hessian:"same"`
	Array [3]int
	PP    **string
	PS    *[]string
	Err   error
	Odd   oddEnum
}

type oddEnum int

func (oddEnum) JavaClassName() string { return "org.example.Odd" }

func TestAllFaultsOfATypeAreReportedTogether(t *testing.T) {
	t.Parallel()
	types := hessian.NewTypes()
	_, err := types.Register(reflect.TypeFor[*broken](), "org.example")
	if err == nil {
		t.Fatal("registered")
	}
	for _, want := range []string{
		"broken.Ch: chan int: Java has nothing like it",
		"broken.Deep[]: struct { U uint32 }: a struct without a name has no Java class",
		"broken.Deep[].U: uint32: Java has no unsigned numbers; use int64 or *big.Int",
		"broken.Fn{}: func(): Java has nothing like it",
		`broken: two fields are "same" in Java`,
		"broken.Array: [3]int: use a slice",
		"broken.PP: **string: a pointer to what can be nil itself",
		"broken.PS: *[]string: a pointer to what can be nil itself",
		"broken.Err: error: an interface with methods can't be decoded into; use any or a struct",
		"broken.Odd: hessian_test.oddEnum: an enum (org.example.Odd) needs String and EnumValue(string), or MarshalText and UnmarshalText",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("not reported: %s", want)
		}
	}
	if t.Failed() {
		t.Log(err)
	}
	if _, err := types.Plan(reflect.TypeFor[[]string]()); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

type plainStruct struct{ Inner *innerStruct }
type innerStruct struct{ A string }
type otherStruct struct{ A string }

func TestOneTypeHasOneClass(t *testing.T) {
	t.Parallel()
	rt := reflect.TypeFor[*plainStruct]()
	types := hessian.NewTypes()
	if _, err := types.Plan(rt); err == nil || !strings.Contains(err.Error(), "no Java class; give it a method JavaClassName() string") {
		t.Errorf("no package: %v", err)
	}
	p, err := types.Register(rt, "org.a")
	if err != nil || p.Java() != "org.a.plainStruct" {
		t.Fatal(p, err)
	}
	if again, err := types.Plan(rt); err != nil || again != p {
		t.Errorf("a second plan: %v", err)
	}
	_, err = types.Register(rt, "org.b")
	for _, want := range []string{`"org.a.plainStruct" and "org.b.plainStruct"`, `"org.a.innerStruct" and "org.b.innerStruct"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("two packages: %v, want %s", err, want)
		}
	}
	if err := types.Name(reflect.TypeFor[otherStruct](), "org.a.innerStruct"); err != nil {
		t.Fatal(err)
	}
	if _, err := types.Register(reflect.TypeFor[otherStruct](), "org.a"); err == nil || !strings.Contains(err.Error(), `class "org.a.innerStruct" is that of hessian_test.innerStruct already`) {
		t.Errorf("two types: %v", err)
	}
	if err := types.Name(reflect.TypeFor[otherStruct](), "org.a.Second"); err == nil {
		t.Error("a second name was taken")
	}
	if err := types.Name(reflect.TypeFor[plainStruct](), "org.a.Second"); err == nil {
		t.Error("a type in use was named anew")
	}
	if err := types.Name(reflect.TypeFor[names](), "no/class"); err == nil {
		t.Error("no/class was taken for a class name")
	}
}

type page[T any] struct{ Items []T }

func TestInstancesOfAGenericTypeShareOneClass(t *testing.T) {
	t.Parallel()
	types := hessian.NewTypes()
	for _, rt := range []reflect.Type{reflect.TypeFor[*page[string]](), reflect.TypeFor[*page[int32]]()} {
		p, err := types.Register(rt, "org.example")
		if err != nil || p.Java() != "org.example.page" {
			t.Fatal(p, err)
		}
	}
	var d hessian.Decoder
	d.Reset(types, bytesOf(t, "'C' 10 'org.example.page' 91 05 'items' 60 78"), hessian.Limits{})
	if v, err := d.Value(); err != nil || !cmp.Equal(v, any(&java.Object{Class: "org.example.page", Fields: []java.Field{{Name: "items", Value: []any{}}}})) {
		t.Errorf("%#v, %v", v, err)
	}
}

func TestRegisteredClassesAreFoundInDynamicValues(t *testing.T) {
	t.Parallel()
	types := hessian.NewTypes()
	for _, rt := range []reflect.Type{reflect.TypeFor[DubboUser](), reflect.TypeFor[Gender]()} {
		if _, err := types.Register(rt, ""); err != nil {
			t.Fatal(err)
		}
	}
	body := bytesOf(t, "7b 'M' 16 'com.ikurento.user.User' 04 'name' 01 'n' 03 'sex' 05 'WOMAN' 'Z' 'C' 16 'com.ikurento.user.User' 92 04 'name' 02 'zz' 60 01 'n' 'N' 'C' 18 'com.ikurento.user.Gender' 91 04 'name' 61 05 'WOMAN'")
	var d hessian.Decoder
	d.Reset(types, body, hessian.Limits{})
	v, err := d.Value()
	want := []any{&DubboUser{Name: "n", Sex: WOMAN}, &DubboUser{Name: "n"}, WOMAN}
	if diff := cmp.Diff(any(want), v, cmp.AllowUnexported(DubboUser{})); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	d.Reset(types, body, hessian.Limits{})
	v, err = d.Object()
	if err != nil {
		t.Fatal(err)
	}
	list := v.([]any)
	if m, ok := list[0].(*java.Map); !ok || m.Class != "com.ikurento.user.User" {
		t.Errorf("as an object: %#v", list[0])
	}
	for _, o := range list[1:] {
		if _, ok := o.(*java.Object); !ok {
			t.Errorf("as an object: %#v", o)
		}
	}
}

func TestTypesMayBeUsedWhileOthersAreRegistered(t *testing.T) {
	t.Parallel()
	types := hessian.NewTypes()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 50 {
				p, err := types.Register(reflect.TypeFor[*gauge](), "org.example.test")
				if err != nil {
					t.Error(err)
					return
				}
				var e hessian.Encoder
				e.Reset(types, nil)
				if err := e.Encode(p, &gauge{S: "x", Any: java.UUID{byte(i)}}); err != nil {
					t.Error(err)
				}
				var d hessian.Decoder
				d.Reset(types, e.Bytes(), hessian.Limits{})
				if v, err := d.Decode(p); err != nil || v.(*gauge).Any != any(java.UUID{byte(i)}) {
					t.Errorf("%v, %v", v, err)
				}
			}
		})
	}
	wg.Wait()
}

func TestEncodeRefusesAValueOfAnotherType(t *testing.T) {
	t.Parallel()
	types, p, _ := encoded(t, &gauge{})
	var e hessian.Encoder
	e.Reset(types, nil)
	if err := e.Encode(p, gauge{}); err == nil || !strings.Contains(err.Error(), "a hessian_test.gauge where *hessian_test.gauge is wanted") {
		t.Errorf("%v", err)
	}
	if err := e.Encode(p, nil); err != nil || string(e.Bytes()) != "N" {
		t.Errorf("%q, %v", e.Bytes(), err)
	}
	if err := e.Encode(p, (*gauge)(nil)); err != nil || string(e.Bytes()) != "NN" {
		t.Errorf("%q, %v", e.Bytes(), err)
	}
	if err := e.Encode(p, &gauge{Any: []any{make(chan int)}}); err == nil || !strings.Contains(err.Error(), "encode: gauge.any[0]: chan int: Java has nothing like it") {
		t.Errorf("%v", err)
	}
}
