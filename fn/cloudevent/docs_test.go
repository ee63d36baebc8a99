package cloudevent

import (
	"context"
	"os"
	"regexp"
	"testing"

	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/fn/event"
)

// TestTheRulesInTheDocumentationWork reads every block of YAML there as rules for the service that it is about.
func TestTheRulesInTheDocumentationWork(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/events.md")
	if err != nil {
		t.Fatal(err)
	}
	set, err := fn.NewSet("order", fn.NewService("org.example.OrderService", fn.Version("1.0.0"),
		fn.Method("place", func(context.Context, *Order, string) (*Placed, error) { return nil, nil })))
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(text, -1)
	for _, b := range blocks {
		rules, err := readRules(string(b[1]))
		if err != nil {
			t.Fatalf("%v of\n%s", err, b[1])
		}
		all, faults := compile(rules, hostOf(set))
		for _, f := range faults {
			t.Error(f)
		}
		if r := all[0]; r.Reply == nil || r.query == nil || len(r.args) != 2 || r.Errors["*"] != event.Final {
			t.Errorf("%+v", r.Rule)
		}
	}
	if len(blocks) == 0 {
		t.Error("there is none")
	}
}
