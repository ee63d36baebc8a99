package activator

import (
	"errors"
	"net"
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

// A port that could not be had, since it was being closed or was another's, is tried again though the source says nothing new.
func TestAPortThatCouldNotBeHadIsTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		tries := 0
		a, _ := activate(t, n, &listed{all: []Function{
			offering(t, "a", "first", "http://greet", fn.Version("1.0.0")), offering(t, "b", "second", "http://greet", fn.Version("1.0.0")),
		}}, func(c *Config) {
			listen := c.Listen
			c.Ports, c.Listen = []int{20901}, func(port int) (net.Listener, error) {
				if tries++; tries < 3 {
					return nil, errors.New("address already in use")
				}
				return listen(port)
			}
		})
		if got := functionsOf(a)["b"].Fault; !strings.Contains(got, "address already in use") {
			t.Errorf("at first: %q", got)
		}
		time.Sleep(3 * portRetry)
		if got := functionsOf(a)["b"]; got.Port != 20901 || got.Fault != "" || tries != 3 {
			t.Errorf("afterwards, after %d tries: %+v", tries, got)
		}
	})
}

// The one that has the only port of its own goes at the moment when another needs one.
func TestAPortThatIsBeingLeftIsTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		first, second, third := offering(t, "a", "first", "http://greet", fn.Version("1.0.0")), offering(t, "b", "second", "http://greet", fn.Version("1.0.0")), offering(t, "c", "third", "http://greet", fn.Version("1.0.0"))
		src := &listed{all: []Function{first, second}}
		a, _ := activate(t, newNetwork(), src, func(c *Config) { c.Ports = []int{20901} })
		src.set(first, third)
		if got := functionsOf(a)["c"].Fault; got == "" {
			t.Error("at first: it is served")
		}
		time.Sleep(3 * portRetry)
		if got := functionsOf(a)["c"]; got.Port != 20901 || got.Fault != "" {
			t.Errorf("afterwards: %+v", got)
		}
	})
}
