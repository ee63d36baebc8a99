package cloudevent

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dubbofn/dubbofn/fn/event"
	"github.com/dubbofn/dubbofn/invoker"
)

func TestAnEventsDataBecomesArgumentsAndTheResultAReply(t *testing.T) {
	t.Parallel()
	var s shop
	e := s.open(t, nil)
	body, headers := orderEvent("1", "a")
	w := post(e, body, append(headers, "ce-subject: s1", "ce-traceparent: 00-1-2-00")...)
	if w.Code != 200 || !cmp.Equal(s.all(), []string{"place a /web"}) {
		t.Fatal(w.Code, w.Body, s.all())
	}
	h := w.Header()
	if h.Get("Ce-Type") != "order.accepted" || h.Get("Ce-Source") != "/shop" || h.Get("Ce-Id") == "1" || h.Get("Ce-Id") == "" || h.Get("Ce-Subject") != "s1" || h.Get("Ce-Traceparent") != "00-1-2-00" || h.Get("Preference-Applied") != "reply" {
		t.Error(h)
	}
	if d := cmp.Diff(`{"number":"n-a","by":"/web"}`, w.Body.String()); d != "" {
		t.Error(d)
	}
	structured := `{"specversion":"1.0","id":"2","source":"/web","type":"order.placed","data":{"order":{"id":"b"}}}`
	w = post(e, structured, "content-type: application/cloudevents+json")
	var reply struct{ ID, Type, Source string }
	if err := json.Unmarshal(w.Body.Bytes(), &reply); err != nil || w.Code != 200 || reply.Type != "order.accepted" || reply.Source != "/shop" || w.Header().Get("Content-Type") != "application/cloudevents+json" {
		t.Error(w.Code, w.Body, err)
	}
}

func TestADuplicateGetsTheFirstOnesAnswerAndRunsNothing(t *testing.T) {
	t.Parallel()
	var s shop
	e := s.open(t, nil)
	for _, order := range []string{"a", "sold-out", "broken"} {
		body, headers := orderEvent(order, order)
		first, second := post(e, body, headers...), post(e, body, append(headers, "ce-other: changed")...)
		if first.Code != second.Code || first.Body.String() != second.Body.String() || first.Header().Get("Ce-Id") != second.Header().Get("Ce-Id") {
			t.Errorf("%s: %d %s, then %d %s", order, first.Code, first.Body, second.Code, second.Body)
		}
	}
	if d := cmp.Diff([]string{"place a /web", "place sold-out /web", "place broken /web"}, s.all()); d != "" {
		t.Error(d)
	}
}

func TestWhatMayWorkLaterIsTriedAgain(t *testing.T) {
	t.Parallel()
	for order, status := range map[string]int{"later": 503, "full": 429, "slow": 504, "unreachable": 503} {
		var s shop
		e := s.open(t, nil)
		body, headers := orderEvent("1", order)
		if w := post(e, body, headers...); w.Code != status || status == 429 && w.Header().Get("Retry-After") != "1" {
			t.Errorf("%s: %d %s", order, w.Code, w.Body)
		}
		post(e, body, headers...)
		if n := len(s.all()); n != 2 {
			t.Errorf("%s: it ran %d times", order, n)
		}
	}
}

func TestAMethodsExceptionIsFinalOrAReplyAsTheRuleSays(t *testing.T) {
	t.Parallel()
	var s shop
	e := s.open(t, nil)
	body, headers := orderEvent("1", "sold-out")
	if w := post(e, body, headers...); w.Code != 200 || w.Header().Get("Ce-Type") != "order.accepted.failed" || w.Body.String() != `{"exception":"org.example.SoldOut","message":"sold out"}` {
		t.Error(w.Code, w.Header(), w.Body)
	}
	body, headers = orderEvent("2", "broken")
	if w := post(e, body, headers...); w.Code != 422 || !strings.Contains(w.Body.String(), "RuntimeException: broken") {
		t.Error(w.Code, w.Body)
	}
}

