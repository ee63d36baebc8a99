package rule

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"unicode/utf8"

	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/invoker/cluster"
)

// TestFaultsOfALargeDocumentAreToldInBrief: they go to the log and to whoever asks for them.
func TestFaultsOfALargeDocumentAreToldInBrief(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", maxBytes/2-200)
	var parameters strings.Builder
	for n := range 1000 {
		fmt.Fprintf(&parameters, "p%03d: [], ", n)
	}
	for name, c := range map[string]struct {
		parse func(string) error
		doc   string
		want  []string
	}{
		"many tags":        {tagError, "tags:\n" + strings.Repeat("- {addresses: [b]}\n", 1500), []string{`tag 1 ("")`, "tag 10", "and 1490 more"}},
		"many lines":       {conditionError, "conditions:\n" + strings.Repeat("- '=x'\n", 1500), []string{"condition 1", "condition 10", "and 1490 more"}},
		"many parameters":  {configuratorError, "key: a\nconfigs:\n- parameters: {" + parameters.String() + "}\n", []string{"config 1: parameter p000", "p009", "and 990 more"}},
		"many steps":       {migrationError, "applications:\n" + strings.Repeat("- {serviceKey: a, step: x}\n", 1500), []string{"applications 1", "and 1490 more"}},
		"a long line":      {conditionError, "conditions:\n- '=" + long + "'\n", []string{"condition 1", "before any key"}},
		"a long name":      {tagError, "configVersion: v3.0\ntags:\n- name: " + long + "\n", []string{"tag 1", "want addresses or match"}},
		"a long version":   {tagError, "configVersion: " + long, []string{"configVersion", "want v2.7"}},
		"a long anchor":    {tagError, "a: &" + long + " x", []string{"anchors"}},
		"a long from":      {conditionError, "configVersion: v3.1\nconditions:\n- from: {match: '=" + long + "'}\n  to: [{match: 'arguments'}]\n", []string{"from", "before any key"}},
		"a long regex":     {tagError, "configVersion: v3.0\ntags:\n- name: x\n  match:\n  - key: k\n    value: {regex: '(" + long + "'}\n", []string{"tag 1", "match 1"}},
		"no YAML, long":    {tagError, "tags: [\n- x: {" + long, []string{"not the YAML"}},
		"a long, odd list": {tagError, "tags: " + long, []string{"not the YAML"}},
	} {
		err := c.parse(c.doc)
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %.3000v lacks %q", name, err, want)
			}
		}
		if err != nil && (len(err.Error()) > 6000 || !utf8.ValidString(err.Error())) {
			t.Errorf("%s: the error has %d bytes, want at most 6000 that are UTF-8", name, len(err.Error()))
		}
	}
}

// TestADocumentWithoutTagsOrConditionsIsNoRule, whatever else it says (Java: TagRuleParser and ConditionRuleParser, 3.3.6).
func TestADocumentWithoutTagsOrConditionsIsNoRule(t *testing.T) {
	t.Parallel()
	for _, end := range []string{"[]", "[]\nenabled: false", "\nenabled: false", ""} {
		synctest.Test(t, func(t *testing.T) {
			c := &center{docs: map[string]string{
				"shop.tag-router":                      "tags:\n- name: x\n  addresses: [\"10.0.0.1\"]\n",
				"org.example.Users::.condition-router": "force: true\nconditions: ['=> address=10.0.0.1:20881']",
			}, changed: make(chan struct{})}
			var mu sync.Mutex
			var now Set
			me := Consumer{Application: "orders", Service: invoker.ServiceKey{Interface: "org.example.Users"}}
			w := NewWatch(t.Context(), c, me, slog.New(slog.DiscardHandler), func(s Set) { mu.Lock(); now = s; mu.Unlock() })
			w.SetApps([]string{"shop"})
			routed := func() string {
				synctest.Wait()
				mu.Lock()
				defer mu.Unlock()
				return numbers(through(now.Routers, call("get", nil), []*cluster.Provider{provider(1), provider(2)}))
			}
			if got := routed(); got != "" {
				t.Errorf("%q: with rules that leave none: %s", end, got)
			}
			c.set("shop.tag-router", "key: shop\ntags: "+end)
			if got := routed(); got != "1" {
				t.Errorf("%q: without the tags' rule: %q, want 1", end, got)
			}
			c.set("org.example.Users::.condition-router", "configVersion: v3.1\nconditions: "+end)
			if got := routed(); got != "1,2" {
				t.Errorf("%q: without either rule: %q, want 1,2", end, got)
			}
			if f := w.Faults(); len(f) > 0 {
				t.Errorf("%q: faults %v", end, f)
			}
			if err := w.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
