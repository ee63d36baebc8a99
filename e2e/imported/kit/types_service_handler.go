package kit

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/java"
)

// TypesServiceHandler implements TypesService. What import made of it said of each method that it was not implemented; this is what was filled in.
type TypesServiceHandler struct {
	Name string // what whoami answers
}

// EchoBoolean is echoBoolean of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) EchoBoolean(_ context.Context, v bool) (bool, error) {
	return v, nil
}

// EchoByte is echoByte of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) EchoByte(_ context.Context, v int8) (int8, error) {
	return v, nil
}

// EchoShort is echoShort of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) EchoShort(_ context.Context, v int16) (int16, error) {
	return v, nil
}

// EchoChar is echoChar of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) EchoChar(_ context.Context, v java.Char) (java.Char, error) {
	return v, nil
}

// EchoInt is echoInt of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) EchoInt(_ context.Context, v int32) (int32, error) {
	return v, nil
}

// EchoLong is echoLong of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) EchoLong(_ context.Context, v int64) (int64, error) {
	return v, nil
}

// EchoFloat is echoFloat of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) EchoFloat(_ context.Context, v float32) (float32, error) {
	return v, nil
}

// EchoDouble is echoDouble of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) EchoDouble(_ context.Context, v float64) (float64, error) {
	return v, nil
}

// BoxBoolean is boxBoolean of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) BoxBoolean(_ context.Context, v *bool) (*bool, error) {
	return v, nil
}

// BoxByte is boxByte of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) BoxByte(_ context.Context, v *int8) (*int8, error) {
	return v, nil
}

// BoxShort is boxShort of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) BoxShort(_ context.Context, v *int16) (*int16, error) {
	return v, nil
}

// BoxChar is boxChar of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) BoxChar(_ context.Context, v *java.Char) (*java.Char, error) {
	return v, nil
}

// BoxInt is boxInt of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) BoxInt(_ context.Context, v *int32) (*int32, error) {
	return v, nil
}

// BoxLong is boxLong of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) BoxLong(_ context.Context, v *int64) (*int64, error) {
	return v, nil
}

// BoxFloat is boxFloat of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) BoxFloat(_ context.Context, v *float32) (*float32, error) {
	return v, nil
}

// BoxDouble is boxDouble of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) BoxDouble(_ context.Context, v *float64) (*float64, error) {
	return v, nil
}

// EchoString is echoString of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) EchoString(_ context.Context, v *string) (*string, error) {
	return v, nil
}

// EchoBytes is echoBytes of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) EchoBytes(_ context.Context, v []byte) ([]byte, error) {
	return v, nil
}

// EchoBigDecimal is echoBigDecimal of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) EchoBigDecimal(_ context.Context, v *java.BigDecimal) (*java.BigDecimal, error) {
	return v, nil
}

// EchoBigInteger is echoBigInteger of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) EchoBigInteger(_ context.Context, v *big.Int) (*big.Int, error) {
	return v, nil
}

// EchoDate is echoDate of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) EchoDate(_ context.Context, v *time.Time) (*time.Time, error) {
	return v, nil
}

// EchoLocalDate is echoLocalDate of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) EchoLocalDate(_ context.Context, v *java.LocalDate) (*java.LocalDate, error) {
	return v, nil
}

// EchoLocalTime is echoLocalTime of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) EchoLocalTime(_ context.Context, v *java.LocalTime) (*java.LocalTime, error) {
	return v, nil
}

// EchoLocalDateTime is echoLocalDateTime of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) EchoLocalDateTime(_ context.Context, v *java.LocalDateTime) (*java.LocalDateTime, error) {
	return v, nil
}

// EchoInstant is echoInstant of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) EchoInstant(_ context.Context, v *java.Instant) (*java.Instant, error) {
	return v, nil
}

// EchoDuration is echoDuration of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) EchoDuration(_ context.Context, v *time.Duration) (*time.Duration, error) {
	return v, nil
}

