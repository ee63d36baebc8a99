package cebind_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/go-cmp/cmp"

	"github.com/dubbofn/dubbofn/internal/cebind"
)

func order(t testing.TB) event.Event {
	t.Helper()
	e := event.New()
	e.SetID("1-ä 100%")
	e.SetSource("/shop/berlin")
	e.SetType("org.example.order.placed")
	e.SetSubject(`say "hi" €😀`)
	e.SetTime(time.Date(2026, 3, 4, 5, 6, 7, 8000, time.UTC))
	e.SetDataSchema("https://example.org/schema")
	e.SetExtension("partitionkey", "k1")
	e.SetExtension("sequence", int32(7))
	if err := e.SetData("application/json", map[string]any{"n": 1}); err != nil {
		t.Fatal(err)
	}
	return e
}

func text(t *testing.T, e event.Event) string {
	t.Helper()
	b, err := e.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestAnEventComesBackAsItWasWritten(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]cebind.Style{"nats": cebind.NATS, "kafka": cebind.Kafka} {
		e := order(t)
		headers, body := s.Write(e)
		got, err := s.Read(headers, body)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		e.SetExtension("sequence", "7") // an extension's type is not in a header
		if d := cmp.Diff(text(t, e), text(t, got)); d != "" {
			t.Errorf("%s, binary: %s", name, d)
		}
		headers, body, err = cebind.WriteJSON(e)
		if err != nil {
			t.Fatal(err)
		}
		if got, err = s.Read(headers, body); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(text(t, e), text(t, got)); d != "" {
			t.Errorf("%s, structured: %s", name, d)
		}
		if got, err = s.Read(nil, body); err != nil || got.ID() != e.ID() {
			t.Errorf("%s, structured without a content type: %v, %v", name, got, err)
		}
	}
}

func TestHeadersAreWrittenAsTheBindingsWantThem(t *testing.T) {
	t.Parallel()
	find := func(hs []cebind.Header, name string) string {
		for _, h := range hs {
			if h.Name == name {
				return h.Value
			}
		}
		return "(none)"
	}
	nats, _ := cebind.NATS.Write(order(t))
	kafka, _ := cebind.Kafka.Write(order(t))
	got := []string{
		find(nats, "ce-subject"), find(nats, "ce-datacontenttype"), find(nats, "ce-time"),
		find(kafka, "ce_subject"), find(kafka, "content-type"), find(kafka, "ce_datacontenttype"), find(kafka, "ce_partitionkey"),
	}
	want := []string{
		"say%20%22hi%22%20%E2%82%AC%F0%9F%98%80", "application/json", "2026-03-04T05:06:07.000008Z",
		`say "hi" €😀`, "application/json", "(none)", "k1",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestWhatIsNoEventIsRefusedWithTheReason(t *testing.T) {
	t.Parallel()
	with := func(kv ...string) []cebind.Header {
		h := []cebind.Header{{Name: "ce-specversion", Value: "1.0"}, {Name: "ce-id", Value: "1"}, {Name: "ce-source", Value: "/s"}, {Name: "ce-type", Value: "t"}}
		for i := 0; i < len(kv); i += 2 {
			h = append(h, cebind.Header{Name: kv[i], Value: kv[i+1]})
		}
		return h
	}
	many := make([]string, 0, 1000)
	for i := range 500 {
		many = append(many, fmt.Sprintf("ce-x%d", i), "1")
	}
	for name, c := range map[string]struct {
		headers []cebind.Header
		body    string
		want    string
	}{
		"nothing":            {nil, "", "neither attributes"},
		"text":               {nil, "hello", "neither attributes"},
		"not an event":       {nil, `{"a":1}`, "specversion"},
		"half an event":      {nil, `{"specversion":"1.0","id":"1"`, "read event"},
		"no id":              {nil, `{"specversion":"1.0","source":"/s","type":"t"}`, "id"},
		"a batch":            {with("content-type", "application/cloudevents-batch+json"), "[]", "batch"},
		"another format":     {with("content-type", "application/cloudevents+avro"), "x", "avro"},
		"no version":         {with()[1:], `{"n":1}`, "no ce-specversion"},
		"unknown version":    {with("CE-specversion", "2.0"), "", "specversion"},
		"bad time":           {with("ce-time", "yesterday"), "", "RFC 3339"},
		"bad name":           {with("ce-bad_name", "1"), "", "bad_name"},
		"not UTF-8":          {with("ce-x", "%C0%A0"), "", "UTF-8"},
		"too many":           {with(many...), "", "256"},
		"a very long value":  {with("ce-x", strings.Repeat("a", 1<<20)), "", "limit"},
		"an empty id":        {with("ce-id", ""), "", "id"},
		"data as attributes": {with("ce-data", "x"), "", "body"},
	} {
		_, err := cebind.NATS.Read(c.headers, []byte(c.body))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want something of %q", name, err, c.want)
		}
	}
}

func FuzzRead(f *testing.F) {
	headers, body, _ := cebind.WriteJSON(order(f))
	f.Add("content-type", headers[0].Value, "", "", body)
	f.Add("ce-specversion", "1.0", "ce-id", `"a\"%zz%41"`, []byte("x"))
	f.Add("ce_specversion", "1.0", "ce_time", "2026-01-01T00:00:00Z", []byte("x"))
	f.Fuzz(func(t *testing.T, n1, v1, n2, v2 string, body []byte) {
		hs := []cebind.Header{{Name: n1, Value: v1}, {Name: n2, Value: v2}, {Name: "ce-id", Value: "1"}, {Name: "ce_source", Value: "/"}, {Name: "ce-source", Value: "/"}, {Name: "ce-type", Value: "t"}}
		for _, s := range []cebind.Style{cebind.NATS, cebind.Kafka} {
			e, err := s.Read(hs, body)
			if err != nil {
				continue
			}
			h, b := s.Write(e)
			again, err := s.Read(h, b)
			if err != nil {
				t.Fatalf("%v of what was written for %v", err, e)
			}
			if again.ID() != e.ID() || again.Source() != e.Source() || again.Subject() != e.Subject() || string(again.Data()) != string(e.Data()) {
				t.Fatalf("wrote %v, read %v", e, again)
			}
		}
	})
}
