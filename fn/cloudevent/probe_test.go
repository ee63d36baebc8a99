package cloudevent

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/dubbofn/dubbofn/fn/event"
)

// What good, odd and malformed requests are answered with: as Knative's delivery contract wants it, for which 4xx apart from 404, 408, 409 and 429
// is final, and anything else is sent again.
func TestRequestsAreAnsweredAsKnativeWantsIt(t *testing.T) {
	t.Parallel()
	tick := []string{"ce-specversion: 1.0", "ce-id: 1", "ce-source: /s", "ce-type: lab.tick"}
	structured := "content-type: application/cloudevents+json"
	batched := "content-type: application/cloudevents-batch+json"
	with := func(more ...string) []string { return append(append([]string(nil), tick...), more...) }
	for name, c := range map[string]struct {
		body    string
		headers []string
		status  int
		text    string
	}{
		"binary":                {`{"n":1}`, with("content-type: application/json"), 202, ""},
		"binary, no data":       {"", tick, 202, ""},
		"no rule":               {"", []string{"ce-specversion: 1.0", "ce-id: 1", "ce-source: /s", "ce-type: other"}, 400, `type "other"`},
		"structured":            {`{"specversion":"1.0","id":"1","source":"/s","type":"lab.tick","data":{"n":1}}`, []string{structured}, 202, ""},
		"structured, charset":   {`{"specversion":"1.0","id":"1","source":"/s","type":"lab.tick"}`, []string{structured + "; charset=utf-8"}, 202, ""},
		"structured, bad JSON":  {`{"specversion":"1.0",`, []string{structured}, 400, "read event"},
		"structured, no id":     {`{"specversion":"1.0","source":"/s","type":"lab.tick"}`, []string{structured}, 400, "id"},
		"data and base64":       {`{"specversion":"1.0","id":"1","source":"/s","type":"lab.tick","data":1,"data_base64":"AQ=="}`, []string{structured}, 400, "data_base64"},
		"structured and binary": {`{"specversion":"1.0","id":"2","source":"/s","type":"lab.tick"}`, with(structured), 202, ""},
		"another format":        {`<event/>`, []string{"content-type: application/cloudevents+xml"}, 400, "content type"},
		"batch":                 {`[{"specversion":"1.0","id":"1","source":"/s","type":"lab.tick"},{"specversion":"1.0","id":"2","source":"/s","type":"lab.tick"}]`, []string{batched}, 202, ""},
		"batch, no array":       {`{}`, []string{batched}, 400, "array"},
		"no event":              {`{"n":1}`, []string{"content-type: application/json"}, 400, "read event"},
		"missing id":            {"", []string{"ce-specversion: 1.0", "ce-source: /s", "ce-type: lab.tick"}, 400, "id"},
		"empty id":              {"", []string{"ce-specversion: 1.0", "ce-id:", "ce-source: /s", "ce-type: lab.tick"}, 400, "id"},
		"missing source":        {"", []string{"ce-specversion: 1.0", "ce-id: 1", "ce-type: lab.tick"}, 400, "source"},
		"missing specversion":   {"", []string{"ce-id: 1", "ce-source: /s", "ce-type: lab.tick"}, 400, "read event"},
		"specversion 2.0":       {"", []string{"ce-specversion: 2.0", "ce-id: 1", "ce-source: /s", "ce-type: lab.tick"}, 400, "2.0"},
		"specversion 0.3":       {"", []string{"ce-specversion: 0.3", "ce-id: 1", "ce-source: /s", "ce-type: lab.tick"}, 202, ""},
		"bad time":              {"", with("ce-time: yesterday"), 400, "time"},
		"bad extension":         {"", with("ce-bad_name: x"), 400, "bad_name"},
		"percent":               {"", with("ce-subject: Euro%20%E2%82%AC"), 202, ""},
		"percent, no UTF-8":     {"", with("ce-subject: %FF"), 400, "UTF-8"},
		"a header twice":        {"", with("ce-subject: a", "ce-subject: b"), 400, "2 times"},
		"data that is no JSON":  {`{"n":`, with("content-type: application/json"), 400, "data is no JSON"},
		"two values":            {`1 2`, with("content-type: application/json"), 400, "more behind"},
		"text":                  {"hello", with("content-type: text/plain"), 202, ""},
		"no content type":       {"no type", with("content-type: ; ;"), 400, "datacontenttype"},
		"too large":             {strings.Repeat("x", 1<<20+1), tick, 413, "limit"},
		"many extensions":       {"", append(with(), many(1000)...), 400, "attributes"},
		"data that doesn't fit": {`{"order":{"items":"none"}}`, []string{"ce-specversion: 1.0", "ce-id: 1", "ce-source: /s", "ce-type: order.placed", "content-type: application/json"}, 400, "argument 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var s shop
			w := post(s.open(t, nil), c.body, c.headers...)
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.text) || w.Body.Len() > maxErrorBytes {
				t.Errorf("%d %q, want %d and %q", w.Code, w.Body, c.status, c.text)
			}
			if ran := len(s.all()) > 0; ran != (c.status < 300) {
				t.Errorf("calls: %v", s.all())
			}
		})
	}
}

func many(n int) (headers []string) {
	for i := range n {
		headers = append(headers, "ce-x"+strconv.Itoa(i)+": v")
	}
	return headers
}

func TestOtherMethodsAreToldWhatIsTaken(t *testing.T) {
	t.Parallel()
	var s shop
	e := s.open(t, func(c *Config, _ *event.Host) { c.Origins = "a.example.com, b.example.com" })
	if w := send(e, http.MethodGet, ""); w.Code != 405 || w.Header().Get("Allow") != "POST, OPTIONS" {
		t.Error(w.Code, w.Header())
	}
	if w := send(e, http.MethodOptions, "", "WebHook-Request-Origin: B.example.com"); w.Code != 200 || w.Header().Get("Webhook-Allowed-Origin") != "B.example.com" || w.Header().Get("Webhook-Allowed-Rate") == "" || w.Header().Get("Allow") != "POST, OPTIONS" {
		t.Error(w.Code, w.Header())
	}
	if w := send(e, http.MethodOptions, "", "WebHook-Request-Origin: c.example.com"); w.Code != 403 || w.Header().Get("Webhook-Allowed-Origin") != "" {
		t.Error(w.Code, w.Header())
	}
}

func TestWithATokenOnlyThoseWhoShowItMaySend(t *testing.T) {
	t.Parallel()
	var s shop
	e := s.open(t, func(c *Config, _ *event.Host) { c.Token = "secret" })
	tick := []string{"ce-specversion: 1.0", "ce-id: 1", "ce-source: /s", "ce-type: lab.tick"}
	for shown, status := range map[string]int{"": 401, "Authorization: Bearer other": 401, "Authorization: secret": 401} {
		if w := post(e, "", append(tick, shown)...); w.Code != status {
			t.Errorf("%q: %d", shown, w.Code)
		}
	}
	if w := post(e, "", append(tick, "Authorization: Bearer secret")...); w.Code != 202 || len(s.all()) != 1 {
		t.Error(w.Code, s.all())
	}
}
