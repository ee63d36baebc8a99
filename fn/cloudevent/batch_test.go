package cloudevent

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"

	sdk "github.com/cloudevents/sdk-go/v2/event"

	"github.com/dubbofn/dubbofn/fn/event"
	"github.com/dubbofn/dubbofn/tracing"
)

// letters is a sink that keeps what it is sent, or refuses it.
type letters struct {
	mu  sync.Mutex
	got []sdk.Event
	err error
}

func (l *letters) Send(_ context.Context, e sdk.Event) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.got = append(l.got, e)
	}
	return l.err
}
func (*letters) Span(sdk.Event) tracing.Start { return tracing.Start{} }
func (*letters) Close(context.Context) error  { return nil }

// batchOf makes a batch of events with these types, each with its place as its id.
func batchOf(types ...string) string {
	var all []string
	for i, typ := range types {
		all = append(all, `{"specversion":"1.0","id":"`+string(rune('a'+i))+`","source":"/s","type":"`+typ+`","data":{"order":{"id":"`+strings.TrimPrefix(typ, "order.")+`"}}}`)
	}
	return "[" + strings.Join(all, ",") + "]"
}

func TestABatchsRefusedEventsAreDeadLettersOnceNoneComesAgain(t *testing.T) {
	t.Parallel()
	var s shop
	e := s.open(t, nil, event.Rule{
		On: event.Match{Type: "order.*"}, Call: placeRule.Call, Args: placeRule.Args, Errors: placeRule.Errors, Reply: placeRule.Reply,
	})
	dead := &letters{}
	e.dead = dead
	const batched = "content-type: application/cloudevents-batch+json"
	if w := post(e, batchOf("nobodys", "order.later", "order.a"), batched); w.Code != http.StatusServiceUnavailable || len(dead.got) != 0 || !strings.Contains(w.Body.String(), "1 of 3") {
		t.Errorf("%d %s, %d dead letters", w.Code, w.Body, len(dead.got))
	}
	dead.err = errors.New("away")
	if w := post(e, batchOf("nobodys", "order.broken", "order.a"), batched); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	dead.err = nil
	w := post(e, batchOf("nobodys", "order.broken", "order.a"), batched)
	if w.Code != http.StatusAccepted || w.Header().Get("Dubbofn-Refused-Events") != "2" || w.Body.Len() != 0 {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	var codes []string
	for _, l := range dead.got {
		code, _ := l.Extensions()["knativeerrorcode"].(string)
		codes = append(codes, l.ID()+" "+code)
	}
	if got := strings.Join(codes, ", "); got != "a 400, b 422" {
		t.Errorf("dead letters: %s", got)
	}
	ran := map[string]int{}
	for _, c := range s.all() {
		ran[c]++
	}
	if ran["place a /s"] != 1 || ran["place broken /s"] != 1 {
		t.Errorf("calls: %v", ran)
	}
}
