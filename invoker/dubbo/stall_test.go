package dubbo

import (
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// TestConnTakesNoCallsBehindAnAnswerThatIsStuck is about a provider that sends half an answer and keeps the connection open.
func TestConnTakesNoCallsBehindAnAnswerThatIsStuck(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		near, end := net.Pipe()
		c, far := NewConn(near, ConnConfig{}), &peer{t, end}
		done := start(c, invocation("get"))
		h, _ := far.read()
		whole := response(t, h.id, withValue, "long")
		far.write(whole[:len(whole)-2])
		if !c.Available() {
			t.Error("an answer that has just begun keeps calls away")
		}
		time.Sleep(8 * time.Second)
		if c.Available() {
			t.Error("after 8 s with half an answer calls still go this way")
		}
		far.write(whole[len(whole)-2:])
		if o := <-done; o.err != nil || o.res.Value != "long" {
			t.Errorf("got %+v", o)
		}
		time.Sleep(4 * time.Second)
		if !c.Available() {
			t.Error("it is not available again after the rest has come")
		}
		_ = end.Close()
		_ = c.Close()
	})
}