// EchoZonedDateTime is echoZonedDateTime of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) EchoZonedDateTime(_ context.Context, v *java.ZonedDateTime) (*java.ZonedDateTime, error) {
	return v, nil
}

// EchoEnum is echoEnum of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) EchoEnum(_ context.Context, v Color) (Color, error) {
	return v, nil
}

// EchoPerson is echoPerson of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) EchoPerson(_ context.Context, v *Person) (*Person, error) {
	return v, nil
}

// EchoNode is echoNode of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) EchoNode(_ context.Context, v *Node) (*Node, error) {
	return v, nil
}

// EchoPersons is echoPersons of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) EchoPersons(_ context.Context, v []*Person) ([]*Person, error) {
	return v, nil
}

// EchoPersonMap is echoPersonMap of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) EchoPersonMap(_ context.Context, v map[string]*Person) (map[string]*Person, error) {
	return v, nil
}

// EchoIntMap is echoIntMap of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) EchoIntMap(_ context.Context, v map[int32]*string) (map[int32]*string, error) {
	return v, nil
}

// EchoSet is echoSet of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) EchoSet(_ context.Context, v java.Set[string]) (java.Set[string], error) {
	return v, nil
}

// EchoMixed is echoMixed of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) EchoMixed(_ context.Context, v []any) ([]any, error) {
	return v, nil
}

// EchoInts is echoInts of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) EchoInts(_ context.Context, v []int32) ([]int32, error) {
	return v, nil
}

// EchoLongs is echoLongs of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) EchoLongs(_ context.Context, v []int64) ([]int64, error) {
	return v, nil
}

// EchoShorts is echoShorts of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) EchoShorts(_ context.Context, v []int16) ([]int16, error) {
	return v, nil
}

// EchoBooleans is echoBooleans of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) EchoBooleans(_ context.Context, v []bool) ([]bool, error) {
	return v, nil
}

// EchoFloats is echoFloats of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) EchoFloats(_ context.Context, v []float32) ([]float32, error) {
	return v, nil
}

// EchoDoubles is echoDoubles of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) EchoDoubles(_ context.Context, v []float64) ([]float64, error) {
	return v, nil
}

// EchoChars is echoChars of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) EchoChars(_ context.Context, v []java.Char) ([]java.Char, error) {
	return v, nil
}

// EchoStrings is echoStrings of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) EchoStrings(_ context.Context, v []*string) ([]*string, error) {
	return v, nil
}

// EchoPersonArray is echoPersonArray of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) EchoPersonArray(_ context.Context, v []*Person) ([]*Person, error) {
	return v, nil
}

// EchoMatrix is echoMatrix of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) EchoMatrix(_ context.Context, v [][]int32) ([][]int32, error) {
	return v, nil
}

// EchoObject is echoObject of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) EchoObject(_ context.Context, v any) (any, error) {
	return v, nil
}

// Describe is describe of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) Describe(_ context.Context, v *Person) (*string, error) {
	return new(fmt.Sprintf("%s:%d:%s:%s:%d", text(v.Name), v.Age, v.Home.text(), v.Favourite.text(), v.ID)), nil
}

// Birthday is birthday of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) Birthday(_ context.Context, v *Person) (*Person, error) {
	v.Age++
	v.ID++
	v.Name = new(text(v.Name) + "!")
	return v, nil
}

// NextDay is nextDay of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) NextDay(_ context.Context, v *time.Time) (*time.Time, error) {
	return new(v.Add(24 * time.Hour)), nil
}

// Twice is twice of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) Twice(_ context.Context, v *java.BigDecimal) (*java.BigDecimal, error) {
	sum := v.Unscaled()
	return java.NewBigDecimal(sum.Add(sum, sum), v.Scale()), nil
}

// Utf16Length is utf16Length of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) Utf16Length(_ context.Context, v *string) (int32, error) {
	return int32(len(utf16.Encode([]rune(text(v))))), nil
}

