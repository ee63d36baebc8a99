package cloudevent

import (
	"testing"

	sdk "github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/go-cmp/cmp"

	"github.com/dubbofn/dubbofn/internal/cebind"
)

func replied(t testing.TB) outcome {
	t.Helper()
	e := sdk.New()
	e.SetID("1")
	e.SetSource("/a")
	e.SetType("t")
	e.SetSubject("ä \"b\" %")
	e.SetExtension("dubbofnttl", "3")
	if err := e.SetData(sdk.ApplicationJSON, map[string]any{"n": 1}); err != nil {
		t.Fatal(err)
	}
	return outcome{status: 200, reason: "", reply: &reply{whole: &e}}
}

func TestARecordComesBackAsItWas(t *testing.T) {
	t.Parallel()
	for _, o := range []outcome{{status: 422, reason: "sold out"}, {status: 202}, replied(t)} {
		got, err := parseRecord(recordOf(&o))
		if err != nil || got.status != o.status || got.reason != o.reason || (got.reply == nil) != (o.reply == nil) {
			t.Fatalf("%+v became %+v, %v", o, got, err)
		}
		if o.reply == nil {
			continue
		}
		_, want, err := cebind.WriteJSON(*o.reply.whole)
		if err != nil {
			t.Fatal(err)
		}
		_, text, err := cebind.WriteJSON(*got.reply.whole)
		if d := cmp.Diff(string(want), string(text)); d != "" || err != nil {
			t.Error(d, err)
		}
	}
	for _, gone := range [][]byte{nil, {}, {2, 200}, []byte(`{"s":200}`), {recordForm}, {recordForm, 200, 1, 9}} {
		if o := recall(gone); o.status != 200 || o.reply != nil || o.word != wordDuplicate {
			t.Errorf("%q: %+v", gone, o)
		}
	}
}

func FuzzRecord(f *testing.F) {
	f.Add(recordOf(&outcome{status: 422, reason: "sold out"}))
	o := replied(f)
	f.Add(recordOf(&o))
	f.Add([]byte{recordForm, 200, 1, 0, 255, 255, 255, 255, 15})
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := parseRecord(b)
		if err != nil {
			return
		}
		again, err := parseRecord(recordOf(&o))
		if err != nil || again.status != o.status || again.reason != o.reason {
			t.Errorf("%+v became %+v, %v", o, again, err)
		}
	})
}
