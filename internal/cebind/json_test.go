package cebind_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/go-cmp/cmp"

	"github.com/dubbofn/dubbofn/internal/cebind"
)

// with makes an event's JSON out of the members that it needs and more.
func with(more string) string {
	return `{"specversion":"1.0","id":"1","source":"/s","type":"t"` + more + `}`
}

func TestJSONThatIsNoEventIsRefused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"specversion":"1.0",`:                                             "not JSON",
		with("") + `{}`:                                                     "more behind",
		with("") + ` x`:                                                     "more behind",
		with(`,"id":"2"`):                                                   `"id" stands twice`,
		with(`,"":1`):                                                       "want a name",
		with(`,"data":1,"data_base64":"AQ=="`):                              "both",
		with(`,"data":null,"data_base64":"AQ=="`):                           "both",
		with(`,"data_base64":1`):                                            "want a JSON string", // the SDK panics
		with(`,"data_base64":"!"`):                                          "base64",
		with(`,"datacontenttype":"text/plain","data":{}`):                   "want a JSON string",
		with(`,"time":"yesterday"`):                                         "RFC 3339",
		with(`,"time":7`):                                                   "want a string",
		with(`,"subject":true`):                                             "want a string",
		with(`,"bad_name":"x"`):                                             "bad_name",
		with(`,"BadName":"x"`):                                              "small letters",
		with(`,"x":{"a":1}`):                                                "not a list",
		with(`,"x":[` + strings.Repeat("1,", 1<<20) + `1]`):                 "limit",
		with(`,"x":"` + strings.Repeat("a", 1<<17) + `"`):                   "limit",
		with(`,"data":` + strings.Repeat("[", 1<<20)):                       "not JSON",
		`{"specversion":"1.0","id":"","source":"/s","type":"t"}`:            "id",
		`{"specversion":"1.0","id":7,"source":"/s","type":"t"}`:             "id",
		`{"specversion":"1.0","source":"/s","type":"t"}`:                    "id",
		"{\"specversion\":\"1.0\",\"id\":\"\xff\"}":                         "UTF-8",
		`{"specversion":1.0,"id":"1"}`:                                      "specversion",
		`{"specversion":"2.0","id":"1"}`:                                    "specversion",
		`{"id":"1","source":"/s","type":"t"}`:                               "no specversion",
		`{"specversion":"0.3","id":"1","data_base64":"AQ=="}`:               "1.0",
		`{"specversion":"0.3","id":"1","datacontentencoding":"x","data":1}`: "base64",
		`[]`: "neither",
		``:   "neither",
	} {
		_, err := cebind.ReadJSON([]byte(text))
		if err == nil || !strings.Contains(err.Error(), want) || len(err.Error()) > 500 {
			t.Errorf("%.100s: %.600v, want %s", text, err, want)
		}
	}
	var many strings.Builder
	for i := range 3000 {
		many.WriteString(`,"x`)
		many.WriteString(strings.Repeat("x", i%20))
		many.WriteString(json.Number(string(rune('0' + i%10))).String())
		many.WriteString(strings.Repeat("y", i/20))
		many.WriteString(`":1`)
	}
	if _, err := cebind.ReadJSON([]byte(with(many.String()))); err == nil || !strings.Contains(err.Error(), "256") {
		t.Error(err)
	}
}

