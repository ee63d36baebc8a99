package cebind_test

import (
	"runtime"
	"strings"
	"testing"

	"github.com/dubbofn/dubbofn/internal/cebind"
)

// TestHeadersAreDecodedAsTheHTTPBindingWants has the examples of the HTTP binding 1.0.2, 3.1.3.2, and what its text says of them.
func TestHeadersAreDecodedAsTheHTTPBindingWants(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"Euro%20%E2%82%AC%20%F0%9F%98%80": "Euro € 😀", // the example
		"Euro%20%e2%82%ac%20%f0%9f%98%80": "Euro € 😀", // small digits must be taken
		"Euro € 😀":                        "Euro € 😀", // as Java's SDK 4.0.1 sends it
		`"Euro € 😀"`:                      "Euro € 😀", // a quoted string is unquoted first
		`"say \"%E2%82%AC\""`:             `say "€"`,
		"%2541":                           "%41", // once only
		"100%":                            "100%",
		"a%2":                             "a%2",
		"%zz%41":                          "%zzA",
		"plain-text_0./:":                 "plain-text_0./:",
		`"`:                               `"`,
	} {
		e, err := cebind.HTTP.Read([]cebind.Header{
			{Name: "Ce-Specversion", Value: "1.0"}, {Name: "ce-id", Value: "1"}, {Name: "CE-SOURCE", Value: "/s"}, {Name: "Ce-Type", Value: "t"}, {Name: "Ce-Subject", Value: given},
		}, nil)
		if err != nil || e.Subject() != want {
			t.Errorf("%q became %q, %v; want %q", given, e.Subject(), err, want)
		}
	}
	if got := cebind.Percent("Euro € 😀"); got != "Euro%20%E2%82%AC%20%F0%9F%98%80" {
		t.Error(got)
	}
	for _, given := range []string{"%C0%A0", "%E2%82", "\xff", "%ed%a0%80"} { // overlong, cut, raw, a surrogate
		_, err := cebind.HTTP.Read([]cebind.Header{{Name: "ce-specversion", Value: "1.0"}, {Name: "ce-id", Value: given}, {Name: "ce-source", Value: "/s"}, {Name: "ce-type", Value: "t"}}, nil)
		if err == nil || !strings.Contains(err.Error(), "UTF-8") {
			t.Errorf("%q: %v", given, err)
		}
	}
}

// TestReadingJSONTakesMemoryInProportion measures: a stranger's event may be built to make much of little.
func TestReadingJSONTakesMemoryInProportion(t *testing.T) { //nolint:paralleltest // it measures what the process allocates
	for name, text := range map[string]string{
		"a list as an extension": with(`,"x":[` + strings.Repeat("1,", 1<<18) + `1]`),
		"deep data":              with(`,"data":` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000)),
		"deep beyond the limit":  with(`,"data":` + strings.Repeat("[", 1<<20)),
		"many names":             with(strings.Repeat(`,"x":1`, 1<<18)),
		"large data":             with(`,"data":"` + strings.Repeat("a", 1<<20) + `"`),
		"large base64":           with(`,"data_base64":"` + strings.Repeat("AAAA", 1<<18) + `"`),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _ = cebind.ReadJSON([]byte(text))
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > 32*uint64(len(text))+1<<20 {
			t.Errorf("%s: %d bytes for %d", name, took, len(text))
		}
	}
}
