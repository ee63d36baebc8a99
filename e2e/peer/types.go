package main

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf16"

	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/java"
)

// Types is the kit's TypesService. Exported, so that linters don't miss callers of what only reflection calls. Methods whose names begin with Over are the overloads of one Java method.
type Types struct {
	Values
	name string
}

// Values holds the methods that give back what they get.
type Values struct{}

// last is the key that nothing or oneWay got, of both services, as the kit's own provider has it.
var last atomic.Pointer[string]

func typesService(name string, parts ...fn.Option) *fn.Service {
	last.Store(new(string))
	parts = append(parts,
		fn.Class[Color]("org.fixture.dubbo.Color", Red, Green, Blue),
		fn.Struct(&Types{name: name},
			fn.Rename("OverString", "over"),
			fn.Rename("OverInt", "over"),
			fn.Rename("OverStringInt", "over"),
			fn.Rename("OverPerson", "over"),
			fn.Rename("OverList", "over"),
			fn.Rename("FailChecked", "failChecked", fn.Throws[*BizException]()),
		))
	return fn.NewService("org.fixture.dubbo.TypesService", parts...)
}

func (Values) EchoBoolean(v bool) (bool, error)        { return v, nil }
func (Values) EchoByte(v int8) (int8, error)           { return v, nil }
func (Values) EchoShort(v int16) (int16, error)        { return v, nil }
func (Values) EchoChar(v java.Char) (java.Char, error) { return v, nil }
func (Values) EchoInt(v int32) (int32, error)          { return v, nil }
func (Values) EchoLong(v int64) (int64, error)         { return v, nil }
func (Values) EchoFloat(v float32) (float32, error)    { return v, nil }
func (Values) EchoDouble(v float64) (float64, error)   { return v, nil }

func (Values) BoxBoolean(v *bool) (*bool, error)        { return v, nil }
func (Values) BoxByte(v *int8) (*int8, error)           { return v, nil }
func (Values) BoxShort(v *int16) (*int16, error)        { return v, nil }
func (Values) BoxChar(v *java.Char) (*java.Char, error) { return v, nil }
func (Values) BoxInt(v *int32) (*int32, error)          { return v, nil }
func (Values) BoxLong(v *int64) (*int64, error)         { return v, nil }
func (Values) BoxFloat(v *float32) (*float32, error)    { return v, nil }
func (Values) BoxDouble(v *float64) (*float64, error)   { return v, nil }

func (Values) EchoString(v *string) (*string, error)                       { return v, nil }
func (Values) EchoBytes(v []byte) ([]byte, error)                          { return v, nil }
func (Values) EchoBigDecimal(v *java.BigDecimal) (*java.BigDecimal, error) { return v, nil }
func (Values) EchoBigInteger(v *big.Int) (*big.Int, error)                 { return v, nil }

func (Values) EchoDate(v *time.Time) (*time.Time, error)                            { return v, nil }
func (Values) EchoLocalDate(v *java.LocalDate) (*java.LocalDate, error)             { return v, nil }
func (Values) EchoLocalTime(v *java.LocalTime) (*java.LocalTime, error)             { return v, nil }
func (Values) EchoLocalDateTime(v *java.LocalDateTime) (*java.LocalDateTime, error) { return v, nil }
func (Values) EchoInstant(v *java.Instant) (*java.Instant, error)                   { return v, nil }
func (Values) EchoDuration(v *time.Duration) (*time.Duration, error)                { return v, nil }
func (Values) EchoZonedDateTime(v *java.ZonedDateTime) (*java.ZonedDateTime, error) { return v, nil }

func (Values) EchoEnum(v Color) (Color, error)       { return v, nil }
func (Values) EchoPerson(v *Person) (*Person, error) { return v, nil }
func (Values) EchoNode(v *Node) (*Node, error)       { return v, nil }

func (Values) EchoPersons(v []*Person) ([]*Person, error)                     { return v, nil }
func (Values) EchoPersonMap(v map[string]*Person) (map[string]*Person, error) { return v, nil }
func (Values) EchoIntMap(v map[int32]string) (map[int32]string, error)        { return v, nil }
func (Values) EchoSet(v java.Set[string]) (java.Set[string], error)           { return v, nil }
func (Values) EchoMixed(v []any) ([]any, error)                               { return v, nil }
func (Values) EchoInts(v []int32) ([]int32, error)                            { return v, nil }
func (Values) EchoLongs(v []int64) ([]int64, error)                           { return v, nil }
func (Values) EchoShorts(v []int16) ([]int16, error)                          { return v, nil }
func (Values) EchoBooleans(v []bool) ([]bool, error)                          { return v, nil }
func (Values) EchoFloats(v []float32) ([]float32, error)                      { return v, nil }
func (Values) EchoDoubles(v []float64) ([]float64, error)                     { return v, nil }
func (Values) EchoChars(v []java.Char) ([]java.Char, error)                   { return v, nil }
func (Values) EchoStrings(v []*string) ([]*string, error)                     { return v, nil }
func (Values) EchoPersonArray(v []*Person) ([]*Person, error)                 { return v, nil }
func (Values) EchoMatrix(v [][]int32) ([][]int32, error)                      { return v, nil }
func (Values) EchoObject(v any) (any, error)                                  { return v, nil }

