package fn_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/fn/event"
)

type plainPart struct {
	SKU   string
	Count int64 `hessian:"howMany"`
}

type plainWhole struct {
	ID    string
	Parts []*plainPart
	First plainPart
	Raw   []byte
	Ratio float64
	Not   string `hessian:"-"`
}

type dated struct{ At time.Time }

type linked struct{ Next *linked }

func methodOf(t *testing.T, function any) event.Method {
	t.Helper()
	m, own, err := newSet(t, fn.NewService("org.x.S", fn.Method("m", function))).EventMethod(event.Target{Service: "org.x.S", Method: "m"})
	if err != nil || !own {
		t.Fatal(own, err)
	}
	return m
}

func TestJSONGoesStraightToTypesThatMeanTheSame(t *testing.T) {
	t.Parallel()
	m := methodOf(t, func(_ context.Context, w *plainWhole) (*plainWhole, error) { return w, nil })
	text := `{"id":"a","parts":[{"sku":"x","howMany":9007199254740993},null],"first":{"sku":"y","howMany":0},"raw":"AQI=","ratio":1.5,"not":"x"}`
	straight, ok := m.FromJSON(0, []byte(text))
	if !ok {
		t.Fatal("it has no twin")
	}
	other, err := m.Argument(0, jsonValue(t, text))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(other, straight); d != "" {
		t.Error(d)
	}
	out, ok := m.ToJSON(straight)
	if want := `{"id":"a","parts":[{"sku":"x","howMany":9007199254740993},null],"first":{"sku":"y","howMany":0},"raw":"AQI=","ratio":1.5}`; !ok || string(out) != want {
		t.Errorf("%v %s", ok, out)
	}
	general, err := m.Result(straight)
	if err != nil {
		t.Fatal(err)
	}
	if general.(map[any]any)["id"] != "a" {
		t.Error(general)
	}
	if out, ok := m.ToJSON((*plainWhole)(nil)); !ok || string(out) != "null" {
		t.Errorf("%v %s", ok, out)
	}
	for _, wrong := range []string{`{"id":7}`, `{"parts":{}}`, `[`, `{} {}`, `{"raw":"?"}`} {
		if v, ok := m.FromJSON(0, []byte(wrong)); ok {
			t.Errorf("%s became %+v", wrong, v)
		}
	}
}

func TestTypesThatMeanSomethingElseInJSONHaveNoShortWay(t *testing.T) {
	t.Parallel()
	for name, function := range map[string]any{
		"a date":        func(dated) error { return nil },
		"itself":        func(*linked) error { return nil },
		"anything":      func(any) error { return nil },
		"a map":         func(map[string]any) error { return nil },
		"a raw message": func(*struct{ A json.Number }) error { return nil },
	} {
		set, err := fn.NewSet("a", fn.NewService("org.x.S", fn.Method("m", function)))
		if err != nil {
			continue // it is no type of a method at all
		}
		m, _, err := set.EventMethod(event.Target{Service: "org.x.S", Method: "m"})
		if err != nil {
			t.Fatal(err)
		}
		if v, ok := m.FromJSON(0, []byte(`{}`)); ok {
			t.Errorf("%s: %v", name, v)
		}
	}
}