func TestEventsInJSONAreReadAsTheSDKReadsThem(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		with(""),
		with(`,"data":{"n":[1,2]}`),
		with(`,"data":"text"`),
		with(`,"data":7`),
		with(`,"data":null`),
		with(`,"datacontenttype":"text/plain","data":"a\"\u00e4"`),
		with(`,"data":"a","datacontenttype":"text/plain"`),
		with(`,"datacontenttype":"application/octet-stream","data_base64":"AQID"`),
		with(`,"data_base64":"AQID"`),
		with(`,"subject":"s","dataschema":"http://x/y","time":"2026-01-02T03:04:05.678Z"`),
		with(`,"subject":null,"time":null,"x":null`),
		with(`,"x":"1","y":2,"z":true`),
		`{"data":{"a":1},"x":"1","type":"t","source":"/s","id":"1","specversion":"1.0"}`,
		`{"specversion":"0.3","id":"1","source":"/s","type":"t","schemaurl":"http://x/y","datacontenttype":"application/json","data":{}}`,
	} {
		got, err := cebind.ReadJSON([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		var want event.Event
		if err := want.UnmarshalJSON([]byte(text)); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if d := cmp.Diff(want.String(), got.String()); d != "" || string(want.Data()) != string(got.Data()) {
			t.Errorf("%s: %s%q, %q", text, d, want.Data(), got.Data())
		}
	}
}

func TestWhatTheSDKReadsWrongIsReadRight(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		with(`,"datacontenttype":"Application/JSON","data":{"a":1}`):                                           `{"a":1}`,
		with(`,"datacontenttype":"application/vnd.x+json","data":[]`):                                          "[]",
		with(`,"data_base64":"AQ\u003d\u003d"`):                                                                "\x01",
		`{"specversion":"0.3","id":"1","source":"/s","type":"t","datacontentencoding":"base64","data":"aGk="}`: "hi",
	} {
		e, err := cebind.ReadJSON([]byte(text))
		if err != nil || string(e.Data()) != want {
			t.Errorf("%s: %q, %v", text, e.Data(), err)
		}
	}
	e, err := cebind.ReadJSON([]byte(with(`,"n":99999999999,"f":1.50`)))
	if n, _ := cebind.Attribute(e, "n"); err != nil || n != "99999999999" {
		t.Error(n, err)
	}
	if f, _ := cebind.Attribute(e, "f"); f != "1.50" {
		t.Error(f)
	}
}

func FuzzReadJSON(f *testing.F) {
	for _, s := range []string{with(""), with(`,"data":{"a":1},"x":1`), with(`,"data_base64":"AQ=="`), with(`,"data_base64":1`), `{"specversion":"0.3","datacontentencoding":"base64","data":"aGk="}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := cebind.ReadJSON(body)
		if err != nil {
			if len(err.Error()) > 1000 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
			return
		}
		_, text, err := cebind.WriteJSON(e)
		if err != nil {
			t.Fatalf("%v of what was read: %s", err, body)
		}
		again, err := cebind.ReadJSON(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if _, second, err := cebind.WriteJSON(again); err != nil || string(second) != string(text) || len(again.Data()) > len(e.Data())*6 {
			t.Errorf("%s\n%s\n%s", body, text, second)
		}
	})
}

func TestEventsInJSONAreWrittenSoThatTheyAreReadAsTheyWere(t *testing.T) {
	t.Parallel()
	for want, data := range map[string]struct {
		contentType, data string
		binary            bool
	}{
		`"data":{"a":1}`:                 {"application/json", `{"a": 1}`, false},
		`"data":[1]`:                     {"application/vnd.x+json", `[1]`, false},
		`"data":"a\"b"`:                  {"text/plain", `a"b`, false},
		`"data_base64":"AQI="`:           {"application/octet-stream", "\x01\x02", true},
		`"data_base64":"/w=="`:           {"application/octet-stream", "\xff", false},
		`"data_base64":"ew=="`:           {"application/json", `{`, false},
		`"datacontenttype":"text/plain"`: {"text/plain", "", false},
	} {
		e := order(t)
		if err := e.SetData(data.contentType, []byte(data.data)); err != nil {
			t.Fatal(err)
		}
		e.DataBase64 = data.binary
		_, text, err := cebind.WriteJSON(e)
		if err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s, %v, want %s", text, err, want)
		}
		again, err := cebind.ReadJSON(text)
		if err != nil || again.ID() != e.ID() || again.Subject() != e.Subject() || !again.Time().Equal(e.Time()) || again.Extensions()["sequence"] != int32(7) ||
			strings.ReplaceAll(string(again.Data()), " ", "") != strings.ReplaceAll(data.data, " ", "") {
			t.Errorf("%s became %s, %v", text, again, err)
		}
	}
}
