package cloudevent

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/dubbofn/dubbofn/fn/event"
	"github.com/dubbofn/dubbofn/internal/cebind"
)

// FuzzRequest sends anything as an event: every answer is one of those that are documented, and what is taken is read the same when it is read again.
func FuzzRequest(f *testing.F) {
	f.Add("application/cloudevents+json", "1.0", "1", "lab.tick", "x: y", []byte(`{"specversion":"1.0","id":"1","source":"/s","type":"lab.tick","data":{"n":1}}`))
	f.Add("application/cloudevents-batch+json", "", "", "", "", []byte(`[{"specversion":"1.0","id":"1","source":"/s","type":"lab.tick"}, {}]`))
	f.Add("application/json", "1.0", "1", "order.placed", "subject: %E2%82%AC", []byte(`{"order":{"id":"a"}}`))
	f.Add("application/x-hessian", "1.0", "1", "lab.tick", "subject: \"a\\\"\"", []byte{'H', 'Z'})
	f.Add("text/plain", "0.3", "1", "lab.tick", "time: now", []byte{0xff})
	var s shop
	e := s.open(f, func(c *Config, _ *event.Host) { c.SeenFor = 1 })
	f.Fuzz(func(t *testing.T, contentType, version, id, typ, extra string, body []byte) {
		h := http.Header{"Content-Type": {contentType}}
		for name, v := range map[string]string{"Ce-Specversion": version, "Ce-Id": id, "Ce-Type": typ, "Ce-Source": "/fuzz"} {
			if v != "" {
				h[name] = []string{v}
			}
		}
		if name, v, ok := strings.Cut(extra, ":"); ok {
			h["Ce-"+name] = []string{strings.TrimSpace(v)}
		}
		lines := []string{}
		for name, v := range h {
			lines = append(lines, name+": "+v[0])
		}
		w := post(e, string(body), lines...)
		switch w.Code {
		case 200, 202, 400, 409, 413, 422, 429, 503, 504:
		default:
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		if w.Code >= 300 && w.Body.Len() > maxErrorBytes {
			t.Errorf("an error of %d bytes", w.Body.Len())
		}
		ev, err := read(h, body)
		if err != nil {
			return
		}
		_, text, err := cebind.WriteJSON(ev)
		if err != nil {
			return // data that claims to be base64 and is none
		}
		again, err := read(http.Header{"Content-Type": {"application/cloudevents+json"}}, text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if _, second, err := cebind.WriteJSON(again); err != nil || string(second) != string(text) {
			t.Errorf("%s\n%s, %v", text, second, err)
		}
	})
}

// FuzzRules checks anything as rules: they are refused or can be followed.
func FuzzRules(f *testing.F) {
	f.Add(`{rules: [{on: {type: a, cesql: "EXISTS x"}, call: {service: org.example.Shop, method: tick}, args: [data.a]}]}`)
	f.Add("rules:\n- on: {source: '*'}\n  call: {service: org.example.Shop, method: place, parameters: [org.example.Order, java.lang.String]}\n  args: [data, {const: x}]\n")
	f.Add(`[{"on":{"cesql":"type ="},"call":{"service":"org.example.Shop","method":"tick"}}]`)
	var s shop
	h := hostOf(s.set(f))
	ev, err := read(http.Header{"Ce-Specversion": {"1.0"}, "Ce-Id": {"1"}, "Ce-Source": {"/s"}, "Ce-Type": {"t"}}, []byte(`{"a":[1]}`))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 2000 || strings.HasPrefix(strings.TrimSpace(text), "/") { // no files
			return
		}
		if strings.TrimSpace(text) == "" {
			return
		}
		asJSON, err := yamlToJSON([]byte(strings.TrimSpace(text)))
		if err != nil {
			return
		}
		rules, err := event.ParseRules(asJSON)
		if err != nil {
			return
		}
		all, faults := compile(rules, h)
		if len(faults) > 0 {
			return
		}
		if r := match(all, incomingOf(&ev)); r != nil {
			inv, err := r.invocation(&document{e: incomingOf(&ev), host: h})
			if err == nil && len(inv.Args) != len(r.method.Parameters) {
				t.Errorf("%d arguments", len(inv.Args))
			}
		}
		if _, err := json.Marshal(rules); err != nil {
			t.Error(err)
		}
	})
}
