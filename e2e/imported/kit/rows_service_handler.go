package kit

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/java"
)

// RowsServiceHandler implements RowsService. What import made of it said of each method that it was not implemented; this is what was filled in.
type RowsServiceHandler struct {
	mu    sync.Mutex
	calls map[string]int32
}

// Made is made of org.fixture.dubbo.RowsService.
func (h *RowsServiceHandler) Made(_ context.Context) (*Everything, error) {
	return everything(), nil
}

// Differences is differences of org.fixture.dubbo.RowsService.
func (h *RowsServiceHandler) Differences(_ context.Context, v *Everything) ([]*string, error) {
	return differences(everything(), v), nil
}

// EchoUUID is echoUuid of org.fixture.dubbo.RowsService.
func (h *RowsServiceHandler) EchoUUID(_ context.Context, v *java.UUID) (*java.UUID, error) {
	return v, nil
}

// EchoLocale is echoLocale of org.fixture.dubbo.RowsService.
func (h *RowsServiceHandler) EchoLocale(_ context.Context, v *java.Locale) (*java.Locale, error) {
	return v, nil
}

// EchoOffsetDateTime is echoOffsetDateTime of org.fixture.dubbo.RowsService.
func (h *RowsServiceHandler) EchoOffsetDateTime(_ context.Context, v *java.OffsetDateTime) (*java.OffsetDateTime, error) {
	return v, nil
}

// EchoOffsetTime is echoOffsetTime of org.fixture.dubbo.RowsService.
func (h *RowsServiceHandler) EchoOffsetTime(_ context.Context, v *java.OffsetTime) (*java.OffsetTime, error) {
	return v, nil
}

// EchoYear is echoYear of org.fixture.dubbo.RowsService.
func (h *RowsServiceHandler) EchoYear(_ context.Context, v *java.Year) (*java.Year, error) {
	return v, nil
}

// EchoYearMonth is echoYearMonth of org.fixture.dubbo.RowsService.
func (h *RowsServiceHandler) EchoYearMonth(_ context.Context, v *java.YearMonth) (*java.YearMonth, error) {
	return v, nil
}

// EchoMonthDay is echoMonthDay of org.fixture.dubbo.RowsService.
func (h *RowsServiceHandler) EchoMonthDay(_ context.Context, v *java.MonthDay) (*java.MonthDay, error) {
	return v, nil
}

// EchoPeriod is echoPeriod of org.fixture.dubbo.RowsService.
func (h *RowsServiceHandler) EchoPeriod(_ context.Context, v *java.Period) (*java.Period, error) {
	return v, nil
}

// EchoText is echoText of org.fixture.dubbo.RowsService.
func (h *RowsServiceHandler) EchoText(_ context.Context, v *string) (*string, error) {
	return v, nil
}

// PlainText is plainText of org.fixture.dubbo.RowsService.
func (h *RowsServiceHandler) PlainText(_ context.Context, v *string) (*string, error) {
	return new(plain(v)), nil
}

// EchoNulls is echoNulls of org.fixture.dubbo.RowsService.
func (h *RowsServiceHandler) EchoNulls(_ context.Context, v *Nulls) (*Nulls, error) {
	return v, nil
}

// EchoPage is echoPage of org.fixture.dubbo.RowsService.
func (h *RowsServiceHandler) EchoPage(_ context.Context, v *Page[*Person]) (*Page[*Person], error) {
	return v, nil
}

// EchoShape is echoShape of org.fixture.dubbo.RowsService.
func (h *RowsServiceHandler) EchoShape(_ context.Context, v Shape) (Shape, error) {
	return v, nil
}

// EchoShapes is echoShapes of org.fixture.dubbo.RowsService.
func (h *RowsServiceHandler) EchoShapes(_ context.Context, v []Shape) ([]Shape, error) {
	return v, nil
}

// EchoGroups is echoGroups of org.fixture.dubbo.RowsService.
func (h *RowsServiceHandler) EchoGroups(_ context.Context, v [][]*Person) ([][]*Person, error) {
	return v, nil
}

// EchoPersonSet is echoPersonSet of org.fixture.dubbo.RowsService.
func (h *RowsServiceHandler) EchoPersonSet(_ context.Context, v java.Set[*Person]) (java.Set[*Person], error) {
	return v, nil
}

// EchoCollection is echoCollection of org.fixture.dubbo.RowsService.
func (h *RowsServiceHandler) EchoCollection(_ context.Context, v []*string) ([]*string, error) {
	return v, nil
}

// EchoNested is echoNested of org.fixture.dubbo.RowsService.
func (h *RowsServiceHandler) EchoNested(_ context.Context, v map[string]map[string][]*int32) (map[string]map[string][]*int32, error) {
	return v, nil
}

// EchoByColor is echoByColor of org.fixture.dubbo.RowsService.
func (h *RowsServiceHandler) EchoByColor(_ context.Context, v map[Color]*int32) (map[Color]*int32, error) {
	return v, nil
}

// EchoPersonLists is echoPersonLists of org.fixture.dubbo.RowsService.
func (h *RowsServiceHandler) EchoPersonLists(_ context.Context, v map[int64][]*Person) (map[int64][]*Person, error) {
	return v, nil
}

// EchoRecords is echoRecords of org.fixture.dubbo.RowsService.
func (h *RowsServiceHandler) EchoRecords(_ context.Context, v []map[string]any) ([]map[string]any, error) {
	return v, nil
}