// Sum is sum of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) Sum(_ context.Context, v []int32) (int64, error) {
	var sum int64
	for _, i := range v {
		sum += int64(i)
	}
	return sum, nil
}

// Walk is walk of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) Walk(_ context.Context, v *Node, n int32) (*string, error) {
	var labels []string
	for ; v != nil && n > 0; v, n = v.Next, n-1 {
		labels = append(labels, text(v.Label))
	}
	return new(strings.Join(labels, ">")), nil
}

// Join is join of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) Join(_ context.Context, a *string, b int32, c int64, d bool, e float64, f Color, g []*string) (*string, error) {
	return new(fmt.Sprintf("%s|%d|%d|%t|%s|%s|%s", text(a), b, c, d, strconv.FormatFloat(e, 'f', -1, 64), f.text(), joined(g, ","))), nil
}

// Nothing is nothing of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) Nothing(_ context.Context, key *string) error {
	last.Store(new(text(key)))
	return nil
}

// LastKey is lastKey of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) LastKey(_ context.Context) (*string, error) {
	return last.Load(), nil
}

// OneWay is oneWay of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) OneWay(_ context.Context, key *string) error {
	last.Store(new(text(key)))
	return nil
}

// OverString is over of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) OverString(_ context.Context, v *string) (*string, error) {
	return new("string:" + text(v)), nil
}

// OverInt is over of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) OverInt(_ context.Context, v int32) (*string, error) {
	return new(fmt.Sprintf("int:%d", v)), nil
}

// OverStringInt is over of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) OverStringInt(_ context.Context, v *string, n int32) (*string, error) {
	return new(fmt.Sprintf("string,int:%s,%d", text(v), n)), nil
}

// OverPerson is over of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) OverPerson(_ context.Context, v *Person) (*string, error) {
	return new("person:" + text(v.Name)), nil
}

// OverList is over of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) OverList(_ context.Context, v []*string) (*string, error) {
	return new(fmt.Sprintf("list:%d", len(v))), nil
}

// FailChecked is failChecked of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) FailChecked(_ context.Context, code int32, message *string) (*string, error) {
	return nil, &BizException{Code: code, DetailMessage: text(message)}
}

// FailRuntime is failRuntime of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) FailRuntime(_ context.Context, message *string) (*string, error) {
	return nil, errors.New(text(message))
}

// Async is async of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) Async(ctx context.Context, v *string) (*string, error) {
	return new("async:" + text(v)), pause(ctx, 50*time.Millisecond)
}

// Sleep is sleep of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) Sleep(ctx context.Context, millis int64) (*string, error) {
	return new(fmt.Sprintf("slept:%d", millis)), pause(ctx, time.Duration(millis)*time.Millisecond)
}

// Attach is attach of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) Attach(ctx context.Context, key *string) (*string, error) {
	inv := invoker.FromContext(ctx)
	value := "null"
	if v, ok := inv.Attachments.Value(text(key)); ok && v != nil {
		value = fmt.Sprint(v)
	}
	inv.Reply.Set("resp-"+text(key), "pong-"+value)
	inv.Reply.Set("provider", h.Name)
	return &value, nil
}

// AttachObject is attachObject of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) AttachObject(ctx context.Context, key *string) (*string, error) {
	switch v, _ := invoker.FromContext(ctx).Attachments.Value(text(key)); v := v.(type) {
	case nil:
		return new("null"), nil
	case int32:
		return new(fmt.Sprintf("Integer:%d", v)), nil
	case int64:
		return new(fmt.Sprintf("Long:%d", v)), nil
	case string:
		return new("String:" + v), nil
	case bool:
		return new(fmt.Sprintf("Boolean:%t", v)), nil
	case float64:
		return new(fmt.Sprintf("Double:%v", v)), nil
	default:
		return new(fmt.Sprintf("%T:%[1]v", v)), nil
	}
}

// Whoami is whoami of org.fixture.dubbo.TypesService.
func (h *TypesServiceHandler) Whoami(_ context.Context) (*string, error) {
	return new(h.Name), nil
}
