package activator

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dubbofn/dubbofn/fn"
)

// An app that begins to offer what another offers has come second, however old it is: the calls of that one's consumers stay that one's.
func TestANewVersionTakesNoServiceFromItsHolder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		holder := offering(t, "b", "holder", "http://greet", fn.Version("1.0.0"))
		holder.Created = time.Unix(2, 0)
		old := offering(t, "a", "older", "http://greet", fn.Version("2.0.0"))
		old.Created = time.Unix(1, 0)
		grown := offering(t, "a", "older", "http://greet", fn.Version("1.0.0"))
		grown.Created = old.Created
		place, reg := embedded(t, t.TempDir()+"/registry")
		src := &listed{all: []Function{old, holder}}
		a, _ := activate(t, n, src, nil, place)
		before := functionsOf(a)["a"].Revision
		src.set(grown, holder)
		all := functionsOf(a)
		if all["b"].Port != 20880 || all["b"].Fault != "" {
			t.Errorf("the holder: %+v", all["b"])
		}
		if got := all["a"]; got.Revision != before || !strings.Contains(got.Fault, `held by application "holder" on port 20880`) || !strings.Contains(got.Fault, "what was known of it before stays") {
			t.Errorf("the other: %+v", got)
		}
		if len(instances(t, reg, "older")) != 1 {
			t.Error("the other's consumers find nothing any more")
		}
		src.set(grown) // the holder goes
		if got := functionsOf(a)["a"]; got.Revision == before || got.Fault != "" {
			t.Errorf("afterwards: %+v", got)
		}
	})
}

// Names are of files, and may be any bytes.
func TestAFunctionOfAnyNameIsRefusedByIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, _ := activate(t, newNetwork(), &listed{all: []Function{{Name: "gr\xffet.json", Fault: errors.New("it is broken")}}}, nil)
		if got := functionsOf(a)["gr\xffet.json"].Fault; got != "it is broken" {
			t.Errorf("got %q", got)
		}
	})
}