// Describe shows that the fields have been read, inherited ones too.
func (*Types) Describe(p *Person) (string, error) {
	return fmt.Sprintf("%s:%d:%s:%s:%d", text(p.Name), p.Age, p.Home.text(), p.Favourite.text(), p.ID), nil
}

func (*Types) Birthday(p *Person) (*Person, error) {
	name := text(p.Name) + "!"
	p.Age++
	p.ID++
	p.Name = &name
	return p, nil
}

func (*Types) NextDay(v time.Time) (time.Time, error) { return v.Add(24 * time.Hour), nil }

func (*Types) Twice(v *java.BigDecimal) (*java.BigDecimal, error) {
	sum := v.Unscaled()
	return java.NewBigDecimal(sum.Add(sum, sum), v.Scale()), nil
}

// Utf16Length counts as Java does.
func (*Types) Utf16Length(v string) (int32, error) { return int32(len(utf16.Encode([]rune(v)))), nil }

// Sum takes an int[], which may be a variadic parameter.
func (*Types) Sum(v ...int32) (int64, error) {
	var sum int64
	for _, i := range v {
		sum += int64(i)
	}
	return sum, nil
}

// Walk joins up to n labels, however the nodes are linked.
func (*Types) Walk(v *Node, n int32) (string, error) {
	var labels []string
	for ; v != nil && n > 0; v, n = v.Next, n-1 {
		labels = append(labels, text(v.Label))
	}
	return strings.Join(labels, ">"), nil
}

func (*Types) Join(a string, b int32, c int64, d bool, e float64, f Color, g []string) (string, error) {
	return fmt.Sprintf("%s|%d|%d|%t|%s|%s|%s", a, b, c, d, strconv.FormatFloat(e, 'f', -1, 64), f.text(), strings.Join(g, ",")), nil
}

func (*Types) Nothing(key string) error {
	last.Store(&key)
	return nil
}

func (*Types) OneWay(key string) error {
	last.Store(&key)
	return nil
}

func (*Types) LastKey() (string, error) { return *last.Load(), nil }

func (*Types) OverString(v string) (string, error)  { return "string:" + v, nil }
func (*Types) OverInt(v int32) (string, error)      { return fmt.Sprintf("int:%d", v), nil }
func (*Types) OverPerson(v *Person) (string, error) { return "person:" + text(v.Name), nil }
func (*Types) OverList(v []string) (string, error)  { return fmt.Sprintf("list:%d", len(v)), nil }
func (*Types) OverStringInt(v string, n int32) (string, error) {
	return fmt.Sprintf("string,int:%s,%d", v, n), nil
}

func (*Types) FailChecked(code int32, message string) (string, error) {
	return "", &BizException{Code: code, Reason: message}
}

func (*Types) FailRuntime(message string) (string, error) { return "", errors.New(message) }

func (*Types) Async(ctx context.Context, v string) (string, error) {
	return "async:" + v, pause(ctx, 50*time.Millisecond)
}

func (*Types) Sleep(ctx context.Context, millis int64) (string, error) {
	return fmt.Sprintf("slept:%d", millis), pause(ctx, time.Duration(millis)*time.Millisecond)
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Attach tells an attachment of the request and sends two with the answer.
func (t *Types) Attach(ctx context.Context, key string) (string, error) {
	inv := invoker.FromContext(ctx)
	value := "null"
	if v, ok := inv.Attachments.Value(key); ok && v != nil {
		value = fmt.Sprint(v)
	}
	inv.Reply.Set("resp-"+key, "pong-"+value)
	inv.Reply.Set("provider", t.name)
	return value, nil
}

// AttachObject tells the Java class and the value of an attachment.
func (*Types) AttachObject(ctx context.Context, key string) (string, error) {
	v, _ := invoker.FromContext(ctx).Attachments.Value(key)
	class := map[string]string{"int32": "Integer", "int64": "Long", "string": "String", "bool": "Boolean", "float64": "Double"}
	switch name := fmt.Sprintf("%T", v); {
	case v == nil:
		return "null", nil
	case class[name] != "":
		return fmt.Sprintf("%s:%v", class[name], v), nil
	default:
		return fmt.Sprintf("%s:%v", name, v), nil
	}
}

func (t *Types) Whoami() (string, error) { return t.name, nil }
