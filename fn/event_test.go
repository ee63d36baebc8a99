package fn_test

import (
	"context"
	"encoding/json"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/fn/event"
	"github.com/dubbofn/dubbofn/java"
)

type parcel struct {
	ID     string
	Weight *java.BigDecimal
	Count  int64
	Huge   *big.Int
	Raw    []byte
	Sent   time.Time
	Tags   []string
	Extra  map[string]any
	Inner  *parcel
}

func ship(context.Context, *parcel, int64) (*parcel, error) { return nil, nil }

func jsonValue(t *testing.T, text string) any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestJSONBecomesTheParametersOfAMethod(t *testing.T) {
	t.Parallel()
	set := newSet(t, fn.NewService("org.x.Post", fn.Method("ship", ship, fn.Timeout(3*time.Second))))
	m, own, err := set.EventMethod(event.Target{Service: "org.x.Post", Method: "ship"})
	if err != nil || !own || m.Timeout != 3*time.Second || m.Void || m.Descriptor != "Lorg/x/parcel;J" {
		t.Fatal(m, own, err)
	}
	got, err := m.Argument(0, jsonValue(t, `{"id":"a","weight":1.10,"count":9007199254740993,"huge":123456789012345678901234567890,"raw":"AQI=","sent":"2026-03-04T05:06:07Z","tags":["x"],"extra":{"n":1,"f":1.5},"inner":{"id":"b","count":1,"sent":1000},"unknown":1}`))
	if err != nil {
		t.Fatal(err)
	}
	p, ok := got.(*parcel)
	if !ok || p.Weight.String() != "1.10" || p.Count != 9007199254740993 || p.Huge.String() != "123456789012345678901234567890" || p.Inner.ID != "b" || !p.Inner.Sent.Equal(time.UnixMilli(1000)) {
		t.Fatalf("%+v", got)
	}
	if d := cmp.Diff([]any{[]byte{1, 2}, []string{"x"}, map[string]any{"n": int32(1), "f": 1.5}, "2026-03-04T05:06:07Z"}, []any{p.Raw, p.Tags, p.Extra, p.Sent.UTC().Format(time.RFC3339)}); d != "" {
		t.Error(d)
	}
	if n, err := m.Argument(1, json.Number("7")); err != nil || n != int64(7) {
		t.Error(n, err)
	}
	for i, text := range []string{`"text"`, `"x"`} {
		if v, err := m.Argument(i, jsonValue(t, text)); err == nil {
			t.Errorf("argument %d became %v", i, v)
		}
	}
	if _, err := m.Argument(0, jsonValue(t, `{"raw":"no base64"}`)); err == nil || !strings.Contains(err.Error(), "base64") {
		t.Error(err)
	}
}

func TestATargetThatIsNoMethodIsToldWhatIs(t *testing.T) {
	t.Parallel()
	set := newSet(t, fn.NewService("org.x.S", fn.Version("1.0"), fn.Method("a", func(string) error { return nil }), fn.Method("a", func(int32) error { return nil })))
	for want, target := range map[string]event.Target{
		`no version "" of org.x.S; there is org.x.S:1.0`: {Service: "org.x.S", Method: "a"},
		`no method "b" in org.x.S; it has a`:             {Service: "org.x.S", Version: "1.0", Method: "b"},
		"has overloads":                                  {Service: "org.x.S", Version: "1.0", Method: "a"},
		"no method a(long)":                              {Service: "org.x.S", Version: "1.0", Method: "a", Parameters: []string{"long"}},
		"no method a(int)":                               {Service: "org.x.S", Version: "1.0", Method: "a", Parameters: []string{"int"}, Group: "g"},
		"$invoke":                                        {Service: "org.x.S", Version: "1.0", Method: "$invoke"},
	} {
		if _, own, err := set.EventMethod(target); !own || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %s", target, err, want)
		}
	}
	if _, own, err := set.EventMethod(event.Target{Service: "org.x.Other", Method: "a"}); own || err != nil {
		t.Error(own, err)
	}
	if m, own, err := set.EventMethod(event.Target{Service: "org.x.S", Version: "1.0", Method: "a", Parameters: []string{"int"}}); !own || err != nil || m.Descriptor != "I" || !m.Void {
		t.Error(m, own, err)
	}
}

func TestRulesStandAtTheirService(t *testing.T) {
	t.Parallel()
	set := newSet(t, fn.NewService("org.x.S", fn.Version("1.0"), fn.OnEvent(event.Rule{On: event.Match{Type: "t"}, Call: event.Target{Method: "a"}}), fn.Method("a", func(string) error { return nil })))
	if all := set.Events(); len(all) != 1 || all[0].Call.Key().String() != "org.x.S:1.0" || all[0].Label() != "org.x.S.a" {
		t.Errorf("%+v", all)
	}
	if _, err := fn.NewSet("a", fn.NewService("org.x.S", fn.OnEvent(), fn.Method("a", func() error { return nil }))); err == nil {
		t.Error("no rule is no fault")
	}
}