// EchoIntegerList is echoIntegerList of org.fixture.dubbo.RowsService.
func (h *RowsServiceHandler) EchoIntegerList(_ context.Context, v []*int32) ([]*int32, error) {
	return v, nil
}

// EchoTextList is echoTextList of org.fixture.dubbo.RowsService.
func (h *RowsServiceHandler) EchoTextList(_ context.Context, v []*string) ([]*string, error) {
	return v, nil
}

// EchoColorList is echoColorList of org.fixture.dubbo.RowsService.
func (h *RowsServiceHandler) EchoColorList(_ context.Context, v []Color) ([]Color, error) {
	return v, nil
}

// EchoDecimals is echoDecimals of org.fixture.dubbo.RowsService.
func (h *RowsServiceHandler) EchoDecimals(_ context.Context, v []*java.BigDecimal) ([]*java.BigDecimal, error) {
	return v, nil
}

// EchoColors is echoColors of org.fixture.dubbo.RowsService.
func (h *RowsServiceHandler) EchoColors(_ context.Context, v []Color) ([]Color, error) {
	return v, nil
}

// EchoIntegers is echoIntegers of org.fixture.dubbo.RowsService.
func (h *RowsServiceHandler) EchoIntegers(_ context.Context, v []*int32) ([]*int32, error) {
	return v, nil
}

// EchoTextMatrix is echoTextMatrix of org.fixture.dubbo.RowsService.
func (h *RowsServiceHandler) EchoTextMatrix(_ context.Context, v [][]*string) ([][]*string, error) {
	return v, nil
}

// EchoByteMatrix is echoByteMatrix of org.fixture.dubbo.RowsService.
func (h *RowsServiceHandler) EchoByteMatrix(_ context.Context, v [][]byte) ([][]byte, error) {
	return v, nil
}

// EchoDates is echoDates of org.fixture.dubbo.RowsService.
func (h *RowsServiceHandler) EchoDates(_ context.Context, v []*time.Time) ([]*time.Time, error) {
	return v, nil
}

// EchoTeam is echoTeam of org.fixture.dubbo.RowsService.
func (h *RowsServiceHandler) EchoTeam(_ context.Context, v []*Person) ([]*Person, error) {
	return v, nil
}

// EchoObjects is echoObjects of org.fixture.dubbo.RowsService.
func (h *RowsServiceHandler) EchoObjects(_ context.Context, v []any) ([]any, error) {
	return v, nil
}

// EchoAny is echoAny of org.fixture.dubbo.RowsService.
func (h *RowsServiceHandler) EchoAny(_ context.Context, v any) (any, error) {
	return v, nil
}

// Later is later of org.fixture.dubbo.RowsService.
func (h *RowsServiceHandler) Later(ctx context.Context, v *Person) (*Person, error) {
	return v, pause(ctx, time.Millisecond)
}

// Join is join of org.fixture.dubbo.RowsService.
func (h *RowsServiceHandler) Join(_ context.Context, parts ...*string) (*string, error) {
	return new(joined(parts, "+")), nil
}

// FailOrder is failOrder of org.fixture.dubbo.RowsService.
func (h *RowsServiceHandler) FailOrder(_ context.Context, code int32) (*string, error) {
	return nil, &OrderException{
		Code: code, Reasons: []*string{new("a"), nil, new("世")}, Culprit: person(3), DetailMessage: "no stock 😀",
		Cause: &invoker.Exception{Class: "java.lang.IllegalStateException", Message: "stock -1",
			Cause: &invoker.Exception{Class: "java.lang.IllegalArgumentException", Message: "negative"}},
	}
}

// FailArgument is failArgument of org.fixture.dubbo.RowsService.
func (h *RowsServiceHandler) FailArgument(_ context.Context, message *string) (*string, error) {
	return nil, &invoker.Exception{Class: "java.lang.IllegalArgumentException", Message: text(message)}
}

// Crash is crash of org.fixture.dubbo.RowsService.
func (h *RowsServiceHandler) Crash(_ context.Context, message *string) (*string, error) {
	panic(text(message))
}

// FailCounted is failCounted of org.fixture.dubbo.RowsService.
func (h *RowsServiceHandler) FailCounted(_ context.Context, key *string, how *string) (*string, error) {
	h.mu.Lock()
	if h.calls == nil {
		h.calls = map[string]int32{}
	}
	h.calls[text(key)]++
	h.mu.Unlock()
	switch text(how) {
	case "business":
		return nil, &BizException{Code: 1, DetailMessage: text(how)}
	case "crash":
		panic(text(how))
	}
	return nil, fmt.Errorf("counted: %s", text(how))
}

// Count is count of org.fixture.dubbo.RowsService.
func (h *RowsServiceHandler) Count(_ context.Context, key *string) (int32, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.calls[text(key)], nil
}

// TimeLeft is timeLeft of org.fixture.dubbo.RowsService.
func (h *RowsServiceHandler) TimeLeft(ctx context.Context) (int64, error) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return -1, nil
	}
	return time.Until(deadline).Milliseconds(), nil
}

// Caller is caller of org.fixture.dubbo.RowsService.
func (h *RowsServiceHandler) Caller(ctx context.Context) (*string, error) {
	return new(invoker.FromContext(ctx).Caller.Application), nil
}
