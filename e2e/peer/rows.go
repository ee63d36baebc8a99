package main

import (
	"context"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"time"

	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/java"
)

// rows is the kit's RowsService: what docs/types.md and the rules for errors need beyond TypesService.
type rows struct {
	echoes
	mu    sync.Mutex
	calls map[string]int32
}

// echoes holds the methods that give back what they get.
type echoes struct{}

func rowsService() *fn.Service {
	return fn.NewService("org.fixture.dubbo.RowsService",
		fn.Class[Color]("org.fixture.dubbo.Color", Red, Green, Blue),
		fn.Class[Page[*Person]]("org.fixture.dubbo.Page"),
		fn.Class[Circle]("org.fixture.dubbo.Circle"),
		fn.Class[Square]("org.fixture.dubbo.Square"),
		fn.Throws[*OrderException](),
		fn.Throws[*BizException](),
		fn.Struct(&rows{calls: map[string]int32{}}, fn.Rename("EchoUUID", "echoUuid")))
}

func (echoes) EchoUUID(v *java.UUID) (*java.UUID, error)                               { return v, nil }
func (echoes) EchoLocale(v *java.Locale) (*java.Locale, error)                         { return v, nil }
func (echoes) EchoOffsetDateTime(v *java.OffsetDateTime) (*java.OffsetDateTime, error) { return v, nil }
func (echoes) EchoOffsetTime(v *java.OffsetTime) (*java.OffsetTime, error)             { return v, nil }
func (echoes) EchoYear(v *java.Year) (*java.Year, error)                               { return v, nil }
func (echoes) EchoYearMonth(v *java.YearMonth) (*java.YearMonth, error)                { return v, nil }
func (echoes) EchoMonthDay(v *java.MonthDay) (*java.MonthDay, error)                   { return v, nil }
func (echoes) EchoPeriod(v *java.Period) (*java.Period, error)                         { return v, nil }

func (echoes) EchoText(v *string) (*string, error) { return v, nil }

// PlainText shows that a string reads null as empty.
func (echoes) PlainText(v string) (string, error) { return v, nil }

func (echoes) EchoNulls(v *Nulls) (*Nulls, error)                                 { return v, nil }
func (echoes) EchoPage(v *Page[*Person]) (*Page[*Person], error)                  { return v, nil }
func (echoes) EchoShape(v any) (any, error)                                       { return v, nil }
func (echoes) EchoShapes(v []any) ([]any, error)                                  { return v, nil }
func (echoes) EchoGroups(v [][]*Person) ([][]*Person, error)                      { return v, nil }
func (echoes) EchoPersonSet(v java.Set[*Person]) (java.Set[*Person], error)       { return v, nil }
func (echoes) EchoCollection(v []*string) ([]*string, error)                      { return v, nil }
func (echoes) EchoNested(v nested) (nested, error)                                { return v, nil }
func (echoes) EchoByColor(v map[Color]*int32) (map[Color]*int32, error)           { return v, nil }
func (echoes) EchoPersonLists(v map[int64][]*Person) (map[int64][]*Person, error) { return v, nil }
func (echoes) EchoRecords(v []map[string]any) ([]map[string]any, error)           { return v, nil }
func (echoes) EchoIntegerList(v []*int32) ([]*int32, error)                       { return v, nil }
func (echoes) EchoTextList(v []*string) ([]*string, error)                        { return v, nil }
func (echoes) EchoColorList(v []Color) ([]Color, error)                           { return v, nil }
func (echoes) EchoDecimals(v []*java.BigDecimal) ([]*java.BigDecimal, error)      { return v, nil }
func (echoes) EchoColors(v []Color) ([]Color, error)                              { return v, nil }
func (echoes) EchoIntegers(v []*int32) ([]*int32, error)                          { return v, nil }
func (echoes) EchoTextMatrix(v [][]*string) ([][]*string, error)                  { return v, nil }
func (echoes) EchoByteMatrix(v [][]byte) ([][]byte, error)                        { return v, nil }
func (echoes) EchoDates(v []*time.Time) ([]*time.Time, error)                     { return v, nil }
func (echoes) EchoTeam(v []*Person) ([]*Person, error)                            { return v, nil }
func (echoes) EchoObjects(v []any) ([]any, error)                                 { return v, nil }
func (echoes) EchoAny(v any) (any, error)                                         { return v, nil }
func (echoes) Later(ctx context.Context, v *Person) (*Person, error) {
	return v, pause(ctx, time.Millisecond)
}
func (echoes) Join(parts ...string) (string, error) { return strings.Join(parts, "+"), nil }

// Made gives the value that the kit's Samples.everything() has.
func (*rows) Made() (*Everything, error) { return everything(), nil }

// Differences names the fields in which v is not that value.
func (*rows) Differences(v *Everything) ([]string, error) { return differences(everything(), v), nil }

// FailOrder fails with a business exception that has fields, a cause, and a cause of the cause.
func (*rows) FailOrder(code int32) (string, error) {
	return "", &OrderException{
		Code: code, Reasons: []*string{new("a"), nil, new("世")}, Culprit: person(3), message: "no stock 😀",
		cause: &invoker.Exception{Class: "java.lang.IllegalStateException", Message: "stock -1",
			Cause: &invoker.Exception{Class: "java.lang.IllegalArgumentException", Message: "negative"}},
	}
}

// FailArgument fails with an exception of the JDK's.
func (*rows) FailArgument(message string) (string, error) {
	return "", &invoker.Exception{Class: "java.lang.IllegalArgumentException", Message: message}
}

// Crash panics, as a fault in a function would.
func (*rows) Crash(message string) (string, error) { panic(message) }

// FailCounted counts the call, then fails in one of three ways.
func (r *rows) FailCounted(key, how string) (string, error) {
	r.mu.Lock()
	r.calls[key]++
	r.mu.Unlock()
	switch how {
	case "business":
		return "", &BizException{Code: 1, Reason: how}
	case "crash":
		panic(how)
	}
	return "", fmt.Errorf("counted: %s", how)
}

// Count tells how often FailCounted was called with a key.
func (r *rows) Count(key string) (int32, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.calls[key], nil
}

// TimeLeft is the time until the call's deadline.
func (*rows) TimeLeft(ctx context.Context) (int64, error) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return -1, nil
	}
	return time.Until(deadline).Milliseconds(), nil
}

// Caller is the application that calls.
func (*rows) Caller(ctx context.Context) (string, error) {
	return invoker.FromContext(ctx).Caller.Application, nil
}

// decimal reads a literal of this program's own.
func decimal(s string) *java.BigDecimal {
	d, err := java.ParseBigDecimal(s)
	if err != nil {
		panic(err)
	}
	return d
}

// power is ten to the nth.
func power(n int64) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(n), nil) }
