package cloudevent

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dubbofn/dubbofn/internal/cebind"
)

// asTheSDK checks that an event which was taken from the headers as it stands is what the SDK's reader makes of it.
func asTheSDK(t *testing.T, h http.Header, body []byte) (plain bool) {
	t.Helper()
	in := &incoming{data: body, headers: h}
	if !in.plain() {
		return false
	}
	ev, err := read(h, body)
	if err != nil {
		t.Fatalf("%v was taken, and is none: %v", h, err)
	}
	of := incomingOf(&ev)
	names := []string{"id", "source", "type", "subject", "datacontenttype", "dataschema", "sw8", "other"}
	for name := range h {
		if short, ok := strings.CutPrefix(strings.ToLower(name), "ce-"); ok && short != "time" && short != "specversion" {
			names = append(names, short)
		}
	}
	got, want := map[string]string{"data": string(in.data)}, map[string]string{"data": string(of.data)}
	for _, name := range names {
		if v, ok := in.attribute(name); ok {
			got[name] = v
		}
		if v, ok := cebind.Attribute(ev, name); ok {
			want[name] = v
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%v (-SDK +plain):\n%s", h, d)
	}
	if keyOf(in) != keyOf(of) {
		t.Errorf("%v: another key than the SDK's", h)
	}
	return true
}

func TestWhatIsPlainIsReadAsTheSDKReadsIt(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, value string
		plain       bool
	}{
		{"Ce-Subject", "eu/1:2", true},
		{"Ce-Subject", "%E2%82%AC", false},
		{"Ce-Subject", `"a"`, false},
		{"Ce-Subject", "", false},
		{"Ce-Subject", "a b", false},
		{"Ce-Time", "2026-01-02T03:04:05.6Z", true},
		{"Ce-Time", "now", false},
		{"Ce-Source", "https://example.org/a/b", true},
		{"Ce-Source", "https://", false},
		{"Ce-Source", "//a", false},
		{"Ce-Source", "a:b", false},
		{"Ce-Source", "/a#b", false},
		{"Ce-Source", "orders", true},
		{"Ce-Dataschema", "https://example.org/s", false},
		{"Ce-Datacontenttype", "text/plain", false},
		{"Ce-Data", "x", false},
		{"Ce-Data_base64", "x", false},
		{"Ce-Schemaurl", "/a", false},
		{"Ce-Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", true},
		{"Ce-A-B", "x", false},
		{"Ce-", "x", false},
		{"ce-id", "2", false},
		{"Ce-TimE", "0", false},
		{"Ce-2nd", "x", true},
		{"content-type", "text/plain", false},
		{"Content-Type", "application/JSON", false},
		{"Content-Type", "application/json", true},
		{"Ce-Specversion", "0.3", false},
		{"Ce-Other", strings.Repeat("a", maxPlainBytes+1), false},
	} {
		h := http.Header{"Ce-Specversion": {"1.0"}, "Ce-Id": {"1"}, "Ce-Source": {"/s"}, "Ce-Type": {"t"}}
		h[tc.name] = []string{tc.value}
		if got := asTheSDK(t, h, []byte(`{}`)); got != tc.plain {
			t.Errorf("%s: %.40q: plain %v, want %v", tc.name, tc.value, got, tc.plain)
		}
	}
}

// FuzzPlain looks for an event that is taken as it stands and that the SDK's reader refuses, or reads in another way.
func FuzzPlain(f *testing.F) {
	f.Add("1.0", "1", "/s", "t", "Ce-Time", "2026-01-02T03:04:05Z", "application/json", []byte(`{}`))
	f.Add("1.0", "0", "0", "0", "Ce-TimE", "0", "", []byte("0"))
	f.Add("1.0", "1", "https://a/b", "t", "Ce-Sw8", "1-a-b", "", []byte{})
	f.Fuzz(func(t *testing.T, version, id, source, typ, name, value, contentType string, body []byte) {
		h := http.Header{"Ce-Specversion": {version}, "Ce-Id": {id}, "Ce-Source": {source}, "Ce-Type": {typ}}
		if contentType != "" {
			h["Content-Type"] = []string{contentType}
		}
		h[name] = []string{value}
		asTheSDK(t, h, body)
	})
}
