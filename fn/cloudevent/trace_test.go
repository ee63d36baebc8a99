package cloudevent

import (
	"context"
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dubbofn/dubbofn/fn/event"
	"github.com/dubbofn/dubbofn/internal/tracetest"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/tracing"
)

const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

func TestAnEventsTraceGoesOnInItsCallAndItsReply(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		headers       []string
		trace, parent string
		tags          map[string]string
	}{
		"nothing":               {nil, "trace-of-1", "", map[string]string{}},
		"a header":              {[]string{"sw8: h/1"}, "h", "1", map[string]string{}},
		"an extension":          {[]string{"ce-sw8: x/2"}, "x", "2", map[string]string{}},
		"both":                  {[]string{"sw8: h/1", "ce-sw8: x/2"}, "h", "1", map[string]string{"cloudevents.sw8": "x/2"}},
		"another backend's too": {[]string{"ce-sw8: x/2", "ce-traceparent: " + parent}, "x", "2", map[string]string{"traceparent": parent}},
	} {
		var s shop
		var spans tracetest.Recorder
		var attachments map[string]string
		e := s.open(t, func(_ *Config, h *event.Host) {
			h.Tracer = &spans
			local := h.Local
			h.Local = invoker.Func(func(ctx context.Context, inv *invoker.Invocation) (invoker.Result, error) {
				attachments = map[string]string{}
				for key, v := range inv.Attachments.All() {
					attachments[key], _ = v.(string)
				}
				return tracing.Provider(&spans, nil)(local).Invoke(ctx, inv)
			})
		})
		body, headers := orderEvent("1", "a")
		w := post(e, body, append(headers, c.headers...)...)
		if w.Code != 200 {
			t.Fatalf("%s: %d %s", name, w.Code, w.Body)
		}
		all := spans.Spans()
		if len(all) != 3 || spans.Open() != 0 {
			t.Fatalf("%s: %d spans, %d open", name, len(all), spans.Open())
		}
		entry, method, reply := all[0], all[1], all[2]
		tags := map[string]string{"cloudevents.id": "1", "cloudevents.source": "/web", "cloudevents.type": "order.placed", "http.method": "POST", "status_code": "200", "dubbofn.rule": "place"}
		maps.Copy(tags, c.tags)
		if d := cmp.Diff(tags, entry.Tags); d != "" {
			t.Errorf("%s: %s", name, d)
		}
		if entry.Kind != tracing.Entry || entry.Name != "CloudEvents/order.placed" || entry.Layer != tracing.LayerHTTP || entry.Component != 5004 || entry.Trace != c.trace || entry.Parent != c.parent {
			t.Errorf("%s: entry %+v", name, entry)
		}
		if method.Kind != tracing.Local || method.Name != "org.example.Shop.place(Order,String)" || method.Parent != entry.ID {
			t.Errorf("%s: method %+v", name, method)
		}
		if reply.Kind != tracing.Exit || reply.Parent != entry.ID || w.Header().Get("Ce-Sw8") != c.trace+"/"+reply.ID {
			t.Errorf("%s: reply %+v, %v", name, reply, w.Header())
		}
		if got := w.Header().Get("Ce-Traceparent"); got != c.tags["traceparent"] || attachments["traceparent"] != got {
			t.Errorf("%s: traceparent %q in the reply, %q in the call", name, got, attachments["traceparent"])
		}
	}
}

func TestSpansOfEventsHaveNamesThatRulesGive(t *testing.T) {
	t.Parallel()
	var s shop
	var spans tracetest.Recorder
	e := s.open(t, func(_ *Config, h *event.Host) { h.Tracer = &spans })
	for _, typ := range []string{"lab.a", "lab.b", "nobodys"} { // a rule for lab.* names none of them
		post(e, "", "ce-specversion: 1.0", "ce-id: "+typ, "ce-source: /s", "ce-type: "+typ)
	}
	for _, x := range spans.Spans() {
		if x.Name != "CloudEvents/other" || x.Tags["status_code"] == "400" != (x.Err != nil) {
			t.Errorf("%+v", x)
		}
	}
	if n := len(spans.Spans()); n != 3 {
		t.Errorf("%d spans", n)
	}
}
