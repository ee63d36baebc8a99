package cloudevent

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dubbofn/dubbofn/fn/event"
)

func TestRulesAreReadAsYAMLOrJSONFromAFileOrTheSettingItself(t *testing.T) {
	t.Parallel()
	want := []event.Rule{{
		On: event.Match{Type: "lab.*"}, Call: event.Target{Service: "org.example.Shop", Method: "tick"},
		Args: []event.Arg{{Const: map[string]any{"n": json.Number("7"), "s": "x"}}}, Errors: map[string]string{"*": "retry"},
	}}
	for name, text := range map[string]string{
		"block":     "rules:\n- on:\n    type: lab.*\n  call:\n    service: org.example.Shop\n    method: tick\n  args:\n  - const: {n: 7, s: x}\n  errors:\n    \"*\": retry\n",
		"flow":      `{rules: [{on: {type: "lab.*"}, call: {service: org.example.Shop, method: tick}, args: [{const: {n: 7, s: x}}], errors: {"*": retry}}]}`,
		"flow list": ` [{on: {type: lab.*}, call: {service: org.example.Shop, method: tick}, args: [{const: {n: 7, s: x}}], errors: {'*': retry}}]`,
		"JSON":      "\n" + `{"rules": [{"on": {"type": "lab.*"}, "call": {"service": "org.example.Shop", "method": "tick"}, "args": [{"const": {"n": 7, "s": "x"}}], "errors": {"*": "retry"}}]}` + "\n",
	} {
		file := filepath.Join(t.TempDir(), "rules")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, setting := range []string{text, file} {
			rules, err := readRules(setting)
			if d := cmp.Diff(want, rules); d != "" || err != nil {
				t.Errorf("%s: %s %v", name, d, err)
			}
		}
	}
	exact, err := readRules(`[{"on":{},"call":{"method":"m"},"args":[{"const":12345678901234567890123.10}]}]`)
	if err != nil || exact[0].Args[0].Const != json.Number("12345678901234567890123.10") {
		t.Error(exact, err)
	}
}

func TestWhatIsNoRulesIsRefusedWithWhereItCameFrom(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "empty")
	large := filepath.Join(t.TempDir(), "large")
	for file, text := range map[string]string{empty: " \n", large: strings.Repeat("#", maxRuleBytes+1)} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for setting, want := range map[string]string{
		empty:                               "EOF",
		large:                               "limit 1048576",
		"/nowhere/rules.yaml":               "no such file",
		"rules.yaml":                        "no such file",
		t.TempDir():                         "directory",
		"rules: [":                          "']'",
		`{"rules": []} {"rules": []}`:       "DUBBOFN_EVENTS",
		"rules:\n- &a {on: {}}\n- *a":       "aliases",
		"rules:\n- on: {type: a, typ: b}":   `"typ"`,
		"rules:\n- on: {}\n  on: {type: b}": "already defined",
	} {
		if _, err := readRules(setting); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "DUBBOFN_EVENTS") {
			t.Errorf("%.60q: %v, want %s", setting, err, want)
		}
	}
	if rules, err := readRules(" "); rules != nil || err != nil {
		t.Error(rules, err)
	}
}
