package cloudevent

import (
	"encoding/json"
	"testing"
)

// byTheBook is find by encoding/json's own means.
func byTheBook(text []byte, path []any) ([]byte, bool) {
	for _, step := range path {
		switch s := step.(type) {
		case string:
			var m map[string]json.RawMessage
			if json.Unmarshal(text, &m) != nil {
				return nil, false
			}
			text = m[s]
		case int:
			var items []json.RawMessage
			if json.Unmarshal(text, &items) != nil || s >= len(items) {
				return nil, false
			}
			text = items[s]
		}
		if text == nil {
			return nil, false
		}
	}
	return text, true
}

func sameFound(t *testing.T, text []byte, path []any) {
	t.Helper()
	got, ok := find(text, path)
	want, wanted := byTheBook(text, path)
	if string(got) != string(want) || ok != wanted {
		t.Errorf("%v of %q: %q, %v; want %q, %v", path, text, got, ok, want, wanted)
	}
}

func TestPartsOfJSONAreFoundAsEncodingJSONFindsThem(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{"a":1}`, ` { "a" : 1 , "b" : [ 1 , {"a":"}"} ] } `, `{"a":1,"a":2}`, `{"\u0061":"x"}`, `{"a":"\\\"","b":null}`, `null`, `[]`, `[1,2]`, `"a"`, `1`,
		`{"a":`, `{}`, `{"b":[[1],[2,[3]]],"a":{"a":[{"b":-1.5e3}]}}`, `{"ä":1,"a":true}`, "", "{\"a\":1} x", "{\"\xff\":1}", `{"a":[true,false , null]}`,
	} {
		for _, path := range [][]any{{"a"}, {"b"}, {"b", 0}, {"b", 1}, {"b", 1, "a"}, {"a", "a", 0, "b"}, {0}, {1}, {"ä"}, {"\ufffd"}, {"a", 1}} {
			sameFound(t, []byte(text), path)
		}
	}
}

func FuzzFind(f *testing.F) {
	f.Add([]byte(`{"a":[1,{"b":"\""}]}`), "b", 1)
	f.Add([]byte(` [ {"\u0062" : -1 } , "x" ] `), "b", 0)
	f.Fuzz(func(t *testing.T, text []byte, name string, at int) {
		if at < 0 {
			return
		}
		for _, path := range [][]any{{name}, {at}, {name, at}, {at, name}, {name, name}, {at, at}, {"a", at, name}} {
			sameFound(t, text, path)
		}
	})
}
