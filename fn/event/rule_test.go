package event_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dubbofn/dubbofn/fn/event"
)

const document = `{"rules": [{
  "name": "placed",
  "on": {"type": "org.example.order.*", "extensions": {"region": "eu"}, "cesql": "subject LIKE 'a%'"},
  "call": {"service": "org.example.OrderService", "method": "place", "parameters": ["org.example.Order", "long"]},
  "args": ["data.order", "attribute:id", {"const": {"n": 12345678901234567890}}],
  "reply": {"type": "org.example.order.accepted"},
  "errors": {"org.example.SoldOut": "reply", "*": "retry"}
}]}`

func TestRulesAreReadAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	rules, err := event.ParseRules([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	want := []event.Rule{{
		Name: "placed", On: event.Match{Type: "org.example.order.*", Extensions: map[string]string{"region": "eu"}, CESQL: "subject LIKE 'a%'"},
		Call:  event.Target{Service: "org.example.OrderService", Method: "place", Parameters: []string{"org.example.Order", "long"}},
		Args:  []event.Arg{{From: "data.order"}, {From: "attribute:id"}, {Const: map[string]any{"n": json.Number("12345678901234567890")}}},
		Reply: &event.Reply{Type: "org.example.order.accepted"}, Errors: map[string]string{"org.example.SoldOut": event.Answer, "*": event.Retry},
	}}
	if d := cmp.Diff(want, rules); d != "" {
		t.Error(d)
	}
	text, err := json.Marshal(rules)
	if err != nil {
		t.Fatal(err)
	}
	again, err := event.ParseRules(text)
	if d := cmp.Diff(want, again); d != "" || err != nil {
		t.Error(d, err)
	}
}

func TestWhatIsNoRuleIsRefused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                            "EOF",
		"[]":                          "there is none",
		`{"rules":[{"when":{}}]}`:     `"when"`,
		`[{"args":[{"constant":1}]}]`: "want",
		`[{"args":[7]}]`:              "want",
		"[" + strings.Repeat("{},", 1000) + "{}]": "limit 1000",
	} {
		if _, err := event.ParseRules([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %s", text, err, want)
		}
	}
}

func TestAStarAtTheEndFitsWhatBeginsSo(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, text string
		fits          bool
	}{{"", "x", true}, {"a", "a", true}, {"a", "ab", false}, {"a*", "ab", true}, {"a*", "a", true}, {"a*", "b", false}, {"*", "", true}, {"a*b", "axb", false}} {
		if got := event.Fits(c.pattern, c.text); got != c.fits {
			t.Errorf("%q, %q: %v", c.pattern, c.text, got)
		}
	}
}

func FuzzParseRules(f *testing.F) {
	f.Add([]byte(document))
	f.Add([]byte(`[{"args":["a",{"const":null}]}]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		rules, err := event.ParseRules(text)
		if err != nil {
			return
		}
		out, err := json.Marshal(rules)
		if err != nil {
			t.Fatal(err)
		}
		again, err := event.ParseRules(out)
		if err != nil {
			t.Fatalf("%s: %v", out, err)
		}
		if second, err := json.Marshal(again); err != nil || string(second) != string(out) {
			t.Errorf("%s\n%s", out, second)
		}
	})
}