func TestTheSameEventRunsOnceHoweverManyCome(t *testing.T) {
	t.Parallel()
	s := shop{gate: make(chan struct{}), in: make(chan struct{}, 1)}
	e := s.open(t, nil)
	body, headers := orderEvent("1", "a")
	var first *httptest.ResponseRecorder
	var running sync.WaitGroup
	running.Go(func() { first = post(e, body, headers...) })
	<-s.in
	var duplicates sync.WaitGroup
	for range 20 {
		duplicates.Go(func() {
			if w := post(e, body, headers...); w.Code != 409 {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		})
	}
	duplicates.Wait()
	other, others := orderEvent("2", "b")
	running.Go(func() {
		if w := post(e, other, others...); w.Code != 200 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
	<-s.in // another event does not wait
	close(s.gate)
	running.Wait()
	if first.Code != 200 || len(s.all()) != 2 {
		t.Error(first.Code, s.all())
	}
}

func TestABatchIsAnsweredOnceAllAreDone(t *testing.T) {
	t.Parallel()
	event := func(id, order string) string {
		return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"/web","type":"order.placed","data":{"order":{"id":%q}}}`, id, order)
	}
	batched := "content-type: application/cloudevents-batch+json"
	var s shop
	e := s.open(t, nil)
	first := post(e, "["+strings.Join([]string{event("1", "a"), event("1", "a"), event("2", "broken"), `{"no":"event"}`}, ",")+"]", batched)
	if first.Code != 202 || first.Header().Get("Dubbofn-Refused-Events") != "2" || first.Body.Len() != 0 {
		t.Error(first.Code, first.Header(), first.Body)
	}
	again := "[" + event("3", "later") + "," + event("4", "b") + "]"
	if w := post(e, again, batched); w.Code != 503 || !strings.Contains(w.Body.String(), "1 of 2") {
		t.Error(w.Code, w.Body)
	}
	post(e, again, batched)
	calls := s.all()
	slices.Sort(calls)
	if d := cmp.Diff([]string{"place a /web", "place b /web", "place broken /web", "place later /web", "place later /web"}, calls); d != "" {
		t.Error(d)
	}
	if w := post(e, "["+strings.Repeat(event("1", "a")+",", 10)+event("1", "a")+"]", batched); w.Code != 413 {
		t.Error(w.Code, w.Body)
	}
	if w := post(e, "[]", batched); w.Code != 202 {
		t.Error(w.Code, w.Body)
	}
}

func TestRepliesThatLeadToRepliesEnd(t *testing.T) {
	t.Parallel()
	var s shop
	loop := placeRule
	loop.On.Type = "order.*"
	loop.Args = []event.Arg{{Const: map[string]any{"id": "x"}}, {From: "attribute:id"}}
	e := s.open(t, nil, loop)
	body, headers := orderEvent("1", "a")
	n := 0
	for w := post(e, body, headers...); w.Code == 200; w = post(e, body, headers...) {
		if n++; n > 10 {
			t.Fatal("it does not end")
		}
		headers = []string{"content-type: application/json"}
		for _, name := range []string{"Ce-Specversion", "Ce-Id", "Ce-Source", "Ce-Type", "Ce-Dubbofnttl"} {
			headers = append(headers, name+": "+w.Header().Get(name))
		}
	}
	if n != 3 || len(s.all()) != 4 {
		t.Errorf("%d replies, %d calls, want 3 and 4", n, len(s.all()))
	}
}

func TestEveryFaultOfARuleIsTold(t *testing.T) {
	t.Parallel()
	var s shop
	target := func(method string) event.Target {
		return event.Target{Service: "org.example.Shop", Method: method}
	}
	rules := []event.Rule{
		{Call: target("nothing")},
		{Call: target("tick"), On: event.Match{CESQL: "type ="}},
		{Call: target("tick"), On: event.Match{Extensions: map[string]string{"Bad-Name": "x"}}},
		{Call: target("place")},
		{Call: target("tick"), Args: []event.Arg{{From: "payload"}}},
		{Call: target("tick"), Args: []event.Arg{{From: "data.."}}},
		{Call: target("place"), Args: []event.Arg{{From: "data"}, {Const: map[string]any{"a": 1}}}},
		{Call: target("tick"), Errors: map[string]string{"*": "perhaps"}},
		{Call: target("tick"), Errors: map[string]string{"*": "reply"}},
		{Call: event.Target{Service: "org.other.S", Method: "m", Parameters: []string{"int"}}},
		{Call: event.Target{Method: "m"}},
		{Call: target("tick"), Reply: &event.Reply{}},
	}
	_, faults := compile(rules, hostOf(s.set(t)))
	wants := []string{"no method \"nothing\"", "CloudEvents SQL", "Bad-Name", "takes 2 (org.example.Order, java.lang.String)", `"payload"`, `"data.."`, "argument 2", `"perhaps"`, "needs a reply", "no client", "want a service and a method", "type is empty"}
	if len(faults) != len(wants) {
		t.Fatalf("%d faults: %v", len(faults), faults)
	}
	for i, want := range wants {
		if got := faults[i].Error(); !strings.Contains(got, want) || !strings.HasPrefix(got, fmt.Sprintf("rule %d (", i+1)) {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestRulesMatchWhatTheySay(t *testing.T) {
	t.Parallel()
	call := tickRule.Call
	for name, c := range map[string]struct {
		on   event.Match
		fits bool
	}{
		"everything":            {event.Match{}, true},
		"type":                  {event.Match{Type: "lab.tick"}, true},
		"type, prefix":          {event.Match{Type: "lab.*"}, true},
		"another type":          {event.Match{Type: "lab"}, false},
		"source and subject":    {event.Match{Source: "/s*", Subject: "Euro €"}, true},
		"another subject":       {event.Match{Source: "/s*", Subject: "euro"}, false},
		"extension":             {event.Match{Extensions: map[string]string{"region": "eu-*"}}, true},
		"an extension it lacks": {event.Match{Extensions: map[string]string{"zone": ""}}, false},
		"expression":            {event.Match{CESQL: "subject LIKE 'Euro%' AND region = 'eu-1'"}, true},
		"expression, not true":  {event.Match{CESQL: "INT(region) > 3"}, false},
		"expression, no bool":   {event.Match{CESQL: "LENGTH(region)"}, false},
		"expression, missing":   {event.Match{CESQL: "zone = 'a'"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var s shop
			e := s.open(t, nil, event.Rule{On: c.on, Call: call, Args: []event.Arg{{From: "event"}}})
			w := post(e, `[1]`, "ce-specversion: 1.0", "ce-id: 1", "ce-source: /s", "ce-type: lab.tick", "ce-subject: Euro%20%E2%82%AC", "ce-region: eu-1", "ce-time: 2026-03-04T05:06:07Z", "content-type: application/json")
			if (w.Code == 202) != c.fits {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			if !c.fits {
				return
			}
			want := `tick {"data":[1],"datacontenttype":"application/json","id":"1","region":"eu-1","source":"/s","specversion":"1.0","subject":"Euro €","time":"2026-03-04T05:06:07Z","type":"lab.tick"}`
			if d := cmp.Diff([]string{want}, s.all()); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestArgumentsComeFromWhereTheRuleSays(t *testing.T) {
	t.Parallel()
	for from, want := range map[string]string{
		"data.a.b[1]": `"y"`, `data["x.y"]`: "7", "data.a.none.deeper": "null", "data.a.b[9]": "null", "data.a[0]": "null", "attribute:subject": "null", "attribute:id": `"1"`, "attribute:specversion": `"1.0"`, "data.big": "12345678901234567890",
	} {
		var s shop
		e := s.open(t, nil, event.Rule{Call: tickRule.Call, Args: []event.Arg{{From: from}}})
		w := post(e, `{"a":{"b":["x","y"]},"x.y":7,"big":12345678901234567890}`, "ce-specversion: 1.0", "ce-id: 1", "ce-source: /s", "ce-type: lab.tick")
		if got := s.all(); w.Code != 202 || len(got) != 1 || got[0] != "tick "+want {
			t.Errorf("%s: %d %s %v, want %s", from, w.Code, w.Body, got, want)
		}
	}
	for _, bad := range []string{"data.", "data[", "data[]", "data[-1]", `data["a]`, "data.a[x]", "data" + strings.Repeat(".a", 65), "attribute:", "attribute:A", "datax"} {
		if _, err := parseArgument(event.Arg{From: bad}); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestSomebodyElsesServiceIsCalledByTheGenericForm(t *testing.T) {
	t.Parallel()
	var s shop
	var got *invoker.Invocation
	remote := invoker.Func(func(_ context.Context, inv *invoker.Invocation) (invoker.Result, error) {
		got = inv
		return invoker.Result{Value: map[any]any{"class": "org.x.Receipt", "no": int64(7)}}, nil
	})
	e := s.open(t, func(_ *Config, h *event.Host) {
		h.Remote = func(context.Context, invoker.ServiceKey) (invoker.Invoker, error) { return remote, nil }
	}, event.Rule{
		Call: event.Target{Service: "org.x.Bank", Version: "1.0", Method: "pay", Parameters: []string{"org.x.Bill", "long"}},
		Args: []event.Arg{{From: "data"}, {Const: json.Number("5")}}, Reply: &event.Reply{Type: "paid", Source: "/bank"},
	})
	w := post(e, `{"sum":12.5,"n":3}`, "ce-specversion: 1.0", "ce-id: 1", "ce-source: /s", "ce-type: bill", "sw8: 1-abc")
	if w.Code != 200 || w.Body.String() != `{"no":7}` || w.Header().Get("Ce-Source") != "/bank" {
		t.Fatal(w.Code, w.Body, w.Header())
	}
	want := []any{"pay", []string{"org.x.Bill", "long"}, []any{map[any]any{"sum": 12.5, "n": int32(3)}, int32(5)}}
	if d := cmp.Diff(want, got.Args); d != "" || got.Method != "$invoke" || got.Service.String() != "org.x.Bank:1.0" || got.Attachments.Get("generic") != "true" || got.Attachments.Get("sw8") != "1-abc" {
		t.Errorf("%s%+v", d, got)
	}
}
